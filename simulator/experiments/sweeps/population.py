"""Virtual patients: distributions, what goes with what, and every patient drawn by number."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from statistics import NormalDist
from typing import TYPE_CHECKING, NamedTuple, Protocol

from .designs import Axis, columns
from .sampling import between, uniforms

if TYPE_CHECKING:
    from ...numerics.trajectory import Array

OUTER = 0.005  # share of patients beyond either end of what an axis without limits shows

_LEAST = 2.0**-53  # what `uniforms` gives lies so far from 0 and 1, and here too no value is infinite


class Distribution(Protocol):
    """Frozen. support: no value lies outside. shown: the interval that figures cover. log: on which scale."""

    @property
    def log(self) -> bool: ...
    @property
    def support(self) -> tuple[float, float]: ...
    @property
    def shown(self) -> tuple[float, float]: ...
    def at(self, share: Array) -> Array:
        """The value below which that share of patients lies, as they were cut off: the inverse CDF."""
        ...


@dataclass(frozen=True)
class Normal:
    """Normal, or with `log` the exponential of it; cut off at `within` without changing what lies inside.

    mean and sd are of the value or, with `log`, of its natural logarithm; within is of the value.
    """

    mean: float
    sd: float
    log: bool = False
    within: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if not self.sd > 0:
            raise ValueError(f"a standard deviation of {self.sd:g}")

    @property
    def support(self) -> tuple[float, float]:
        return self.within or ((0.0 if self.log else -math.inf), math.inf)

    @property
    def shown(self) -> tuple[float, float]:
        low, high = (self.mean + z * self.sd for z in (NormalDist().inv_cdf(OUTER), NormalDist().inv_cdf(1 - OUTER)))
        return self.within or ((math.exp(low), math.exp(high)) if self.log else (low, high))

    @property
    def kept(self) -> tuple[float, float]:
        """The shares of all below the ends of `within`."""
        if self.within is None:
            return 0.0, 1.0
        low, high = [(math.log(x) if x > 0 else -math.inf) if self.log else x for x in self.within]
        whole = NormalDist(self.mean, self.sd)
        return (0.0 if low == -math.inf else whole.cdf(low)), whole.cdf(high)

    def at(self, share: Array) -> Array:
        import numpy as np
        from scipy.special import ndtri

        low, high = self.kept
        found: Array = self.mean + self.sd * ndtri(low + share * (high - low))
        found = np.exp(found) if self.log else found
        return found if self.within is None else np.clip(found, *self.within)


@dataclass(frozen=True)
class Uniform:
    """Every value, or with `log` every ratio, from low to high alike."""

    low: float
    high: float
    log: bool = False

    @property
    def support(self) -> tuple[float, float]:
        return self.low, self.high

    @property
    def shown(self) -> tuple[float, float]:
        return self.low, self.high

    def at(self, share: Array) -> Array:
        return between(self.low, self.high, self.log, share)


@dataclass(frozen=True)
class Triangular:
    """From low to high, most often at `mode`."""

    low: float
    mode: float
    high: float
    log: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        if not self.low <= self.mode <= self.high or self.low == self.high:
            raise ValueError(f"a mode of {self.mode:g} between {self.low:g} and {self.high:g}")

    @property
    def support(self) -> tuple[float, float]:
        return self.low, self.high

    @property
    def shown(self) -> tuple[float, float]:
        return self.low, self.high

    def at(self, share: Array) -> Array:
        import numpy as np

        width, rise, fall = self.high - self.low, self.mode - self.low, self.high - self.mode
        found = np.where(
            share * width < rise,
            self.low + np.sqrt(share * width * rise),
            self.high - np.sqrt((1 - share) * width * fall),
        )
        return np.clip(found, self.low, self.high)


@dataclass(frozen=True)
class Choice:
    """One of a few values, by weight."""

    values: tuple[float, ...]
    weights: tuple[float, ...]
    log: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        if len(self.values) != len(self.weights) or min(self.weights) < 0 or not sum(self.weights) > 0:
            raise ValueError(f"{len(self.values)} values of weights {self.weights}")

    @property
    def support(self) -> tuple[float, float]:
        return min(self.values), max(self.values)

    @property
    def shown(self) -> tuple[float, float]:
        return self.support

    def at(self, share: Array) -> Array:
        import numpy as np

        ends = np.cumsum(self.weights)
        found: Array = np.array(self.values)[np.searchsorted(ends[:-1], share * ends[-1], side="right")]
        return found


class Correlation(NamedTuple):
    """How two normal numbers go together, of which the values of two axes are made (a Gaussian copula)."""

    one: str
    other: str
    value: float


@dataclass(frozen=True)
class Population:
    """Patients numbered from 0, the same in every arm.

    Each axis draws from a stream named after it, and patient i is number i of every stream: another
    patient, axis or arm changes nobody. Only a correlation does, and of its two it changes the one
    that is later in the alphabet.
    """

    axes: tuple[Axis, ...]
    distributions: tuple[Distribution, ...]
    count: int
    seed: int
    correlations: tuple[Correlation, ...] = ()
    kind: str = field(default="population", init=False)

    def __post_init__(self) -> None:
        if self._mixing is None:
            raise ValueError("the correlations contradict each other")

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.count,)

    @cached_property
    def _mixing(self) -> Mapping[str, Mapping[str, float]] | None:
        return mixing([axis.path for axis in self.axes], self.correlations)

    def values(self, first: int, last: int) -> Array:
        drawn = {axis.path: uniforms(self.seed, axis.path, first, last) for axis in self.axes}
        shares = {**drawn, **self._together(drawn)}
        found = [each.at(shares[axis.path]) for axis, each in zip(self.axes, self.distributions, strict=True)]
        return columns(found, last - first)

    def _together(self, drawn: Mapping[str, Array]) -> dict[str, Array]:
        """The shares of those axes that go with an earlier one."""
        import numpy as np
        from scipy.special import ndtr, ndtri

        mixed = {name: parts for name, parts in (self._mixing or {}).items() if len(parts) > 1}
        normal = {name: ndtri(drawn[name]) for name in sorted({each for parts in mixed.values() for each in parts})}
        sums = {name: sum(part * normal[each] for each, part in parts.items()) for name, parts in mixed.items()}
        return {name: np.clip(ndtr(total), _LEAST, 1 - _LEAST) for name, total in sums.items()}


def mixing(names: Sequence[str], correlations: Sequence[Correlation]) -> dict[str, dict[str, float]] | None:
    """The normal number of each name as a sum of independent ones: Cholesky's factor in the order of the
    alphabet, without its zeros. None where no numbers can be correlated like that."""
    wanted = {frozenset(pair[:2]): pair[2] for pair in correlations}
    rows: dict[str, dict[str, float]] = {}
    for name in sorted(names):
        row: dict[str, float] = {}
        for earlier, parts in rows.items():
            shared = sum(row.get(each, 0.0) * part for each, part in parts.items() if each != earlier)
            part = (wanted.get(frozenset((name, earlier)), 0.0) - shared) / parts[earlier]
            if part:
                row[earlier] = part
        left = 1.0 - sum(part * part for part in row.values())
        if left <= 1e-12:
            return None
        rows[name] = {**row, name: math.sqrt(left)}
    return rows
