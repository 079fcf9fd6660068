"""Why a curve does what it does: gain and loss in each phase, and what changed at each turning point.

Gain and loss are net effects against the turnover that cancels at rest (see `turnover`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from ...numerics.dense_output import DenseOutput
from ...numerics.fluxes import Fluxes, chain_rule, fluxes
from ...numerics.trajectory import Array, Undefined
from ..curves import cut, peak, trough
from ..run import ArmResult, run
from ..scenario import Arm, Scenario
from .arm_comparison import ArmComparison, WindowComparison, compare_arms
from .arm_curve import ArmCurve
from .balance import Balance, Contributor, ContributorKind, balance_at, contributors_of
from .clamped_rates import ClampedRates, RateDriver
from .feedback import ActiveLoop, active_loops
from .phases import LOWEST, Phase, PhaseKind, phases, scaled_to_one
from .turnover import Turnover, resting_turnover

MOST_CHANGES = 3  # of rates at a turning point
ENOUGH = 0.1  # of everything that helped to turn a curve: a smaller change is not reported


class TurnKind(StrEnum):
    """What a curve does at a turning point. HIGHEST_PEAK is that of an oscillation."""

    PEAK = "peak"
    TROUGH = "trough"
    ONSET_OF_RISE = "onset of rise"
    ONSET_OF_FALL = "onset of fall"
    HIGHEST_PEAK = "highest peak"
    JUMP = "jump"


_TURNS = {
    (PhaseKind.RISE, PhaseKind.FALL): TurnKind.PEAK,
    (PhaseKind.FALL, PhaseKind.RISE): TurnKind.TROUGH,
    (PhaseKind.LEVEL, PhaseKind.RISE): TurnKind.ONSET_OF_RISE,
    (PhaseKind.LEVEL, PhaseKind.FALL): TurnKind.ONSET_OF_FALL,
}


class NoStepsError(ValueError):
    """A run failed before its first step, or was computed without keeping its steps."""


@dataclass(frozen=True)
class PhaseBalance:
    """A phase of the curve with its balance.

    lowest, highest: values in it. peaks: of an oscillation, else 0.
    drivers: if the phase does not begin at a turning point, what changed the rate of the reaction that did most in it,
    from the state that the balance is compared with (before) to the mean in the phase (after).
    """

    kind: PhaseKind
    peaks: int
    lowest: float
    highest: float
    balance: Balance
    drivers: tuple[RateDriver, ...] = ()


class RateChange(NamedTuple):
    """A contributor that helped to turn a curve.

    before, after: its net rates before and after the turning point, with the curve clamped to its level there
    (see `clamped_rates`).
    share: of everything that helped, from 0 to 1.
    drivers: what moved the rate law of a reaction.
    inner: what moved a species that an observable reads, in the unit of that species.
    """

    id: str
    kind: ContributorKind
    label: str
    before: float
    after: float
    share: float
    drivers: tuple[RateDriver, ...]
    inner: tuple[RateChange, ...] = ()


@dataclass(frozen=True)
class TurningPoint:
    """A turning point of the curve, or a jump.

    time_before, time_after: the times whose conditions are compared, half-way through the phases before and after.
    changes: the rates that changed between them, the largest first.
    dosed, changed: what doses and changes of parameters add at a jump.
    """

    kind: TurnKind
    time: float
    value: float
    time_before: float = 0.0
    time_after: float = 0.0
    changes: tuple[RateChange, ...] = ()
    dosed: float = 0.0
    changed: float = 0.0


@dataclass(frozen=True)
class Explanation:
    """Why the species or observable `name` does what it does in one arm of a scenario.

    Values are in the unit of `name`, times in the time unit of the model.

    log: whether the curve is judged by its logarithm.
    rest: the turnover that cancels at the start of the run.
    whole: the balance of the whole run, in which each swing counts.
    at: the balances at the times that were asked for.
    against: another arm for comparison.
    undefined: where the curve is first no finite number, if it is anywhere; only times before and after are explained.
    """

    scenario: Scenario
    arm: Arm
    name: str
    flux: Fluxes
    contributors: Sequence[Contributor]
    log: bool
    rest: Turnover
    whole: Balance
    phases: tuple[PhaseBalance, ...]
    turning_points: tuple[TurningPoint, ...]
    at: tuple[Balance, ...]
    loops: tuple[ActiveLoop, ...]
    against: ArmComparison | None
    undefined: Undefined | None = None

    @property
    def error(self) -> float:
        """The largest relative error of the balances."""
        return max(balance.error for balance in (self.whole, *(phase.balance for phase in self.phases)))

    def divergence(self, window: WindowComparison) -> float:
        """How far the curves of the two arms move apart in a window: in the unit of the curve, or of its natural
        logarithm if the curve is judged by that."""
        least = LOWEST * float(abs(self.flux.values).max())
        changes = []
        for account in (window.balance, window.reference_balance):
            ends = account.initial, account.final
            if self.log:
                ends = math.log(max(ends[0], least)), math.log(max(ends[1], least))
            changes.append(ends[1] - ends[0])
        return abs(changes[0] - changes[1])


def explain(
    scenario: Scenario,
    arm_name: str,
    name: str,
    *,
    at: Sequence[float] = (),
    against: str | None = None,
    known: Mapping[str, ArmResult] | None = None,
) -> Explanation:
    """Explains one curve of one arm.

    Args:
        scenario: The scenario.
        arm_name: The arm to explain.
        name: The species or observable to explain.
        at: Times, in the model's unit, at which the balance is wanted; those after the end of the run are ignored.
        against: Another arm to compare with.
        known: Arms that have been run; arms that are needed and missing are run.

    Raises:
        NoStepsError: A run has no steps to explain.
    """
    results = dict(known or {})
    missing = [each for each in (arm_name, against) if each is not None and each not in results]
    if missing:
        results |= run(scenario, arms=missing).arms
    curve = _curve(scenario, scenario.arm(arm_name), _dense(results[arm_name]), name)
    flux, contributors = curve.flux, curve.contributors
    y, log = scaled_to_one(flux.values)
    found = phases(flux.times, y, _breaks(curve.arm, flux))
    return Explanation(
        scenario=scenario,
        arm=curve.arm,
        name=name,
        flux=flux,
        contributors=contributors,
        log=log,
        rest=curve.rest,
        whole=curve.balance(0, len(flux.times) - 1, swings=True).balance,
        phases=tuple(_phase_balances(curve, found)),
        turning_points=tuple(_turning_points(curve, y, found)),
        at=tuple(balance_at(flux, contributors, time, curve.rest) for time in at if time <= flux.times[-1]),
        loops=active_loops(curve.clamped.dense, flux, y),
        against=None if against is None else _against(curve, scenario.arm(against), results, found),
        undefined=next((each for each in results[arm_name].trajectory.undefined if each.name == name), None),
    )


def _dense(result: ArmResult) -> DenseOutput:
    trajectory = result.trajectory
    if not isinstance(trajectory.dense, DenseOutput) or len(trajectory.dense.times()) < 2:
        why = f": {trajectory.outcome.message}" if trajectory.outcome.message else ""
        message = f"a run is explained from the solver's steps, and that of arm {result.arm.name} has none{why}"
        raise NoStepsError(message)
    return trajectory.dense


def _curve(scenario: Scenario, arm: Arm, dense: DenseOutput, name: str) -> ArmCurve:
    flux = fluxes(dense, name)
    several = len(flux.slopes) > 1  # though only one of them may change: the turnover of the others moves nothing
    own = fluxes(dense, *flux.slopes) if len(flux.slopes) == 1 and name not in flux.slopes else flux
    rates = chain_rule(dense.system, own.name)
    rest = resting_turnover(scenario, arm, dense.system, rates.through if several else rates.reactions)
    contributors = contributors_of(scenario, arm, flux, own, rest)
    return ArmCurve(scenario, arm, ClampedRates(dense, name), flux, contributors, rest)


def _breaks(arm: Arm, flux: Fluxes) -> list[int]:
    """Points at which a dose is given for the first time, or a change of parameters begins or ends."""
    times = [dose.entry(0) for dose in arm.doses if not dose.waiting]
    times += [setting.time for setting in arm.settings]
    times += [time for change in arm.changes for time in (change.start, change.end) if time is not None]
    return [int(np.searchsorted(flux.times, time, side="left")) for time in times]


def _phase_balances(curve: ArmCurve, found: Sequence[Phase]) -> Iterator[PhaseBalance]:
    flux = curve.flux
    for before, phase in zip([None, *found], found, strict=False):
        account, drivers = curve.balance(phase.first, phase.last, phase.kind == PhaseKind.OSCILLATION)
        part = cut(flux.pieces(flux.values), float(flux.times[phase.first]), float(flux.times[phase.last]))
        lowest, highest = float(trough(part)[1][0]), float(peak(part)[1][0])
        turned = before is not None and before.last == phase.first and (before.kind, phase.kind) in _TURNS
        yield PhaseBalance(phase.kind, phase.peaks, lowest, highest, account, () if turned else drivers)


def _turning_points(curve: ArmCurve, y: Array, found: Sequence[Phase]) -> list[TurningPoint]:
    """The turning points and jumps between the phases of a curve, and the highest peak of each oscillation."""
    turns = [turn for phase in found if phase.kind == PhaseKind.OSCILLATION for turn in _highest_peak(curve, y, phase)]
    for before, after in pairwise(found):
        if after.first != before.last:
            turns.append(_jump(curve.flux, before.last, after.first))
        elif (kind := _TURNS.get((before.kind, after.kind))) is not None:
            times = _halfway(curve.flux.times, y, before), _halfway(curve.flux.times, y, after)
            direction = -1.0 if kind in (TurnKind.PEAK, TurnKind.ONSET_OF_FALL) else 1.0
            turns.append(_turning_point(curve, kind, before.last, *times, direction))
    return sorted(turns, key=lambda turn: turn.time)


def _jump(flux: Fluxes, last: int, first: int) -> TurningPoint:
    """The jump from the point `last` to the point `first`."""
    dosed, changed = (float(np.diff(flux.cumulative_jumps(which)[[last, first]])[0]) for which in ("dosed", "changed"))
    time, value = float(flux.times[last]), float(flux.values[first])
    return TurningPoint(TurnKind.JUMP, time, value, dosed=dosed, changed=changed)


def _turning_point(
    curve: ArmCurve, kind: TurnKind, point: int, before: int, after: int, direction: float
) -> TurningPoint:
    """The turning point at `point`, from the conditions at the points `before` and `after`."""
    flux = curve.flux
    time, time_before, time_after = flux.times[[point, before, after]].tolist()
    value, changes = float(flux.values[point]), _rate_changes(curve, before, after, point, direction)
    last, following = float(flux.times[max(point - 1, 0)]), float(flux.times[min(point + 1, len(flux.times) - 1)])
    if kind in (TurnKind.PEAK, TurnKind.HIGHEST_PEAK, TurnKind.TROUGH) and last < time < following:
        turn = trough if kind == TurnKind.TROUGH else peak  # between the points, as tables have it
        time, value = (float(each[0]) for each in turn(cut(flux.pieces(flux.values), last, following)))
    return TurningPoint(kind, time, value, time_before, time_after, changes)


def _highest_peak(curve: ArmCurve, y: Array, phase: Phase) -> list[TurningPoint]:
    """The highest peak of an oscillation, unless the curve jumps there."""
    top = phase.first + int(y[phase.first : phase.last + 1].argmax())
    middle = (float(y[top]) + float(y[phase.first : phase.last + 1].min())) / 2
    before, after = (np.flatnonzero(part <= middle) for part in (y[phase.first : top], y[top : phase.last + 1]))
    if not len(before) or not len(after) or any(jump.point == top for jump in curve.flux.jumps):
        return []
    halfway = phase.first + int(before[-1]), top + int(after[0])
    return [_turning_point(curve, TurnKind.HIGHEST_PEAK, top, *halfway, -1.0)]


def _halfway(times: Array, y: Array, phase: Phase) -> int:
    """The point half-way up or down a swing, or half-way through the time of a level phase."""
    first, last = phase.first, phase.last
    if phase.kind == PhaseKind.LEVEL:
        return first + int(np.searchsorted(times[first : last + 1], (times[first] + times[last]) / 2))
    middle = (y[first] + y[last]) / 2
    return first + int(((y[first : last + 1] - middle) * np.sign(y[last] - y[first]) >= 0).argmax())


def _rate_changes(curve: ArmCurve, before: int, after: int, turn: int, direction: float) -> tuple[RateChange, ...]:
    """The contributors whose rates changed most in `direction` (1 or -1), at the level of the point `turn`."""
    level, times = curve.flux.values[[turn]], curve.flux.times
    old, new = (
        {id: float(row[0]) for id, row in curve.clamped.rates(curve.contributors, times[[point]], level).items()}
        for point in (before, after)
    )
    helped = {each.id: direction * (new[each.id] - old[each.id]) for each in curve.contributors}
    total = sum(change for change in helped.values() if change > 0)
    found = []
    for each in sorted(curve.contributors, key=lambda each: -helped[each.id])[:MOST_CHANGES]:
        if helped[each.id] <= ENOUGH * total:
            break
        drivers: tuple[RateDriver, ...] = ()
        if each.kind == ContributorKind.REACTION:
            inputs = [curve.clamped.law_inputs(each.id, times[[point]], level, np.ones(1)) for point in (before, after)]
            drivers = curve.clamped.drivers(each.id, *inputs)
        inner: tuple[RateChange, ...] = ()
        if each.kind == ContributorKind.SPECIES:
            deeper = _curve(curve.scenario, curve.arm, curve.clamped.dense, each.id)
            same = float(each.flux @ deeper.flux.derivative) >= 0
            inner = _rate_changes(deeper, before, after, turn, direction if same else -direction)[:1]
        rates = old[each.id], new[each.id]
        found.append(RateChange(each.id, each.kind, each.label, *rates, helped[each.id] / total, drivers, inner))
    return tuple(found)


def _against(
    curve: ArmCurve, reference: Arm, results: Mapping[str, ArmResult], found: Sequence[Phase]
) -> ArmComparison:
    dense, times = _dense(results[reference.name]), curve.flux.times
    other = _curve(curve.scenario, reference, dense, curve.flux.name)
    end = min(float(times[-1]), float(other.flux.times[-1]))  # either may have failed before the other
    spans = [(float(times[phase.first]), min(float(times[phase.last]), end)) for phase in found]
    return compare_arms(curve, other, [span for span in spans if span[0] < span[1]])
