"""Branches of steady states along a parameter: where states meet and vanish, and where the state of rest is lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from ..numerics.continuation import Branch, End, Point, Special, follow, unstable
from ..numerics.steady_equations import SteadyEquations
from ..numerics.trajectory import Array
from .solving import OnProgress
from .steady_states import SteadyStates, random_states, same_state

NEAR = 0.3  # relative difference of a state from the line between two points of a branch that may pass it
ASIDE = (1e-2, 3e-3)  # of the range: how far from a crossing other branches are looked for
OFF = 0.05  # of the states: how far from there
BEYOND = 2e-3  # of the range: how far behind the loss of a state it is asked what comes then
BETWEEN = (0.0, 0.25, 0.5, 0.75, 1.0)  # of the range: where more states are looked for
ONE_VALUE = 1e-6  # of the range: special points nearer than that are at one value
MOST_BRANCHES = 40


class NoEffectError(ValueError):
    """Nothing that is there depends on the parameter."""


class Loss(NamedTuple):
    """Where the state of rest goes as the parameter moves one way.

    upwards: which way. q: where it is no longer stable, or the last value at which it was followed. kind: how it is
    lost; None where it is not, or cannot be followed further. end: why the branch ends, if that is so.
    then: the states that are reached behind it, shape (n,), None if none are, or it is not lost.
    back: the value at which what is reached is lost again on the way back; None where it is not.
    """

    upwards: bool
    q: float
    kind: Special | None
    end: End | None
    then: Array | None = None
    back: float | None = None


class Stretch(NamedTuple):
    """A part of the range of the parameter, and how many stable states there are in it."""

    low: float
    high: float
    stable: int


class SpecialPoint(NamedTuple):
    """A fold, Hopf point or branch point. branch, place: the number of its branch, and its place there, from 0."""

    branch: int
    place: int
    point: Point
    kind: Special


@dataclass(frozen=True, eq=False)
class Branches:
    """All branches that were found.

    Attributes:
        states: the steady states at the parameter's own value, and the equations.
        span: the range that was followed; it holds the parameter's own value.
        branches: that of the state of rest first.
        losses: of the state of rest; none where the arm does not come to rest in a stable state.
        stretches: in order.
    """

    states: SteadyStates
    span: tuple[float, float]
    branches: tuple[Branch, ...]
    losses: tuple[Loss, ...]
    stretches: tuple[Stretch, ...]

    @property
    def parameter(self) -> str:
        """The name of the parameter."""
        return str(self.states.equations.parameter)

    @property
    def default(self) -> float:
        """The parameter's own value."""
        return self.states.parameters[self.parameter]

    @property
    def marked(self) -> list[tuple[int, SpecialPoint]]:
        """Every special point with its number, from 1, by the parameter: those of one kind at one value share it."""
        every = [
            SpecialPoint(number, place, branch.points[place], branch.points[place].kind or Special.FOLD)
            for number, branch in enumerate(self.branches)
            for place in branch.special
        ]
        near, found = ONE_VALUE * (self.span[1] - self.span[0]), list[tuple[int, SpecialPoint]]()
        for each in sorted(every, key=lambda each: each.point.q):
            last = next((pair for pair in reversed(found) if pair[1].kind is each.kind), None)
            same = last is not None and each.point.q - last[1].point.q < near
            found.append((last[0] if last is not None and same else 1 + max((n for n, _ in found), default=0), each))
        return found

    @property
    def special(self) -> list[SpecialPoint]:
        """The first special point of each number."""
        return list(dict(reversed(self.marked)).values())[::-1]


def branches(states: SteadyStates, span: tuple[float, float], starts: int, on_progress: OnProgress) -> Branches:
    """Follows every steady state of `states` along its parameter, and what is found elsewhere in the range.

    starts: random starts at each of a few values of the parameter. Raises `NoEffectError`.
    """
    equations, default = states.equations, states.parameters[str(states.equations.parameter)]
    span = min(span[0], default), max(span[1], default)
    tried = [states.start, *random_states(equations, np.abs(states.start), states.start, 3)]
    if not any(np.any(equations.residual(each, q)[2]) for each in tried for q in span):
        raise NoEffectError
    search = _Search(equations, span)
    for state in states.found:
        search.follow(state.states, default)
    own = states.found[0].states if states.found else None
    for number, share in enumerate(BETWEEN):
        q = span[0] + share * (span[1] - span[0])
        for start in _starts_at(search, states, q, starts):
            search.follow(equations.newton(start, q), q)
            search.follow(equations.relaxed(start, q), q)
        on_progress((number + 1) / (len(BETWEEN) + 1))
    for branch in search.found:  # it grows while it is read
        for place in branch.special:
            if branch.points[place].kind is Special.CROSSING:
                search.switch(branch.points[place])
    rests = own is not None and states.resting is states.found[0] and states.found[0].stable is not False
    losses = [_loss(search, search.found[0], upwards) for upwards in (True, False)] if rests else []
    found = Branches(states, span, tuple(search.found), tuple(losses), ())
    return Branches(states, span, found.branches, found.losses, _stretches(found))


