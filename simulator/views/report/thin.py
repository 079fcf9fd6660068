"""Which saved points a curve needs, so that straight lines between them look like the full curve."""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import pairwise

import numpy as np

from ...numerics.thresholds import NEGLIGIBLE
from ...numerics.trajectory import Array


def points_to_keep(times: Array, values: Array, tolerance: float, most: int | None = None) -> list[int]:
    """Places of the points of one curve, shape (n,), that are kept, in rising order: the first and the last,
    and by Douglas and Peucker (1973) each that lies farther than `tolerance`, as a fraction of the height of
    its axis, from the line between its neighbours, on a linear axis and on a logarithmic one.

    The worst come first, so that of at most `most` points each says as much as it can. Kept in any case are
    the largest and the smallest value, those that are not finite, and their neighbours.
    """
    if len(times) < 3:
        return list(range(len(times)))
    views = _views(values)
    cuts = _certain(values)
    kept = set(cuts)
    waiting: list[tuple[float, int, int, int]] = []
    for first, last in pairwise(cuts):
        _look(times, views, first, last, tolerance, waiting)
    while waiting and (most is None or len(kept) < most):
        _, first, last, worst = heappop(waiting)
        kept.add(worst)
        _look(times, views, first, worst, tolerance, waiting)
        _look(times, views, worst, last, tolerance, waiting)
    return sorted(kept)


def _views(values: Array) -> Array:
    """The curve as it is drawn on a linear and on a logarithmic axis, each scaled to 0 to 1, shape (2, n)."""
    finite = np.isfinite(values)
    known = np.where(finite, values, 0.0)
    top = float(known.max(initial=0.0))
    logarithm = np.log10(np.clip(known, max(top * NEGLIGIBLE, np.finfo(float).tiny), None))
    views = np.stack([known, logarithm])
    low, high = views[:, finite].min(axis=1, initial=np.inf), views[:, finite].max(axis=1, initial=-np.inf)
    size = np.where(high > low, high - low, 1.0)
    scaled: Array = (views - np.where(np.isfinite(low), low, 0.0)[:, None]) / size[:, None]
    return scaled


def _certain(values: Array) -> list[int]:
    """Points that are always kept: both ends, extremes, values that are not finite, and their neighbours."""
    not_finite = np.flatnonzero(~np.isfinite(values))
    marks = {0, len(values) - 1, *not_finite.tolist(), *(not_finite - 1).tolist(), *(not_finite + 1).tolist()}
    if len(not_finite) < len(values):
        known = np.where(np.isfinite(values), values, np.nan)
        marks |= {int(np.nanargmax(known)), int(np.nanargmin(known))}
    return sorted(mark for mark in marks if 0 <= mark < len(values))


def _look(
    times: Array, views: Array, first: int, last: int, tolerance: float, waiting: list[tuple[float, int, int, int]]
) -> None:
    """Adds to the heap the point between `first` and `last` that is farthest from the line between them."""
    if last - first < 2:
        return
    inside = slice(first + 1, last)
    share = (times[inside] - times[first]) / (times[last] - times[first])
    line = views[:, first, None] + share * (views[:, last] - views[:, first])[:, None]
    far = np.abs(views[:, inside] - line).max(axis=0)
    worst = int(far.argmax())
    if far[worst] > tolerance:
        heappush(waiting, (-float(far[worst]), first, last, first + 1 + worst))
