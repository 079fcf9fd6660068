"""Measures: formulas over functions of curves, such as ``max(tumour) / at(tumour, '10 d', arm='untreated')``.

The names in a measure are species and observables; times and levels are quantities in quotes. `FUNCTIONS` is the table
of what can be measured: a new one is a new row. The mathematics is in `curves`, and `measured` puts the two together.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Literal, NamedTuple

from ..model.expression import Apply, Expression, FormulaError, Name, Number, Quoted, parse_measure
from ..model.instants import converted
from ..model.model import Model
from ..model.units import ONE, Unit, UnitError, dimension_text, in_moles, quantity
from ..runtime.names import unknown_name
from .scenario import MAIN


class MeasureFunction(NamedTuple):
    """A row of the table of measures.

    gives: the unit of the result: that of the curve (``value``), of time, or of both multiplied (``area``).
    of: the function of `curves` that finds it, by name, as reading a measure needs no NumPy; and of several results
    which one.
    argument: what follows the name: a ``time``, a ``level``, or nothing.
    window: whether a first and a last time may follow (``optional``), must follow or must not.
    drawn: how a text names the value or time that a figure draws next to the curve, with ``{time}`` for the argument;
    empty if it cannot be drawn there.
    without: what it means that it has no value where the curve is finite.
    """

    gives: Literal["value", "time", "area"]
    of: str
    result: int | None = None
    argument: Literal["", "time", "level"] = ""
    window: Literal["none", "optional", "required"] = "optional"
    drawn: str = ""
    without: Literal["", "never", "no fall", "no terminal fall"] = ""

    @property
    def counts(self) -> tuple[int, int]:
        """The fewest and the most arguments, the name of the curve among them."""
        fewest, most = {"none": (0, 0), "optional": (0, 2), "required": (2, 2)}[self.window]
        return 1 + bool(self.argument) + fewest, 1 + bool(self.argument) + most


FUNCTIONS: dict[str, MeasureFunction] = {
    "at": MeasureFunction("value", "value_at", argument="time", window="none", drawn="at {time}"),
    "before": MeasureFunction("value", "value_before", argument="time", window="none", drawn="just before {time}"),
    "final": MeasureFunction("value", "final", window="none", drawn="at the end"),
    "max": MeasureFunction("value", "peak", 1, drawn="highest"),
    "min": MeasureFunction("value", "trough", 1, drawn="lowest"),
    "mean": MeasureFunction("value", "mean", drawn="on average"),
    "auc": MeasureFunction("area", "area"),
    "auc_inf": MeasureFunction("area", "area_to_infinity", without="no terminal fall"),
    "time_of_max": MeasureFunction("time", "peak", 0, drawn="highest after"),
    "time_of_min": MeasureFunction("time", "trough", 0),
    "half_life": MeasureFunction("time", "half_life", window="required", without="no fall"),
    "terminal_half_life": MeasureFunction("time", "terminal_half_life", without="no terminal fall"),
    "time_above": MeasureFunction("time", "time_above", argument="level"),
    "time_below": MeasureFunction("time", "time_below", argument="level"),
    "first_above": MeasureFunction("time", "first_above", argument="level", without="never"),
    "first_below": MeasureFunction("time", "first_below", argument="level", without="never"),
}
NO_NUMBERS: Mapping[str, float] = MappingProxyType({})
_ARITHMETIC = ("add", "sub", "mul", "div", "neg")


class CurveArguments(NamedTuple):
    """The arguments of a function of a curve: times in the model's unit, a level in that of the curve."""

    curve: str  # the species or observable
    time: float | None  # the argument, if it is a time
    level: float | None  # the argument, if it is a level
    window: tuple[float, float] | None


def read_measure(
    text: str, model: Model, arms: Sequence[str], end: float = math.inf, numbers: Mapping[str, float] = NO_NUMBERS
) -> tuple[Expression, Unit]:
    """The tree of a measure with every name checked, and the unit of its value.

    arms: the names it may give as ``arm=``. end: of the run, in the model's time unit; no time may lie after it.
    numbers: plain numbers by their names, which stand in the tree instead of these.
    Raises `FormulaError` or `UnitError`.
    """
    tree = parse_measure(text, {name: row.counts for name, row in FUNCTIONS.items()})
    if numbers:
        tree = _with_numbers(tree, numbers)
    return tree, unit_of(tree, model, arms, end)


