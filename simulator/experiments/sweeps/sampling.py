"""Members that fill a space of parameters: Latin hypercube, Sobol points, points at random."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from .designs import Axis, columns

if TYPE_CHECKING:
    from ...numerics.trajectory import Array

_PER_STEP = 4  # numbers that one step of Philox gives
_MOST_SOBOL_AXES = 21_201  # direction numbers that scipy has


def uniforms(seed: int, stream: str, first: int, last: int) -> Array:
    """Numbers `first` to `last`, that not among them, of the stream of that name: uniform, never 0 or 1.

    Each is a function of seed, name and its number alone: of a counter, not of what was drawn before.
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
    """Every member drawn by itself, each axis from a stream named after it."""

    axes: tuple[Axis, ...]
    count: int
    seed: int
    kind: str = field(default="random", init=False)

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.count,)

    def values(self, first: int, last: int) -> Array:
        drawn = [spread(axis, uniforms(self.seed, axis.path, first, last)) for axis in self.axes]
        return columns(drawn, last - first)


@dataclass(frozen=True)
class LatinHypercube:
    """Of `count` equal strata of each axis every one is met by one member, at a random place in it."""

    axes: tuple[Axis, ...]
    count: int
    seed: int
    kind: str = field(default="lhs", init=False)

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.count,)

    def values(self, first: int, last: int) -> Array:
        drawn = []
        for axis in self.axes:
            stratum = _strata(self.count, self.seed, axis.path)[first:last]
            share = (stratum + uniforms(self.seed, axis.path, first, last)) / self.count
            drawn.append(spread(axis, share))
        return columns(drawn, last - first)


@lru_cache(maxsize=64)  # every block asks again
def _strata(count: int, seed: int, path: str) -> Array:
    """The stratum of every member, in random order."""
    import numpy as np

    order: Array = np.argsort(uniforms(seed, f"{path} strata", 0, count), kind="stable").astype(np.int32)
    return order


@dataclass(frozen=True)
class Sobol:
    """The scrambled sequence of Sobol, as even as can be when `count` is a power of two."""

    axes: tuple[Axis, ...]
    count: int
    seed: int
    kind: str = field(default="sobol", init=False)

    def __post_init__(self) -> None:
        if len(self.axes) > _MOST_SOBOL_AXES:
            raise ValueError(f"{len(self.axes)} axes; Sobol points have at most {_MOST_SOBOL_AXES}")

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.count,)

    def values(self, first: int, last: int) -> Array:
        import numpy as np

        points = deepcopy(_sequence(len(self.axes), self.seed))
        share = np.empty((last - first, len(self.axes)))
        begin = first
        if first == 0 < last:  # the first point by itself, for scipy warns of any other start
            share[0], begin = points.random(1)[0], 1
        elif first:
            points.fast_forward(first)
        if last > begin:
            share[begin - first :] = points.random(last - begin)
        return columns([spread(axis, share[:, place]) for place, axis in enumerate(self.axes)], last - first)


@lru_cache(maxsize=8)  # to scramble takes longer than a block of points
def _sequence(axes: int, seed: int) -> Any:
    """A sequence that nobody draws from: it is copied."""
    from scipy.stats.qmc import Sobol as Points

    return Points(axes, scramble=True, seed=_key(seed, "sobol"))


def spread(axis: Axis, share: Array) -> Array:
    """Values of an axis from shares of it, from 0 to 1; equal shares for each whole number where it counts."""
    import numpy as np

    if axis.whole:
        return np.minimum(np.floor(axis.low + share * (axis.high - axis.low + 1)), axis.high)
    return between(axis.low, axis.high, axis.log, share)


def between(low: float, high: float, log: bool, share: Array) -> Array:
    """`low` and `high` at shares 0 and 1, and the rest evenly between, or with `log` in even ratios."""
    import numpy as np

    found = low * (high / low) ** share if log else low + (high - low) * share
    return np.clip(found, low, high)
