"""Measures of trajectories: peak, time of peak, area under the curve and the rest."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..model.expression import Apply, Expression, Number, Quoted
from ..model.model import Model
from ..model.units import ONE, Unit, quantity
from ..numerics.trajectory import Array, Trajectory
from ..runtime.json import json_number
from .measure_formula import FUNCTIONS, arguments, arm_of, curve_name, level_value, time_value
from .scenario import Scenario

FINER = 16  # points between two, where a curve crosses a level
ALIKE = 20.0  # neighbouring intervals whose lengths differ by less tell how a curve bends


def measure(tree: Expression, model: Model, trajectories: Mapping[str, Trajectory]) -> tuple[float, Unit]:
    """The value of a checked measure and its unit; NaN where it cannot be had (no crossing,
    an arm that failed before the time asked for)."""
    if isinstance(tree, Number):
        return tree.value, ONE
    if isinstance(tree, Quoted):
        number, given, _ = quantity(tree.text)
        return number, given
    if not isinstance(tree, Apply):
        raise TypeError(f"{tree!r} is no measure")
    if tree.op in FUNCTIONS:
        return _function(tree, model, trajectories)
    parts = [measure(arg, model, trajectories) for arg in tree.args]
    (a, unit), (b, other) = parts[0], parts[-1]
    if tree.op == "mul":
        return a * b, unit * other
    if tree.op == "div":
        return (a / b if b else math.nan), unit / other
    if tree.op == "neg":
        return -a, unit
    b *= other.to(unit)
    return (a + b if tree.op == "add" else a - b), unit


def _function(tree: Apply, model: Model, trajectories: Mapping[str, Trajectory]) -> tuple[float, Unit]:
    name = curve_name(tree, model)
    trajectory = trajectories[arm_of(tree)]
    times, values = trajectory.dense.times(), trajectory.dense.values(name)
    asked = [time_value(text, model) for kind, text in arguments(tree) if kind == "t"]
    levels = [level_value(text, name, model) for kind, text in arguments(tree) if kind == "l"]
    gives = FUNCTIONS[tree.op].gives
    unit = {"value": model.unit(name), "time": model.time_unit, "area": model.unit(name) * model.time_unit}[gives]
    if not len(times) or (asked and asked[-1] > times[-1] * (1 + 1e-9)):
        return math.nan, unit
    if not asked and not trajectory.outcome.ok:
        return math.nan, unit  # it is about the whole run, which there is not
    if tree.op == "at":
        return float(between(times, values, np.array(asked))[0]), unit
    if len(asked) == 2:
        times, values = _window(times, values, asked[0], asked[1])
    return float(_CURVE[tree.op](times, values, *levels)), unit


def _window(times: Array, values: Array, start: float, end: float) -> tuple[Array, Array]:
    """The part between two times, whose ends are interpolated: from after a jump at `start`
    to before a jump at `end`."""
    inside = (times > start) & (times < end)
    first, last = between(times, values, np.array([start, end]))
    at = int(np.searchsorted(times, end))
    if at < len(times) and times[at] == end:
        last = values[at]  # of a time that stands twice, the value before
    return np.concatenate([[start], times[inside], [end]]), np.concatenate([[first], values[inside], [last]])


def between(times: Array, values: Array, at: Array) -> Array:
    """The curve at the times `at`, bent as it is at the points around; at a jump, the value after it."""
    if len(times) == 1:
        return np.full(len(at), values[0])
    i = np.clip(np.searchsorted(times, at, side="right") - 1, 0, len(times) - 2)
    length = np.diff(times)[i]
    share = np.clip(np.divide(at - times[i], length, out=np.ones(len(at)), where=length > 0), 0.0, 1.0)
    left, right = _bends(times, values)
    bend = (1.0 - share) * left[i] + share * right[i]
    straight = values[i] + share * (values[i + 1] - values[i])
    found: Array = straight - 0.5 * share * (1.0 - share) * length**2 * bend
    return found


def area(times: Array, values: Array) -> float:
    """Under the curve: trapezia, less what lies between each chord and the bent curve."""
    left, right = _bends(times, values)
    return float(np.trapezoid(values, times) - (np.diff(times) ** 3 * (left + right)).sum() / 24.0)


def _bends(times: Array, values: Array) -> tuple[Array, Array]:
    """The second derivative at the left and the right end of every interval, each by the two intervals that
    meet there; at a jump, at the ends, and beside an interval so short that the solver's error would be taken
    for a bend, as at the other end of the interval."""
    length = np.diff(times)
    slope = np.divide(np.diff(values), length, out=np.zeros(len(length)), where=length > 0)
    inside = np.minimum(length[:-1], length[1:]) * ALIKE > np.maximum(length[:-1], length[1:])
    bend = np.full(len(times), np.nan)
    bend[1:-1][inside] = 2.0 * (np.diff(slope) / (length[:-1] + length[1:]).clip(min=np.finfo(float).tiny))[inside]
    left, right = bend[:-1], bend[1:]
    return np.nan_to_num(np.where(np.isnan(left), right, left)), np.nan_to_num(np.where(np.isnan(right), left, right))


def peak(times: Array, values: Array) -> tuple[float, float]:
    """Time and height of the largest value: the vertex of the parabola through it and its
    neighbours, where it has one on either side and no jump beside it."""
    i = int(values.argmax())
    if 0 < i < len(values) - 1:
        before, after = times[i] - times[i - 1], times[i + 1] - times[i]
        if before > 0 and after > 0:
            left, right = (values[i] - values[i - 1]) / before, (values[i + 1] - values[i]) / after
            bend = (right - left) / (before + after)
            if bend < 0:
                slope = (left * after + right * before) / (before + after)
                shift = min(after, max(-before, -slope / (2 * bend)))
                return float(times[i] + shift), float(values[i] + slope * shift + bend * shift**2)
    return float(times[i]), float(values[i])


def _half_life(times: Array, values: Array) -> float:
    """ln 2 over the slope of a straight line through log(values)."""
    even = np.linspace(times[0], times[-1], 201)
    values = between(times, values, even)
    if (values <= 0).any():
        return math.nan
    slope = np.polyfit(even, np.log(values), 1)[0]
    return -math.log(2) / float(slope) if slope < 0 else math.nan


def _time_where(times: Array, values: Array, level: float) -> float:
    """Total time at or above `level`."""
    times, values = _finer_at(times, values, level)
    a, b, step = values[:-1] - level, values[1:] - level, np.diff(times)
    across = np.divide(np.maximum(a, b), np.abs(a - b), out=np.zeros(len(step)), where=a != b)
    share = np.where((a >= 0) & (b >= 0), 1.0, np.where((a >= 0) | (b >= 0), across, 0.0))
    return float((step * share).sum())


def _first_crossing(times: Array, values: Array, level: float) -> float:
    """First time at or above `level`; NaN if never."""
    times, values = _finer_at(times, values, level)
    at = np.flatnonzero(values >= level)
    if not len(at):
        return math.nan
    i = int(at[0])
    if i == 0:
        return float(times[0])
    return float(times[i - 1] + (times[i] - times[i - 1]) * (level - values[i - 1]) / (values[i] - values[i - 1]))


def _finer_at(times: Array, values: Array, level: float) -> tuple[Array, Array]:
    """The curve with `FINER` points in place of each interval in which it crosses `level`."""
    above = values >= level
    crossed = np.flatnonzero((above[:-1] != above[1:]) & (np.diff(times) > 0))
    inner = (times[crossed, None] + np.diff(times)[crossed, None] * (np.arange(1, FINER) / FINER)).ravel()
    places = np.repeat(crossed + 1, FINER - 1)
    return np.insert(times, places, inner), np.insert(values, places, between(times, values, inner))


_CURVE: dict[str, Callable[..., Any]] = {
    "final": lambda t, x: x[-1],
    "max": lambda t, x: peak(t, x)[1],
    "min": lambda t, x: -peak(t, -x)[1],
    "mean": lambda t, x: area(t, x) / (t[-1] - t[0]),
    "auc": area,
    "time_of_max": lambda t, x: peak(t, x)[0],
    "time_of_min": lambda t, x: peak(t, -x)[0],
    "half_life": _half_life,
    "time_above": _time_where,
    "time_below": lambda t, x, level: _time_where(t, -x, -level),
    "first_above": _first_crossing,
    "first_below": lambda t, x, level: _first_crossing(t, -x, -level),
}


def curve_measures(scenario: Scenario, trajectory: Trajectory, name: str) -> dict[str, Any]:
    """Peak, its time, lowest value, area under the curve and end of a species or observable;
    empty for a run that failed before its first value."""
    times, values = trajectory.dense.times(), trajectory.dense.values(name)
    if not len(times):
        return {}
    unit, time_unit = scenario.model.unit_text(name), scenario.model.time_unit_text
    with np.errstate(all="ignore"):
        at, highest = peak(times, values)
        return {
            "unit": unit,
            "peak": json_number(highest),
            "time_of_peak": json_number(at),
            "lowest": json_number(values.min()),
            "area": json_number(np.trapezoid(values, times)),
            "area_unit": f"{unit}*{time_unit}" if unit != "1" else time_unit,
            "final": json_number(values[-1]),
        }
