"""What counts as a change of results, on rows made up for the purpose."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from tests.results import Key, Row, changelog, differences, read, write

KEY = Key("toy", "main", "drug")
ROW = Row(8.0, 100.0, 1e-9, 500.0)


def changed(digits: float = ROW.digits, **measures: float) -> list[str]:
    return differences({KEY: ROW._replace(digits=digits)}, {KEY: ROW._replace(**measures)})


@pytest.mark.parametrize(("measure", "factor"), [("peak", 1 + 2e-6), ("area", 1 - 2e-6), ("peak", math.nan)])
def test_a_change_in_the_sixth_digit_is_a_change(measure: str, factor: float) -> None:
    (line,) = changed(**{measure: getattr(ROW, measure) * factor})
    assert line.startswith(f"toy, arm main: drug: {measure} ")


def test_a_change_beyond_the_sixth_digit_is_rounding() -> None:
    assert changed(peak=100 * (1 + 5e-7), area=500 * (1 + 5e-7)) == []


def test_one_digit_fewer_is_compared_than_was_certified() -> None:
    assert changed(digits=5.0, peak=100 * (1 + 9e-5)) == []
    assert changed(digits=5.0, peak=100 * (1 + 11e-5)) != []


def test_what_is_far_below_the_peak_is_noise() -> None:
    assert changed(final=-1e-9) == []
    assert changed(final=1e-6) != []


def test_scenarios_arms_and_curves_that_come_and_go_are_changes() -> None:
    other = KEY._replace(arm="other")
    assert differences({KEY: ROW}, {KEY: ROW, other: ROW}) == ["toy, arm other: drug is new"]
    assert differences({KEY: ROW, other: ROW}, {KEY: ROW}) == ["toy, arm other: drug is gone"]
    assert differences({}, {KEY: ROW}) == ["toy is new"]
    assert differences({KEY: ROW}, {}) == ["toy is gone"]


def test_a_failure_has_the_lines_for_the_changelog() -> None:
    text = changelog(changed(peak=110.0))
    assert "CHANGELOG.md" in text
    assert text.endswith("- toy, arm main: drug: peak 100 -> 110 (+10 %)")


def test_the_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    rows = {KEY: ROW, KEY._replace(curve="cells"): Row(math.inf, 0.0, -1.5e-300, 1 / 3)}
    write(rows, tmp_path / "results.csv")
    assert differences(rows, read(tmp_path / "results.csv")) == []
