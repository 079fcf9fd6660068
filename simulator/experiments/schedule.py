"""Doses and timed changes become jumps, infusions and stretches of time without either."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..model.expression import Name
from ..numerics.parameter_formulas import ParameterFormulas, Values
from ..numerics.system import System
from ..numerics.trajectory import Array, Segment, Trajectory
from .scenario import Arm, Scenario
from .timetable import Active, Timetable, active, fraction, timetable


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
    plan = timetable(arm, scenario.end)
    sizes = DoseAmounts(arm, scenario.parameters(arm), system.parameter_formulas)
    jumps, infusions = np.zeros((2, len(plan.active), len(system.species)))
    for dense, sparse in zip((jumps, infusions), amounts(arm, plan, sizes.of, system.species), strict=True):
        for row, given in zip(dense, sparse, strict=True):
            row[list(given)] = list(given.values())
    known: dict[Active, Array] = {}
    for holding in set(plan.active):
        values = sizes.values(holding)
        known[holding] = np.array([values[name] for name in system.parameters])
    segments = [
        Segment(start, end, jump, infusion, known[holding])
        for start, end, jump, infusion, holding in zip(
            plan.bounds, plan.bounds[1:], jumps, infusions, plan.active, strict=False
        )
    ]
    return Schedule(tuple(segments), plan.bounds[1:-1])


class DoseAmounts:
    """What doses come to in the units of their targets, and every parameter, while certain changes hold.

    Of one set of values or of many members: what varies is then an array of shape (m,).
    """

    def __init__(self, arm: Arm, parameters: Values, formulas: ParameterFormulas) -> None:
        self.arm, self.parameters, self.formulas = arm, parameters, formulas
        self._values: dict[Active, Values] = {}
        self._volumes: dict[tuple[str, Active], Any] = {}
        self._sizes: dict[tuple[int, Active], Any] = {}

    def values(self, active: Active) -> Values:
        """Every parameter; of two changes that overlap the later line wins."""
        if active not in self._values:
            values = dict(self.parameters)
            for change, holds in zip(self.arm.changes, active, strict=True):
                values |= change.parameters if holds else {}
            self._values[active] = values
        return self._values[active]

    def of(self, place: int, active: Active) -> Any:
        """One dose of the arm's `place`-th, with the volume and body that it meets."""
        if (place, active) not in self._sizes:
            dose, values = self.arm.doses[place], self.values(active)
            size: Any = dose.amount * dose.factor
            for name in dose.body:
                size = size * values[name]
            if dose.volume is not None:
                with np.errstate(divide="ignore", invalid="ignore"):  # of many members one may have no volume
                    size = size / self._volume(dose.volume, active)
            self._sizes[place, active] = size
        return self._sizes[place, active]

    def _volume(self, name: str, active: Active) -> Any:
        if (name, active) not in self._volumes:
            self._volumes[name, active] = self.formulas.value(Name(name), self.values(active))
        return self._volumes[name, active]


def amounts(
    arm: Arm, plan: Timetable, size: Callable[[int, Active], Any], species: Sequence[str], rows: Any = None
) -> tuple[list[dict[int, Any]], list[dict[int, Any]]]:
    """Jumps, then infusions per time, of each stretch: by the place of the species, in its unit.

    size: as `DoseAmounts.of`. rows: only these of the members, where they are many.
    """
    jumps: list[dict[int, Any]] = [{} for _ in plan.active]
    infusions: list[dict[int, Any]] = [{} for _ in plan.active]
    for portion in plan.portions:
        place = species.index(arm.doses[portion.dose].target)
        whole = size(portion.dose, portion.active)
        given = (whole if rows is None or np.ndim(whole) == 0 else whole[rows]) * portion.share
        if portion.first == portion.last:
            jumps[portion.first][place] = jumps[portion.first].get(place, 0.0) + given
        else:
            rate = given / (plan.bounds[portion.last] - plan.bounds[portion.first])
            for stretch in infusions[portion.first : portion.last]:
                stretch[place] = stretch.get(place, 0.0) + rate
    return jumps, infusions


def ledger(scenario: Scenario, arm: Arm, trajectory: Trajectory) -> list[LedgerLine]:
    """Ordered, delivered and remaining of every dose.

    The solver counted what it put into each species while it ran. If that is not the sum of
    the doses delivered, something was missed, and `LedgerError` says so.
    """
    added, reached = trajectory.added, scenario.end
    if not trajectory.outcome.ok:
        reached = float(trajectory.times[-1]) if len(trajectory.times) else 0.0
    sizes = DoseAmounts(arm, scenario.parameters(arm), ParameterFormulas(scenario.model))
    lines, expected = [], dict.fromkeys(added, 0.0)
    for place, dose in enumerate(arm.doses):
        parts = [fraction(dose, number, reached, scenario.end) for number in range(dose.count)]
        expected[dose.target] += sum(
            part * sizes.of(place, active(arm, dose.time(number), scenario.end)) for number, part in enumerate(parts)
        )
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
