"""Doses of a scenario: when, how much, how fast and into what, each a quantity or a parameter of the model.

::

    [[dose]]
    name = "drug"
    target = "gut"                # the species it goes to
    amount = "100 mg"             # per kg or m2: "1 mg/kg"; or the name of a parameter, as all that follow
    at = "0 h"                    # or a list of all times, ascending: ["0 h", "8 h", "20 h"], without every and count;
                                  # left out where a rule gives it: every and count are then those of the course that
                                  # begins each time that the rule fires (see `rules`)
    every = "12 h"                # the interval between doses, where there are
    count = 14                    # so many of them; 1 if left out, with steady_state until the end of the run
    over = "2 h"                  # an infusion; without it a bolus
    rate = "5 mg/h"               # in place of over: it lasts as long as the amount takes
    lag = "30 min"                # so much later than given it begins to enter the target
    share = "70 %"                # the part of it that does
    steady_state = true           # given every so often for ever before: the run starts in the state that recurs

A parameter that decides when or how long is read at the start of an arm, and no timed change may set it. One that no
formula reads says ``for_doses = true`` in the model; a share has the range [0, 1].
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any, NamedTuple, TypeVar

from ...experiments.scenario import MAIN, Arm, Dose, Rate
from ...experiments.timetable import TimetableError, dose_problem, settled_arm
from ...model.declarations import BODY, Parameter
from ...model.expression import is_identifier
from ...model.instants import ticks_of
from ...model.model import Model, dose_unit_factor, rate_unit_factor
from ...model.units import NO_QUANTITY, ONE, UnitError, quantity
from ...runtime.names import nearest
from ...runtime.text import listed
from .layers import KeyPath
from .quantities import Context, read_quantity, read_time
from .source import Table

MAX_DOSES = 100_000
DEFAULT_COUNT = 1  # of doses
SHARE = (0.0, 1.0)
INSTEAD: dict[str, tuple[str, ...]] = {"over": ("rate",), "rate": ("over",)}  # what an arm's own key of a dose replaces

PathOf = Callable[[str], KeyPath]
Read = TypeVar("Read")


class _MisspeltError(ValueError):
    """A word that is neither a quantity nor the name of a parameter, but nearly that."""


class Amount(NamedTuple):
    """The amount of a dose as it was ordered, and how it becomes the unit of its target.

    factor: to the target's unit, after multiplying by the parameters in `body` and dividing by `volume`.
    """

    number: float
    unit_text: str
    factor: float
    body: tuple[str, ...]
    volume: str | None


def read_amount(context: Context, path: KeyPath, given: Any, target: str | None) -> Amount | None:
    """The amount of a dose into the species `target`; None, and what can be said of it, where that is not known."""
    try:
        number, _, text = quantity(str(given))
        if target is None:
            return None
        if text == "1" and not context.model.species[target].unit.dimensionless:
            example = _amount_example(context.model, target)
            raise UnitError(f"the unit is missing: expected an amount of {target} such as {example}")
        converted = dose_unit_factor(context.model, target, text)
    except UnitError as error:
        reason = str(error)
        if reason.endswith(NO_QUANTITY):
            example = _amount_example(context.model, target) if target else "'1 mg'"
            reason = f"expected an amount{f' of {target}' * bool(target)} such as {example}"
        context.fault(path, f"{reason}, found {given!r}")
        return None
    if number < 0:
        context.fault(path, f"a dose cannot be negative, found {given!r}")
        return None
    return Amount(number, text, *converted)


def _amount_example(model: Model, target: str) -> str:
    """A right amount of a dose into `target`, also per kg where the model has a body."""
    for word in ("mg", "nmol", "cells", model.species[target].unit_text):
        try:
            dose_unit_factor(model, target, word)
        except UnitError:
            continue
        return f"'1 {word}'" + (f" or '1 {word}/kg'" if BODY[0] in model.parameters else "")
    return "'1 mg'"


def read_doses(context: Context) -> dict[str, Dose]:
    """The doses of the scenario itself, by name, without those that are wrong."""
    found = [
        read_dose(context, name, table, functools.partial(_dose_path, name))
        for name, table in context.tables.get("dose", {}).items()
    ]
    return {dose.name: dose for dose in found if dose is not None}


def _dose_path(name: str, key: str) -> KeyPath:
    return ("dose", name, key)


def read_arm_doses(context: Context, shared: Mapping[str, Dose], arm: Table, at: KeyPath) -> list[Dose]:
    """The doses of an arm: those of the scenario, `shared`, without those it omits, with what it changes or adds.

    Args:
        arm: the table of the arm, which is at the path `at`.
    """
    base: Table = context.tables.get("dose", {})
    without = arm.get("without", [])
    rules = [rule.get("name") for rule in context.tables.get("rule", [])]
    for word in without:
        if not isinstance(word, str) or word not in (*base, *rules):
            known = [*base, *filter(None, rules)]
            context.fault((*at, "without"), f"no dose '{word}' to leave out{nearest(str(word), known)}")
    own = arm.get("dose", {})
    for name in own:
        if name in without:
            context.fault((*at, "dose", name), f"the arm both changes the dose '{name}' and leaves it out")
    names = [name for name in base if name not in without]
    names += [name for name in own if name not in base]
    doses = []
    for name in names:
        if name not in own:
            doses.append(shared.get(name))
            continue

        def path(key: str, name: str = name) -> KeyPath:
            return (*at, "dose", name, key) if key in own[name] or name not in base else _dose_path(name, key)

        doses.append(read_dose(context, name, merged(base.get(name, {}), own[name]), path))
    return [dose for dose in doses if dose is not None]


def merged(base: Table, own: Table) -> Table:
    """A dose of the scenario with what an arm says of it, instead of what would contradict that."""
    gone = {other for key in own for other in INSTEAD.get(key, ())}
    gone |= {"every", "count", "steady_state"} if isinstance(own.get("at"), list) else set()
    return {key: value for key, value in base.items() if key not in gone} | own


def read_dose(context: Context, name: str, table: Table, path: PathOf) -> Dose | None:
    """One dose; `path` leads to its table."""
    faults = len(context.faults)
    target = _dose_target(context, name, table, path)
    if target is None and not {"target", "amount"} <= set(table):
        return None
    named: dict[str, str] = {}
    reader = _DoseReader(context, table, path, named)
    times = reader.times(name)
    amount = reader.tried("amount", lambda: reader.amount(target))
    over = reader.tried("over", lambda: reader.time("over", positive=True))
    lag = reader.tried("lag", lambda: reader.time("lag"))
    share = reader.tried("share", reader.share)
    rate = reader.tried("rate", lambda: reader.rate(target, amount))
    if len(context.faults) > faults or target is None or amount is None or times is None:
        return None
    if over is None or lag is None or share is None:
        return None
    number, unit_text, factor, body, volume = amount
    time_unit = context.model.time_unit
    dose = Dose(
        name, target, number, unit_text, factor, body, volume, times.at, times.every, times.number, over, time_unit
    )
    dose = replace(dose, times=times.all, lag=lag, share=share, rate=rate, named=tuple(named.items()))
    dose = replace(dose, steady=table.get("steady_state", False), by_rule="at" not in table)
    reader.check_length(dose)
    reader.check_steady(dose)
    return dose if len(context.faults) == faults else None


class _Times(NamedTuple):
    """When a dose is given; as in `Dose`."""

    at: float
    every: float
    number: int
    all: tuple[float, ...] = ()


class _DoseReader:
    """Reads the keys of the table of one dose; named: is filled with those that are parameters, by key."""

    def __init__(self, context: Context, table: Table, path: PathOf, named: dict[str, str]) -> None:
        self.context, self.table, self.path, self.named = context, table, path, named

    def fault(self, key: str, message: str) -> None:
        self.context.fault(self.path(key), message)

    def tried(self, key: str, read: Callable[[], Read | None]) -> Read | None:
        """What `read` finds at `key`; a fault where its word is nearly the name of a parameter."""
        try:
            return read()
        except _MisspeltError as error:
            self.fault(key, str(error))
            return None

    def times(self, name: str) -> _Times | None:
        """From one time on, or at those of a list."""
        at = self.table.get("at")
        if isinstance(at, list):
            return self._list(name, at)
        first = 0.0 if at is None else read_time(self.context, self.path("at"), at)
        every = 0.0
        if "every" in self.table:
            found = read_time(self.context, self.path("every"), self.table["every"], positive=True)
            if found is None:
                return None
            every = found
        count = self.table.get("count", default_count(self.table, self.context.model, self.context.end))
        if not isinstance(count, int) or not 1 <= count <= MAX_DOSES:
            self.fault("count", f"expected a whole number from 1 to {MAX_DOSES}, found {count!r}")
        elif count > 1 and not every:
            self.fault("count", f"{count} doses need 'every', the interval between them")
        if at is not None:
            self._check_start(name, first, at)
        return None if first is None or not isinstance(count, int) else _Times(first, every, count)

    def _list(self, name: str, given: list[Any]) -> _Times | None:
        for key in ("every", "count", "steady_state"):
            if self.table.get(key):
                self.fault(key, f"'at' lists every time of the dose '{name}': leave out '{key}', or give one time")
                return None
        if not given or len(given) > MAX_DOSES:
            self.fault("at", f"expected from 1 to {MAX_DOSES} times, found {len(given)}")
            return None
        found = [read_time(self.context, self.path("at"), text) for text in given]
        times = [time for time in found if time is not None]
        if len(times) < len(given):
            return None
        unit = self.context.model.time_unit
        for number, (before, after) in enumerate(pairwise([ticks_of(time, unit) for time in times])):
            if after <= before:
                one, other = given[number : number + 2]
                what = f"{other!r} is the same as {one!r}" if after == before else f"{other!r} comes after {one!r}"
                self.fault("at", f"the times of a dose must ascend, each given once: {what}")
                return None
        self._check_start(name, times[0], given[0])
        return _Times(times[0], 0.0, len(times), tuple(times) if len(times) > 1 else ())

    def _check_start(self, name: str, first: float | None, given: object) -> None:
        if first is not None and first >= self.context.latest:
            end = f"{self.context.latest:g} {self.context.model.time_unit_text}"
            self.fault("at", f"the dose '{name}' starts at {given!r}, but the run ends at {end}")

    def amount(self, target: str | None) -> Amount | None:
        """In its unit, or that of a parameter."""
        parameter = self.parameter("amount")
        if parameter is None or target is None:
            return read_amount(self.context, self.path("amount"), self.table["amount"], target)
        substance = self.context.model.substance_of(target)
        try:
            if parameter.substance is not None and substance != self.context.model.substance_of(parameter.id):
                raise UnitError(f"{parameter.id} is an amount of {parameter.substance}, and {target} is not")
            factors = dose_unit_factor(self.context.model, target, parameter.unit_text)
        except UnitError as error:
            self.fault("amount", f"{error}, found {parameter.id} in {parameter.unit_text}")
            return None
        self._check_sign("amount", parameter)
        return Amount(parameter.value, parameter.unit_text, *factors)

    def time(self, key: str, positive: bool = False) -> float | None:
        """A time, at or after zero, or above zero if it must be `positive`; 0 where the dose has no such key."""
        if key not in self.table:
            return 0.0
        parameter = self.parameter(key)
        if parameter is None:
            return read_time(self.context, self.path(key), self.table[key], positive)
        if not parameter.unit.same_dimension(self.context.model.time_unit):
            self.fault(key, f"expected a time, found {parameter.id} in {parameter.unit_text}")
            return None
        self._check_sign(key, parameter)
        return parameter.value * parameter.unit.to(self.context.model.time_unit)  # `settled` knows it better

    def share(self) -> float | None:
        """The share of the dose that enters its target, from 0 to 1; 1 where the dose has no such key."""
        if "share" not in self.table:
            return 1.0
        parameter, given = self.parameter("share"), self.table["share"]
        if parameter is not None:
            if parameter.range != SHARE or not parameter.unit.same_dimension(ONE):
                message = f"expected a parameter with unit '1' and range [0, 1], which {parameter.id} is not"
                self.fault("share", message)
                return None
            return parameter.value
        share = read_quantity(self.context, self.path("share"), given, ONE, "a share", "70 %")
        if share is not None and not SHARE[0] <= share <= SHARE[1]:
            self.fault("share", f"the share of a dose that is absorbed lies between 0 and 1, found {given!r}")
            return None
        return share

    def rate(self, target: str | None, amount: Amount | None) -> Rate | None:
        """How fast the dose is infused, if it says that instead of its length."""
        if "rate" not in self.table:
            return None
        if "over" in self.table:
            self.fault("rate", "an infusion has either 'over', its length, or 'rate', from which its length follows")
            return None
        parameter, given = self.parameter("rate"), self.table["rate"]
        rate = read_rate(self.context, self.path("rate"), given, target, parameter)
        if rate is None or amount is None:
            return None
        if parameter is not None:
            self._check_sign("rate", parameter)
        found, volume = rate
        if volume != amount.volume:
            message = f"amount and rate must both be of the drug itself, or both of its concentration, found {given!r}"
            self.fault("rate", f"{message} for an amount in {amount.unit_text}")
        return found

    def parameter(self, key: str) -> Parameter | None:
        """The parameter that a key names; None where it holds something else, and `_MisspeltError` where that is
        nearly one."""
        given = self.table[key]
        if not isinstance(given, str) or not is_identifier(given.strip()):
            return None
        model = self.context.model
        name = model.find(given.strip(), "parameters")
        if name is None:
            hint = nearest(given.strip(), model.parameters)
            if hint:
                raise _MisspeltError(f"no parameter '{given.strip()}'{hint}")
            return None
        self.named[key] = name
        return model.parameters[name]

    def _check_sign(self, key: str, parameter: Parameter) -> None:
        if parameter.value < 0 or (parameter.range and parameter.range[0] < 0):
            self.fault(key, f"{key} of a dose cannot be negative, as {parameter.id} can")

    def check_length(self, dose: Dose) -> None:
        """A fault where infusions of given lengths overlap; what parameters decide is checked with those of an arm."""
        if dose.timed_by or dose.rate is not None:
            return
        problem = dose_problem(dose, self.context.model)
        if problem and dose.times:
            self.fault("over", problem)
        elif problem:
            over, every = self.table["over"], self.table["every"]
            self.fault("over", f"an infusion of {over!r} is longer than its interval, {every!r}")

    def check_steady(self, dose: Dose) -> None:
        """Faults of a dose that has been given for ever."""
        if not dose.steady:
            return
        unit, timed = self.context.model.time_unit, self.context.model.formulas_of_time()
        if dose.by_rule:
            self.fault(
                "steady_state", "a dose that a rule gives cannot have been given for ever before: it has no 'at'"
            )
        elif not dose.every:
            self.fault("steady_state", "a steady state needs 'every', the interval between doses")
        elif ticks_of(dose.at, unit) >= ticks_of(dose.every, unit):
            every, at = self.table["every"], self.table["at"]
            message = f"a regimen in steady state is under way at time 0: 'at' comes before {every!r}, found {at!r}"
            self.fault("at", message)
        elif timed:
            message = f"no state recurs with the doses, as {timed[0]} depends on time itself"
            self.fault("steady_state", message)


def default_count(table: Table, model: Model, end: float | None) -> int:
    """How often a dose is given whose table does not say so: once, or in a steady state until the end of the run."""
    if table.get("steady_state") is not True or end is None:
        return DEFAULT_COUNT
    try:
        at, every = (quantity(str(table[key])) for key in ("at", "every"))
        first, interval = ticks_of(*at[:2]), ticks_of(*every[:2])
    except (KeyError, UnitError):
        return DEFAULT_COUNT  # its reader reports that
    return max(1, -((first - ticks_of(end, model.time_unit)) // interval)) if interval > 0 else DEFAULT_COUNT


def read_rate(
    context: Context, path: KeyPath, given: Any, target: str | None, parameter: Parameter | None = None
) -> tuple[Rate, str | None] | None:
    """A rate of infusion into the species `target`, and the volume that it is divided by, if any; or None and a fault.

    given: a quantity, or the name of `parameter`.
    """
    try:
        number, _, text = (parameter.value, 0, parameter.unit_text) if parameter else quantity(str(given))
        if target is None:
            return None
        factor, body, volume = rate_unit_factor(context.model, target, text)
    except UnitError as error:
        reason = str(error)
        if reason.endswith(NO_QUANTITY):
            reason = "expected an amount per time such as '5 mg/h'"
        context.fault(path, f"{reason}, found {given!r}")
        return None
    if not number > 0:
        context.fault(path, f"a rate must be above zero, found {given!r}")
        return None
    return Rate(number, text, factor, body), volume


def with_settled_doses(context: Context, arm: Arm) -> Arm:
    """`arm` with what its doses take from its parameters; faults where that cannot be, or where a timed change sets
    such a parameter, for what was begun would have to change."""
    for dose in arm.doses:
        at: KeyPath = ("dose", dose.name) if arm.name == MAIN else ("arms", arm.name)
        used = {name for _, name in dose.named} | dose.timed_by
        for name in sorted({name for change in arm.changes for name in change.parameters} & used):
            message = f"the dose '{dose.name}' depends on {name}, which a timed change sets; give the dose a number"
            context.fault(at, f"{message}, or change nothing")
        try:
            settled_arm(arm._replace(doses=(dose,)), context.model)
        except TimetableError as error:
            context.fault(at, str(error))
            return arm
    return settled_arm(arm, context.model)


def _dose_target(context: Context, name: str, table: Table, path: Callable[[str], KeyPath]) -> str | None:
    """The species that a dose goes to, if it has all that a dose must have."""
    base = context.tables.get("dose", {})
    meant = nearest(name, base) if name not in base and "target" not in table else ""
    if meant or not {"target", "amount", "at"} & set(table):
        context.fault(path("target")[:-1], f"no dose '{name}' to change{meant}")
        return None
    missing = [key for key in ("target", "amount") if key not in table]
    for key in missing:
        context.fault(path(key)[:-1], f"the dose '{name}' has no {key}")
    if missing:
        return None
    target = context.model.find(table["target"], "species")
    if target is None:
        message = context.model.unknown(table["target"], "species", purpose=f" to give '{name}' to")
        hint = "" if "did you mean" in message else _by_route(context.model, table["target"])
        context.fault(path("target"), message + hint)
    return target


def _by_route(model: Model, word: str) -> str:
    """What to name where a target is a route in words, such as 'under the skin'; else nothing."""
    for route in dict.fromkeys(route for each in model.interventions.values() for route in each.dose):
        if route and route in word.lower().split():
            given = [each.dose[route] for each in model.interventions.values() if route in each.dose]
            return f"; species that a dose into {route} goes to are {listed(dict.fromkeys(given))}"
    return ""
