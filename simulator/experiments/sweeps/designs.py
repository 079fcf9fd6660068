"""The members of a sweep: its axes, the design that gives each member its values, and what is measured."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from ...model.expression import Expression
from ...model.units import Unit, interval_text

if TYPE_CHECKING:  # `check` reads sweeps, and does without numpy
    import numpy as np
    from numpy.typing import NDArray

    from ...numerics.trajectory import Array

    Integers = NDArray[np.intp]


class Axis(NamedTuple):
    """Something that varies, and the interval that it covers.

    path: its name as in ``--set``. default: the value in the scenario itself, if it has one. log: whether its scale is
    logarithmic. All values are in the unit of `unit_text`.
    """

    path: str
    label: str
    unit_text: str
    default: float | None
    low: float
    high: float
    log: bool

    @property
    def is_count(self) -> bool:
        """Whether its values are whole numbers: how many doses are given."""
        return self.path.startswith("dose.") and self.path.endswith(".count")


class Design(Protocol):
    """The members of a sweep, numbered from 0; immutable.

    kind: the name of the sampling. shape: of a grid, the number of points along each axis; otherwise (count,).
    """

    @property
    def kind(self) -> str:
        """The name of the sampling."""

    @property
    def axes(self) -> tuple[Axis, ...]:
        """What varies."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of members along each axis of a grid; otherwise ``(count,)``."""

    @property
    def count(self) -> int:
        """The number of members."""

    def values(self, first: int, last: int) -> Array:
        """The values of members `first` to `last`, without `last`: shape (last - first, axes). Those of a member are a
        pure function of its number."""
        ...


class SweepMeasure(NamedTuple):
    """A formula measured on every member, and the unit its values are given in.

    id: its name. text: the formula, and tree what was parsed from it. low, high: the interval in which members are
    counted, such as responders; infinite if none is given. log: the scale on which it is drawn; None: as its values
    suggest.
    """

    id: str
    label: str
    text: str
    tree: Expression
    unit: Unit
    unit_text: str
    low: float = -math.inf
    high: float = math.inf
    log: bool | None = None

    @property
    def levels(self) -> tuple[float, ...]:
        """The ends of the interval that are finite."""
        return tuple([level for level in (self.low, self.high) if math.isfinite(level)])

    @property
    def level_text(self) -> str:
        """The interval for files and programs: ``below 0.35``; empty if there is none."""
        return interval_text(self.low, self.high, self.unit_text) if self.levels else ""

    def inside(self, values: Array) -> int:
        """How many of these values lie in the interval; NaN never does."""
        return int(((values >= self.low) & (values <= self.high)).sum())


class Wanted(NamedTuple):
    """What is published of a measure in people: its mean and standard deviation, or its correlation with another one,
    in the unit of the measure, when it is measured in this arm."""

    measure: str
    arm: str
    mean: float | None = None
    sd: float | None = None
    other: str = ""
    correlation: float | None = None


@dataclass(frozen=True)
class Sweep:
    """What is swept in a scenario.

    arms: those that are measured, each read as the main arm in every measure. keep: species, observables and
    formulas whose curves are kept. document: the tables [sweep] and [population] with all defaults. remarks: what some
    members cannot do in time, in words. again: whether its members are computed more tightly, to compare with an
    earlier computation. wanted: what is published of measures, for which patients are accepted.
    """

    design: Design
    measures: tuple[SweepMeasure, ...]
    arms: tuple[str, ...]
    keep: tuple[str, ...]
    document: Mapping[str, Any]
    remarks: tuple[str, ...] = ()
    again: bool = False
    wanted: tuple[Wanted, ...] = ()


