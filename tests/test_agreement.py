"""What a run gives at its usual tolerance is what two other solvers give: see `agreement.py`."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from immunesim.experiments.scenario import Scenario
from immunesim.experiments.schedule import Prepared, Schedule, prepare
from immunesim.numerics.compiled.arms import ModelEngine
from immunesim.numerics.solve import SOLVERS
from immunesim.numerics.system import System
from immunesim.numerics.trajectory import Segment
from scipy.integrate import LSODA

from tests.agreement import TOLERANCE, agreements, unlike_python
from tests.libroadrunner import course, sbml_of_model, through_segments
from tests.machine import MachineSystem
from tests.simulated import HUMAN, OTHERS, PATHS
from tests.systems import make_model

SAMPLE = HUMAN[::16]  # half a minute each

DOSES_AND_CHANGE = """
[[dose]]
name = "push"
target = "drug"
amount = "400 pmol"
at = "2 h"

[[dose]]
name = "drip"
target = "drug"
amount = "240 pmol"
at = "6 h"
over = "3 h"

[[change]]
while = ["8 h", "20 h"]
parameters = { k_clear = "1 1/h", plasma_volume = "8 L" }

[show]
plots = [["drug"]]
"""


def test_the_main_arm_of_a_small_model_agrees_with_lsoda_and_with_libroadrunner() -> None:
    assert_agree("friberg", ["main"])


@pytest.mark.slow
@pytest.mark.parametrize("name", PATHS)
def test_every_arm_agrees_with_lsoda_and_with_libroadrunner(name: str) -> None:
    assert_agree(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", OTHERS)
def test_every_arm_of_a_small_model_agrees_with_libroadrunner_where_doses_are_events(name: str) -> None:
    assert_agree(name, events=True)


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLE)
def test_the_main_arm_of_some_agrees_with_lsoda_in_python_and_with_events_in_libroadrunner(name: str) -> None:
    assert_agree(name, ["main"], events=True, in_python=True)


def assert_agree(name: str, arms: list[str] | None = None, events: bool = False, in_python: bool = False) -> None:
    found = list(agreements(name, arms, events, in_python))
    assert found
    assert [each.line for each in found if not each.worst <= TOLERANCE] == []


def test_radau_takes_the_place_of_lsoda_where_that_makes_no_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stuck(LSODA):  # type: ignore[misc]
        def step(self) -> str:
            self.status = "failed"
            return "stuck"

    monkeypatch.setitem(SOLVERS, "LSODA", Stuck)
    (found,) = agreements("friberg", ["main"])
    assert (found.method, found.why[:29]) == ("Radau", "the solver makes no progress;")
    assert found.worst <= TOLERANCE


def test_libroadrunner_starts_again_at_doses_infusions_and_changes(scenario: Callable[[str], Scenario]) -> None:
    asked = scenario(DOSES_AND_CHANGE)
    system = System(asked.model)
    prepared = prepare(asked, asked.arm("main"), system)
    found = through_segments(sbml_of_model(asked), course(system, prepared, rtol=1e-10))
    drug = dict(zip(prepared.times.tolist(), found[system.species.index("drug")], strict=True))
    infused = 40.0 + (100.0 * math.exp(-2.0) - 40.0) * math.exp(-1.0)  # 20 pM/h in 4 L, k_clear 0.5 1/h
    diluted = 10.0 + (infused / 2.0 - 10.0) * math.exp(-1.0)  # 10 pM/h in 8 L, k_clear 1 1/h
    exact = {2: 100.0, 6: 100.0 * math.exp(-2.0), 8: infused / 2.0, 9: diluted, 20: 2.0 * diluted * math.exp(-11.0)}
    exact[24] = exact[20] * math.exp(-2.0)
    assert {time: drug[time] for time in exact} == pytest.approx(exact, rel=1e-8, abs=1e-9)


def test_machine_code_of_another_formula_is_found_out() -> None:
    models = [
        make_model({"x": ("pM", 100, 1)}, {"k": (1.0, "1/h")}, {"loss": ("x ->", f"{factor} * k * x")})
        for factor in (2, 2.0000001)
    ]
    machine = MachineSystem(ModelEngine(System(models[0]), {"x"}))
    nothing, states = np.zeros(1), np.full((3, 1), 100.0)
    segment = Segment(0.0, 2.0, nothing, nothing, np.ones(1))
    prepared = Prepared(Schedule((segment,), ()), np.linspace(0.0, 2.0, 3), np.full(1, 100.0))
    same, other = (unlike_python(machine, System(each), prepared, states) for each in models)
    assert same == ""
    assert other == "machine code and Python differ: x at 0"
