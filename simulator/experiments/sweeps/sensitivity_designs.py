"""Designs for sensitivities: Morris' trajectories and Saltelli's sample, both drawn by SALib, and steps around the
scenario's own values."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ...runtime.packages import package
from .designs import Axis
from .sampling import scale_to_axis

if TYPE_CHECKING:
    from ...numerics.trajectory import Array

LEVELS = 4  # of each parameter in Morris' design
STEP, COUNT_STEP = 0.02, 2.0  # of a local design: share of the value, or doses; a second pair is half as far


@dataclass(frozen=True)
class Morris:
    """`trajectories` walks through the space of `axes`, each of which changes one axis after the other."""

    axes: tuple[Axis, ...]
    trajectories: int
    seed: int
    kind: str = field(default="morris", init=False)

    @property
    def group(self) -> int:
        """Members that belong together: those of a trajectory."""
        return len(self.axes) + 1

    @property
    def count(self) -> int:
        """The number of members."""
        return self.trajectories * self.group

    @property
    def shape(self) -> tuple[int, ...]:
        """``(count,)``."""
        return (self.count,)

    def values(self, first: int, last: int) -> Array:
        """The values of members `first` to `last`, without `last`: shape (last - first, axes)."""
        return _scaled(self.axes, self.shares()[first:last])

    def shares(self) -> Array:
        """Where each member is along each axis, from 0 to 1: shape (count, axes)."""
        return _morris(len(self.axes), self.trajectories, self.seed)


@dataclass(frozen=True)
class Saltelli:
    """`points` base points, each with a second one and those that have one axis of the second: for Sobol indices. A
    larger sample holds a smaller one."""

    axes: tuple[Axis, ...]
    points: int
    seed: int
    kind: str = field(default="saltelli", init=False)

    @property
    def group(self) -> int:
        """Members that belong together: those of a base point."""
        return len(self.axes) + 2

    @property
    def count(self) -> int:
        """The number of members."""
        return self.points * self.group

    @property
    def shape(self) -> tuple[int, ...]:
        """``(count,)``."""
        return (self.count,)

    def values(self, first: int, last: int) -> Array:
        """The values of members `first` to `last`, without `last`: shape (last - first, axes)."""
        return _scaled(self.axes, _saltelli(len(self.axes), self.points, self.seed)[first:last])


@dataclass(frozen=True)
class Local:
    """The scenario itself, then each axis a little above and below its default, and half as far; where only one side is
    possible, two steps to that side.

    Raises ValueError for an axis without a default.
    """

    axes: tuple[Axis, ...]
    kind: str = field(default="local", init=False)

    def __post_init__(self) -> None:
        without = [axis.path for axis in self.axes if axis.default is None]
        if without:
            raise ValueError(f"no default of {', '.join(without)}")

    @property
    def count(self) -> int:
        """The number of members."""
        return 1 + 4 * len(self.axes)

    @property
    def shape(self) -> tuple[int, ...]:
        """``(count,)``."""
        return (self.count,)

    def values(self, first: int, last: int) -> Array:
        """The values of members `first` to `last`, without `last`: shape (last - first, axes)."""
        import numpy as np

        rows = np.tile(np.array([axis.default for axis in self.axes], dtype=float), (last - first, 1))
        for row, number in enumerate(range(first, last)):
            if number:
                place, which = divmod(number - 1, 4)
                rows[row, place] += self.offsets(place)[which]
        return rows

    def offsets(self, place: int) -> tuple[float, float, float, float]:
        """The steps of an axis from its default: a pair, and a pair half as far."""
        axis = self.axes[place]
        default = float(axis.default or 0.0)
        step = COUNT_STEP if axis.is_count else STEP * (abs(default) or axis.high - axis.low)
        low, high = min(axis.low, default), max(axis.high, default)
        if default + step > high and default - step >= low:
            return -step, -step / 2, -step / 2, -step / 4
        if default - step < low and default + step <= high:
            return step, step / 2, step / 2, step / 4
        return step, -step, step / 2, -step / 2


def _scaled(axes: tuple[Axis, ...], shares: Array) -> Array:
    import numpy as np

    return np.column_stack([scale_to_axis(axis, shares[:, place]) for place, axis in enumerate(axes)])


def problem(axes: int) -> dict[str, Any]:
    """What SALib calls the parameters: numbers from 0 to 1."""
    return {"num_vars": axes, "names": [str(place) for place in range(axes)], "bounds": [[0.0, 1.0]] * axes}


def salib(module: str) -> Any:
    """A module of SALib, such as ``sample.sobol``. Raises ModuleNotFoundError, which names the package."""
    package("SALib")
    from importlib import import_module

    return import_module(f"SALib.{module}")


@lru_cache(maxsize=4)  # each block asks for it
def _morris(axes: int, trajectories: int, seed: int) -> Array:
    found: Array = salib("sample.morris").sample(problem(axes), trajectories, num_levels=LEVELS, seed=seed)
    return found


@lru_cache(maxsize=4)
def _saltelli(axes: int, points: int, seed: int) -> Array:
    with warnings.catch_warnings():  # SciPy's, of an argument that SALib still calls by its old name
        warnings.simplefilter("ignore")
        found: Array = salib("sample.sobol").sample(problem(axes), points, calc_second_order=False, seed=seed)
    return found


def is_power_of_two(number: int) -> bool:
    """Whether a sample of this many points is even."""
    return number > 0 and math.log2(number).is_integer()
