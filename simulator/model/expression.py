"""Formulas: text becomes a small checked tree; names and units are read from that tree.

The text is parsed with the standard library's `ast` and only what is listed here is let
through; no text is ever evaluated. Derivatives and code are made from the same tree by
`immunesim.numerics.graph`.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Iterator, Mapping
from keyword import iskeyword
from typing import NamedTuple

from ..runtime.names import nearest
from ..runtime.text import shortened
from .units import ONE, Unit, UnitError, dimension_text

TIME = "time"  # the one name every formula may use without declaring it
FUNCTIONS = {  # name: number of arguments
    "saturation": 2,  # x / (K + x)
    "hill": 3,  # (x/K)^n / (1 + (x/K)^n)
    "inhibition": 3,  # 1 / (1 + (x/K)^n)
    "exp": 1,
    "log": 1,
    "sqrt": 1,
    "min": 2,
    "max": 2,
    "abs": 1,
    "floor": 1,
    "log10": 1,
    "sin": 1,
    "cos": 1,
    "if": 3,  # a condition, the value where it holds, and the value elsewhere
}
COMPARISONS: dict[type[ast.cmpop], tuple[str, bool]] = {  # each as one of two, perhaps with its sides exchanged
    ast.Gt: ("above", False),
    ast.GtE: ("not_below", False),
    ast.Lt: ("above", True),
    ast.LtE: ("not_below", True),
}
OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: "add",
    ast.Sub: "sub",
    ast.Mult: "mul",
    ast.Div: "div",
    ast.Pow: "pow",
}
MAX_CHARACTERS = 2000
MAX_DEPTH = 60
MOST_QUOTED = 60  # characters of a formula in a message

_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")
_IN_QUOTES = re.compile(r"'[^']*'|\"[^\"]*\"")
_IF = re.compile(r"\bif\b(?=\s*\()")  # a keyword to Python, whose parser reads formulas
_CALLED_IF = "if_"
_BARE_QUANTITY = re.compile(r"(?<![\w.])\d+(?:\.\d*)?\s+[A-Za-z%][\w/^%-]*")


class FormulaError(ValueError):
    """A formula outside the language; the message says what was found and what is allowed."""


class Number(NamedTuple):
    """A finite constant."""

    value: float


class Name(NamedTuple):
    """A species, parameter, observable or `TIME`."""

    id: str


class Quoted(NamedTuple):
    """A quantity or a name in quotes, as measures use them: ``'10 d'``."""

    text: str


class Apply(NamedTuple):
    """An operator (one of `OPERATORS`, or "neg") or a function applied to its arguments.

    The first argument of "if" is a condition: "above" (a > b) or "not_below" (a >= b), which are false where a or b is
    not a number, or "and", "or" and "not" of conditions.
    options: keyword arguments, which only measures have.
    """

    op: str
    args: tuple[Expression, ...]
    options: tuple[tuple[str, str], ...] = ()


Expression = Number | Name | Quoted | Apply


def is_identifier(text: str) -> bool:
    """Whether `text` can name a species, parameter, reaction or observable."""
    return bool(_IDENTIFIER.match(text)) and text not in FUNCTIONS and text != TIME and not iskeyword(text)


def parse(text: str) -> Expression:
    """The tree of a rate law or observable. Raises `FormulaError` if it is outside the language.

    >>> parse("k * IL2")
    Apply(op='mul', args=(Name(id='k'), Name(id='IL2')), options=())
    """
    return _FormulaReader(text, FUNCTIONS, quotes=False).read()


def parse_measure(text: str, functions: Mapping[str, tuple[int, int]]) -> Expression:
    """The tree of a measure: as `parse`, with functions of its own, text in quotes and the option ``arm='name'``.

    Args:
        functions: fewest and most arguments of each, by name.
    """
    return _FormulaReader(text, functions, quotes=True).read()


class _FormulaReader:
    """Turns the syntax tree of Python into an `Expression`, and refuses everything that is not listed."""

    def __init__(self, text: str, functions: Mapping[str, int | tuple[int, int]], quotes: bool) -> None:
        self.text = text
        self.functions = functions
        self.quotes = quotes
        self.source = ""  # in one line, as Python reads it

    def read(self) -> Expression:
        if len(self.text) > MAX_CHARACTERS:
            raise FormulaError(f"a formula may have {MAX_CHARACTERS} characters, this one has {len(self.text)}")
        if not self.text.strip():
            raise FormulaError("the formula is empty")
        nesting = 0
        for character in self.text:
            nesting += (character == "(") - (character == ")")
            if nesting > MAX_DEPTH:
                raise FormulaError(f"parentheses nested deeper than {MAX_DEPTH}")
        source = self.text.strip() if self.quotes else self.text.strip().replace("^", "**")
        source = _IF.sub(_CALLED_IF, source) if "if" in self.functions else source
        try:
            self.source = " ".join(source.split())
            body = ast.parse(self.source, mode="eval").body
        except SyntaxError as error:
            place = f" near column {error.offset}" if error.offset else ""
            bare = _BARE_QUANTITY.search(_IN_QUOTES.sub("", self.text)) if self.quotes else None
            why = f"times and levels go in quotes, '{bare[0]}'" if bare else error.msg
            raise FormulaError(f"not a formula{place}: {why}") from None
        except (ValueError, MemoryError, RecursionError):
            raise FormulaError("not a formula: it cannot be parsed") from None
        return self.node(body, 0)

    def node(self, node: ast.expr, depth: int) -> Expression:
        if depth > MAX_DEPTH * 4:
            raise FormulaError(f"a formula nested deeper than {MAX_DEPTH * 4}")
        if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
            op = OPERATORS[type(node.op)]
            return Apply(op, (self.node(node.left, depth + 1), self.node(node.right, depth + 1)))
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitXor):
            raise FormulaError("powers are not part of measures")  # elsewhere ^ is read as **
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            inner = self.node(node.operand, depth + 1)
            return Number(-inner.value) if isinstance(inner, Number) else Apply("neg", (inner,))
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.UAdd):
            return self.node(node.operand, depth + 1)
        if isinstance(node, ast.Name):
            return Name(node.id)
        if isinstance(node, ast.Constant):
            return self.constant(node.value)
        if isinstance(node, ast.Call):
            return self.call(node, depth)
        if isinstance(node, ast.Compare | ast.BoolOp) and "if" in self.functions:
            raise FormulaError(
                f"{self.construct(node)} is no number: it stands in the condition of if(condition, a, b)"
            )
        if isinstance(node, ast.List | ast.Tuple) and self.quotes:
            raise FormulaError(f"{self.construct(node)}: write the arguments without brackets of their own, "
                               "max(x, '0 d', '15 d')")  # fmt: skip
        signs = "+ - * /" if self.quotes else "+ - * / ^"  # measures have no powers
        raise FormulaError(f"{self.construct(node)} is not part of the formula language ({signs}, parentheses, "
                           f"names, numbers, {', '.join(sorted(self.functions))})")  # fmt: skip

    def constant(self, value: object) -> Expression:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            try:
                number = float(value)
            except OverflowError:
                number = math.inf
            if not math.isfinite(number):
                raise FormulaError("a number too large to be stored")
            return Number(number)
        if isinstance(value, str) and self.quotes:
            return Quoted(value)
        if isinstance(value, str):
            raise FormulaError(f"text in quotes ({value!r}) is not part of a rate law")
        raise FormulaError(f"{value!r} is not a number")

    def call(self, node: ast.Call, depth: int) -> Expression:
        if not isinstance(node.func, ast.Name):
            raise FormulaError(
                f"{self.construct(node.func)} cannot be called; functions are {', '.join(sorted(self.functions))}"
            )
        name = "if" if node.func.id == _CALLED_IF and "if" in self.functions else node.func.id
        if name not in self.functions:
            raise FormulaError(f"no function '{name}'{nearest(name, self.functions)}; "
                               f"functions are {', '.join(sorted(self.functions))}")  # fmt: skip
        count = self.functions[name]
        fewest, most = (count, count) if isinstance(count, int) else count
        if not fewest <= len(node.args) <= most:
            wanted = str(fewest) if fewest == most else f"{fewest} to {most}"
            raise FormulaError(f"{name}() takes {wanted} arguments, found {len(node.args)}")
        args = [self.node(arg, depth + 1) for arg in (node.args[1:] if name == "if" else node.args)]
        if name == "if":
            args.insert(0, self.condition(node.args[0], depth + 1))
        return Apply(name, tuple(args), self.options(name, node))

    def condition(self, node: ast.expr, depth: int) -> Expression:
        """The first argument of "if"."""
        if depth > MAX_DEPTH * 4:
            raise FormulaError(f"a formula nested deeper than {MAX_DEPTH * 4}")
        if isinstance(node, ast.BoolOp):
            op = "and" if isinstance(node.op, ast.And) else "or"
            return Apply(op, tuple([self.condition(each, depth + 1) for each in node.values]))
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return Apply("not", (self.condition(node.operand, depth + 1),))
        if not isinstance(node, ast.Compare):
            raise FormulaError("the condition of if() compares two numbers, such as x > 3, joined by and, or, not")
        sides = [self.node(each, depth + 1) for each in (node.left, *node.comparators)]
        found = []
        for sign, left, right in zip(node.ops, sides, sides[1:], strict=False):
            if type(sign) not in COMPARISONS:
                raise FormulaError("a condition compares by < <= > >=, as equal numbers are a matter of rounding")
            op, exchanged = COMPARISONS[type(sign)]
            found.append(Apply(op, (right, left) if exchanged else (left, right)))
        return found[0] if len(found) == 1 else Apply("and", tuple(found))

    def options(self, name: str, node: ast.Call) -> tuple[tuple[str, str], ...]:
        found = []
        for keyword in node.keywords:
            value = keyword.value
            if not self.quotes or keyword.arg != "arm":
                raise FormulaError(
                    f"{name}() has no option '{keyword.arg}'" + (" (only arm='...')" if self.quotes else "")
                )
            if not isinstance(value, ast.Constant) or not isinstance(value.value, str):
                raise FormulaError(f"the arm in {name}(..., arm=...) must be a name in quotes")
            found.append(("arm", value.value))
        return tuple(found)

    def construct(self, node: ast.expr) -> str:
        """What a piece of syntax is called in messages: by a word, or as it is written."""
        words = {
            ast.Attribute: "an attribute (a dot)",
            ast.Subscript: "an index in brackets",
            ast.Compare: "a comparison",
            ast.BoolOp: "'and'/'or'",
            ast.Lambda: "a lambda",
            ast.IfExp: "'if ... else'",
            ast.Call: "a call",
        }
        written = self.source.encode()[node.col_offset : node.end_col_offset].decode()
        written = written if self.quotes else written.replace("**", "^")
        return words.get(type(node)) or f"'{shortened(written.replace(_CALLED_IF, 'if'), MOST_QUOTED)}'"


def names(expression: Expression) -> Iterator[str]:
    """Every name in the tree, with repeats, from left to right."""
    waiting = [expression]  # a stack, as trees are deep and generators within generators are slow
    while waiting:
        part = waiting.pop()
        if isinstance(part, Name):
            yield part.id
        elif isinstance(part, Apply):
            waiting += part.args[::-1]


def with_units(expression: Expression, units: Mapping[str, Unit]) -> tuple[Expression, Unit]:
    """The tree with every needed conversion factor written in, and its unit.

    Sums, minima, maxima and half-saturations must agree in dimension; where only the size of the unit differs (pM
    and nM) the factor is inserted.

    Raises:
        UnitError: if dimensions do not agree.
    """
    if isinstance(expression, Number):
        return expression, ONE
    if isinstance(expression, Name):
        return expression, units[expression.id]
    if isinstance(expression, Quoted):
        raise UnitError("text in quotes has no unit here")
    op = expression.op
    parts = [with_units(arg, units) for arg in expression.args]
    trees = [tree for tree, _ in parts]
    found = [unit for _, unit in parts]
    if op == "mul":
        return Apply(op, tuple(trees)), found[0] * found[1]
    if op == "div":
        return Apply(op, tuple(trees)), found[0] / found[1]
    if op == "neg":
        return Apply(op, tuple(trees)), found[0]
    if op in ("add", "sub", "min", "max"):
        return _alike(op, trees, found)
    if op in ("above", "not_below"):
        return _alike(op, trees, found)[0], ONE
    if op in ("and", "or", "not"):
        return Apply(op, tuple(trees)), ONE
    if op == "if":
        branches, unit = _alike("if", trees[1:], found[1:])
        return Apply(op, (trees[0], *branches.args)), unit
    if op == "abs":
        return Apply(op, tuple(trees)), found[0]
    if op == "pow":
        return _power(trees, found)
    if op == "sqrt":
        if any(power % 2 for power in found[0].powers):
            raise UnitError(f"sqrt() of {dimension_text(found[0])} has no unit")
        half = tuple([power // 2 for power in found[0].powers])
        return Apply(op, tuple(trees)), Unit(math.sqrt(found[0].factor), half)
    if op in ("exp", "log", "log10", "floor", "sin", "cos"):
        return Apply(op, (_dimensionless(trees[0], found[0], f"{op}()"),)), ONE
    # saturation, hill, inhibition: x and K in one unit, n a pure number
    args = [trees[0], _convert(trees[1], found[1], found[0], f"{op}()")]
    args += [
        _dimensionless(tree, unit, f"the exponent of {op}()") for tree, unit in zip(trees[2:], found[2:], strict=True)
    ]
    return Apply(op, tuple(args)), ONE


def _alike(op: str, trees: list[Expression], found: list[Unit]) -> tuple[Apply, Unit]:
    """An operation on two quantities of one dimension, of which the second is converted to the unit of the first; zero
    has any unit."""
    if trees[0] == Number(0.0):
        return Apply(op, (trees[0], trees[1])), found[1]
    second = trees[1] if trees[1] == Number(0.0) else _convert(trees[1], found[1], found[0], op)
    return Apply(op, (trees[0], second)), found[0]


def _power(trees: list[Expression], found: list[Unit]) -> tuple[Expression, Unit]:
    base, exponent = trees
    if isinstance(exponent, Number) and exponent.value == int(exponent.value):
        try:
            return Apply("pow", (base, exponent)), found[0] ** int(exponent.value)
        except ArithmeticError:
            raise UnitError(f"the power {exponent.value:g} of {dimension_text(found[0])} has no finite size") from None
    args = (_dimensionless(base, found[0], "the base of a power"), _dimensionless(exponent, found[1], "an exponent"))
    return Apply("pow", args), ONE


def _dimensionless(tree: Expression, unit: Unit, where: str) -> Expression:
    """`tree` as a pure number, or `UnitError`."""
    if not unit.dimensionless:
        raise UnitError(f"{where} needs a pure number, found {dimension_text(unit)}")
    return scaled(tree, unit.factor)


def _convert(tree: Expression, unit: Unit, target: Unit, where: str) -> Expression:
    words = {"add": "'+'", "sub": "'-'", "if": "if()", "above": "a comparison", "not_below": "a comparison"}
    if not unit.same_dimension(target):
        raise UnitError(f"{words.get(where, where)} joins {dimension_text(target)} and {dimension_text(unit)}")
    return scaled(tree, unit.to(target))


def scaled(tree: Expression, factor: float) -> Expression:
    """`tree` times a number; `tree` itself if the number is one."""
    return tree if abs(factor - 1.0) < 1e-14 else Apply("mul", (Number(factor), tree))
