"""Curves in pieces: each a polynomial of degree 4 through five evenly spaced points.

Within a step of a solver every species is such a polynomial. An observable need not be one: where its points do not
determine it, they are taken closer together (`refined`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Indices = NDArray[np.intp]

PIECE = 4  # intervals between the points of a piece
STEP = 2 * PIECE  # intervals between the points of a step of two pieces: the odd points test the even ones
TOLERANCE = 1e-6  # of the range of a curve, by which the odd points may differ from the polynomial of the even ones
ROUNDING = 1e-14  # of the size of a curve, by which they may differ too: no halving brings rounding closer
HALVINGS = 30  # of a step, at most: what is left of a kink or a jump is then a billionth of the step
LAST = 10  # of the halvings: a jump is no higher after them, a pole higher ...
POLE = 20.0  # ... by this factor at least, where it is then infinite; 1 / sqrt(x) by 32, 1 / x by a thousand
MOST_PARTS = 64  # of a step that are still not determined: more is noise, which no halving ends
# From the points of a piece, less the first, to three times the coefficients of its polynomial
_TO_COEFFICIENTS = (
    (48.0, -36.0, 16.0, -3.0),
    (-208.0, 228.0, -112.0, 22.0),
    (288.0, -384.0, 224.0, -48.0),
    (-128.0, 192.0, -128.0, 32.0),
)
# From the even points of a step, less the first, to its odd ones
_TO_ODD = (
    (np.vander(np.arange(1, STEP, 2) / STEP, PIECE + 1, increasing=True)[:, 1:] @ _TO_COEFFICIENTS) / 3.0
).tolist()

# The values of some curves, shape (curves, k), in k steps at a fraction of each
Evaluate = Callable[[Indices, Array], Array]
Unseen = Callable[[Indices, Array, Array], NDArray[np.bool_]]


class Pieces(NamedTuple):
    """One curve of m members, as n pieces.

    Attributes:
        start, end: their first and last times, shape (n,); those of a member rise. Both are the same where a curve
            has no more than one point.
        values: at their points, shape (PIECE + 1, n).
        first: the pieces of member i are first[i] to first[i + 1] - 1, shape (m + 1,).
    """

    start: Array
    end: Array
    values: Array
    first: Indices

    @property
    def member(self) -> Indices:
        """The member of each piece, shape (n,)."""
        return np.repeat(np.arange(len(self.first) - 1), np.diff(self.first))

    def negative(self) -> Pieces:
        """The curve with its sign changed."""
        return self._replace(values=-self.values)


def points_of(starts: Indices, count: int, members: Indices) -> tuple[Indices, Indices]:
    """The pieces of a time course that is made of segments of k * PIECE + 1 points.

    Args:
        starts: the first point of each segment, shape (segments,).
        count: of all points.
        members: the first point of each member, and `count`, shape (members + 1,).

    Returns:
        The points of each piece, shape (PIECE + 1, pieces), and the first piece of each member, shape (members + 1,),
        with the number of all. A segment of one point is a piece of no length.
    """
    sizes = np.diff(np.append(starts, count))
    parts = np.maximum((sizes - 1) // PIECE, 1)
    before = np.append(0, np.cumsum(parts))
    within = np.arange(before[-1]) - np.repeat(before[:-1], parts)
    points = np.repeat(starts, parts) + PIECE * within + np.arange(PIECE + 1)[:, None]
    if (sizes <= PIECE).any():
        points = np.minimum(points, np.repeat(starts + sizes - 1, parts))
    return points, before[np.searchsorted(starts, members)]


def pieces_through(times: Array, values: Array, points: Indices, first: Indices) -> Pieces:
    """The curve through `values` at `times`; points, first: as `points_of` gives them."""
    return Pieces(times.take(points[0]), times.take(points[-1]), values.take(points), first)


def first_not_finite(pieces: Pieces) -> Array:
    """The first time at which each curve is not a finite number, shape (members,); NaN where it always is."""
    if np.isfinite(pieces.values).all():
        return np.full(len(pieces.first) - 1, np.nan)
    points = ~np.isfinite(pieces.values)
    length = pieces.end - pieces.start
    at = np.where(points.any(axis=0), pieces.start + points.argmax(axis=0) / PIECE * length, np.inf)
    found = np.minimum.reduceat(at, pieces.first[:-1])
    return np.where(np.isinf(found), np.nan, found)


def stacked(parts: Sequence[Pieces]) -> Pieces:
    """Several curves as those of as many members."""
    sizes = np.cumsum([0, *(len(each.start) for each in parts)])
    first = [each.first[:-1] + size for each, size in zip(parts, sizes[:-1].tolist(), strict=True)]
    return Pieces(
        np.concatenate([each.start for each in parts]),
        np.concatenate([each.end for each in parts]),
        np.concatenate([each.values for each in parts], axis=1),
        np.concatenate([*first, sizes[-1:]]),
    )


def segment_starts(times: Array, members: Indices) -> Indices:
    """The first point of each segment of a time course in steps: a jump has two points of the same time.

    members: as in `points_of`.
    """
    new = np.zeros(len(times), dtype=bool)
    new[1:] = times[1:] == times[:-1]
    edges = members[:-1][members[:-1] < len(times)]
    new[edges] = True
    found = np.flatnonzero(new)
    if ((np.diff(np.append(found, len(times))) - 1) % PIECE).any():
        # A step so short that points within it have the same time
        own, kept = set(edges.tolist()), [0]
        for point in found.tolist()[1:]:
            if point in own or not (point - 1 - kept[-1]) % PIECE:
                kept.append(point)
        found = np.array(kept)
    return found


def coefficients_of(points: Array) -> Array:
    """The coefficients of the polynomials through `points`, both of shape (PIECE + 1, n): ascending powers of s, the
    fraction of the piece."""
    found = np.empty(points.shape)
    found[0] = points[0]
    rises = points[1:] - points[0]
    for row, weights in enumerate(_TO_COEFFICIENTS, 1):
        found[row] = weighted(weights, rises) / 3.0
    return found


def with_odd_points(points: Array) -> Array:
    """The values at the `STEP` + 1 points of steps, shape (STEP + 1, ...), of polynomials through every other of them,
    shape (PIECE + 1, ...)."""
    found = np.empty((STEP + 1, *points.shape[1:]))
    found[::2], rises = points, points[1:] - points[0]
    for row, weights in enumerate(_TO_ODD):
        found[2 * row + 1] = points[0] + weighted(weights, rises)
    return found


def weighted(weights: Sequence[float], rows: Array) -> Array:
    """The sum of rows multiplied by a number each. Not a product of matrices: its rounding depends on how many columns
    there are, and what a member gives must not depend on its neighbours."""
    total: Array = weights[0] * rows[0]
    for weight, row in zip(weights[1:], rows[1:], strict=True):
        total = total + weight * row
    return total


def at_fraction(coefficients: Array, s: Array) -> Array:
    """Polynomials with coefficients of shape (degree + 1, n), in ascending powers, at `s`."""
    found: Array = coefficients[-1] + 0.0 * s
    for each in coefficients[-2::-1]:
        found = found * s + each
    return found


def at_one_fraction(coefficients: Sequence[float], s: float) -> float:
    """The same of one polynomial, equal to the last bit."""
    found = coefficients[-1] + 0.0 * s
    for each in coefficients[-2::-1]:
        found = found * s + each
    return found


def refined(
    start: Array, end: Array, values: Array, first: Indices, evaluate: Evaluate, unseen: Unseen | None = None
) -> Pieces:
    """A curve in pieces so short that its points determine it; infinite where it has a pole, as 1 / (A - 2) has.

    Args:
        start, end: of the steps of all members, shape (n,).
        values: at the points of the steps, shape (STEP + 1, n).
        first: the steps of member i are first[i] to first[i + 1] - 1, shape (m + 1,).
        evaluate: gives the values at a fraction of a step.
        unseen: says which parts of steps, each from one fraction to another, hold what their points do not show.
    """
    member = np.repeat(np.arange(len(first) - 1), np.diff(first))
    bottom, top = np.full(len(first) - 1, np.inf), np.full(len(first) - 1, -np.inf)
    size = np.zeros(len(first) - 1)
    step, low, high = np.arange(len(start)), np.zeros(len(start)), np.ones(len(start))
    done: list[tuple[Indices, Array, Array, Array]] = []
    for halving in range(HALVINGS + 1):
        _widen(bottom, top, values, member[step])
        unknown = _undetermined(values, _allowed(bottom, top)[member[step]])
        if unseen is not None:
            unknown |= unseen(step, low, high)
        if halving == HALVINGS - LAST:
            size = np.maximum(np.abs(bottom), np.abs(top))
        elif halving == HALVINGS:
            values[:, unknown & (np.abs(values).max(axis=0) > POLE * size[member[step]])] = np.inf
        open_ = unknown
        unknown = unknown & (np.bincount(step[unknown], minlength=len(start)) <= MOST_PARTS)[step]
        unknown &= halving < HALVINGS
        known, given_up = ~open_, open_ & ~unknown
        done.append((step[known], low[known], high[known], values[:, known]))
        if given_up.any():
            done.append(_straight(step[given_up], low[given_up], high[given_up], values[:, given_up]))
        if not unknown.any():
            break
        step, low, high, values = _halved(step[unknown], low[unknown], high[unknown], values[:, unknown], evaluate)
    step, low, high = (np.concatenate([part[i] for part in done]) for i in range(3))
    values = np.concatenate([part[3] for part in done], axis=1)
    order = np.lexsort((low, step))
    step, low, high, values = step[order], low[order], high[order], values[:, order]
    return _as_pieces(start, end, values, first, step, low, high)


def _straight(step: Indices, low: Array, high: Array, values: Array) -> tuple[Indices, Array, Array, Array]:
    """Parts of steps that no polynomial follows, such as a jump, with straight lines from point to point, so that the
    curve goes nowhere where it has no point: each part as `PIECE` parts of two lines."""
    length, s = (high - low) / PIECE, np.arange(PIECE + 1)[:, None] / PIECE
    found = []
    for part in range(PIECE):
        first, middle, last = values[2 * part : 2 * part + 3]
        with np.errstate(all="ignore"):
            lines = [
                np.where(one == other, one, (1.0 - s) * one + s * other)
                for one, other in ((first, middle), (middle, last))
            ]
        end = high if part == PIECE - 1 else low + (part + 1) * length
        found.append((step, low + part * length, end, np.concatenate([lines[0], lines[1][1:]])))
    a, b, c, d = zip(*found, strict=True)
    return np.concatenate(a), np.concatenate(b), np.concatenate(c), np.concatenate(d, axis=1)


def as_pieces(start: Array, end: Array, values: Array, first: Indices) -> Pieces:
    """Steps as pieces, without a test of their points; arguments as in `refined`."""
    none = np.zeros(len(start))
    return _as_pieces(start, end, values, first, np.arange(len(start)), none, none + 1.0)


def _as_pieces(
    start: Array, end: Array, values: Array, first: Indices, step: Indices, low: Array, high: Array
) -> Pieces:
    length = end - start
    begin = start[step] + low * length[step]
    finish = np.where(high == 1.0, end[step], start[step] + high * length[step])
    middle = begin + 0.5 * (finish - begin)
    both = np.stack([values[: PIECE + 1], values[PIECE:]], axis=2).reshape(PIECE + 1, -1)
    return Pieces(
        np.stack([begin, middle], axis=1).ravel(),
        np.stack([middle, finish], axis=1).ravel(),
        both,
        2 * np.searchsorted(step, first),
    )


def _widen(low: Array, top: Array, values: Array, member: Indices) -> None:
    """Extends the ranges of members, shape (m,), by the finite values of their steps, shape (STEP + 1, n)."""
    smallest, largest = values.min(axis=0), values.max(axis=0)
    if not (np.isfinite(smallest).all() and np.isfinite(largest).all()):
        finite = np.isfinite(values)
        smallest, largest = np.where(finite, values, np.inf).min(axis=0), np.where(finite, values, -np.inf).max(axis=0)
    np.minimum.at(low, member, smallest)
    np.maximum.at(top, member, largest)


def undetermined(values: Array, first: Indices) -> NDArray[np.bool_]:
    """Steps of many members whose points, shape (STEP + 1, n), do not determine a curve; first: as in `refined`."""
    member = np.repeat(np.arange(len(first) - 1), np.diff(first))
    bottom, top = np.full(len(first) - 1, np.inf), np.full(len(first) - 1, -np.inf)
    _widen(bottom, top, values, member)
    return _undetermined(values, _allowed(bottom, top)[member]) | ~np.isfinite(values).all(axis=0)


def _allowed(bottom: Array, top: Array) -> Array:
    """By how much the odd points of a step may be off the polynomial, for curves between `bottom` and `top`."""
    return np.maximum(TOLERANCE * (top - bottom), ROUNDING * np.maximum(np.abs(bottom), np.abs(top)))


def _undetermined(values: Array, allowed: Array) -> NDArray[np.bool_]:
    """Steps whose odd points are not on the polynomial of the even ones; but not those without a finite value."""
    with np.errstate(all="ignore"):
        rises = values[2::2] - values[0]
        apart = [np.abs(values[0] + weighted(row, rises) - odd) for row, odd in zip(_TO_ODD, values[1::2], strict=True)]
        off = np.max(apart, axis=0)
    finite = np.isfinite(values)
    found: NDArray[np.bool_] = ~(off <= allowed) & finite.any(axis=0)
    return found


def _halved(
    step: Indices, low: Array, high: Array, values: Array, evaluate: Evaluate
) -> tuple[Indices, Array, Array, Array]:
    """Parts of steps cut in two, with new points between the old ones."""
    middle = 0.5 * (low + high)
    step = np.concatenate([step, step])
    low, high = np.concatenate([low, middle]), np.concatenate([middle, high])
    fine = np.empty((STEP + 1, len(step)))
    fine[::2] = np.concatenate([values[: PIECE + 1], values[PIECE:]], axis=1)
    odd = np.arange(1, STEP, 2) / STEP
    at = low + odd[:, None] * (high - low)
    fine[1::2] = evaluate(np.tile(step, len(odd)), at.ravel())[0].reshape(at.shape)
    return step, low, high, fine
