"""Formulas as presentation MathML, which Chromium, Firefox and Safari draw without any help.

Made from the same trees that are simulated. A name is shown as its first part with the rest as an index:
``k_T_division`` is k with "T division" below it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from html import escape
from typing import NamedTuple

from ...model.expression import TIME, Apply, Expression, Name, Number, Quoted

ROUNDING = 1e-9  # of factors between units
SUM, PRODUCT, SIGN, POWER, WHOLE = range(5)  # how tightly a formula holds together: what is looser gets parentheses


class _Part(NamedTuple):
    markup: str
    binds: int


def math(*parts: str) -> str:
    """A formula in a line of its own, from markup of this file."""
    return f'<math display="block">{_row(parts)}</math>'


def formula(tree: Expression) -> str:
    """The markup of a formula, to stand inside `math`."""
    return _part(tree).markup


def derivative(name: str) -> str:
    """d[X]/dt"""
    over = _row([_mi("d"), _mo("["), _name(name), _mo("]")])
    return f"<mfrac>{over}{_row([_mi('d'), _mi('t', italic=True)])}</mfrac>"


def term(coefficient: Expression, rate: Expression, first: bool) -> str:
    """A rate times its coefficient with the sign before it, as one of a sum."""
    value, rest = _split(coefficient)
    sign = "−" if value < 0 else "" if first else "+"
    factors = [*rest, rate] if abs(abs(value) - 1.0) < ROUNDING else [Number(abs(value)), *rest, rate]
    whole = factors[0]
    for tree in factors[1:]:
        whole = Apply("mul", (whole, tree))
    part = _part(whole)
    operator = f'<mo form="infix">{sign}</mo>' if sign else ""  # with the room of one between two summands
    return operator + (_fenced(part) if part.binds == SUM else part.markup)


def _split(tree: Expression) -> tuple[float, list[Expression]]:
    """The number in front of a coefficient, and what it is multiplied with."""
    if isinstance(tree, Number):
        return tree.value, []
    if isinstance(tree, Apply) and tree.op == "mul" and isinstance(tree.args[0], Number):
        value, rest = _split(tree.args[1])
        return tree.args[0].value * value, rest
    return 1.0, [tree]


def _part(tree: Expression) -> _Part:
    if isinstance(tree, Number):
        return _number(tree.value)
    if isinstance(tree, Name):
        return _Part(_name(tree.id), WHOLE)
    if isinstance(tree, Quoted):
        return _Part(f"<mtext>{escape(tree.text)}</mtext>", WHOLE)
    return _DRAW.get(tree.op, _call)(tree)


def _add(tree: Apply) -> _Part:
    left, right = map(_part, tree.args)
    subtract = tree.op == "sub"
    # a - (b + c) needs its parentheses, a + (b + c) does not; a sign after an operator always does
    loose = right.binds == SIGN or (subtract and right.binds == SUM)
    second = _fenced(right) if loose else right.markup
    return _Part(left.markup + _mo("−" if subtract else "+") + second, SUM)


def _multiply(tree: Apply) -> _Part:
    left, right = map(_part, tree.args)
    first = _fenced(left) if left.binds == SUM else left.markup
    second = _fenced(right) if right.binds in (SUM, SIGN) else right.markup
    return _Part(first + _mo("·") + second, SIGN if left.binds == SIGN else PRODUCT)


def _divide(tree: Apply) -> _Part:
    return _Part(_fraction(*(_row([_part(arg).markup]) for arg in tree.args)), WHOLE)


def _negate(tree: Apply) -> _Part:
    inner = _part(tree.args[0])
    return _Part(_mo("−") + (_fenced(inner) if inner.binds in (SUM, SIGN) else inner.markup), SIGN)


def _raise(tree: Apply) -> _Part:
    base, exponent = map(_part, tree.args)
    return _Part(_power(base, exponent), POWER)


def _root(tree: Apply) -> _Part:
    return _Part(f"<msqrt>{_row([_part(tree.args[0]).markup])}</msqrt>", WHOLE)


def _saturation(tree: Apply) -> _Part:
    """x / (K + x)"""
    x, level = tree.args
    return _divide(Apply("div", (x, Apply("add", (level, x)))))


def _hill(tree: Apply) -> _Part:
    """(x/K)^n / (1 + (x/K)^n)"""
    ratio = _ratio(*tree.args)
    return _divide(Apply("div", (ratio, Apply("add", (Number(1.0), ratio)))))


def _inhibition(tree: Apply) -> _Part:
    """1 / (1 + (x/K)^n)"""
    return _divide(Apply("div", (Number(1.0), Apply("add", (Number(1.0), _ratio(*tree.args))))))


def _ratio(x: Expression, level: Expression, n: Expression) -> Expression:
    """(x/K)^n"""
    ratio = Apply("div", (x, level))
    return ratio if n == Number(1.0) else Apply("pow", (ratio, n))


def _call(tree: Apply) -> _Part:
    inside = _mo(",").join(_part(arg).markup for arg in tree.args)
    called = {"log": "ln"}.get(tree.op, tree.op)
    return _Part(_mi(called) + _mo("(") + _row([inside]) + _mo(")"), WHOLE)


_DRAW: dict[str, Callable[[Apply], _Part]] = {
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
}


def _number(value: float) -> _Part:
    """Six digits at most; what is very large or small as a power of ten."""
    digits = f"{abs(value):.6g}"
    mantissa, _, exponent = digits.partition("e")
    markup = f"<mn>{mantissa}</mn>"
    if exponent:
        power = f"<msup><mn>10</mn>{_row([_number(float(exponent)).markup])}</msup>"
        markup = power if mantissa == "1" else markup + _mo("×") + power
    if value < 0:
        return _Part(_mo("−") + markup, SIGN)
    return _Part(markup, PRODUCT if exponent else WHOLE)


def _power(base: _Part, exponent: _Part) -> str:
    # a fraction under a power needs parentheses though it holds together
    plain = base.binds == WHOLE and not base.markup.startswith("<mfrac>")
    return f"<msup>{_row([base.markup if plain else _fenced(base)])}{_row([exponent.markup])}</msup>"


def _fraction(over: str, under: str) -> str:
    return f"<mfrac>{over}{under}</mfrac>"


def _fenced(part: _Part) -> str:
    return _row([_mo("("), part.markup, _mo(")")])  # in a row of their own, so that they grow with what they hold


def _name(text: str) -> str:
    if text == TIME:
        return _mi("t", italic=True)
    first, _, rest = text.partition("_")
    if not first or not rest:
        return _mi(text)
    return f"<msub>{_mi(first)}<mtext>{escape(rest.replace('_', ' '))}</mtext></msub>"


def _mi(text: str, italic: bool = False) -> str:
    # a single letter would be set in italics, a longer name upright: names are names, and upright
    normal = ' mathvariant="normal"' if len(text) == 1 and not italic else ""
    return f"<mi{normal}>{escape(text)}</mi>"


def _mo(sign: str) -> str:
    return f"<mo>{escape(sign)}</mo>"


def _row(parts: Iterable[str]) -> str:
    return f"<mrow>{''.join(parts)}</mrow>"
