"""The periodic state of a regimen that has gone on for ever: where an arm with a dose in steady state starts.

It is the fixed point of one period, found by Newton's method: the derivative of a period is had by simulating it from
states that differ a little, all at once. A step that would change a state too much is shortened as if time went on for
so long only (pseudo-transient continuation, Kelley and Keyes 1998), so that it stays on the way that many doses take.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..model.instants import ticks_of, time_of
from ..numerics.system import System
from ..numerics.trajectory import ATOL_OF_SCALE, Array, Problem
from .scenario import Arm, Scenario
from .schedule import prepare
from .timetable import TimetableError

RTOL = 1e-8  # of a period, and ...
FINE_RTOL = 1e-11  # ... near the fixed point, since what is slow multiplies the error of a period
NEAR = 1e-3  # of a state: how small a step is there
LEAD_IN = 3  # periods that are simulated first, so that Newton's method starts near
MOST_STEPS = 100
MOVED = 1e-3  # of a state, to see what becomes of that in a period
CLOSE = 1e-6  # of a state: after so small a step of Newton's method the next would be a thousandth of it
RETURNS = 1e-6  # of a state, to which a period must lead back to it
COUNTER = 1e-5  # as near to one is what a period makes of a change of a state that nothing takes away again
UNSTABLE = 1.001  # a change that grows by more in each period leads away from the periodic state
SMALLEST = 1e-3  # of the scale of a species: the size of one that is smaller
LEAST, MOST = -0.5, 1.0  # of its size, by which a state may change in one step
LONGEST = 256.0  # periods that a step that is shortened stands for ...
MOST_HALVINGS = 60  # ... and how often that is halved
MOST_DOSES = 10_000  # in the common period of several regimens

Indices = NDArray[np.intp]
Many = Callable[[Sequence[Problem]], Sequence[Array | str]]  # the states at the ends of problems, or why there are none


class NoPeriodicStateError(ValueError):
    """A regimen has no periodic state, or none that it goes to."""


class _Cycle(NamedTuple):
    """One period of a regimen: an arm that ends with it, and its length in the model's time unit."""

    arm: Arm
    length: float


def has_steady_dose(arm: Arm) -> bool:
    """Whether an arm starts in the periodic state of a regimen."""
    return any(dose.steady for dose in arm.doses)


def periodic_start(scenario: Scenario, arm: Arm, system: System, many: Many) -> Array:
    """The states at time 0, before the doses of that time, in which the doses in steady state have left the arm of a
    scenario: shape (species,), each in its species' unit, to seven digits.

    Other doses, and changes that begin later, have not happened yet. A species that is only counted up and that
    nothing depends on keeps its initial value.

    Raises:
        NoPeriodicStateError: there is none, or the regimen does not stay there; with the name of a species.
        TimetableError: the doses cannot be given at their times.
    """
    (found,) = periodic_starts(scenario, [arm], system, many)
    if isinstance(found, ValueError):
        raise found
    return found


def periodic_starts(
    scenario: Scenario, arms: Sequence[Arm], system: System, many: Many
) -> list[Array | NoPeriodicStateError | TimetableError]:
    """`periodic_start` of several arms at once, or what it would raise. None depends on the others."""
    found: dict[int, Array | NoPeriodicStateError | TimetableError] = {}
    searches: dict[int, _Search] = {}
    for number, arm in enumerate(arms):
        try:
            searches[number] = _Search(scenario, arm, system)
        except (NoPeriodicStateError, TimetableError) as error:
            found[number] = error
    while searches:
        problems = [problem for each in searches.values() for problem in each.problems]
        states = iter(many(problems))
        for number, search in list(searches.items()):
            own = [next(states) for _ in search.problems]
            if (end := search.send(own)) is not None:
                found[number] = end
                del searches[number]
    return [found[number] for number in range(len(arms))]


class _Search:
    """The search for the periodic state of one arm. problems: what has to be simulated next."""

    def __init__(self, scenario: Scenario, arm: Arm, system: System) -> None:
        cycle = _cycle(scenario, arm)
        prepared = prepare(replace(scenario, end=cycle.length), cycle.arm, system)
        self.segments = prepared.schedule.segments
        targets = [system.species.index(dose.target) for dose in cycle.arm.doses]
        names = ", ".join(f"'{dose.name}'" for dose in cycle.arm.doses)
        self.what = f"{names} with its period of {cycle.length:g} {scenario.model.time_unit_text}"
        self.steps = _FixedPoint(system, prepared.initial, targets).solve()
        self.problems = self._problems(next(self.steps))

    def _problems(self, asked: Asked) -> list[Problem]:
        end = np.array([self.segments[-1].end])
        return [Problem(each, self.segments, end, asked.rtol, ATOL_OF_SCALE, dense=False) for each in asked.states]

    def send(self, ends: Sequence[Array | str]) -> Array | NoPeriodicStateError | None:
        """Takes the states at the ends of `problems`; the periodic state, or why there is none, once that is known."""
        size = len(self.problems[0].initial)
        later = np.array([np.full(size, np.nan) if isinstance(each, str) else each for each in ends])
        try:
            self.problems = self._problems(self.steps.send(later))
        except StopIteration as end:
            found: Array = end.value
            return found
        except NoPeriodicStateError as error:
            return NoPeriodicStateError(f"no steady state of {self.what}: {error}")
        return None


