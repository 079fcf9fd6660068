"""Quantities, doses and timed changes of a scenario: text such as '5 d' becomes a number in the unit that is wanted.

Every reader takes a `Context`, returns None for what is wrong and appends the reason to its faults. Nothing is
computed from what is None, so that one mistake is one fault.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

from ...experiments.measures import curve_names, read_measure
from ...experiments.scenario import Change, Dose
from ...experiments.timetable import series_problem
from ...model.declarations import BODY, Parameter
from ...model.expression import Expression, FormulaError
from ...model.instants import converted
from ...model.model import Model, dose_unit_factor
from ...model.units import NO_QUANTITY, ONE, Unit, UnitError, dimension_text, in_moles, quantity, unit
from ...runtime.errors import InputFault
from ...runtime.names import nearest
from .layers import KeyPath, Layers
from .source import Table

MAX_OUTSIDE = 1000.0  # factor by which a parameter may leave its published range
MAX_DOSES = 100_000
DEFAULT_COUNT = 1  # of doses
SECOND = unit("s")


class LeftOut(NamedTuple):
    """What an end that was moved on purpose left out of a scenario.

    words: what, for people. starts: when a dose or a change would start, by ``dose NAME`` and ``change NUMBER``.
    expectations: the numbers, from 0, of those about times that are not simulated.
    """

    words: tuple[str, ...] = ()
    starts: Mapping[str, str] = MappingProxyType({})
    expectations: frozenset[int] = frozenset()


NOTHING_LEFT_OUT = LeftOut()

ReadValue = Callable[["Context", KeyPath, str, Any], tuple[str, float | None] | None]


@dataclass(frozen=True)
class Context:
    """What every reader of a scenario needs.

    Args:
        layers: where each value comes from.
        tables: the merged tables with every default written out.
        model: what names and units refer to.
        faults: everything that is wrong; readers append to it.
        end: of the run, in the model's time unit; None where it cannot be read.
        left_out: what an end that was moved left out.
    """

    layers: Layers
    tables: Table
    model: Model
    faults: list[InputFault]
    end: float | None = None
    left_out: LeftOut = NOTHING_LEFT_OUT

    def fault(self, path: KeyPath, message: str) -> None:
        """Appends a fault at the file and line of the value at `path`."""
        self.faults.append(self.layers.fault(path, message))

    @property
    def latest(self) -> float:
        """The last time that anything may refer to; infinite where the end is not known."""
        return math.inf if self.end is None else self.end


class Quantity(NamedTuple):
    """A number in the unit that the model declares: set by an option and never written as text."""

    number: float
    unit_text: str

    def __str__(self) -> str:
        return repr(self.number).removesuffix(".0") + ("" if self.unit_text == "1" else f" {self.unit_text}")


def read_quantity(
    context: Context, path: KeyPath, given: object, wanted: Unit, what: str, example: str
) -> float | None:
    """The number in the unit `wanted` of text such as '5 d'.

    Args:
        path: where it is written.
        given: the text, or a plain number if it has no unit.
        what: is expected, such as "a time"; `example` is a right one.
    """
    try:
        number, measured_in, text = _parsed(given, what, example)
        if not measured_in.same_dimension(wanted):
            if text == "1":
                raise UnitError(f"the unit is missing: expected {what} such as '{example}', found {given!r}")
            raise UnitError(
                f"wrong unit: expected {what} such as '{example}', found {given!r}, {dimension_text(measured_in)}"
            )
        is_time = wanted.powers == SECOND.powers
        value = converted(number, measured_in, wanted) if is_time else number * measured_in.to(wanted)
        if math.isinf(value):
            raise UnitError(f"{given!r} is too large")
        return value
    except UnitError as error:
        context.fault(path, str(error))
        return None


def _parsed(given: object, what: str, example: str) -> tuple[float, Unit, str]:
    """Number, unit and text of the unit, or `UnitError` with what was expected."""
    expected = f"expected {what} such as '{example}', found"
    if isinstance(given, str):
        try:
            return quantity(given)
        except UnitError as error:
            reason = "" if str(error).endswith(NO_QUANTITY) else f"{error}; "
            raise UnitError(f"{reason}{expected} {given!r}") from None
    if not isinstance(given, (int, float)) or isinstance(given, bool):
        raise UnitError(f"{expected} {'nothing' if given is None else repr(given)}")
    if not math.isfinite(given):
        raise UnitError(f"{expected} {given}")
    return float(given), ONE, "1"


def read_time(context: Context, path: KeyPath, given: object, positive: bool = False) -> float | None:
    """A time in the model's time unit, at or after zero, or above zero if it must be `positive`."""
    unit_text = context.model.time_unit_text
    value = read_quantity(context, path, given, context.model.time_unit, "a time", f"10 {unit_text}")
    if value is not None and (value < 0 or (positive and value == 0)):
        context.fault(path, f"expected a time {'above' if positive else 'at or after'} zero, found {given!r}")
        return None
    return value


