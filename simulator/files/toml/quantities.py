"""Quantities and timed changes of a scenario: text such as '5 d' becomes a number in the unit that is wanted.

Every reader takes a `Context`, returns None for what is wrong and appends the reason to its faults. Nothing is
computed from what is None, so that one mistake is one fault.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple

from ...experiments.curve_formulas import read_curve
from ...experiments.measures import curve_names, read_measure
from ...experiments.scenario import Change, CurveFormula
from ...model.declarations import BODY, Parameter
from ...model.expression import Expression, FormulaError
from ...model.instants import converted
from ...model.model import Model
from ...model.units import NO_QUANTITY, ONE, Unit, UnitError, dimension_text, in_moles, quantity, unit
from ...runtime.errors import InputFault
from .layers import KeyPath, Layers
from .source import Table

_WORD = re.compile(r"[^()/*+'\"]*")  # what is meant as a name, though perhaps a wrong one, and not as a formula
MAX_OUTSIDE = 1000.0  # factor by which a parameter may leave its published range
SECOND = unit("s")


class LeftOut(NamedTuple):
    """What an end that was moved on purpose left out of a scenario.

    words: what, for people. starts: when a dose or a change would start, by ``dose NAME`` and ``change NUMBER``.
    expectations: the numbers, from 0, of those about times that are not simulated. shorter: whether the run ends
    earlier than its file says.
    """

    words: tuple[str, ...] = ()
    starts: Mapping[str, str] = MappingProxyType({})
    expectations: frozenset[int] = frozenset()
    shorter: bool = False


NOTHING_LEFT_OUT = LeftOut()

ReadValue = Callable[["Context", KeyPath, str, Any], tuple[str, float | None] | None]


def _said_before(tables: Iterable[tuple[str | int, object]], name: str) -> Iterator[tuple[str | int, str]]:
    """The keys of those tables that say of `name` what one before them says, with what that is."""
    seen: set[str] = set()
    for key, table in tables:
        said = " ".join(str(table.get(name, "")).split()) if isinstance(table, dict) else ""
        if said and said in seen:
            yield key, said
        seen.add(said)


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
        numbers: plain numbers by their names, which sentences may use.
    """

    layers: Layers
    tables: Table
    model: Model
    faults: list[InputFault]
    end: float | None = None
    left_out: LeftOut = NOTHING_LEFT_OUT
    numbers: Mapping[str, float] = field(default_factory=dict)

    def fault(self, path: KeyPath, message: str) -> None:
        """Appends a fault at the file and line of the value at `path`."""
        self.faults.append(self.layers.fault(path, message))

    def check_labels(self, path: KeyPath, tables: Iterable[tuple[str | int, object]], what: str) -> None:
        """Faults of tables below `path`, by their keys, that are labelled as one before: nothing else tells them apart
        in figures and texts. what: one of them in words."""
        for key, label in _said_before(tables, "label"):
            self.fault((*path, key, "label"), f"two {what} are labelled '{label}'; give one another label")

    def check_ids(self, path: KeyPath, tables: Iterable[tuple[str | int, object]], what: str) -> None:
        """The same of their ids, by which evidence and sweeps call them."""
        for key, id in _said_before(tables, "id"):
            self.fault((*path, key, "id"), f"two {what} have the id '{id}'")

    @property
    def sources(self) -> list[str]:
        """The keys of all sources, of the model and of the scenario itself."""
        return [*self.model.sources, *self.tables.get("sources", {})]

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
    if hint := _time_hint(given):
        context.fault(path, f"expected a time such as '10 {unit_text}', found {given!r}: {hint}")
        return None
    value = read_quantity(context, path, given, context.model.time_unit, "a time", f"10 {unit_text}")
    if value is not None and (value < 0 or (positive and value == 0)):
        context.fault(path, f"expected a time {'above' if positive else 'at or after'} zero, found {given!r}")
        return None
    return value


_DAY = re.compile(r"(?i:day|d|week|w|wk|hour|h|hr|minute|min)\s*(\d+(?:\.\d+)?)\Z")
_EVERY = re.compile(r"(?i:q|every)\s*(\d+)\s*(?i:(h|d|w)\w*)\Z")
_SYMBOLS = {"m": "min", "h": "h", "d": "d", "w": "weeks"}
_TIMES_A_DAY = {"qd": 24, "od": 24, "daily": 24, "bd": 12, "bid": 12, "tds": 8, "tid": 8, "qds": 6, "qid": 6}


def _time_hint(given: object) -> str:
    """How to write a time that is given as in a trial's protocol: ``day 3``, ``q8h``, ``bid``; empty for others."""
    if not isinstance(given, str):
        return ""
    text = given.strip()
    if number := _DAY.match(text):
        symbol = _SYMBOLS[text[0].lower()]
        hint = f"write '{number[1]} {symbol}', counted from the start of the run"
        if symbol in ("h", "min") or not number[1].isdigit() or number[1] == "0":
            return hint
        return f"{hint} ('{int(number[1]) - 1} {symbol}' if the first is called 1)"
    if period := _EVERY.match(text):
        return f"write '{period[1]} {_SYMBOLS[period[2].lower()]}'"
    hours = _TIMES_A_DAY.get(text.lower().replace(".", ""))
    return f"write '{hours} h'" if hours else ""


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


def read_curve_in(context: Context, path: KeyPath, word: str) -> CurveFormula | None:
    """The species, observable or formula of curves that a word means."""
    model = context.model
    if _WORD.fullmatch(word) and model.find(word, "species", "observables") is None:
        context.fault(path, model.unknown(word, "species", "observables"))
        return None
    try:
        return read_curve(word, model, context.latest)
    except (FormulaError, UnitError) as error:
        context.fault(path, str(error))
        return None


def read_measure_in(
    context: Context, unit_path: KeyPath, path: KeyPath, text: str, unit_text: str, arms: Sequence[str]
) -> tuple[Expression, Unit] | None:
    """A measure to be given in `unit_text`: its formula and that unit, in moles where one substance is measured."""
    at = unit_path
    try:
        wanted = unit(unit_text)
        at = path
        formula, found = read_measure(text, context.model, arms, context.latest)
        wanted = in_moles(wanted, context.model.shared_substance(curve_names(formula, context.model)))
        if not found.same_dimension(wanted):
            at = unit_path
            expected = f"it is asked for in '{unit_text}', {dimension_text(unit(unit_text))}"
            raise UnitError(f"the measure gives {dimension_text(found)}, {expected}")
        return formula, wanted
    except (UnitError, FormulaError) as error:
        context.fault(at, str(error))
        return None


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
