"""Many trajectories at once: members in, curves and outcomes out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...runtime.interrupt import raise_if_interrupted
from ..system import System
from ..time_events import batch_stops
from ..trajectory import ATOL_OF_SCALE, Array
from .memory_layout import ARGUMENTS, CLOCKS, COUNTERS, Status

if TYPE_CHECKING:
    from .programs import Program  # needs llvmlite, and who only makes batches needs none

Integers = NDArray[np.int64]
OnProgress = Callable[[float], object]

COMPILED_RTOL = 1e-6
POINTS_AT_ONCE = 128  # at which observables are computed: few enough for the processor's cache
MAX_ATTEMPTS = 1_000_000  # steps of one member, rejected ones included
MAX_GROUP_STEPS = 2_000  # steps of a group of lanes between two calls of stop() ...
SECONDS_PER_CALL = 0.2  # ... or fewer, so that it does not wait much longer than this
BUFFER_POINTS = 2_048  # points along the steps of a member, before they are copied out: at least so many ...
MOST_BUFFER_POINTS = 16_384  # ... and at most so many, ...
BUFFER_BYTES = 2**27  # ... as far as all members need no more than this; what no point reaches takes no memory


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
        attempts: accepted and rejected steps of each, shape (m,).
    """

    grid: Array
    dense_curves: Sequence[tuple[Array, Array]]
    status: Integers
    steps: Integers
    added: Array
    revived: Sequence[tuple[str, float] | None]
    attempts: Integers

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


class StoppedError(Exception):
    """The caller asked to stop, or the user pressed Ctrl-C: then its cause is a KeyboardInterrupt.

    Attributes:
        result: what was computed; members that had not reached their end have the status RUNNING. None where nothing
            was.
    """

    def __init__(self, result: BatchResult | None = None) -> None:
        super().__init__("stopped")
        self.result = result


