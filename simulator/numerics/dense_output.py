"""A time course between its saved points: cubic curves through the solver's own steps.

What is measured on a trajectory (a peak, an area, a crossing) is measured here, so that it does
not depend on how often values are saved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

import numpy as np

from .system import System
from .trajectory import Array

POINTS_PER_STEP = 4  # points drawn in each step of the solver


@dataclass(frozen=True)
class SegmentSteps:
    """The accepted steps of one segment: times (k,), states (k, species), and what held all
    through: infusion (species,) and parameters."""

    times: Array
    states: Array
    infusion: Array
    parameters: Array

    def fine_times(self) -> Array:
        """Each step cut into `POINTS_PER_STEP`, shape ((k - 1) * POINTS_PER_STEP + 1,)."""
        inner = self.times[:-1, None] + np.diff(self.times)[:, None] * (np.arange(POINTS_PER_STEP) / POINTS_PER_STEP)
        return np.append(inner.ravel(), self.times[-1])

    def fine_states(self, system: System) -> Array:
        """States at `fine_times`: the cubic through both ends of a step with their slopes."""
        s = (np.arange(POINTS_PER_STEP) / POINTS_PER_STEP)[None, :, None]
        length = np.diff(self.times)[:, None, None]
        slopes = system.rhs_along(self.times, self.states, self.parameters).T + self.infusion
        before, after = self.states[:-1, None, :], self.states[1:, None, :]
        tilt_before, tilt_after = length * slopes[:-1, None, :], length * slopes[1:, None, :]
        inner = (
            (1 + 2 * s) * (1 - s) ** 2 * before
            + s * (1 - s) ** 2 * tilt_before
            + s**2 * (3 - 2 * s) * after
            + s**2 * (s - 1) * tilt_after
        )
        return np.concatenate([inner.reshape(-1, inner.shape[2]), self.states[-1:]])


@dataclass(frozen=True)
class DenseOutput:
    """Times and values of any species or observable over a whole run. At a jump there are two
    points of the same time, before and after."""

    system: System
    segments: Sequence[SegmentSteps]
    _observed: dict[str, Array] = field(default_factory=dict, init=False, repr=False, compare=False)

    def times(self) -> Array:
        return self._times

    def values(self, name: str) -> Array:
        """Shape (times,), in the unit of the species or observable."""
        if name in self.system.species:
            column: Array = self._states[:, self.system.species.index(name)]
            return column
        if name not in self._observed:
            parts = [np.empty(0)]
            for steps, part in zip(self.segments, self.segment_slices(), strict=True):
                parts.append(self.system.observe_one(name, self._times[part], self._states[part], steps.parameters))
            self._observed[name] = np.concatenate(parts)
        return self._observed[name]

    def states(self) -> Array:
        """Every species at `times`, shape (times, species)."""
        return self._states

    def segment_slices(self) -> list[slice]:
        """Which of `times` belong to each of `segments`."""
        ends = np.cumsum([0, *((len(steps.times) - 1) * POINTS_PER_STEP + 1 for steps in self.segments)]).tolist()
        return [slice(a, b) for a, b in pairwise(ends)]

    def clear_cache(self) -> None:
        """Frees what was computed to be measured: some times the size of the saved curves."""
        for name in ("_times", "_states"):
            self.__dict__.pop(name, None)
        self._observed.clear()

    @cached_property
    def _times(self) -> Array:
        parts = [steps.fine_times() for steps in self.segments]
        return np.concatenate(parts) if parts else np.empty(0)

    @cached_property
    def _states(self) -> Array:
        parts = [steps.fine_states(self.system) for steps in self.segments]
        return np.concatenate(parts) if parts else np.empty((0, len(self.system.species)))


@dataclass(frozen=True)
class RecordedCurves:
    """Curves that were recorded while a solver ran: times (n,), and one array of shape (n,) each. At a jump
    there are two points of the same time, before and after."""

    at: Array
    curves: Mapping[str, Array]

    def times(self) -> Array:
        return self.at

    def values(self, name: str) -> Array:
        return self.curves[name]

    def clear_cache(self) -> None:
        """There is nothing that could be computed again."""
