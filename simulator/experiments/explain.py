"""Why a curve does what it does: what makes and loses it in each phase, and what changed where it turned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from ..numerics.fine import FineCurves
from ..numerics.fluxes import Fluxes, fluxes
from ..numerics.trajectory import Array, Trajectory
from .balance import REACTION, Balance, Source, balance, balance_at, sources_of
from .contrast import Contrast, Side, contrast
from .drivers import Driver, Reader, drivers
from .loops import Loop, loops_of
from .phases import FALLS, LEVEL, LOWEST, RISES, WAVES, Phase, phases, scaled
from .run import ArmResult, run
from .scenario import Arm, Scenario

PEAK, TROUGH, UP, DOWN, JUMP = "peak", "trough", "begins to rise", "begins to fall", "jump"
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


class Shift(NamedTuple):
    """A source that helped to turn a curve: its rate before and at the turn, as `Explanation.per_head` says.

    share: of all that helped. drivers: what its rate law reads that moved it.
    """

    id: str
    kind: str
    label: str
    before: float
    after: float
    share: float
    drivers: tuple[Driver, ...]


@dataclass(frozen=True)
class Turn:
    """A turning point, or a jump by `dosed` and `changed`. since: the time that shifts compare it with, half-way
    through the swing before it (of the level phase, half its time; compared is then half-way up or down)."""

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

    Values are in the unit of `name`, times in that of the model. per_head: rates of shifts and contrasts
    are divided by the curve, so that they say what becomes of each unit of it; else they are those of the
    curve. log: the curve is judged by its logarithm. error: the largest of the balances.
    """

    scenario: Scenario
    arm: Arm
    name: str
    flux: Fluxes
    sources: tuple[Source, ...]
    log: bool
    per_head: bool
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
    known: arms that were run already; those that are needed and missing are run. `ValueError` if a run
    failed before its first step.
    """
    results = dict(known or {})
    missing = [each for each in (arm_name, against) if each is not None and each not in results]
    if missing:
        results |= run(scenario, certify=False, arms=missing).arms
    arm, fine = scenario.arm(arm_name), _fine(results[arm_name].trajectory)
    flux = fluxes(fine, name)
    sources = sources_of(scenario, arm, fine.system, flux)
    y, log = scaled(flux.values)
    found = phases(flux.times, y, _breaks(arm, flux))
    species = scenario.model.species.get(name)
    per_head = species is not None and not species.signed
    reader = Reader(fine, name, per_head)
    return Explanation(
        scenario,
        arm,
        name,
        flux,
        sources,
        log,
        per_head,
        balance(flux, sources, 0, len(flux.times) - 1),
        tuple(_phase(flux, sources, phase) for phase in found),
        tuple(_turns(flux, sources, y, found, reader)),
        tuple(balance_at(flux, sources, time) for time in at),
        loops_of(fine, flux, y),
        None if against is None else _against(scenario, results, against, Side(reader, flux, sources), found),
    )


def _fine(trajectory: Trajectory) -> FineCurves:
    if not isinstance(trajectory.fine, FineCurves) or len(trajectory.fine.times()) < 2:
        raise ValueError("a run is explained from the solver's steps, and this one kept none")
    return trajectory.fine


def _breaks(arm: Arm, flux: Fluxes) -> list[int]:
    """Points at which a dose is given for the first time, or a change begins or ends."""
    times = [dose.at for dose in arm.doses]
    times += [time for change in arm.changes for time in (change.start, change.end) if time is not None]
    return [int(np.searchsorted(flux.times, time, side="left")) for time in times]


def _phase(flux: Fluxes, sources: Sequence[Source], phase: Phase) -> PhaseBalance:
    values = flux.values[phase.first : phase.last + 1]
    account = balance(flux, sources, phase.first, phase.last)
    return PhaseBalance(phase.kind, phase.tops, float(values.min()), float(values.max()), account)


def _turns(
    flux: Fluxes, sources: Sequence[Source], y: Array, found: Sequence[Phase], reader: Reader
) -> list[Turn]:  # fmt: skip
    turns = []
    for before, after in pairwise(found):
        point, time = before.last, float(flux.times[before.last])
        if after.first != before.last:
            jumped = [
                float(flux.jumped(which)[after.first] - flux.jumped(which)[point]) for which in ("dosed", "changed")
            ]
            turns.append(Turn(JUMP, time, float(flux.values[after.first]), dosed=jumped[0], changed=jumped[1]))
            continue
        kind = _TURNS.get((before.kind, after.kind))
        if kind is None or WAVES in (before.kind, after.kind):
            continue
        since = _halfway(flux.times, y, before)
        until = _halfway(flux.times, y, after) if before.kind == LEVEL else _behind(flux.times, point)
        sign = -1.0 if kind in (PEAK, DOWN) else 1.0
        shifts = _shifts(sources, reader, since, until, sign)
        span = float(flux.times[since]), float(flux.times[until])
        turns.append(Turn(kind, time, float(flux.values[point]), *span, shifts))
    return turns


def _halfway(times: Array, y: Array, phase: Phase) -> int:
    """The point half-way through a swing, or half-way through the time of a level phase."""
    first, last = phase.first, phase.last
    if phase.kind == LEVEL:
        return first + int(np.searchsorted(times[first : last + 1], (times[first] + times[last]) / 2))
    middle = (y[first] + y[last]) / 2
    return first + int(((y[first : last + 1] - middle) * np.sign(y[last] - y[first]) >= 0).argmax())


def _behind(times: Array, point: int) -> int:
    """Of a time that stands twice, the point after the edge."""
    return point + 1 if point + 1 < len(times) and times[point + 1] == times[point] else point


def _shifts(sources: Sequence[Source], reader: Reader, since: int, until: int, sign: float) -> tuple[Shift, ...]:
    """The sources whose rates moved most in the direction of `sign`."""
    values = reader.fine.values(reader.name)
    heads = (float(values[since]), float(values[until]))
    itself: str | None = reader.name
    if not reader.per_head or min(heads) <= LOWEST * values.max():
        heads, itself = (1.0, 1.0), None
    rates = [(source, float(source.flux[since]) / heads[0], float(source.flux[until]) / heads[1]) for source in sources]
    helped = [(sign * (after - before), source, before, after) for source, before, after in rates]
    helped = [each for each in helped if each[0] > 0]
    total = sum(each[0] for each in helped)
    found = []
    for moved, source, before, after in sorted(helped, key=lambda each: -each[0])[:MOST_SHIFTS]:
        if moved < 0.1 * total:
            break
        why: tuple[Driver, ...] = ()
        if source.kind == REACTION:
            laws = reader.at(source.id, since), reader.at(source.id, until)
            why = drivers(reader.fine.system.model, source.id, *laws, itself)
        found.append(Shift(source.id, source.kind, source.label, before, after, moved / total, why))
    return tuple(found)


def _against(
    scenario: Scenario, results: Mapping[str, ArmResult], other: str, here: Side, found: Sequence[Phase]
) -> Contrast:
    fine, times = _fine(results[other].trajectory), here.flux.times
    theirs = fluxes(fine, here.reader.name)
    sources = sources_of(scenario, scenario.arm(other), fine.system, theirs)
    there = Side(Reader(fine, here.reader.name, here.reader.per_head), theirs, sources)
    return contrast(other, here, there, [(float(times[phase.first]), float(times[phase.last])) for phase in found])
