"""What a run gives at its usual tolerance is what two other solvers give: see `agreement.py`, which by hand does so for
all arms of all scenarios."""

from __future__ import annotations

import pytest

from tests.agreement import TOLERANCE, agreements
from tests.simulated import HUMAN, OTHERS

SAMPLE = HUMAN[::16]  # half a minute each


def test_the_main_arm_of_a_small_model_agrees_with_lsoda_and_with_libroadrunner() -> None:
    assert_agree("friberg", ["main"])


@pytest.mark.slow
@pytest.mark.parametrize("name", OTHERS)
def test_every_arm_of_a_small_model_agrees_with_lsoda_and_with_libroadrunner(name: str) -> None:
    assert_agree(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLE)
def test_the_main_arm_of_some_human_scenarios_agrees_with_libroadrunner_too(name: str) -> None:
    assert_agree(name, ["main"])


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in HUMAN if name not in SAMPLE])
def test_the_main_arm_of_the_others_agrees_with_lsoda(name: str) -> None:
    assert_agree(name, ["main"], libroadrunner=False)


def assert_agree(name: str, arms: list[str] | None = None, libroadrunner: bool = True) -> None:
    found = list(agreements(name, arms, libroadrunner))
    assert found
    assert [each.line for each in found if not each.worst <= TOLERANCE] == []