class Engine:
    """A program applied to a model: members in, curves out. It is cheap to make, and threads may share it."""

    def __init__(self, program: Program, system: System) -> None:
        """system: the model; its formulas are those of the program, its scales and units are its own."""
        self.description, self.code = program
        self.system = system
        self.species = [system.species.index(name) for name in self.description.species]
        self.parameters = [system.parameters.index(name) for name in self.description.parameters]
        self.infused = [system.species.index(name) for name in self.description.infused]
        self.observed = {name: row for row, name in enumerate(self.description.observed)}
        self.zeros = [system.parameters.index(name) for name in self.description.zeros]
        self.identically_zero = [system.species.index(name) for name in self.description.identically_zero]

    def run(
        self,
        batch: Batch,
        times: Array,
        rtol: float | Array = COMPILED_RTOL,
        floor: float | Array = ATOL_OF_SCALE,
        stop: Callable[[], bool] = lambda: False,
        on_progress: OnProgress = lambda share: None,
        dense: NDArray[np.bool_] | None = None,
        steps: Sequence[Array] | None = None,
    ) -> BatchResult:
        """Integrates every member of `batch`. A member that fails stops no other.

        Args:
            batch: the members.
            times: output times, increasing: of all members, shape (times,), or of each, shape (members, times),
                infinite after the last of a member that has fewer.
            rtol: relative tolerance, of all members or of each, shape (members,).
            floor: as in `System.absolute_tolerances`, of all members or of each, shape (members,).
            stop: asked some ten times a second.
            on_progress: called as often with the share of the time of all members that is done, 0 to 1.
            dense: which members have curves along their steps in the result, shape (members,); None for all.
            steps: of each member when its steps end, increasing, whatever their errors are then; only of a program that
                `follows`. None: every member chooses its own.

        Raises:
            StoppedError: `stop()` was true, or the user pressed Ctrl-C; it holds what was computed.
            ValueError: a species that the program leaves out does not start at zero, or a parameter that it takes as
                zero is not.
        """
        arguments = _ProgramArguments(self, batch, times, rtol, floor, steps)
        status = arguments.counts[:, COUNTERS.index("status")]
        copied = _DenseCurves(arguments, dense)
        todo = np.arange(len(status))
        try:
            while len(todo):
                arguments.drive(todo)
                copied.empty(np.flatnonzero(status == Status.BUFFER_FULL))
                status[status == Status.BUFFER_FULL] = Status.RUNNING
                todo = np.flatnonzero(status == Status.RUNNING)
                on_progress(arguments.share_done())
                raise_if_interrupted()  # NumPy may have swallowed it
                if stop():
                    raise StoppedError(arguments.result(copied.of_members()))
        except KeyboardInterrupt as error:
            status[todo] = Status.RUNNING  # of what was in the works, points may be missing
            raise StoppedError(arguments.result(copied.of_members())) from error
        return arguments.result(copied.of_members())

    def derivatives(self, times: Array, states: Array, parameters: Array) -> tuple[Array, Array]:
        """What the program computes at n points, without infusions; order and units are those of `System`.

        Args:
            times: shape (n,).
            states: shape (n, species).
            parameters: shape (n, parameters).

        Returns:
            The right-hand side of the species that the program integrates, shape (n, species of the program), and the
            entries of their Jacobian, in the order of `ProgramDescription.entries`, shape (n, entries).
        """
        at, lanes, size = self.description.offsets, self.description.lanes, len(self.species)
        workspace = _workspace(self)
        right, jacobian = [], []
        for first in range(0, len(times), lanes):
            points = np.arange(first, first + lanes).clip(max=len(times) - 1)  # the last one fills the rest
            workspace[at["t"]] = times[points]
            workspace[at["y"] :][:size] = states[points][:, self.species].T
            workspace[at["parameters"] :][: len(self.parameters)] = parameters[points][:, self.parameters].T
            self.code.prepare(workspace.ctypes.data)
            self.code.evaluate(workspace.ctypes.data)
            right.append(workspace[at["right"] :][:size].T.copy())
            jacobian.append(workspace[at["jacobian"] :][: len(self.description.entries)].T.copy())
        return np.concatenate(right)[: len(times)], np.concatenate(jacobian)[: len(times)]

    def observe(
        self, names: Sequence[str], times: Array, states: Array, parameters: Array, out: Array | None = None
    ) -> Array:
        """Observables at n points, shape (names, n); KeyError for one that the program does not compute.

        Args:
            names: of observables.
            times: shape (n,).
            states: shape (n, species), by the species of `System`; those that the program leaves out are not read.
            parameters: shape (parameters,), by those of `System`.
            out: what is filled and given back; by default a new array.
        """
        at, lanes = self.description.offsets, self.description.lanes
        rows, found = (
            [self.observed[name] for name in names],
            np.empty((len(names), len(times))) if out is None else out,
        )
        every = slice(len(rows)) if rows == [*range(len(self.observed))] else rows
        if not rows:  # a program without observables has no such function
            return found
        workspace = _workspace(self)
        workspace[at["parameters"] :][: len(self.parameters)] = parameters[self.parameters][:, None]
        self.code.prepare(workspace.ctypes.data)
        for first in range(0, len(times), POINTS_AT_ONCE):
            block = slice(first, min(first + POINTS_AT_ONCE, len(times)))
            own = np.zeros((1 + len(self.species), -(-(block.stop - first) // lanes) * lanes))
            own[0, : block.stop - first] = times[block]
            own[1:, : block.stop - first] = states[block].take(self.species, axis=1).T
            own[:, block.stop - first :] = own[:, [block.stop - first - 1]]  # the last point fills the rest
            values, count = np.empty((len(self.observed), own.shape[1])), np.array([own.shape[1]])
            self.code.observe(*(each.ctypes.data for each in (workspace, own[1:], own[0], values, count)))
            found[:, block] = values[every, : block.stop - first]
        return found


class _ProgramArguments:
    """The arrays that a program works on, by their names in `memory_layout.ARGUMENTS`."""

    def __init__(
        self,
        engine: Engine,
        batch: Batch,
        times: Array,
        rtol: float | Array,
        floor: float | Array,
        steps: Sequence[Array] | None,
    ) -> None:
        description = self.description = engine.description
        self.engine = engine
        self.index = {species: i for i, species in enumerate(engine.species)}  # in the model: in the program
        self._set_start(engine, batch)
        self._set_events(engine, batch)
        self._set_tolerances(engine, rtol, floor)
        self._set_stops(engine, batch, steps)
        shared = times if description.grid else times[..., :0]
        of_each = np.broadcast_to(shared, (len(self.states), shared.shape[-1]))
        self.times = np.ascontiguousarray(of_each, dtype=np.float64)  # whole numbers have other bits
        self.grid = np.empty((*self.times.shape, len(description.grid)))
        width = 1 + len(description.dense_curves)
        most = BUFFER_BYTES // (8 * width * max(len(self.states), 1))
        records = description.dense_curves or description.follows
        capacity = max(BUFFER_POINTS, min(most, MOST_BUFFER_POINTS)) if records else 0
        self.dense_curves = np.empty((len(self.states), capacity, width))
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
        members = len(batch.initial)
        for species in engine.identically_zero:
            if batch.initial[:, species].any():
                name = engine.system.species[species]
                raise ValueError(f"{name} does not start at zero, but the program leaves it out")
        for parameter in engine.zeros:
            if any(each[:, parameter].any() for each in batch.parameters):
                name = engine.system.parameters[parameter]
                raise ValueError(f"{name} is not zero, but the program takes it as that")
        self.states = np.ascontiguousarray(batch.initial[:, engine.species])
        self.added = np.zeros(self.states.shape)
        for species, factor in (batch.dilutions[0] if batch.dilutions else {}).items():
            if species in self.index:
                self.states[:, self.index[species]] *= factor
        for species, amount in batch.jumps[0].items():
            self.states[:, self.index[species]] += amount
            self.added[:, self.index[species]] += amount
        self.clocks = np.zeros((members, len(CLOCKS)))
        for name in ("t", "mark"):
            self.clocks[:, CLOCKS.index(name)] = batch.starts[0]
        self.begins = batch.starts[0]
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
        members, system = len(self.states), engine.system
        self.rtol = np.full(members, rtol, dtype=float)
        absolute = system.absolute_tolerances(self.rtol, np.full(members, floor, dtype=float))
        self.atol = np.ascontiguousarray(absolute[:, engine.species])

    def _set_stops(self, engine: Engine, batch: Batch, steps: Sequence[Array] | None) -> None:
        """Times at which steps have to end, with one that is infinite after the last of each member."""
        found = np.empty((len(self.states), 0))
        if steps is not None:
            found = np.full((len(steps), max(map(len, steps), default=0)), np.inf)
            for row, ends in zip(found, steps, strict=True):
                row[: len(ends)] = ends
            self.counts[:, COUNTERS.index("follows")] = 1
        elif engine.description.has_stops:  # else the formulas need not be built
            curves = engine.system.time_curves
            found = batch_stops(curves, batch.starts, batch.ends, batch.parameters, batch.sets)
        self.stops = np.pad(found, ((0, 0), (0, 1)), constant_values=np.inf)

    def _revived(self) -> list[tuple[str, float] | None]:
        """As in `BatchResult`."""
        species = self.description.species
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
        self.engine.code.drive(block.ctypes.data)
        share = SECONDS_PER_CALL / max(time.perf_counter() - began, 1e-6)
        self.scalars["max_steps"] = min(max(int(self.scalars["max_steps"] * share), 1), MAX_GROUP_STEPS)

    def share_done(self) -> float:
        """The share of the time of all members that is done, 0 to 1."""
        ends = np.nanmax(self.ends, axis=1)
        return float(((self.clocks[:, 0] - self.begins) / (ends - self.begins)).mean())

    def result(self, dense: Sequence[Array]) -> BatchResult:
        """What was computed; dense: of each member its dense output."""
        reached = self.counts[:, COUNTERS.index("time")].tolist()
        for member, count in enumerate(reached):  # what was not reached, or is past the last time of a member
            self.grid[member, count:] = np.nan
        for array in (self.grid, *dense):
            array.setflags(write=False)
        return BatchResult(
            grid=self.grid,
            dense_curves=[(each[:, 0], each[:, 1:]) for each in dense],
            status=self.counts[:, COUNTERS.index("status")].copy(),
            steps=self.counts[:, COUNTERS.index("steps")].copy(),
            added=_of_model(self.engine, self.added),
            revived=self._revived(),
            attempts=self.counts[:, COUNTERS.index("attempts")].copy(),
        )


class _DenseCurves:
    """The points along the steps of members, copied out of the buffers of a program: the time, then the curves."""

    def __init__(self, arguments: _ProgramArguments, wanted: NDArray[np.bool_] | None) -> None:
        self.buffers = arguments.dense_curves
        self.points = arguments.counts[:, COUNTERS.index("point")]
        self.wanted = np.ones(len(self.points), dtype=bool) if wanted is None else wanted
        self.parts: list[list[Array]] = [[] for _ in self.points]

    def empty(self, members: Iterable[int]) -> None:
        """Copies the points of these members, whose buffers may then be filled again."""
        for member in members:
            if self.wanted[member]:
                self.parts[member].append(self.buffers[member, : self.points[member]].copy())
            self.points[member] = 0

    def of_members(self) -> list[Array]:
        """Of each member, shape (points, 1 + curves): in the buffers themselves where these hold nothing else."""
        if self.wanted.all() and not any(self.parts):
            return [buffer[:points] for buffer, points in zip(self.buffers, self.points.tolist(), strict=True)]
        self.empty(np.flatnonzero(self.points))
        none = self.buffers[0, :0] if len(self.buffers) else np.empty((0, 0))
        return [np.concatenate(parts) if len(parts) > 1 else [*parts, none][0] for parts in self.parts]


def _workspace(engine: Engine) -> Array:
    """The rows of a group of lanes, shape (rows, lanes), with bounds and sizes of states filled in."""
    offsets, system, size = engine.description.offsets, engine.system, len(engine.species)
    workspace = _aligned(offsets["rows"], engine.description.lanes)
    workspace[offsets["lower_bounds"] :][:size] = system.lower_bounds[engine.species][:, None]
    workspace[offsets["sizes"] :][:size] = ATOL_OF_SCALE * system.scales[engine.species][:, None]
    return workspace


def _aligned(rows: int, lanes: int) -> Array:
    """Zeros, shape (rows, lanes), beginning where a cache line does."""
    memory = np.zeros(rows * lanes + 8)
    start = -memory.ctypes.data // 8 % 8
    return memory[start : start + rows * lanes].reshape(rows, lanes)


def _of_model(engine: Engine, values: Array) -> Array:
    """Values by the species of the program, shape (m, species), as values by those of the model."""
    found = np.zeros((len(values), len(engine.system.species)))
    found[:, engine.species] = values
    found.setflags(write=False)
    return found
