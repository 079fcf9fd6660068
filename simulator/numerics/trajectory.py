"""What `solve` takes and gives back: the segments of a run, and the trajectory with how it ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from .pieces import Pieces

Array = NDArray[np.float64]

RTOL = 1e-7
ATOL_OF_SCALE = 1e-3  # absolute tolerance = rtol * this * the scale of the species

SUCCESS = "success"
NOT_FINITE = "not finite"
IMPOSSIBLE = "impossible"  # never started: what was asked for cannot be
NEGATIVE = "negative"
NO_PROGRESS = "no progress"
DEADLINE = "deadline"
NOT_RELIABLE = "not reliable"


@dataclass(frozen=True)
class Segment:
    """A time span in which nothing jumps; the solver starts afresh at each.

    Attributes:
        start: its first time, in the model's time unit.
        end: its last time.
        jump: what doses add to the states at `start`, shape (species,), in the species' units.
        dilution: factors of the states at `start`, before the jump, shape (species,): where a volume changes, the
            old volume over the new one, so that amounts stay. None where no volume changes.
        infusion: what flows in all through the segment, shape (species,), in species units per time unit.
        parameters: the values that hold all through the segment, shape (parameters,).
    """

    start: float
    end: float
    jump: Array
    infusion: Array
    parameters: Array
    dilution: Array | None = None

    def enter(self, states: Array) -> Array:
        """The states at the start of the segment, from those at the end of the one before; both (species,)."""
        return (states if self.dilution is None else states * self.dilution) + self.jump


class _HasParameters(Protocol):
    @property
    def parameters(self) -> Array: ...


def by_parameters(segments: Sequence[_HasParameters]) -> list[tuple[Array, list[int]]]:
    """Each array of parameters that segments share, and the indices of these."""
    found: dict[int, tuple[Array, list[int]]] = {}
    for index, each in enumerate(segments):
        found.setdefault(id(each.parameters), (each.parameters, []))[1].append(index)
    return list(found.values())


class Problem(NamedTuple):
    """One trajectory to compute.

    Attributes:
        initial: the states before the first jump, shape (species,), each in its species' unit.
        segments: in order, each beginning where the one before it ends.
        times: when values are saved, increasing, within the segments, shape (n,).
        rtol: relative tolerance.
        floor: of the absolute tolerance, as in `System.absolute_tolerances`.
        dense: whether the curves along the steps are wanted.
    """

    initial: Array
    segments: Sequence[Segment]
    times: Array
    rtol: float
    floor: float
    dense: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended.

    Attributes:
        kind: one of SUCCESS, IMPOSSIBLE, NOT_FINITE, NEGATIVE, NO_PROGRESS, DEADLINE and NOT_RELIABLE.
        message: a sentence for the user; empty after success, as are the following.
        time: when it failed, in the model's time unit.
        state: the species whose state is to blame.
        reaction: the reaction that drove that species there.
    """

    kind: str = SUCCESS
    message: str = ""
    time: float | None = None
    state: str | None = None
    reaction: str | None = None

    @property
    def ok(self) -> bool:
        """Whether the run reached its end."""
        return self.kind == SUCCESS


class Undefined(NamedTuple):
    """An observable that is infinite or not a number. time: the first such time, in the model's time unit. cause:
    ``0/0``, ``infinite``."""

    name: str
    time: float
    cause: str


class Curves(Protocol):
    """Curves between the saved points, as measures read them. Their arrays are read-only."""

    def times(self) -> Array:
        """The times of all curves, shape (n,), increasing; a jump has two points of the same time."""
        ...

    def values(self, name: str) -> Array:
        """The species or observable `name` at `times`, shape (n,), in its unit."""
        ...

    def pieces(self, names: Sequence[str]) -> Sequence[Pieces]:
        """Species and observables in pieces that determine them."""
        ...

    def undefined(self) -> Sequence[Undefined]:
        """The observables that are not finite somewhere."""
        ...

    def cause(self, name: str, time: float) -> str:
        """Why an observable is not finite at a time, such as ``0/0``; empty if that is not known."""
        ...

    def clear_cache(self) -> None:
        """Frees what can be computed again."""
        ...


@dataclass(frozen=True)
class Trajectory:
    """The time course of one run. A value saved at the time of a dose is the value after the dose.

    Attributes:
        times: the saved times, shape (n,), in the model's time unit. A failed run holds all before the failure.
        values: by name of species or observable, its values at `times`, shape (n,), in its unit.
        dense: the same curves between the saved points.
        outcome: how the run ended.
        added: by species, what doses and infusions added over the whole run, counted by the solver, in its unit; where
            a volume changes it is diluted as the species is, so that it is an amount in the last volume.
        solver: method and tolerance, for people.
        calls: evaluations of the right-hand side.
        steps: accepted steps.
        seconds: wall time of the solver.
        revived: the species that rose again out of noise, and when, as `noise.Watch` says; None where none did. What
            came after is made of rounding: it is to be computed with a lower floor.
    """

    times: Array
    values: Mapping[str, Array]
    dense: Curves
    outcome: Outcome
    added: Mapping[str, float]
    solver: str
    calls: int = 0
    steps: int = 0
    seconds: float = 0.0
    revived: tuple[str, float] | None = None

    @cached_property
    def undefined(self) -> tuple[Undefined, ...]:
        """The observables that are infinite or not a number somewhere in the run."""
        return tuple(self.dense.undefined())

    def __getitem__(self, name: str) -> Array:
        """The species or observable `name` at `times`; KeyError if there is none."""
        return self.values[name]
