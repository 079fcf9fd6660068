"""The formulas of a model by machine code, for a solver of another kind: what `tests/agreement.py` steps LSODA with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np
from immunesim.numerics.compiled.arms import ModelEngine
from immunesim.numerics.system import Jacobian, Rhs, System
from immunesim.numerics.trajectory import Array

LINE = 8  # numbers, after which a line of the processor's cache begins: the code needs its rows to begin there


class MachineSystem(System):
    """A system whose right-hand side and Jacobian are those of a compiled program.

    Attributes:
        engine: whose program it is.
    """

    def __init__(self, engine: ModelEngine) -> None:
        super().__init__(engine.system.model)
        self.engine = engine
        program, description = engine.engine, engine.engine.description
        memory = np.zeros(description.offsets["rows"] * description.lanes + LINE)
        start = -memory.ctypes.data // memory.itemsize % LINE
        rows = memory[start:][: description.offsets["rows"] * description.lanes].reshape(-1, description.lanes)
        self._code, self._address = program.code, rows.ctypes.data
        self._species, self._read = np.array(program.species), np.array(program.parameters, dtype=np.intp)
        self._time, self._states, self._right, self._values, self._entries = (
            rows[description.offsets[name] :][:count]
            for name, count in (
                ("t", 1),
                ("y", len(self._species)),
                ("right", len(self._species)),
                ("parameters", len(self._read)),
                ("jacobian", len(description.entries)),
            )
        )
        own_rows, own_columns = np.array(description.entries, dtype=np.intp).reshape(-1, 2).T
        self._places = self._species[own_rows], self._species[own_columns]

    def prepare(self) -> None:
        """Nothing: no code is generated."""

    def observe(self, times: Array, states: Array, parameters: Sequence[float] | Array) -> Array:
        """None: states alone are compared."""
        return np.empty((0, len(times)))

    @cached_property
    def bind(self) -> Callable[[list[float]], tuple[Rhs, Jacobian, None]]:
        """As that of `System`, without df/dt, which LSODA does not read."""
        return self._bound

    def _bound(self, parameters: list[float]) -> tuple[Rhs, Jacobian, None]:
        self._values[:] = np.array(parameters)[self._read, None]
        self._code.prepare(self._address)
        count = len(self.species)

        def evaluate(time: float, states: Array) -> None:
            self._time[:] = time
            self._states[:] = states.take(self._species)[:, None]
            self._code.evaluate(self._address)

        def rhs(time: float, states: Array) -> list[float]:
            evaluate(time, states)
            found = np.zeros(count)
            found[self._species] = self._right[:, 0]
            derivatives: list[float] = found.tolist()
            return derivatives

        def jacobian(time: float, states: Array) -> Array:
            evaluate(time, states)
            found = np.zeros((count, count))
            found[self._places] = self._entries[:, 0]
            return found

        return rhs, jacobian, None
