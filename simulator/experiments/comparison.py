"""Runs side by side: a row of measures for each curve, with ratios to a reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from .clock import clock_of
from .measures import curve_measures
from .run import ArmResult, RunResult
from .scenario import MAIN, Scenario

Row = Mapping[str, Any]
MEASURES = ("peak", "lowest", "final", "area")


NOTHING = 1e-6  # of the highest level compared: below it there is nothing


SAME_END = 1e-9  # of a run: two that differ by less are equally long


class Reference(NamedTuple):
    """What all else is compared with: the place of its run, and its arm."""

    run: int
    arm: str


def table(
    runs: Sequence[RunResult], names: Sequence[str], words: Sequence[str] = (), against: Reference | None = None
) -> list[dict[str, Any]]:
    """A row for every name, run and arm: its measures, and their ratios to those of `against`.

    words: how each run was changed, '' where it was not. against: by default the first arm of the first run.
    Times are in the unit in which the first scenario gives its end. A ratio is None where there is nothing to divide
    by, a level below `NOTHING` of the highest that is compared, and for what needs runs of one length.
    """
    words = words or [""] * len(runs)
    clock, long = clock_of(runs[0].scenario)
    base = against or Reference(0, next(iter(runs[0].arms)))
    rows = []
    for name in names:
        group = []
        for place, (result, word) in enumerate(zip(runs, words, strict=True)):
            for arm in result.arms.values():
                row = {
                    "name": name,
                    "unit": result.scenario.model.unit_text(name),
                    "scenario": result.scenario.id,
                    "arm": arm.arm.name,
                    "changed": word,
                    "label": label(runs, words, place, arm),
                    "reference": base == (place, arm.arm.name),
                    **_measures(result.scenario, arm, name, long),
                    "time_unit": clock,
                    "outcome": arm.trajectory.outcome.kind,
                }
                group.append(row)
        rows += _with_ratios(group)
    return rows


def label(runs: Sequence[RunResult], words: Sequence[str], place: int, arm: ArmResult) -> str:
    """What tells an arm of a run from the others: scenario, arm and change, as far as they differ."""
    several = len({result.scenario.id for result in runs}) > 1
    parts = [runs[place].scenario.id] if several else []
    if arm.arm.name != MAIN or not (several or any(words)):
        parts.append(arm.arm.title)
    if words[place]:
        parts.append(words[place])
    return ", ".join(parts) or "as described"


def _measures(scenario: Scenario, arm: ArmResult, name: str, long: float) -> dict[str, Any]:
    """Those of results, with the time of the lowest value, and times in the clock of the comparison."""
    found = curve_measures(scenario.model, arm.trajectory, name)
    times, values = arm.trajectory.dense.times(), arm.trajectory.dense.values(name)
    reached = float(times[-1]) if len(times) else 0.0
    times_of = {"time_of_peak": found.time_of_peak, "time_of_lowest": found.time_of_lowest, "end": reached}
    return {
        "start": float(values[0]) if len(values) else None,
        **{key: getattr(found, key) for key in MEASURES},
        "area_unit": found.area_unit,
        **{key: None if time is None else time * long for key, time in times_of.items()},
    }


def _with_ratios(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows of one name, with the ratio of each measure to that of the reference."""
    base = next(row for row in rows if row["reference"])
    none = nothing(rows)
    for row in rows:
        whole = abs(row["end"] - base["end"]) <= SAME_END * base["end"]
        for key in MEASURES:
            row[f"{key}_ratio"] = _ratio(row[key], base[key], none) if whole or key in ("peak", "lowest") else None
    return rows


def _ratio(value: float | None, base: float | None, none: float) -> float | None:
    if value is None or base is None or base <= none or value < -none:
        return None
    return 0.0 if value <= none else value / base


def nothing(group: Sequence[Row]) -> float:
    """The level below which there is nothing, for the rows of one name."""
    return NOTHING * max(
        (abs(row[key]) for row in group for key in ("peak", "lowest") if row[key] is not None), default=0
    )
