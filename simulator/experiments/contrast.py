"""Two arms side by side: what is made and lost in one and not in the other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from ..numerics.fluxes import Fluxes
from ..numerics.trajectory import Array
from .balance import REACTION, SPECIES, Balance, Source, balance
from .conditions import Conditions, Driver
from .scenario import Arm, Scenario

MOST = 4  # differences in a window
SAME = 0.02  # of all rates: less is no difference


class Difference(NamedTuple):
    """One source in both arms: its mean rate `here` and `there` at the level of the window, per time unit of the
    model, and its shares of all that is made, and lost. share: of everything that differs, with the sign of
    here less there. drivers: what its law reads in the other arm (before) and in this one (after).
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
    """A stretch of time in both arms. level: at which rates are compared (see `conditions`): between the mean
    levels of the arms, by ratio. differences: the largest first."""

    start: float
    end: float
    level: float
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
    """`here` against the arm called `other`, in each of `windows` and over the whole run."""
    whole = (float(here.flux.times[0]), float(min(here.flux.times[-1], there.flux.times[-1])))
    return Contrast(
        other,
        there.flux.times,
        there.flux.values,
        _window(here, there, *whole),
        tuple(_window(here, there, *window) for window in windows),
    )


def _window(here: Side, there: Side, start: float, end: float) -> Window:
    mine, theirs = _Seen(here, start, end), _Seen(there, start, end)
    level = _level(mine.mean, theirs.mean)
    rates = [each.side.conditions.rates(each.side.sources, each.points, level) for each in (mine, theirs)]
    parts = {part.id: part for each in (theirs, mine) for part in each.balance.parts}
    rows = [(part, rates[0].get(id, 0.0), rates[1].get(id, 0.0)) for id, part in parts.items()]
    total, turnover = (sum(abs(one + sign * other) for _, one, other in rows) for sign in (-1.0, 1.0))
    differences = []
    for part, one, other in sorted(rows, key=lambda row: -abs(row[1] - row[2]))[:MOST]:
        if abs(one - other) <= SAME * turnover:
            break
        why: tuple[Driver, ...] = ()
        if part.kind == REACTION:
            laws = [each.side.conditions.law(part.id, each.points, level) for each in (theirs, mine)]
            why = here.conditions.drivers(part.id, *laws)
        elif part.kind == SPECIES:
            means = [each.side.conditions.mean(part.id, each.points) for each in (theirs, mine)]
            why = (Driver(part.id, means[0], means[1], 1.0),)
        made = mine.share(part.id, "made"), theirs.share(part.id, "made")
        lost = mine.share(part.id, "lost"), theirs.share(part.id, "lost")
        share = (one - other) / total
        differences.append(Difference(part.id, part.kind, part.label, one, other, made, lost, share, why))
    return Window(start, end, level, mine.balance, theirs.balance, tuple(differences))


def _level(one: float, other: float) -> float:
    return math.sqrt(one * other) if one > 0 and other > 0 else max(one, other, 0.0)


class _Seen:
    """One arm in one window."""

    def __init__(self, side: Side, start: float, end: float) -> None:
        times = side.flux.times
        first = int(np.searchsorted(times, start, side="right")) - 1  # behind an edge
        last = int(np.searchsorted(times, end, side="left"))  # before an edge
        first = max(first, 0)
        last = max(min(last, len(times) - 1), first)
        self.side, self.points = side, slice(first, last + 1)
        self.balance = balance(side.flux, side.sources, first, last)
        length = float(times[last] - times[first])
        area = side.flux.integral(side.flux.values)
        self.mean = float(area[last] - area[first]) / length if length > 0 else float(side.flux.values[first])

    @cached_property
    def _parts(self) -> dict[str, dict[str, float]]:
        return {part.id: {"made": part.made, "lost": part.lost} for part in self.balance.parts}

    def share(self, id: str, side: str) -> float:
        whole = {"made": self.balance.made, "lost": self.balance.lost}[side]
        return self._parts[id][side] / whole if id in self._parts and whole else 0.0
