"""A curve in words: where it starts, where it turns, where it ends. Used by figures, reports and comparisons."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from ...experiments.explanation.phases import turning_points
from ...numerics.thresholds import NOISE
from ...numerics.trajectory import Array
from .numbers import number, with_unit

FLAT = 0.01  # of the largest value: a curve that varies less is steady, and two curves that differ less are alike
LOW = 2.0  # a trough this many times below both ends is described, however small it is on the scale of the curve
MOST_TURNS = 3  # that are described one by one; of more, the number of peaks and the extremes
MOST_FOLD = 1e4  # a larger ratio says no more than the two values do


class Extreme(NamedTuple):
    """A peak or a trough."""

    time: float
    value: float
    is_peak: bool


def describe_curve(
    times: Array, values: Array, unit: str, clock: str, highest: tuple[float, float] | None = None
) -> str:
    """A curve without its name, such as ``start at 1 pM, peak of 9 pM on day 5, end at 3 pM``.

    Args:
        times: Shape (n,), in units of `clock`; two points of the same time at a jump.
        values: Shape (n,); those that are not finite are left out.
        unit: Of the values, as model files spell it.
        clock: The unit of time, such as ``d``.
        highest: Time and value of the largest value where it lies between the points, as tables have it.
    """
    known = np.isfinite(values)
    if not known.any():
        return "no finite value"
    times, values = times[known], values[known]
    start, end, largest = float(values[0]), float(values[-1]), float(np.abs(values).max())
    if float(np.ptp(values)) <= FLAT * largest:
        return f"constant at {with_unit(end, unit)}"
    turns = extremes(times, values, highest)
    if not turns:
        ends = f"{level(start, largest)} to {level(end, largest, unit)}"
        return f"{'rise' if end > start else 'fall'} from {ends}{_change(start, end)}"
    if len(turns) > MOST_TURNS:
        parts = [_summary_of(turns, min(start, end), largest, unit, clock)]
    else:
        parts = [f"{'peak' if turn.is_peak else 'low'} of {_at_level(turn, largest, unit, clock)}" for turn in turns]
    return ", ".join([f"start at {level(start, largest, unit)}", *parts, f"end at {level(end, largest, unit)}"])


def extremes(times: Array, values: Array, highest: tuple[float, float] | None = None) -> list[Extreme]:
    """The peaks and troughs of a curve of finite values between its ends, in order of time: those that it leaves by
    `TURN` of its span, and its lowest value where that is `LOW` times below both ends. highest: as in
    `describe_curve`."""
    span = float(np.ptp(values))
    if span == 0:
        return []
    points = turning_points((values - values.min()) / span)[1:-1]
    lowest = int(values.argmin())
    floor = max(float(values[lowest]), NOISE * float(np.abs(values).max()))
    if lowest not in points and min(values[0], values[-1]) > LOW * floor:
        points = sorted([*points, lowest])
    found = [
        Extreme(float(times[point]), float(values[point]), bool(values[point] > values[last]))
        for last, point in pairwise([0, *points])
    ]
    top = int(values.argmax())
    if top in points and highest is not None:
        found[points.index(top)] = Extreme(*highest, True)
    return found


def level(value: float, largest: float, unit: str = "1") -> str:
    """A value of a curve with its unit; ``nearly 0`` if it is nothing next to the `largest` value of the curve."""
    return "nearly 0" if 0 < abs(value) < NOISE * abs(largest) else with_unit(value, unit)


def at_time(time: float, clock: str) -> str:
    """``on day 8.43``, or ``at 3 h``.

    >>> at_time(8.431, "d"), at_time(3, "h")
    ('on day 8.43', 'at 3 h')
    """
    return f"on day {number(time)}" if clock == "d" else f"at {with_unit(time, clock)}"


def _summary_of(turns: list[Extreme], least: float, largest: float, unit: str, clock: str) -> str:
    peaks = [turn for turn in turns if turn.is_peak]
    highest, lowest = max(peaks, key=lambda turn: turn.value), min(turns, key=lambda turn: turn.value)
    parts = [f"the highest {_at_level(highest, largest, unit, clock)}"]
    if lowest.value < least:
        parts.append(f"the lowest level {_at_level(lowest, largest, unit, clock)}")
    return f"{len(peaks)} peaks ({', '.join(parts)})"


def _at_level(turn: Extreme, largest: float, unit: str, clock: str) -> str:
    return f"{level(turn.value, largest, unit)} {at_time(turn.time, clock)}"


def _change(start: float, end: float) -> str:
    """By how much a value changed: ``, 4-fold`` or ``, by 10 %``; empty where a ratio says nothing."""
    if start <= 0 or end <= 0 or (ratio := max(start / end, end / start)) > MOST_FOLD:
        return ""
    return f", {number(ratio)}-fold" if ratio >= 1.5 else f", by {number(100 * abs(end / start - 1), 2)} %"
