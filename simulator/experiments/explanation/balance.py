"""The balance of a curve: what raises it and what lowers it, between two times or at one time.

Gain and loss are counted against the turnover that cancels at rest (see `turnover`): a contributor raises a curve if
it adds more, or removes less, than there.
"""

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
from .turnover import Turnover

ROUNDING = 1e-12  # relative to the total gain or loss, or to the largest value: less is rounding error
CLEAR = 0.05  # of what a contributor adds or removes: less turnover at rest is not worth a word


class ContributorKind(StrEnum):
    """What moves a curve; the last three are each one contributor, with its kind as id."""

    REACTION = "reaction"
    SPECIES = "species"
    DOSES = "doses"
    CHANGES = "changes"  # of parameters, by the scenario
    TIME = "time"  # formulas that contain time


class Contributor(NamedTuple):
    """One thing that moves a curve, over the whole run.

    Of an observable that reads several species, each species is one contributor, with all its reactions and infusions
    together: otherwise their turnover would hide what moves the observable.

    label: as the model has it; of doses their names.
    flux: shape (n,), net, in the unit of the curve per time unit of the model.
    own: shape (n,), the same before the chain rule: in the unit of the one species that an observable reads.
    slope: shape (n,), the curve by that species; ones where flux and own are the same.
    amount: shape (n,), what it has added since the start, jumps included, in the unit of the curve.
    span: shape (n,), the integral of `slope`.
    jumps: shape (n,), what it has added at once since the start.
    """

    id: str
    kind: ContributorKind
    label: str
    flux: Array
    own: Array
    slope: Array
    amount: Array
    span: Array
    jumps: Array

    def excess(self, turnover: Turnover) -> Array:
        """`flux` without the turnover, shape (n,)."""
        rest = turnover.rates.get(self.id, 0.0)
        found: Array = (self.own - rest) * self.slope if rest else self.flux
        return found


class Contribution(NamedTuple):
    """How one contributor raises and lowers a curve between two times, or per time unit at one time.

    gain, loss: against the turnover; neither is negative. Between two times one of them is zero, unless the swings
    of a curve are explained.
    background: what it adds (or removes, if negative) as part of the turnover that cancels. So it adds ``gain - loss +
    background`` in all.
    """

    id: str
    kind: ContributorKind
    label: str
    gain: float
    loss: float
    background: float = 0.0

    @property
    def amount(self) -> float:
        """What it adds in all; negative if it removes."""
        return self.gain - self.loss + self.background

    @property
    def has_background(self) -> bool:
        """Whether its part of the turnover is worth a word beside its gain or loss."""
        return abs(self.background) > CLEAR * max(self.gain, self.loss)


@dataclass(frozen=True)
class Balance:
    """Gain and loss of a curve, in its unit, between two times; or per time unit of the model if `start` is `end`.

    initial, final: values of the curve at `start` and `end`.
    gain, loss: against the turnover that cancels; their difference is that of `final` and `initial`.
    contributions: the largest first.
    background: the turnover that cancels, in the unit of the curve.
    reference: the time at which it cancels. at_rest: whether that is a state of rest at the start of the run.
    error: the difference between gain minus loss and final minus initial, relative to the largest of gain, loss,
    background and what is infused.
    """

    start: float
    end: float
    initial: float
    final: float
    gain: float
    loss: float
    contributions: tuple[Contribution, ...]
    background: float = 0.0
    reference: float = 0.0
    at_rest: bool = True
    error: float = 0.0

    @property
    def net(self) -> float:
        """Gain minus loss."""
        return self.gain - self.loss

    @property
    def has_background(self) -> bool:
        """Whether the turnover is worth a word beside gain and loss."""
        return self.background > CLEAR * max(self.gain, self.loss)


