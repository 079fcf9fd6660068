"""Measures over the members of a sweep: their distribution, what is missing, and which axis they follow."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...numerics.trajectory import Array
from ...runtime.json import json_number
from ..measured import IN_WORDS, Cause, bind
from .compute import SweepResult
from .designs import Product
from .without_value import why_without_value

LOW, HIGH = 0.05, 0.95

Flags = NDArray[np.bool_]  # shape (members,)


class MeasureStatistics(NamedTuple):
    """A measure, with one arm read as the main one, over the members that have a value of it.

    median, low, high: quantiles 0.5, `LOW` and `HIGH`; None without a value. members: how many have one.
    inside, share: the interval that the measure counts members in, and the share of `members` in it; None if there
    is none. never: members in which nothing crosses the level that is asked for. undefined: members that have no value
    for another cause, and the commonest such cause in words, those of the first such member. failed: members that
    failed.
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
    undefined: int
    why_undefined: str
    failed: int


def measure_statistics(result: SweepResult) -> list[MeasureStatistics]:
    """One for each arm that is measured and each measure, in this order."""
    return [
        _statistics(result, row, column)
        for row in range(len(result.sweep.arms))
        for column in range(len(result.sweep.measures))
    ]


def _statistics(result: SweepResult, row: int, column: int) -> MeasureStatistics:
    sweep = result.sweep
    measure, succeeded = sweep.measures[column], ~result.failed[:, row]
    of_succeeded = result.measures[succeeded, row, column]
    values = of_succeeded[np.isfinite(of_succeeded)]
    causes = result.causes[succeeded, row, column]
    undefined = causes[(causes != Cause.NONE) & (causes != Cause.NEVER)]
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
        never=int((causes == Cause.NEVER).sum()),
        undefined=len(undefined),
        why_undefined=_why(result, row, column, Cause(int(np.bincount(undefined).argmax()))) if len(undefined) else "",
        failed=int((~succeeded).sum()),
    )


def _why(result: SweepResult, row: int, column: int, cause: Cause) -> str:
    """Why the first member with this cause has no value of a measure; told once."""
    if (row, column) not in result.reasons:
        sweep, scenario = result.sweep, result.scenario
        members = np.flatnonzero((result.causes[:, row, column] == cause) & ~result.failed[:, row])
        measure = bind(sweep.measures[column].tree, scenario.model)
        values = result.values[members[0]]
        why = why_without_value(scenario, sweep.design.axes, values, sweep.arms[row], measure, cause)
        several = len(members) > 1 and why != IN_WORDS[cause]
        result.reasons[row, column] = f"{why} in member {result.numbers[members[0]]}" if several else why
    return result.reasons[row, column]


def measure_values(result: SweepResult, arm: int, measure: int) -> Array:
    """A measure in one arm, shape (members,), in its unit; NaN where it failed or has no finite value."""
    values = np.where(result.failed[:, arm], np.nan, result.measures[:, arm, measure])
    return np.where(np.isfinite(values), values, np.nan)


def without_value(result: SweepResult, arm: int, measure: int) -> Flags:
    """Members that were computed but in which the measure has no value, shape (members,), bool."""
    found: Flags = np.isnan(measure_values(result, arm, measure)) & ~result.failed[:, arm]
    return found


def varied_axes(result: SweepResult) -> list[int]:
    """The columns of the axes whose values differ between members."""
    return [i for i in range(result.values.shape[1]) if len(np.unique(result.values[:, i])) > 1]


def rank_correlation(result: SweepResult, arm: int, measure: int) -> Array:
    """Spearman's rank correlation of each axis with a measure, shape (axes,); 0 where there is none."""
    values = measure_values(result, arm, measure)
    known = ~np.isnan(values)
    found = np.zeros(result.values.shape[1])
    for i in range(len(found)):
        x, y = ranks(result.values[known, i]), ranks(values[known])
        if len(x) > 1 and x.std() > 0 and y.std() > 0:
            found[i] = float(np.corrcoef(x, y)[0, 1])
    return found


def strongest_correlation(result: SweepResult, measure: int) -> Array:
    """`rank_correlation` of each axis in the arm in which the measure follows it best, shape (axes,)."""
    found = np.array([rank_correlation(result, a, measure) for a in range(len(result.sweep.arms))])
    return np.asarray(np.take_along_axis(found, np.abs(found).argmax(axis=0)[None], axis=0)[0])


def ranks(values: Array) -> Array:
    """Ranks from 1; equal values share their mean rank."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[inverse])


def outer_axes(result: SweepResult) -> list[int]:
    """The columns of the axes of a product's outer design: those that do not vary between patients. Of axes that vary
    together only the first."""
    design = result.sweep.design
    if not isinstance(design, Product):
        return []
    found = [i for i in varied_axes(result) if i < len(design.outer.axes)]
    return found[:1] if design.outer.kind == "zip" else found
