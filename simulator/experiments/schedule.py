"""What happens in an arm and when: doses and timed changes become segments of time with jumps, infusions and
constant parameters, and a ledger counts what was given.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..model.expression import Name
from ..model.instants import ticks_of, time_of
from ..model.units import ONE
from ..numerics.parameter_formulas import ParameterFormulas, Values
from ..numerics.system import System
from ..numerics.trajectory import Array, Segment, Trajectory
from .rules import Setting
from .scenario import Arm, Dose, Input, Scenario
from .timetable import Active, DoseEvent, Timetable, given_share, timetable

SUBNORMAL = 1e-300  # amounts near the smallest float have few digits
EXACT = 2**53  # floats hold every whole number below

Value = TypeVar("Value")  # float in one run; float or an array of shape (members,) in many


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
    share: Value
    named: tuple[tuple[str, str], ...] = ()
    name: str = ""


class ArmValues(NamedTuple, Generic[Value]):
    """The values of an arm, without its times: of one run, or of many members of a sweep at once.

    initial, parameters: what differs from the model's own. doses: as in the arm. changes: the parameters that each
    change sets. inputs, settings: as in the arm.
    """

    initial: Mapping[str, Value]
    parameters: Mapping[str, Value]
    doses: tuple[DoseAmount[Value], ...]
    changes: tuple[Mapping[str, Value], ...]
    inputs: tuple[Input, ...] = ()
    settings: tuple[Setting, ...] = ()


@dataclass(frozen=True)
class LedgerLine:
    """One dose: amounts in the unit it was ordered in (per kg and per m2 as ordered).

    ordered: `count` times the amount. delivered: what was given before the end; held: what rules withheld before it;
    remaining: the rest.
    absorbed: what entered the target, which is later after a lag and less where only a share does. given: how many
    of `count` were begun.
    """

    dose: str
    target: str
    unit: str
    ordered: float
    delivered: float
    remaining: float
    absorbed: float
    held: float
    given: int
    count: int


class LedgerError(RuntimeError):
    """The solver did not put in what the schedule ordered: a bug of the simulator, never the user's fault."""


class Prepared(NamedTuple):
    """An arm ready to be solved.

    times: to save, (n,). initial: the states at the start, (species,). again: the schedule of the second computation,
    where rules found other times with its tolerance; None where it is the same.
    """

    schedule: Schedule
    times: Array
    initial: Array
    again: Schedule | None = None

    @property
    def second(self) -> Schedule:
        """The schedule of the second computation."""
        return self.again or self.schedule

    def alike(self) -> NDArray[np.bool_]:
        """Which of `times` two computations can be compared at: not those between two times of one event; (n,)."""
        found = np.ones(len(self.times), dtype=bool)
        edges, others = self.schedule.edges, self.second.edges
        for one, other in zip(edges, others, strict=True) if len(edges) == len(others) else ():
            if one != other:
                found &= (self.times < min(one, other)) | (self.times > max(one, other))
        return found


def prepare(scenario: Scenario, arm: Arm, system: System) -> Prepared:
    """Everything that `numerics.solve` needs for `arm`."""
    schedule = compile_schedule(scenario, arm, system)
    initial = system.parameter_formulas.initial_values(scenario.parameters(arm)) | dict(arm.initial)
    states = np.array([initial[name] for name in system.species])
    times = np.unique(np.concatenate([saved_times(scenario), [0.0, *schedule.edges, scenario.end]]))
    return Prepared(schedule, times, states)


def saved_times(scenario: Scenario) -> Array:
    """When curves are saved: every multiple of `every` up to the end, shape (times,), in the model's time unit."""
    unit = scenario.model.time_unit
    every, end = ticks_of(scenario.every, unit), ticks_of(scenario.end, unit)
    if not every:
        raise ValueError(f"values every {scenario.every:g} {scenario.model.time_unit_text}")
    count, size = end // every, ticks_of(1.0, unit)
    step, size = every // math.gcd(every, size), size // math.gcd(every, size)
    if count * step < EXACT and size < EXACT:  # the quotient of two whole numbers is rounded once, as in `time_of`
        times: Array = np.arange(0.0, count + 1.0) * float(step) / float(size)
    else:
        times = np.array([time_of(number * every, unit) for number in range(count + 1)])
    return times


def compile_schedule(scenario: Scenario, arm: Arm, system: System) -> Schedule:
    """Everything that happens in `arm`, in order of time, as `numerics.solve` takes it."""
    plan = timetable(arm, scenario.end, scenario.model)
    amounts = DoseAmounts(arm_values(arm), scenario.parameters(arm), system.parameter_formulas)
    jumps, infusions = (_dense(given, system) for given in amounts.given(plan, system.species))
    dilutions = [_dense([each], system, 1.0)[0] if each else None for each in amounts.dilutions(plan, system.species)]
    parameters: dict[Active, Array] = {}  # one array serves all segments in which the same changes hold
    for active in set(plan.active):
        values = amounts.values(active)
        parameters[active] = np.array([values[name] for name in system.parameters])
    segments = [
        Segment(start, end, jump, infusion, parameters[active], dilution)
        for start, end, jump, infusion, active, dilution in zip(
            plan.bounds, plan.bounds[1:], jumps, infusions, plan.active, dilutions, strict=False
        )
    ]
    return Schedule(tuple(segments), plan.bounds[1:-1])