def read_values(context: Context, table: object, path: KeyPath, read: ReadValue) -> dict[str, float]:
    """The right values of a table of parameters or initial values, by the names that the model has for them."""
    if not isinstance(table, dict):
        context.fault(path, f"expected a table, found {table!r}")
        return {}
    values: dict[str, float | None] = {}
    for word, given in table.items():
        found = read(context, (*path, word), word, given)
        if found is not None and found[0] in values:
            context.fault((*path, word), f"{found[0]} is given twice, in two spellings")
        elif found is not None:
            values[found[0]] = found[1]
    return {name: value for name, value in values.items() if value is not None}


def parameter_value(context: Context, path: KeyPath, word: str, given: Any) -> tuple[str, float | None] | None:
    """Name and value of the parameter that `word` means; the value is None where only that is wrong."""
    name = context.model.find(word, "parameters")
    if name is None:
        context.fault(path, context.model.unknown(word, "parameters"))
        return None
    parameter = context.model.parameters[name]
    if isinstance(given, Quantity):
        return name, given.number
    value = declared_value(context, path, given, name, parameter.unit_text)
    problem = value is not None and parameter_problem(parameter, value, given)
    if problem:
        context.fault(path, problem)
        return name, None
    return name, value


def parameter_problem(parameter: Parameter, value: float, given: object) -> str:
    """What makes `value` impossible for a parameter, or an empty text; `given` is how it was written."""
    bounds = parameter.range
    if parameter.id in BODY and not value > 0:
        return f"{parameter.id} must be above zero, found {given!r}"
    if value < 0 and not (parameter.value < 0 or (bounds and bounds[0] < 0)):
        return f"{parameter.id} cannot be negative, found {given!r}"
    if bounds == (0.0, 1.0) and parameter.unit == ONE and value > 1:
        return f"{parameter.id} is a share, from 0 to 1, found {given!r}"
    if bounds and value and not _near(value, *bounds):
        return (
            f"{given!r} is more than {MAX_OUTSIDE:g} times outside the range of {parameter.id}, "
            f"{bounds[0]:g} to {bounds[1]:g} {parameter.unit_text}"
        )
    return ""


def _near(value: float, low: float, high: float) -> bool:
    """Whether `value` leaves its range by less than `MAX_OUTSIDE`, whatever its sign."""
    smallest, largest = possible_sizes(low, high)
    return smallest <= abs(value) <= largest


def possible_sizes(low: float, high: float) -> tuple[float, float]:
    """The least and the largest size of a parameter with this range, if it is not zero; a bound of zero has no size."""
    sizes = [abs(bound) for bound in (low, high) if bound]
    smallest = 0.0 if low <= 0.0 <= high else min(sizes)
    return smallest / MAX_OUTSIDE, max(sizes, default=math.inf) * MAX_OUTSIDE


def initial_value(context: Context, path: KeyPath, word: str, given: Any) -> tuple[str, float | None] | None:
    """Name and initial value of the species that `word` means; the value is None where only that is wrong."""
    name = context.model.find(word, "species")
    if name is None:
        context.fault(path, context.model.unknown(word, "species"))
        return None
    species = context.model.species[name]
    value = declared_value(context, path, given, name, species.unit_text)
    if value is not None and value < 0 and not species.signed:
        context.fault(path, f"{name} cannot be negative, found {given!r}")
        return name, None
    return name, value


def declared_value(context: Context, path: KeyPath, given: Any, name: str, unit_text: str) -> float | None:
    """A quantity in the unit declared for `name`, through its substance if it has one (IU and grams as moles)."""
    wanted, substance = context.model.unit(name), context.model.substance_of(name)
    if substance is not None and isinstance(given, str):
        try:
            number, measured_in, _ = quantity(given)
            converted = in_moles(measured_in, substance)
            if converted.same_dimension(wanted):
                return number * converted.to(wanted)
        except UnitError:
            pass  # reported just below, with an example
    example = f"1 {unit_text}" if unit_text != "1" else "1"
    return read_quantity(context, path, given, wanted, f"{name} in {unit_text}", example)


