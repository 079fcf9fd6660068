"""One curve of one arm, with everything that moves it, and the state that a part of the run is compared with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from ...numerics.fluxes import Fluxes
from ..scenario import Arm, Scenario
from .balance import Balance, Contribution, Contributor, ContributorKind, balance
from .clamped_rates import ClampedRates, RateDriver
from .turnover import BALANCED, Turnover, nothing, turnover


class ExplainedBalance(NamedTuple):
    """A balance, and what changed the rate of the reaction that did most in it: its values in the state that the
    balance is compared with (before) and in the mean (after). The level of the curve itself is no such driver."""

    balance: Balance
    drivers: tuple[RateDriver, ...] = ()


class ArmCurve(NamedTuple):
    """One curve of one arm, with everything that moves it. rest: the turnover that cancels at its start."""

    scenario: Scenario
    arm: Arm
    clamped: ClampedRates
    flux: Fluxes
    contributors: Sequence[Contributor]
    rest: Turnover

    def balance(self, first: int, last: int, swings: bool = False) -> ExplainedBalance:
        """The balance between two points, compared with rest.

        If the most important term is then only that less is made or lost because there is less of the species itself,
        which is no cause, the start of the part of the run is taken instead of rest; and if that does not help,
        everything that is made and lost counts. Swings are always compared with rest.
        """
        if swings:
            return ExplainedBalance(balance(self.flux, self.contributors, first, last, self.rest, swings))
        for compared in self._states(first):
            found, is_cause = self._compared(first, last, compared)
            if is_cause:
                return found
        return self._compared(first, last, nothing(self.rest))[0]

    def _compared(self, first: int, last: int, state: Turnover) -> tuple[ExplainedBalance, bool]:
        """The balance against the turnover of a state, and whether the most important term is a cause."""
        found = balance(self.flux, self.contributors, first, last, state)
        most = _most(found)
        if most is None:
            return ExplainedBalance(found), True
        drivers = self._drivers(most, state, first, last)
        by_level = [driver.name for driver in drivers[:1]] == list(self.flux.slopes)
        less = (most.background > 0) == (most.loss > 0)
        others = tuple(driver for driver in drivers if driver.name not in self.flux.slopes)
        return ExplainedBalance(found, others), not (by_level and less)

    def _states(self, point: int) -> Iterator[Turnover]:
        """Rest, and the point if gain and loss are near balance there."""
        yield self.rest
        dense = self.clamped.dense
        rates = {each.id: float(each.own[point]) for each in self.contributors if each.kind != ContributorKind.TIME}
        segment = next(i for i, part in enumerate(dense.segment_slices()) if point < part.stop)
        parameters = dense.segments[segment].parameters
        start = turnover(float(self.flux.times[point]), dense.states()[point], parameters, False, rates)
        if point and start.balance >= BALANCED:
            yield start

    def _drivers(self, most: Contribution, compared: Turnover, first: int, last: int) -> tuple[RateDriver, ...]:
        times = self.flux.times[first : last + 1]
        if most.kind != ContributorKind.REACTION or not most.has_background or times[0] == times[-1]:
            return ()
        level = self.flux.values[first:last]
        before = self.clamped.inputs_in(most.id, compared)
        during = self.clamped.law_inputs(most.id, times[:-1], level, np.diff(times))
        return self.clamped.drivers(most.id, before, during)


def _most(account: Balance) -> Contribution | None:
    """What did most to move a curve in the direction in which it moved."""
    sign = 1.0 if account.net > 0 else -1.0
    return max(account.contributions, key=lambda part: sign * (part.gain - part.loss), default=None)
