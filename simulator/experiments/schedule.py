"""What happens in an arm and when: doses and timed changes become segments of time with jumps, infusions and
constant parameters, and a ledger counts what was given.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np

from ..model.expression import Name
from ..numerics.parameter_formulas import ParameterFormulas, Values
from ..numerics.system import System
from ..numerics.trajectory import Array, Segment, Trajectory
from .scenario import Arm, Dose, Scenario

SAME_TIME = 1e-9  # two edges closer than this (relative to the end of the run) are one

Active = tuple[bool, ...]  # for each change of an arm, whether it holds
Value = TypeVar("Value")  # float in one run; float or an array of shape (members,) in many


@dataclass(frozen=True, slots=True)
class DoseEvent:
    """One time at which a dose is given before the end of the run.

    dose: its index among the arm's doses. number: which of its times, from 0. first, last: a bolus at the start of
    segment `first` if they are equal, else an infusion through the segments `first` to ``last - 1``.
    share: how much of the dose is given before the end, from 0 to 1. active: the changes that hold when it begins.
    """

    dose: int
    number: int
    first: int
    last: int
    share: float
    active: Active


@dataclass(frozen=True)
class Timetable:
    """When things happen in an arm, without how much.

    bounds: where segments begin, from 0, and the end of the run; (segments + 1,), in the model's time unit.
    active: the changes that hold in each segment. events: every dose given, in the order of the arm's doses.
    """

    bounds: tuple[float, ...]
    active: tuple[Active, ...]
    events: tuple[DoseEvent, ...]


@dataclass(frozen=True)
class Schedule:
    """The segments of a run, and the times between them, at which something jumps."""

    segments: tuple[Segment, ...]
    edges: tuple[float, ...]


class DoseAmount(NamedTuple, Generic[Value]):
    """How much one dose is: `amount` in `unit_text`; the other fields are those of `Dose`."""

    target: str
    amount: Value
    unit_text: str
    factor: float
    body: tuple[str, ...]
    volume: str | None


class ArmValues(NamedTuple, Generic[Value]):
    """The values of an arm, without its times: of one run, or of many members of a sweep at once.

    initial, parameters: what differs from the model's own. doses: as in the arm. changes: the parameters that each
    change sets.
    """

    initial: Mapping[str, Value]
    parameters: Mapping[str, Value]
    doses: tuple[DoseAmount[Value], ...]
    changes: tuple[Mapping[str, Value], ...]


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
    """The solver did not put in what the schedule ordered: a bug of the simulator, never the user's fault."""


class Prepared(NamedTuple):
    """An arm ready to be solved: its schedule, the times to save (n,), and the states at the start, (species,)."""

    schedule: Schedule
    times: Array
    initial: Array


def prepare(scenario: Scenario, arm: Arm, system: System) -> Prepared:
    """Everything that `numerics.solve` needs for `arm`."""
    schedule = compile_schedule(scenario, arm, system)
    initial = system.parameter_formulas.initial_values(scenario.parameters(arm)) | dict(arm.initial)
    states = np.array([initial[name] for name in system.species])
    return Prepared(schedule, _output_times(scenario, schedule), states)


def _output_times(scenario: Scenario, schedule: Schedule) -> Array:
    """Every multiple of `every` up to the end, and every edge between."""
    count = math.floor(scenario.end / scenario.every * (1 + 1e-12))
    grid = np.arange(count + 1) * scenario.every
    marks = np.unique([0.0, *schedule.edges, scenario.end])
    after = np.searchsorted(marks, grid).clip(1, len(marks) - 1)
    distance = np.minimum(np.abs(grid - marks[after - 1]), np.abs(grid - marks[after]))
    return np.union1d(grid[distance > SAME_TIME * scenario.end], marks)


def compile_schedule(scenario: Scenario, arm: Arm, system: System) -> Schedule:
    """Everything that happens in `arm`, in order of time, as `numerics.solve` takes it."""
    plan = timetable(arm, scenario.end)
    amounts = DoseAmounts(arm_values(arm), scenario.parameters(arm), system.parameter_formulas)
    jumps, infusions = np.zeros((2, len(plan.active), len(system.species)))
    for dense, sparse in zip((jumps, infusions), amounts.given(plan, system.species), strict=True):
        for row, given in zip(dense, sparse, strict=True):
            row[list(given)] = list(given.values())
    parameters: dict[Active, Array] = {}  # one array serves all segments in which the same changes hold
    for active in set(plan.active):
        values = amounts.values(active)
        parameters[active] = np.array([values[name] for name in system.parameters])
    segments = [
        Segment(start, end, jump, infusion, parameters[active])
        for start, end, jump, infusion, active in zip(
            plan.bounds, plan.bounds[1:], jumps, infusions, plan.active, strict=False
        )
    ]
    return Schedule(tuple(segments), plan.bounds[1:-1])


def timetable(arm: Arm, end: float) -> Timetable:
    """When everything in `arm` happens before `end`, in the model's time unit."""
    edges = _edges(arm, end)
    events = []
    for index, dose in enumerate(arm.doses):
        for number in range(dose.count):
            begins = dose.time(number)
            share = share_given(dose, number, end, end)
            if not share:
                continue
            # an edge is never later than what it stands for, so the last one before is the right one
            first, last = bisect_right(edges, begins) - 1, bisect_right(edges, begins + dose.over) - 1
            if begins + dose.over >= end * (1 - SAME_TIME):
                last = len(edges)
            events.append(DoseEvent(index, number, first, last, share, active_changes(arm, begins, end)))
    return Timetable((*edges, end), tuple([active_changes(arm, edge, end) for edge in edges]), tuple(events))


