"""The balance of a curve: what raises it and what lowers it, between two times or at one time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

import numpy as np

from ...numerics.fluxes import Fluxes
from ...numerics.trajectory import Array
from ..curves import value_at
from ..scenario import Arm, Scenario

ROUNDING = 1e-12  # relative to the total gain or loss, or to the largest value: less is rounding error


class ContributorKind(StrEnum):
    """What moves a curve; the last three are each one contributor, with its kind as id."""

    REACTION = "reaction"
    SPECIES = "species"
    DOSES = "doses"
    CHANGES = "changes"  # of parameters, by the scenario
    TIME = "time"  # formulas that contain time


class Contributor(NamedTuple):
    """One thing that moves a curve, over the whole run.

    Of an observable that reads several species, each species is one contributor, with all its reactions together:
    otherwise their turnover would hide what moves the observable.

    label: as the model has it; of doses their names.
    flux: shape (n,), net, in the unit of the curve per time unit of the model.
    gain, loss: shape (n,), what it has added and removed since the start, jumps included, in the unit of the curve.
    """

    id: str
    kind: ContributorKind
    label: str
    flux: Array
    gain: Array
    loss: Array


class Contribution(NamedTuple):
    """What one contributor adds and removes between two times, or per time unit at one time; neither is negative."""

    id: str
    kind: ContributorKind
    label: str
    gain: float
    loss: float


@dataclass(frozen=True)
class Balance:
    """Gain and loss of a curve, in its unit, between two times; or per time unit of the model if `start` is `end`.

    initial, final: values of the curve at `start` and `end`.
    contributions: the largest first.
    error: the difference between gain minus loss and final minus initial, relative to the larger of gain and loss.
    """

    start: float
    end: float
    initial: float
    final: float
    gain: float
    loss: float
    contributions: tuple[Contribution, ...]
    error: float = 0.0

    @property
    def net(self) -> float:
        """Gain minus loss."""
        return self.gain - self.loss


def contributors_of(scenario: Scenario, arm: Arm, flux: Fluxes) -> tuple[Contributor, ...]:
    """Everything that moves the curve of `flux` in an arm, the largest turnover first."""
    model, nothing, kinds = scenario.model, np.zeros(len(flux.times)), ContributorKind
    given = [dose.name for dose in arm.doses if dose.target in (flux.species or {flux.name})]
    rows: list[tuple[str, ContributorKind, str, Array, Array]] = []
    if len(flux.species) > 1:
        rows += [(id, kinds.SPECIES, model.species[id].label, row, nothing) for id, row in flux.species.items()]
    else:
        rows += [
            (id, kinds.REACTION, model.reactions[id].label or id, row, nothing) for id, row in flux.reactions.items()
        ]
    rows.append((kinds.DOSES, kinds.DOSES, ", ".join(given), flux.infusion, flux.cumulative_jumps("dosed")))
    rows.append((kinds.CHANGES, kinds.CHANGES, "", nothing, flux.cumulative_jumps("changed")))
    rows.append((kinds.TIME, kinds.TIME, "", flux.explicit_time, nothing))
    found = []
    for id, kind, label, row, jumped in rows:
        steps = np.diff(jumped, prepend=0.0)
        gain = flux.integral(row.clip(min=0.0)) + steps.clip(min=0.0).cumsum()
        loss = -flux.integral(row.clip(max=0.0)) - steps.clip(max=0.0).cumsum()
        if row.any() or jumped.any():
            found.append(Contributor(str(id), kind, label, row, gain, loss))
    return tuple(sorted(found, key=lambda each: -(each.gain[-1] + each.loss[-1])))


def balance(flux: Fluxes, contributors: Sequence[Contributor], first: int, last: int) -> Balance:
    """The balance from the point `first` to the point `last` of the curve of `flux`."""
    parts = []
    for each in contributors:
        gain, loss = each.gain[last] - each.gain[first], each.loss[last] - each.loss[first]
        parts.append(Contribution(each.id, each.kind, each.label, max(float(gain), 0.0), max(float(loss), 0.0)))
    initial, final = float(flux.values[first]), float(flux.values[last])
    found = _total(float(flux.times[first]), float(flux.times[last]), initial, final, parts)
    larger = max(found.gain, found.loss)
    off = abs(found.net - (final - initial))
    noise = ROUNDING * float(np.abs(flux.values).max())
    return replace(found, error=off / larger if larger > noise else 0.0)


def balance_at(flux: Fluxes, contributors: Sequence[Contributor], time: float) -> Balance:
    """The balance at one time, per time unit of the model; at a jump, the one after it."""
    value = float(value_at(flux.pieces(flux.values), time)[0])
    parts = []
    for each in contributors:
        rate = float(value_at(flux.pieces(each.flux), time)[0])
        parts.append(Contribution(each.id, each.kind, each.label, max(rate, 0.0), max(-rate, 0.0)))
    return _total(time, time, value, value, parts)


def _total(start: float, end: float, initial: float, final: float, parts: Sequence[Contribution]) -> Balance:
    gain, loss = sum(part.gain for part in parts), sum(part.loss for part in parts)
    least = ROUNDING * max(gain, loss)
    clean = [
        part._replace(gain=part.gain * (part.gain > least), loss=part.loss * (part.loss > least)) for part in parts
    ]
    seen = [part for part in clean if part.gain or part.loss]
    seen.sort(key=lambda part: -(part.gain + part.loss))
    return Balance(start, end, initial, final, gain, loss, tuple(seen))
