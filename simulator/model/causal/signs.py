"""Which way a formula goes when one of its names grows: proved from its form, never tried at points.

A formula becomes a sum of products of atoms: names, and what is no sum or product of names. Each
atom lies in a known interval, and so does the slope of each function in its argument. A derivative
written the same way has one sign if its sum is nowhere below (or above) zero in that box: a sum
that is linear in an atom is smallest at one end of the atom's interval.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from ..expression import Apply, Expression, Name, Number
from .sums import (
    Interval,
    Product,
    Sum,
    added,
    exponential,
    key_of,
    merged,
    multiplied,
    number,
    product_of_ends,
    raised,
    times,
    to_power,
    value_of,
)

UP, DOWN = 1, 2  # bits of a sign: 0 does not act, 3 may act either way
BOTH = UP | DOWN
MOST_TERMS = 200  # a longer sum is an atom of its own: less is proved of it, and nothing is wrong
MOST_SPLITS = 300  # ends tried before a sign counts as unknown


def flipped(sign: int) -> int:
    return (sign & UP) << 1 | (sign & DOWN) >> 1


def chained(one: int, other: int) -> int:
    """The sign of a product of slopes."""
    return (one if other & UP else 0) | (flipped(one) if other & DOWN else 0)


class Monotone:
    """Signs of formulas whose names lie in `intervals` (name: lowest, highest), or are `known` numbers."""

    def __init__(self, intervals: Mapping[str, Interval], known: Mapping[str, float]) -> None:
        self.known = dict(known)
        self.intervals = intervals
        self._atoms: list[Interval] = []
        self._inner: list[tuple[tuple[Sum, Sum], ...]] = []  # per atom: (what it is a function of, slope in that)
        self._names: dict[int, str] = {}
        self._wholes: dict[int, Sum] = {}  # atoms that are sums, with those sums
        self._index: dict[object, int] = {}

    def sign(self, total: Sum) -> int:
        """Where the values of `total` lie: UP not below zero, DOWN not above, 0 both, BOTH unknown."""
        if not total:
            return 0
        if self._never_negative(total, [MOST_SPLITS]):
            return UP
        if self._never_negative(times(total, -1.0), [MOST_SPLITS]):
            return DOWN
        opened = self._opened(total)
        return BOTH if opened is None else self.sign(opened)

    def _opened(self, total: Sum) -> Sum | None:
        """`total` without the quotients in it, times what is positive: sums are multiplied out that stand above."""
        total = self._reduced(total)
        for product, factor in total.items():
            for atom, power in product:
                whole = self._wholes.get(atom, {})
                if power in (1.0, 2.0) and 0 < len(whole) ** power <= MOST_TERMS:
                    found = {tuple(each for each in product if each[0] != atom): factor}
                    for _ in range(int(power)):
                        found = multiplied(found, whole)
                    return added({each: value for each, value in total.items() if each != product}, found)
        return None

    # from a formula to a sum of products

    def sum_of(self, tree: Expression) -> Sum:
        if isinstance(tree, Number):
            return number(tree.value)
        if isinstance(tree, Name):
            return number(self.known[tree.id]) if tree.id in self.known else self._one(self._name(tree.id))
        if not isinstance(tree, Apply):
            raise TypeError(f"{tree!r} cannot be computed")
        args = [self.sum_of(arg) for arg in tree.args]
        if tree.op == "neg":
            return times(args[0], -1.0)
        if tree.op in ("add", "sub"):
            return added(args[0], args[1], 1.0 if tree.op == "add" else -1.0)
        if tree.op == "mul":
            return self.product(args[0], args[1])
        if tree.op == "div":
            return self.product(args[0], self._power(args[1], -1.0))
        if tree.op == "sqrt":
            return self._power(args[0], 0.5)
        if tree.op == "pow" and not any(args[1]):
            return self._power(args[0], args[1].get((), 0.0))
        if all(len(arg) <= 1 and not any(arg) for arg in args):
            return number(value_of(tree.op, [arg.get((), 0.0) for arg in args]))
        return self._one(self._function(tree.op, args))

    def at(self, total: Sum, name: str, value: float) -> Sum:
        """`total` with `name` set to `value` where it is a factor; inside functions it stays free."""
        atom = self._name(name)
        found: Sum = {}
        for product, factor in total.items():
            powers = dict(product)
            worth = factor * value ** powers.pop(atom, 0.0)
            found = added(found, {tuple(powers.items()): worth})
        return found

    def slope(self, total: Sum, name: str) -> Sum:
        """The derivative of `total` by `name`, which stands for a name that is a leaf."""
        found: Sum = {}
        for product, factor in total.items():
            for place, (atom, power) in enumerate(product):
                inner = self._slope_of_atom(atom, name)
                if not inner:
                    continue
                rest = merged((*product[:place], *product[place + 1 :], (atom, power - 1.0)))
                found = added(found, self.product({rest: factor * power}, inner))
        return found

    def _slope_of_atom(self, atom: int, name: str) -> Sum:
        if atom in self._names:
            return {(): 1.0} if self._names[atom] == name else {}
        found: Sum = {}
        for inner, outer in self._inner[atom]:
            by_name = self.slope(inner, name)
            if by_name:
                found = added(found, self.product(outer, by_name))
        return found

    # atoms

    def _one(self, atom: int) -> Sum:
        return {((atom, 1.0),): 1.0}

    def _name(self, name: str) -> int:
        atom = self._atom(("name", name), self.intervals[name])
        self._names[atom] = name
        return atom

    def _atom(self, key: object, interval: Interval, inner: Iterable[tuple[Sum, Sum]] = ()) -> int:
        found = self._index.get(key)
        if found is None:
            found = self._index[key] = len(self._atoms)
            self._atoms.append(interval)
            self._inner.append(tuple(inner))
        return found

    def _slope_atom(self, key: object, interval: Interval = (0.0, math.inf)) -> Sum:
        return self._one(self._atom(("slope", key), interval))

    def _function(self, op: str, args: list[Sum]) -> int:
        """The atom of a function that is no sum or product, with its slope in each argument."""
        key = (op, *[key_of(arg) for arg in args])
        if key in self._index:
            return self._index[key]
        spans = [self.span(arg) for arg in args]
        x = spans[0]
        if op in ("saturation", "hill", "inhibition") and spans[1][0] < 0.0:  # no level of anything: nothing is known
            unknown = [self._slope_atom((*key, place), (-math.inf, math.inf)) for place in range(len(args))]
            return self._atom(key, (-math.inf, math.inf), zip(args, unknown, strict=True))
        if op == "saturation" and x[0] >= 0.0:
            self._index[key] = self._function("hill", [*args, {(): 1.0}])
            return self._index[key]
        if op in ("hill", "inhibition"):
            return self._hill(op, args)
        if op == "saturation":  # of what may be negative
            steep = self._slope_atom(key)
            by_level = self.product(times(steep, -1.0), self.product(args[0], self._power(args[1], -1.0)))
            return self._atom(key, (-math.inf, 1.0), [(args[0], steep), (args[1], by_level)])
        if op in ("min", "max"):
            share = self._slope_atom(key, (0.0, 1.0))
            pick = min if op == "min" else max
            interval = (pick(x[0], spans[1][0]), pick(x[1], spans[1][1]))
            return self._atom(key, interval, [(args[0], share), (args[1], added({(): 1.0}, share, -1.0))])
        if op == "exp":
            interval = (exponential(x[0]), exponential(x[1]))
            atom = self._atom(key, interval)
            self._inner[atom] = ((args[0], self._one(atom)),)
            return atom
        if op == "log":
            return self._atom(key, (-math.inf, math.inf), [(args[0], self._slope_atom(key))])
        # base^exponent with the base clipped at zero: rises with the base where the exponent is above zero
        sign = self.sign(args[1])
        interval = (0.0, math.inf) if sign in (0, UP) else (-math.inf, math.inf)
        by_exponent = self._slope_atom((*key, "n"), (-math.inf, math.inf))
        return self._atom(key, (0.0, math.inf), [(args[0], self._slope_atom(key, interval)), (args[1], by_exponent)])

    def _hill(self, op: str, args: list[Sum]) -> int:
        """h = hill(x, K, n) and g = 1 - h: h rises with x by n h g / x and falls with K by n h g / K, and g does
        the opposite. Written in h and g, so that x inhibition(x, K, 1) is seen to rise with x."""
        key = tuple(map(key_of, args))
        h, g = (self._atom((each, *key), (0.0, 1.0)) for each in ("hill", "inhibition"))
        x, level, exponent = args
        if self.span(x)[0] < 0.0:
            way = (0.0 if self.span(exponent)[0] >= 0.0 else -math.inf, math.inf)
            by_x, by_level = (self._slope_atom((*key, each), way) for each in "xK")
        else:
            both = self.product(exponent, self.product(self._one(h), self._one(g)))
            by_x, by_level = (self.product(both, self._power(each, -1.0)) for each in (x, level))
        either = self._slope_atom((*key, "n"), (-math.inf, math.inf))
        for atom, up in ((h, 1.0), (g, -1.0)):
            self._inner[atom] = ((x, times(by_x, up)), (level, times(by_level, -up)), (exponent, either))
        return h if op == "hill" else g

    def _power(self, base: Sum, power: float) -> Sum:
        if power == 0.0:
            return {(): 1.0}
        if len(base) == 1:
            ((product, factor),) = base.items()
            if factor > 0.0 or power == int(power):
                return {tuple((atom, each * power) for atom, each in product): raised(factor, power)}
        if power == int(power) and 0 < power <= 3:
            found = base
            for _ in range(int(power) - 1):
                found = self.product(found, base)
            return found
        if not base:
            return {} if power > 0.0 else number(math.nan)
        return {((self._whole(base), power),): 1.0}

    def _whole(self, total: Sum) -> int:
        """A sum as one atom: what a quotient or power of it needs."""
        key = ("sum", key_of(total))
        if key not in self._index:
            self._wholes[self._atom(key, self.span(total), [(total, {(): 1.0})])] = total
        return self._index[key]

    def product(self, one: Sum, other: Sum) -> Sum:
        if len(one) * len(other) > MOST_TERMS:
            one, other = (self._one(self._whole(each)) if len(each) > 1 else each for each in (one, other))
        return multiplied(one, other)

    # intervals and signs

    def span(self, total: Sum) -> Interval:
        """An interval that `total` lies in: product by product, and better where a sign or 1 bounds it."""
        low = high = 0.0
        for product, factor in total.items():
            ends = [factor, factor]
            for atom, power in product:
                a, b = to_power(self._atoms[atom], power)
                corners = [product_of_ends(x, y) for x in ends for y in (a, b)]
                ends = [min(corners), max(corners)]
            low, high = low + ends[0], high + ends[1]
        if len(total) > 1:
            if low < 0.0 and self._never_negative(total, [MOST_SPLITS]):
                low = 0.0
            if high > 1.0 and self._never_negative(added({(): 1.0}, total, -1.0), [MOST_SPLITS]):
                high = 1.0
        return low, high

    def _never_negative(self, total: Sum, left: list[int]) -> bool:
        """Whether `total` is nowhere below zero. `left` counts down the cases that may still be looked at."""
        if all(factor >= 0.0 and self._positive(product) for product, factor in total.items()):
            return True
        left[0] -= 1
        if left[0] < 0:
            return False
        total = self._reduced(total)
        split = self._split(total)
        if split is None:
            return False
        low, high = to_power(self._atoms[split[0]], split[1])
        rising: Sum = {}
        still: Sum = {}
        for product, factor in total.items():
            rest = tuple(each for each in product if each != split)
            (still if len(rest) == len(product) else rising)[rest] = factor
        if math.isinf(low):
            return False
        if not self._never_negative(added(still, rising, low), left):
            return False
        return self._never_negative(rising if math.isinf(high) else added(still, rising, high), left)

    def _positive(self, product: Product) -> bool:
        return all(self._atoms[atom][0] >= 0.0 or power % 2 == 0.0 for atom, power in product)

    def _reduced(self, total: Sum) -> Sum:
        """`total` over the positive factors that all its products share."""
        shared: dict[int, float] = {}
        for atom in {atom for product in total for atom, _ in product}:
            if self._atoms[atom][0] >= 0.0:
                powers = [dict(product).get(atom, 0.0) for product in total]
                if min(powers):
                    shared[atom] = min(powers)
        if not shared:
            return total
        over = tuple((atom, -power) for atom, power in shared.items())
        return {merged(product + over): factor for product, factor in total.items()}

    def _split(self, total: Sum) -> tuple[int, float] | None:
        """The atom, with its power, whose ends are tried next: one of what may pull the sum down."""
        for product, factor in total.items():
            if product and not (factor >= 0.0 and self._positive(product)):
                return min(product, key=lambda each: math.isinf(self._atoms[each[0]][1]))
        return None
