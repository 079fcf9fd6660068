"""One curve in two arms: which gains and losses differ, and what makes them differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from ...numerics.fluxes import Fluxes
from ...numerics.trajectory import Array
from ..curves import values_at
from .arm_curve import ArmCurve
from .balance import Balance, Contribution, ContributorKind
from .clamped_rates import RateDriver

MOST = 4  # differences in a window
SAME = 0.02  # of the sum of all rates, without the turnover that cancels at rest: a smaller difference is none
ALIKE = 0.01  # relative: a smaller difference of a level does not make an observable differ ...
MOST_DRIVERS = 2  # ... but these parameters of its formula
ERROR = 1e-6  # of the sum of all rates: a smaller difference may be an error of the solver


class RateDifference(NamedTuple):
    """One contributor in both arms.

    rate: its mean net rate in the arm, in the unit of the curve per time unit of the model.
    reference_rate: what the rate would be under the conditions of the reference arm, for the curve of the arm.
    gain_shares, loss_shares: its share of all that is added, and of all that is removed, in the arm and in the
    reference arm.
    share: of the sum of all differences; its sign is that of `rate` minus `reference_rate`.
    drivers: what its rate law reads in the reference arm (before) and in the arm (after); of a species its level, or
    where that is alike the parameters by which an observable depends on it.
    """

    id: str
    kind: ContributorKind
    label: str
    rate: float
    reference_rate: float
    gain_shares: tuple[float, float]
    loss_shares: tuple[float, float]
    share: float
    drivers: tuple[RateDriver, ...]


@dataclass(frozen=True)
class WindowComparison:
    """Two arms between two times: their balances, and the differences, the largest first."""

    start: float
    end: float
    balance: Balance
    reference_balance: Balance
    differences: tuple[RateDifference, ...]


@dataclass(frozen=True)
class ArmComparison:
    """How an arm differs from the arm `reference`, over the whole run and in each of its phases.

    times, values: shape (n,), the curve of the reference arm.
    """

    reference: str
    times: Array
    values: Array
    whole: WindowComparison
    phases: tuple[WindowComparison, ...]


def compare_arms(curve: ArmCurve, reference: ArmCurve, windows: Sequence[tuple[float, float]]) -> ArmComparison:
    """`curve` against the same curve of the arm `reference`, in each (start, end) of `windows` and over the whole run.

    The rates of the reference arm are read with the curve clamped to the level it has in the arm at each time. An
    observable cannot be clamped: of it the rates of both runs are compared.
    """
    edges = np.union1d(curve.flux.times, reference.flux.times)
    edges = edges[edges <= min(curve.flux.times[-1], reference.flux.times[-1])]
    middle = (edges[:-1] + edges[1:]) / 2  # where neither run jumps
    level = values_at(curve.flux.pieces(curve.flux.values), middle[None])[0]
    pair = _Pair(curve, reference, edges, middle, level)
    whole = (float(curve.flux.times[0]), float(min(curve.flux.times[-1], reference.flux.times[-1])))
    found = tuple(pair.window(*window) for window in windows)
    flux = reference.flux
    return ArmComparison(reference.arm.name, flux.times, flux.values, pair.window(*whole, swings=True), found)


@dataclass(frozen=True)
class _Pair:
    """edges, shape (m + 1,): all points of both runs. middle, shape (m,): the times between them. level, shape (m,):
    the curve of the arm at these times."""

    curve: ArmCurve
    reference: ArmCurve
    edges: Array
    middle: Array
    level: Array

    def window(self, start: float, end: float, swings: bool = False) -> WindowComparison:
        """Balances, in which swings count or not, and differences between two times."""
        points, reference_points = (_points(each.flux, start, end) for each in (self.curve, self.reference))
        balances = (
            self.curve.balance(*points, swings=swings).balance,
            self.reference.balance(*reference_points, swings=swings).balance,
        )
        parts = {part.id: part for one in reversed(balances) for part in one.contributions}
        rates = [
            (
                part,
                _mean_rate(self.curve, part.id, *points),
                self._reference_rate(part.id, start, end, *reference_points),
            )
            for part in parts.values()
        ]
        total = sum(abs(one - other) for _, one, other in rates)
        usual = {part.id: part.background / (end - start) for part in balances[0].contributions}
        moving = sum(
            abs(one - usual.get(part.id, 0.0)) + abs(other - usual.get(part.id, 0.0)) for part, one, other in rates
        )
        least = max(SAME * moving, ERROR * sum(abs(one) + abs(other) for _, one, other in rates))
        differences = []
        for part, one, other in sorted(rates, key=lambda row: -abs(row[1] - row[2]))[:MOST]:
            if abs(one - other) <= least:
                break
            gains, losses = zip(*(_shares(each, part.id) for each in balances), strict=True)
            drivers = self._drivers(part, start, end)
            share = (one - other) / total
            differences.append(
                RateDifference(part.id, part.kind, part.label, one, other, gains, losses, share, drivers)
            )
        return WindowComparison(start, end, *balances, tuple(differences))

    @cached_property
    def _clamped_net(self) -> dict[str, Array]:
        """What each reaction of the reference arm would have added to the curve up to each of `edges`."""
        contributors = {each.id: each for each in (*self.curve.contributors, *self.reference.contributors)}
        reactions = [each for each in contributors.values() if each.kind == ContributorKind.REACTION]
        clamped = self.reference.clamped
        rates = clamped.rates(reactions, self.middle, self.level) if clamped.can_clamp else {}
        return {id: np.append(0.0, (row * np.diff(self.edges)).cumsum()) for id, row in rates.items()}

    def _reference_rate(self, id: str, start: float, end: float, first: int, last: int) -> float:
        if id not in self._clamped_net:
            return _mean_rate(self.reference, id, first, last)
        a, b = np.searchsorted(self.edges, [start, end])
        return float(self._clamped_net[id][b] - self._clamped_net[id][a]) / (end - start)

    def _drivers(self, part: Contribution, start: float, end: float) -> tuple[RateDriver, ...]:
        inside = slice(*np.searchsorted(self.edges, [start, end]).tolist())
        times, level, weights = self.middle[inside], self.level[inside], np.diff(self.edges)[inside]
        both = (self.reference.clamped, self.curve.clamped)
        if part.kind == ContributorKind.SPECIES:
            before, after = (each.mean(part.id, times, weights) for each in both)
            if abs(after - before) > ALIKE * max(abs(before), abs(after)):
                return (RateDriver(part.id, before, after, 1.0),)
            settings = [each.settings(times, weights) for each in both]
            return tuple(
                RateDriver(name, old, settings[1][name], 1.0)
                for name, old in settings[0].items()
                if settings[1][name] != old
            )[:MOST_DRIVERS]
        if part.kind != ContributorKind.REACTION:
            return ()
        amounts = weights * level.clip(min=0.0)  # so that the mean is over what each unit of the curve meets
        weights = amounts if self.curve.clamped.can_clamp and amounts.any() else weights
        inputs = [each.law_inputs(part.id, times, level, weights) for each in both]
        return self.curve.clamped.drivers(part.id, *inputs)


def _points(flux: Fluxes, start: float, end: float) -> tuple[int, int]:
    """The point at `start`, after an edge there, and the point at `end`, before an edge there."""
    first = max(int(np.searchsorted(flux.times, start, side="right")) - 1, 0)
    return first, max(min(int(np.searchsorted(flux.times, end, side="left")), len(flux.times) - 1), first)


def _mean_rate(curve: ArmCurve, id: str, first: int, last: int) -> float:
    """The mean net rate of a contributor between two points of its own run."""
    length = float(curve.flux.times[last] - curve.flux.times[first])
    amounts = [each.amount for each in curve.contributors if each.id == id]
    return float(amounts[0][last] - amounts[0][first]) / length if amounts and length > 0 else 0.0


def _shares(account: Balance, id: str) -> tuple[float, float]:
    """The shares of a contributor of all that is added and of all that is removed."""
    amounts = {part.id: part.amount for part in account.contributions}
    sides = ({each: max(sign * amount, 0.0) for each, amount in amounts.items()} for sign in (1.0, -1.0))
    added, removed = (side.get(id, 0.0) / sum(side.values()) if any(side.values()) else 0.0 for side in sides)
    return added, removed
