"""Why a curve does what it does: what makes and loses it in each phase, and what changed where it turned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from ...numerics.dense_output import DenseOutput
from ...numerics.fluxes import Fluxes, fluxes
from ...numerics.trajectory import Array, Trajectory
from ..run import ArmResult, run
from ..scenario import Arm, Scenario
from .balance import REACTION, SPECIES, Balance, Source, balance, balance_at, sources_of
from .conditions import Conditions, Driver
from .contrast import Contrast, Side, contrast
from .feedback import Loop, loops_of
from .phases import FALLS, LEVEL, RISES, WAVES, Phase, phases, scaled

PEAK, TROUGH, UP, DOWN, TOP, JUMP = "peak", "trough", "begins to rise", "begins to fall", "highest top", "jump"
_TURNS = {(RISES, FALLS): PEAK, (FALLS, RISES): TROUGH, (LEVEL, RISES): UP, (LEVEL, FALLS): DOWN}
MOST_SHIFTS = 3


@dataclass(frozen=True)
class PhaseBalance:
    """A phase of the curve with its balance; lowest and highest are values in it, tops how often it turns down."""

    kind: str
    tops: int
    lowest: float
    highest: float
    balance: Balance


class NoStepsError(ValueError):
    """A run failed before its first step, or was computed without keeping any."""


class Shift(NamedTuple):
    """A source that helped to turn a curve: its rates before and after, at the level of the turn (see
    `conditions`). share: of all that helped. drivers: what the law of a reaction reads that moved it. inner: what
    moved a species that an observable reads, in the unit of that species."""

    id: str
    kind: str
    label: str
    before: float
    after: float
    share: float
    drivers: tuple[Driver, ...]
    inner: tuple[Shift, ...] = ()


@dataclass(frozen=True)
class Turn:
    """A turning point, or a jump by `dosed` and `changed`. Shifts compare half-way through the phase before it
    (at the time `since`) with half-way through the one behind it (`until`)."""

    kind: str
    time: float
    value: float
    since: float = 0.0
    until: float = 0.0
    shifts: tuple[Shift, ...] = ()
    dosed: float = 0.0
    changed: float = 0.0


@dataclass(frozen=True)
class Explanation:
    """Why `name` does what it does in one arm of a scenario.

    Values are in the unit of `name`, times in that of the model. log: the curve is judged by its logarithm.
    error: the largest of the balances.
    """

    scenario: Scenario
    arm: Arm
    name: str
    flux: Fluxes
    sources: Sequence[Source]
    log: bool
    whole: Balance
    phases: tuple[PhaseBalance, ...]
    turns: tuple[Turn, ...]
    at: tuple[Balance, ...]
    loops: tuple[Loop, ...]
    against: Contrast | None

    @property
    def error(self) -> float:
        return max(balance.error for balance in (self.whole, *(phase.balance for phase in self.phases)))


def explain(
    scenario: Scenario,
    arm_name: str,
    name: str,
    *,
    at: Sequence[float] = (),
    against: str | None = None,
    known: Mapping[str, ArmResult] | None = None,
) -> Explanation:
    """Why the species or observable `name` does what it does in the arm `arm_name`.

    at: times, in the model's unit, at which the balance is wanted. against: another arm to compare with.
    known: arms that were run already; those that are needed and missing are run. `NoStepsError` if a run
    has nothing to explain.
    """
    results = dict(known or {})
    missing = [each for each in (arm_name, against) if each is not None and each not in results]
    if missing:
        results |= run(scenario, certify=False, arms=missing).arms
    arm, dense = scenario.arm(arm_name), _fine(results[arm_name].trajectory)
    here = _side(scenario, arm, dense, name)
    flux, sources = here.flux, here.sources
    y, log = scaled(flux.values)
    found = phases(flux.times, y, _breaks(arm, flux))
    return Explanation(
        scenario,
        arm,
        name,
        flux,
        sources,
        log,
        balance(flux, sources, 0, len(flux.times) - 1),
        tuple(_phase(flux, sources, phase) for phase in found),
        tuple(_turns(here, y, found)),
        tuple(balance_at(flux, sources, time) for time in at if time <= flux.times[-1]),
        loops_of(dense, flux, y),
        None if against is None else _against(scenario, results, against, here, found),
    )


def _fine(trajectory: Trajectory) -> DenseOutput:
    if not isinstance(trajectory.dense, DenseOutput) or len(trajectory.dense.times()) < 2:
        raise NoStepsError("a run is explained from the solver's steps, and this one has none")
    return trajectory.dense


def _side(scenario: Scenario, arm: Arm, dense: DenseOutput, name: str) -> Side:
    flux = fluxes(dense, name)
    return Side(scenario, arm, Conditions(dense, name), flux, sources_of(scenario, arm, flux))


def _breaks(arm: Arm, flux: Fluxes) -> list[int]:
    """Points at which a dose is given for the first time, or a change begins or ends."""
    times = [dose.at for dose in arm.doses]
    times += [time for change in arm.changes for time in (change.start, change.end) if time is not None]
    return [int(np.searchsorted(flux.times, time, side="left")) for time in times]


def _phase(flux: Fluxes, sources: Sequence[Source], phase: Phase) -> PhaseBalance:
    values = flux.values[phase.first : phase.last + 1]
    account = balance(flux, sources, phase.first, phase.last)
    return PhaseBalance(phase.kind, phase.tops, float(values.min()), float(values.max()), account)


def _turns(here: Side, y: Array, found: Sequence[Phase]) -> list[Turn]:
    turns, times, values = [], here.flux.times, here.flux.values
    for phase in found:
        if phase.kind == WAVES:
            turns += _highest(here, y, phase)
    for before, after in pairwise(found):
        point = before.last
        if after.first != point:
            dosed, changed = (np.diff(here.flux.jumped(which)[[point, after.first]]) for which in ("dosed", "changed"))
            height = float(values[after.first])
            turns.append(Turn(JUMP, float(times[point]), height, dosed=float(dosed[0]), changed=float(changed[0])))
            continue
        kind = _TURNS.get((before.kind, after.kind))
        if kind is None:
            continue
        since, until = _halfway(times, y, before), _halfway(times, y, after)
        shifts = _shifts(here, since, until, point, -1.0 if kind in (PEAK, DOWN) else 1.0)
        span = float(times[since]), float(times[until])
        turns.append(Turn(kind, float(times[point]), float(values[point]), *span, shifts))
    return sorted(turns, key=lambda turn: turn.time)


def _highest(here: Side, y: Array, phase: Phase) -> list[Turn]:
    """Of a curve that goes up and down, its highest turn, unless it jumps there."""
    top = phase.first + int(y[phase.first : phase.last + 1].argmax())
    middle = (float(y[top]) + float(y[phase.first : phase.last + 1].min())) / 2
    before, after = (np.flatnonzero(part <= middle) for part in (y[phase.first : top], y[top : phase.last + 1]))
    if not len(before) or not len(after) or any(jump.point == top for jump in here.flux.jumps):
        return []
    since, until = phase.first + int(before[-1]), top + int(after[0])
    times = here.flux.times[[top, since, until]].tolist()
    shifts = _shifts(here, since, until, top, -1.0)
    return [Turn(TOP, times[0], float(here.flux.values[top]), times[1], times[2], shifts)]


def _halfway(times: Array, y: Array, phase: Phase) -> int:
    """The point half-way through a swing, or half-way through the time of a level phase."""
    first, last = phase.first, phase.last
    if phase.kind == LEVEL:
        return first + int(np.searchsorted(times[first : last + 1], (times[first] + times[last]) / 2))
    middle = (y[first] + y[last]) / 2
    return first + int(((y[first : last + 1] - middle) * np.sign(y[last] - y[first]) >= 0).argmax())


def _shifts(here: Side, since: int, until: int, turn: int, sign: float) -> tuple[Shift, ...]:
    """The sources whose rates moved most in the direction of `sign`, at the level of the point `turn`."""
    level, times = here.flux.values[[turn]], here.flux.times
    before, after = (
        {id: float(row[0]) for id, row in here.conditions.rates(here.sources, times[[point]], level).items()}
        for point in (since, until)
    )
    helped = {source.id: sign * (after[source.id] - before[source.id]) for source in here.sources}
    total = sum(moved for moved in helped.values() if moved > 0)
    found = []
    for source in sorted(here.sources, key=lambda source: -helped[source.id])[:MOST_SHIFTS]:
        moved = helped[source.id]
        if moved <= 0.1 * total:
            break
        why: tuple[Driver, ...] = ()
        if source.kind == REACTION:
            laws = [here.conditions.law(source.id, times[[point]], level, np.ones(1)) for point in (since, until)]
            why = here.conditions.drivers(source.id, *laws)
        inner: tuple[Shift, ...] = ()
        if source.kind == SPECIES:
            deeper = _side(here.scenario, here.arm, here.conditions.dense, source.id)
            same = float(source.flux @ deeper.flux.slope) >= 0
            inner = _shifts(deeper, since, until, turn, sign if same else -sign)[:1]
        rates = before[source.id], after[source.id]
        found.append(Shift(source.id, source.kind, source.label, *rates, moved / total, why, inner))
    return tuple(found)


def _against(
    scenario: Scenario, results: Mapping[str, ArmResult], other: str, here: Side, found: Sequence[Phase]
) -> Contrast:
    dense, times = _fine(results[other].trajectory), here.flux.times
    there = _side(scenario, scenario.arm(other), dense, here.flux.name)
    end = min(float(times[-1]), float(there.flux.times[-1]))  # either may have failed before the other
    spans = [(float(times[phase.first]), min(float(times[phase.last]), end)) for phase in found]
    return contrast(other, here, there, [span for span in spans if span[0] < span[1]])
