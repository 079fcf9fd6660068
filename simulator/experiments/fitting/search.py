"""One search for the place at which the sum of squares is least, by SciPy's trust region within bounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares

from ...numerics.trajectory import Array
from .problem import FitProblem, Residuals, Simulated
from .together import Ask, SearchStoppedError

MOST_STEPS = 100
ROUGH = 1e-3
TOLERANCE = 1e-7  # of the sum of squares, of the place and of its gradient


@dataclass(frozen=True, eq=False)
class Search:
    """Where a search began and ended.

    start, place: shape (p,). cost: the sum of squared residuals; infinite if nothing could be simulated.
    jacobian: of the residuals by the place at its end, shape (residuals, p), NaN for what was not searched; None where
    it could not be had. ended: "converged", "limit" (of steps), "stopped" (by Ctrl-C), "failed" (the start could not
    be simulated) or "stuck" (no derivative could be). steps: how often residuals were asked for. why: of a failure.
    simulated: the one member at `place`; None where there is none.
    """

    start: Array
    place: Array
    cost: float
    jacobian: Array | None
    ended: str
    steps: int
    why: str = ""
    simulated: Simulated | None = None


class _NoDerivativeError(Exception):
    pass


class _Course:
    """What a search has asked, and the best that it has seen."""

    def __init__(
        self, problem: FitProblem, residuals: Residuals, start: Array, free: Sequence[int], ask: Ask, rough: bool
    ) -> None:
        self.problem, self.residuals, self.start, self.free, self.ask = problem, residuals, start, list(free), ask
        self.sides = 1 if rough else 2
        self.best, self.cost, self.why, self.steps = start, np.inf, "", 0
        self.jacobian: Array | None = None
        self.simulated: Simulated | None = None

    def place(self, searched: Array) -> Array:
        found = self.start.copy()
        found[self.free] = searched
        return found

    def at(self, searched: Array) -> Array:
        """The residuals at a place; infinite where nothing could be simulated, which is no good fit."""
        place = self.place(searched)
        simulated = self.ask(place[None, :])
        found = self.residuals.of(simulated, place[None, :])[0]
        self.steps += 1
        cost = float(found @ found)
        if cost < self.cost:
            self.best, self.cost, self.jacobian, self.simulated = place, cost, None, simulated
        if not self.why and simulated.failures:
            self.why = simulated.failures[0].message or simulated.failures[0].kind
        return np.where(np.isfinite(found), found, np.inf)

    def derivatives(self, searched: Array) -> Array:
        """The residuals by the place, from members with the same steps; where one side cannot be simulated, from the
        other."""
        place, sides = self.place(searched), self.sides
        places = np.concatenate([place[None, :], self.problem.steps(place, self.free, sides)])
        rows = self.residuals.of(self.ask(places), places)
        found = np.empty((rows.shape[1], len(self.free)))
        for column, each in enumerate(self.free):
            own = range(1 + sides * column, 1 + sides * (column + 1))
            known = [row for row in (*own, 0) if np.isfinite(rows[row]).all()][:2]
            if len(known) < 2 or places[known[0], each] == places[known[1], each]:
                raise _NoDerivativeError
            one, other = known
            found[:, column] = (rows[one] - rows[other]) / (places[one, each] - places[other, each])
        if (place == self.best).all():
            self.jacobian = found
        return found

    def search(self, ended: str) -> Search:
        """What came of it. The Jacobian at the best place, where it was asked for there."""
        jacobian = None
        if self.jacobian is not None:
            jacobian = np.full((len(self.jacobian), self.problem.size), np.nan)
            jacobian[:, self.free] = self.jacobian
        return Search(self.start, self.best, self.cost, jacobian, ended, self.steps, self.why, self.simulated)


def search(
    problem: FitProblem, residuals: Residuals, start: Array, ask: Ask, free: Sequence[int] | None = None,
    most: int = MOST_STEPS, rough: bool = False,
) -> Search:  # fmt: skip
    """Searches from `start`, shape (p,), varying the values whose numbers are in `free`, or else all of them.

    rough: only until it is clear where it leads, with derivatives from one side.

    An interruption ends it with the best that was seen.
    """
    course = _Course(problem, residuals, start, range(problem.size) if free is None else free, ask, rough)
    try:
        if not course.free:
            course.at(np.empty(0))
            return course.search("converged" if np.isfinite(course.cost) else "failed")
        inside = np.clip(start[course.free], 1e-9, 1.0 - 1e-9)
        if not np.isfinite(course.at(inside)).all():
            return course.search("failed")
        tolerance = ROUGH if rough else TOLERANCE
        settings = {"ftol": tolerance, "xtol": tolerance, "gtol": TOLERANCE}
        found = least_squares(course.at, inside, course.derivatives, (0.0, 1.0), max_nfev=most, **settings)
        if course.jacobian is None and not rough:
            course.at(course.best[course.free])
            course.derivatives(course.best[course.free])
        return course.search("converged" if found.status > 0 else "limit")
    except _NoDerivativeError:
        return course.search("stuck")
    except SearchStoppedError:
        return course.search("stopped")


def jacobian_at(problem: FitProblem, residuals: Residuals, place: Array) -> Array | None:
    """The derivatives of the residuals by the place, shape (residuals, p); None where they cannot be simulated."""

    def ask(places: Array) -> Simulated:
        return problem.simulate(places, np.zeros(len(places), dtype=np.intp))

    course = _Course(problem, residuals, place, range(problem.size), ask, rough=False)
    course.at(place)
    try:
        return course.derivatives(place)
    except _NoDerivativeError:
        return None