def _starts_at(search: _Search, states: SteadyStates, q: float, count: int) -> list[Array]:
    """States from which steady states at q are looked for."""
    known = [*(state.states for state in states.found), *search.at(q), states.start]
    seen = np.max([np.abs(each) for each in known], axis=0)
    return [*known, *random_states(states.equations, seen, known[0], count)]


class _Search:
    """Branches, each once."""

    def __init__(self, equations: SteadyEquations, span: tuple[float, float]) -> None:
        self.equations, self.span = equations, span
        self.found: list[Branch] = []

    def follow(self, states: Array | None, q: float) -> None:
        """Follows the branch of a steady state, unless it is known or there is no state."""
        if states is None or len(self.found) >= MOST_BRANCHES or self.branch_of(states, q) is not None:
            return
        self.found.append(follow(self.equations, states, q, self.span))

    def branch_of(self, states: Array, q: float) -> tuple[Branch, int] | None:
        """The branch on which a steady state lies, and the place of the point before or at it."""
        for branch in self.found:
            for place, guess in _passes(branch, q):
                if same_state(self.equations, guess, states, NEAR):
                    exact = self.equations.newton(guess, q)
                    if exact is not None and same_state(self.equations, exact, states):
                        return branch, place
        return None

    def at(self, q: float) -> list[Array]:
        """The states of all branches at q, nearly."""
        return [self.equations.possible(guess) for branch in self.found for _, guess in _passes(branch, q)]

    def switch(self, point: Point) -> None:
        """Follows the branches that cross at a branch point."""
        matrix, size = self.equations.residual(point.states, point.q)[1], self.equations.weights(point.states)
        scaled = matrix * size
        aside = np.linalg.svd(scaled / np.abs(scaled).max(axis=1, keepdims=True))[2][-1] * size
        for share in ASIDE:
            for way in (-1.0, 1.0):
                q = point.q + way * share * (self.span[1] - self.span[0])
                if self.span[0] <= q <= self.span[1]:
                    for off in (-OFF, OFF, -10 * OFF, 10 * OFF):
                        start = self.equations.possible(point.states + off * aside)
                        self.follow(self.equations.newton(start, q), q)


def _passes(branch: Branch, q: float) -> list[tuple[int, Array]]:
    """Where a branch passes q: the place of the point before, and the states there, by a straight line."""
    found = []
    for place, (one, other) in enumerate(pairwise(branch.points)):
        known = place > 0 and one.q == q  # as the end of the stretch before
        if min(one.q, other.q) <= q <= max(one.q, other.q) and not known:
            share = (q - one.q) / (other.q - one.q) if other.q != one.q else 0.0
            found.append((place, one.states + share * (other.states - one.states)))
    return found


def _loss(search: _Search, branch: Branch, upwards: bool) -> Loss:
    """What becomes of the state of rest as the parameter moves one way."""
    point, end = _followed(branch, branch.start, upwards)
    if point.kind is None:
        return Loss(upwards, point.q, None, end)
    sign = 1.0 if upwards else -1.0
    q = point.q + sign * BEYOND * (search.span[1] - search.span[0])
    then = (
        search.equations.relaxed(_aside(search.equations, point), q) if search.span[0] <= q <= search.span[1] else None
    )
    if then is None or unstable(search.equations, then, q):
        return Loss(upwards, point.q, point.kind, None)
    search.follow(then, q)
    back, found = None, search.branch_of(then, q)
    if found is not None:
        other, place = found
        step = 1 if (other.points[place + 1].q < other.points[place].q) == upwards else -1
        last, _ = _followed(other, place if step < 0 else place + 1, step > 0)
        back = last.q if last.kind is not None else None
    return Loss(upwards, point.q, point.kind, None, then, back)


def _aside(equations: SteadyEquations, point: Point) -> Array:
    """The states of a point, moved a little in the slowest direction: what leaves it does so there."""
    return equations.possible(
        point.states + 1e-3 * equations.slowest_parts(point.states, point.q) * equations.weights(point.states)
    )


def _followed(branch: Branch, start: int, forwards: bool) -> tuple[Point, End | None]:
    """From a stable point along the branch: the special point at which it stops being stable, or the last point and why
    there are no more."""
    places: Sequence[int] = range(start, len(branch.points)) if forwards else range(start, -1, -1)
    for place, behind in pairwise(places):
        if branch.unstable_behind(min(place, behind)):
            return branch.points[place], None
    return branch.points[places[-1]], branch.ends[1 if forwards else 0]


def _stretches(found: Branches) -> tuple[Stretch, ...]:
    """How many stable states there are between the values at which that may change."""
    ends = [branch.points[place].q for branch in found.branches for place in (0, -1)]
    edges = np.unique([*found.span, *ends, *(each.point.q for each in found.special)])
    apart = np.diff(edges) > 1e-6 * (found.span[1] - found.span[0])
    edges = edges[np.append(True, apart)]
    stretches: list[Stretch] = []
    for low, high in pairwise(edges.tolist()):
        middle = 0.5 * (low + high)
        count = sum(
            not branch.unstable_behind(place) for branch in found.branches for place, _ in _passes(branch, middle)
        )
        if stretches and stretches[-1].stable == count:
            stretches[-1] = stretches[-1]._replace(high=high)
        else:
            stretches.append(Stretch(low, high, count))
    return tuple(stretches)
