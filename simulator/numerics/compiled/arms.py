"""Trajectories of a model by machine code: several at once, each a lane, with its own times and tolerances."""

from __future__ import annotations

import time as clock
from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ...model.expression import TIME
from ..dense_output import DenseOutput, SampledSteps
from ..pieces import PIECE
from ..rodas5p import STAGES
from ..system import System
from ..trajectory import ATOL_OF_SCALE, Array, Outcome, Problem, Segment, Trajectory, by_parameters
from .engine import Batch, BatchResult, Engine, OnProgress, StoppedError
from .memory_layout import Status
from .programs import LANES_OF_ARMS, ReferenceFormulas, model_program

Flags = NDArray[np.bool_]

POINTS = 10  # of each trajectory, at which machine code is held against the formulas
NEAR = 1e-9  # of a state: as close are points at which the Jacobian may be that of either side of a kink
TOLERANCE = 1e-9  # of the size of what is added up: far above rounding, far below a wrong formula
WHY = {  # a problem has no trajectory
    Status.RUNNING: "was interrupted",
    Status.NOT_FINITE: "met a value that is infinite or undefined",
    Status.NEGATIVE: "took a state below zero",
    Status.NO_PROGRESS: "came no further, or took too many steps",
}


class ModelEngine:
    """The compiled engine for one model, without the species that stay at zero."""

    def __init__(
        self, system: System, awake: Collection[str], zeros: Collection[str] = (), lanes: int = LANES_OF_ARMS
    ) -> None:
        """awake: species that may start above zero or be dosed; zeros: parameters that are zero all the time; lanes: as
        in `model_program`."""
        found = model_program(system, awake, zeros, lanes)
        system.observables_tape = found.observables
        self.system, self.engine, self.formulas = system, Engine(found.program, system), found.formulas

    def solve(
        self, problems: Sequence[Problem], on_progress: OnProgress = lambda share: None
    ) -> tuple[list[Trajectory | str], bool]:
        """A trajectory for each problem, or why it did not reach its end, in words; and whether the user pressed Ctrl-C
        before all had."""
        began = clock.perf_counter()
        batch, times = batch_of(problems), _times(problems)
        rtol, floor = (np.array([getattr(each, name) for each in problems]) for name in ("rtol", "floor"))
        interrupted = False
        try:
            dense = np.array([each.dense for each in problems])
            found = self.engine.run(batch, times, rtol, floor, on_progress=on_progress, dense=dense)
        except StoppedError as error:
            if error.result is None:
                raise KeyboardInterrupt from None
            found, interrupted = error.result, True
        seconds = (clock.perf_counter() - began) / len(problems)
        trajectories: list[Trajectory | str] = []
        try:
            for member, status in enumerate(found.status.tolist()):
                done = status == Status.DONE
                trajectories.append(self._trajectory(problems[member], found, member, seconds) if done else WHY[status])
        except KeyboardInterrupt:
            interrupted = True
        return [*trajectories, *[WHY[Status.RUNNING]] * (len(problems) - len(trajectories))], interrupted

    def _trajectory(self, problem: Problem, found: BatchResult, member: int, seconds: float) -> Trajectory:
        system, saved = self.system, found.grid[member, : len(problem.times)]
        by_name = np.empty((len(system.species) + len(system.observables), len(saved)))
        by_name[: len(system.species)] = saved.T
        self._observe(problem, saved, by_name[len(system.species) :])
        problem.times.setflags(write=False)
        by_name.setflags(write=False)
        joined = found.dense_curves[member] if problem.dense else None
        segments = self._segments(problem, *joined) if joined else ()
        return Trajectory(
            times=problem.times,
            values=dict(zip((*system.species, *system.observables), by_name, strict=True)),
            dense=DenseOutput(system, segments, self.engine.observe, joined),
            outcome=Outcome(),
            added=dict(zip(system.species, found.added[member].tolist(), strict=True)),
            solver=f"Rodas5P, compiled, rtol {problem.rtol:g}",
            calls=int(found.attempts[member]) * STAGES,
            steps=int(found.steps[member]),
            seconds=seconds,
            revived=found.revived[member],
        )

    def _observe(self, problem: Problem, states: Array, out: Array) -> None:
        """Fills `out`, shape (observables, times), with every observable at the saved times; one at the end of a
        segment belongs to the next. states: shape (times, species)."""
        names, alike = self.system.observables, by_parameters(problem.segments)
        if len(alike) == 1:
            self.engine.observe(names, problem.times, states, alike[0][0], out)
            return
        starts = np.array([each.start for each in problem.segments])
        segment = np.searchsorted(starts, problem.times, side="right") - 1
        for parameters, which in alike:
            own = np.flatnonzero(np.isin(segment, which))
            out[:, own] = self.engine.observe(names, problem.times[own], states[own], parameters)

    def _segments(self, problem: Problem, times: Array, states: Array) -> list[SampledSteps]:
        """The points along the steps of each segment."""
        found, first, per_step = [], 0, PIECE
        for segment in problem.segments:
            steps = int(np.searchsorted(times[first::per_step], segment.end))  # each step's end is the next one's start
            part = slice(first, first + per_step * steps + 1)
            found.append(
                SampledSteps(times[part], states[part], segment.infusion, segment.parameters, segment.dilution)
            )
            first = part.stop
        return found

    def disagreement(self, trajectories: Sequence[Trajectory]) -> str:
        """Where the machine code differs from the formulas along some trajectories; '' where it does not.

        Right-hand side and Jacobian are compared at `POINTS` points of each.
        """
        times, states, parameters = _points(self.system, trajectories)
        if not len(times):
            return ""
        found, jacobian = self.engine.derivatives(times, states, parameters)
        species = self.engine.species
        right = np.zeros((len(self.system.species), len(times)))  # of species that are left out
        right[species] = found.T
        entries = [(species[row], species[column]) for row, column in self.engine.description.entries]
        return _Reference(self.system, self.formulas, times, states, parameters).differ(
            right, dict(zip(entries, jacobian.T, strict=True))
        )


