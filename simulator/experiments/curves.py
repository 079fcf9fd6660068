"""The mathematics of curves, of many members at once: values between points, extremes, areas and crossings.

A curve is made of pieces, each a polynomial of degree 4 through five evenly spaced points: within a step of a solver
every species is such a polynomial, so what is found here is exact for it. At a jump one piece ends and another begins
at the same time. What a function finds is an array with one number for each member.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..numerics.pieces import PIECE, Indices, Pieces, at_fraction, at_one_fraction, coefficients_of, weighted
from ..numerics.trajectory import Array

Flags = NDArray[np.bool_]

# By how much such a polynomial exceeds the largest of its points at most, in terms of their range: half of its Lebesgue
# constant (2.2078) less one
OVERSHOOT = 0.61
NEWTON_STEPS = 60  # at most, to a root: a bisection a step where Newton's goes astray
ROOT = 1e-15  # of a piece: a smaller step finds no better root
FEW = 4  # polynomials, whose roots plain numbers find sooner than arrays
EVEN = 201  # points of the straight line through log(values) that gives a half-life
HALVINGS_AGREE = 0.05  # by which the last two halvings of a curve may differ, for its fall to be called exponential
BOOLE = 7 / 90, 32 / 90, 12 / 90, 32 / 90, 7 / 90  # the integral of a piece, in terms of its length


def _derivative(coefficients: Array) -> Array:
    return coefficients[1:] * np.arange(1.0, len(coefficients))[:, None]


def _coefficients(pieces: Pieces, of: Indices) -> Array:
    return coefficients_of(pieces.values.take(of, axis=1))


def _roots(coefficients: Array) -> Array:
    """The roots from 0 to 1 of n polynomials of degree d, shape (d, n), rising; 1 where there is none.

    Between two roots of its derivative a polynomial crosses zero once at most.
    """
    degree = len(coefficients) - 1
    if coefficients.shape[1] <= FEW:
        alone = [_roots_of_one(column) for column in coefficients.T.tolist()]
        return np.array(alone).reshape(-1, degree).T
    if degree == 2:
        return _roots_of_quadratics(*coefficients)
    none = np.zeros((1, coefficients.shape[1]))
    edges = np.concatenate([none, _roots(_derivative(coefficients)), none + 1.0])
    values = np.array([at_fraction(coefficients, edge) for edge in edges])
    found = np.ones((degree, coefficients.shape[1]))
    piece, which = np.nonzero((values[:-1] < 0.0) != (values[1:] < 0.0))
    if len(which):
        low, high = edges[piece, which], edges[piece + 1, which]
        found[piece, which] = _polished(coefficients[:, which], low, high, values[piece, which] < 0.0)
    return np.sort(found, axis=0)


def _roots_of_quadratics(c: Array, b: Array, a: Array) -> Array:
    """The roots from 0 to 1 of a s^2 + b s + c, shape (2, n), rising; 1 where there is none. Without a difference of
    nearly equal numbers: one root from q = -(b + sign(b) root) / 2 as q / a, the other as c / q."""
    with np.errstate(all="ignore"):
        q = -0.5 * (b + np.copysign(np.sqrt(b * b - 4.0 * a * c), b))
        found = np.array([q / a, c / q])
    inside = (found >= 0.0) & (found <= 1.0)
    return np.sort(np.where(inside, found, 1.0), axis=0)


def _polished(coefficients: Array, low: Array, high: Array, rises: Flags) -> Array:
    """The one root of each polynomial between `low` and `high`: Newton's steps, halved where they leave the bracket."""
    slopes = _derivative(coefficients)
    s, found = 0.5 * (low + high), np.zeros(len(low), dtype=bool)
    for _ in range(NEWTON_STEPS):
        value = at_fraction(coefficients, s)
        below = (value < 0.0) == rises
        low, high = np.where(below, s, low), np.where(below, high, s)
        slope = at_fraction(slopes, s)
        new = s - np.divide(value, slope, out=np.full(len(s), np.inf), where=slope != 0.0)
        new = np.where((new >= low) & (new <= high), new, 0.5 * (low + high))
        moved = ~found & (np.abs(new - s) > ROOT)
        s, found = np.where(found, s, new), ~moved  # a root that is found stays, whatever the others need
        if not moved.any():
            break
    return s


