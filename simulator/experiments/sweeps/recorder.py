"""What records the curves of many members along the steps of the compiled engine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from threading import Lock

import numpy as np

from ...numerics.compiled.above_noise import run_above_noise
from ...numerics.compiled.engine import Batch, BatchResult, Engine
from ...numerics.compiled.same_steps import run_beside
from ...numerics.dense_output import RecordedCurves
from ...numerics.pieces import PIECE, STEP
from ...numerics.readouts import ReadoutInputs, needs_refinement
from ...numerics.reduced_system import ReducedSystem
from ...numerics.system import System
from ...numerics.trajectory import Array
from .members import Rows

Steps = Sequence[Array] | None  # of each member when its steps end; None: it chose them for itself


class Recorder:
    """A program that records some curves. Threads may share it.

    engine: what runs the program.
    """

    def __init__(
        self,
        reduced: ReducedSystem,
        system: System,
        keep: Sequence[str],
        measured: Sequence[str],
        rtol: float,
        follows: bool,
    ) -> None:
        """keep: the species and observables wanted at the output times; measured: those wanted along the steps.
        follows: whether members may take the steps of others."""
        from ...numerics.compiled.programs import program_for  # needs llvmlite

        self.system, self._reduced, self._rtol, self._follows = system, reduced, rtol, follows
        self._readouts = [name for name in measured if name in system.observables and needs_refinement(system, name)]
        per_step = STEP if self._readouts else PIECE if measured else 1
        program = program_for(reduced, tuple(keep), tuple(measured), per_step=per_step, follows=follows)
        self.engine = Engine(program, reduced.system)
        self._finer: Engine | None = None
        self._lock = Lock()

    def run(
        self, batch: Batch, owners: Rows | None, times: Array, stop: Callable[[], bool]
    ) -> tuple[BatchResult, Steps]:
        """All members; with `owners` as `run_beside` says, which gives when their steps end too."""
        if owners is None:
            return run_above_noise(self.engine, batch, times, self._rtol, stop), None
        return run_beside(self.engine, batch, owners, times, self._rtol, stop)

    def curves(self, lanes: BatchResult, batch: Batch, done: Rows, steps: Steps = None) -> RecordedCurves:
        """The curves of the members `done`. Readouts are recorded at so many points that it is seen whether these
        determine them; where they do not, the member is computed again, with the species that readouts read. steps: of
        all members, as from `run`."""
        recorded = _recorded(self.engine, lanes, done)
        if not self._readouts:
            return recorded

        def finer(members: Rows) -> RecordedCurves:
            engine, some = self._finer_engine(), batch.take(done[members])
            if steps is None:
                again = run_above_noise(engine, some, np.empty(0), self._rtol)
            else:
                same = [steps[member] for member in done[members].tolist()]
                again = engine.run(some, np.empty(0), self._rtol, steps=same)
            every = np.arange(len(members))
            return replace(_recorded(engine, again, every), inputs=self._inputs(some, every))

        return replace(recorded, inputs=self._inputs(batch, done), finer=finer)

    def _finer_engine(self) -> Engine:
        """The same steps, with the species that readouts read."""
        from ...numerics.compiled.programs import program_for  # needs llvmlite

        with self._lock:
            if self._finer is None:
                read = set().union(*[self.system.species_of(name) for name in self._readouts])
                species = tuple(name for name in self._reduced.species if name in read) or self._reduced.species[:1]
                program = program_for(self._reduced, (), species, follows=self._follows)
                self._finer = Engine(program, self._reduced.system)
            return self._finer

    def _inputs(self, batch: Batch, done: Rows) -> ReadoutInputs:
        """What the observables of the members `done` are computed from."""
        tables = np.stack([each[done] for each in batch.parameters])
        return ReadoutInputs(self.system, batch.ends[:, done], batch.sets[:, done], tables)


def _recorded(engine: Engine, lanes: BatchResult, members: Rows) -> RecordedCurves:
    """The curves of some members, one after the other."""
    parts = [lanes.dense_curves[member] for member in members.tolist()]
    first = np.cumsum([0, *(len(times) for times, _ in parts)])
    names = engine.description.dense_curves
    table = np.empty((1 + len(names), first[-1]))
    for (times, curves), start, stop in zip(parts, first[:-1].tolist(), first[1:].tolist(), strict=True):
        table[0, start:stop], table[1:, start:stop] = times, curves.T
    return RecordedCurves(table[0], dict(zip(names, table[1:], strict=True)), first)
