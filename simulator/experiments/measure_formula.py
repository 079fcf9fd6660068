"""What can be measured on a trajectory, and in which unit the answer comes.

A measure is a formula over the functions below; the names in it are species and observables,
times and levels are quantities in quotes: ``max(tumour) / at(tumour, '10 d', arm='untreated')``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ..model.expression import Apply, Expression, FormulaError, Name, Number, Quoted, parse_measure
from ..model.model import Model
from ..model.units import ONE, Unit, UnitError, dimension_text, in_moles, quantity
from ..runtime.names import unknown_name
from .scenario import MAIN


class Function(NamedTuple):
    """gives: ``value`` (the unit of the quantity measured), ``time`` or ``area`` (both).
    arguments: what follows the name: l a level, t a time; those in brackets may be left out."""

    gives: str
    arguments: str
    optional: str


FUNCTIONS = {
    "at": Function("value", "t", ""),  # value at a time
    "final": Function("value", "", ""),  # value at the end
    "max": Function("value", "", "tt"),  # largest value [between two times]
    "min": Function("value", "", "tt"),  # smallest value
    "mean": Function("value", "", "tt"),  # mean over time
    "auc": Function("area", "", "tt"),  # area under the curve
    "time_of_max": Function("time", "", "tt"),  # time of the largest value
    "time_of_min": Function("time", "", "tt"),  # time of the smallest value
    "half_life": Function("time", "tt", ""),  # half-life of an exponential fall between two times
    "time_above": Function("time", "l", "tt"),  # total time spent above a level
    "time_below": Function("time", "l", "tt"),  # total time spent below a level
    "first_above": Function("time", "l", "tt"),  # first time at or above a level (nan if never)
    "first_below": Function("time", "l", "tt"),  # first time at or below a level (nan if never)
}
_COUNTS = {name: (1 + len(f.arguments), 1 + len(f.arguments) + len(f.optional)) for name, f in FUNCTIONS.items()}
_ARITHMETIC = ("add", "sub", "mul", "div", "neg")


def read_measure(text: str, model: Model, arms: Sequence[str], end: float = math.inf) -> tuple[Expression, Unit]:
    """The tree of a measure with every name checked, and the unit of its value.

    No time in it may lie after `end`, the end of the run in the model's time unit.
    """
    tree = parse_measure(text, _COUNTS)
    return tree, unit_of(tree, model, arms, end)


def unit_of(tree: Expression, model: Model, arms: Sequence[str], end: float) -> Unit:
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
    return _function_unit(tree, model, arms, end)


def _function_unit(tree: Apply, model: Model, arms: Sequence[str], end: float) -> Unit:
    name = curve_name(tree, model)
    measured = model.unit(name)
    times = []
    for kind, text in arguments(tree):
        if kind == "t":
            times.append(time_value(text, model))
            if times[-1] > end * (1 + 1e-9):
                raise FormulaError(f"'{text}' lies after the end of the run, {end:g} {model.time_unit_text}")
        else:
            level_value(text, name, model)
    if tree.op != "at" and len(times) == 1:
        raise FormulaError(f"{tree.op}() takes a first and a last time, found only {text!r}")
    if len(times) == 2 and not times[0] < times[1]:
        found = " and ".join(f"'{text}'" for kind, text in arguments(tree) if kind == "t")
        raise FormulaError(f"in {tree.op}() the first time must come before the last, found {found}")
    for _, arm in tree.options:
        if arm not in arms:
            raise FormulaError(unknown_name("no arm", arm, arms))
    gives = FUNCTIONS[tree.op].gives
    return {"value": measured, "time": model.time_unit, "area": measured * model.time_unit}[gives]


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
        measured = model.unit_text(curve_name(tree, model))
        gives = FUNCTIONS[tree.op].gives
        area = _joined(measured, "*", model.time_unit_text)
        return {"value": measured, "time": model.time_unit_text, "area": area}[gives]
    parts = [unit_text_of(arg, model) for arg in tree.args]
    return _joined(parts[0], {"mul": "*", "div": "/"}[tree.op], parts[1]) if tree.op in ("mul", "div") else parts[0]


def _joined(left: str, sign: str, right: str) -> str:
    if right == "1":
        return left
    if sign == "/" and left == right:
        return "1"
    if sign == "*" and left == "1":
        return right
    left = f"({left})" if sign == "*" and "/" in left else left
    return f"{left}{sign}({right})" if "*" in right or "/" in right else f"{left}{sign}{right}"


def curve_name(tree: Apply, model: Model) -> str:
    """The species or observable that a function measures."""
    first = tree.args[0]
    if not isinstance(first, (Name, Quoted)):
        raise FormulaError(f"{tree.op}() measures a species or observable, as in {tree.op}(IL2)")
    word = first.id if isinstance(first, Name) else first.text
    name = model.find(word, "species", "observables")
    if name is None:
        unknown = model.unknown(word, "species", "observables")
        raise FormulaError(f"{tree.op}() measures a species or observable: {unknown}")
    return name


def arms_of(tree: Expression) -> Iterator[str]:
    """Every arm that a measure looks at."""
    if isinstance(tree, Apply):
        if tree.op in FUNCTIONS:
            yield arm_of(tree)
        else:
            for arg in tree.args:
                yield from arms_of(arg)


def curve_names(tree: Expression, model: Model) -> Iterator[str]:
    """Every species and observable that a measure looks at."""
    if isinstance(tree, Apply):
        if tree.op in FUNCTIONS:
            yield curve_name(tree, model)
        else:
            for arg in tree.args:
                yield from curve_names(arg, model)


def arguments(tree: Apply) -> Iterator[tuple[str, str]]:
    """(kind, text) of what follows the name: kind ``t`` or ``l``."""
    function = FUNCTIONS[tree.op]
    for kind, arg in zip(function.arguments + function.optional, tree.args[1:], strict=False):
        if not isinstance(arg, Quoted):
            what = "time" if kind == "t" else "level"
            raise FormulaError(f"in {tree.op}() a {what} is a quantity in quotes such as '10 d'")
        yield kind, arg.text


def arm_of(tree: Apply) -> str:
    return dict(tree.options).get("arm", MAIN)


def time_value(text: str, model: Model) -> float:
    number, given, _ = quantity(text)
    if not given.same_dimension(model.time_unit):
        raise UnitError(f"'{text}' is no time: expected a time such as '5 {model.time_unit_text}'")
    return number * given.to(model.time_unit)


def level_value(text: str, name: str, model: Model) -> float:
    number, given, unit_text = quantity(text)
    substance = model.substance_of(name)
    converted = in_moles(given, substance) if substance else given
    if not converted.same_dimension(model.unit(name)):
        raise UnitError(f"'{text}': {name} is measured in {model.unit_text(name)}, not in {unit_text}")
    return number * converted.to(model.unit(name))