def _roots_of_one(coefficients: list[float]) -> list[float]:
    """As `_roots` of one polynomial, to the last bit: plain numbers take a sixth of the time of arrays of one."""
    degree = len(coefficients) - 1
    if degree == 2:
        return _roots_of_quadratic(*coefficients)
    slopes = [each * float(power) for power, each in enumerate(coefficients[1:], 1)]
    edges = [0.0, *_roots_of_one(slopes), 1.0]
    values = [at_one_fraction(coefficients, edge) for edge in edges]
    found = [1.0] * degree
    for piece in range(degree):
        rises = values[piece] < 0.0
        if rises != (values[piece + 1] < 0.0):
            found[piece] = _polished_one(coefficients, slopes, edges[piece], edges[piece + 1], rises)
    return sorted(found)


def _roots_of_quadratic(c: float, b: float, a: float) -> list[float]:
    """As `_roots_of_quadratics` of one."""
    inner = b * b - 4.0 * a * c
    if not inner >= 0.0:
        return [1.0, 1.0]
    q = -0.5 * (b + math.copysign(math.sqrt(inner), b))
    found = [q / a if a != 0.0 else math.inf, c / q if q != 0.0 else math.inf]
    return sorted(each if 0.0 <= each <= 1.0 else 1.0 for each in found)


def _polished_one(coefficients: list[float], slopes: list[float], low: float, high: float, rises: bool) -> float:
    """As `_polished` of one polynomial."""
    s = 0.5 * (low + high)
    for _ in range(NEWTON_STEPS):
        value, slope = at_one_fraction(coefficients, s), at_one_fraction(slopes, s)
        if (value < 0.0) == rises:
            low = s
        else:
            high = s
        new = s - (value / slope if slope != 0.0 else math.inf)
        if not low <= new <= high:
            new = 0.5 * (low + high)
        moved = abs(new - s) > ROOT
        s = new
        if not moved:
            break
    return s


def _last_from(keys: Array, first: Indices, last: Indices, wanted: Array) -> Indices:
    """The last index from `first` to `last` whose key is not above `wanted`, or `first`; keys rise."""
    if (first == first[0]).all() and (last == last[0]).all():  # one member
        found = first[0] + np.searchsorted(keys[first[0] : last[0] + 1], wanted, side="right") - 1
        return np.asarray(np.maximum(found, first[0]))
    low, high = first.copy(), last.copy()
    while (low < high).any():
        middle = (low + high + 1) // 2
        fits = keys.take(middle) <= wanted
        low, high = np.where(fits, middle, low), np.where(fits, high, np.maximum(middle - 1, low))
    return low


def values_at(pieces: Pieces, at: Array) -> Array:
    """The values of every curve at its times `at`, both of shape (m, k); at a jump, the value after it."""
    shape, first = at.shape, np.repeat(pieces.first[:-1], at.shape[1])
    last = np.repeat(pieces.first[1:] - 1, at.shape[1])
    found = _last_from(pieces.start, first, last, at.ravel())
    return _interpolated(pieces, found, at.ravel()).reshape(shape)


def _interpolated(pieces: Pieces, of: Indices, at: Array) -> Array:
    """The values of pieces at a time of each; exact at their points."""
    start = pieces.start.take(of)
    length = pieces.end.take(of) - start
    s = np.divide(at - start, length, out=np.zeros(len(at)), where=length > 0.0).clip(0.0, 1.0)
    with np.errstate(all="ignore"):
        found = at_fraction(_coefficients(pieces, of), s)
    nearest = np.rint(s * PIECE)
    point = pieces.values[nearest.astype(np.intp), of]
    exact: Array = np.where(np.abs(s * PIECE - nearest) <= 1e-13, point, found)
    return exact


def value_at(pieces: Pieces, at: float) -> Array:
    """The values at one time; at a jump, the value after it."""
    found: Array = values_at(pieces, np.full((len(pieces.first) - 1, 1), at))[:, 0]
    return found


def value_before(pieces: Pieces, at: float) -> Array:
    """The values just before one time: at a jump, the value that it jumps from."""
    count = len(pieces.first) - 1
    earlier = np.full(count, np.nextafter(at, -np.inf))
    found = _last_from(pieces.start, pieces.first[:-1], pieces.first[1:] - 1, earlier)
    return _interpolated(pieces, found, np.full(count, at))