def active_changes(arm: Arm, time: float, end: float) -> Active:
    """Which changes of `arm` hold from `time` on, in a run that ends at `end`."""
    return tuple([change.active(time + SAME_TIME * end) for change in arm.changes])


def share_given(dose: Dose, number: int, reached: float, end: float) -> float:
    """How much of dose `number` was given by the time `reached`, from 0 to 1, in a run that ends at `end`."""
    begins = dose.time(number)
    if begins >= end * (1 - SAME_TIME) or begins > reached:
        return 0.0
    return 1.0 if dose.over == 0.0 else min(1.0, (reached - begins) / dose.over)


def _edges(arm: Arm, end: float) -> list[float]:
    """0 and every time before the end at which a dose or change starts or stops, those nearly equal once."""
    times = [0.0]
    for dose in arm.doses:
        for number in range(dose.count):
            begins = dose.time(number)
            times += [begins, begins + dose.over]
    for change in arm.changes:
        times += [change.start] if change.end is None else [change.start, change.end]
    edges: list[float] = []
    for time in sorted(times):
        if time < end * (1 - SAME_TIME) and not (edges and time - edges[-1] <= SAME_TIME * end):
            edges.append(time)
    return edges


def arm_values(arm: Arm) -> ArmValues[float]:
    """The values of `arm`, without its times."""
    doses = [
        DoseAmount(dose.target, dose.amount, dose.unit_text, dose.factor, dose.body, dose.volume) for dose in arm.doses
    ]
    return ArmValues(arm.initial, arm.parameters, tuple(doses), tuple(change.parameters for change in arm.changes))


class DoseAmounts:
    """What doses come to in the units of their targets, and every parameter, while certain changes hold.

    Each is computed once. Values of one run are floats; what varies between members has shape (members,).
    """

    def __init__(self, values: ArmValues[Any], parameters: Values, formulas: ParameterFormulas) -> None:
        """parameters: every parameter of the model as it is at the start."""
        self.arm, self.parameters, self.formulas = values, parameters, formulas
        self._values: dict[Active, Values] = {}
        self._volumes: dict[tuple[str, Active], Any] = {}
        self._amounts: dict[tuple[int, Active], Any] = {}

    def values(self, active: Active) -> Values:
        """Every parameter while the changes `active` hold; of two that overlap the later one wins."""
        if active not in self._values:
            values = dict(self.parameters)
            for change, holds in zip(self.arm.changes, active, strict=True):
                values |= change if holds else {}
            self._values[active] = values
        return self._values[active]

    def of(self, index: int, active: Active) -> Any:
        """The arm's dose at index `index` in the unit of its target, with the volume and body that it meets."""
        if (index, active) not in self._amounts:
            dose, values = self.arm.doses[index], self.values(active)
            amount: Any = dose.amount * dose.factor
            for name in dose.body:
                amount = amount * values[name]
            if dose.volume is not None:
                with np.errstate(divide="ignore", invalid="ignore"):  # of many members one may have no volume
                    amount = amount / self._volume(dose.volume, active)
            self._amounts[index, active] = amount
        return self._amounts[index, active]

    def _volume(self, name: str, active: Active) -> Any:
        if (name, active) not in self._volumes:
            self._volumes[name, active] = self.formulas.value(Name(name), self.values(active))
        return self._volumes[name, active]

    def given(
        self, plan: Timetable, species: Sequence[str], rows: Any = None
    ) -> tuple[list[dict[int, Any]], list[dict[int, Any]]]:
        """Jumps, then infusions per time, of each segment of `plan`: by the index in `species`, in its unit.

        rows: only these of the members, where there are many.
        """
        jumps: list[dict[int, Any]] = [{} for _ in plan.active]
        infusions: list[dict[int, Any]] = [{} for _ in plan.active]
        for event in plan.events:
            index = species.index(self.arm.doses[event.dose].target)
            dose = self.of(event.dose, event.active)
            amount = (dose if rows is None or np.ndim(dose) == 0 else dose[rows]) * event.share
            if event.first == event.last:
                jumps[event.first][index] = jumps[event.first].get(index, 0.0) + amount
            else:
                rate = amount / (plan.bounds[event.last] - plan.bounds[event.first])
                for infusion in infusions[event.first : event.last]:
                    infusion[index] = infusion.get(index, 0.0) + rate
        return jumps, infusions


def ledger(scenario: Scenario, arm: Arm, trajectory: Trajectory) -> list[LedgerLine]:
    """Ordered, delivered and remaining of every dose.

    The solver counted what it put into each species while it ran. If that is not the sum of the doses delivered,
    something was missed, and `LedgerError` says so.
    """
    added, reached = trajectory.added, scenario.end
    if not trajectory.outcome.ok:
        reached = float(trajectory.times[-1]) if len(trajectory.times) else 0.0
    amounts = DoseAmounts(arm_values(arm), scenario.parameters(arm), ParameterFormulas(scenario.model))
    lines, expected = [], dict.fromkeys(added, 0.0)
    for index, dose in enumerate(arm.doses):
        shares = [share_given(dose, number, reached, scenario.end) for number in range(dose.count)]
        expected[dose.target] += sum(
            share * amounts.of(index, active_changes(arm, dose.time(number), scenario.end))
            for number, share in enumerate(shares)
        )
        ordered, delivered = dose.amount * dose.count, dose.amount * sum(shares)
        given = sum(share > 0 for share in shares)
        lines.append(
            LedgerLine(
                dose.name, dose.target, dose.unit_text, ordered, delivered, ordered - delivered, given, dose.count
            )
        )
    for target, amount in expected.items():
        if trajectory.outcome.ok and abs(added[target] - amount) > 1e-9 * max(abs(amount), abs(added[target])):
            raise LedgerError(f"{target}: the schedule gave {amount:.12g}, the solver counted {added[target]:.12g}")
    return lines