def _dense(sparse: Sequence[Mapping[int, float]], system: System, default: float = 0.0) -> Array:
    """Rows of values by the index of a species as an array of shape (rows, species)."""
    dense = np.full((len(sparse), len(system.species)), default)
    for row, given in zip(dense, sparse, strict=True):
        row[list(given)] = list(given.values())
    return dense


def arm_values(arm: Arm) -> ArmValues[float]:
    """The values of `arm`, without its times."""
    doses = [
        DoseAmount(d.target, d.amount, d.unit_text, d.factor, d.body, d.volume, d.share, d.named, d.name)
        for d in arm.doses
    ]
    changes = tuple([change.parameters for change in arm.changes])
    return ArmValues(arm.initial, arm.parameters, tuple(doses), changes, arm.inputs, arm.settings)


class DoseAmounts:
    """What doses come to in the units of their targets, and every parameter, while certain changes hold.

    Each is computed once. Values of one run are floats; what varies between members has shape (members,).
    """

    def __init__(self, values: ArmValues[Any], parameters: Values, formulas: ParameterFormulas) -> None:
        """parameters: every parameter of the model as it is at the start."""
        self.arm, self.parameters, self.formulas = values, parameters, formulas
        self._values: dict[Active, Values] = {}
        self._volumes: dict[tuple[str, Active], Any] = {}
        self._moving: dict[str, bool] = {}
        self._amounts: dict[tuple[int, Active], Any] = {}
        self._dilutions: dict[tuple[str, Active, Active], Any] = {}

    def values(self, active: Active) -> Values:
        """Every parameter while the changes `active` hold; of two that overlap the later one wins."""
        if active not in self._values:
            values = dict(self.parameters)
            count = len(self.arm.changes)
            for change, holds in zip(self.arm.changes, active[:count], strict=True):
                values |= change if holds else {}
            for each, passed in zip(self.arm.inputs, active[count:], strict=True):
                values |= each.piece(passed)
            self._values[active] = values
        return self._values[active]

    def of(self, index: int, active: Active) -> Any:
        """What enters by the arm's dose at index `index`, in the unit of its target, with the volume and body that it
        meets."""
        if (index, active) not in self._amounts:
            dose, values = self.arm.doses[index], self.values(active)
            named = dict(dose.named)
            amount: Any = (values[named["amount"]] if "amount" in named else dose.amount) * dose.factor
            if "share" in named:
                unit = self.formulas.model.parameters[named["share"]].unit
                amount = amount * (values[named["share"]] * unit.to(ONE))
            else:
                amount = amount * dose.share
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

    def _moves(self, volume: str) -> bool:
        """Whether a change or an input sets what a volume depends on."""
        if volume not in self._moving:
            graph = self.formulas.graph
            read = {graph.nodes[each].name for each in graph.symbols_of(self.formulas.names[volume])}
            named = {name for change in self.arm.changes for name in change}
            self._moving[volume] = bool(read & named.union(*(each.piece(0) for each in self.arm.inputs)))
        return self._moving[volume]

    def dilution(self, species: str, before: Active, after: Active) -> Any:
        """The volume of `species` while the changes `before` hold over that while `after` hold: 1.0 where it has none,
        or none that changes."""
        volume = self.formulas.model.species[species].dissolved_in
        if volume is None or before == after or not self._moves(volume):
            return 1.0
        key = volume, before, after
        if key not in self._dilutions:
            first, second = self._volume(volume, before), self._volume(volume, after)
            with np.errstate(divide="ignore", invalid="ignore"):  # of many members one may have no volume
                self._dilutions[key] = 1.0 if np.array_equal(first, second) else first / second
        return self._dilutions[key]

    def dilutions(self, plan: Timetable, species: Sequence[str], rows: Any = None) -> list[dict[int, Any]]:
        """The dilution of each species at the start of each segment of `plan`, by its index, where there is one: the
        volume changes there, and the amount stays; or nothing stays, where a rule sets a level. Arguments as in
        `given`."""
        found: list[dict[int, Any]] = [{} for _ in plan.active]
        dissolved: dict[str, list[int]] = {}
        for index, name in enumerate(species):
            volume = self.formulas.model.species[name].dissolved_in
            if volume is not None:
                dissolved.setdefault(volume, []).append(index)
        for place, (before, after) in enumerate(pairwise(plan.active), 1):
            for own in dissolved.values() if before != after else ():
                factor = self.dilution(species[own[0]], before, after)
                if np.ndim(factor) or factor != 1.0:
                    found[place] |= dict.fromkeys(own, factor if rows is None or np.ndim(factor) == 0 else factor[rows])
        for place, setting in zip(plan.settings, self.arm.settings, strict=False):
            found[place] |= {species.index(name): 0.0 for name in setting.values}
        return found

    def given(
        self, plan: Timetable, species: Sequence[str], rows: Any = None
    ) -> tuple[list[dict[int, Any]], list[dict[int, Any]]]:
        """Jumps, then infusions per time, of each segment of `plan`: by the index in `species`, in its unit. Where a
        rule sets a level, the jump is from nothing, and of the doses of that instant those that come after count.

        rows: only these of the members, where there are many.
        """
        jumps: list[dict[int, Any]] = [{} for _ in plan.active]
        infusions: list[dict[int, Any]] = [{} for _ in plan.active]
        targets = [species.index(dose.target) for dose in self.arm.doses]
        levels: dict[tuple[int, int], Setting] = {}
        for place, setting in zip(plan.settings, self.arm.settings, strict=False):
            for name, level in setting.values.items():
                levels[place, species.index(name)] = setting
                jumps[place][species.index(name)] = level
        for event in plan.events:
            target, active = self.arm.doses[event.dose].target, plan.active[event.first]
            index, dose = targets[event.dose], self.of(event.dose, active)
            amount = (dose if rows is None or np.ndim(dose) == 0 else dose[rows]) * event.share
            if event.first == event.last:
                level_set = levels.get((event.first, index))
                if level_set is None or (self.arm.doses[event.dose].name, event.number) in level_set.later:
                    jumps[event.first][index] = jumps[event.first].get(index, 0.0) + amount
            else:
                rate = amount / (plan.bounds[event.last] - plan.bounds[event.first])
                for place in range(event.first, event.last):
                    own = rate
                    if plan.active[place] != active:
                        factor = self.dilution(target, active, plan.active[place])
                        own = rate * (factor if rows is None or np.ndim(factor) == 0 else factor[rows])
                    infusions[place][index] = infusions[place].get(index, 0.0) + own
        return jumps, infusions


