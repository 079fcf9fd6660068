"""A time course between its saved points: cubic curves through the solver's own steps.

What is measured on a trajectory (a peak, an area, a crossing) is measured here, so that it does
not depend on how often values are saved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .system import System

Array = NDArray[np.float64]
PARTS = 4  # points drawn in each step of the solver


@dataclass(frozen=True)
class Steps:
    """The accepted steps of one segment: times (k,), states and slopes (k, species)."""

    times: Array
    states: Array
    slopes: Array
    parameters: Array

    def fine_times(self) -> Array:
        """Each step cut into `PARTS`, shape ((k - 1) * PARTS + 1,)."""
        inner = self.times[:-1, None] + np.diff(self.times)[:, None] * (np.arange(PARTS) / PARTS)
        return np.append(inner.ravel(), self.times[-1])

    def fine_states(self, columns: slice | list[int]) -> Array:
        """States at `fine_times`: the cubic through both ends of a step with their slopes."""
        s = (np.arange(PARTS) / PARTS)[None, :, None]
        length = np.diff(self.times)[:, None, None]
        states, slopes = self.states[:, columns], self.slopes[:, columns]
        before, after = states[:-1, None, :], states[1:, None, :]
        tilt_before, tilt_after = length * slopes[:-1, None, :], length * slopes[1:, None, :]
        inner = (
            (1 + 2 * s) * (1 - s) ** 2 * before
            + s * (1 - s) ** 2 * tilt_before
            + s**2 * (3 - 2 * s) * after
            + s**2 * (s - 1) * tilt_after
        )
        return np.concatenate([inner.reshape(-1, inner.shape[2]), states[-1:]])


@dataclass(frozen=True)
class FineCurves:
    """Times and values of any species or observable over a whole run. At a jump there are two
    points of the same time, before and after."""

    system: System
    segments: Sequence[Steps]
    _observables: dict[str, Array] = field(default_factory=dict, init=False)

    def times(self) -> Array:
        return _joined([steps.fine_times() for steps in self.segments])

    def values(self, name: str) -> Array:
        if name in self.system.species:
            column = [self.system.species.index(name)]
            return _joined([steps.fine_states(column)[:, 0] for steps in self.segments])
        if not self._observables:
            tables = [
                self.system.observe(steps.fine_times(), steps.fine_states(slice(None)), steps.parameters)
                for steps in self.segments
            ]
            rows = np.concatenate(tables, axis=1) if tables else np.empty((len(self.system.model.observables), 0))
            self._observables.update(zip(self.system.model.observables, rows, strict=True))
        return self._observables[name]


def _joined(parts: Sequence[Array]) -> Array:
    return np.concatenate(parts) if parts else np.empty(0)