def read_measure_in(
    context: Context, unit_path: KeyPath, path: KeyPath, text: str, unit_text: str, arms: Sequence[str]
) -> tuple[Expression, Unit] | None:
    """A measure to be given in `unit_text`: its formula and that unit, in moles where one substance is measured."""
    at = unit_path
    try:
        wanted = unit(unit_text)
        at = path
        formula, found = read_measure(text, context.model, arms, context.latest)
        substances = {context.model.substance_of(name) for name in curve_names(formula, context.model)}
        if len(substances) == 1 and (substance := substances.pop()) is not None:
            wanted = in_moles(wanted, substance)
        if not found.same_dimension(wanted):
            at = unit_path
            expected = f"it is asked for in '{unit_text}', {dimension_text(unit(unit_text))}"
            raise UnitError(f"the measure gives {dimension_text(found)}, {expected}")
        return formula, wanted
    except (UnitError, FormulaError) as error:
        context.fault(at, str(error))
        return None


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
    for word in without:
        if not isinstance(word, str) or word not in base:
            context.fault((*at, "without"), f"no dose '{word}' to leave out{nearest(str(word), base)}")
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

        doses.append(read_dose(context, name, {**base.get(name, {}), **own[name]}, path))
    return [dose for dose in doses if dose is not None]


def read_dose(context: Context, name: str, table: Table, path: Callable[[str], KeyPath]) -> Dose | None:
    """One dose; `path` leads to its table."""
    faults = len(context.faults)
    target = _dose_target(context, name, table, path)
    if target is None and not {"target", "amount", "at"} <= set(table):
        return None
    at = read_time(context, path("at"), table["at"])
    count = table.get("count", DEFAULT_COUNT)
    over = read_time(context, path("over"), table["over"], positive=True) if "over" in table else 0.0
    every = read_time(context, path("every"), table["every"], positive=True) if "every" in table else 0.0
    if not isinstance(count, int) or not 1 <= count <= MAX_DOSES:
        context.fault(path("count"), f"expected a count from 1 to {MAX_DOSES}, found {count!r}")
    elif count > 1 and "every" not in table:
        context.fault(path("count"), f"{count} doses need 'every', the interval between them")
    elif count > 1 and over is not None and every is not None and series_problem(name, over, every, context.model):
        context.fault(path("over"), f"an infusion of {table['over']!r} is longer than its interval, {table['every']!r}")
    if at is not None and at >= context.latest:
        end = f"{context.latest:g} {context.model.time_unit_text}"
        message = f"the dose '{name}' starts at {table['at']!r}, not before the end of the run, {end}"
        context.fault(path("at"), message)
    amount = read_amount(context, path("amount"), table["amount"], target)
    if len(context.faults) > faults or target is None or amount is None or at is None or every is None or over is None:
        return None
    number, unit_text, factor, body, volume = amount
    time_unit = context.model.time_unit
    return Dose(name, target, number, unit_text, factor, body, volume, at, every, count, over, time_unit)


def _dose_target(context: Context, name: str, table: Table, path: Callable[[str], KeyPath]) -> str | None:
    """The species that a dose goes to, if it has all that a dose must have."""
    base = context.tables.get("dose", {})
    meant = nearest(name, base) if name not in base and "target" not in table else ""
    if meant or not {"target", "amount", "at"} & set(table):
        context.fault(path("target")[:-1], f"no dose '{name}' to change{meant}")
        return None
    missing = [key for key in ("target", "amount", "at") if key not in table]
    for key in missing:
        context.fault(path(key)[:-1], f"the dose '{name}' has no {key}")
    if missing:
        return None
    target = context.model.find(table["target"], "species")
    if target is None:
        message = context.model.unknown(table["target"], "species", purpose=f" to give '{name}' to")
        context.fault(path("target"), message)
    return target


def read_changes(context: Context, tables: Sequence[Any], path: KeyPath) -> list[Change]:
    """The timed changes of the scenario or of an arm, without those whose time is wrong."""
    found = [read_change(context, table, (*path, number)) for number, table in enumerate(tables) if table]
    return [change for change in found if change is not None]


def read_change(context: Context, table: Any, path: KeyPath) -> Change | None:
    """Parameters that hold from a time on, or between two times."""
    interval = _change_times(context, table, path)
    values = read_values(context, table["parameters"], (*path, "parameters"), parameter_value)
    if interval is None:
        return None
    if interval[0] >= context.latest:
        context.fault(path, "the change starts after the end of the run")
        return None
    return Change(*interval, values)


def _change_times(context: Context, table: Any, path: KeyPath) -> tuple[float, float | None] | None:
    """Start and end of a change, which has no end if it is given by 'at'."""
    if ("at" in table) == ("while" in table):
        context.fault(path, "a change has either 'at' (from then on) or 'while' (from, to)")
        return None
    if "at" in table:
        start = read_time(context, (*path, "at"), table["at"])
        return None if start is None else (start, None)
    at, times = (*path, "while"), table["while"]
    if not isinstance(times, list) or len(times) != 2:
        context.fault(at, f"expected two times such as ['20 d', '40 d'], found {times!r}")
        return None
    start, end = (read_time(context, at, text) for text in times)
    if start is None or end is None:
        return None
    if start >= end:
        context.fault(at, f"expected the first time before the second, found {times!r}")
        return None
    return start, end
