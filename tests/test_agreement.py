"""What a run gives at its usual tolerance is what two other solvers give: see `agreement.py`."""

from __future__ import annotations

import numpy as np
import pytest
from immunesim.experiments.schedule import Prepared, Schedule
from immunesim.numerics.compiled.arms import ModelEngine
from immunesim.numerics.solve import SOLVERS
from immunesim.numerics.system import System
from immunesim.numerics.trajectory import Segment
from scipy.integrate import LSODA

from tests.agreement import TOLERANCE, agreements, unlike_python
from tests.machine import MachineSystem
from tests.simulated import HUMAN, OTHERS
from tests.systems import make_model

SAMPLE = HUMAN[::16]  # half a minute each


def test_the_main_arm_of_a_small_model_agrees_with_lsoda_and_with_libroadrunner() -> None:
    assert_agree("friberg", ["main"])


@pytest.mark.slow
@pytest.mark.parametrize("name", OTHERS)
def test_every_arm_of_a_small_model_agrees_with_lsoda_and_with_libroadrunner(name: str) -> None:
    assert_agree(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", HUMAN)
def test_every_arm_of_a_human_scenario_agrees_with_lsoda(name: str) -> None:
    assert_agree(name, libroadrunner=False)


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLE)
def test_the_main_arm_of_some_agrees_with_lsoda_in_python_and_with_libroadrunner(name: str) -> None:
    assert_agree(name, ["main"], in_python=True)


def assert_agree(name: str, arms: list[str] | None = None, libroadrunner: bool = True, in_python: bool = False) -> None:
    found = list(agreements(name, arms, libroadrunner, in_python))
    assert found
    assert [each.line for each in found if not each.worst <= TOLERANCE] == []


def test_radau_takes_the_place_of_lsoda_where_that_makes_no_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stuck(LSODA):  # type: ignore[misc]
        def step(self) -> str:
            self.status = "failed"
            return "stuck"

    monkeypatch.setitem(SOLVERS, "LSODA", Stuck)
    (found,) = agreements("friberg", ["main"], libroadrunner=False)
    assert (found.method, found.why[:29]) == ("Radau", "the solver makes no progress;")
    assert found.worst <= TOLERANCE


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
