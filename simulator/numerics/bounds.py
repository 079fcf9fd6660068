"""What the form of a formula shows of its value: between which numbers it lies, and whether it always has one.

Intervals, as of Moore, R. E. (1966) Interval Analysis. They do not know that two arguments are related, but for x * x
and x / (K + x). Amounts, which rounding alone takes below zero, count as never negative.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

ABOVE_ZERO = 5e-324  # the least number that is


class Bounds(NamedTuple):
    """Of a node: its lowest and highest value, and whether it is finite, but for what is too large to be stored."""

    lowest: float = -math.inf
    highest: float = math.inf
    finite: bool = True


UNKNOWN, AMOUNT = Bounds(), Bounds(0.0)


def exactly(value: float) -> Bounds:
    """Of a number."""
    return Bounds(value, value) if math.isfinite(value) else Bounds(finite=False)


def bounds_of(op: str, args: Sequence[Bounds], square: bool = False, share: bool = False) -> Bounds:
    """Of an operation of `OPERATIONS` on nodes with these bounds. square: both factors of a product are one node.
    share: a quotient is x / (x + y) or x / (y + x)."""
    finite = all(each.finite for each in args)
    if op == "div":
        finite = finite and args[1].lowest > 0.0
        if not finite:
            return Bounds(finite=False)
        found = _product(args[0], Bounds(1.0 / args[1].highest, 1.0 / args[1].lowest))
        return Bounds(max(found.lowest, 0.0), min(found.highest, 1.0)) if share and args[0].lowest >= 0.0 else found
    if op == "power":
        base, exponent = args
        finite = finite and (base.lowest > 0.0 or (base.lowest == 0.0 and exponent.lowest >= 0.0))
        return Bounds(ABOVE_ZERO if base.lowest > 0.0 else 0.0 if finite else -math.inf, math.inf, finite)
    if op == "log":
        return Bounds(finite=finite and args[0].lowest > 0.0)
    if op in ("power_by_base", "power_by_exponent"):
        return Bounds(finite=False)
    if op == "mul" and square:
        return Bounds(0.0 if args[0].lowest <= 0.0 else ABOVE_ZERO, math.inf, finite)
    return (_OF[op](*args) if op in _OF else UNKNOWN)._replace(finite=finite)


def _product(one: Bounds, other: Bounds) -> Bounds:
    ends = [0.0 if 0.0 in (a, b) else a * b for a in one[:2] for b in other[:2]]
    lowest = min(ends)
    positive = one.lowest > 0.0 and other.lowest > 0.0
    return Bounds(max(lowest, ABOVE_ZERO) if positive else lowest, max(ends))


def _sum(one: Bounds, other: Bounds) -> Bounds:
    return Bounds(one.lowest + other.lowest, one.highest + other.highest)


def _either(a: Bounds, b: Bounds, one: Bounds, other: Bounds) -> Bounds:
    return Bounds(min(one.lowest, other.lowest), max(one.highest, other.highest))


def _negative(one: Bounds) -> Bounds:
    return Bounds(-one.highest, -one.lowest)


_OF: dict[str, Callable[..., Bounds]] = {
    "add": _sum,
    "sub": lambda one, other: _sum(one, _negative(other)),
    "neg": _negative,
    "mul": _product,
    "max": lambda one, other: Bounds(max(one.lowest, other.lowest), max(one.highest, other.highest)),
    "min": lambda one, other: Bounds(min(one.lowest, other.lowest), min(one.highest, other.highest)),
    "exp": lambda one: Bounds(ABOVE_ZERO),
    "sin": lambda one: Bounds(-1.0, 1.0),
    "cos": lambda one: Bounds(-1.0, 1.0),
    "floor": lambda one: Bounds(math.floor(one.lowest) if math.isfinite(one.lowest) else one.lowest),
    "select": _either,
    "select_above": _either,
}
