"""Doses and timed changes become jumps, infusions and stretches of time without either."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..model.expression import Name
from ..numerics.constants import constant
from ..numerics.solve import Segment
from ..numerics.system import System
from ..numerics.trajectory import Trajectory
from .scenario import Arm, Dose, Scenario

SAME_TIME = 1e-9  # two edges closer than this (relative to the horizon) are one


@dataclass(frozen=True)
class Schedule:
    """The segments of a run and the times at which something jumps."""

    segments: tuple[Segment, ...]
    edges: tuple[float, ...]


@dataclass(frozen=True)
class LedgerLine:
    """One dose: amounts in the unit it was ordered in (per kg and per m2 as ordered)."""

    dose: str
    target: str
    unit: str
    ordered: float
    delivered: float
    remaining: float
    given: int
    count: int


class LedgerError(RuntimeError):
    """The solver did not put in what the schedule ordered: a bug of ours, never the user's."""


def compile_schedule(scenario: Scenario, arm: Arm, system: System) -> Schedule:
    """Everything that happens in `arm`, in order of time, as the solver wants it."""
    edges = edge_times(scenario, arm)
    bounds = [*edges, scenario.end]
    jumps, infusions = np.zeros((2, len(edges), len(system.species)))
    sizes = _sizes(scenario, arm)
    for dose in arm.doses:
        place = system.species.index(dose.target)
        for number, size in enumerate(sizes[dose.name]):
            begins = dose.time(number)
            given = size * _fraction(dose, number, scenario.end, scenario.end)
            # an edge is never later than what it stands for, so that the last one before is meant
            first, last = bisect_right(edges, begins) - 1, bisect_right(edges, begins + dose.over) - 1
            if begins + dose.over >= scenario.end * (1 - SAME_TIME):
                last = len(edges)
            if first == last or not given:
                jumps[first, place] += given
            else:
                infusions[first:last, place] += given / (bounds[last] - bounds[first])
    values = _values_at(scenario, arm)
    segments = [
        Segment(start, end, jump, infusion, np.array([values(start)[name] for name in system.parameters]))
        for start, end, jump, infusion in zip(edges, bounds[1:], jumps, infusions, strict=True)
    ]
    return Schedule(tuple(segments), tuple(edges[1:]))


def _values_at(scenario: Scenario, arm: Arm) -> Callable[[float], dict[str, float]]:
    """Every parameter as it is from a time on; of two changes that overlap the later line wins."""
    known: dict[tuple[bool, ...], dict[str, float]] = {}

    def values(time: float) -> dict[str, float]:
        active = tuple([change.active(time + SAME_TIME * scenario.end) for change in arm.changes])
        if active not in known:
            known[active] = scenario.parameters(arm)
            for change, holds in zip(arm.changes, active, strict=True):
                known[active] |= change.parameters if holds else {}
        return known[active]

    return values


def edge_times(scenario: Scenario, arm: Arm) -> list[float]:
    """0 and every time before the end at which a dose or change starts or stops."""
    times = [0.0]
    for dose in arm.doses:
        for number in range(dose.count):
            begins = dose.time(number)
            times += [begins, begins + dose.over]
    for change in arm.changes:
        times += [change.start] if change.end is None else [change.start, change.end]
    edges: list[float] = []
    for time in sorted(times):
        if time < scenario.end * (1 - SAME_TIME) and not (edges and time - edges[-1] <= SAME_TIME * scenario.end):
            edges.append(time)
    return edges


def _sizes(scenario: Scenario, arm: Arm) -> dict[str, list[float]]:
    """Every single dose in the unit of its target, with the volume and body at its start."""
    values_at = _values_at(scenario, arm)
    known: dict[tuple[str, int], float] = {}  # a volume, and which of the sets of values

    def size(dose: Dose, values: dict[str, float]) -> float:
        amount = dose.amount * dose.factor
        for name in dose.body:
            amount *= values[name]
        if dose.volume is None:
            return amount
        key = dose.volume, id(values)
        if key not in known:
            known[key] = constant(scenario.model, Name(dose.volume), values)
        return amount / known[key]

    return {dose.name: [size(dose, values_at(dose.time(number))) for number in range(dose.count)] for dose in arm.doses}


def ledger(scenario: Scenario, arm: Arm, trajectory: Trajectory) -> list[LedgerLine]:
    """Ordered, delivered and remaining of every dose.

    The solver counted what it put into each species while it ran. If that is not the sum of
    the doses delivered, something was missed, and `LedgerError` says so.
    """
    added, reached = trajectory.added, scenario.end
    if not trajectory.outcome.ok:
        reached = float(trajectory.times[-1]) if len(trajectory.times) else 0.0
    sizes = _sizes(scenario, arm)
    lines, expected = [], dict.fromkeys(added, 0.0)
    for dose in arm.doses:
        parts = [_fraction(dose, number, reached, scenario.end) for number in range(dose.count)]
        expected[dose.target] += sum(part * size for part, size in zip(parts, sizes[dose.name], strict=True))
        ordered, delivered = dose.amount * dose.count, dose.amount * sum(parts)
        given = sum(part > 0 for part in parts)
        lines.append(
            LedgerLine(
                dose.name, dose.target, dose.unit_text, ordered, delivered, ordered - delivered, given, dose.count
            )
        )
    for target, amount in expected.items():
        if trajectory.outcome.ok and abs(added[target] - amount) > 1e-9 * max(abs(amount), abs(added[target])):
            raise LedgerError(f"{target}: the schedule gave {amount:.12g}, the solver counted {added[target]:.12g}")
    return lines


def _fraction(dose: Dose, number: int, reached: float, end: float) -> float:
    """How much of one dose was given by the time `reached`, from 0 to 1."""
    begins = dose.time(number)
    if begins >= end * (1 - SAME_TIME) or begins > reached:
        return 0.0
    return 1.0 if dose.over == 0.0 else min(1.0, (reached - begins) / dose.over)
