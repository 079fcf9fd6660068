"""A scenario as frozen values: one question with every default filled in, holding its model.

Times are in the model's time unit, parameters and initial values in the unit that the model declares for them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from ..model.declarations import Source
from ..model.expression import Expression, Name
from ..model.instants import ticks_of, time_of
from ..model.model import Model
from ..model.units import Unit, interval_text
from ..runtime.errors import InputError, request_fault
from ..runtime.names import unknown_name
from .rules import AnyRule, Condition, Crossing, Setting, Switching

if TYPE_CHECKING:  # what few scenarios have is loaded with them: `check` starts fast
    from .explorer.choices import Explore
    from .fitting.design import Fit
    from .sweeps.designs import Sweep

MAIN = "main"  # the arm that is the scenario as it is described

_NAME = re.compile(r"[A-Za-z]\w*")
_FOLD = re.compile(r"(\w+) / at\(\1, '([^']*)'\)")  # a curve in terms of its own value at a time


class Rate(NamedTuple):
    """How fast a dose is infused: `number` in `unit_text`, an amount per time.

    factor: turns it into the unit of the target (times that of its volume) per time unit of the model, after
    multiplication by the parameters in `body`.
    """

    number: float
    unit_text: str
    factor: float
    body: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Dose:
    """An amount given once or `count` times, as a bolus or evenly `over` a time.

    target: the species it is given to. amount: in `unit_text`, which is per kg or per m2 if `body` names the parameter
    to multiply by. factor: turns it into the unit of the target, after division by `volume` where there is one.
    at, every, over: the first time, the interval between two and the length of an infusion, 0 for a bolus, in
    `time_unit`, that of the model. times: all `count` times where they are listed, and there is no interval.
    lag: how much later than given it begins to enter the target. share: the part of it that does, from 0 to 1.
    rate: of an infusion whose length follows from it. named: which of amount, over, rate, lag and share are the value
    of a parameter, each with its name; the fields hold what `timetable.settled` made of the values of an arm.
    steady: whether it has been given for ever before the start of the run, whose states are those that recur with it.
    parts: where rules have decided about it, how much of each of its `times` is given, from 0 to 1. by_rule: whether
    only rules give it: `every` and `count` are then those of the course that begins each time, and `times` all that
    were given so; none yet where there are none.
    """

    name: str
    target: str
    amount: float
    unit_text: str
    factor: float
    body: tuple[str, ...]
    volume: str | None
    at: float
    every: float
    count: int
    over: float
    time_unit: Unit
    times: tuple[float, ...] = ()
    lag: float = 0.0
    share: float = 1.0
    rate: Rate | None = None
    named: tuple[tuple[str, str], ...] = ()
    steady: bool = False
    parts: tuple[float, ...] = ()
    by_rule: bool = False

    def time(self, number: int) -> float:
        """When dose `number`, counted from 0, is given."""
        return time_of(self.ticks(number), self.time_unit)

    def ticks(self, number: int) -> int:
        """The same in ticks."""
        if self.times:
            return ticks_of(self.times[number], self.time_unit)
        return ticks_of(self.at, self.time_unit) + number * ticks_of(self.every, self.time_unit)

    def entry(self, number: int) -> float:
        """When dose `number`, counted from 0, begins to enter its target: after the lag."""
        return time_of(self.ticks(number) + ticks_of(self.lag, self.time_unit), self.time_unit)

    def part(self, number: int) -> float:
        """How much of dose `number`, counted from 0, is given: all of it, unless a rule decided otherwise."""
        return self.parts[number] if self.parts else 1.0

    @property
    def starts(self) -> list[float]:
        """The times at which it is given, without those that a rule held."""
        return [] if self.waiting else [self.time(number) for number in range(self.count) if self.part(number)]

    @property
    def waiting(self) -> bool:
        """Whether only a rule gives it, and none has yet."""
        return self.by_rule and not self.times

    @property
    def timed_by(self) -> frozenset[str]:
        """The parameters that decide when or for how long it is given."""
        found = {name for key, name in self.named if key in ("over", "rate", "lag")}
        if self.rate is not None:
            found |= {name for key, name in self.named if key == "amount"}
            found |= {*self.body} ^ {*self.rate.body}  # what both are per kg of cancels
        return frozenset(found)

    @property
    def infused(self) -> bool:
        """Whether it is an infusion, for some values of its parameters at least."""
        return self.over > 0 or self.rate is not None or any(key == "over" for key, _ in self.named)


class Change(NamedTuple):
    """Parameter values that hold from `start` on, until `end` if there is one."""

    start: float
    end: float | None
    parameters: Mapping[str, float]

    def active(self, time: float) -> bool:
        """Whether it holds at `time`; at its end it no longer does."""
        return self.start <= time and (self.end is None or time < self.end)


class Input(NamedTuple):
    """A parameter that follows a table of values over time.

    times, values: its knots, in the model's time unit and that of the parameter; before the first and after the last it
    stays. slope, since: the parameters that make it a straight line between two knots (`model.ramps`); empty where it
    keeps the value of a knot until the next.
    """

    parameter: str
    times: tuple[float, ...]
    values: tuple[float, ...]
    slope: str = ""
    since: str = ""

    def piece(self, number: int) -> dict[str, float]:
        """The values of its parameters once `number` of its knots have passed."""
        first = max(number - 1, 0)
        found = {self.parameter: self.values[first]}
        if self.slope:
            rising = 0 < number < len(self.times)
            rise = (
                (self.values[number] - self.values[first]) / (self.times[number] - self.times[first]) if rising else 0.0
            )
            found |= {self.slope: rise, self.since: self.times[first]}
        return found


class Arm(NamedTuple):
    """One variant of the question.

    label: for people; '' where the name says it. initial, parameters: the values that differ from the model's own.
    own: the paths of what the arm sets itself and does not take from the scenario, written as for ``--set``:
    "stop_sensitivity", "initial.pathogen", "dose.aldesleukin.amount". inputs: the parameters that follow tables.
    rules: what decides while it runs. settings: the levels that rules have set.
    """

    name: str
    label: str
    initial: Mapping[str, float]
    parameters: Mapping[str, float]
    doses: tuple[Dose, ...]
    changes: tuple[Change, ...]
    own: frozenset[str] = frozenset()
    inputs: tuple[Input, ...] = ()
    rules: tuple[AnyRule, ...] = ()
    settings: tuple[Setting, ...] = ()

    @property
    def title(self) -> str:
        """What figures and tables call it."""
        return self.label or ("as described" if self.name == MAIN else self.name)


def crossings_of(arm: Arm) -> list[Crossing]:
    """The rules of an arm that are about crossings."""
    return [rule for rule in arm.rules if isinstance(rule, Crossing)]


def switches_of(arm: Arm) -> list[Switching]:
    """What makes the rates of an arm jump."""
    return [rule for rule in arm.rules if isinstance(rule, Switching)]


class Expectation(NamedTuple):
    """A measure and the interval in which it must lie, with the source that says so.

    that: what is expected, in words. low, high: in `unit`; infinite where there is no bound. source: ``KEY, place`` or
    ``assumed``. status: how well the number is verified. rule: how the interval follows from the published number.
    topic: the field it is a fact of. claim: the statement that it supports, if any. breaks_in: arms without the
    mechanism, each of which must fail it when read in place of the main arm (of the first, if the measure reads others
    only). missed: why the model does not meet it, where that is known. fact: the fact of the register that it asks, if
    any. log10: this fact is a decimal logarithm. set_aside: it was never used for fitting; it is counted apart, and
    need not be met.
    """

    id: str
    that: str
    measure_text: str
    measure: Expression
    low: float
    high: float
    unit_text: str
    unit: Unit
    source: str
    status: str
    rule: str = ""
    topic: str = ""
    claim: str = ""
    breaks_in: tuple[str, ...] = ()
    missed: str = ""
    fact: str = ""
    log10: bool = False
    set_aside: bool = False

    def met_by(self, value: float) -> bool:
        """Whether `value`, in `unit`, lies in the interval; 'above' and 'below' exclude the bound."""
        if math.isinf(self.low) or math.isinf(self.high):
            return self.low < value < self.high
        return self.low <= value <= self.high

    @property
    def interval_text(self) -> str:
        """The interval for files and programs: ``2 to 5 pM``, ``above 1``, ``below 3 d``."""
        return interval_text(self.low, self.high, self.unit_text)


class AnswerNumber(NamedTuple):
    """A number in a sentence of the answer.

    text: as it is written. measure: what is computed. unit_text: that of its value, or ``percent``; empty where the
    size of the value decides, as between hours and days. factor: turns the value of the measure into it.
    """

    text: str
    measure: Expression
    unit_text: str
    factor: float


class AnswerSentence(NamedTuple):
    """A sentence of the answer to the question, and the condition under which it may be said.

    says: as it is written. parts: its words and its numbers, in order. breaks_in: arms in which the condition must
    fail, each read as in `Expectation`. breaks_with: a changed main arm, which no run simulates, in which it must fail.
    """

    says: str
    parts: tuple[str | AnswerNumber, ...]
    condition: Condition
    condition_text: str
    breaks_in: tuple[str, ...] = ()
    breaks_with: Arm | None = None

    @property
    def numbers(self) -> tuple[AnswerNumber, ...]:
        """Its numbers, in order."""
        return tuple([part for part in self.parts if isinstance(part, AnswerNumber)])


ERRORS = ("additive", "proportional", "combined", "lognormal")


class ErrorModel(NamedTuple):
    """How measured values scatter about the curve, where points say nothing of their own.

    kind: one of `ERRORS`. sd: in the unit of the data; of an additive or combined error. cv: a share of the value;
    of a proportional, combined or lognormal error. Where neither is known it follows from the residuals.
    """

    kind: str
    sd: float | None = None
    cv: float | None = None


class Point(NamedTuple):
    """One measured value, in the unit of its data.

    time: in the model's time unit. value: what was measured, or the limit below which it was if it is `censored`.
    low, high: the ends of its bar; None without one. sd: its error, of a lognormal one that of its logarithm; None
    where only the error model says.
    n: how many measurements it is the mean of, 0 where that is not said. subject: whom, or ''. where: file and line.
    """

    time: float
    value: float
    low: float | None = None
    high: float | None = None
    sd: float | None = None
    censored: bool = False
    n: int = 0
    subject: str = ""
    where: str = ""


class Data(NamedTuple):
    """Points that were measured of one curve in one arm.

    unit: of all their values, in moles where one substance is measured. bars: what a bar is: SD, SE or an
    interval. points: in order of time, for each subject.
    """

    name: str
    curve: CurveFormula
    arm: str
    unit: Unit
    unit_text: str
    error: ErrorModel
    source: str
    bars: str
    points: tuple[Point, ...]

    @property
    def says_errors(self) -> bool:
        """Whether anything says how large the errors are, a point or the error model; else they follow from the
        residuals."""
        known = self.error.sd is not None or self.error.cv is not None
        return known or any(point.sd is not None for point in self.points)


class CurveFormula(NamedTuple):
    """A curve as it is plotted or laid under data: a species, an observable, or a formula of them.

    text: as it is written; of a species or observable its name. tree: with numbers in place of quantities and every
    factor between units written in. unit: of its values. curves: the species and observables that stand alone in it.
    """

    text: str
    tree: Expression
    unit: Unit
    unit_text: str
    curves: tuple[str, ...]

    @property
    def is_formula(self) -> bool:
        """Whether it is more than the name of a species or observable."""
        return not isinstance(self.tree, Name)


@dataclass(frozen=True)
class Scenario:
    """One question.

    answer: to the question, sentence by sentence.
    end, every: when the run ends, and how often values are saved. plots: the names that share a panel, and texts of
    `formulas`. data: what was measured, to be laid on curves. fit: what is estimated from them. explore: what
    it says of its page. formulas: by text, the
    curves that are formulas. sources: its own, by key; `source` also finds those of the model. truncated: what an end
    moved on the command line cut off, in words. document: the same as a TOML table with every default written out.
    origins: by path into `document`, where a value came from.
    """

    title: str
    question: str
    model: Model
    end: float
    every: float
    arms: tuple[Arm, ...]
    plots: tuple[tuple[str, ...], ...]
    expectations: tuple[Expectation, ...]
    sweep: Sweep | None = None
    fit: Fit | None = None
    explore: Explore | None = None
    data: tuple[Data, ...] = ()
    formulas: Mapping[str, CurveFormula] = field(default_factory=dict)
    sources: Mapping[str, Source] = field(default_factory=dict)
    answer: tuple[AnswerSentence, ...] = ()
    truncated: tuple[str, ...] = field(default=(), compare=False)
    id: str = field(default="", compare=False)
    model_name: str = field(default="", compare=False)
    document: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)
    origins: Mapping[tuple[str | int, ...], str] = field(default_factory=dict, compare=False, repr=False)

    @property
    def shown(self) -> tuple[str, ...]:
        """Every species and observable in a plot, be it in a formula, each once."""
        return tuple(dict.fromkeys(name for each in self.drawn for name in self.curve(each).curves))

    @property
    def drawn(self) -> tuple[str, ...]:
        """Every species, observable and formula in a plot, each once."""
        return tuple(dict.fromkeys(name for group in self.plots for name in group))

    def curve(self, name: str) -> CurveFormula:
        """The curve that a plot calls `name`: one of `formulas`, or a species or observable; KeyError if none."""
        found = self.formulas.get(name)
        if found is not None:
            return found
        return CurveFormula(name, Name(name), self.model.unit(name), self.model.unit_text(name), (name,))

    def label(self, name: str) -> str:
        """The label of a species or observable; of a formula its text with labels for names."""
        if name not in self.formulas:
            return self._label(name)
        fold = _FOLD.fullmatch(name)
        if fold:
            return f"{self._label(fold[1])}, relative to {fold[2]}"
        parts = re.split("('[^']*')", name)  # words and what stands in quotes take turns
        return "".join(part if part.startswith("'") else _NAME.sub(lambda m: self._label(m[0]), part) for part in parts)

    def _label(self, name: str) -> str:
        for group in (self.model.species, self.model.observables):
            if name in group:
                return group[name].label
        return name

    def source(self, key: str) -> Source | None:
        """The source of this key, of the scenario or of its model."""
        return self.sources.get(key) or self.model.sources.get(key)

    def arm(self, name: str) -> Arm:
        """The arm called `name`; `InputError` if there is none."""
        return chosen_arms(self, [name])[0]

    def parameters(self, arm: Arm) -> dict[str, float]:
        """Every parameter of the model with the value it starts with in `arm`."""
        return {**{name: item.value for name, item in self.model.parameters.items()}, **arm.parameters}


def chosen_arms(scenario: Scenario, names: Collection[str] | None, option: str = "--arm") -> tuple[Arm, ...]:
    """The arms called `names`, in the order of the scenario; every arm if `names` is None.

    option: what gives the names on the command line, for the message.
    Raises `InputError` with every name that is no arm.
    """
    check_arms([scenario], names or (), option)
    return tuple(arm for arm in scenario.arms if names is None or arm.name in names)


def check_arms(scenarios: Sequence[Scenario], names: Collection[str], option: str = "--arm") -> None:
    """`InputError` with each of `names` that is an arm of none of `scenarios`; option: as in `chosen_arms`."""
    known = list(dict.fromkeys(arm.name for scenario in scenarios for arm in scenario.arms))
    whose = " or ".join(dict.fromkeys(scenario.id for scenario in scenarios)) or "the scenario"
    faults = [
        request_fault(unknown_name(f"{whose} has no arm", name, known), f"{option} {name}")
        for name in names
        if name not in known
    ]
    if faults:
        raise InputError(faults)
