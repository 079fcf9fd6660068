"""Which expectations each parameter can break: the kept answer is about the model and scenarios of today.

``python run_sim.py influence --out simulator/biology/influence.json`` computes it again.
"""

from __future__ import annotations

import json

import pytest
from immunesim import read_model, read_scenario
from immunesim.experiments.influence import VariedScenario
from immunesim.files.toml.catalogue import builtin_models, builtin_scenarios
from immunesim.tasks.describe import KEPT, assumed

from tests.simulated import bundled
from tests.slow import thinned

FOUND = json.loads(KEPT.read_text(encoding="utf-8"))
BREAKS = [
    (model, name, FOUND["factor"] if way == "up" else 1 / FOUND["factor"], each)
    for model, table in FOUND["models"].items()
    for name, ways in table["breaks"].items()
    for way, broken in ways.items()
    for each in broken
]
SPOT = [each for each in BREAKS if each[0] == "immune"][:: max(1, len(BREAKS) // 12)]


def test_every_expectation_was_asked() -> None:
    known = {each for *_, each in BREAKS} | {
        each for table in FOUND["models"].values() for each in (*table["passes_without_mechanism"], *table["unclear"])
    }
    shipped = {f"{s.id}/{each.id}" for s in bundled() for each in s.expectations}
    answered = {f"{s.id}/{e.id}" for s in bundled() for e in s.expectations if e.missed or e.breaks_in or e.set_aside}
    assert known - shipped == set()
    assert shipped - answered - known == set()


def test_what_no_parameter_breaks_is_listed_and_is_the_smaller_part() -> None:
    """Comparisons of arms, mostly: a knob breaks them, and no number of the body does."""
    passes_without_mechanism = {
        each for table in FOUND["models"].values() for each in table["passes_without_mechanism"]
    }
    broken = {each for *_, each in BREAKS}
    assert passes_without_mechanism.isdisjoint(broken)
    assert len(passes_without_mechanism) <= len(broken) / 3


@pytest.mark.parametrize("case", thinned(SPOT, every=12), ids=lambda case: f"{case[1]}:{case[3]}")
def test_a_parameter_breaks_what_it_is_said_to(case: tuple[str, str, float, str]) -> None:
    _, name, factor, expectation = case
    scenario, _, id = expectation.partition("/")
    assert id in VariedScenario(read_scenario(builtin_scenarios()[scenario])).failed_expectations(name, factor)


def test_each_assumption_is_listed_with_its_influence() -> None:
    model = read_model(builtin_models()["immune"])
    rows = assumed(model)
    assert {row["name"] for row in rows} == {each.id for each in model.parameters.values() if each.assumed}
    assert all(row["why"] for row in rows)
    assert [len(row["breaks"]) for row in rows] == sorted((len(row["breaks"]) for row in rows), reverse=True)
