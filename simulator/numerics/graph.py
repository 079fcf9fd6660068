"""One graph of arithmetic for a whole model: every subexpression stored once.

Formulas are added, simplified and differentiated here, and code is written from the nodes in order. A node is an
operation and the indices of its arguments. Arguments always come before the node that uses them, so that one walk
from front to back emits code.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from ..model.expression import Apply, Expression, Name, Number
from .bounds import AMOUNT, UNKNOWN, Bounds, bounds_of, exactly

MOST_MULTIPLIED = 64  # the largest whole exponent that is multiplied out
LARGEST_RATIO = 1e150  # of (x/K)^n: hill() is 1 long before, and nothing made of it overflows


class Node(NamedTuple):
    """An operation on earlier nodes.

    Attributes:
        op: a key of `OPERATIONS`, or ``constant`` or ``symbol``, which are leaves. power_by_base and
            power_by_exponent are the derivatives of a power x^n on (x, n, x^n); select is ``c if a >= b else d`` and
            select_above ``c if a > b else d`` on (a, b, c, d).
        args: indices of its arguments.
        value: of a constant.
        name: of a symbol.
    """

    op: str
    args: tuple[int, ...] = ()
    value: float = 0.0
    name: str = ""


class Graph:
    """A growing list of nodes, each known by its index; equal operations on equal arguments give the same index."""

    def __init__(self, reciprocals: bool = False) -> None:
        """reciprocals: a / b is written a * (1 / b), so that quotients by the same b share their division."""
        self.reciprocals = reciprocals
        self.nodes: list[Node] = []
        self._index: dict[Node, int] = {}
        self._derivatives: dict[tuple[int, int], int] = {}
        self._leaves: list[frozenset[int]] = []
        self._never_negative: list[bool] = []
        self._usual: list[float | None] = []
        self._bounds: list[Bounds] = []
        self._amounts: set[int] = set()

    def _node(self, node: Node, usual: float | None = None) -> int:
        found = self._index.get(node)
        if found is None:
            found = self._index[node] = len(self.nodes)
            self.nodes.append(node)
            leaves = frozenset([found]) if node.op == "symbol" else frozenset()
            self._leaves.append(leaves.union(*[self._leaves[i] for i in node.args]))
            self._never_negative.append(_never_negative(node, [self._never_negative[i] for i in node.args]))
            self._note(node, usual)
        return found

    def _note(self, node: Node, usual: float | None) -> None:
        """What is known of the value of a new node; usual: that of a symbol which is a parameter, in the model."""
        if node.op == "constant":
            usual = node.value
        elif node.op != "symbol":
            values = [value for i in node.args if (value := self._usual[i]) is not None]
            usual = OPERATIONS[node.op](*values) if len(values) == len(node.args) else None
        self._usual.append(usual)
        if usual is not None:
            self._bounds.append(exactly(usual))
        elif node.op == "symbol":
            self._bounds.append(UNKNOWN)
        else:
            square, share = len(set(node.args)) < len(node.args), node.op == "div" and self._is_share(*node.args)
            self._bounds.append(bounds_of(node.op, [self._bounds[i] for i in node.args], square, share))

    def _is_share(self, part: int, whole: int) -> bool:
        """Whether a quotient is of the form x / (x + y), with y that is not negative."""
        found = self.nodes[whole]
        others = [each for each in found.args if each != part] if found.op == "add" and part in found.args else []
        return len(others) == 1 and self._bounds[others[0]].lowest >= 0.0

    def constant(self, value: float) -> int:
        """The node of a number."""
        return self._node(Node("constant", value=float(value)))

    def symbol(self, name: str, amount: bool = False, usual: float | None = None, bounds: Bounds = UNKNOWN) -> int:
        """The node of a name whose value is not known yet. amount: it is below zero by rounding only, which counts as
        zero in the base of a power. usual: of a parameter, its value in the model, whose sign it is taken to keep.
        bounds: of another symbol."""
        found = self._node(Node("symbol", name=name), usual)
        if amount:
            self._amounts.add(found)
        if usual is None:
            self._bounds[found] = AMOUNT if amount else bounds
        return found

    def symbols_of(self, node: int) -> frozenset[int]:
        """The symbols that `node` depends on."""
        return self._leaves[node]

    def never_negative(self, node: int) -> bool:
        """Whether the form of `node` shows that it is never below zero."""
        return self._never_negative[node]

    def vanishes(self, op: str, args: Sequence[int], zero: Sequence[bool]) -> bool:
        """Whether a product or a quotient is zero since some of its arguments are: the others are finite, and what is
        divided by is not zero, whatever amounts and other states are, where parameters have the signs of the model."""
        if op == "mul":
            return any(zero) and all(self._bounds[arg].finite for arg in args)
        return op == "div" and zero[0] and self._bounds[args[1]].finite and self._bounds[args[1]].lowest > 0.0

    def value_of(self, node: int) -> float | None:
        """The number a node is, or None if it depends on a symbol."""
        found = self.nodes[node]
        return found.value if found.op == "constant" else None

    def bounds(self, node: int) -> Bounds:
        """What the form of `node` shows of its value."""
        return self._bounds[node]

    def apply(self, op: str, *args: int) -> int:
        """The node of `op` on `args`, simplified where that changes no value."""
        values = [self.value_of(arg) for arg in args]
        if all(value is not None for value in values):
            return self.constant(OPERATIONS[op](*values))  # the guard finds what is not finite when it runs
        minus = [self.nodes[arg].op == "neg" for arg in args]
        if any(minus) and op in ("add", "sub", "mul", "div"):  # signs go outward, which changes no rounding
            plain = [self.nodes[arg].args[0] if signed else arg for arg, signed in zip(args, minus, strict=True)]
            if op in ("mul", "div"):
                product = self.apply(op, *plain)
                return product if all(minus) else self.apply("neg", product)
            if minus[1]:
                return self.apply("sub" if op == "add" else "add", args[0], plain[1])
            if op == "add":
                return self.apply("sub", args[1], plain[0])
        if op == "sub":
            if args[0] == args[1]:
                return self.constant(0.0)
            if values[1] == 0.0:
                return args[0]
            if values[0] == 0.0:
                return self.apply("neg", args[1])
        elif op == "add":
            if values[0] == 0.0:
                return args[1]
            if values[1] == 0.0:
                return args[0]
            args = tuple(sorted(args))
        elif op == "mul":
            if 0.0 in values:
                return self.constant(0.0)
            for one, other in ((0, 1), (1, 0)):
                if values[one] == 1.0:
                    return args[other]
                if values[one] == -1.0:
                    return self.apply("neg", args[other])
            args = tuple(sorted(args))
        elif op == "div":
            if values[0] == 0.0:
                return args[0]
            if values[1] == 1.0:
                return args[0]
            if self.reciprocals and values[0] != 1.0:
                return self.apply("mul", args[0], self.apply("div", self.constant(1.0), args[1]))
        elif op == "neg" and self.nodes[args[0]].op == "neg":
            return self.nodes[args[0]].args[0]
        elif op == "max" and values[1] == 0.0 and self._never_negative[args[0]]:
            return args[0]
        elif op in ("select", "select_above") and args[2] == args[3]:
            return args[2]
        return self._node(Node(op, args))

    def add(self, tree: Expression, names: Mapping[str, int]) -> int:
        """The node of a formula; `names` gives the node that each name stands for."""
        if isinstance(tree, Number):
            return self.constant(tree.value)
        if isinstance(tree, Name):
            return names[tree.id]
        if not isinstance(tree, Apply):
            raise TypeError(f"{tree!r} cannot be computed")
        if tree.op == "if":
            then, otherwise = (self.add(arg, names) for arg in tree.args[1:])
            return self._if(tree.args[0], then, otherwise, names)
        args = [self.add(arg, names) for arg in tree.args]
        if tree.op == "abs":
            return self.apply("max", args[0], self.apply("neg", args[0]))
        if tree.op == "log10":
            return self.apply("div", self.apply("log", args[0]), self.constant(math.log(10.0)))
        if tree.op == "pow":
            exponent = tree.args[1]
            whole = isinstance(exponent, Number) and exponent.value % 1.0 == 0.0
            return self.power(args[0] if whole else self._without_rounding(args[0]), args[1])
        if tree.op == "sqrt":
            return self.power(self._without_rounding(args[0]), self.constant(0.5))
        if tree.op in ("saturation", "hill", "inhibition"):
            return self._hill(tree.op, *args)
        return self._checked(tree.op, *args)

    def _checked(self, op: str, *args: int) -> int:
        """As `apply`, but what is zero times or over something that may have no value is left as it is."""
        zero = [self.value_of(arg) == 0.0 for arg in args]
        folds = any(zero) if op == "mul" else zero[0] if op == "div" else False
        if folds and not self.vanishes(op, args, zero):
            return self._node(Node(op, args))
        return self.apply(op, *args)

    def _if(self, condition: Expression, then: int, otherwise: int, names: Mapping[str, int]) -> int:
        """The node of `then` where a condition holds, and of `otherwise` elsewhere."""
        if not isinstance(condition, Apply):
            raise TypeError(f"{condition!r} is no condition")
        if condition.op == "not":
            return self._if(condition.args[0], otherwise, then, names)
        if condition.op in ("and", "or"):
            for part in reversed(condition.args):
                if condition.op == "and":
                    then = self._if(part, then, otherwise, names)
                else:
                    otherwise = self._if(part, then, otherwise, names)
            return then if condition.op == "and" else otherwise
        op = "select" if condition.op == "not_below" else "select_above"
        return self.apply(op, *(self.add(side, names) for side in condition.args), then, otherwise)

    def power(self, base: int, exponent: int) -> int:
        """The node of base^exponent, multiplied out where the exponent is a known whole number and not large."""
        value = self.value_of(exponent)
        if value is None or value % 1.0 != 0.0 or abs(value) > MOST_MULTIPLIED:
            return self.apply("power", base, exponent)
        result, square, rest = self.constant(1.0), base, abs(int(value))
        while rest:
            result = self.apply("mul", result, square) if rest % 2 else result
            square, rest = self.apply("mul", square, square) if rest > 1 else square, rest // 2
        return result if value >= 0 else self.apply("div", self.constant(1.0), result)

    def _hill(self, op: str, x: int, level: int, *exponent: int) -> int:
        """hill(x, K, n), inhibition(x, K, n) and saturation(x, K), which is hill(x, K, 1).

        With r = max(x/K, 0) they are r^n / (1 + r^n) and 1 / (1 + r^n); r^n ends at LARGEST_RATIO, so that neither
        they nor their derivatives are infinity divided by itself. The saturation of an amount goes on below zero:
        where it stands in a loss, what rounding has taken below zero comes back.
        """
        one = self.constant(1.0)
        if op == "saturation" and x in self._amounts:
            return self._checked("div", x, self.apply("add", level, x))
        ratio = self.apply("max", self._checked("div", x, level), self.constant(0.0))
        ratio = self.power(ratio, *exponent or (one,))
        ratio = self.apply("min", ratio, self.constant(LARGEST_RATIO))
        return self.apply("div", one if op == "inhibition" else ratio, self.apply("add", one, ratio))

    def _without_rounding(self, node: int) -> int:
        """`node` with every amount below zero taken as zero, but not in what is divided by.

        Solvers step slightly below zero, where most powers are no numbers.
        """
        changed: dict[int, int] = {}
        for each in self.needed([node]) if self._leaves[node] & self._amounts else ():
            if each in self._amounts:
                changed[each] = self.apply("max", each, self.constant(0.0))
            elif self._leaves[each] & self._amounts:
                found = self.nodes[each]
                args = [changed.get(arg, arg) for arg in found.args]
                changed[each] = self.apply(found.op, args[0], *(found.args if found.op == "div" else args)[1:])
        return changed.get(node, node)

    def derivative(self, node: int, by: int) -> int:
        """The exact derivative of `node` by the symbol `by`."""
        if node == by:
            return self.constant(1.0)
        if by not in self._leaves[node]:
            return self.constant(0.0)
        known = self._derivatives.get((node, by))
        if known is None:
            for each in self.needed([node]):  # arguments come first, so that nothing recurses deeply
                if by in self._leaves[each] and each != by and (each, by) not in self._derivatives:
                    self._derivatives[each, by] = self._derivative(each, by)
            known = self._derivatives[node, by]
        return known

    def gradient(self, node: int, symbols: Iterable[int]) -> dict[int, int]:
        """By symbol, the derivative of `node`, without those that are zero everywhere."""
        found = {symbol: self.derivative(node, symbol) for symbol in symbols}
        return {symbol: derivative for symbol, derivative in found.items() if self.value_of(derivative) != 0.0}

    def _derivative(self, node: int, by: int) -> int:
        op, args = self.nodes[node].op, self.nodes[node].args
        d = [self.derivative(arg, by) for arg in args]
        do, zero = self.apply, self.constant(0.0)
        if op in ("add", "sub", "neg"):
            return do(op, *d)
        if op == "mul":
            return do("add", do("mul", d[0], args[1]), do("mul", args[0], d[1]))
        if op == "div":  # (a' - (a/b) b') / b shares the quotient
            return do("div", do("sub", d[0], do("mul", node, d[1])), args[1])
        if op == "exp":
            return do("mul", node, d[0])
        if op == "log":
            return do("div", d[0], args[0])
        if op == "max":
            return do("select", args[0], args[1], d[0], d[1])
        if op == "min":
            return do("select", args[1], args[0], d[0], d[1])
        if op in ("select", "select_above"):
            return do(op, args[0], args[1], d[2], d[3])
        if op == "floor":
            return zero
        if op == "sin":
            return do("mul", do("cos", args[0]), d[0])
        if op == "cos":
            return do("neg", do("mul", do("sin", args[0]), d[0]))
        if op == "power":
            by_base = zero if d[0] == zero else do("mul", do("power_by_base", *args, node), d[0])
            if d[1] == zero:
                return by_base
            return do("add", by_base, do("mul", do("power_by_exponent", *args, node), d[1]))
        raise ValueError(f"no derivative of {op}")

    def needed(self, outputs: Iterable[int], leaves: Collection[int] = ()) -> list[int]:
        """The nodes that `outputs` depend on, in order of evaluation; leaves: nodes that are known, as symbols are."""
        wanted: set[int] = set()
        stack = list(outputs)
        while stack:
            node = stack.pop()
            if node not in wanted:
                wanted.add(node)
                stack.extend(self.nodes[node].args if node not in leaves else ())
        return sorted(wanted)


def _never_negative(node: Node, of_args: list[bool]) -> bool:
    if node.op == "constant":
        return node.value >= 0.0
    if node.op == "max":
        return any(of_args)
    if node.op in ("select", "select_above"):
        return all(of_args[2:])
    if node.op in ("power", "floor"):
        return of_args[0]
    return node.op == "exp" or (node.op in ("add", "mul", "div", "min") and all(of_args))


# Operations on single numbers. As IEEE 754 has it, none raises: what overflows is infinite, what has no value is NaN.


def quotient(a: float, b: float) -> float:
    """a / b, infinite for a number divided by zero, NaN for 0 / 0."""
    try:
        return a / b
    except ZeroDivisionError:
        return math.nan if a == 0.0 or a != a else math.copysign(math.inf, a) * math.copysign(1.0, b)


def exponential(x: float) -> float:
    """e^x, infinite where that is too large."""
    try:
        return math.exp(x)
    except OverflowError:
        return math.inf


def logarithm(x: float) -> float:
    """The natural logarithm: -infinity for 0, NaN below."""
    try:
        return math.log(x)
    except ValueError:
        return -math.inf if x == 0.0 else math.nan


def power(base: float, exponent: float) -> float:
    """base^exponent: 0^0 is 1, zero to a negative power infinite, a negative base to a power that is not a whole number
    NaN."""
    try:
        return math.pow(base, exponent)
    except OverflowError:
        return -math.inf if base < 0.0 and exponent % 2.0 == 1.0 else math.inf
    except ValueError:
        return math.inf if base == 0.0 else math.nan


def power_by_base(base: float, exponent: float, value: float) -> float:
    """The derivative of `value` = base^exponent by its base.

    It is 0 where it is infinite, at base 0 with an exponent between 0 and 1: a solver can leave such a point, but not
    with an infinite Jacobian.
    """
    if base != 0.0:
        return exponent * value / base
    return 1.0 if exponent == 1.0 else (-math.inf if exponent < 0.0 else 0.0)


def power_by_exponent(base: float, exponent: float, value: float) -> float:
    """The derivative of `value` = base^exponent by its exponent; NaN for a negative base."""
    return 0.0 if base == 0.0 and exponent > 0.0 else value * logarithm(base)


def largest(a: float, b: float) -> float:
    """max(a, b) that keeps NaN, which Python's drops when it comes second."""
    return b if b > a or b != b else a


