"""The sign of a formula's derivative: proved from the form of the formula, never sampled at points.

A formula becomes a sum of products of atoms: names, and functions that are neither sums nor products. Each
atom lies in a known interval, and so does the derivative of each function in its argument. A derivative
written the same way has one sign if its sum is nowhere below (or above) zero in that box: a sum
that is linear in an atom has its minimum at one end of the atom's interval.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping

from ..expression import Apply, Expression, Name, Number
from .polynomials import (
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
from .sign import Sign

MOST_TERMS = 200  # a longer sum becomes an atom of its own: less can be proved of it, but nothing wrong
MOST_SPLITS = 300  # interval ends tried before a sign counts as unknown


class SignAnalysis:
    """Proves signs of formulas.

    Args:
        intervals: The lowest and highest value of each name that may vary; the caller may add names later.
        known: Names that are fixed numbers.
    """

    def __init__(self, intervals: Mapping[str, Interval], known: Mapping[str, float]) -> None:
        self.known = dict(known)
        self.intervals = intervals
        self._atoms: list[Interval] = []
        self._inner: list[tuple[tuple[Sum, Sum], ...]] = []  # per atom: (argument, derivative in that argument)
        self._names: dict[int, str] = {}
        self._sums: dict[int, Sum] = {}  # atoms that stand for a sum
        self._index: dict[object, int] = {}

    def sign(self, total: Sum) -> Sign:
        """RAISES if `total` is nowhere negative, LOWERS if nowhere positive, NONE if zero, EITHER if not proved."""
        if not total:
            return Sign.NONE
        if self._never_negative(total, [MOST_SPLITS]):
            return Sign.RAISES
        if self._never_negative(times(total, -1.0), [MOST_SPLITS]):
            return Sign.LOWERS
        expanded = self._expanded(total)
        return Sign.EITHER if expanded is None else self.sign(expanded)

    def _expanded(self, total: Sum) -> Sum | None:
        """`total` over its positive common factors, with the first sum that can be multiplied out multiplied out."""
        total = self._reduced(total)
        for product, factor in total.items():
            for atom, power in product:
                inner = self._sums.get(atom, {})
                if power in (1.0, 2.0) and 0 < len(inner) ** power <= MOST_TERMS:
                    found = {tuple(each for each in product if each[0] != atom): factor}
                    for _ in range(int(power)):
                        found = multiplied(found, inner)
                    return added({each: value for each, value in total.items() if each != product}, found)
        return None

    # from a formula to a sum of products

    def sum_of(self, tree: Expression) -> Sum:
        """`tree` as a sum of products. Raises TypeError for what has no value, such as a quoted text."""
        if isinstance(tree, Number):
            return number(tree.value)
        if isinstance(tree, Name):
            return number(self.known[tree.id]) if tree.id in self.known else self._one(self._name(tree.id))
        if not isinstance(tree, Apply):
            raise TypeError(f"{tree!r} cannot be computed")
        if tree.op == "if":
            return self._if(*tree.args)
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

    def _if(self, condition: Expression, then: Expression, otherwise: Expression) -> Sum:
        """One of two values. Each has a share of the derivative; what the condition compares makes it jump up or down,
        if it is proved which of the two is larger."""
        values = [self.sum_of(then), self.sum_of(otherwise)]
        sides = [(self.sum_of(left), self.sum_of(right), way) for left, right, way in _comparisons(condition, 1.0)]
        if key_of(values[0]) == key_of(values[1]):
            return values[0]
        key = ("if", condition, *map(key_of, values), *(key_of(side) for a, b, _ in sides for side in (a, b)))
        if key in self._index:
            return self._one(self._index[key])
        (low, high), (other_low, other_high) = (self.bounds(each) for each in values)
        share = self._derivative_atom(key, (0.0, 1.0))
        inner = [(values[0], share), (values[1], added({(): 1.0}, share, -1.0))]
        rises = self.sign(added(values[0], values[1], -1.0))
        for place, (left, right, way) in enumerate(sides):
            jump = (-math.inf, math.inf) if rises is Sign.EITHER else (0.0, math.inf)
            slope = times(self._derivative_atom((*key, place), jump), -way if rises is Sign.LOWERS else way)
            inner += [(left, slope), (right, times(slope, -1.0))]
        return self._one(self._atom(key, (min(low, other_low), max(high, other_high)), inner))

    def substituted(self, total: Sum, name: str, value: float) -> Sum:
        """`total` with `name` set to `value` where it is a factor; inside functions it stays a variable."""
        atom = self._name(name)
        found: Sum = {}
        for product, factor in total.items():
            powers = dict(product)
            constant = factor * value ** powers.pop(atom, 0.0)
            found = added(found, {tuple(powers.items()): constant})
        return found

    def derivative(self, total: Sum, name: str) -> Sum:
        """The derivative of `total` with respect to `name`, one of those in `intervals`."""
        found: Sum = {}
        for product, factor in total.items():
            for place, (atom, power) in enumerate(product):
                inner = self._atom_derivative(atom, name)
                if not inner:
                    continue
                rest = merged((*product[:place], *product[place + 1 :], (atom, power - 1.0)))
                found = added(found, self.product({rest: factor * power}, inner))
        return found

    def _atom_derivative(self, atom: int, name: str) -> Sum:
        if atom in self._names:
            return {(): 1.0} if self._names[atom] == name else {}
        found: Sum = {}
        for inner, outer in self._inner[atom]:
            by_name = self.derivative(inner, name)
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

    def _derivative_atom(self, key: object, interval: Interval = (0.0, math.inf)) -> Sum:
        return self._one(self._atom(("derivative", key), interval))

    def _function(self, op: str, args: list[Sum]) -> int:
        """The atom of a function that is neither sum nor product, with its derivative in each argument."""
        key = (op, *[key_of(arg) for arg in args])
        if key in self._index:
            return self._index[key]
        bounds = [self.bounds(arg) for arg in args]
        x = bounds[0]
        if (
            op in ("saturation", "hill", "inhibition") and bounds[1][0] < 0.0
        ):  # a negative half-saturation: nothing can be proved
            unknown = [self._derivative_atom((*key, place), (-math.inf, math.inf)) for place in range(len(args))]
            return self._atom(key, (-math.inf, math.inf), zip(args, unknown, strict=True))
        if op == "saturation":
            self._index[key] = self._function("hill", [*args, {(): 1.0}])
            return self._index[key]
        if op in ("hill", "inhibition"):
            return self._hill(op, args)
        if op in ("min", "max"):
            share = self._derivative_atom(key, (0.0, 1.0))
            pick = min if op == "min" else max
            interval = (pick(x[0], bounds[1][0]), pick(x[1], bounds[1][1]))
            return self._atom(key, interval, [(args[0], share), (args[1], added({(): 1.0}, share, -1.0))])
        if op == "exp":
            interval = (exponential(x[0]), exponential(x[1]))
            atom = self._atom(key, interval)
            self._inner[atom] = ((args[0], self._one(atom)),)
            return atom
        if op in ("log", "log10"):
            return self._atom(key, (-math.inf, math.inf), [(args[0], self._derivative_atom(key))])
        if op == "floor":
            return self._atom(key, (x[0] - 1.0, x[1]), [(args[0], self._derivative_atom(key))])
        if op == "abs":
            slope = (0.0 if x[0] >= 0.0 else -1.0, 0.0 if x[1] <= 0.0 else 1.0)
            return self._atom(key, (0.0, max(abs(x[0]), abs(x[1]))), [(args[0], self._derivative_atom(key, slope))])
        if op in ("sin", "cos"):
            return self._atom(key, (-1.0, 1.0), [(args[0], self._derivative_atom(key, (-1.0, 1.0)))])
        # base^exponent rises with a base that is not negative where the exponent is not; of others nothing is proved
        lowest = 0.0 if x[0] >= 0.0 else -math.inf
        slope = (0.0 if self.sign(args[1]) in (Sign.NONE, Sign.RAISES) and lowest == 0.0 else -math.inf, math.inf)
        by_exponent = self._derivative_atom((*key, "n"), (-math.inf, math.inf))
        inner = [(args[0], self._derivative_atom(key, slope)), (args[1], by_exponent)]
        return self._atom(key, (lowest, math.inf), inner)

    def _hill(self, op: str, args: list[Sum]) -> int:
        """h = hill(x, K, n) and g = 1 - h: dh/dx = n h g / x and dh/dK = -n h g / K, and those of g are the opposite.

        Written in h and g, so that x inhibition(x, K, 1) can be proved to rise with x.
        """
        key = tuple(map(key_of, args))
        h, g = (self._atom((each, *key), (0.0, 1.0)) for each in ("hill", "inhibition"))
        x, level, exponent = args
        if self.bounds(x)[0] < 0.0:
            way = (0.0 if self.bounds(exponent)[0] >= 0.0 else -math.inf, math.inf)
            by_x, by_level = (self._derivative_atom((*key, each), way) for each in "xK")
        else:
            both = self.product(exponent, self.product(self._one(h), self._one(g)))
            by_x, by_level = (self.product(both, self._power(each, -1.0)) for each in (x, level))
        either = self._derivative_atom((*key, "n"), (-math.inf, math.inf))
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
        return {((self._sum_atom(base), power),): 1.0}

    def _sum_atom(self, total: Sum) -> int:
        """A sum as one atom, as its quotients and powers need it."""
        key = ("sum", key_of(total))
        if key not in self._index:
            self._sums[self._atom(key, self.bounds(total), [(total, {(): 1.0})])] = total
        return self._index[key]

    def product(self, one: Sum, other: Sum) -> Sum:
        """`one` times `other`, where a long sum becomes one atom."""
        if len(one) * len(other) > MOST_TERMS:
            one, other = (self._one(self._sum_atom(each)) if len(each) > 1 else each for each in (one, other))
        return multiplied(one, other)

    # intervals and signs

    def bounds(self, total: Sum) -> Interval:
        """An interval that `total` lies in: product by product, and narrower where 0 or 1 is proved to be a bound."""
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
        """Whether `total` is proved to be nowhere negative. `left`: a counter of the cases that may still be tried."""
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
        """`total` divided by the positive factors that all its products share."""
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
        """The atom, with its power, whose interval ends are tried next: one that may make the sum negative."""
        for product, factor in total.items():
            if product and not (factor >= 0.0 and self._positive(product)):
                return min(product, key=lambda each: math.isinf(self._atoms[each[0]][1]))
        return None


def _comparisons(condition: Expression, way: float) -> Iterator[tuple[Expression, Expression, float]]:
    """Both sides of every comparison in a condition, and 1 where it helps the condition that the first is larger, -1
    where it harms."""
    if not isinstance(condition, Apply):
        raise TypeError(f"{condition!r} is no condition")
    if condition.op in ("above", "not_below"):
        yield condition.args[0], condition.args[1], way
        return
    for each in condition.args:
        yield from _comparisons(each, -way if condition.op == "not" else way)
