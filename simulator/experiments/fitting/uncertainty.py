"""How well data tell the values that are estimated: standard errors, intervals, correlations, and what is not told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit  # scipy.stats takes most of a second to import

from ...numerics.trajectory import Array
from .problem import FitProblem

LEVEL = 0.95  # of all intervals
NO_EFFECT = 1e-3  # errors: residuals that move by less over a whole range do not depend on it
SINGULAR = 1e-6  # of the largest singular value: what is smaller is the rounding of differences
LOADED = 0.1  # of the largest part of a direction: what has less is no part of it
ALIKE = 0.95  # correlation: from here on two values are not told apart
AT_END = 1e-3  # of its range


class Untold(NamedTuple):
    """Something that the data do not tell. kind: of `KINDS`. values: which ones, by number; signs: of a combination,
    how each changes along it."""

    kind: str
    values: tuple[int, ...]
    signs: tuple[int, ...] = ()


KINDS = (
    "no effect",  # no datum depends on it
    "flat",  # every value in its range fits about as well
    "combination",  # only a combination of these is told
    "alike",  # two that cannot be told apart
    "no lower limit",
    "no upper limit",
    "at an end",  # of its range
)
OF_INTERVALS = ("flat", "no lower limit", "no upper limit")  # what a profile says better


@dataclass(frozen=True, eq=False)
class Uncertainty:
    """By the Jacobian at the best fit.

    Attributes:
        quantile: how many standard errors an interval reaches to each side: of the normal distribution, or of Student's
            where the size of errors follows from the residuals.
        steps: standard errors of the places, shape (p,); infinite where an interval is wider than the range.
        errors: standard errors in the units of the axes, shape (p,); infinite where they are not told.
        low, high: ends of the intervals in the units of the axes, symmetric on the scales, shape (p,).
        covariance: of the places, shape (p, p); zero for those that are held.
        correlations: of the estimates on their scales, shape (p, p); NaN for those that are held.
        held: which of them are held at an end of their range, as the data would draw them over it, shape (p,).
        untold: what the data do not tell.
    """

    quantile: float
    steps: Array
    errors: Array
    low: Array
    high: Array
    covariance: Array
    correlations: Array
    held: NDArray[np.bool_]
    untold: tuple[Untold, ...]


def quantile_of(problem: FitProblem) -> float:
    """How many standard errors 95 % intervals reach."""
    if all(each.says_errors for each in problem.data):
        return float(ndtri(0.5 + LEVEL / 2))
    return float(stdtrit(max(problem.spare, 1), 0.5 + LEVEL / 2))


def uncertainty(
    problem: FitProblem, place: Array, jacobian: Array, residuals: Array, quantile: float
) -> Uncertainty:  # fmt: skip
    """What the derivatives of the weighted residuals by the place, shape (residuals, p), say at the best fit.

    A value at an end of its range, over which the residuals would draw it, is held there for all others.
    """
    slope = jacobian.T @ residuals
    held = ((place < AT_END) & (slope > 0.0)) | ((place > 1.0 - AT_END) & (slope < 0.0))
    free = np.flatnonzero(~held)
    covariance = np.zeros((len(place), len(place)))
    sizes, directions = np.zeros(0), np.zeros((0, len(free)))
    if len(free):
        _, sizes, directions = np.linalg.svd(jacobian[:, free], full_matrices=True)
        sizes = np.concatenate([sizes, np.zeros(len(directions) - len(sizes))])
        floor = max(SINGULAR * float(sizes[0]), 1e-12)
        covariance[np.ix_(free, free)] = (directions.T / np.maximum(sizes, floor) ** 2) @ directions
    steps = np.sqrt(np.diag(covariance))
    with np.errstate(all="ignore"):
        correlations = covariance / np.outer(steps, steps)
    is_known = (quantile * steps < 1.0) & ~held
    scaled = problem.low + place * problem.width
    reach = np.where(is_known, quantile * steps * problem.width, np.inf)
    values, logs = problem.values(place[None, :])[0], np.array([each.axis.log for each in problem.fit.estimates])
    with np.errstate(all="ignore"):
        errors = np.where(is_known, steps * problem.width * np.where(logs, values, 1.0), np.inf)
        low = np.where(logs, np.exp(scaled - reach), scaled - reach)
        high = np.where(logs, np.exp(scaled + reach), scaled + reach)
    in_all_values = np.zeros((len(directions), len(place)))
    in_all_values[:, free] = directions
    untold = [Untold("at an end", (i,), (-1 if place[i] < AT_END else 1,)) for i in np.flatnonzero(held).tolist()]
    untold += _untold(np.flatnonzero(held).tolist(), jacobian, sizes, in_all_values, quantile)
    untold += _less_told(place, steps, correlations, quantile, {i for each in untold for i in each.values})
    steps = np.where(is_known, steps, np.inf)
    return Uncertainty(quantile, steps, errors, low, high, covariance, correlations, held, tuple(untold))


def _untold(
    held: list[int], jacobian: Array, sizes: Array, directions: Array, quantile: float
) -> Iterator[Untold]:  # fmt: skip
    named = set(held)
    for i in np.flatnonzero(np.linalg.norm(jacobian, axis=0) < NO_EFFECT).tolist():
        named.add(i)
        yield Untold("no effect", (i,))
    for size, direction in zip(sizes, directions, strict=True):
        if size >= quantile:
            continue
        parts = np.abs(direction)
        loaded = [i for i in np.flatnonzero(parts > LOADED * parts.max()).tolist() if i not in named]
        if len(loaded) == 1:
            yield Untold("flat", (loaded[0],))
        elif loaded:
            signs = np.sign(direction[loaded] * np.sign(direction[loaded[0]])).astype(int).tolist()
            yield Untold("combination", tuple(loaded), tuple(signs))
        named.update(loaded)


def _less_told(
    place: Array, steps: Array, correlations: Array, quantile: float, named: set[int]
) -> Iterator[Untold]:  # fmt: skip
    """Of the others: pairs that are alike, intervals that reach over an end, and estimates at one."""
    others = [i for i in range(len(place)) if i not in named]
    for position, i in enumerate(others):
        for j in others[position + 1 :]:
            if abs(correlations[i, j]) >= ALIKE:
                yield Untold("alike", (i, j), (1, int(np.sign(correlations[i, j]))))
    for i in others:
        below, above = place[i] - quantile * steps[i] <= 0.0, place[i] + quantile * steps[i] >= 1.0
        if below and above:
            yield Untold("flat", (i,))
        elif below or above:
            yield Untold("no lower limit" if below else "no upper limit", (i,))
