"""What is measured does not depend on how often values are saved."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from immunesim import Scenario
from immunesim.experiments.measured import curve_measures, measure
from immunesim.experiments.measures import read_measure
from immunesim.experiments.run import run

from tests.toys import K_CLEAR, VOLUME

BOLUS = '[[dose]]\nname = "push"\ntarget = "drug"\namount = "400 pmol"\nat = "2 h"\n'
LEVEL = 400 / VOLUME  # pM, after the bolus
EXACT = {
    "auc(drug)": LEVEL / K_CLEAR,
    "at(drug, '1.9 h')": 0.0,
    "at(drug, '5.5 h')": LEVEL * math.exp(-K_CLEAR * 3.5),
    "max(drug)": LEVEL,
    "time_of_max(drug)": 2.0,
    "first_below(drug, '10 pM', '2 h', '24 h')": 2.0 + math.log(LEVEL / 10) / K_CLEAR,
    "half_life(drug, '3 h', '9 h')": math.log(2) / K_CLEAR,
    "mean(drug, '1 h', '2 h')": 0.0,
}


@pytest.mark.parametrize("every", ["0.1 h", "1 h", "24 h"])
@pytest.mark.parametrize("text", EXACT)
def test_a_measure_is_the_same_on_any_grid(scenario: Callable[..., Scenario], text: str, every: str) -> None:
    asked = scenario(BOLUS, end="24 h", every=every)
    trajectories = {name: each.trajectory for name, each in run(asked, certify=False).arms.items()}
    value = measure(read_measure(text, asked.model, ["main"])[0], asked.model, trajectories).value
    assert value == pytest.approx(EXACT[text], rel=5e-4, abs=1e-6)


SAME_AS = {
    "peak": "max({})",
    "time_of_peak": "time_of_max({})",
    "lowest": "min({})",
    "time_of_lowest": "time_of_min({})",
    "final": "final({})",
    "area": "auc({})",
}


@pytest.mark.parametrize("key", SAME_AS)
def test_what_tables_show_of_a_curve_is_the_measure_of_that_name(scenario: Callable[..., Scenario], key: str) -> None:
    question = scenario(BOLUS + '[initial]\ncells = "3 cells/uL"\n', end="24 h", every="24 h")
    trajectory = run(question, certify=False).arms["main"].trajectory
    names = [*question.model.species, *question.model.observables]
    for name in names:
        formula = read_measure(SAME_AS[key].format(name), question.model, ["main"])[0]
        value = measure(formula, question.model, {"main": trajectory}).value
        assert getattr(curve_measures(question.model, trajectory, name), key) == value, name


def test_the_area_that_tables_show_is_the_closed_form(scenario: Callable[..., Scenario]) -> None:
    question = scenario(BOLUS, end="24 h", every="24 h")
    found = curve_measures(question.model, run(question, certify=False).arms["main"].trajectory, "drug")
    exact = LEVEL / K_CLEAR * (1 - math.exp(-22 * K_CLEAR))
    assert found.area == pytest.approx(exact, rel=2e-5), "trapezia are out by 6e-5"
    assert (found.unit, found.area_unit) == ("pM", "pM*h")