def contributors_of(scenario: Scenario, arm: Arm, flux: Fluxes, own: Fluxes, rest: Turnover) -> tuple[Contributor, ...]:
    """Everything that moves the curve of `flux` in an arm, or moves it at `rest`; the most active first.

    own: of the one species that an observable reads, or `flux` itself.
    """
    model, nothing, kinds = scenario.model, np.zeros(len(flux.times)), ContributorKind
    several = len(flux.slopes) > 1
    items = model.species if several else model.reactions
    parts, own_parts = (each.species if several else each.reactions for each in (flux, own))
    given = [dose.name for dose in arm.doses if dose.target in (flux.species or {flux.name})]
    rows = [
        (id, kinds.SPECIES if several else kinds.REACTION, items[id].label or id, parts.get(id, nothing),
         own_parts.get(id, nothing), nothing)
        for id in dict.fromkeys([*parts, *rest.rates])
    ]  # fmt: skip
    infusions = (nothing, nothing) if several else (flux.infusion, own.infusion)
    rows.append((kinds.DOSES, kinds.DOSES, ", ".join(given), *infusions, flux.cumulative_jumps("dosed")))
    rows.append((kinds.CHANGES, kinds.CHANGES, "", nothing, nothing, flux.cumulative_jumps("changed")))
    rows.append((kinds.TIME, kinds.TIME, "", flux.explicit_time, nothing, nothing))
    slope = np.ones(len(flux.times)) if own is flux else flux.slopes[own.name]
    span = flux.integral(slope)
    found = [
        Contributor(str(id), kind, label, row, own_row, slope, flux.integral(row) + jumps, span, jumps)
        for id, kind, label, row, own_row, jumps in rows
        if row.any() or jumps.any() or id in rest.rates
    ]
    activity = {each.id: float(flux.integral(np.abs(each.excess(rest)))[-1]) for each in found}
    return tuple(sorted(found, key=lambda each: -activity[each.id] - float(np.abs(np.diff(each.jumps)).sum())))


def balance(
    flux: Fluxes,
    contributors: Sequence[Contributor],
    first: int,
    last: int,
    turnover: Turnover,
    swings: bool = False,
) -> Balance:
    """The balance from the point `first` to the point `last` of the curve of `flux`, against a turnover.

    What a contributor adds at one time and removes at another cancels, unless `swings` are to be explained: then both
    count.
    """
    parts = []
    for each in contributors:
        background = turnover.rates.get(each.id, 0.0) * float(each.span[last] - each.span[first])
        if swings:
            excess, steps = each.excess(turnover), np.diff(each.jumps, prepend=0.0)
            sides = [
                flux.integral((sign * excess).clip(min=0.0)) + (sign * steps).clip(min=0.0).cumsum()
                for sign in (1.0, -1.0)
            ]
            gain, loss = (max(float(side[last] - side[first]), 0.0) for side in sides)
        else:
            net = float(each.amount[last] - each.amount[first]) - background
            gain, loss = max(net, 0.0), max(-net, 0.0)
        parts.append(Contribution(each.id, each.kind, each.label, gain, loss, background))
    initial, final = float(flux.values[first]), float(flux.values[last])
    noise = ROUNDING * float(np.abs(flux.values).max())
    found = _total(float(flux.times[first]), float(flux.times[last]), initial, final, parts, noise, turnover)
    larger = max(found.gain, found.loss, found.background, float(flux.infused[last] - flux.infused[first]))
    off = abs(found.net - (final - initial))
    return replace(found, error=off / larger if larger > noise else 0.0)


def balance_at(flux: Fluxes, contributors: Sequence[Contributor], time: float, turnover: Turnover) -> Balance:
    """The balance at one time, per time unit of the model; at a jump, the one after it."""
    value = float(value_at(flux.pieces(flux.values), time)[0])
    parts = []
    for each in contributors:
        rate = float(value_at(flux.pieces(each.excess(turnover)), time)[0])
        background = turnover.rates.get(each.id, 0.0) * float(value_at(flux.pieces(each.slope), time)[0])
        parts.append(Contribution(each.id, each.kind, each.label, max(rate, 0.0), max(-rate, 0.0), background))
    noise = ROUNDING * float(np.abs(flux.values).max() / (flux.times[-1] - flux.times[0]))
    return _total(time, time, value, value, parts, noise, turnover)


def _total(
    start: float,
    end: float,
    initial: float,
    final: float,
    parts: Sequence[Contribution],
    noise: float,
    turnover: Turnover,
) -> Balance:
    gain, loss = sum(part.gain for part in parts), sum(part.loss for part in parts)
    background = sum(abs(part.background) for part in parts) / 2
    least = max(ROUNDING * max(gain, loss, background), noise)
    clean = [
        part._replace(gain=part.gain * (part.gain > least), loss=part.loss * (part.loss > least)) for part in parts
    ]
    seen = [part for part in clean if part.gain or part.loss or part.background]
    seen.sort(key=lambda part: -(part.gain + part.loss))
    return Balance(start, end, initial, final, gain, loss, tuple(seen), background, turnover.time, turnover.at_rest)
