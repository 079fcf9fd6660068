"""Two arms side by side: what is made and lost in one and not in the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..numerics.fluxes import Fluxes
from .balance import REACTION, Balance, Source, balance
from .drivers import Driver, Reader, drivers

FEW = 1e-9  # of a curve's largest value: less is nothing that a rate could be per head of
MOST = 4


class Difference(NamedTuple):
    """One source in both arms: net rate `here` and `there`, and its shares of all that is made, or lost.

    Rates are per time unit of the model, and per head where `Window.per_head`. share: of everything that
    differs this way or that, with the sign of here less there. drivers: what its law reads in
    the other arm (before) and in this one (after).
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
    per_head: bool
    here: Balance
    there: Balance
    differences: tuple[Difference, ...]


@dataclass(frozen=True)
class Contrast:
    """How an arm differs from the arm `other`, over the whole run and in each of its phases."""

    other: str
    whole: Window
    phases: tuple[Window, ...]


class Side(NamedTuple):
    """One arm, as far as the contrast reads it."""

    reader: Reader
    flux: Fluxes
    sources: Sequence[Source]

    def points(self, start: float, end: float) -> tuple[int, int]:
        """The first point at or behind an edge at `start`, the last at or before an edge at `end`."""
        times = self.flux.times
        first = int(np.searchsorted(times, start, side="right")) - 1
        last = int(np.searchsorted(times, end, side="left"))
        return max(first, 0), max(min(last, len(times) - 1), first, 0)


def contrast(other: str, here: Side, there: Side, windows: Sequence[tuple[float, float]]) -> Contrast:
    """`here` against the arm called `other`, in each of `windows` and over the whole run."""
    whole = (float(here.flux.times[0]), float(min(here.flux.times[-1], there.flux.times[-1])))
    return Contrast(other, _window(here, there, *whole), tuple(_window(here, there, *window) for window in windows))


def _window(here: Side, there: Side, start: float, end: float) -> Window:
    mine, theirs = (_Seen(side, start, end) for side in (here, there))
    per_head = here.reader.per_head and mine.has_heads and theirs.has_heads
    ids = dict.fromkeys(part.id for seen in (mine, theirs) for part in seen.balance.parts)
    rows = [(id, mine.rate(id, per_head), theirs.rate(id, per_head)) for id in ids]
    total = sum(abs(one - other) for _, one, other in rows)
    rows.sort(key=lambda row: -abs(row[1] - row[2]))
    differences = []
    for id, one, other in rows[:MOST]:
        if one == other:
            break
        part = mine.parts.get(id) or theirs.parts[id]
        why: tuple[Driver, ...] = ()
        if part.kind == REACTION:
            itself = here.flux.name if per_head else None
            why = drivers(here.reader.fine.system.model, id, theirs.law(id), mine.law(id), itself)
        made, lost = (mine.share_made(id), theirs.share_made(id)), (mine.share_lost(id), theirs.share_lost(id))
        differences.append(Difference(id, part.kind, part.label, one, other, made, lost, (one - other) / total, why))
    return Window(start, end, per_head, mine.balance, theirs.balance, tuple(differences))


class _Seen:
    """One arm in one window."""

    def __init__(self, side: Side, start: float, end: float) -> None:
        self.side = side
        self.first, self.last = side.points(start, end)
        self.balance = balance(side.flux, side.sources, self.first, self.last)
        self.parts = {part.id: part for part in self.balance.parts}
        self.length = float(side.flux.times[self.last] - side.flux.times[self.first])
        heads = side.flux.integral(side.flux.values)
        self.heads = float(heads[self.last] - heads[self.first])

    @property
    def has_heads(self) -> bool:
        return self.heads > FEW * self.length * float(np.abs(self.side.flux.values).max())

    def rate(self, id: str, per_head: bool) -> float:
        part, over = self.parts.get(id), self.heads if per_head else self.length
        return (part.made - part.lost) / over if part and over else 0.0

    def share_made(self, id: str) -> float:
        return self.parts[id].made / self.balance.made if id in self.parts and self.balance.made else 0.0

    def share_lost(self, id: str) -> float:
        return self.parts[id].lost / self.balance.lost if id in self.parts and self.balance.lost else 0.0

    def law(self, id: str) -> dict[str, float]:
        return self.side.reader.mean(id, slice(self.first, self.last + 1))