def _with_numbers(tree: Expression, numbers: Mapping[str, float]) -> Expression:
    """The tree with numbers in place of their names."""
    if isinstance(tree, Name) and tree.id in numbers:
        return Number(numbers[tree.id])
    if isinstance(tree, Apply):
        return tree._replace(args=tuple([_with_numbers(each, numbers) for each in tree.args]))
    return tree


def unit_of(tree: Expression, model: Model, arms: Sequence[str], end: float) -> Unit:
    """The unit of a measure, every name, time and level in it checked; arguments and errors as in `read_measure`."""
    if isinstance(tree, Number):
        return ONE
    if isinstance(tree, Quoted):
        return quantity(tree.text)[1]
    if isinstance(tree, Name):
        raise FormulaError(
            f"'{tree.id}' alone is a curve; say at({tree.id}, '...'), max({tree.id}), final({tree.id}) ..."
        )
    if tree.op == "pow":
        raise FormulaError("powers are not part of measures")
    if tree.op in _ARITHMETIC:
        units = [unit_of(arg, model, arms, end) for arg in tree.args]
        if tree.op == "mul":
            return units[0] * units[1]
        if tree.op == "div":
            return units[0] / units[1]
        if len(units) == 2 and not units[0].same_dimension(units[1]):
            raise UnitError(f"{dimension_text(units[0])} and {dimension_text(units[1])} cannot be added")
        return units[0]
    return unit_given(tree.op, _checked(tree, model, arms, end).curve, model)


def _checked(tree: Apply, model: Model, arms: Sequence[str], end: float) -> CurveArguments:
    found = arguments(tree, model)
    texts = [arg.text for arg in tree.args[1:] if isinstance(arg, Quoted)]
    for time, text in zip(times_asked(found), texts if found.level is None else texts[1:], strict=True):
        if time < 0.0:
            raise FormulaError(f"'{text}' lies before the start of the run, 0 {model.time_unit_text}")
        if time > end:
            raise FormulaError(f"'{text}' lies after the end of the run, {end:g} {model.time_unit_text}")
    if tree.op == "before" and found.time == 0.0:
        raise FormulaError(f"before() needs a time after the start of the run, found '{texts[0]}'")
    if found.window is not None and not found.window[0] < found.window[1]:
        raise FormulaError(
            f"in {tree.op}() the first time must come before the last, found '{texts[-2]}' and '{texts[-1]}'"
        )
    for _, arm in tree.options:
        if arm not in arms:
            raise FormulaError(unknown_name("no arm", arm, arms))
    return found


def unit_given(function: str, curve: str, model: Model) -> Unit:
    """The unit of what a function of a curve gives."""
    measured, gives = model.unit(curve), FUNCTIONS[function].gives
    return measured if gives == "value" else model.time_unit if gives == "time" else measured * model.time_unit


def unit_text_of(tree: Expression, model: Model) -> str:
    """The unit of a checked measure as text, made of the units of what it measures.

    >>> from ..model.expression import parse_measure
    >>> unit_text_of(parse_measure("'3 d' / '1 h'", {}), None)
    'd/h'
    """
    if isinstance(tree, Number):
        return "1"
    if isinstance(tree, Quoted):
        return quantity(tree.text)[2]
    if not isinstance(tree, Apply):
        raise TypeError(f"{tree!r} is no measure")
    if tree.op in FUNCTIONS:
        measured, gives = model.unit_text(curve_name(tree, model)), FUNCTIONS[tree.op].gives
        if gives == "area":
            return product_text(measured, model.time_unit_text)
        return measured if gives == "value" else model.time_unit_text
    parts = [unit_text_of(arg, model) for arg in tree.args]
    return joined_text(parts[0], {"mul": "*", "div": "/"}[tree.op], parts[1]) if tree.op in ("mul", "div") else parts[0]


def product_text(left: str, right: str) -> str:
    """The unit of a product as text."""
    return joined_text(left, "*", right)


def joined_text(left: str, sign: str, right: str) -> str:
    """The unit of a product (sign ``*``) or of a quotient (``/``) as text."""
    if right == "1":
        return left
    if sign == "/" and left == right:
        return "1"
    if sign == "*" and left == "1":
        return right
    left = f"({left})" if sign == "*" and "/" in left else left
    return f"{left}{sign}({right})" if "*" in right or "/" in right else f"{left}{sign}{right}"


