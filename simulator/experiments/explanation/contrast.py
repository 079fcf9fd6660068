"""Two arms side by side: what is made and lost in one and not in the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from ...numerics.fluxes import Fluxes
from ...numerics.trajectory import Array
from ..measures import between
from ..scenario import Arm, Scenario
from .balance import REACTION, SPECIES, Balance, Part, Source, balance
from .conditions import Conditions, Driver

MOST = 4  # differences in a window
SIDES = ("made", "lost")
SAME = 0.02  # of all rates: less is no difference


class Difference(NamedTuple):
    """One source in both arms: its mean net rate `here`, and what it would be under the conditions of the other arm
    (`there`), per time unit of the model; its shares of all that is made, and lost, here and there. share: of
    everything that differs, with the sign of here less there. drivers: what its law reads in the other arm
    (before) and in this one (after).
    """

    id: str
    kind: str
    label: str
    here: float
    there: float
    made: tuple[float, float]
    lost: tuple[float, float]
    share: float
    drivers: tuple[Driver, ...]


@dataclass(frozen=True)
class Window:
    """A stretch of time in both arms. differences: the largest first."""

    start: float
    end: float
    here: Balance
    there: Balance
    differences: tuple[Difference, ...]


@dataclass(frozen=True)
class Contrast:
    """How an arm differs from the arm `other`, over the whole run and in each of its phases. times, values: the
    curve of the other arm."""

    other: str
    times: Array
    values: Array
    whole: Window
    phases: tuple[Window, ...]


class Side(NamedTuple):
    """One curve of one arm, with what moves it."""

    scenario: Scenario
    arm: Arm
    conditions: Conditions
    flux: Fluxes
    sources: Sequence[Source]


def contrast(other: str, here: Side, there: Side, windows: Sequence[tuple[float, float]]) -> Contrast:
    """`here` against the arm called `other`, in each of `windows` and over the whole run.

    The conditions of the other arm are asked what they would do to the curve of this one: to as much
    as there is here at each time. An observable is no state that could be set: of it the rates of both runs are
    compared.
    """
    edges = np.union1d(here.flux.times, there.flux.times)
    edges = edges[edges <= min(here.flux.times[-1], there.flux.times[-1])]
    middle = (edges[:-1] + edges[1:]) / 2  # where neither run jumps
    level = between(here.flux.times, here.flux.values, middle)
    both = _Both(here, there, edges, middle, level)
    whole = (float(here.flux.times[0]), float(min(here.flux.times[-1], there.flux.times[-1])))
    found = tuple(both.window(*window) for window in windows)
    return Contrast(other, there.flux.times, there.flux.values, both.window(*whole), found)


@dataclass(frozen=True)
class _Both:
    """edges, shape (m + 1,): all points of both runs. middle, shape (m,): the times between. level, shape (m,): the
    curve of this arm then."""

    here: Side
    there: Side
    edges: Array
    middle: Array
    level: Array

    @cached_property
    def _net_there(self) -> dict[str, Array]:
        """What each reaction of the other arm would have added to this curve up to each of `edges`."""
        sources = {source.id: source for source in (*self.here.sources, *self.there.sources)}
        asked = [source for source in sources.values() if source.kind == REACTION]
        moved = self.there.conditions.rates(asked, self.middle, self.level) if self.there.conditions.settable else {}
        return {id: np.append(0.0, (row * np.diff(self.edges)).cumsum()) for id, row in moved.items()}

    def window(self, start: float, end: float) -> Window:
        mine, theirs = _points(self.here.flux, start, end), _points(self.there.flux, start, end)
        balances = (
            balance(self.here.flux, self.here.sources, *mine),
            balance(self.there.flux, self.there.sources, *theirs),
        )
        parts = {part.id: part for one in reversed(balances) for part in one.parts}
        rates = [
            (part, self._here(part.id, *mine), self._there(part.id, start, end, *theirs)) for part in parts.values()
        ]
        total, turnover = (sum(abs(one + sign * other) for _, one, other in rates) for sign in (-1.0, 1.0))
        differences = []
        for part, one, other in sorted(rates, key=lambda row: -abs(row[1] - row[2]))[:MOST]:
            if abs(one - other) <= SAME * turnover:
                break
            why = self._drivers(part, start, end)
            made, lost = ((_share(balances[0], part.id, side), _share(balances[1], part.id, side)) for side in SIDES)
            share = (one - other) / total
            differences.append(Difference(part.id, part.kind, part.label, one, other, made, lost, share, why))
        return Window(start, end, *balances, tuple(differences))

    def _here(self, id: str, first: int, last: int) -> float:
        return _mean(self.here, id, first, last)

    def _there(self, id: str, start: float, end: float, first: int, last: int) -> float:
        if id not in self._net_there:
            return _mean(self.there, id, first, last)
        a, b = np.searchsorted(self.edges, [start, end])
        return float(self._net_there[id][b] - self._net_there[id][a]) / (end - start)

    def _drivers(self, part: Part, start: float, end: float) -> tuple[Driver, ...]:
        inside = slice(*np.searchsorted(self.edges, [start, end]).tolist())
        times, level, weights = self.middle[inside], self.level[inside], np.diff(self.edges)[inside]
        sides = (self.there.conditions, self.here.conditions)
        if part.kind == SPECIES:
            before, after = (side.mean(part.id, times, weights) for side in sides)
            return (Driver(part.id, before, after, 1.0),)
        if part.kind != REACTION:
            return ()
        amounts = weights * level.clip(min=0.0)  # of what each unit of this curve meets
        weights = amounts if self.here.conditions.settable and amounts.any() else weights
        laws = [side.law(part.id, times, level, weights) for side in sides]
        return self.here.conditions.drivers(part.id, *laws)


def _points(flux: Fluxes, start: float, end: float) -> tuple[int, int]:
    """The point at `start`, behind an edge, and that at `end`, before one."""
    first = max(int(np.searchsorted(flux.times, start, side="right")) - 1, 0)
    return first, max(min(int(np.searchsorted(flux.times, end, side="left")), len(flux.times) - 1), first)


def _mean(side: Side, id: str, first: int, last: int) -> float:
    """The mean net rate of a source between two points of its own run."""
    length = float(side.flux.times[last] - side.flux.times[first])
    net = [source.made - source.lost for source in side.sources if source.id == id]
    return float(net[0][last] - net[0][first]) / length if net and length > 0 else 0.0


def _share(account: Balance, id: str, side: str) -> float:
    whole = getattr(account, side)
    return sum(getattr(part, side) for part in account.parts if part.id == id) / whole if whole else 0.0
