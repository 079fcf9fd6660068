"""The distribution of each measure over the members of a sweep."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ...runtime.json import json_number
from .compute import SweepResult, sweep_of

LOW, HIGH = 0.05, 0.95


class MeasureStatistics(NamedTuple):
    """A measure, with one arm read as the main one, over the members that have a value of it.

    median, low, high: quantiles 0.5, `LOW` and `HIGH`; None without a value. members: how many have one.
    inside, share: the interval that the measure counts members in, and the share of `members` in it; None if there
    is none. never: members that did not fail and have no value. failed: members that failed.
    """

    id: str
    label: str
    measure: str
    unit: str
    arm: str
    median: float | None
    low: float | None
    high: float | None
    members: int
    inside: str | None
    share: float | None
    never: int
    failed: int


def measure_statistics(result: SweepResult) -> list[MeasureStatistics]:
    """One for each arm that is measured and each measure, in this order."""
    return [
        _statistics(result, row, column)
        for row in range(len(sweep_of(result.scenario).arms))
        for column in range(len(sweep_of(result.scenario).measures))
    ]


def _statistics(result: SweepResult, row: int, column: int) -> MeasureStatistics:
    sweep = sweep_of(result.scenario)
    measure, succeeded = sweep.measures[column], ~result.failed[:, row]
    of_succeeded = result.measures[succeeded, row, column]
    values = of_succeeded[np.isfinite(of_succeeded)]
    median, low, high = np.quantile(values, [0.5, LOW, HIGH]).tolist() if len(values) else [None] * 3
    return MeasureStatistics(
        id=measure.id,
        label=measure.label,
        measure=measure.text,
        unit=measure.unit_text,
        arm=sweep.arms[row],
        median=json_number(median),
        low=json_number(low),
        high=json_number(high),
        members=len(values),
        inside=measure.level_text or None,
        share=measure.inside(values) / len(values) if measure.levels and len(values) else None,
        never=len(of_succeeded) - len(values),
        failed=int((~succeeded).sum()),
    )
