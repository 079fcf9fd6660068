"""A branch of steady states along a parameter, by pseudo-arclength continuation on the exact Jacobian.

Keller 1977: a step is taken along the tangent and corrected at a right angle to it, so that the branch is followed
round folds, where the parameter turns back. Changes are measured relative to each state, and the parameter by its
range.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .steady_equations import EXACT, GOOD, SteadyEquations, solved
from .trajectory import Array

FIRST, LONGEST, SHORTEST = 0.01, 0.15, 1e-7  # steps, where all states together change by this share
FINEST = 1 / 80  # of the parameter's range: the most that it moves in a step
STRAIGHT = 0.97  # cosine of the angle between two tangents: a sharper bend is taken in shorter steps
MOST_POINTS = 3_000  # in each direction
CORRECTIONS, FEW = 8, 4  # Newton's steps to the branch: the most, and so few that the next step may be longer
SEPARATE = 1e-4  # steps below it are not shortened to tell two special points apart
HALVINGS = 34  # to find where the number of unstable directions changes
MOST_CHORDS = 60  # to find a zero
BELOW = 1e-9  # of its scale: a state is not followed further below zero


class Special(StrEnum):
    """Where the picture changes: two states meet and vanish; waves begin; two branches cross."""

    FOLD = "fold"
    HOPF = "Hopf point"
    CROSSING = "branch point"


class End(StrEnum):
    """Why a branch ends."""

    RANGE = "end of the range"
    ZERO = "a state reaches zero"
    LOOP = "closed loop"
    LOST = "no further step"


class Point(NamedTuple):
    """A point of a branch.

    states: shape (n,). q: of the parameter. unstable: the number of eigenvalues with positive real parts.
    kind: None of a usual point. period: of the waves at a Hopf point, in the model's time unit.
    """

    states: Array
    q: float
    unstable: int
    kind: Special | None = None
    period: float = math.nan


@dataclass(frozen=True, eq=False)
class Branch:
    """A curve of steady states.

    points: along it, special ones among them. start: the place of the one that it was followed from; behind it the
    parameter grows at first. ends: why it ends, before the first point and behind the last.
    """

    points: tuple[Point, ...]
    start: int
    ends: tuple[End, End]

    @property
    def q(self) -> Array:
        """The parameter at each point, shape (m,)."""
        return np.array([point.q for point in self.points])

    @property
    def states(self) -> Array:
        """The states at each point, shape (m, n)."""
        return np.array([point.states for point in self.points])

    @property
    def unstable(self) -> NDArray[np.int64]:
        """The number of unstable directions at each point, shape (m,)."""
        return np.array([point.unstable for point in self.points])

    def unstable_behind(self, place: int) -> int:
        """The number of unstable directions between a point and the next: a special point is of neither side."""
        one, other = self.points[place], self.points[place + 1]
        return one.unstable if one.kind is None else other.unstable

    @property
    def special(self) -> list[int]:
        """The places of special points."""
        return [place for place, point in enumerate(self.points) if point.kind is not None]


def follow(equations: SteadyEquations, states: Array, q: float, span: tuple[float, float]) -> Branch:
    """The branch through the steady state `states`, shape (n,), at q, in both directions, within `span`."""
    ahead, last = _Walk(equations, span, states, q, 1.0).points()
    behind, first = ([], End.LOOP) if last is End.LOOP else _Walk(equations, span, states, q, -1.0).points()
    start = Point(states, q, unstable(equations, states, q))
    return Branch((*reversed(behind), start, *ahead), len(behind), (first, last))


def unstable(equations: SteadyEquations, states: Array, q: float) -> int:
    """The number of eigenvalues with positive real parts."""
    return int((equations.eigenvalues(states, q).real > 0).sum())


class _Place(NamedTuple):
    """Where a walk is. tangent: shape (n + 1,), of length 1, in terms of weights and of the parameter's range."""

    states: Array
    q: float
    tangent: Array
    unstable: int


