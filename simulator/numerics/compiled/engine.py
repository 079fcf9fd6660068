"""Many trajectories at once: members in, curves and outcomes out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..reduced_system import ReducedSystem
from ..trajectory import ATOL_OF_SCALE, Array
from .memory_layout import ARGUMENTS, CLOCKS, COUNTERS, Plan, Status

Integers = NDArray[np.int64]

COMPILED_RTOL = 1e-6
FIRST_STEP = 1e-4  # of the first segment; the error estimate soon finds a better one
TRIES = 1_000_000  # steps of one member, refused ones included
ROUNDS = 2_000  # steps of a group of lanes between two looks outside
POINTS = 2_048  # along the steps of a member, before they are put aside


class StoppedError(Exception):
    """The run was stopped from outside."""


@dataclass(frozen=True)
class Batch:
    """m members with the same number k of segments.

    initial (m, species), before the first jump. starts and ends (k, m), in model time. jumps and
    infusions: k of {index of species: (m,)}, what is added at the start of a segment, and what
    flows in per time all through it. parameters: k of (m, parameters), the same object again
    where nothing changes.
    """

    initial: Array
    starts: Array
    ends: Array
    jumps: Sequence[Mapping[int, Array]]
    infusions: Sequence[Mapping[int, Array]]
    parameters: Sequence[Array]


@dataclass(frozen=True)
class BatchResult:
    """What the members of a batch became. The curves of a member that did not reach its end are those before it.

    Attributes:
        grid: the curves at the output times, shape (m, times, curves); NaN after the end of a member that failed.
        dense_curves: for each member the times along its steps, shape (points,), and the curves there, shape
            (points, curves); two points of the same time at a jump.
        status: how each member ended, a `Status`, shape (m,).
        steps: accepted steps of each, shape (m,).
    """

    grid: Array
    dense_curves: Sequence[tuple[Array, Array]]
    status: Integers
    steps: Integers

    @property
    def done(self) -> NDArray[np.bool_]:
        reached: NDArray[np.bool_] = self.status == Status.DONE
        return reached


class Engine:
    """A reduced system as machine code, with the curves that are read at output times and along the steps."""

    def __init__(
        self, reduced: ReducedSystem, grid: Sequence[str], dense_curves: Sequence[str], lanes: int | None = None
    ) -> None:
        from .jit import Machine, best_lanes  # needs llvmlite, which is an extra

        self.plan = Plan(reduced, tuple(grid), tuple(dense_curves))
        self.machine = Machine(self.plan, lanes or best_lanes())
        system = reduced.system
        self.species = [system.species.index(name) for name in reduced.species]
        self.parameters = [system.parameters.index(name) for name in self.plan.parameters]
        self.infused = [system.species.index(name) for name in reduced.infused]

    def run(
        self, batch: Batch, times: Array, rtol: float = COMPILED_RTOL, stop: Callable[[], bool] = lambda: False
    ) -> BatchResult:
        """Every member of `batch`. times, increasing, are the same for all. `StoppedError` once `stop()` is true,
        which is asked some ten times a second."""
        given = _Given(self, batch, times, rtol)
        status = given.counts[:, COUNTERS.index("status")]
        points = given.counts[:, COUNTERS.index("point")]
        put_aside: list[list[Array]] = [[] for _ in status]
        todo = np.arange(len(status))
        while len(todo):
            given.drive(todo)
            for member in np.flatnonzero(points):
                put_aside[member].append(given.dense_curves[member, : points[member]].copy())
            points[:] = 0
            status[status == Status.BUFFER_FULL] = Status.RUNNING
            todo = np.flatnonzero(status == Status.RUNNING)
            if stop():
                raise StoppedError
        for member in np.flatnonzero(status != Status.DONE):
            given.grid[member, given.counts[member, COUNTERS.index("time")] :] = np.nan
        empty = np.empty((0, 1 + len(self.plan.dense_curves)))
        whole = [np.concatenate(parts) if parts else empty for parts in put_aside]
        return BatchResult(
            grid=given.grid,
            dense_curves=[(each[:, 0], each[:, 1:]) for each in whole],
            status=status.copy(),
            steps=given.counts[:, COUNTERS.index("steps")].copy(),
        )


class _Given:
    """The arrays that a machine works on."""

    def __init__(self, engine: Engine, batch: Batch, times: Array, rtol: float) -> None:
        plan, reduced, lanes = engine.plan, engine.plan.reduced, engine.machine.lanes
        m, k = len(batch.initial), len(batch.ends)
        self.machine = engine.machine
        identically_zero = [reduced.system.species.index(name) for name in reduced.identically_zero]
        if batch.initial[:, identically_zero].any():
            raise ValueError("a species that was said to stay at zero starts above it")
        self.states = np.ascontiguousarray(batch.initial[:, engine.species])
        place = {species: i for i, species in enumerate(engine.species)}
        for species, amount in batch.jumps[0].items():
            self.states[:, place[species]] += amount
        self.clocks = np.empty((m, len(CLOCKS)))
        self.clocks[:, 0] = batch.starts[0]
        self.clocks[:, 1:] = (FIRST_STEP * (batch.ends[0] - batch.starts[0]))[:, None]
        self.counts = np.zeros((m, len(COUNTERS)), dtype=np.int64)
        self.counts[:, COUNTERS.index("first")] = 1
        self.ends = np.ascontiguousarray(batch.ends.T)
        dosed = sorted({species for jump in batch.jumps[1:] for species in jump})
        self.jumped = np.array([place[species] for species in dosed], dtype=np.int64)
        self.jump = np.zeros((m, k, len(dosed)))
        self.infusion = np.zeros((m, k, len(engine.infused)))
        for segment in range(k):
            for i, species in enumerate(dosed):
                self.jump[:, segment, i] = batch.jumps[segment].get(species, 0.0) if segment else 0.0
            for i, species in enumerate(engine.infused):
                self.infusion[:, segment, i] = batch.infusions[segment].get(species, 0.0)
        distinct = list({id(each): each for each in batch.parameters}.values())
        number = {id(each): i for i, each in enumerate(distinct)}
        self.sets = np.array([number[id(each)] for each in batch.parameters], dtype=np.int64)
        self.parameters = np.stack([each.take(engine.parameters, axis=1) for each in distinct])
        self.times = np.ascontiguousarray(times if plan.grid else times[:0])
        self.grid = np.empty((m, len(self.times), len(plan.grid)))
        capacity = POINTS if plan.dense_curves else 0
        self.dense_curves = np.empty((m, capacity, 1 + len(plan.dense_curves)))
        self.workspace = _aligned(plan.places["rows"], lanes)
        scales = reduced.system.scales[engine.species]
        size = len(reduced.species)
        self.workspace[plan.places["atol"] :][:size] = (rtol * ATOL_OF_SCALE * scales)[:, None]
        self.workspace[plan.places["lowest"] :][:size] = reduced.system.lower_bounds[engine.species][:, None]
        self.workspace[plan.places["rtol"]] = rtol
        self.numbers = {
            "rounds": ROUNDS, "tries": TRIES, "segments": k, "jumps": len(dosed), "members": m,
            "n_times": len(self.times), "capacity": capacity,
        }  # fmt: skip

    def drive(self, todo: Integers) -> None:
        """Runs the members in `todo` for a while."""
        todo = np.ascontiguousarray(todo, dtype=np.int64)
        numbers = self.numbers | {"count": len(todo)}
        arrays = {"todo": todo} | {name: getattr(self, name) for name in ARGUMENTS if hasattr(self, name)}
        table = [numbers[name] if name in numbers else arrays[name].ctypes.data for name in ARGUMENTS]
        words = np.array(table, dtype=np.int64)
        self.machine.drive(words.ctypes.data)


def _aligned(rows: int, lanes: int) -> Array:
    """Zeros, shape (rows, lanes), beginning where a cache line does."""
    whole = np.zeros(rows * lanes + 8)
    start = -whole.ctypes.data // 8 % 8
    return whole[start : start + rows * lanes].reshape(rows, lanes)