def ledger(scenario: Scenario, arm: Arm, trajectory: Trajectory, system: System) -> list[LedgerLine]:
    """Ordered, delivered, remaining and absorbed of every dose.

    The solver counted what it put into each species while it ran. If that is not the sum of the doses delivered, as a
    concentration in the volume at the end, something was missed, and `LedgerError` says so. Of a species whose level a
    rule set there is no such sum.
    """
    added, reached = trajectory.added, scenario.end
    if not trajectory.outcome.ok:
        reached = float(trajectory.times[-1]) if len(trajectory.times) else 0.0
    amounts = DoseAmounts(arm_values(arm), scenario.parameters(arm), system.parameter_formulas)
    plan = timetable(arm, scenario.end, scenario.model)
    given_of: dict[int, list[DoseEvent]] = {index: [] for index in range(len(arm.doses))}
    for event in plan.events:
        given_of[event.dose].append(event)
    lines, expected = [], dict.fromkeys(added, 0.0)
    for index, dose in enumerate(arm.doses):
        shares = [plan.share_given(event, reached) for event in given_of[index]]
        for event, share in zip(given_of[index], shares, strict=True):
            active = plan.active[event.first]
            diluted = amounts.dilution(dose.target, active, plan.active[-1])
            expected[dose.target] += share * amounts.of(index, active) * diluted
        of_this_run = sum(s for e, s in zip(given_of[index], shares, strict=True) if e.number >= 0)
        lines.append(_line(dose, reached, dose.amount * dose.share * of_this_run))
    for target in {name for setting in arm.settings for name in setting.values}:
        del expected[target]
    for target, amount in expected.items():
        rounding = max(1e-9 * max(abs(amount), abs(added[target])), SUBNORMAL)
        if trajectory.outcome.ok and abs(added[target] - amount) > rounding:
            raise LedgerError(f"{target}: the schedule gave {amount:.12g}, the solver counted {added[target]:.12g}")
    return lines


def _line(dose: Dose, reached: float, absorbed: float) -> LedgerLine:
    """The line of a dose in a run that came to the time `reached`."""
    shares = [given_share(dose, number, reached) for number in range(dose.count)]
    ordered, delivered, given = dose.amount * dose.count, dose.amount * sum(shares), sum(each > 0 for each in shares)
    parts = [1.0 - dose.part(number) for number in range(dose.count) if dose.time(number) < reached]
    held = dose.amount * sum(parts)
    remaining = ordered - delivered - held
    return LedgerLine(
        dose.name, dose.target, dose.unit_text, ordered, delivered, remaining, absorbed, held, given, dose.count
    )
