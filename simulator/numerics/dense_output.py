"""Dense output: a time course between its saved points, by cubic curves through the solver's own steps.

What is measured on a trajectory (a peak, an area, a crossing) is measured here, so that it does not depend on how
often values are saved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

import numpy as np

from .system import System
from .trajectory import Array

POINTS_PER_STEP = 4  # its start, and three within it


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
class DenseOutput:
    """`Curves` of every species and observable over a whole run, computed from its steps when they are asked for.

    Attributes:
        system: the model.
        segments: the steps of each segment that was reached.
    """

    system: System
    segments: Sequence[SegmentSteps]
    _observed: dict[str, Array] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __reduce__(self) -> tuple[type[DenseOutput], tuple[System, Sequence[SegmentSteps]]]:
        """A pickle holds the steps; the curves are computed again."""
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
            parts = [np.empty(0)]
            for steps, part in zip(self.segments, self.segment_slices(), strict=True):
                parts.append(self.system.observe_one(name, self._times[part], self._states[part], steps.parameters))
            self._observed[name] = _joined(parts)
        return self._observed[name]

    def states(self) -> Array:
        """Every species at `times`, shape (points, species), each in its unit."""
        return self._states

    def segment_slices(self) -> list[slice]:
        """Which of `times` belong to each of `segments`."""
        ends = np.cumsum([0, *((len(steps.times) - 1) * POINTS_PER_STEP + 1 for steps in self.segments)]).tolist()
        return [slice(a, b) for a, b in pairwise(ends)]

    def clear_cache(self) -> None:
        """Frees the curves, which take several times the memory of the saved values."""
        for name in ("_times", "_states"):
            self.__dict__.pop(name, None)
        self._observed.clear()

    @cached_property
    def _times(self) -> Array:
        return _joined([np.empty(0), *(steps.dense_times() for steps in self.segments)])

    @cached_property
    def _states(self) -> Array:
        none = np.empty((0, len(self.system.species)))
        return _joined([none, *(steps.dense_states(self.system) for steps in self.segments)])


@dataclass(frozen=True)
class RecordedCurves:
    """`Curves` that were recorded while a solver ran.

    Attributes:
        at: the times, shape (n,), increasing; a jump has two points of the same time.
        curves: by name, the values at them, shape (n,).
    """

    at: Array
    curves: Mapping[str, Array]

    def times(self) -> Array:
        """As `at`."""
        return self.at

    def values(self, name: str) -> Array:
        """The curve `name`, shape (n,), in its unit; KeyError if it was not recorded."""
        return self.curves[name]

    def clear_cache(self) -> None:
        """Does nothing: the curves could not be computed again."""


def _joined(parts: Sequence[Array]) -> Array:
    """One read-only array."""
    joined = np.concatenate(parts)
    joined.setflags(write=False)
    return joined
