"""What makes a curve and what takes from it, between two times or at one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from ...numerics.fluxes import Fluxes
from ...numerics.trajectory import Array
from ..measures import between
from ..scenario import Arm, Scenario

REACTION, SPECIES, DOSES, CHANGES, CLOCK = "reaction", "species", "doses", "changes", "time"

ROUNDING = 1e-12  # of all that is made or lost: less is nothing


class Source(NamedTuple):
    """What adds to a curve or takes from it: a reaction, doses, changes of parameters, or formulas of time.

    Of an observable that reads several species it is one of these, with all its reactions: their turnover would
    else drown what moves the observable.

    label: as the model says it; for doses their names. flux, shape (n,), in the unit of the curve per time
    unit of the model. made and lost, shape (n,): what it has added and taken since the start, jumps among it.
    """

    id: str
    kind: str
    label: str
    flux: Array
    made: Array
    lost: Array


class Part(NamedTuple):
    """What one source makes and loses in a stretch of time, or at a moment per time; neither is negative."""

    id: str
    kind: str
    label: str
    made: float
    lost: float


@dataclass(frozen=True)
class Balance:
    """What is made and lost between two times, or at one time per time unit of the model: in the curve's unit.

    parts: the largest first. error: how far made less lost is from what the curve does, as a share of the
    larger of both.
    """

    start: float
    end: float
    before: float
    after: float
    made: float
    lost: float
    parts: tuple[Part, ...]
    error: float = 0.0

    @property
    def net(self) -> float:
        return self.made - self.lost


def sources_of(scenario: Scenario, arm: Arm, flux: Fluxes) -> tuple[Source, ...]:
    """Everything that moves the curve, the largest turnover first."""
    model, nothing = scenario.model, np.zeros(len(flux.times))
    given = [dose.name for dose in arm.doses if dose.target in (flux.species or {flux.name})]
    rows: list[tuple[str, str, str, Array, Array]] = []
    if len(flux.species) > 1:
        rows += [(each, SPECIES, model.species[each].label, row, nothing) for each, row in flux.species.items()]
    else:
        rows += [
            (each, REACTION, model.reactions[each].label or each, row, nothing) for each, row in flux.reactions.items()
        ]
    rows.append((DOSES, DOSES, ", ".join(given), flux.infusion, flux.jumped("dosed")))
    rows.append((CHANGES, CHANGES, "", nothing, flux.jumped("changed")))
    rows.append((CLOCK, CLOCK, "", flux.clock, nothing))
    found = []
    for id, kind, label, row, jumped in rows:
        steps = np.diff(jumped, prepend=0.0)
        made = flux.integral(row.clip(min=0.0)) + steps.clip(min=0.0).cumsum()
        lost = -flux.integral(row.clip(max=0.0)) - steps.clip(max=0.0).cumsum()
        if row.any() or jumped.any():
            found.append(Source(id, kind, label, row, made, lost))
    return tuple(sorted(found, key=lambda source: -(source.made[-1] + source.lost[-1])))


def balance(flux: Fluxes, sources: Sequence[Source], first: int, last: int) -> Balance:
    """From the point `first` to the point `last`."""
    parts = []
    for source in sources:
        made, lost = source.made[last] - source.made[first], source.lost[last] - source.lost[first]
        parts.append(Part(source.id, source.kind, source.label, max(float(made), 0.0), max(float(lost), 0.0)))
    before, after = float(flux.values[first]), float(flux.values[last])
    found = _sum(float(flux.times[first]), float(flux.times[last]), before, after, parts)
    larger = max(found.made, found.lost)
    off = abs(found.net - (after - before))
    noise = 1e-12 * float(np.abs(flux.values).max())  # of a curve that is zero, rounding
    return replace(found, error=off / larger if larger > noise else 0.0)


def _sum(start: float, end: float, before: float, after: float, parts: Sequence[Part]) -> Balance:
    made, lost = sum(part.made for part in parts), sum(part.lost for part in parts)
    least = ROUNDING * max(made, lost)
    clean = [
        part._replace(made=part.made * (part.made > least), lost=part.lost * (part.lost > least)) for part in parts
    ]
    seen = [part for part in clean if part.made or part.lost]
    seen.sort(key=lambda part: -(part.made + part.lost))
    return Balance(start, end, before, after, made, lost, tuple(seen))


def balance_at(flux: Fluxes, sources: Sequence[Source], time: float) -> Balance:
    """The balance at one time, per time; at a jump, after it."""
    point = np.array([time])
    value = float(between(flux.times, flux.values, point)[0])
    parts = []
    for source in sources:
        rate = float(between(flux.times, source.flux, point)[0])
        parts.append(Part(source.id, source.kind, source.label, max(rate, 0.0), max(-rate, 0.0)))
    return _sum(time, time, value, value, parts)
