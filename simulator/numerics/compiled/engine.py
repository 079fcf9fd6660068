"""Many trajectories at once: members in, curves and outcomes out."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..reduced_system import ReducedSystem
from ..time_events import batch_stops
from ..trajectory import ATOL_OF_SCALE, Array
from .memory_layout import ARGUMENTS, CLOCKS, COUNTERS, ProgramLayout, Status

Integers = NDArray[np.int64]

COMPILED_RTOL = 1e-6
MAX_ATTEMPTS = 1_000_000  # steps of one member, rejected ones included
MAX_GROUP_STEPS = 2_000  # steps of a group of lanes between two calls of stop() ...
SECONDS_PER_CALL = 0.2  # ... or fewer, so that it does not wait much longer than this
BUFFER_POINTS = 2_048  # points along the steps of a member, before they are copied out


class StoppedError(Exception):
    """The caller asked to stop."""


@dataclass(frozen=True)
class Batch:
    """m members with at most k segments each. Order and units are those of `System`.

    Attributes:
        initial: states before the first jump, shape (m, species).
        starts: of each segment, in the model's time unit, shape (k, m).
        ends: of each segment, shape (k, m); NaN past the last segment of a member.
        jumps: for each segment, by index of a species, what doses add at its start, shape (m,).
        dilutions: for each segment, by index of a species, the factor of its state at the start, before the jump, where
            its volume changes, shape (m,): the old volume over the new one. Empty: no volume changes.
        infusions: for each segment, by index of a species, what flows in all through it per time unit, shape (m,).
        parameters: the sets of parameters that hold in some segment, each of shape (m, parameters).
        sets: the index into `parameters` of the set that holds, integers, shape (k, m).
    """

    initial: Array
    starts: Array
    ends: Array
    jumps: Sequence[Mapping[int, Array]]
    infusions: Sequence[Mapping[int, Array]]
    parameters: Sequence[Array]
    sets: Integers
    dilutions: Sequence[Mapping[int, Array]] = ()

    def take(self, rows: NDArray[np.intp]) -> Batch:
        """The batch of some of its members."""

        def taken(given: Sequence[Mapping[int, Array]]) -> list[dict[int, Array]]:
            return [{species: values[rows] for species, values in each.items()} for each in given]

        return Batch(
            initial=self.initial[rows],
            starts=self.starts[:, rows],
            ends=self.ends[:, rows],
            jumps=taken(self.jumps),
            infusions=taken(self.infusions),
            parameters=[each[rows] for each in self.parameters],
            sets=self.sets[:, rows],
            dilutions=taken(self.dilutions),
        )


@dataclass(frozen=True)
class BatchResult:
    """What the members of a batch became. The curves of a member that did not reach its end are those before it.

    Attributes:
        grid: the curves at the output times, shape (m, times, curves); NaN at those that a member has not or did not
            reach.
        dense_curves: for each member the times along its steps, shape (points,), and the curves there, shape
            (points, curves); two points of the same time at a jump.
        status: how each member ended, a `Status`, shape (m,).
        steps: accepted steps of each, shape (m,).
        added: what doses and infusions added, counted while it ran, as in `Trajectory`; shape (m, species), by the
            species of `System`.
        revived: for each member the species that rose again out of noise, and when, as `noise.Watch` says, or None.
    """

    grid: Array
    dense_curves: Sequence[tuple[Array, Array]]
    status: Integers
    steps: Integers
    added: Array
    revived: Sequence[tuple[str, float] | None]

    @property
    def done(self) -> NDArray[np.bool_]:
        """Which members reached their end, shape (m,)."""
        reached: NDArray[np.bool_] = self.status == Status.DONE
        return reached

    def with_status(self, status: Integers) -> BatchResult:
        """The same with another status of members, shape (m,)."""
        return replace(self, status=status)

    def replaced(self, rows: NDArray[np.intp], new: BatchResult) -> BatchResult:
        """The same with the members of `new` in these rows."""
        changed: dict[str, Any] = {}
        for each in fields(self):
            values, own = getattr(self, each.name), getattr(new, each.name)
            if isinstance(values, np.ndarray):
                changed[each.name] = values.copy()
                changed[each.name][rows] = own
                changed[each.name].setflags(write=False)
            else:
                by_row = dict(zip(rows.tolist(), own, strict=True))
                changed[each.name] = [by_row.get(row, value) for row, value in enumerate(values)]
        return replace(self, **changed)


class Engine:
    """A reduced system as machine code, with the curves that are read at output times and along the steps."""

    def __init__(
        self, reduced: ReducedSystem, grid: Sequence[str], dense_curves: Sequence[str], lanes: int | None = None
    ) -> None:
        """Compiles, or loads what was compiled before: some seconds at most.

        Args:
            reduced: the equations.
            grid: species and observables to record at the output times.
            dense_curves: species and observables to record along every step.
            lanes: members that are integrated in lock step; by default what suits the processor.

        Raises:
            ImportError: llvmlite is not installed.
        """
        from .jit import CompiledProgram, best_lanes  # needs llvmlite, which is an extra

        self.layout = ProgramLayout(reduced, tuple(grid), tuple(dense_curves))
        self.program = CompiledProgram(self.layout, lanes or best_lanes())
        system = reduced.system
        self.species = [system.species.index(name) for name in reduced.species]
        self.parameters = [system.parameters.index(name) for name in self.layout.parameters]
        self.infused = [system.species.index(name) for name in reduced.infused]

    def run(
        self,
        batch: Batch,
        times: Array,
        rtol: float | Array = COMPILED_RTOL,
        floor: float | Array = ATOL_OF_SCALE,
        stop: Callable[[], bool] = lambda: False,
    ) -> BatchResult:
        """Integrates every member of `batch`. A member that fails stops no other.

        Args:
            batch: the members.
            times: output times, increasing: of all members, shape (times,), or of each, shape (members, times),
                infinite after the last of a member that has fewer.
            rtol: relative tolerance, of all members or of each, shape (members,).
            floor: as in `System.absolute_tolerances`, of all members or of each, shape (members,).
            stop: asked some ten times a second.

        Raises:
            StoppedError: `stop()` was true.
            ValueError: a species that the reduced system leaves out does not start at zero.
        """
        arguments = _ProgramArguments(self, batch, times, rtol, floor)
        status = arguments.counts[:, COUNTERS.index("status")]
        points = arguments.counts[:, COUNTERS.index("point")]
        copied: list[list[Array]] = [[] for _ in status]
        todo = np.arange(len(status))
        while len(todo):
            arguments.drive(todo)
            # Empty the buffers of dense output; those that were full go on
            for member in np.flatnonzero(points):
                copied[member].append(arguments.dense_curves[member, : points[member]].copy())
            points[:] = 0
            status[status == Status.BUFFER_FULL] = Status.RUNNING
            todo = np.flatnonzero(status == Status.RUNNING)
            if stop():
                raise StoppedError
        for index in range(len(status)):  # what was not reached, or is past the last time of a member
            arguments.grid[index, arguments.counts[index, COUNTERS.index("time")] :] = np.nan
        empty = np.empty((0, 1 + len(self.layout.dense_curves)))
        dense = [np.concatenate(parts) if parts else empty for parts in copied]
        for array in (arguments.grid, *dense):
            array.setflags(write=False)
        return BatchResult(
            grid=arguments.grid,
            dense_curves=[(each[:, 0], each[:, 1:]) for each in dense],
            status=status.copy(),
            steps=arguments.counts[:, COUNTERS.index("steps")].copy(),
            added=self._of_model(arguments.added),
            revived=arguments.revived(self.layout.reduced.species),
        )

    def _of_model(self, values: Array) -> Array:
        """Values by the species of the program, shape (m, species), as values by those of the model."""
        found = np.zeros((len(values), len(self.layout.reduced.system.species)))
        found[:, self.species] = values
        found.setflags(write=False)
        return found


class _ProgramArguments:
    """The arrays that a program works on, by their names in `memory_layout.ARGUMENTS`."""

    def __init__(self, engine: Engine, batch: Batch, times: Array, rtol: float | Array, floor: float | Array) -> None:
        layout = engine.layout
        self.program = engine.program
        self.index = {species: i for i, species in enumerate(engine.species)}  # in the model: in the program
        self._set_start(engine, batch)
        self._set_events(engine, batch)
        self._set_tolerances(engine, rtol, floor)
        self._set_stops(engine, batch)
        shared = times if layout.grid else times[..., :0]
        self.times = np.ascontiguousarray(np.broadcast_to(shared, (len(self.states), shared.shape[-1])))
        self.grid = np.empty((*self.times.shape, len(layout.grid)))
        capacity = BUFFER_POINTS if layout.dense_curves else 0
        self.dense_curves = np.empty((len(self.states), capacity, 1 + len(layout.dense_curves)))
        self.workspace = _workspace(engine)
        self.scalars = {
            "max_steps": MAX_GROUP_STEPS,
            "max_attempts": MAX_ATTEMPTS,
            "segments": len(batch.ends),
            "jumps": len(self.jumped),
            "members": len(self.states),
            "n_times": self.times.shape[1],
            "n_stops": self.stops.shape[1],
            "capacity": capacity,
        }

    def _set_start(self, engine: Engine, batch: Batch) -> None:
        """States after the first jump, times and step sizes of all members."""
        reduced, members = engine.layout.reduced, len(batch.initial)
        for name in reduced.identically_zero:
            if batch.initial[:, reduced.system.species.index(name)].any():
                raise ValueError(f"{name} does not start at zero, but the reduced system leaves it out")
        self.states = np.ascontiguousarray(batch.initial[:, engine.species])
        self.added = np.zeros(self.states.shape)
        for species, amount in batch.jumps[0].items():
            self.states[:, self.index[species]] += amount
            self.added[:, self.index[species]] += amount
        self.clocks = np.zeros((members, len(CLOCKS)))
        for name in ("t", "mark"):
            self.clocks[:, CLOCKS.index(name)] = batch.starts[0]
        self.levels = np.zeros(self.states.shape)
        self.counts = np.zeros((members, len(COUNTERS)), dtype=np.int64)
        self.counts[:, COUNTERS.index("first")] = 1
        self.counts[:, COUNTERS.index("segments")] = np.isfinite(batch.ends).sum(axis=0)

    def _set_events(self, engine: Engine, batch: Batch) -> None:
        """Ends, later jumps and dilutions, infusions and parameters of all segments."""
        members, segments = len(batch.initial), len(batch.ends)
        self.ends = np.ascontiguousarray(batch.ends.T)
        diluted = {species for each in batch.dilutions for species in each if species in self.index}
        jumped = sorted(diluted.union(*batch.jumps[1:]))
        self.jumped = np.array([self.index[species] for species in jumped], dtype=np.int64)
        self.jump = np.zeros((members, segments, len(jumped)))
        self.dilution = np.ones((members, segments, len(jumped)))
        self.infusion = np.zeros((members, segments, len(engine.infused)))
        infused = {species: i for i, species in enumerate(engine.infused)}
        for segment in range(segments):
            for i, species in enumerate(jumped):
                self.jump[:, segment, i] = batch.jumps[segment].get(species, 0.0) if segment else 0.0
                if segment and batch.dilutions:
                    self.dilution[:, segment, i] = batch.dilutions[segment].get(species, 1.0)
            for species, rate in batch.infusions[segment].items():
                self.infusion[:, segment, infused[species]] = rate
        self.sets = np.ascontiguousarray(batch.sets.T, dtype=np.int64)
        self.parameters = np.stack([each.take(engine.parameters, axis=1) for each in batch.parameters])

    def _set_tolerances(self, engine: Engine, rtol: float | Array, floor: float | Array) -> None:
        """Relative tolerances of all members, and absolute ones of their states."""
        members, system = len(self.states), engine.layout.reduced.system
        self.rtol = np.full(members, rtol, dtype=float)
        absolute = system.absolute_tolerances(self.rtol, np.full(members, floor, dtype=float))
        self.atol = np.ascontiguousarray(absolute[:, engine.species])

    def _set_stops(self, engine: Engine, batch: Batch) -> None:
        """Times at which steps have to end, with one that is infinite after the last of each member."""
        curves = engine.layout.reduced.system.time_curves
        found = np.empty((len(self.states), 0))
        if curves:
            found = batch_stops(curves, batch.starts, batch.ends, batch.parameters, batch.sets)
        self.stops = np.pad(found, ((0, 0), (0, 1)), constant_values=np.inf)

    def revived(self, species: Sequence[str]) -> list[tuple[str, float] | None]:
        """As in `BatchResult`."""
        which, when = self.counts[:, COUNTERS.index("revived")], self.clocks[:, CLOCKS.index("revived_at")]
        return [(species[i - 1], at) if i else None for i, at in zip(which.tolist(), when.tolist(), strict=True)]

    def drive(self, todo: Integers) -> None:
        """Runs the members in `todo` for at most `max_steps` steps of each group, so many that it takes about
        SECONDS_PER_CALL; the number changes no bit of the results."""
        began = time.perf_counter()
        todo = np.ascontiguousarray(todo, dtype=np.int64)
        scalars = self.scalars | {"count": len(todo)}
        arrays = {"todo": todo} | {name: getattr(self, name) for name in ARGUMENTS if hasattr(self, name)}
        values = [scalars[name] if name in scalars else arrays[name].ctypes.data for name in ARGUMENTS]
        block = np.array(values, dtype=np.int64)
        self.program.drive(block.ctypes.data)
        share = SECONDS_PER_CALL / max(time.perf_counter() - began, 1e-6)
        self.scalars["max_steps"] = min(max(int(self.scalars["max_steps"] * share), 1), MAX_GROUP_STEPS)


def _workspace(engine: Engine) -> Array:
    """The rows of a group of lanes, shape (rows, lanes), with bounds and sizes of states filled in."""
    offsets, system, size = engine.layout.offsets, engine.layout.reduced.system, len(engine.species)
    workspace = _aligned(offsets["rows"], engine.program.lanes)
    workspace[offsets["lower_bounds"] :][:size] = system.lower_bounds[engine.species][:, None]
    workspace[offsets["sizes"] :][:size] = ATOL_OF_SCALE * system.scales[engine.species][:, None]
    return workspace


def _aligned(rows: int, lanes: int) -> Array:
    """Zeros, shape (rows, lanes), beginning where a cache line does."""
    memory = np.zeros(rows * lanes + 8)
    start = -memory.ctypes.data // 8 % 8
    return memory[start : start + rows * lanes].reshape(rows, lanes)
