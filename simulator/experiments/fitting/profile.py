"""Profile likelihoods: how much worse the best fit becomes when one value is held and all others are fitted again."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np

from ...numerics.trajectory import Array
from .problem import FitProblem, Residuals
from .search import Search, search
from .together import Ask, Together
from .uncertainty import Uncertainty

MOST_POINTS = 40  # to each side
LARGEST_STEP, SMALLEST_STEP = 0.1, 1e-6  # of the range
STEPS = 5  # to the end of an interval that is as the Jacobian says
MOST_STEPS = 40  # of each search


class ProfilePoint(NamedTuple):
    """The best fit where one value is held. place: shape (p,). cost: the sum of squared residuals."""

    place: Array
    cost: float


@dataclass(frozen=True)
class Profile:
    """Of one value. index: its number. points: in order of that value, the best fit among them.

    low, high: the ends of its interval, in the unit of its axis; None where every value up to that end of its range
    fits about as well, or where the simulations end before: `broken` says below or above.
    """

    index: int
    points: tuple[ProfilePoint, ...]
    low: float | None
    high: float | None
    broken: tuple[str, ...] = ()


def profiles(
    problem: FitProblem,
    residuals: Residuals,
    best: Search,
    uncertainty: Uncertainty,
    on_share: Callable[[float], object],
) -> tuple[list[Profile], bool]:
    """The profile of each value, all of them climbed together, and whether they were interrupted; those of which a
    side is missing then are left out."""
    sides = [(index, sign) for index in range(problem.size) for sign in (-1, 1)]
    jobs = [partial(_climb, problem, residuals, best, uncertainty, index, sign) for index, sign in sides]
    together = Together(jobs)
    together.run(problem.simulate, lambda ended: on_share(ended / len(jobs)))
    found = []
    for index in range(problem.size):
        below, above = together.found.get(2 * index), together.found.get(2 * index + 1)
        if below is not None and above is not None:
            found.append(_profile(problem, best, uncertainty.quantile**2, index, (below, above)))
    return found, together.interrupted


def _climb(
    problem: FitProblem, residuals: Residuals, best: Search, uncertainty: Uncertainty, index: int, sign: int, ask: Ask
) -> list[ProfilePoint]:
    """Points to one side of the best fit, in the order in which they were found."""
    limit, others = uncertainty.quantile**2, [i for i in range(problem.size) if i != index]
    step = LARGEST_STEP
    if math.isfinite(uncertainty.steps[index]):
        step = min(max(uncertainty.steps[index] * uncertainty.quantile / STEPS, SMALLEST_STEP), LARGEST_STEP)
    own = uncertainty.covariance[index, index]
    # how the others move with it
    follow = uncertainty.covariance[:, index] / own if own > 0 else np.zeros(problem.size)
    here = ProfilePoint(best.place, best.cost)
    found: list[ProfilePoint] = []
    for _ in range(MOST_POINTS):
        held = min(max(here.place[index] + sign * step, 0.0), 1.0)
        if abs(held - here.place[index]) < SMALLEST_STEP / 10:
            break
        start = np.clip(here.place + follow * (held - here.place[index]), 0.0, 1.0)
        start[index] = held
        new = search(problem, residuals, start, ask, others, MOST_STEPS)
        if new.ended == "stopped":
            break
        if not math.isfinite(new.cost):
            step /= 4
            if step < SMALLEST_STEP:
                break
            continue
        found.append(ProfilePoint(new.place, new.cost))
        if new.cost - best.cost > 2 * limit and step > SMALLEST_STEP:
            step /= 3  # too far for a good look at where the limit is passed
            continue
        if new.cost - best.cost > limit:
            break
        rise = new.cost - here.cost
        step = min(2 * step, LARGEST_STEP) if rise < limit / 40 else step / 1.5 if rise > limit / 2 else step
        here = found[-1]
    return found


def _profile(
    problem: FitProblem, best: Search, limit: float, index: int, sides: Sequence[list[ProfilePoint]]
) -> Profile:
    ends: list[float | None] = []
    broken = []
    for sign, points in zip((-1, 1), sides, strict=True):
        ordered = sorted(points, key=lambda point: abs(point.place[index] - best.place[index]))
        end = _crossing(best, index, limit, ordered)
        reached = ordered[-1].place[index] if ordered else best.place[index]
        if end is None and 1e-6 < reached < 1 - 1e-6:
            broken.append("below" if sign < 0 else "above")
        place = best.place.copy()
        place[index] = 0.0 if end is None else end
        ends.append(None if end is None else float(problem.values(place[None, :])[0, index]))
    middle = ProfilePoint(best.place, best.cost)
    points = sorted([*sides[0], middle, *sides[1]], key=lambda point: float(point.place[index]))
    return Profile(index, tuple(points), ends[0], ends[1], tuple(broken))


def _crossing(best: Search, index: int, limit: float, points: Sequence[ProfilePoint]) -> float | None:
    """The place at which a profile passes the limit, between two points: their roots rise about evenly."""
    before = (float(best.place[index]), 0.0)
    for point in points:
        root = math.sqrt(max(point.cost - best.cost, 0.0))
        if root >= math.sqrt(limit):
            share = (math.sqrt(limit) - before[1]) / (root - before[1])
            return before[0] + share * (float(point.place[index]) - before[0])
        before = (float(point.place[index]), root)
    return None