def final(pieces: Pieces) -> Array:
    """The last values."""
    found: Array = pieces.values[-1].take(pieces.first[1:] - 1)
    return found


def cut(pieces: Pieces, start: float, end: float) -> Pieces:
    """The curves between two times: from after a jump at `start` to before a jump at `end`."""
    members = len(pieces.first) - 1
    first, last = pieces.first[:-1], pieces.first[1:] - 1
    low = _last_from(pieces.start, first, last, np.full(members, start))
    high = _last_from(pieces.start, low, last, np.full(members, np.nextafter(end, -np.inf)))
    counts = high - low + 1
    edges = np.concatenate([[0], np.cumsum(counts)])
    kept = np.arange(edges[-1]) + np.repeat(low - edges[:-1], counts)
    new_start, new_end, values = pieces.start.take(kept), pieces.end.take(kept), pieces.values.take(kept, axis=1)
    new_start[edges[:-1]] = np.maximum(new_start[edges[:-1]], start)
    new_end[edges[1:] - 1] = np.minimum(new_end[edges[1:] - 1], end)
    moved = np.unique(np.concatenate([edges[:-1], edges[1:] - 1]))
    for k in range(PIECE + 1):
        at = new_start[moved] + k / PIECE * (new_end[moved] - new_start[moved])
        values[k, moved] = _interpolated(pieces, kept[moved], at)
    return Pieces(new_start, new_end, values, edges)


def area(pieces: Pieces) -> Array:
    """The area under each curve, in its unit times that of time."""
    return np.add.reduceat((pieces.end - pieces.start) * weighted(BOOLE, pieces.values), pieces.first[:-1])


def mean(pieces: Pieces) -> Array:
    """The mean of each curve over time."""
    return area(pieces) / (pieces.end.take(pieces.first[1:] - 1) - pieces.start.take(pieces.first[:-1]))


def peak(pieces: Pieces) -> tuple[Array, Array]:
    """Time and value of the largest value of each curve; the first such time."""
    first, values = pieces.first[:-1], pieces.values
    member = pieces.member
    top, low = values.max(axis=0), values.min(axis=0)
    largest = np.maximum.reduceat(top, first)
    of_member = largest.take(member)
    # Among the points
    holder = np.minimum.reduceat(np.where(top == of_member, np.arange(len(top)), len(top) - 1), first)
    point = values.take(holder, axis=1).argmax(axis=0)
    start = pieces.start.take(holder)
    time = start + point / PIECE * (pieces.end.take(holder) - start)
    # Between them, in the pieces that can hold more
    some = np.flatnonzero((top + OVERSHOOT * (top - low) > of_member) & (top > low))
    if len(some):
        coefficients = _coefficients(pieces, some)
        turns = _roots(_derivative(coefficients))
        reached = np.array([at_fraction(coefficients, turn) for turn in turns])
        best = reached.argmax(axis=0), np.arange(len(some))
        height, turn = reached[best], turns[best]
        order = np.lexsort((some, -height, member[some]))
        owner, place = np.unique(member[some][order], return_index=True)
        chosen = order[place]
        higher = height[chosen] > largest[owner]
        owner, chosen = owner[higher], chosen[higher]
        largest[owner] = height[chosen]
        start = pieces.start[some[chosen]]
        time[owner] = start + turn[chosen] * (pieces.end[some[chosen]] - start)
    return time, largest


def trough(pieces: Pieces) -> tuple[Array, Array]:
    """Time and value of the smallest value of each curve; the first such time."""
    time, negative = peak(pieces.negative())
    return time, -negative


def half_life(pieces: Pieces) -> Array:
    """ln 2 over the rate of an exponential fall, by a straight line through log(values) at evenly spaced times; NaN
    where a value is not above zero or the line does not fall."""
    start, end = pieces.start.take(pieces.first[:-1]), pieces.end.take(pieces.first[1:] - 1)
    s = np.linspace(0.0, 1.0, EVEN)
    values = values_at(pieces, start[:, None] * (1.0 - s) + end[:, None] * s)
    with np.errstate(all="ignore"):
        slope = (np.log(values) * (s - 0.5)).sum(axis=1) / ((s - 0.5) ** 2).sum() / (end - start)
        return np.where((values > 0.0).all(axis=1) & (slope < 0.0), -math.log(2) / slope, np.nan)