class Spaced(NamedTuple):
    """`size` points from `low` to `high`, equally spaced on a linear or logarithmic scale; both ends are exact."""

    low: float
    high: float
    size: int
    log: bool

    def at(self, numbers: Integers) -> Array:
        """The points with these numbers, as an array of the same shape."""
        import numpy as np

        last = max(self.size - 1, 1)
        if self.log:
            between = self.low * (self.high / self.low) ** (numbers / last)
        else:
            shared = np.gcd(numbers, last)  # equal fractions round alike, so a finer grid keeps the points of a coarser
            between = self.low + (self.high - self.low) * (numbers // shared) / (last // shared)
        return np.where(numbers == 0, self.low, np.where(numbers == last, self.high, between))


class Explicit(NamedTuple):
    """Points that are listed; `numbers` are the bytes of float64, which are compact and immutable."""

    numbers: bytes

    @classmethod
    def of(cls, values: Iterable[float]) -> Explicit:
        """From the values of the points."""
        return cls(array("d", values).tobytes())

    @property
    def size(self) -> int:
        """The number of points."""
        return len(self.numbers) // array("d").itemsize

    def at(self, numbers: Integers) -> Array:
        """The points with these numbers, as an array of the same shape."""
        import numpy as np

        found: Array = np.frombuffer(self.numbers)[numbers]
        return found


Points = Spaced | Explicit


@dataclass(frozen=True)
class Grid:
    """Every point of each axis with every point of the others; the last axis varies fastest."""

    axes: tuple[Axis, ...]
    points: tuple[Points, ...]
    kind: str = field(default="grid", init=False)

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of members along each axis of a grid; otherwise ``(count,)``."""
        return tuple([points.size for points in self.points])

    @property
    def count(self) -> int:
        """The number of members."""
        return math.prod(self.shape)

    def values(self, first: int, last: int) -> Array:
        """The values of members `first` to `last`, without `last`: shape (last - first, axes)."""
        import numpy as np

        places = np.unravel_index(np.arange(first, last), self.shape)
        return stack_columns(
            [points.at(place) for points, place in zip(self.points, places, strict=True)], last - first
        )


@dataclass(frozen=True)
class Zip:
    """Point i of each axis with point i of the others: a zip, or the rows of a list of members.

    ids: what a list of members calls each of its members, empty where it does not.
    """

    axes: tuple[Axis, ...]
    points: tuple[Points, ...]
    kind: str = "zip"
    ids: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len({points.size for points in self.points}) != 1:
            raise ValueError(f"axes of {', '.join(str(points.size) for points in self.points)} points")

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of members along each axis of a grid; otherwise ``(count,)``."""
        return (self.count,)

    @property
    def count(self) -> int:
        """The number of members."""
        return self.points[0].size

    def values(self, first: int, last: int) -> Array:
        """The values of members `first` to `last`, without `last`: shape (last - first, axes)."""
        import numpy as np

        numbers = np.arange(first, last)
        return stack_columns([points.at(numbers) for points in self.points], last - first)


@dataclass(frozen=True)
class OneAtATime:
    """The scenario itself, then each axis at its low and at its high end with the others at their defaults.

    Raises ValueError for an axis without a default.
    """

    axes: tuple[Axis, ...]
    kind: str = field(default="one_at_a_time", init=False)

    def __post_init__(self) -> None:
        without = [axis.path for axis in self.axes if axis.default is None]
        if without:
            raise ValueError(f"no default of {', '.join(without)}")

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of members along each axis of a grid; otherwise ``(count,)``."""
        return (self.count,)

    @property
    def count(self) -> int:
        """The number of members."""
        return 1 + 2 * len(self.axes)

    def values(self, first: int, last: int) -> Array:
        """The values of members `first` to `last`, without `last`: shape (last - first, axes)."""
        import numpy as np

        rows = np.tile(np.array([axis.default for axis in self.axes], dtype=float), (last - first, 1))
        for row, number in enumerate(range(first, last)):
            if number:
                axis = self.axes[(number - 1) // 2]
                rows[row, (number - 1) // 2] = axis.high if number % 2 == 0 else axis.low
        return rows


@dataclass(frozen=True)
class Product:
    """Every member of `outer` with every member of `inner`, which varies fastest: each grid point with the same
    patients. shape: that of `outer`, then the count of `inner`."""

    outer: Design
    inner: Design
    kind: str = field(default="product", init=False)

    @property
    def axes(self) -> tuple[Axis, ...]:
        """What varies."""
        return (*self.outer.axes, *self.inner.axes)

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of members along each axis of a grid; otherwise ``(count,)``."""
        return (*self.outer.shape, self.inner.count)

    @property
    def count(self) -> int:
        """The number of members."""
        return self.outer.count * self.inner.count

    def values(self, first: int, last: int) -> Array:
        """The values of members `first` to `last`, without `last`: shape (last - first, axes)."""
        import numpy as np

        if first >= last:
            return np.empty((0, len(self.axes)))
        numbers = np.arange(first, last)
        outer, inner = np.divmod(numbers, self.inner.count)
        start = int(outer[0])
        left = self.outer.values(start, int(outer[-1]) + 1)[outer - start]
        low, high = (int(inner.min()), int(inner.max()) + 1)
        return np.hstack([left, self.inner.values(low, high)[inner - low]])


def member_ids(design: Design) -> tuple[str, ...]:
    """The id of each member, from the column ``id`` of its list of members; empty without such a column."""
    if isinstance(design, Product):  # all patients of an outer member have its id
        return tuple([each for each in member_ids(design.outer) for _ in range(design.inner.count)])
    return design.ids if isinstance(design, Zip) else ()


def stack_columns(found: Sequence[Array], count: int) -> Array:
    """An array of shape (count, axes) from one of shape (count,) for each axis; also without any axis."""
    import numpy as np

    rows = np.empty((count, len(found)))
    for place, column in enumerate(found):
        rows[:, place] = column
    return rows