class _Walk:
    """One direction of a branch."""

    def __init__(
        self, equations: SteadyEquations, span: tuple[float, float], states: Array, q: float, sign: float
    ) -> None:
        self.equations, self.span, self.range = equations, span, span[1] - span[0]
        matrix = self._matrix(states, q, equations.weights(states))
        first: Array = np.linalg.svd(matrix / np.abs(matrix).max(axis=1, keepdims=True))[2][-1]
        upwards = sign if first[-1] >= 0 else -sign
        self.place = _Place(states, q, first * upwards, unstable(equations, states, q))
        self.begin = self.place

    def points(self) -> tuple[list[Point], End]:
        """The points behind the first one, and why there are no more."""
        edge = self.span[1] if self.place.tangent[-1] > 0 else self.span[0]
        if abs(self.place.q - edge) <= 1e-12 * self.range:
            return [], End.RANGE
        found: list[Point] = []
        step, travelled = FIRST, 0.0
        for _ in range(MOST_POINTS):
            step = min(step, LONGEST, FINEST / max(abs(self.place.tangent[-1]), 1e-12))
            if step < SHORTEST:
                return found, End.LOST
            if not self._inside(self.place.q + step * self.place.tangent[-1] * self.range):
                last = self._at_edge(step)
                if last is not None:
                    return [*found, *last], End.RANGE
                step *= 0.5
                continue
            there, count = self._step(step)
            events = self._events(there) if there is not None else []
            if there is None or not self._is_near(there, events, step):
                step *= 0.5
                continue
            if self._below_zero(there.states):
                return [*found, *self._at_zero(step)], End.ZERO
            found += [self._located(kind, step) for kind in events]
            found.append(Point(there.states, there.q, there.unstable))
            self.place, travelled = there, travelled + step
            if travelled > 3 * LONGEST and self._is_begin(there, step):
                return found, End.LOOP
            step *= 1.4 if count <= FEW else 0.8
        return found, End.LOST

    def _inside(self, q: float) -> bool:
        return self.span[0] <= q <= self.span[1]

    def _is_near(self, there: _Place, events: list[Special], step: float) -> bool:
        """Whether a step was so short that the branch is nearly straight, and has at most one special point in it."""
        straight = float(self.place.tangent @ there.tangent) >= STRAIGHT
        return straight and self._inside(there.q) and (len(events) < 2 or step <= SEPARATE)

    def _matrix(self, states: Array, q: float, size: Array) -> Array:
        """d residual / d (states in terms of their weights, parameter in terms of its range), shape (n, n + 1)."""
        _, by_states, by_q = self.equations.residual(states, q)
        return np.column_stack([by_states * size, by_q * self.range])

    def _step(self, step: float) -> tuple[_Place | None, int]:
        """The place one step further, or None, and how many corrections it took."""
        here, size = self.place, self.equations.weights(self.place.states)
        states, q = here.states + step * here.tangent[:-1] * size, here.q + step * here.tangent[-1] * self.range
        last = math.inf
        for count in range(1, CORRECTIONS + 1):
            rest, by_states, by_q = self.equations.residual(states, q)
            matrix = np.vstack([np.column_stack([by_states * size, by_q * self.range]), here.tangent])
            change = solved(matrix, np.append(-rest, 0.0))
            if change is None:
                return None, count
            states, q = states + change[:-1] * size, q + change[-1] * self.range
            most = float(np.abs(change).max())
            if most < EXACT or (most < GOOD and most > 0.3 * last):
                return self._arrived(states, q), count
            last = most
        return None, CORRECTIONS

    def _arrived(self, states: Array, q: float) -> _Place | None:
        size, old = self.equations.weights(states), self.equations.weights(self.place.states)
        before = np.append(self.place.tangent[:-1] * old / size, self.place.tangent[-1])
        matrix = np.vstack([self._matrix(states, q, size), before])
        tangent = solved(matrix, np.append(np.zeros(len(states)), 1.0))
        if tangent is None:
            return None
        return _Place(states, q, tangent / np.linalg.norm(tangent), unstable(self.equations, states, q))

    def _events(self, there: _Place) -> list[Special]:
        """What lies between here and there: one kind for each, or more where the step is too long to tell."""
        here = self.place
        fold = int(here.tangent[-1] * there.tangent[-1] < 0)
        changed = abs(there.unstable - here.unstable) - fold
        if changed < 0:  # a fold at which nothing changes: another point is in between
            return [Special.FOLD, Special.CROSSING]
        found = [Special.FOLD] * fold + [Special.CROSSING] * (changed % 2) + [Special.HOPF] * (changed // 2)
        return [self._of_pair(here, there) if each is Special.HOPF else each for each in found]

    def _of_pair(self, here: _Place, there: _Place) -> Special:
        """Whether two eigenvalues that crossed did so with an imaginary part."""
        for place in (here, there):
            values = self.equations.eigenvalues(place.states, place.q)
            nearest = values[np.argsort(np.abs(values.real))[:2]]
            if np.abs(nearest.imag).min() > 0:
                return Special.HOPF
        return Special.CROSSING

    def _located(self, kind: Special, step: float) -> Point:
        """The special point within a step from here."""
        if kind is Special.FOLD:
            length = self._root(lambda place: float(place.tangent[-1]), step)
        else:
            low, high = 0.0, step
            for _ in range(HALVINGS):
                middle = 0.5 * (low + high)
                there, _ = self._step(middle)
                if there is None:
                    break
                low, high = (middle, high) if there.unstable == self.place.unstable else (low, middle)
            length = high
        there = self._step(length)[0] or self.place
        values = self.equations.eigenvalues(there.states, there.q)
        nearest = values[np.abs(values.real).argmin()].imag if kind is Special.HOPF else 0.0
        period = 2 * math.pi / abs(nearest) if nearest else math.nan
        return Point(there.states, there.q, there.unstable, kind, period)

    def _root(self, value: Callable[[_Place], float], step: float) -> float:
        """The length within a step at which `value` is zero, as well as can be told."""

        def along(length: float) -> float:
            there, _ = self._step(length)
            if there is None:
                raise ArithmeticError
            return value(there)

        try:
            return zero(along, 0.0, step)
        except ArithmeticError:
            return step

    def _at_edge(self, step: float) -> list[Point] | None:
        """The point at the end of the range, which lies within the step, behind a special point that comes before it;
        None if it cannot be told."""
        here, size = self.place, self.equations.weights(self.place.states)
        edge = self.span[1] if here.tangent[-1] > 0 else self.span[0]
        length = (edge - here.q) / (here.tangent[-1] * self.range)
        guess = here.states + length * here.tangent[:-1] * size
        states = self.equations.newton(self.equations.possible(guess), edge)
        there = self._arrived(states, edge) if states is not None else None
        if there is None or float((np.abs(there.states - guess) / size).max(initial=0.0)) > step:
            return None
        events = self._events(there)
        if not self._is_near(there, events, step):
            return None
        return [*(self._located(kind, length) for kind in events), Point(there.states, edge, there.unstable)]

    def _below_zero(self, states: Array) -> bool:
        low = np.where(self.equations.signed, 0.0, states / self.equations.scales)
        return bool((low < -BELOW).any())

    def _at_zero(self, step: float) -> list[Point]:
        """The point at which the first state reaches zero."""
        amounts = ~self.equations.signed
        start = np.abs(self.place.states / self.equations.scales) > 1e3 * BELOW
        if not (amounts & start).any():
            return []

        def lowest(place: _Place) -> float:
            return float((place.states / self.equations.scales)[amounts & start].min())

        there, _ = self._step(self._root(lowest, step))
        if there is None:
            return []
        states = self.equations.possible(there.states)
        return [Point(states, there.q, self.place.unstable)]

    def _is_begin(self, there: _Place, step: float) -> bool:
        size = self.equations.weights(self.begin.states)
        far = np.append((there.states - self.begin.states) / size, (there.q - self.begin.q) / self.range)
        return float(np.linalg.norm(far)) < step and float(there.tangent @ self.begin.tangent) > 0


def zero(function: Callable[[float], float], low: float, high: float) -> float:
    """Where a function of opposite signs at `low` and `high` is zero; `high` where the signs are the same.

    The Illinois rule: a chord, whose end that stays has its value halved.
    """
    at_low, at_high = function(low), function(high)
    if at_low * at_high > 0:
        return high
    for _ in range(MOST_CHORDS):
        if at_high == at_low:
            break
        middle = high - at_high * (high - low) / (at_high - at_low)
        value = function(middle)
        if value * at_high < 0:
            low, at_low = high, at_high
        else:
            at_low *= 0.5
        high, at_high = middle, value
        if value == 0 or abs(high - low) <= 1e-14 * (abs(high) + abs(low)):
            break
    return high
