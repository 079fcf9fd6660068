"""Formulas of curves, such as ``T_regulatory / at(T_regulatory, '0 d')``: what is plotted, kept or laid under data.

A species or observable that stands alone is a curve; functions of curves, as measures have them, are one number each,
read in the same arm.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

from ..model.expression import Apply, Expression, FormulaError, Name, Number, Quoted, names, parse_measure
from ..model.model import Model
from ..model.units import ONE, Unit, UnitError, dimension_text, in_moles, quantity
from .measures import FUNCTIONS, functions_in, joined_text, unit_of, unit_text_of
from .scenario import MAIN, CurveFormula

OF_NUMBERS = ("exp", "log", "log10", "sqrt")  # functions of one pure number; of sqrt() also with a unit
_ARITHMETIC = ("add", "sub", "mul", "div", "neg")
_ARGUMENTS = {name: row.counts for name, row in FUNCTIONS.items()} | dict.fromkeys(OF_NUMBERS, (1, 1))


class _Typed(NamedTuple):
    """A part of a formula with its unit, as a unit and as text."""

    tree: Expression
    unit: Unit
    unit_text: str


def read_curve(text: str, model: Model, end: float) -> CurveFormula:
    """The formula of a curve, every name in it checked.

    end: of the run, in the model's time unit; no time in it may lie after it.
    Raises `FormulaError` or `UnitError`.
    """
    alone = model.find(text.strip(), "species", "observables")
    found = _typed(Name(alone) if alone is not None else parse_measure(text, _ARGUMENTS), model, end)
    if isinstance(found.tree, Name):  # also of "(IL2)" or "'IL-2'"
        return CurveFormula(found.tree.id, found.tree, found.unit, found.unit_text, (found.tree.id,))
    read = tuple(dict.fromkeys(_curves_in(found.tree)))
    if not read:
        example = next((each.args[0] for each in functions_in(found.tree)), Name("IL2"))
        name = example.id if isinstance(example, Name) else "IL2"
        raise FormulaError(f"one number and no curve: expected a formula in which a curve stands alone, such as {name}")
    return CurveFormula(" ".join(text.split()), found.tree, found.unit, found.unit_text, read)


def _curves_in(tree: Expression) -> Iterator[str]:
    """The species and observables that stand alone."""
    if isinstance(tree, Name):
        yield tree.id
    elif isinstance(tree, Apply) and tree.op not in FUNCTIONS:
        for arg in tree.args:
            yield from _curves_in(arg)


def names_read(formula: CurveFormula) -> tuple[str, ...]:
    """Every species and observable that a formula reads, also within its functions of curves."""
    return tuple(dict.fromkeys([*formula.curves, *names(formula.tree)]))


def _typed(tree: Expression, model: Model, end: float) -> _Typed:
    if isinstance(tree, Number):
        return _Typed(tree, ONE, "1")
    if isinstance(tree, Quoted):
        name = model.find(tree.text, "species", "observables")
        if name is None:
            number, given, text = quantity(tree.text)
            return _Typed(Number(number), given, text)
        tree = Name(name)
    if isinstance(tree, Name):
        found = model.find(tree.id, "species", "observables")
        if found is None:
            raise FormulaError(
                f"a curve is a species or observable: {model.unknown(tree.id, 'species', 'observables')}"
            )
        return _Typed(Name(found), model.unit(found), model.unit_text(found))
    if tree.op in FUNCTIONS:
        return _measure(tree, model, end)
    parts = [_typed(arg, model, end) for arg in tree.args]
    if tree.op in OF_NUMBERS:
        return _of_number(tree.op, parts[0])
    if tree.op not in _ARITHMETIC:
        raise FormulaError("powers are not part of curves")
    return _arithmetic(tree.op, parts, model)


def _measure(tree: Apply, model: Model, end: float) -> _Typed:
    if tree.options:
        raise FormulaError(f"{tree.op}(..., arm=...): a curve is of one arm; leave 'arm' out")
    unit = unit_of(tree, model, [MAIN], end)
    first = tree.args[0]
    name = model.find(
        first.id if isinstance(first, Name) else str(getattr(first, "text", "")), "species", "observables"
    )
    return _Typed(tree._replace(args=(Name(str(name)), *tree.args[1:])), unit, unit_text_of(tree, model))


def _of_number(op: str, part: _Typed) -> _Typed:
    if op == "sqrt" and not part.unit.dimensionless:
        if any(power % 2 for power in part.unit.powers):
            raise UnitError(f"sqrt() of {dimension_text(part.unit)} has no unit")
        half = Unit(math.sqrt(part.unit.factor), tuple([power // 2 for power in part.unit.powers]))
        return _Typed(Apply(op, (part.tree,)), half, f"({part.unit_text})^0.5")
    if not part.unit.dimensionless:
        raise UnitError(f"{op}() needs a pure number, found {dimension_text(part.unit)}; divide by a level such as "
                        f"'1 {part.unit_text}'")  # fmt: skip
    tree = part.tree if part.unit.factor == 1.0 else Apply("mul", (Number(part.unit.factor), part.tree))
    return _Typed(Apply(op, (tree,)), ONE, "1")


def _in_moles(part: _Typed, other: _Typed, model: Model) -> _Typed:
    """A quantity next to curves of one substance, its mass or international units in moles if theirs are."""
    if not isinstance(part.tree, Number):
        return part
    converted = in_moles(part.unit, model.shared_substance(names(other.tree)))
    return part._replace(unit=converted) if converted.same_dimension(other.unit) else part


def _arithmetic(op: str, parts: list[_Typed], model: Model) -> _Typed:
    first = parts[0]
    if op == "neg":
        return first._replace(tree=Apply(op, (first.tree,)))
    first, second = _in_moles(first, parts[1], model), _in_moles(parts[1], first, model)
    if op in ("mul", "div"):
        unit = first.unit * second.unit if op == "mul" else first.unit / second.unit
        text = joined_text(first.unit_text, "*" if op == "mul" else "/", second.unit_text)
        return _Typed(Apply(op, (first.tree, second.tree)), unit, text)
    if not first.unit.same_dimension(second.unit):
        raise UnitError(f"{dimension_text(first.unit)} and {dimension_text(second.unit)} cannot be added")
    factor = second.unit.to(first.unit)
    right = second.tree if factor == 1.0 else Apply("mul", (Number(factor), second.tree))
    return first._replace(tree=Apply(op, (first.tree, right)))
