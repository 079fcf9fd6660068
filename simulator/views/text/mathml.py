"""Formulas as presentation MathML, which Chromium, Firefox and Safari render natively.

Made from the same trees that are simulated. A name is shown as its first part with the rest as an index:
``k_T_division`` is k with "T division" below it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from html import escape
from typing import NamedTuple

from ...model.expression import TIME, Apply, Expression, Name, Number, Quoted

ROUNDING = 1e-9  # of factors between units
SUM, PRODUCT, SIGN, POWER, ATOM = range(5)  # precedence: an operand of lower precedence gets parentheses


class _Markup(NamedTuple):
    markup: str
    precedence: int


def math(*parts: str) -> str:
    """A displayed formula, from parts that `formula`, `derivative` and `term` return."""
    return f'<math display="block">{_row(parts)}</math>'


def formula(tree: Expression) -> str:
    """The markup of a formula, for use inside `math`."""
    return _part(tree).markup


def derivative(name: str) -> str:
    """The markup of d[X]/dt."""
    over = _row([_mi("d"), _mo("["), _name(name), _mo("]")])
    return f"<mfrac>{over}{_row([_mi('d'), _mi('t', italic=True)])}</mfrac>"


def term(coefficient: Expression, rate: Expression, first: bool) -> str:
    """The markup of coefficient times rate as a term of a sum, with its sign; the `first` term has no plus."""
    value, rest = _split(coefficient)
    sign = "−" if value < 0 else "" if first else "+"
    factors = [*rest, rate] if abs(abs(value) - 1.0) < ROUNDING else [Number(abs(value)), *rest, rate]
    product = factors[0]
    for tree in factors[1:]:
        product = Apply("mul", (product, tree))
    part = _part(product)
    operator = f'<mo form="infix">{sign}</mo>' if sign else ""  # with the spacing of an operator between two terms
    return operator + (_fenced(part) if part.precedence == SUM else part.markup)


def _split(tree: Expression) -> tuple[float, list[Expression]]:
    """The numerical factor of a coefficient, and its other factors."""
    if isinstance(tree, Number):
        return tree.value, []
    if isinstance(tree, Apply) and tree.op == "mul" and isinstance(tree.args[0], Number):
        value, rest = _split(tree.args[1])
        return tree.args[0].value * value, rest
    return 1.0, [tree]


def _part(tree: Expression) -> _Markup:
    if isinstance(tree, Number):
        return _number(tree.value)
    if isinstance(tree, Name):
        return _Markup(_name(tree.id), ATOM)
    if isinstance(tree, Quoted):
        return _Markup(f"<mtext>{escape(tree.text)}</mtext>", ATOM)
    return _DRAW.get(tree.op, _call)(tree)


def _add(tree: Apply) -> _Markup:
    left, right = map(_part, tree.args)
    subtract = tree.op == "sub"
    # a - (b + c) needs its parentheses, a + (b + c) does not; a sign after an operator always does
    loose = right.precedence == SIGN or (subtract and right.precedence == SUM)
    second = _fenced(right) if loose else right.markup
    return _Markup(left.markup + _mo("−" if subtract else "+") + second, SUM)


def _multiply(tree: Apply) -> _Markup:
    left, right = map(_part, tree.args)
    first = _fenced(left) if left.precedence == SUM else left.markup
    second = _fenced(right) if right.precedence in (SUM, SIGN) else right.markup
    return _Markup(first + _mo("·") + second, SIGN if left.precedence == SIGN else PRODUCT)


def _divide(tree: Apply) -> _Markup:
    return _Markup(_fraction(*(_row([_part(arg).markup]) for arg in tree.args)), ATOM)


def _negate(tree: Apply) -> _Markup:
    inner = _part(tree.args[0])
    return _Markup(_mo("−") + (_fenced(inner) if inner.precedence in (SUM, SIGN) else inner.markup), SIGN)


def _raise(tree: Apply) -> _Markup:
    base, exponent = map(_part, tree.args)
    return _Markup(_power(base, exponent), POWER)


def _root(tree: Apply) -> _Markup:
    return _Markup(f"<msqrt>{_row([_part(tree.args[0]).markup])}</msqrt>", ATOM)


def _saturation(tree: Apply) -> _Markup:
    """x / (K + x)"""
    x, level = tree.args
    return _divide(Apply("div", (x, Apply("add", (level, x)))))


def _hill(tree: Apply) -> _Markup:
    """(x/K)^n / (1 + (x/K)^n)"""
    ratio = _ratio(*tree.args)
    return _divide(Apply("div", (ratio, Apply("add", (Number(1.0), ratio)))))


def _inhibition(tree: Apply) -> _Markup:
    """1 / (1 + (x/K)^n)"""
    return _divide(Apply("div", (Number(1.0), Apply("add", (Number(1.0), _ratio(*tree.args))))))


def _ratio(x: Expression, level: Expression, n: Expression) -> Expression:
    """(x/K)^n"""
    ratio = Apply("div", (x, level))
    return ratio if n == Number(1.0) else Apply("pow", (ratio, n))


def _between(opening: str, closing: str) -> Callable[[Apply], _Markup]:
    def draw(tree: Apply) -> _Markup:
        return _Markup(_row([_mo(opening), _part(tree.args[0]).markup, _mo(closing)]), ATOM)

    return draw


def _cases(tree: Apply) -> _Markup:
    """Two values behind a brace, each with where it holds."""
    condition, then, otherwise = tree.args
    rows = [(then, "if", _condition(condition)), (otherwise, "otherwise", "")]
    cells = [
        f"<mtr><mtd>{_row([_part(value).markup])}</mtd><mtd><mtext>{word}</mtext></mtd><mtd>{_row([where])}</mtd></mtr>"
        for value, word, where in rows
    ]
    return _Markup(_row([_mo("{"), f"<mtable>{''.join(cells)}</mtable>"]), ATOM)


def _condition(tree: Expression) -> str:
    """The markup of a condition, with parentheses around conditions within."""
    if not isinstance(tree, Apply):
        raise TypeError(f"{tree!r} is no condition")
    if tree.op in ("above", "not_below"):
        left, right = (_part(side).markup for side in tree.args)
        return left + _mo(">" if tree.op == "above" else "≥") + right
    parts = [_condition(each) for each in tree.args]
    inner = [
        _row([_mo("("), part, _mo(")")]) if isinstance(each, Apply) and each.op in ("and", "or") else part
        for part, each in zip(parts, tree.args, strict=True)
    ]
    if tree.op == "not":
        return _mo("¬") + _row([_mo("("), parts[0], _mo(")")])
    return _mo("∧" if tree.op == "and" else "∨").join(inner)


def _call(tree: Apply) -> _Markup:
    inside = _mo(",").join(_part(arg).markup for arg in tree.args)
    called = {"log": "ln"}.get(tree.op, tree.op)
    return _Markup(_mi(called) + _mo("(") + _row([inside]) + _mo(")"), ATOM)


_DRAW: dict[str, Callable[[Apply], _Markup]] = {
    "add": _add,
    "sub": _add,
    "mul": _multiply,
    "div": _divide,
    "neg": _negate,
    "pow": _raise,
    "sqrt": _root,
    "saturation": _saturation,
    "hill": _hill,
    "inhibition": _inhibition,
    "abs": _between("|", "|"),
    "floor": _between("⌊", "⌋"),
    "if": _cases,
}


def _number(value: float) -> _Markup:
    """At most six digits; very large and small numbers with a power of ten."""
    digits = f"{abs(value):.6g}"
    mantissa, _, exponent = digits.partition("e")
    markup = f"<mn>{mantissa}</mn>"
    if exponent:
        power = f"<msup><mn>10</mn>{_row([_number(float(exponent)).markup])}</msup>"
        markup = power if mantissa == "1" else markup + _mo("×") + power
    if value < 0:
        return _Markup(_mo("−") + markup, SIGN)
    return _Markup(markup, PRODUCT if exponent else ATOM)


def _power(base: _Markup, exponent: _Markup) -> str:
    # a fraction needs parentheses under a power, though not elsewhere
    plain = base.precedence == ATOM and not base.markup.startswith("<mfrac>")
    return f"<msup>{_row([base.markup if plain else _fenced(base)])}{_row([exponent.markup])}</msup>"


def _fraction(over: str, under: str) -> str:
    return f"<mfrac>{over}{under}</mfrac>"


def _fenced(part: _Markup) -> str:
    return _row([_mo("("), part.markup, _mo(")")])  # in a row of their own, so that they grow with their contents


def _name(text: str) -> str:
    if text == TIME:
        return _mi("t", italic=True)
    first, _, rest = text.partition("_")
    if not first or not rest:
        return _mi(text)
    return f"<msub>{_mi(first)}<mtext>{escape(rest.replace('_', ' '))}</mtext></msub>"


def _mi(text: str, italic: bool = False) -> str:
    # MathML sets single letters in italics and longer names upright; names of the model are all upright
    normal = ' mathvariant="normal"' if len(text) == 1 and not italic else ""
    return f"<mi{normal}>{escape(text)}</mi>"


def _mo(sign: str) -> str:
    return f"<mo>{escape(sign)}</mo>"


def _row(parts: Iterable[str]) -> str:
    return f"<mrow>{''.join(parts)}</mrow>"