def curve_name(tree: Apply, model: Model) -> str:
    """The species or observable that a function measures; `FormulaError` if there is none of that name."""
    first = tree.args[0]
    if not isinstance(first, (Name, Quoted)):
        word = _with_hyphens(first)
        known = model.find(word, "species", "observables") if word else None
        hint = f"; did you mean {tree.op}({known})? A hyphen is a minus here" if known else ""
        raise FormulaError(f"{tree.op}() measures a species or observable, as in {tree.op}(IL2){hint}")
    word = first.id if isinstance(first, Name) else first.text
    name = model.find(word, "species", "observables")
    if name is None:
        unknown = model.unknown(word, "species", "observables")
        raise FormulaError(f"{tree.op}() measures a species or observable: {unknown}")
    return name


def _with_hyphens(tree: Expression) -> str:
    """A name that was read as a subtraction, ``IL-2``; '' for what is none."""
    if isinstance(tree, Name):
        return tree.id
    if isinstance(tree, Number):
        return f"{tree.value:.0f}" if tree.value >= 0 and tree.value.is_integer() else ""
    if isinstance(tree, Apply) and tree.op == "sub":
        parts = [_with_hyphens(each) for each in tree.args]
        return "-".join(parts) if all(parts) else ""
    return ""


def functions_in(tree: Expression) -> Iterator[Apply]:
    """Every function of a curve in a measure."""
    if isinstance(tree, Apply):
        if tree.op in FUNCTIONS:
            yield tree
        else:
            for arg in tree.args:
                yield from functions_in(arg)


def until_the_end(function: Apply) -> bool:
    """Whether a function of a curve depends on when the run ends: one without a time of its own."""
    row = FUNCTIONS[function.op]
    return row.argument != "time" and len(function.args) < 3 + (row.argument == "level")


def arms_of(tree: Expression) -> Iterator[str]:
    """Every arm that a measure reads."""
    return map(arm_of, functions_in(tree))


def curve_names(tree: Expression, model: Model) -> Iterator[str]:
    """Every species and observable that a measure reads."""
    return (curve_name(each, model) for each in functions_in(tree))


def arm_of(tree: Apply) -> str:
    """The arm that a function of a curve reads."""
    return dict(tree.options).get("arm", MAIN)


def arguments(tree: Apply, model: Model) -> CurveArguments:
    """The arguments of a function of a curve; `FormulaError` or `UnitError` for what cannot stand there."""
    row, name = FUNCTIONS[tree.op], curve_name(tree, model)
    time = level = None
    rest = list(tree.args[1:])
    if row.argument == "time":
        time = _time(_quoted(tree, rest.pop(0), "time"), model)
    elif row.argument == "level":
        level = _level(_quoted(tree, rest.pop(0), "level"), name, model)
    window = [_quoted(tree, arg, "time") for arg in rest]
    times = [_time(text, model) for text in window]
    if len(times) == 1:
        raise FormulaError(f"{tree.op}() takes a first and a last time, found only {window[0]!r}")
    return CurveArguments(name, time, level, (times[0], times[1]) if times else None)


def times_asked(found: CurveArguments) -> list[float]:
    """The times that a function of a curve names, in their order."""
    return [*(() if found.time is None else (found.time,)), *(found.window or ())]


def _quoted(tree: Apply, given: Expression, what: str) -> str:
    if not isinstance(given, Quoted):
        raise FormulaError(f"in {tree.op}() a {what} is a quantity in quotes such as '10 d'")
    return given.text


def _time(text: str, model: Model) -> float:
    number, given, _ = quantity(text)
    if not given.same_dimension(model.time_unit):
        raise UnitError(f"'{text}' is no time: expected a time such as '5 {model.time_unit_text}'")
    return converted(number, given, model.time_unit)


def _level(text: str, name: str, model: Model) -> float:
    number, given, unit_text = quantity(text)
    converted = in_moles(given, model.substance_of(name))
    if not converted.same_dimension(model.unit(name)):
        raise UnitError(f"'{text}': {name} is measured in {model.unit_text(name)}, not in {unit_text}")
    return number * converted.to(model.unit(name))
