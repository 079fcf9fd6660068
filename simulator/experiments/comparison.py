"""Runs side by side: a row of measures for each curve, with ratios to a reference."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from ..numerics.thresholds import NEGLIGIBLE
from ..numerics.trajectory import SUCCESS, Array
from .clock import clock_of
from .measured import CurveMeasures, curve_measures
from .run import ArmResult, RunResult
from .scenario import MAIN, Scenario

MEASURES = ("peak", "lowest", "final", "area")  # those that have a ratio
WITHOUT_END = ("peak", "lowest")  # those that runs of different length share

NEAR_TOP = 0.05  # of a curve's excursion: what is no further below its peak could as well be its peak
SAME_END = 1e-9  # of a run: two whose ends differ by less are equally long


class Reference(NamedTuple):
    """The curve that all others are compared with: the index of its run, and its arm."""

    run: int
    arm: str


class ComparisonRow(NamedTuple):
    """One curve of one arm of one run, with its measures and their ratios to those of the reference.

    changed: how the run was changed, '' where it was not. label: what distinguishes the arm from the others in text.
    reference: whether this is the reference. start, peak, lowest, final: in `unit`; area: in `area_unit`.
    time_of_peak, time_of_lowest and end, the last time, are in `time_unit`. Measures are those of `CurveMeasures`.
    top_width: from the first to the last time at which the curve is as good as at its peak, in `time_unit`.
    outcome: how the run ended, ``success`` or the kind of its failure. reason: when and why it failed, or why measures
    have no value.
    A ratio is None where there is nothing to divide by, where a run failed, or where it needs runs of one length.
    """

    name: str
    unit: str
    scenario: str
    arm: str
    changed: str
    label: str
    reference: bool
    start: float | None
    peak: float | None
    lowest: float | None
    final: float | None
    area: float | None
    area_unit: str
    time_of_peak: float | None
    time_of_lowest: float | None
    end: float
    time_unit: str
    outcome: str
    peak_ratio: float | None = None
    lowest_ratio: float | None = None
    final_ratio: float | None = None
    area_ratio: float | None = None
    reason: str = ""
    top_width: float | None = None

    @property
    def ok(self) -> bool:
        """Whether the run reached its end, so that it can be compared."""
        return self.outcome == SUCCESS

    def value(self, key: str) -> float:
        """The field called `key`: a measure, a time or a ratio; NaN where there is none."""
        found: float | None = getattr(self, key)
        return math.nan if found is None else found


def table(
    runs: Sequence[RunResult],
    names: Sequence[str],
    changes: Sequence[str] = (),
    against: Reference | None = None,
) -> list[ComparisonRow]:
    """A row for every name, run and arm, in this order.

    changes: how each run was changed, '' where it was not. against: the reference, by default the first arm of the
    first run. Times are in the unit in which the first scenario gives its end.
    """
    changes = changes or [""] * len(runs)
    base = against or Reference(0, next(iter(runs[0].arms)))
    return [row for name in names for row in _with_ratios(list(_rows_of(name, runs, changes, base)))]


def _rows_of(name: str, runs: Sequence[RunResult], changes: Sequence[str], base: Reference) -> Iterator[ComparisonRow]:
    clock = clock_of(runs[0].scenario)
    for index, (result, changed) in enumerate(zip(runs, changes, strict=True)):
        for arm in result.arms.values():
            row = _row(result.scenario, arm, name)
            yield row._replace(
                changed=changed,
                label=label(runs, changes, index, arm),
                reference=base == (index, arm.arm.name),
                time_of_peak=None if row.time_of_peak is None else row.time_of_peak * clock.factor,
                time_of_lowest=None if row.time_of_lowest is None else row.time_of_lowest * clock.factor,
                top_width=None if row.top_width is None else row.top_width * clock.factor,
                end=row.end * clock.factor,
                time_unit=clock.unit,
            )


def _row(scenario: Scenario, arm: ArmResult, name: str) -> ComparisonRow:
    """The measures of one curve, with times in the model's time unit."""
    found = curve_measures(scenario.model, arm.trajectory, name)
    times, values = arm.trajectory.dense.times(), arm.trajectory.dense.values(name)
    return ComparisonRow(
        name=name,
        unit=found.unit,
        scenario=scenario.id,
        arm=arm.arm.name,
        changed="",
        label=arm.arm.title,
        reference=False,
        start=float(values[0]) if len(values) else None,
        peak=found.peak,
        lowest=found.lowest,
        final=found.final,
        area=found.area,
        area_unit=found.area_unit,
        time_of_peak=found.time_of_peak,
        time_of_lowest=found.time_of_lowest,
        end=float(times[-1]) if len(times) else 0.0,
        time_unit=scenario.model.time_unit_text,
        outcome=arm.trajectory.outcome.kind,
        reason=arm.trajectory.outcome.message or found.reason,
        top_width=_top_width(times, values, found),
    )


def _top_width(times: Array, values: Array, found: CurveMeasures) -> float | None:
    """From the first to the last time at which a curve is as good as at its peak."""
    if found.peak is None or found.lowest is None:
        return None
    near = times[values >= found.peak - NEAR_TOP * (found.peak - found.lowest)]
    return float(near[-1] - near[0]) if len(near) else None


def label(runs: Sequence[RunResult], changes: Sequence[str], index: int, arm: ArmResult) -> str:
    """What distinguishes an arm of run `index` from the others: of scenario, arm and change those that differ."""
    several = len({result.scenario.id for result in runs}) > 1
    parts = [runs[index].scenario.id] if several else []
    if arm.arm.name != MAIN or not (several or any(changes)):
        parts.append(arm.arm.title)
    if changes[index]:
        parts.append(changes[index])
    return ", ".join(parts) or "as described"


def _with_ratios(rows: Sequence[ComparisonRow]) -> list[ComparisonRow]:
    """The rows of one name, with the ratio of each measure to that of the reference."""
    base = next(row for row in rows if row.reference)
    least = negligible(rows)
    found = []
    for row in rows:
        keys: tuple[str, ...] = MEASURES if same_length(row, base) else WITHOUT_END
        keys = keys if row.ok and base.ok else ()
        ratios: dict[str, Any] = {f"{key}_ratio": _ratio(row.value(key), base.value(key), least) for key in keys}
        found.append(row._replace(**ratios))
    return found


def same_length(row: ComparisonRow, base: ComparisonRow) -> bool:
    """Whether two runs are equally long, so that their ends and areas can be compared."""
    return abs(row.end - base.end) <= SAME_END * base.end


def _ratio(value: float, base: float, least: float) -> float | None:
    if math.isnan(value) or math.isnan(base) or base <= least or value < -least:
        return None
    return 0.0 if value <= least else value / base


def negligible(rows: Sequence[ComparisonRow]) -> float:
    """The level at or below which the curves of one name count as zero, in their unit; what a run that failed reached
    says nothing of it."""
    levels = [abs(value) for row in rows if row.ok for value in (row.peak, row.lowest) if value is not None]
    return NEGLIGIBLE * max(levels, default=0.0)