class _Reference:
    """Right-hand side and Jacobian at n points, by the formulas."""

    def __init__(
        self, system: System, formulas: ReferenceFormulas, times: Array, states: Array, parameters: Array
    ) -> None:
        self.system, self.formulas, self.times, self.states = system, formulas, times, states
        self.parameters = dict(zip(system.parameters, parameters.T, strict=True))

    def differ(self, right: Array, jacobian: Mapping[tuple[int, int], Array]) -> str:
        """Where machine code differs: right-hand side of shape (species, n), entries of the Jacobian of shape (n,)."""
        names = self.system.species
        expected, gross, entries = self._evaluate()
        rows, columns = np.array(self.formulas.entries, dtype=np.intp).reshape(-1, 2).T
        scale = (np.abs(self.states) + ATOL_OF_SCALE * self.system.scales).T
        # What is added up inside a rate law is at least as large as what each state does to it
        size = gross + np.abs(expected)
        np.add.at(size, rows, np.abs(entries) * scale[columns])
        wrong = _outside(right, expected, expected, TOLERANCE * size)
        if wrong.any():
            species, point = np.argwhere(wrong)[0]
            return f"the derivative of {names[species]} at {self._time(point)}"
        zero = np.zeros(len(self.times))
        found = np.array([jacobian.get(each, zero) for each in self.formulas.entries]).reshape(entries.shape)
        tolerance = 1e3 * TOLERANCE * (np.abs(entries) + size[rows] / scale[columns])
        wrong = _outside(found, entries, entries, tolerance)
        if wrong.any():
            # Where max() or min() changes sides, rounding decides which derivative is found: either is right
            near = [entries, *(self._evaluate(factor)[2] for factor in (1.0 + NEAR, 1.0 - NEAR))]
            wrong = _outside(found, np.fmin.reduce(near), np.fmax.reduce(near), tolerance)
        if wrong.any():
            entry, point = np.argwhere(wrong)[0]
            row, column = self.formulas.entries[entry]
            return f"the derivative of that of {names[row]} by {names[column]} at {self._time(point)}"
        for row, column in set(jacobian) - set(self.formulas.entries):
            if jacobian[row, column].any():
                return f"the derivative of that of {names[row]} by {names[column]}"
        return ""

    def _evaluate(self, factor: float = 1.0) -> list[Array]:
        """The three parts of the formulas where the states are multiplied by a number, each of shape (outputs, n)."""
        species = dict(zip(self.system.species, (self.states * factor).T, strict=True))
        found = self.formulas.tape.evaluate_few({**species, **self.parameters, TIME: self.times}, len(self.times))
        return np.split(found, [len(species), 2 * len(species)])

    def _time(self, point: int) -> str:
        return f"{self.times[point]:.6g} {self.system.model.time_unit_text}"


