"""What the evidence rests on: a turned parameter breaks what hangs on it, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from immunesim.experiments import influence as influence_module
from immunesim.experiments.influence import VariedScenario, influence, parameters_behind, scaled_value
from immunesim.experiments.solving import Certify
from immunesim.model.declarations import Parameter
from immunesim.model.units import unit
from immunesim.numerics.trajectory import IMPOSSIBLE, Outcome

DOSE = '[[dose]]\nname = "push"\ntarget = "drug"\namount = "400 pmol"\nat = "2 h"\n[arms.undosed]\nwithout = ["push"]\n'


def expect(id: str, measure: str, bounds: str, more: str = "") -> str:
    head = f'\n[[expect]]\nid = "{id}"\nthat = "so"\nsource = "Toy2020"\nunit = "h"\n'
    return head + f'measure = "{measure}"\n{bounds}\n{more}'


FALLS = expect("falls", "half_life(drug, '3 h', '9 h')", "between = [1.2, 1.6]")  # ln 2 / 0.5 per h is 1.39 h
PEAKS = expect("peaks", "time_of_max(drug)", "between = [1.9, 2.1]")
UNMET = expect("unmet", "time_of_max(drug)", "above = 5")


def test_a_parameter_breaks_what_hangs_on_it(scenario) -> None:
    asked = VariedScenario(scenario(DOSE + FALLS + PEAKS + UNMET))
    assert asked.met == {"falls", "peaks"}
    assert asked.failed_expectations("k_clear", 3.0) == {"falls"}
    assert asked.failed_expectations("k_clear", 1.01) == set()
    assert asked.failed_expectations("k_leave", 3.0) == set()


def test_an_arm_in_which_a_parameter_does_nothing_is_not_simulated_again(
    scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = VariedScenario(scenario(DOSE + FALLS))
    runs = []
    solve_arms = influence_module.solve_arms
    monkeypatch.setattr(influence_module, "solve_arms", lambda *given: runs.append(given) or solve_arms(*given))
    asked.failed_expectations("k_absorb", 3.0)  # nothing is ever in the depot
    assert runs == []
    asked.failed_expectations("k_clear", 3.0)  # nor any drug in the arm without doses
    assert len(runs) == 1


def test_others_are_asked_the_nearest_first_and_only_until_everything_is_broken(
    scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    failed_expectations = VariedScenario.failed_expectations
    monkeypatch.setattr(
        VariedScenario,
        "failed_expectations",
        lambda self, name, *rest: asked.append(name) or failed_expectations(self, name, *rest),
    )
    found = influence(scenario(DOSE + FALLS), ["k_leave"], ["k_absorb", "k_clear"])
    assert found.met == ["falls"]
    assert ("k_clear", 3.0, ["falls"]) in found.effects
    assert asked == ["k_leave", "k_leave", "k_clear", "k_clear"]


def test_the_nearest_parameters_are_those_of_the_curves_own_reactions(scenario) -> None:
    model = scenario(DOSE).model
    assert "k_leave" not in parameters_behind(model, ["drug"])  # cells that leave change nothing of the drug
    found = parameters_behind(model, iter(["cells"]))
    assert found.index("k_leave") < found.index("k_clear")


def test_what_an_arm_breaks_needs_no_parameter(scenario) -> None:
    found = influence(scenario(DOSE + FALLS), [], ["k_clear"])
    assert found.met == ["falls"]
    assert {each.parameter for each in found.effects} == {"k_clear"}
    claim = FALLS + 'breaks_in = ["undosed"]\n'
    assert influence(scenario(DOSE + claim), [], ["k_clear"])[:2] == (["falls"], [])


def test_a_parameter_with_which_a_run_fails_has_no_answer(scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    solve_arms = influence_module.solve_arms

    def fails(scenario, system, arms, certify):
        solved = solve_arms(scenario, system, arms, certify)
        if certify is not Certify.OFF:
            return solved
        ((arm, each),) = solved.arms.items()
        failed = replace(each.trajectory, outcome=Outcome(IMPOSSIBLE, "too stiff"))
        return solved._replace(arms={arm: each._replace(trajectory=failed)})

    monkeypatch.setattr(influence_module, "solve_arms", fails)
    found = influence(scenario(DOSE + FALLS), ["k_clear"], [])
    assert (found.met, found.effects) == (["falls"], [])
    assert found.no_answer == [("k_clear", 1 / 3), ("k_clear", 3.0)]


def test_a_parameter_that_enters_by_the_dose_alone_acts(scenario) -> None:
    dose = DOSE.replace("400 pmol", "2 IU/kg")
    level = expect("level", "time_above(drug, '0.05 pM')", "between = [1.3, 1.5]")  # from 0.1 pM on
    asked = VariedScenario(scenario(dose + level))
    assert asked.met == {"level"}
    assert asked.failed_expectations("body_weight", 3.0) == {"level"}


@pytest.mark.parametrize(("text", "span", "value", "expected"), [
    ("1", (0.1, 1.0), 0.5, 1.0),  # a share
    ("1", (0.1, 4.0), 0.5, 1.5),
    ("1/h", (0.1, 1.0), 0.5, 1.5),
    ("1", None, 0.0, 0.0),
])  # fmt: skip
def test_a_share_stays_one(text: str, span: tuple[float, float] | None, value: float, expected: float) -> None:
    parameter = Parameter("x", "x", value, text, unit(text), "assumed", "assumed: so", span)
    assert scaled_value(parameter, value, 3.0) == expected