def terminal_half_life(pieces: Pieces) -> Array:
    """The time in which each curve last fell by half, up to its end.

    NaN where its end is not above zero, or the halving before took a time that differs by more than `HALVINGS_AGREE`:
    the curve still bends, has not fallen by a factor of four, or a dose lies in between. (Non-compartmental analysis
    asks the same of a half-life: that its straight line of logarithms spans two of them.)
    """
    end = pieces.end.take(pieces.first[1:] - 1)
    last = final(pieces)
    with np.errstate(all="ignore"):
        relative = _reversed(pieces._replace(values=pieces.values / np.where(last > 0.0, last, np.nan)[pieces.member]))
        half, quarter = (-first_above(relative, level)[::-1] for level in (2.0, 4.0))
        found = end - half
        agree = np.abs((half - quarter) - found) <= HALVINGS_AGREE * found
    return np.where((last > 0.0) & agree, found, np.nan)


def area_to_infinity(pieces: Pieces) -> Array:
    """The area under each curve, and of the exponential that follows its end for ever with `terminal_half_life`."""
    return area(pieces) + final(pieces) * terminal_half_life(pieces) / math.log(2)


def _reversed(pieces: Pieces) -> Pieces:
    """Time runs backwards, and the members come in the other order."""
    first = len(pieces.start) - pieces.first[::-1]
    return Pieces(-pieces.end[::-1], -pieces.start[::-1], pieces.values[::-1, ::-1], first)


def time_above(pieces: Pieces, level: float) -> Array:
    """Total time of each curve at or above `level`."""
    top, low = pieces.values.max(axis=0), pieces.values.min(axis=0)
    spare = OVERSHOOT * (top - low)
    length = pieces.end - pieces.start
    time = np.where(low - spare >= level, length, 0.0)
    some = np.flatnonzero((low - spare < level) & (top + spare >= level))
    if len(some):
        edges, above = parts_above(pieces, some, level)
        time[some] = length[some] * (np.diff(edges, axis=0) * above).sum(axis=0)
    return np.add.reduceat(time, pieces.first[:-1])


def time_below(pieces: Pieces, level: float) -> Array:
    """Total time of each curve at or below `level`."""
    return time_above(pieces.negative(), -level)


def first_above(pieces: Pieces, level: float) -> Array:
    """First time of each curve at or above `level`; NaN if never."""
    top, low = pieces.values.max(axis=0), pieces.values.min(axis=0)
    count, first = len(top), pieces.first[:-1]
    surely = np.minimum.reduceat(np.where(top >= level, np.arange(count), count), first).take(pieces.member)
    some = np.flatnonzero((top + OVERSHOOT * (top - low) >= level) & (np.arange(count) <= surely))
    time = np.full(count, np.inf)
    if len(some):
        edges, above = parts_above(pieces, some, level)
        at = np.where(above.any(axis=0), edges[above.argmax(axis=0), np.arange(len(some))], np.inf)
        values = pieces.values.take(some, axis=1) >= level
        at = np.minimum(at, np.where(values.any(axis=0), values.argmax(axis=0) / PIECE, np.inf))
        length = pieces.end[some] - pieces.start[some]
        time[some] = pieces.start[some] + np.where(np.isinf(at), np.inf, at.clip(max=1.0) * length)
    found = np.minimum.reduceat(time, first)
    return np.where(np.isinf(found), np.nan, found)


def first_below(pieces: Pieces, level: float) -> Array:
    """First time of each curve at or below `level`; NaN if never."""
    return first_above(pieces.negative(), -level)


def parts_above(pieces: Pieces, of: Indices, level: float) -> tuple[Array, Flags]:
    """Pieces cut where they cross `level`, as fractions, shape (6, len(of)), and which parts are at or above it."""
    coefficients = _coefficients(pieces, of)
    coefficients[0] -= level
    none = np.zeros((1, len(of)))
    edges = np.concatenate([none, _roots(coefficients), none + 1.0])
    above = np.array([at_fraction(coefficients, middle) >= 0.0 for middle in (edges[1:] + edges[:-1]) / 2.0])
    return edges, above & (np.diff(edges, axis=0) > 0.0)