def _outside(found: Array, low: Array, high: Array, tolerance: Array) -> Flags:
    """Where a number lies outside a range by more than the tolerance; NaN is where NaN is expected."""
    with np.errstate(invalid="ignore"):
        inside = (found >= low - tolerance) & (found <= high + tolerance)
    wrong: Flags = ~(inside | (found == low) | (np.isnan(found) & np.isnan(low)))
    return wrong


def _points(system: System, trajectories: Sequence[Trajectory]) -> tuple[Array, Array, Array]:
    """Times, states and parameters at some accepted steps of each trajectory."""
    found: list[tuple[float, Array, Array]] = []
    for trajectory in trajectories:
        dense = trajectory.dense
        segments = dense.segments if isinstance(dense, DenseOutput) else ()
        ends = np.cumsum([len(each.times) for each in segments])
        for step in np.linspace(0, ends[-1] - 1, POINTS).astype(int).tolist() if len(ends) else ():
            index = int(np.searchsorted(ends, step, side="right"))
            segment, within = segments[index], step - int(ends[index])
            found.append((segment.times[within], segment.states[within], segment.parameters))
    times, states, parameters = zip(*found, strict=True) if found else ((), (), ())
    return np.array(times), np.array(states), np.array(parameters)


def _times(problems: Sequence[Problem]) -> Array:
    """Output times of all, shape (problems, times), infinite after the last of each."""
    times = np.full((len(problems), max(len(each.times) for each in problems)), np.inf)
    for row, each in zip(times, problems, strict=True):
        row[: len(each.times)] = each.times
    return times


def batch_of(problems: Sequence[Problem]) -> Batch:
    """All problems as one batch."""
    count, most = len(problems), max(len(each.segments) for each in problems)
    starts, ends = np.full((2, most, count), np.nan)
    sets = np.zeros((most, count), dtype=np.int64)
    own: list[list[Array]] = []  # the distinct parameters of each problem
    for member, each in enumerate(problems):
        alike = by_parameters(each.segments)
        own.append([values for values, _ in alike])
        for number, (_, which) in enumerate(alike):
            sets[which, member] = number
        for index, segment in enumerate(each.segments):
            starts[index, member], ends[index, member] = segment.start, segment.end
    parameters = [np.array([found[min(index, len(found) - 1)] for found in own]) for index in range(max(map(len, own)))]
    return Batch(
        initial=np.array([each.initial for each in problems]),
        starts=starts,
        ends=ends,
        jumps=_sparse(problems, most, 0.0, lambda segment: segment.jump),
        infusions=_sparse(problems, most, 0.0, lambda segment: segment.infusion),
        parameters=parameters,
        sets=sets,
        dilutions=_sparse(problems, most, 1.0, lambda segment: segment.dilution),
    )


def _sparse(
    problems: Sequence[Problem], most: int, usual: float, read: Callable[[Segment], Array | None]
) -> list[dict[int, Array]]:
    """For each segment, by index of a species, a number for each problem; only where one is not the usual one."""
    found: list[dict[int, Array]] = [{} for _ in range(most)]
    for member, each in enumerate(problems):
        for of_segment, segment in zip(found, each.segments, strict=False):
            values = read(segment)
            if values is None:
                continue
            for index in np.flatnonzero(values != usual).tolist():
                of_segment.setdefault(index, np.full(len(problems), usual))[member] = values[index]
    return found