def _cycle(scenario: Scenario, arm: Arm) -> _Cycle:
    """What happens in one period."""
    unit = scenario.model.time_unit
    steady = [dose for dose in arm.doses if dose.steady]
    ticks = [ticks_of(dose.every, unit) for dose in steady]
    period = math.lcm(*ticks)
    if sum(period // each for each in ticks) > MOST_DOSES:
        texts = " and ".join(f"{dose.every:g} {scenario.model.time_unit_text}" for dose in steady)
        raise NoPeriodicStateError(f"intervals of {texts} have no common period that could be simulated")
    length = time_of(period, unit)
    doses = tuple([replace(dose, count=period // each) for dose, each in zip(steady, ticks, strict=True)])
    held = tuple([change._replace(end=None) for change in arm.changes if change.start == 0.0])
    return _Cycle(arm._replace(doses=doses, changes=held), length)


class Asked(NamedTuple):
    """States, shape (n, species), that a search wants to be simulated for a period, to a relative tolerance; it is sent
    the states then, of the same shape, NaN where they cannot be had."""

    states: Array
    rtol: float


class _FixedPoint:
    """The search for states to which a period leads back."""

    def __init__(self, system: System, start: Array, targets: Sequence[int]) -> None:
        """targets: the species that doses go to."""
        self.system, self.start, self.targets = system, start, targets
        self.smallest = SMALLEST * system.scales
        self.rtol = RTOL

    def solve(self) -> Generator[Asked, Array, Array]:
        """Asks for periods until it returns the states."""
        states = self.start
        for _ in range(LEAD_IN):
            states = yield from self._later(states)
        for _ in range(MOST_STEPS):
            states, done = yield from self._step(states)
            if done:
                return states
        later = yield from self._later(states)
        worst = int(np.argmax(np.abs(later - states) / self._size(states)))
        raise NoPeriodicStateError(f"none was found; {self.system.species[worst]} changes from period to period")

    def _size(self, states: Array) -> Array:
        size: Array = np.maximum(np.abs(states), self.smallest)
        return size

    def _later(self, states: Array) -> Generator[Asked, Array, Array]:
        """The states after a period."""
        later: Array = (yield Asked(states[None], self.rtol))[0]
        if np.isnan(later).any():
            raise NoPeriodicStateError("a period could not be simulated to its end")
        return later

    def _step(self, states: Array) -> Generator[Asked, Array, tuple[Array, bool]]:
        """States nearer to the fixed point, and whether they are it."""
        size, later = self._size(states), (yield from self._later(states))
        some = np.flatnonzero((states != 0.0) | (later != 0.0))  # what is not there, and is not made, stays out
        slopes = yield from self._slopes(states, later, some)
        counted = np.abs(slopes - np.eye(len(slopes))).max(axis=0, initial=0.0) <= COUNTER  # they change nothing
        for index in set(some[counted].tolist()) & set(self.targets):
            raise NoPeriodicStateError(f"nothing takes {self.system.species[index]} away, so that it only accumulates")
        own, kept = some[~counted], slopes[np.ix_(~counted, ~counted)]
        step = _step_of((later - states)[own] / size[own], kept)
        new = states.copy()
        new[own] += step * size[own]
        new[some[counted]] = self.start[some[counted]]
        largest = np.abs(step).max(initial=0.0)
        done = self.rtol == FINE_RTOL and bool(largest <= CLOSE)
        self.rtol = FINE_RTOL if largest <= NEAR else self.rtol
        if done:
            yield from self._check(new, own, kept)
        return new, done

    def _slopes(self, states: Array, later: Array, some: Indices) -> Generator[Asked, Array, Array]:
        """What a period makes of a change of each of `some` species, all in terms of their sizes: column by column.

        A state is made a little smaller, or where that cannot be simulated larger: shares cannot be above one.
        """
        size, found = self._size(states), np.full((len(some), len(some)), np.nan)
        first = np.where(states[some] >= MOVED * size[some], -MOVED, MOVED)
        for sign in (1.0, -1.0):
            left = np.flatnonzero(np.isnan(found).any(axis=1))
            if not len(left):
                break
            share = sign * first[left]
            moved = np.repeat(states[None], len(left), axis=0)
            moved[np.arange(len(left)), some[left]] += share * size[some[left]]
            found[left] = ((yield Asked(moved, self.rtol)) - later)[:, some] / size[some] / share[:, None]
        if np.isnan(found).any():
            name = self.system.species[some[np.isnan(found).any(axis=1).argmax()]]
            raise NoPeriodicStateError(f"a period cannot be simulated once {name} changes a little")
        return found.T

    def _check(self, states: Array, own: Indices, slopes: Array) -> Generator[Asked, Array, None]:
        """Raises `NoPeriodicStateError` where a period does not lead back, or leads away from what is near."""
        names, later = self.system.species, (yield from self._later(states))
        off = np.abs(later - states) / self._size(states)
        if off[own].max(initial=0.0) > RETURNS:
            raise NoPeriodicStateError(f"{names[own[off[own].argmax()]]} does not come back to where it was")
        if len(own):
            values, vectors = np.linalg.eig(slopes)
            largest = int(np.abs(values).argmax())
            if abs(values[largest]) > UNSTABLE:
                worst = own[np.abs(vectors[:, largest]).argmax()]
                raise NoPeriodicStateError(f"what is found does not last: {names[worst]} leaves it")


def _step_of(change: Array, slopes: Array) -> Array:
    """The step of Newton's method where a period brings `change`, shape (n,), and its derivative is `slopes`, (n, n); a
    shorter one where a state would change too much."""
    step: Array = change
    time = math.inf
    for _ in range(MOST_HALVINGS):
        try:
            step = np.linalg.solve(np.eye(len(change)) * (1.0 + 1.0 / time) - slopes, change).astype(np.float64)
        except np.linalg.LinAlgError:
            step = np.full(len(change), np.inf)
        if ((step >= LEAST) & (step <= MOST)).all():
            break
        time = LONGEST if math.isinf(time) else 0.5 * time
    return step
