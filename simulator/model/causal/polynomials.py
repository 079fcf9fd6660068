"""Sums of products of atoms, each a number in an interval: the arithmetic of `sign_analysis`."""

from __future__ import annotations

import math
from collections.abc import Callable

ROUNDING = 1e-12  # relative to the summand: what cancels exactly on paper may leave this much

Product = tuple[tuple[int, float], ...]  # (atom, power), sorted by atom
Sum = dict[Product, float]  # product -> coefficient
Interval = tuple[float, float]  # lowest, highest


def added(one: Sum, other: Sum, factor: float = 1.0) -> Sum:
    """one + factor * other."""
    found = dict(one)
    for product, value in other.items():
        _add(found, product, factor * value)
    return found


def multiplied(one: Sum, other: Sum) -> Sum:
    """one * other, multiplied out."""
    found: Sum = {}
    for left, a in one.items():
        for right, b in other.items():
            _add(found, merged(left + right), a * b)
    return found


def _add(total: Sum, product: Product, value: float) -> None:
    found = total.get(product, 0.0) + value
    if abs(found) <= ROUNDING * abs(value):
        total.pop(product, None)
    else:
        total[product] = found


def number(value: float) -> Sum:
    """A constant as a sum; zero is the empty sum."""
    return {(): value} if value else {}


def value_of(op: str, args: list[float]) -> float:
    """A function of numbers; NaN where it has no value, so that no sign is proved of it."""
    x, *rest = args
    try:
        if op in ("saturation", "hill", "inhibition"):
            ratio = min(raised(max(x / rest[0], 0.0), rest[1] if op != "saturation" else 1.0), 1e150)
            below = 1.0 / (1.0 + ratio)
            return below if op == "inhibition" else ratio * below
        if op in ("min", "max"):
            return min(args) if op == "min" else max(args)
        if op == "pow":
            return math.pow(x, rest[0])
        return _OF_ONE[op](x)
    except (ArithmeticError, ValueError):
        return math.nan


_OF_ONE: dict[str, Callable[[float], float]] = {
    "exp": math.exp,
    "log": math.log,
    "log10": math.log10,
    "abs": abs,
    "floor": math.floor,
    "sin": math.sin,
    "cos": math.cos,
}


def times(total: Sum, factor: float) -> Sum:
    """factor * total."""
    return {product: factor * value for product, value in total.items()}


def merged(product: Product) -> Product:
    """The product with one power for each atom."""
    powers: dict[int, float] = {}
    for atom, power in product:
        powers[atom] = powers.get(atom, 0.0) + power
    return tuple(sorted((atom, power) for atom, power in powers.items() if power))


def key_of(total: Sum) -> object:
    """A hashable form, the same for equal sums."""
    return tuple(sorted(total.items()))


def to_power(interval: Interval, power: float) -> Interval:
    """The interval of x^power; all real numbers where x may be negative and the power is not even."""
    low, high = interval
    if power == 1.0:
        return interval
    if low < 0.0:
        if power % 2 == 0.0 and power > 0:
            return 0.0, max(low * low, high * high) ** (power / 2)
        return -math.inf, math.inf
    ends = [math.inf if power < 0 and end == 0.0 else raised(end, power) for end in (low, high)]
    return min(ends), max(ends)


def raised(end: float, power: float) -> float:
    """end^power, infinity where that overflows."""
    if math.isinf(end):
        return 0.0 if power < 0 else math.inf
    try:
        return float(end**power)
    except OverflowError:
        return math.inf


def exponential(value: float) -> float:
    """e^value, infinity where that overflows."""
    return math.inf if value > 700 else math.exp(value)


def product_of_ends(one: float, other: float) -> float:
    """A product of interval ends, where zero times infinity is zero: an infinite end is never reached."""
    return 0.0 if 0.0 in (one, other) else one * other
