"""One graph of arithmetic for a whole model: every subexpression stored once.

Formulas are added, simplified and differentiated here, and code is written from the nodes in order. A node is an
operation and the indices of its arguments. Arguments always come before the node that uses them, so that one walk
from front to back emits code.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from ..model.expression import Apply, Expression, Name, Number

MAX_SIGNED_POWER = 8  # the largest integer exponent that keeps the sign of its base ...
MAX_CLIPPED_POWER = 16  # ... and the largest that is multiplied out where the base is clipped at zero


class Node(NamedTuple):
    """An operation on earlier nodes.

    Attributes:
        op: a key of `OPERATIONS`, or ``constant`` or ``symbol``, which are leaves. power is x^n with x clipped at zero,
            power_by_base its derivative by x, power_by_exponent by n; select is ``c if a >= b else d`` on (a, b, c, d).
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

    def _node(self, node: Node) -> int:
        found = self._index.get(node)
        if found is None:
            found = self._index[node] = len(self.nodes)
            self.nodes.append(node)
            leaves = frozenset([found]) if node.op == "symbol" else frozenset()
            self._leaves.append(leaves.union(*[self._leaves[i] for i in node.args]))
        return found

    def constant(self, value: float) -> int:
        """The node of a number."""
        return self._node(Node("constant", value=float(value)))

    def symbol(self, name: str) -> int:
        """The node of a name whose value is not known yet."""
        return self._node(Node("symbol", name=name))

    def symbols_of(self, node: int) -> frozenset[int]:
        """The symbols that `node` depends on."""
        return self._leaves[node]

    def value_of(self, node: int) -> float | None:
        """The number a node is, or None if it depends on a symbol."""
        found = self.nodes[node]
        return found.value if found.op == "constant" else None

    def apply(self, op: str, *args: int) -> int:
        """The node of `op` on `args`, simplified where that changes no value."""
        values = [self.value_of(arg) for arg in args]
        if all(value is not None for value in values):
            try:
                return self.constant(OPERATIONS[op](*values))
            except (ArithmeticError, ValueError):
                return self.constant(math.nan)  # the guard finds it when it runs
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
        elif op == "power" and values[1] == 1.0:
            return self.apply("max", args[0], self.constant(0.0))
        return self._node(Node(op, args))

    def add(self, tree: Expression, names: Mapping[str, int]) -> int:
        """The node of a formula; `names` gives the node that each name stands for."""
        if isinstance(tree, Number):
            return self.constant(tree.value)
        if isinstance(tree, Name):
            return names[tree.id]
        if not isinstance(tree, Apply):
            raise TypeError(f"{tree!r} cannot be computed")
        args = [self.add(arg, names) for arg in tree.args]
        if tree.op == "pow":
            return self.power(args[0], args[1], literal=isinstance(tree.args[1], Number))
        if tree.op == "sqrt":
            return self.power(args[0], self.constant(0.5))
        if tree.op == "saturation":
            return self.apply("div", args[0], self.apply("add", args[1], args[0]))
        if tree.op in ("hill", "inhibition"):
            ratio = self.power(self.apply("div", args[0], args[1]), args[2], clipped=True)
            below = self.apply("add", self.constant(1.0), ratio)
            return self.apply("div", ratio if tree.op == "hill" else self.constant(1.0), below)
        return self.apply(tree.op, *args)

    def power(self, base: int, exponent: int, clipped: bool = False, literal: bool = False) -> int:
        """The node of base^exponent.

        A small integer written as a `literal` exponent is multiplied out and keeps the sign of the base. Any
        other exponent, also a parameter that happens to be an integer, clips the base at zero, since solvers
        step slightly below zero, where a fractional power is not a number. `clipped` clips always.
        """
        value = self.value_of(exponent)
        largest = MAX_CLIPPED_POWER if clipped else MAX_SIGNED_POWER if literal else 0
        if value is not None and abs(value) <= largest and value == int(value):
            if clipped:
                base = self.apply("max", base, self.constant(0.0))
            result, square, rest = self.constant(1.0), base, abs(int(value))
            while rest:
                result = self.apply("mul", result, square) if rest % 2 else result
                square, rest = self.apply("mul", square, square) if rest > 1 else square, rest // 2
            return result if value >= 0 else self.apply("div", self.constant(1.0), result)
        return self.apply("power", base, exponent)

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
        if op == "select":
            return do("select", args[0], args[1], d[2], d[3])
        if op == "power":
            by_base = do("mul", do("power_by_base", args[0], args[1]), d[0])
            if d[1] == zero:
                return by_base
            return do("add", by_base, do("mul", do("power_by_exponent", args[0], args[1]), d[1]))
        raise ValueError(f"no derivative of {op}")

    def needed(self, outputs: Iterable[int]) -> list[int]:
        """The nodes that `outputs` depend on, in order of evaluation."""
        wanted: set[int] = set()
        stack = list(outputs)
        while stack:
            node = stack.pop()
            if node not in wanted:
                wanted.add(node)
                stack.extend(self.nodes[node].args)
        return sorted(wanted)


def power(base: float, exponent: float) -> float:
    """base^exponent with the base clipped at zero."""
    if base > 0.0:
        return math.pow(base, exponent)
    return 0.0 if exponent > 0.0 else (1.0 if exponent == 0.0 else math.inf)


def power_by_base(base: float, exponent: float) -> float:
    """Derivative of `power` by its base: zero where the base is clipped, and as for max(x, 0)
    where the exponent is one and the base zero."""
    if base > 0.0:
        return exponent * math.pow(base, exponent - 1.0)
    return 1.0 if base == 0.0 and exponent == 1.0 else 0.0


def power_by_exponent(base: float, exponent: float) -> float:
    """Derivative of `power` by its exponent: zero where the base is clipped."""
    return math.pow(base, exponent) * math.log(base) if base > 0.0 else 0.0


def largest(a: float, b: float) -> float:
    """max(a, b) that keeps NaN, which Python's drops when it comes second."""
    return b if b > a or b != b else a


def smallest(a: float, b: float) -> float:
    """min(a, b) that keeps NaN."""
    return b if b < a or b != b else a


def select(a: float, b: float, if_not_less: float, if_less: float) -> float:
    """One of two values, by whether a >= b."""
    return if_not_less if a >= b else if_less


OPERATIONS: dict[str, Callable[..., float]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "neg": lambda a: -a,
    "exp": math.exp,
    "log": math.log,
    "max": largest,
    "min": smallest,
    "power": power,
    "power_by_base": power_by_base,
    "power_by_exponent": power_by_exponent,
    "select": select,
}
