"""Virtual patients: distributions of their parameters, correlations, and each patient drawn by number."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from statistics import NormalDist
from typing import TYPE_CHECKING, NamedTuple, Protocol

from .designs import Axis, stack_columns
from .sampling import uniform_numbers, value_at_share

if TYPE_CHECKING:
    from ...numerics.trajectory import Array

OUTER = 0.005  # share of patients beyond either end of the display range of an unlimited axis

_LEAST = 2.0**-53  # as far as `uniform_numbers` stay from 0 and 1, so that no value is infinite


class Distribution(Protocol):
    """A distribution; immutable.

    support: no value lies outside. display_range: the interval that figures cover. log: whether on a log scale.
    """

    @property
    def log(self) -> bool:
        """Whether it is shown on a logarithmic scale."""

    @property
    def support(self) -> tuple[float, float]:
        """The lowest and the highest possible value."""

    @property
    def display_range(self) -> tuple[float, float]:
        """The interval that figures cover."""

    def quantile(self, share: Array) -> Array:
        """The inverse of the cumulative distribution, after truncation: values of the same shape as `share`."""
        ...


@dataclass(frozen=True)
class Normal:
    """Normal or, with `log`, log-normal; truncated to `within`.

    mean and sd are those of the value or, with `log`, of its natural logarithm; within is in units of the value.
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
        """The lowest and the highest possible value."""
        return self.within or ((math.ulp(0.0) if self.log else -math.inf), math.inf)

    @property
    def display_range(self) -> tuple[float, float]:
        """The interval that figures cover."""
        low, high = (self.mean + z * self.sd for z in (NormalDist().inv_cdf(OUTER), NormalDist().inv_cdf(1 - OUTER)))
        return self.within or ((math.exp(low), math.exp(high)) if self.log else (low, high))

    @property
    def within_cdf(self) -> tuple[float, float]:
        """The untruncated cumulative distribution at both ends of `within`."""
        if self.within is None:
            return 0.0, 1.0
        low, high = [(math.log(x) if x > 0 else -math.inf) if self.log else x for x in self.within]
        untruncated = NormalDist(self.mean, self.sd)
        return (0.0 if low == -math.inf else untruncated.cdf(low)), untruncated.cdf(high)

    def quantile(self, share: Array) -> Array:
        """The inverse of the cumulative distribution, of the same shape as `share`."""
        import numpy as np
        from scipy.special import ndtri

        low, high = self.within_cdf
        found: Array = self.mean + self.sd * ndtri(low + share * (high - low))
        found = np.exp(found) if self.log else found
        return found if self.within is None else np.clip(found, *self.within)


@dataclass(frozen=True)
class Uniform:
    """Uniform from low to high or, with `log`, log-uniform."""

    low: float
    high: float
    log: bool = False

    @property
    def support(self) -> tuple[float, float]:
        """The lowest and the highest possible value."""
        return self.low, self.high

    @property
    def display_range(self) -> tuple[float, float]:
        """The interval that figures cover."""
        return self.low, self.high

    def quantile(self, share: Array) -> Array:
        """The inverse of the cumulative distribution, of the same shape as `share`."""
        return value_at_share(self.low, self.high, self.log, share)


@dataclass(frozen=True)
class Triangular:
    """Triangular from low to high with its peak at `mode`."""

    low: float
    mode: float
    high: float
    log: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        if not self.low <= self.mode <= self.high or self.low == self.high:
            raise ValueError(f"a mode of {self.mode:g} between {self.low:g} and {self.high:g}")

    @property
    def support(self) -> tuple[float, float]:
        """The lowest and the highest possible value."""
        return self.low, self.high

    @property
    def display_range(self) -> tuple[float, float]:
        """The interval that figures cover."""
        return self.low, self.high

    def quantile(self, share: Array) -> Array:
        """The inverse of the cumulative distribution, of the same shape as `share`."""
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
    """One of a few values, with probabilities in proportion to the weights."""

    values: tuple[float, ...]
    weights: tuple[float, ...]
    log: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        if len(self.values) != len(self.weights) or min(self.weights) < 0 or not sum(self.weights) > 0:
            raise ValueError(f"{len(self.values)} values of weights {self.weights}")

    @property
    def support(self) -> tuple[float, float]:
        """The lowest and the highest possible value."""
        return min(self.values), max(self.values)

    @property
    def display_range(self) -> tuple[float, float]:
        """The interval that figures cover."""
        return self.support

    def quantile(self, share: Array) -> Array:
        """The inverse of the cumulative distribution, of the same shape as `share`."""
        import numpy as np

        ends = np.cumsum(self.weights)
        found: Array = np.array(self.values)[np.searchsorted(ends[:-1], share * ends[-1], side="right")]
        return found


class Correlation(NamedTuple):
    """The correlation of the normal numbers from which the values of two axes are made (a Gaussian copula)."""

    one: str
    other: str
    value: float


@dataclass(frozen=True)
class Population:
    """Patients numbered from 0, the same in every arm.

    Each axis draws from a random stream named after it, and patient i is number i of every stream: a further patient,
    axis or arm changes no one. Only a correlation does, and of its two axes only the one later in the alphabet.
    Raises ValueError if no numbers can have these correlations.
    """

    axes: tuple[Axis, ...]
    distributions: tuple[Distribution, ...]
    count: int
    seed: int
    correlations: tuple[Correlation, ...] = ()
    kind: str = field(default="population", init=False)

    def __post_init__(self) -> None:
        if self._rows is None:
            raise ValueError("the correlations contradict each other")

    @property
    def shape(self) -> tuple[int, ...]:
        """``(count,)``."""
        return (self.count,)

    @cached_property
    def _rows(self) -> Mapping[str, Mapping[str, float]] | None:
        return cholesky_rows([axis.path for axis in self.axes], self.correlations)

    def values(self, first: int, last: int) -> Array:
        """The values of patients `first` to `last`, without `last`: shape (last - first, axes)."""
        drawn = {axis.path: uniform_numbers(self.seed, axis.path, first, last) for axis in self.axes}
        shares = {**drawn, **self._correlated(drawn)}
        found = [each.quantile(shares[axis.path]) for axis, each in zip(self.axes, self.distributions, strict=True)]
        return stack_columns(found, last - first)

    def _correlated(self, drawn: Mapping[str, Array]) -> dict[str, Array]:
        """The shares of those axes that are correlated with an earlier one."""
        import numpy as np
        from scipy.special import ndtr, ndtri

        mixed = {name: parts for name, parts in (self._rows or {}).items() if len(parts) > 1}
        normal = {name: ndtri(drawn[name]) for name in sorted({each for parts in mixed.values() for each in parts})}
        sums = {name: sum(part * normal[each] for each, part in parts.items()) for name, parts in mixed.items()}
        return {name: np.clip(ndtr(total), _LEAST, 1 - _LEAST) for name, total in sums.items()}


def cholesky_rows(names: Sequence[str], correlations: Sequence[Correlation]) -> dict[str, dict[str, float]] | None:
    """The Cholesky factor of a correlation matrix, in alphabetical order: for each name the weights of the independent
    normal numbers whose sum is its own, without zeros. None if the matrix is not positive definite."""
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
