"""Curves that swing faster than an eye can follow, drawn as the band between their peaks and troughs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ...numerics.trajectory import Array

CLOSE = 1 / 90  # of the axis of time: peaks closer than this run into each other
LEAST = 6  # peaks in a row
HIGH = 0.04  # of the height of the panel: smaller swings look like a line


class Swings(NamedTuple):
    """A time in which a curve swings too fast to be followed: its peaks and troughs, as lines over `times`."""

    times: Array
    low: Array
    high: Array


def swings_of(times: Array, values: Array, heights: Array, span: float) -> list[Swings]:
    """Where a curve runs through at least `LEAST` peaks, each within `CLOSE` of the next.

    times, values: shape (n,). heights: where in the panel the values stand, from 0 to 1. span: of the axis of time.
    """
    peaks, troughs = _turns(heights)
    if len(peaks) < LEAST:
        return []
    far = np.flatnonzero(np.diff(times[peaks]) > CLOSE * span)
    found = []
    for run in np.split(peaks, far + 1):
        between = troughs[(troughs > run[0]) & (troughs < run[-1])]
        if len(run) >= LEAST and len(between) and np.median(heights[run]) - np.median(heights[between]) > HIGH:
            inside = times[run[0] : run[-1] + 1]
            at = np.unique(np.concatenate([times[run], times[between], inside[[0, -1]]]))
            low, high = (np.interp(at, times[each], values[each]) for each in (between, run))
            found.append(Swings(at, np.minimum(low, high), high))
    return found


def without(times: Array, values: Array, swings: Sequence[Swings]) -> Array:
    """The values with none inside the times that are drawn as bands."""
    left: Array = np.array(values, dtype=float)
    for each in swings:
        left[(times > each.times[0]) & (times < each.times[-1])] = np.nan
    return left


def _turns(heights: Array) -> tuple[Array, Array]:
    """The places of peaks and of troughs that differ from their neighbours by `HIGH` / 4 or more."""
    peaks: list[int] = []
    troughs: list[int] = []
    known = np.flatnonzero(np.isfinite(heights))
    if not len(known):
        return np.array([], dtype=int), np.array([], dtype=int)
    top = bottom = int(known[0])
    rising: bool | None = None
    for place in known.tolist():
        if heights[place] > heights[top]:
            top = place
        if heights[place] < heights[bottom]:
            bottom = place
        if rising is not False and heights[top] - heights[place] > HIGH / 4:
            peaks.append(top)
            rising, bottom = False, place
            top = place
        elif rising is not True and heights[place] - heights[bottom] > HIGH / 4:
            troughs.append(bottom)
            rising, top = True, place
            bottom = place
    return np.array(peaks, dtype=int), np.array(troughs, dtype=int)
