"""Which members a sweep has: axes, the frozen design that gives every member its values, and what is measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from ..model.expression import Expression
from ..model.units import Unit

if TYPE_CHECKING:  # `check` reads sweeps, and does without numpy
    from ..numerics.trajectory import Array


class Axis(NamedTuple):
    """Something that varies, in the words of ``--set``, and the interval that is covered.

    default: the value the scenario itself has, if it has one. All values are in the unit of `unit_text`.
    """

    path: str
    label: str
    unit_text: str
    default: float | None
    low: float
    high: float
    log: bool


class Design(Protocol):
    """Frozen: the members of a sweep, numbered from 0.

    shape: of a grid, its points along each axis; otherwise (count,).
    """

    @property
    def kind(self) -> str: ...
    @property
    def axes(self) -> tuple[Axis, ...]: ...
    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def count(self) -> int: ...
    def values(self, first: int, last: int) -> Array:
        """Members `first` to `last`, that not among them: (last - first, axes), each a pure function of its number."""
        ...


class SweepMeasure(NamedTuple):
    """A formula measured on every member, and the unit its values are given in."""

    id: str
    label: str
    text: str
    tree: Expression
    unit: Unit
    unit_text: str


@dataclass(frozen=True)
class Sweep:
    """Many members of one scenario.

    arms: each is read as the main arm in every measure. keep: species and observables whose curves
    are kept. document: ``[sweep]`` and ``[population]`` as they could stand in a file.
    """

    design: Design
    measures: tuple[SweepMeasure, ...]
    arms: tuple[str, ...]
    keep: tuple[str, ...]
    document: Mapping[str, Any]
