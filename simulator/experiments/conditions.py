"""Conditions of rules: comparisons of curves, as ``blood_pressure < '70 mmHg' or toxicity_grade >= 3``.

The names are species and observables, quantities stand in quotes; values are those just before a dose. They are read
here, and computed in `decisions`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..model.expression import MAX_CHARACTERS, Apply, Expression, FormulaError, Name, Number, names, parse_measure
from ..model.expression import Quoted as QuotedText
from ..model.model import Model
from ..model.units import Unit, UnitError, dimension_text, in_moles
from .measures import unit_of
from .scenario import Compared, Condition, Joined

SIGNS: dict[type[ast.cmpop], str] = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
BEFORE = "before"  # the function of a curve that every name in a condition stands for
MAX_DEPTH = 60
EXAMPLE = "blood_pressure < '70 mmHg' or toxicity_grade >= 3"


def read_condition(text: str, model: Model) -> Condition:
    """The tree of a condition, every name and unit in it checked. Raises `FormulaError` or `UnitError`."""
    if len(text) > MAX_CHARACTERS:
        raise FormulaError(f"a condition may have {MAX_CHARACTERS} characters, this one has {len(text)}")
    source = " ".join(text.split())
    try:
        body = ast.parse(source, mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise FormulaError(f"not a condition: expected one such as {EXAMPLE}") from None
    return _Reader(source, model).read(body, 0)


def curves_of_condition(condition: Condition) -> Iterator[str]:
    """The species and observables that a condition reads."""
    if isinstance(condition, Joined):
        for part in condition.parts:
            yield from curves_of_condition(part)
    else:
        yield from (name for side in (condition.left, condition.right) for name in names(side))


class _Reader:
    def __init__(self, text: str, model: Model) -> None:
        self.text, self.model = text, model

    def read(self, node: ast.expr, depth: int) -> Condition:
        if depth > MAX_DEPTH:
            raise FormulaError(f"a condition nested deeper than {MAX_DEPTH}")
        if isinstance(node, ast.BoolOp):
            op = "and" if isinstance(node.op, ast.And) else "or"
            return Joined(op, tuple([self.read(each, depth + 1) for each in node.values]))
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return Joined("not", (self.read(node.operand, depth + 1),))
        if not isinstance(node, ast.Compare):
            raise FormulaError(f"expected a comparison such as {EXAMPLE}, found {self._source(node)}")
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
        trees = [self._side(each) for each in (left, right)]
        read = [list(names(tree)) for tree in trees]
        if not any(read):
            raise FormulaError(
                f"no curve is compared in {self._source(left)} {SIGNS[type(sign)]} {self._source(right)}"
            )
        substances = {self.model.substance_of(name) for each in read for name in each}
        units = [unit_of(tree, self.model, (), float("inf")) for tree in trees]
        if len(substances) == 1 and (substance := substances.pop()) is not None:
            units = [in_moles(unit, substance) if not own else unit for unit, own in zip(units, read, strict=True)]
        self._check_units(left, right, units)
        return Compared(trees[0], SIGNS[type(sign)], trees[1], units[1].to(units[0]))

    def _check_units(self, left: ast.expr, right: ast.expr, units: list[Unit]) -> None:
        if units[0].same_dimension(units[1]):
            return
        sides = (left, right)
        texts = [f"{self._source(side)} is {dimension_text(unit)}" for side, unit in zip(sides, units, strict=True)]
        bare = [each for each in sides if isinstance(each, ast.Constant) and not isinstance(each.value, str)]
        hint = f"; a quantity stands in quotes with its unit: '{self._source(bare[0])} ...'" if bare else ""
        raise UnitError(f"{' and '.join(texts)}, which cannot be compared{hint}")

    def _side(self, node: ast.expr) -> Expression:
        return self._before(parse_measure(self._source(node), {}))

    def _before(self, tree: Expression) -> Expression:
        """`tree` with each curve as its value before the dose."""
        if isinstance(tree, Name):
            name = self.model.find(tree.id, "species", "observables")
            if name is None:
                raise FormulaError(self.model.unknown(tree.id, "species", "observables"))
            return Apply(BEFORE, (Name(name), QuotedText(f"1 {self.model.time_unit_text}")))
        if isinstance(tree, Apply):
            return tree._replace(args=tuple([self._before(arg) for arg in tree.args]))
        return tree if isinstance(tree, Number) else QuotedText(tree.text)
