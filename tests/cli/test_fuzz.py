"""Files that are nearly right never cost more than a message: a short form of `python -m tests.benchmarks.fuzz`."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.fuzz import case_of, failures

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no alarm there")

PART = 15


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "first",
    [pytest.param(first, marks=() if first < 3 * PART else pytest.mark.slow) for first in range(0, 900, PART)],
)
def test_files_that_are_nearly_right_are_simulated_or_refused(first: int, tmp_path: Path) -> None:
    assert failures(range(first, first + PART), tmp_path) == []


def test_a_case_is_made_from_its_number_alone() -> None:
    assert case_of(7) == case_of(7) != case_of(8)
