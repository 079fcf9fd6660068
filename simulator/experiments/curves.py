"""The mathematics of curves: values between points, peaks, areas and crossings.

A curve is two arrays of shape (n,): increasing times and values, in any units. Between its points it bends as its
neighbours show, so that no result depends on how often values are saved. At a jump a time stands twice, with the
value before and the value after.
"""

from __future__ import annotations

import math

import numpy as np

from ..numerics.trajectory import Array

FINER = 16  # points between two, where a curve crosses a level
ALIKE = 20.0  # only neighbouring intervals whose lengths differ by a smaller factor show how a curve bends


def cut(times: Array, values: Array, start: float, end: float) -> tuple[Array, Array]:
    """The part of a curve between two times, its ends interpolated: from after a jump at `start` to before a jump at
    `end`."""
    inside = (times > start) & (times < end)
    first, last = interpolate(times, values, np.array([start, end]))
    at = int(np.searchsorted(times, end))
    if at < len(times) and times[at] == end:
        last = values[at]  # of a time that stands twice, the value before
    return np.concatenate([[start], times[inside], [end]]), np.concatenate([[first], values[inside], [last]])


def interpolate(times: Array, values: Array, at: Array) -> Array:
    """The values of a curve at the times `at`, in their shape; at a jump, the value after it."""
    if len(times) == 1:
        return np.full(len(at), values[0])
    i = np.clip(np.searchsorted(times, at, side="right") - 1, 0, len(times) - 2)
    length = np.diff(times)[i]
    share = np.clip(np.divide(at - times[i], length, out=np.ones(len(at)), where=length > 0), 0.0, 1.0)
    left, right = _second_derivatives(times, values)
    bend = (1.0 - share) * left[i] + share * right[i]
    straight = values[i] + share * (values[i + 1] - values[i])
    found: Array = straight - 0.5 * share * (1.0 - share) * length**2 * bend
    return found


def value_at(times: Array, values: Array, at: float) -> float:
    """The value of a curve at one time; at a jump, the value after it."""
    return float(interpolate(times, values, np.array([at]))[0])


def area(times: Array, values: Array) -> float:
    """The area under a curve, in its unit times that of time: trapezia, less what lies between each chord and the
    bent curve."""
    left, right = _second_derivatives(times, values)
    length = np.diff(times)
    trapezia = (length * (values[1:] + values[:-1]) / 2.0).sum()
    return float(trapezia - (length**3 * (left + right)).sum() / 24.0)


def mean(times: Array, values: Array) -> float:
    """The mean of a curve over time."""
    return area(times, values) / float(times[-1] - times[0])


def _second_derivatives(times: Array, values: Array) -> tuple[Array, Array]:
    """The second derivative at the left and the right end of every interval, each shape (n - 1,).

    It comes from the two intervals that meet there. At a jump, at the ends of the curve, and next to an interval so
    short that the solver's error would be taken for a bend, it is that of the interval's other end.
    """
    length = np.diff(times)
    slope = np.divide(np.diff(values), length, out=np.zeros(len(length)), where=length > 0)
    inside = np.minimum(length[:-1], length[1:]) * ALIKE > np.maximum(length[:-1], length[1:])
    bend = np.full(len(times), np.nan)
    bend[1:-1][inside] = 2.0 * (np.diff(slope) / (length[:-1] + length[1:]).clip(min=np.finfo(float).tiny))[inside]
    left, right = bend[:-1], bend[1:]
    return np.nan_to_num(np.where(np.isnan(left), right, left)), np.nan_to_num(np.where(np.isnan(right), left, right))


def peak(times: Array, values: Array) -> tuple[float, float]:
    """Time and value of the largest value: the vertex of the parabola through the highest point and its neighbours,
    where it has one on either side and no jump next to it."""
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


def trough(times: Array, values: Array) -> tuple[float, float]:
    """Time and value of the smallest value, as `peak`."""
    at, negative = peak(times, -values)
    return at, -negative


def half_life(times: Array, values: Array) -> float:
    """ln 2 over the rate of an exponential fall, by a straight line through log(values) at evenly spaced times; NaN
    where a value is not above zero or the line rises."""
    even = np.linspace(times[0], times[-1], 201)
    values = interpolate(times, values, even)
    if (values <= 0).any():
        return math.nan
    slope = np.polyfit(even, np.log(values), 1)[0]
    return -math.log(2) / float(slope) if slope < 0 else math.nan


def time_above(times: Array, values: Array, level: float) -> float:
    """Total time at or above `level`."""
    times, values = _finer_at(times, values, level)
    a, b, step = values[:-1] - level, values[1:] - level, np.diff(times)
    across = np.divide(np.maximum(a, b), np.abs(a - b), out=np.zeros(len(step)), where=a != b)
    share = np.where((a >= 0) & (b >= 0), 1.0, np.where((a >= 0) | (b >= 0), across, 0.0))
    return float((step * share).sum())


def time_below(times: Array, values: Array, level: float) -> float:
    """Total time at or below `level`."""
    return time_above(times, -values, -level)


def first_above(times: Array, values: Array, level: float) -> float:
    """First time at or above `level`; NaN if never."""
    times, values = _finer_at(times, values, level)
    at = np.flatnonzero(values >= level)
    if not len(at):
        return math.nan
    i = int(at[0])
    if i == 0:
        return float(times[0])
    return float(times[i - 1] + (times[i] - times[i - 1]) * (level - values[i - 1]) / (values[i] - values[i - 1]))


def first_below(times: Array, values: Array, level: float) -> float:
    """First time at or below `level`; NaN if never."""
    return first_above(times, -values, -level)


def _finer_at(times: Array, values: Array, level: float) -> tuple[Array, Array]:
    """The curve with `FINER` points instead of each interval in which it crosses `level`."""
    above = values >= level
    crossed = np.flatnonzero((above[:-1] != above[1:]) & (np.diff(times) > 0))
    inner = (times[crossed, None] + np.diff(times)[crossed, None] * (np.arange(1, FINER) / FINER)).ravel()
    places = np.repeat(crossed + 1, FINER - 1)
    return np.insert(times, places, inner), np.insert(values, places, interpolate(times, values, inner))
