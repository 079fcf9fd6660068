"""Formulas as MathML: every number has its unit, and the units and functions that are used are defined."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from copy import copy
from functools import cache
from typing import Any

from ....model.expression import TIME, Apply, Expression, Name, Number, names
from ....model.laws import in_order
from ....model.model import Model
from ....model.units import BASES, ONE, Unit
from ....runtime.packages import missing_package

try:
    import libsbml as libsbml  # the other files of this folder take it from here
except ModuleNotFoundError:
    raise missing_package("python-libsbml") from None

LITRE = Unit(1e-3, tuple([3 * (base == "m") for base in BASES]))
_KINDS = {  # of the base units; whatever is counted is an item, a difference in degC is one in kelvin
    "m": libsbml.UNIT_KIND_METRE,
    "kg": libsbml.UNIT_KIND_KILOGRAM,
    "s": libsbml.UNIT_KIND_SECOND,
    "mol": libsbml.UNIT_KIND_MOLE,
    "degC": libsbml.UNIT_KIND_KELVIN,
    "cell": libsbml.UNIT_KIND_ITEM,
    "PFU": libsbml.UNIT_KIND_ITEM,
    "IU": libsbml.UNIT_KIND_ITEM,
}
_OPERATORS = {
    "add": libsbml.AST_PLUS,
    "sub": libsbml.AST_MINUS,
    "mul": libsbml.AST_TIMES,
    "div": libsbml.AST_DIVIDE,
    "neg": libsbml.AST_MINUS,
    "pow": libsbml.AST_POWER,
    "min": libsbml.AST_FUNCTION_MIN,
    "max": libsbml.AST_FUNCTION_MAX,
    "exp": libsbml.AST_FUNCTION_EXP,
    "log": libsbml.AST_FUNCTION_LN,
    "abs": libsbml.AST_FUNCTION_ABS,
    "floor": libsbml.AST_FUNCTION_FLOOR,
    "sin": libsbml.AST_FUNCTION_SIN,
    "cos": libsbml.AST_FUNCTION_COS,
    "above": libsbml.AST_RELATIONAL_GT,
    "not_below": libsbml.AST_RELATIONAL_GEQ,
    "and": libsbml.AST_LOGICAL_AND,
    "or": libsbml.AST_LOGICAL_OR,
    "not": libsbml.AST_LOGICAL_NOT,
}

_CLOCKS = (1.0, 60.0, 3600.0, 86400.0, 604800.0, 31557600.0)  # common units of time, in seconds
_Kinds = tuple[tuple[int, int, float], ...]  # kind of libSBML, exponent, multiplier
Node = tuple[Any, Unit]  # an ASTNode of libSBML, and the unit of its value


class Formulas:
    """Writes the formulas of `model` into `out`, a Model of libSBML.

    now: for each parameter that changes with time, the name that formulas of all times use for it.
    """

    def __init__(self, model: Model, out: Any, now: Mapping[str, str]) -> None:
        self.model, self.out, self.now = model, out, now
        self.units: dict[str, Unit] = {TIME: model.time_unit}
        for group in (model.species, model.parameters, model.observables):
            self.units.update({name: each.unit for name, each in group.items()})
        self.units.update({other: self.units[name] for name, other in now.items()})
        self._changing = self._dependent_on(now)
        self._amounts = {name for name, each in model.species.items() if not each.signed}
        self._of_amounts = self._dependent_on(self._amounts)
        self._in_base, self._outside_base = False, self
        self._unit_ids: dict[_Kinds, str] = {}
        self._taken_units: set[str] = set()

    def _dependent_on(self, changed: Collection[str]) -> set[str]:
        """The observables that depend on one of these names."""
        found: set[str] = set()
        for each in in_order(self.model):
            if any(name in changed or name in found for name in names(self.model.observables[each].value)):
                found.add(each)
        return found

    # units

    def unit_id(self, unit: Unit, text: str = "") -> str:
        """The id of the definition of `unit`, written if it is new; `text` is how the model writes the unit."""
        key = _in_kinds(unit)
        if not key:
            return "dimensionless"
        if key not in self._unit_ids:
            self._unit_ids[key] = self._define_unit(key, text)
        return self._unit_ids[key]

    def _define_unit(self, parts: _Kinds, text: str) -> str:
        word = re.sub(r"\W+", "_", text.replace("/", "_per_").replace("%", "percent")).strip("_") or "conversion"
        word = word if word[0].isalpha() else f"unit_{word}"
        name, number = word, 1
        while name in self._taken_units or libsbml.UnitKind_forName(name) != libsbml.UNIT_KIND_INVALID:
            number += 1
            name = f"{word}_{number}"
        self._taken_units.add(name)
        definition = self.out.createUnitDefinition()
        definition.setId(name)
        if text:
            definition.setName(text)
        for kind, power, multiplier in parts:
            part = definition.createUnit()
            part.setKind(kind)
            part.setExponent(power)
            part.setScale(0)
            part.setMultiplier(multiplier)
        return name

    # formulas

    def node(self, tree: Expression, holds: Mapping[str, str] | None = None) -> Node:
        """A formula as MathML, and the unit of its value.

        Args:
            holds: names of changed parameters at one moment, for a formula of that moment; None for one of all times.
        """
        if isinstance(tree, Number):
            return self.number(tree.value, ONE), ONE
        if isinstance(tree, Name):
            return self.name(tree.id, holds)
        if not isinstance(tree, Apply):
            raise TypeError(f"{tree!r} cannot be computed")
        op, args = tree.op, tree.args
        if op in ("mul", "div"):
            below = self._outside_base if op == "div" else self
            (a, unit_a), (b, unit_b) = self.node(args[0], holds), below.node(args[1], holds)
            return joined(op, a, b), unit_a * unit_b if op == "mul" else unit_a / unit_b
        if op in ("add", "sub", "min", "max"):
            a, b, unit = self._alike(args, holds)
            return joined(op, a, b), unit
        if op == "if":
            a, b, unit = self._alike(args[1:], holds)
            piecewise = libsbml.ASTNode(libsbml.AST_FUNCTION_PIECEWISE)
            for child in (a, self._condition(args[0], holds), b):
                piecewise.addChild(child)
            return piecewise, unit
        if op in ("neg", "abs"):
            a, unit = self.node(args[0], holds)
            return joined(op, a), unit
        if op == "log10":
            ten = joined("log", self.number(10.0, ONE))
            return joined("div", joined("log", self.in_unit(args[0], ONE, holds)), ten), ONE
        if op in ("exp", "log", "floor", "sin", "cos"):
            return joined(op, self.in_unit(args[0], ONE, holds)), ONE
        if op == "sqrt":
            a, unit = self._base.node(args[0], holds)
            half = Unit(unit.factor**0.5, tuple([power // 2 for power in unit.powers]))
            return joined("pow", a, self.number(0.5, ONE)), half
        if op == "pow":
            return self._power(args[0], args[1], holds)
        a, unit = self.node(args[0], holds)
        rest = [self.in_unit(arg, unit if place == 0 else ONE, holds) for place, arg in enumerate(args[1:])]
        if op == "saturation" and isinstance(args[0], Name) and args[0].id in self._amounts:
            return joined("div", a, joined("add", *rest, a.deepCopy())), ONE
        return self._hill(op, a, *rest), ONE

    def _alike(self, args: Sequence[Expression], holds: Mapping[str, str] | None) -> tuple[Any, Any, Unit]:
        """Two formulas in one unit; zero has any."""
        if args[0] == Number(0.0):
            b, unit = self.node(args[1], holds)
            return self.number(0.0, unit), b, unit
        a, unit = self.node(args[0], holds)
        return a, self.in_unit(args[1], unit, holds), unit

    def _condition(self, tree: Expression, holds: Mapping[str, str] | None) -> Any:
        """The condition of an "if" as MathML."""
        if not isinstance(tree, Apply):
            raise TypeError(f"{tree!r} is no condition")
        if tree.op in ("and", "or", "not"):
            return joined(tree.op, *(self._condition(each, holds) for each in tree.args))
        a, b, _ = self._alike(tree.args, holds)
        return joined(tree.op, a, b)

    def _hill(self, op: str, x: Any, level: Any, exponent: Any = None) -> Any:
        """hill(), inhibition() or saturation() as the solver has them, as 1 / (1 + (x/K)^-n) and 1 / (1 + (x/K)^n),
        in which `x`, which others write out, stands once; at zero the first is 1 / (1 + infinity). They are written
        out, not called: libSBML finds wrong units where what is passed to a function is more than a name."""
        one = self.number(1.0, ONE)
        ratio = joined("max", joined("div", x, level), self.number(0.0, ONE))
        if op == "saturation":
            against = joined("div", one, ratio)
        else:
            against = joined("pow", ratio, exponent if op == "inhibition" else joined("neg", exponent))
        return joined("div", one.deepCopy(), joined("add", one.deepCopy(), against))

    def _power(self, base: Expression, exponent: Expression, holds: Mapping[str, str] | None) -> Node:
        if isinstance(exponent, Number) and exponent.value % 1.0 == 0.0:
            a, unit = self.node(base, holds)
            return joined("pow", a, self.number(exponent.value, ONE)), unit ** int(exponent.value)
        return joined("pow", self._base.in_unit(base, ONE, holds), self.in_unit(exponent, ONE, holds)), ONE

    @property
    def _base(self) -> Formulas:
        """This, writing the base of a power, in which an amount below zero is taken as zero, but not what is divided
        by."""
        inside = copy(self)
        inside._in_base = True
        return inside

    def in_unit(self, tree: Expression, unit: Unit, holds: Mapping[str, str] | None = None) -> Any:
        """As `node`, for a formula whose value is in `unit`. If its parts give another unit, its first factor is the
        conversion that `with_units` inserted."""
        if tree == Number(0.0):
            return self.number(0.0, unit)
        if isinstance(tree, Number):
            return self.number(tree.value, unit)
        if isinstance(tree, Apply) and tree.op == "mul" and isinstance(tree.args[0], Number):
            inner, found = self.node(tree.args[1], holds)
            if _in_kinds(found) != _in_kinds(unit):
                return joined("mul", self.number(tree.args[0].value, unit / found), inner)
        return self.node(tree, holds)[0]

    def name(self, name: str, holds: Mapping[str, str] | None = None) -> Node:
        """A name as MathML, and its unit; `holds` as in `node`."""
        if name == TIME:
            leaf = libsbml.ASTNode(libsbml.AST_NAME_TIME)
            leaf.setName(TIME)
            return leaf, self.units[TIME]
        if (holds is not None and name in self._changing) or (self._in_base and name in self._of_amounts):
            # its assignment rule still has the value before this moment, or amounts below zero
            unit = self.units[name]
            return self.in_unit(self.model.laws.observables[name], unit, holds), unit
        leaf, unit = libsbml.ASTNode(libsbml.AST_NAME), self.units[name]
        leaf.setName((self.now if holds is None else holds).get(name, name))
        return joined("max", leaf, self.number(0.0, unit)) if self._in_base and name in self._amounts else leaf, unit

    def differs(self, name: str, before: Mapping[str, str], after: Mapping[str, str]) -> bool:
        """Whether a parameter or observable may have another value with `after` than with `before`, as in `node`."""
        return before.get(name) != after.get(name) or (name in self._changing and before != after)

    def number(self, value: float, unit: Unit, text: str = "") -> Any:
        """A number with its unit as MathML; `text` is how the model writes the unit."""
        leaf = libsbml.ASTNode()
        leaf.setValue(int(value) if value == int(value) and abs(value) < 1e9 else value)
        leaf.setUnits(self.unit_id(unit, text))
        return leaf


class Ids:
    """Names that are in use: in SBML names of all kinds of elements must differ."""

    def __init__(self, *taken: str) -> None:
        self._taken = set(taken)

    def free(self, *parts: str) -> str:
        """A new name made of `parts`, with underscores for characters that a name cannot have."""
        word = re.sub(r"\W+", "_", "_".join(parts), flags=re.ASCII)
        word = f"_{word}" if word[:1].isdigit() else word
        name, number = word, 1
        while name in self._taken:
            number += 1
            name = f"{word}_{number}"
        self._taken.add(name)
        return name


def joined(op: str, *args: Any) -> Any:
    """An operator of the model language applied to ASTNodes."""
    node = libsbml.ASTNode(_OPERATORS[op])
    for arg in args:
        node.addChild(arg)
    return node


@cache
def _in_kinds(unit: Unit) -> _Kinds:
    """`unit` in the kinds of SBML: litres rather than cubic metres, the unit of time that leaves the shortest factor,
    and without the last digits, which are rounding errors."""
    powers: dict[int, int] = {}
    factor = unit.factor
    for base, power in zip(BASES, unit.powers, strict=True):
        if base == "m" and power % 3 == 0:
            powers[libsbml.UNIT_KIND_LITRE] = power // 3
            factor *= 1000.0 ** (power // 3)
        else:
            powers[_KINDS[base]] = powers.get(_KINDS[base], 0) + power
    per = powers.get(libsbml.UNIT_KIND_SECOND, 0)
    texts = {clock: f"{factor / clock**per:.12g}" for clock in (_CLOCKS if per else _CLOCKS[:1])}
    clock = min(texts, key=lambda each: len(texts[each]))
    factor = float(texts[clock])
    parts = {
        kind: (power, clock if kind == libsbml.UNIT_KIND_SECOND else 1.0) for kind, power in powers.items() if power
    }
    if factor != 1.0:
        roots = {kind: (power, _root(factor, power)) for kind, (power, size) in parts.items() if size == 1.0}
        roots = roots or {libsbml.UNIT_KIND_DIMENSIONLESS: (1, factor)}
        kind = min(roots, key=lambda each: (len(f"{roots[each][1]}"), abs(roots[each][0] - 1)))
        parts[kind] = roots[kind]
    return tuple((kind, *part) for kind, part in parts.items())


def _root(factor: float, power: int) -> float:
    return float(f"{factor ** (1 / power):.12g}")
