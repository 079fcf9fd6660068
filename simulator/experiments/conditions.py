"""Conditions: comparisons joined by and, or, not; quantities stand in quotes.

Those of rules compare curves, whose values are those just before a dose (computed in `decisions`), as
``blood_pressure < '70 mmHg' or toxicity_grade >= 3``; those of answers compare measures (computed in `answers`).
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Iterator, Mapping, Sequence

from ..model.expression import MAX_CHARACTERS, Apply, Expression, FormulaError, Name, Number, names, parse_measure
from ..model.expression import Quoted as QuotedText
from ..model.model import Model
from ..model.units import Unit, UnitError, dimension_text, in_moles
from .measures import curve_names, read_measure, unit_of
from .rules import Compared, Condition, Joined

SIGNS: dict[type[ast.cmpop], str] = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
BEFORE = "before"  # the function of a curve that every name in a condition stands for
MAX_DEPTH = 60
EXAMPLE = "blood_pressure < '70 mmHg' or toxicity_grade >= 3"
OF_MEASURES = "final(IL2) < '5 pM' and max(temperature) > '38 degC'"

_Side = Callable[[str], tuple[Expression, Unit]]


def read_condition(text: str, model: Model) -> Condition:
    """The tree of the condition of a rule, every name and unit checked. Raises `FormulaError` or `UnitError`."""

    def before_dose(side: str) -> tuple[Expression, Unit]:
        tree = _before(parse_measure(side, {}), model)
        return tree, unit_of(tree, model, (), math.inf)

    return _read(text, model, before_dose, EXAMPLE)


def read_measures_condition(
    text: str, model: Model, arms: Sequence[str], end: float, numbers: Mapping[str, float]
) -> Condition:
    """The tree of a condition of measures; arms, end, numbers and errors as in `read_measure`."""
    plain = bool(numbers)
    return _read(text, model, lambda side: read_measure(side, model, arms, end, numbers), OF_MEASURES, plain)


def _read(text: str, model: Model, side: _Side, example: str, plain: bool = False) -> Condition:
    """plain: whether numbers may be compared that are of no curve."""
    if len(text) > MAX_CHARACTERS:
        raise FormulaError(f"a condition may have {MAX_CHARACTERS} characters, this one has {len(text)}")
    source = " ".join(text.split())
    try:
        body = ast.parse(source, mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise FormulaError(f"not a condition: expected one such as {example}") from None
    return _Reader(source, model, side, example, plain).read(body, 0)


def condition_of_curves(tree: Expression, model: Model) -> Condition:
    """A condition of a formula, whose sides are curves and numbers."""
    if not isinstance(tree, Apply):
        raise TypeError(f"{tree!r} is no condition")
    if tree.op in ("above", "not_below"):
        left, right = (_before(side, model) for side in tree.args)
        return Compared(left, ">" if tree.op == "above" else ">=", right, 1.0)
    return Joined(tree.op, tuple([condition_of_curves(part, model) for part in tree.args]))


def curves_of_condition(condition: Condition) -> Iterator[str]:
    """The species and observables that the condition of a rule reads."""
    return (name for side in sides_of(condition) for name in names(side))


def comparisons(condition: Condition) -> Iterator[Compared]:
    """Every comparison in a condition, from left to right."""
    if isinstance(condition, Joined):
        for part in condition.parts:
            yield from comparisons(part)
    else:
        yield condition


def sides_of(condition: Condition) -> Iterator[Expression]:
    """Both sides of every comparison."""
    for each in comparisons(condition):
        yield from (each.left, each.right)


class _Reader:
    def __init__(self, text: str, model: Model, side: _Side, example: str, plain: bool) -> None:
        self.text, self.model, self.side, self.example, self.plain = text, model, side, example, plain

    def read(self, node: ast.expr, depth: int) -> Condition:
        if depth > MAX_DEPTH:
            raise FormulaError(f"a condition nested deeper than {MAX_DEPTH}")
        if isinstance(node, ast.BoolOp):
            op = "and" if isinstance(node.op, ast.And) else "or"
            return Joined(op, tuple([self.read(each, depth + 1) for each in node.values]))
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return Joined("not", (self.read(node.operand, depth + 1),))
        if not isinstance(node, ast.Compare):
            raise FormulaError(f"expected a comparison such as {self.example}, found {self._source(node)}")
        sides = [node.left, *node.comparators]
        found = [
            self._compared(left, sign, right) for left, sign, right in zip(sides, node.ops, sides[1:], strict=False)
        ]
        return found[0] if len(found) == 1 else Joined("and", tuple(found))

    def _source(self, node: ast.expr) -> str:
        return ast.get_source_segment(self.text, node) or ""

    def _compared(self, left: ast.expr, sign: ast.cmpop, right: ast.expr) -> Compared:
        if type(sign) not in SIGNS:
            raise FormulaError(f"a condition compares by < <= > >=, in {self._source(left)} ... {self._source(right)}")
        (left_tree, left_unit), (right_tree, right_unit) = (self.side(self._source(each)) for each in (left, right))
        read = [list(curve_names(tree, self.model)) for tree in (left_tree, right_tree)]
        if not any(read) and not self.plain:
            raise FormulaError(
                f"no curve is compared in {self._source(left)} {SIGNS[type(sign)]} {self._source(right)}"
            )
        substance = self.model.shared_substance(name for each in read for name in each)
        units = [
            unit if own else in_moles(unit, substance) for unit, own in zip((left_unit, right_unit), read, strict=True)
        ]
        self._check_units(left, right, units)
        return Compared(left_tree, SIGNS[type(sign)], right_tree, units[1].to(units[0]))

    def _check_units(self, left: ast.expr, right: ast.expr, units: list[Unit]) -> None:
        if units[0].same_dimension(units[1]):
            return
        sides = (left, right)
        texts = [f"{self._source(side)} is {dimension_text(unit)}" for side, unit in zip(sides, units, strict=True)]
        bare = [each for each in sides if isinstance(each, ast.Constant) and not isinstance(each.value, str)]
        hint = f"; a quantity stands in quotes with its unit: '{self._source(bare[0])} ...'" if bare else ""
        raise UnitError(f"{' and '.join(texts)}, which cannot be compared{hint}")


def _before(tree: Expression, model: Model) -> Expression:
    """`tree` with each curve as its value before the dose."""
    if isinstance(tree, Name):
        name = model.find(tree.id, "species", "observables")
        if name is None:
            raise FormulaError(model.unknown(tree.id, "species", "observables"))
        return Apply(BEFORE, (Name(name), QuotedText(f"1 {model.time_unit_text}")))
    if isinstance(tree, Apply):
        return tree._replace(args=tuple([_before(arg, model) for arg in tree.args]))
    return tree if isinstance(tree, Number) else QuotedText(tree.text)