def smallest(a: float, b: float) -> float:
    """min(a, b) that keeps NaN."""
    return b if b < a or b != b else a


def select(a: float, b: float, if_not_less: float, if_less: float) -> float:
    """One of two values, by whether a >= b."""
    return if_not_less if a >= b else if_less


def select_above(a: float, b: float, if_above: float, if_not: float) -> float:
    """One of two values, by whether a > b."""
    return if_above if a > b else if_not


def floor(x: float) -> float:
    """The largest whole number that is not above x; an infinite x and NaN stay."""
    return float(math.floor(x)) if math.isfinite(x) else x


def sine(x: float) -> float:
    """The sine of an angle in radians; NaN where it is infinite."""
    return math.sin(x) if math.isfinite(x) else math.nan


def cosine(x: float) -> float:
    """The cosine of an angle in radians; NaN where it is infinite."""
    return math.cos(x) if math.isfinite(x) else math.nan


OPERATIONS: dict[str, Callable[..., float]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": quotient,
    "neg": lambda a: -a,
    "exp": exponential,
    "log": logarithm,
    "max": largest,
    "min": smallest,
    "power": power,
    "power_by_base": power_by_base,
    "power_by_exponent": power_by_exponent,
    "select": select,
    "select_above": select_above,
    "floor": floor,
    "sin": sine,
    "cos": cosine,
}
