"""Designs that fill a space of parameters: random sample, Latin hypercube, Sobol sequence."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from .designs import Axis, stack_columns

if TYPE_CHECKING:
    from ...numerics.trajectory import Array

_PER_STEP = 4  # numbers that one step of Philox yields
_MOST_SOBOL_AXES = 21_201  # for which scipy has direction numbers


def uniform_numbers(seed: int, stream: str, first: int, last: int) -> Array:
    """Numbers `first` to `last`, without `last`, of a stream of uniform random numbers; never 0 or 1.

    Each depends on the seed, the name of the stream and its own number alone, since the generator is counter-based.
    Shape (last - first,).
    """
    import numpy as np
    from numpy.random import Philox

    begin, end = first // _PER_STEP, -(-last // _PER_STEP)
    bits = Philox(key=_key(seed, stream), counter=begin).random_raw((end - begin) * _PER_STEP)
    wanted = bits[first - begin * _PER_STEP : last - begin * _PER_STEP] >> np.uint64(12)
    found: Array = (wanted.astype(np.float64) + 0.5) * 2.0**-52
    return found


def _key(seed: int, stream: str) -> int:
    return int.from_bytes(sha256(f"{seed} {stream}".encode()).digest()[:16], "big")


@dataclass(frozen=True)
class Random:
    """Every member drawn independently, each axis from a random stream of its own."""

    axes: tuple[Axis, ...]
    count: int
    seed: int
    kind: str = field(default="random", init=False)

    @property
    def shape(self) -> tuple[int, ...]:
        """``(count,)``."""
        return (self.count,)

    def values(self, first: int, last: int) -> Array:
        """The values of members `first` to `last`, without `last`: shape (last - first, axes)."""
        drawn = [scale_to_axis(axis, uniform_numbers(self.seed, axis.path, first, last)) for axis in self.axes]
        return stack_columns(drawn, last - first)


@dataclass(frozen=True)
class LatinHypercube:
    """One member, at a random place, in each of `count` equal strata of every axis."""

    axes: tuple[Axis, ...]
    count: int
    seed: int
    kind: str = field(default="lhs", init=False)

    @property
    def shape(self) -> tuple[int, ...]:
        """``(count,)``."""
        return (self.count,)

    def values(self, first: int, last: int) -> Array:
        """The values of members `first` to `last`, without `last`: shape (last - first, axes)."""
        drawn = []
        for axis in self.axes:
            stratum = _strata(self.count, self.seed, axis.path)[first:last]
            share = (stratum + uniform_numbers(self.seed, axis.path, first, last)) / self.count
            drawn.append(scale_to_axis(axis, share))
        return stack_columns(drawn, last - first)


@lru_cache(maxsize=64)  # each block asks for it
def _strata(count: int, seed: int, path: str) -> Array:
    """The stratum of each member, shape (count,): a random permutation."""
    import numpy as np

    order: Array = np.argsort(uniform_numbers(seed, f"{path} strata", 0, count), kind="stable").astype(np.int32)
    return order


@dataclass(frozen=True)
class Sobol:
    """The scrambled Sobol sequence, most even where `count` is a power of two.

    Raises ValueError for more axes than it has.
    """

    axes: tuple[Axis, ...]
    count: int
    seed: int
    kind: str = field(default="sobol", init=False)

    def __post_init__(self) -> None:
        if len(self.axes) > _MOST_SOBOL_AXES:
            raise ValueError(f"{len(self.axes)} axes; Sobol points have at most {_MOST_SOBOL_AXES}")

    @property
    def shape(self) -> tuple[int, ...]:
        """``(count,)``."""
        return (self.count,)

    def values(self, first: int, last: int) -> Array:
        """The values of members `first` to `last`, without `last`: shape (last - first, axes)."""
        import numpy as np

        points = deepcopy(_sequence(len(self.axes), self.seed))
        share = np.empty((last - first, len(self.axes)))
        begin = first
        if first == 0 < last:  # the first point alone, since scipy warns of any other start
            share[0], begin = points.random(1)[0], 1
        elif first:
            points.fast_forward(first)
        if last > begin:
            share[begin - first :] = points.random(last - begin)
        return stack_columns(
            [scale_to_axis(axis, share[:, place]) for place, axis in enumerate(self.axes)], last - first
        )


@lru_cache(maxsize=8)  # scrambling takes longer than drawing a block of points
def _sequence(axes: int, seed: int) -> Any:
    """The sequence at its start; copied before it is drawn from."""
    from scipy.stats.qmc import Sobol as Points

    return Points(axes, scramble=True, seed=_key(seed, "sobol"))


def scale_to_axis(axis: Axis, share: Array) -> Array:
    """Values of an axis from numbers between 0 and 1; for counts each whole number has an equal share of them."""
    import numpy as np

    if axis.is_count:
        return np.minimum(np.floor(axis.low + share * (axis.high - axis.low + 1)), axis.high)
    return value_at_share(axis.low, axis.high, axis.log, share)


def value_at_share(low: float, high: float, log: bool, share: Array) -> Array:
    """Interpolates from `low` at share 0 to `high` at share 1, linearly or, with `log`, logarithmically."""
    import numpy as np

    found = low * (high / low) ** share if log else low + (high - low) * share
    return np.clip(found, low, high)
