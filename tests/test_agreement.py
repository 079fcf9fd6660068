"""What a run gives at its usual tolerance is what two other solvers give: see `agreement.py`."""

from __future__ import annotations

import pytest
from immunesim.files.toml.catalogue import builtin_scenarios

from tests.agreement import TOLERANCE, agreements

QUICK = "friberg", "false_alarm"


@pytest.mark.slow
@pytest.mark.parametrize("name", builtin_scenarios())
def test_every_arm_agrees_with_lsoda_and_with_libroadrunner(name: str) -> None:
    assert_agree(name)


@pytest.mark.parametrize("name", QUICK)
def test_the_main_arm_agrees_with_lsoda_and_with_libroadrunner(name: str) -> None:
    assert_agree(name, "main")


def assert_agree(name: str, *arms: str) -> None:
    found = list(agreements(name, arms or None))
    assert found
    assert [each.line for each in found if not each.worst <= TOLERANCE] == []
