"""Dense output: a time course between its saved points, by cubic curves through the solver's own steps.

What is measured on a trajectory (a peak, an area, a crossing) is measured here, so that it does not depend on how
often values are saved.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import pairwise

import numpy as np

from ..model.expression import TIME
from .pieces import (
    PIECE,
    STEP,
    Indices,
    Pieces,
    first_not_finite,
    pieces_through,
    points_of,
    segment_starts,
    with_odd_points,
)
from .readouts import ReadoutInputs, ReadoutSteps, needs_refinement
from .system import System
from .trajectory import Array, Undefined, by_parameters
from .undefined import why_not_finite

POINTS_PER_STEP = PIECE  # its start, and three within it
MOST_KEPT = 2**24  # values of observables along the steps
STEPS_AT_ONCE = 2_048  # whose observables are computed at once: their states take some MB


@dataclass(frozen=True)
class SegmentSteps:
    """The accepted steps of one segment.

    Attributes:
        times: both ends of all steps, shape (k,), in the model's time unit.
        states: at `times`, shape (k, species), in the species' units.
        infusion: what flows in all through, shape (species,), in species units per time unit.
        parameters: the values that hold all through, shape (parameters,).
        dilution: as in `Segment`.
    """

    times: Array
    states: Array
    infusion: Array
    parameters: Array
    dilution: Array | None = None

    def dense_times(self) -> Array:
        """Each step cut into `POINTS_PER_STEP`, shape ((k - 1) * POINTS_PER_STEP + 1,)."""
        inner = self.times[:-1, None] + np.diff(self.times)[:, None] * (np.arange(POINTS_PER_STEP) / POINTS_PER_STEP)
        return np.append(inner.ravel(), self.times[-1])

    def dense_states(self, system: System) -> Array:
        """States at `dense_times`, shape (points, species): the cubic Hermite interpolant of each step."""
        s = (np.arange(POINTS_PER_STEP) / POINTS_PER_STEP)[None, :, None]
        length = np.diff(self.times)[:, None, None]
        derivatives = system.rhs_along(self.times, self.states, self.parameters).T + self.infusion
        before, after = self.states[:-1, None, :], self.states[1:, None, :]
        change_before, change_after = length * derivatives[:-1, None, :], length * derivatives[1:, None, :]
        inner = (
            (1 + 2 * s) * (1 - s) ** 2 * before
            + s * (1 - s) ** 2 * change_before
            + s**2 * (3 - 2 * s) * after
            + s**2 * (s - 1) * change_after
        )
        return np.concatenate([inner.reshape(-1, inner.shape[2]), self.states[-1:]])


@dataclass(frozen=True)
class SampledSteps:
    """The accepted steps of one segment, from a solver that gave the points within them.

    Attributes:
        points: the times of each step's start and of three within it, and the end, shape (4 k + 1,).
        along: states at `points`, shape (4 k + 1, species).
        infusion, parameters, dilution: as in `SegmentSteps`.
    """

    points: Array
    along: Array
    infusion: Array
    parameters: Array
    dilution: Array | None = None

    @property
    def times(self) -> Array:
        """As in `SegmentSteps`."""
        return self.points[::POINTS_PER_STEP]

    @property
    def states(self) -> Array:
        """As in `SegmentSteps`."""
        return self.along[::POINTS_PER_STEP]

    def dense_times(self) -> Array:
        """As `points`."""
        return self.points

    def dense_states(self, system: System) -> Array:
        """As `along`."""
        return self.along


AnySteps = SegmentSteps | SampledSteps


@dataclass(frozen=True)
class DenseOutput:
    """`Curves` of every species and observable over a whole run, computed from its steps when they are asked for.

    Attributes:
        system: the model.
        segments: the steps of each segment that was reached.
        observe: computes observables: of these names, at times, states and parameters as `System.observe` takes them,
            shape (names, n); None for the system's own way, which is slower.
        joined: the times and states of all segments one after the other, where they are at hand.
    """

    system: System
    segments: Sequence[AnySteps]
    observe: Callable[[Sequence[str], Array, Array, Array], Array] | None = None
    joined: tuple[Array, Array] | None = field(default=None, repr=False, compare=False)
    _observed: dict[str, Array] = field(default_factory=dict, init=False, repr=False, compare=False)
    _observed_steps: dict[str, Array] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __reduce__(self) -> tuple[type[DenseOutput], tuple[System, Sequence[AnySteps]]]:
        """A pickle holds the steps; the curves are computed again, by the system."""
        return DenseOutput, (self.system, self.segments)

    def times(self) -> Array:
        """The times of all curves, shape (points,), increasing; a jump has two points of the same time."""
        return self._times

    def values(self, name: str) -> Array:
        """The species or observable `name` at `times`, shape (points,), in its unit; KeyError if there is none."""
        if name in self.system.species:
            column: Array = self._states[:, self.system.species.index(name)]
            return column
        if name not in self._observed:
            self._observed[name] = self._observe(partial(self.system.observe_one, name), 1)[0]
        return self._observed[name]

    def pieces(self, names: Sequence[str]) -> list[Pieces]:
        """Species and observables, each of one member, in pieces that determine it; KeyError if there is none."""
        points, first = self._parts
        observed = [name for name in names if name not in self.system.species and self.segments]
        found = dict(zip(observed, self._steps.observables(self.system, observed), strict=True)) if observed else {}
        start, end = self.times().take(points[0]), self.times().take(points[-1])
        return [
            found[name] if name in found else Pieces(start, end, self.values(name).take(points), first)
            for name in names
        ]

    @property
    def _steps(self) -> ReadoutSteps:
        points, first = self._parts
        segment = self._segment_of_step
        parameters = np.array([steps.parameters for steps in self.segments])

        def species(each: str) -> Array:
            return self._states[:, self.system.species.index(each)].take(points)

        def parameter(each: str, of: Indices) -> Array | float:
            column = parameters[:, self.system.parameters.index(each)]
            return float(column[0]) if (column == column[0]).all() else column.take(segment.take(of))

        start, end = self.times().take(points[0]), self.times().take(points[-1])
        observe = self._observe_steps if self.observe else None
        return ReadoutSteps(start, end, first, species, parameter, observe)

    @property
    def _segment_of_step(self) -> Indices:
        ends = np.cumsum([0, *(max(len(steps.times) - 1, 1) for steps in self.segments)])
        found: Indices = np.searchsorted(ends, np.arange(ends[-1]), side="right") - 1
        return found

    def _observe_steps(self, names: Sequence[str]) -> Array:
        """Observables at STEP + 1 points of every step, shape (names, STEP + 1, steps). All are computed at once, where
        they fit into memory, and kept until `clear_cache`."""
        every = self.system.observables
        if len(every) * (STEP + 1) * self._parts[0].shape[1] > MOST_KEPT:
            return self._observe_each_step(names)
        if not self._observed_steps:
            self._observed_steps.update(zip(every, self._observe_each_step(every), strict=True))
        return np.array([self._observed_steps[name] for name in names])

    def _observe_each_step(self, names: Sequence[str]) -> Array:
        assert self.observe is not None
        points, _ = self._parts
        found = np.empty((len(names), STEP + 1, points.shape[1]))
        segment = self._segment_of_step
        for parameters, own in by_parameters(self.segments):
            steps = np.flatnonzero(np.isin(segment, own))
            for some in np.array_split(steps, len(steps) // STEPS_AT_ONCE + 1):
                times = with_odd_points(self._times.take(points[:, some]))
                states = with_odd_points(self._states.take(points[:, some], axis=0))
                values = self.observe(names, times.ravel(), states.reshape(times.size, -1), parameters)
                found[:, :, some] = values.reshape(len(names), *times.shape)
        return found

    def undefined(self) -> list[Undefined]:
        """The observables that are not finite somewhere along the steps, with the first time at which they are not."""
        self.observe_all()
        wrong = {name: ~np.isfinite(self._observed[name]) for name in self.system.observables}
        names = [name for name, points in wrong.items() if points.any()]
        found = []
        for name, pieces in zip(names, self.pieces(names), strict=True):
            point = float(self.times()[wrong[name].argmax()])
            time = float(np.fmin(first_not_finite(pieces)[0], point))  # of a pole, a little before the point
            found.append(Undefined(name, time, self.cause(name, time) or self.cause(name, point)))
        return found

    def cause(self, name: str, time: float) -> str:
        """Why the observable `name` is not finite at a time, such as ``0/0``; empty where it is."""
        if name in self.system.species:
            return ""
        steps = next(each for each in reversed(self.segments) if each.times[0] <= time)
        states = [np.interp(time, steps.times, column) for column in steps.states.T]
        values = dict(zip((*self.system.species, *self.system.parameters), (*states, *steps.parameters), strict=True))
        return why_not_finite(self.system, name, {**values, TIME: time})

    def observe_all(self) -> None:
        """Computes every observable at once, which takes far less time than one after the other."""
        if any(name not in self._observed for name in self.system.observables):
            names = self.system.observables
            observe = partial(self.observe, names) if self.observe else self.system.observe
            self._observed.update(zip(names, self._observe(observe, len(names)), strict=True))

    def _observe(self, observe: Callable[..., Array], count: int) -> Array:
        """observe(times, states, parameters) along the whole run, shape (count, points): once for all segments that
        have the same parameters."""
        found = np.empty((count, len(self._times)))
        slices = self.segment_slices()
        for parameters, own in by_parameters(self.segments):
            at = np.concatenate([np.arange(slices[index].start, slices[index].stop) for index in own])
            found[:, at] = observe(self._times[at], self._states[at], parameters)
        found.setflags(write=False)
        return found

    def states(self) -> Array:
        """Every species at `times`, shape (points, species), each in its unit."""
        return self._states

    def segment_slices(self) -> list[slice]:
        """Which of `times` belong to each of `segments`."""
        ends = np.cumsum([0, *((len(steps.times) - 1) * POINTS_PER_STEP + 1 for steps in self.segments)]).tolist()
        return [slice(a, b) for a, b in pairwise(ends)]

    def clear_cache(self) -> None:
        """Frees the curves, which take several times the memory of the saved values."""
        for name in ("_times", "_states", "_parts"):
            self.__dict__.pop(name, None)
        self._observed.clear()
        self._observed_steps.clear()

    @cached_property
    def _times(self) -> Array:
        if self.joined is not None:
            return self.joined[0]
        return _joined([np.empty(0), *(steps.dense_times() for steps in self.segments)])

    @cached_property
    def _parts(self) -> tuple[Indices, Indices]:
        """The points of each step, and that all steps are of one member, as `points_of` gives them."""
        starts = np.array([part.start for part in self.segment_slices()], dtype=np.intp)
        count = len(self.times())
        return points_of(starts, count, np.array([0, count]))

    @cached_property
    def _states(self) -> Array:
        if self.joined is not None:
            return self.joined[1]
        none = np.empty((0, len(self.system.species)))
        return _joined([none, *(steps.dense_states(self.system) for steps in self.segments)])


@dataclass(frozen=True)
class RecordedCurves:
    """`Curves` of one member or many that were recorded while a solver ran, at `PIECE` parts of each step, or `STEP`
    parts if there is a `finer`.

    Attributes:
        at: the times, shape (n,), increasing within a member; a jump has two points of the same time.
        curves: by name, the values at them, shape (n,).
        members: the first point of each member, and n, shape (m + 1,); by default there is one.
        inputs: to compute observables that their points do not determine; None where there are none. Species that are
            not among `curves` are zero.
        finer: gives the same steps of some members, with the species that their observables read; None where those are
            among `curves`.
    """

    at: Array
    curves: Mapping[str, Array]
    members: Indices | None = None
    inputs: ReadoutInputs | None = None
    finer: Callable[[Indices], RecordedCurves] | None = None

    def times(self) -> Array:
        """As `at`."""
        return self.at

    def values(self, name: str) -> Array:
        """The curve `name`, shape (n,), in its unit; KeyError if it was not recorded."""
        return self.curves[name]

    def pieces(self, names: Sequence[str]) -> list[Pieces]:
        """Curves, each of every member, in pieces that determine it; KeyError for what was not recorded."""
        return [self._pieces(name) for name in names]

    def _pieces(self, name: str) -> Pieces:
        inputs = self.inputs
        points, first = self._parts
        if inputs is None or name in inputs.system.species or not needs_refinement(inputs.system, name):
            return pieces_through(self.at, self.curves[name], points, first)
        if self.finer is not None:
            return self._checked(name, self.finer)
        read = {each: self.curves[each].take(points) for each in inputs.system.species_of(name) if each in self.curves}
        steps = self._steps(self.at.take(points[0]), self.at.take(points[-1]), first, read)
        return steps.observables(inputs.system, [name])[0]

    def _steps(self, start: Array, end: Array, first: Indices, read: Mapping[str, Array]) -> ReadoutSteps:
        inputs = self.inputs
        if inputs is None:
            raise ValueError("nothing is known of the parameters")
        member = np.repeat(np.arange(len(first) - 1), np.diff(first))
        segment = np.zeros(len(start), dtype=np.intp)
        for ends in inputs.ends[:-1]:
            segment += ends.take(member) <= start

        def parameter(each: str, of: Indices) -> Array | float:
            column = inputs.tables[:, :, inputs.system.parameters.index(each)]
            if (column == column[0, 0]).all():
                return float(column[0, 0])
            return np.asarray(column[inputs.sets[segment.take(of), member.take(of)], member.take(of)])

        return ReadoutSteps(start, end, first, read.get, parameter)

    def _checked(self, name: str, finer: Callable[[Indices], RecordedCurves]) -> Pieces:
        """An observable through its recorded points, but of members of which these do not determine it computed from
        the species."""
        points, first = self._parts
        whole = pieces_through(self.at, self.curves[name], points, first)
        members = self._undetermined(name, whole)
        if not len(members):
            return whole
        [own] = finer(members).pieces([name])
        kept = np.flatnonzero(~np.isin(whole.member, members))
        member = np.concatenate([whole.member[kept], members[own.member]])
        order = np.argsort(member, kind="stable")
        return Pieces(
            np.concatenate([whole.start[kept], own.start])[order],
            np.concatenate([whole.end[kept], own.end])[order],
            np.concatenate([whole.values[:, kept], own.values], axis=1)[:, order],
            np.searchsorted(member[order], np.arange(len(first))),
        )

    def _undetermined(self, name: str, whole: Pieces) -> Indices:
        """The members of which the points of a recorded observable do not determine it."""
        if self.inputs is None:
            return np.empty(0, dtype=np.intp)
        values = np.concatenate([whole.values[:, ::2], whole.values[1:, 1::2]])
        steps = self._steps(whole.start[::2], whole.end[1::2], whole.first // 2, {})
        return np.unique(whole.member[::2][steps.undetermined(self.inputs.system, name, values)])

    def undefined(self) -> list[Undefined]:
        """The recorded observables of one member that are not finite somewhere."""
        observables = self.inputs.system.observables if self.inputs else ()
        found = []
        for name in observables:
            wrong = ~np.isfinite(self.curves[name]) if name in self.curves else np.zeros(1, dtype=bool)
            if wrong.any():
                time = float(self.at[wrong.argmax()])
                found.append(Undefined(name, time, self.cause(name, time)))
        return found

    def cause(self, name: str, time: float) -> str:
        """Why the observable `name` of one member is not finite at a time, such as ``0/0``; empty where it is, or
        where that is not known."""
        if self.inputs is None or name in self.inputs.system.species:
            return ""
        system, ends = self.inputs.system, self.inputs.ends[:, 0]
        segment = min(int((ends <= time).sum()), len(ends) - 1)
        parameters = self.inputs.tables[self.inputs.sets[segment, 0], 0]
        values = dict(zip(system.parameters, parameters.tolist(), strict=True))
        values |= {
            each: float(np.interp(time, self.at, self.curves[each])) if each in self.curves else 0.0
            for each in system.species
        }
        return why_not_finite(system, name, {**values, TIME: time})

    def clear_cache(self) -> None:
        """Does nothing: the curves could not be computed again."""

    @cached_property
    def _parts(self) -> tuple[Indices, Indices]:
        """The points of each step and the first step of each member, as `points_of` gives them."""
        members = np.array([0, len(self.at)]) if self.members is None else self.members
        return points_of(segment_starts(self.at, members), len(self.at), members)


def _joined(parts: Sequence[Array]) -> Array:
    """One read-only array."""
    joined = np.concatenate(parts)
    joined.setflags(write=False)
    return joined
