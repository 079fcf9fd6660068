"""Doses and timed changes as SBML: amounts are parameters, and everything that happens at one time is one event.

Doses at time 0 are part of the initial values. An event at time 0 sets the parameters that later events change,
since not all simulators reset these.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Context
from functools import cached_property, partial, reduce
from typing import Any

from ....experiments.scenario import Arm, Dose, Scenario
from ....experiments.timetable import Active, timetable
from ....model.units import ONE, Unit, unit
from .formulas import Formulas, Ids, joined, libsbml
from .notes import name_and_note
from .rules import RuleWriter

_DIGITS_OF_LIBSBML = Context(prec=15, rounding=ROUND_FLOOR)  # how it writes numbers, but for the rounding

DoseTime = tuple[Dose, int]  # a dose and the number of the time it is given


@dataclass(frozen=True)
class Moment:
    """A time at which something happens.

    boluses: given at this time. running: infusions from this time on. holds: for each parameter that a change sets,
    the parameter whose value it has from this time on. labels: what happens, for the name of the event. levels: by
    species, the level that a rule sets, and which boluses come after it.
    """

    time: float
    boluses: tuple[DoseTime, ...]
    running: tuple[DoseTime, ...]
    holds: Mapping[str, str]
    labels: tuple[str, ...]
    levels: Mapping[str, tuple[float, tuple[DoseTime, ...]]]


class EventWriter:
    """Writes the doses and timed changes of an arm.

    now: for each parameter that a change sets, the name of the one that has its current value.
    """

    def __init__(self, scenario: Scenario, arm: Arm, ids: Ids) -> None:
        self.scenario, self.arm, self.model = scenario, arm, scenario.model
        changed = dict.fromkeys(name for change in arm.changes for name in change.parameters)
        changed |= dict.fromkeys(name for each in arm.inputs for name in each.piece(0))
        self._rules = RuleWriter(arm, ids)
        changed |= self._rules.changed
        self.now = {name: ids.free(name, "now") for name in changed}
        self._values = [
            {name: ids.free(name, "change", str(number)) for name in change.parameters}
            for number, change in enumerate(arm.changes, 1)
        ]
        self._pieces = [
            [
                {name: ids.free(name, "knot", str(number)) for name in each.piece(number)}
                for number in range(len(each.times) + 1)
            ]
            for each in arm.inputs
        ]
        self._amounts = {dose.name: ids.free("dose", dose.name) for dose in arm.doses}
        self._rates = {dose.name: ids.free("infusion_rate", dose.name) for dose in arm.doses}
        self._ids = ids

    @cached_property
    def moments(self) -> list[Moment]:
        """Everything that happens, in order of time; the first is time 0."""
        plan = timetable(self.arm, self.scenario.end, self.model)
        times = plan.bounds[:-1]
        boluses: list[list[DoseTime]] = [[] for _ in times]
        running: list[list[DoseTime]] = [[] for _ in times]
        labels: list[list[str]] = [[] for _ in times]
        for event in plan.events:
            dose = self.arm.doses[event.dose]
            given = dose, event.number
            labels[event.first].append(f"{dose.name} {event.number + 1}")
            if event.first == event.last:
                boluses[event.first].append(given)
            for place in range(event.first, event.last):
                running[place].append(given)
            if event.first < event.last < len(times):
                labels[event.last].append(f"{dose.name} {event.number + 1} ends")
        held = [self._held(active) for active in plan.active]
        for place, holds in enumerate(held):
            before = held[place - 1] if place else {name: name for name in self.now}
            labels[place] += [f"{name} changes" for name in holds if holds[name] != before[name]]
        levels: list[dict[str, tuple[float, tuple[DoseTime, ...]]]] = [{} for _ in times]
        for place, setting in zip(plan.settings, self.arm.settings, strict=False):
            later = tuple([(dose, number) for dose, number in boluses[place] if (dose.name, number) in setting.later])
            for name, level in setting.values.items():
                levels[place][name] = level, tuple([each for each in later if each[0].target == name])
                labels[place].append(f"{name} is set")
        return [
            Moment(time, tuple(given), tuple(runs), holds, tuple(texts), own)
            for time, given, runs, holds, texts, own in zip(times, boluses, running, held, labels, levels, strict=True)
        ]

    def _held(self, active: Active) -> dict[str, str]:
        holds = {name: name for name in self.now}
        count = len(self._values)
        for holding, values in zip(active[:count], self._values, strict=True):
            holds |= values if holding else {}
        for passed, pieces in zip(active[count:], self._pieces, strict=True):
            holds |= pieces[passed]
        return holds

    @property
    def infusions(self) -> dict[str, Dose]:
        """The doses that are infused, by the parameter that is their rate."""
        infused = {dose.name: dose for moment in self.moments for dose, _ in moment.running}
        infused |= {dose.name: dose for dose in self._rules.infused}
        return {self._rates[name]: dose for name, dose in infused.items()}

    def declare(self, formulas: Formulas) -> None:
        """Writes the parameters of doses and changes, before any formula refers to them."""
        for dose in self.arm.doses:
            amount = _parameter(formulas, self._amounts[dose.name], unit(dose.unit_text), dose.unit_text)
            amount.setValue(dose.amount)
            name_and_note(amount, f"amount of each dose of {dose.name}", [_times(dose, self.model.time_unit_text)])
        for change, values in zip(self.arm.changes, self._values, strict=True):
            for name, other in values.items():
                value = _parameter(formulas, other, self.model.unit(name))
                value.setValue(change.parameters[name])
                until = f" until {change.end:g}" if change.end is not None else ""
                text = f"{name} from {change.start:g}{until} {self.model.time_unit_text}"
                name_and_note(value, text)
        for each, pieces in zip(self.arm.inputs, self._pieces, strict=True):
            for number, ids in enumerate(pieces):
                for name, other in ids.items():
                    value = _parameter(formulas, other, self.model.unit(name))
                    value.setValue(each.piece(number)[name])
                    name_and_note(value, f"{name} once {number} of the knots of its input have passed")
        for name, other in self.now.items():
            now = _parameter(formulas, other, self.model.unit(name), constant=False)
            name_and_note(now, f"{self.model.parameters[name].label}, current value")
        for rate, dose in self.infusions.items():
            now = _parameter(formulas, rate, self._rate_unit(dose), constant=False)
            name_and_note(now, f"current infusion rate of {dose.name}")

    def starts(self, formulas: Formulas, species: str) -> list[Any]:
        """Formulas of the boluses into `species` at time 0; where a rule sets it, of those after that."""
        return self._given(formulas, self.moments[0], species)

    def level_at_start(self, species: str) -> float | None:
        """The level that a rule sets at time 0; None where none does."""
        found = self.moments[0].levels.get(species)
        return None if found is None else found[0]

    def write(self, formulas: Formulas) -> None:
        """Writes the initial values of what events set, and the events."""
        settings = self._settings(formulas, self.moments[0]) | self._rules.starts(formulas)
        for symbol, math in settings.items():
            initial = formulas.out.createInitialAssignment()
            initial.setSymbol(symbol)
            initial.setMath(math)
        if settings:
            self._event(formulas, self.moments[0], settings)
        for before, moment in zip(self.moments, self.moments[1:], strict=False):
            assigned = {}
            dosed = {dose.target for dose, _ in moment.boluses}
            for target in self.model.species:
                dilution = self._dilution(formulas, target, before.holds, moment.holds)
                if target in moment.levels:
                    level = formulas.number(moment.levels[target][0], self.model.species[target].unit)
                    assigned[target] = _sum([level, *self._given(formulas, moment, target)])
                elif target in dosed or dilution is not None:
                    own = formulas.name(target)[0]
                    own = own if dilution is None else joined("mul", own, dilution)
                    assigned[target] = _sum([own, *self._given(formulas, moment, target)])
            changed = {self.now[name] for name, held in moment.holds.items() if held != before.holds[name]}
            for rate, dose in self.infusions.items():
                diluted = self._dilution(formulas, dose.target, before.holds, moment.holds) is not None
                if diluted or _of(moment, rate, self) != _of(before, rate, self):
                    changed.add(rate)
            assigned |= {name: math for name, math in self._settings(formulas, moment).items() if name in changed}
            begun = [dose for dose, number in moment.running if (dose, number) not in before.running]
            assigned |= self._rules.decisions(formulas, [*(dose for dose, _ in moment.boluses), *begun])
            if assigned:
                self._event(formulas, moment, assigned)
        sizes = partial(self._size, formulas, holds=None, number=0)
        self._rules.write(formulas, sizes, self._rates, self.now)

    def _given(self, formulas: Formulas, moment: Moment, species: str) -> list[Any]:
        return [
            self._decided(formulas, dose, self._size(formulas, dose, moment.holds, number), moment)
            for dose, number in (moment.levels[species][1] if species in moment.levels else moment.boluses)
            if dose.target == species
        ]

    def _settings(self, formulas: Formulas, moment: Moment) -> dict[str, Any]:
        """Formulas of changed parameters and infusion rates from `moment` on, by symbol."""
        found = {}
        for name, held in moment.holds.items():
            found[self.now[name]] = formulas.name(name, {name: held})[0]
        for rate, dose in self.infusions.items():
            parts = [self._part(formulas, each, number, moment) for each, number in _of(moment, rate, self)]
            found[rate] = _sum(parts) if parts else formulas.number(0.0, self._rate_unit(dose))
        return found

    def _part(self, formulas: Formulas, dose: Dose, number: int, moment: Moment) -> Any:
        """The rate of one infusion at `moment`: its amount is that of when it began, its volume that of now."""
        holds = next(each.holds for each in self.moments if (dose, number) in each.running)
        begins = next(each for each in self.moments if (dose, number) in each.running) is moment
        size = self._decided(formulas, dose, self._size(formulas, dose, holds, number), moment, begins)
        rate = joined("div", size, formulas.number(dose.over, self.model.time_unit))
        dilution = self._dilution(formulas, dose.target, holds, moment.holds)
        return rate if dilution is None else joined("mul", rate, dilution)

    def _decided(self, formulas: Formulas, dose: Dose, size: Any, moment: Moment, begins: bool = True) -> Any:
        """What rules leave of the size of a dose; nothing comes before one at time 0."""
        share = None if begins and moment is self.moments[0] else self._rules.share(formulas, dose, begins)
        return size if share is None else joined("mul", size, share)

    def _dilution(
        self, formulas: Formulas, species: str, before: Mapping[str, str], after: Mapping[str, str]
    ) -> Any | None:
        """The volume of a species before over that after, or None where it stays."""
        volume = self.model.species[species].dissolved_in
        if volume is None or not formulas.differs(volume, before, after):
            return None
        return joined("div", formulas.name(volume, before)[0], formulas.name(volume, after)[0])

    def _size(self, formulas: Formulas, dose: Dose, holds: Mapping[str, str] | None, number: int) -> Any:
        """What enters by one time of a dose, in the unit of its target."""
        size, given = formulas.name(self._amounts[dose.name], holds)
        share = dose.share * (dose.part(number) if number >= 0 else 1.0)
        if share != 1.0:
            size = joined("mul", size, formulas.number(share, ONE))
        for name in dose.body:
            body, measured = formulas.name(name, holds)
            size, given = joined("mul", size, body), given * measured
        wanted = self.model.species[dose.target].unit
        if dose.volume is None:
            return joined("mul", formulas.number(dose.factor, wanted / given), size)
        volume, measured = formulas.name(dose.volume, holds)
        return joined("div", joined("mul", formulas.number(dose.factor, wanted * measured / given), size), volume)

    def _event(self, formulas: Formulas, moment: Moment, assigned: Mapping[str, Any]) -> None:
        event = formulas.out.createEvent()
        event.setId(self._ids.free("event", f"{moment.time:g}"))
        name_and_note(event, ", ".join(moment.labels) or "start")
        event.setUseValuesFromTriggerTime(not self.arm.rules)  # what a rule gives at this time must not be lost
        trigger = event.createTrigger()
        trigger.setPersistent(True)
        trigger.setInitialValue(False)
        if self.arm.rules:
            event.createPriority().setMath(formulas.number(float(self._rules.first + 1), ONE))
        clock = formulas.name("time")[0]
        trigger.setMath(_at_least(clock, formulas.number(_not_later(moment.time), self.model.time_unit)))
        for name, math in assigned.items():
            assignment = event.createEventAssignment()
            assignment.setVariable(name)
            assignment.setMath(math)

    def _rate_unit(self, dose: Dose) -> Unit:
        return self.model.species[dose.target].unit / self.model.time_unit


def _of(moment: Moment, rate: str, writer: EventWriter) -> list[DoseTime]:
    return [each for each in moment.running if writer.infusions[rate] is each[0]]


def _parameter(formulas: Formulas, name: str, measured: Unit, text: str = "", constant: bool = True) -> Any:
    formulas.units[name] = measured
    parameter = formulas.out.createParameter()
    parameter.setId(name)
    parameter.setUnits(formulas.unit_id(measured, text))
    parameter.setConstant(constant)
    return parameter


def _times(dose: Dose, time_unit: str) -> str:
    starts = dose.starts if dose.times or dose.by_rule else (dose.at,)
    at = ", ".join([f"{time:g}" for time in starts]) or "no time of"
    every = f", then every {dose.every:g} {time_unit}, {dose.count} times in all"
    every = every if dose.count > 1 and not dose.times else ""
    over = f", each over {dose.over:g} {time_unit}" if dose.over else ""
    lag = f", entering {dose.lag:g} {time_unit} later" if dose.lag else ""
    share = " (as rules decided)" if dose.parts else ""
    share += f", of which the share {dose.share:g} enters" if dose.share != 1.0 else ""
    named = "".join([f"; its {key} is {name} of the model" for key, name in dose.named])
    return f"into {dose.target} at {at} {time_unit}{every}{over}{lag}{share}{named}"


def _sum(parts: Iterable[Any]) -> Any:
    return reduce(lambda a, b: joined("add", a, b), parts)


def _not_later(time: float) -> float:
    """`time` in the 15 digits that libSBML writes, never rounded up: a value at the time of a dose must be the one
    after it."""
    return float(_DIGITS_OF_LIBSBML.create_decimal(time))


def _at_least(a: Any, b: Any) -> Any:
    node = libsbml.ASTNode(libsbml.AST_RELATIONAL_GEQ)
    node.addChild(a)
    node.addChild(b)
    return node
