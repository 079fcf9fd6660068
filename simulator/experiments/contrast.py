"""Two arms side by side: what is made and lost in one and not in the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..numerics.fluxes import Fluxes
from ..numerics.trajectory import Array
from .balance import REACTION, SPECIES, Balance, Part, Source, balance
from .conditions import Conditions, Driver
from .measures import between
from .scenario import Arm, Scenario

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
    level = _level(here.flux, there.flux)
    sources = list(there.sources)
    if here.conditions.settable:  # what adds nothing to a curve that is zero there would add to this one
        seen = {source.id for source in sources}
        sources += [each for each in here.sources if each.kind == REACTION and each.id not in seen]
    moved = there.conditions.rates(sources, level)
    net = {id: there.flux.integral(row) for id, row in moved.items()}
    for source in there.sources:
        if source.kind != REACTION:
            net[source.id] = source.made - source.lost
    both = _Both(here, there, level, net)
    whole = (float(here.flux.times[0]), float(min(here.flux.times[-1], there.flux.times[-1])))
    found = tuple(both.window(*window) for window in windows)
    return Contrast(other, there.flux.times, there.flux.values, both.window(*whole), found)


def _level(here: Fluxes, there: Fluxes) -> Array:
    """The curve of this arm at the points of the other; at the end of a stretch the value before what jumps there."""
    times = there.times.copy()
    ends = [part.stop - 1 for part in there.stretches]
    times[ends] = np.nextafter(times[ends], -np.inf)
    return between(here.times, here.values, times)


@dataclass(frozen=True)
class _Both:
    """level, shape (n,) of the other arm: the curve of this arm. net: what each source there would have added to
    it since the start."""

    here: Side
    there: Side
    level: Array
    net: Mapping[str, Array]

    def window(self, start: float, end: float) -> Window:
        mine, theirs = _points(self.here.flux, start, end), _points(self.there.flux, start, end)
        balances = (
            balance(self.here.flux, self.here.sources, *mine),
            balance(self.there.flux, self.there.sources, *theirs),
        )
        parts = {part.id: part for one in reversed(balances) for part in one.parts}
        rates = [(part, self._here(part.id, *mine), self._there(part.id, *theirs)) for part in parts.values()]
        total, turnover = (sum(abs(one + sign * other) for _, one, other in rates) for sign in (-1.0, 1.0))
        differences = []
        for part, one, other in sorted(rates, key=lambda row: -abs(row[1] - row[2]))[:MOST]:
            if abs(one - other) <= SAME * turnover:
                break
            why = self._drivers(part, slice(mine[0], mine[1] + 1), slice(theirs[0], theirs[1] + 1))
            made, lost = ((_share(balances[0], part.id, side), _share(balances[1], part.id, side)) for side in SIDES)
            share = (one - other) / total
            differences.append(Difference(part.id, part.kind, part.label, one, other, made, lost, share, why))
        return Window(start, end, *balances, tuple(differences))

    def _here(self, id: str, first: int, last: int) -> float:
        source = next((source for source in self.here.sources if source.id == id), None)
        net = np.zeros(len(self.here.flux.times)) if source is None else source.made - source.lost
        return _mean(net, self.here.flux.times, first, last)

    def _there(self, id: str, first: int, last: int) -> float:
        return _mean(self.net[id], self.there.flux.times, first, last) if id in self.net else 0.0

    def _drivers(self, part: Part, mine: slice, theirs: slice) -> tuple[Driver, ...]:
        sides = ((self.there, theirs, self.level), (self.here, mine, self.here.flux.values))
        if part.kind == SPECIES:
            before, after = (side.conditions.mean(part.id, points) for side, points, _ in sides)
            return (Driver(part.id, before, after, 1.0),)
        if part.kind != REACTION:
            return ()
        laws = [side.conditions.law(part.id, points, level) for side, points, level in sides]
        return self.here.conditions.drivers(part.id, *laws)


def _points(flux: Fluxes, start: float, end: float) -> tuple[int, int]:
    """The point at `start`, behind an edge, and that at `end`, before one."""
    first = max(int(np.searchsorted(flux.times, start, side="right")) - 1, 0)
    return first, max(min(int(np.searchsorted(flux.times, end, side="left")), len(flux.times) - 1), first)


def _mean(net: Array, times: Array, first: int, last: int) -> float:
    return float(net[last] - net[first]) / float(times[last] - times[first]) if times[last] > times[first] else 0.0


def _share(account: Balance, id: str, side: str) -> float:
    whole = getattr(account, side)
    return sum(getattr(part, side) for part in account.parts if part.id == id) / whole if whole else 0.0
