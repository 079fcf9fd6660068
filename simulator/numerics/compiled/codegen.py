"""Nodes of a graph as machine code: vector operations in a row, without a branch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..graph import Graph
from . import vector_math
from .builder import FunctionBuilder

LONGEST_BLOCK = 1_000  # instructions: to choose and order those of a block takes LLVM the square of their number

_CALLS: dict[str, Callable[..., Any]] = {
    "exp": vector_math.exp,
    "log": vector_math.log,
    "max": vector_math.largest,
    "min": vector_math.smallest,
    "power": vector_math.power,
    "power_by_base": vector_math.power_by_base,
    "power_by_exponent": vector_math.power_by_exponent,
    "select": vector_math.select,
    "select_above": vector_math.select_above,
    "floor": vector_math.floor,
    "sin": vector_math.sine,
    "cos": vector_math.cosine,
}


class VectorEmitter:
    """Writes nodes of `graph` into `code`. read: how to load each leaf, or node computed before."""

    def __init__(self, code: FunctionBuilder, graph: Graph, read: Mapping[int, Callable[[], Any]]) -> None:
        self.code, self.graph, self.read = code, graph, read
        self.values: dict[int, Any] = {}

    def emit(self, outputs: Sequence[int], put: Callable[[int, Any], None]) -> None:
        """Computes every output and calls put(its index, its value) at once, so that few values are held."""
        self._fused = self._products_read_once(outputs)
        for place, output in enumerate(outputs):
            for node in self._order(output):
                self.values[node] = None if node in self._fused else self._value(node)
            put(place, self.values[output])
            if len(self.code.build.block.instructions) > LONGEST_BLOCK:
                self.code.begin_block()

    def _products_read_once(self, outputs: Sequence[int]) -> set[int]:
        """Products that are fused with the one sum that reads them, and rounded with it."""
        uses, stack, seen = Counter(outputs), list(outputs), set(outputs)
        while stack:
            node = stack.pop()
            for arg in () if node in self.read else self.graph.nodes[node].args:
                uses[arg] += 1
                if arg not in seen:
                    seen.add(arg)
                    stack.append(arg)
        outer = set(outputs)
        return {
            node for node in seen - outer - set(self.read) if uses[node] == 1 and self.graph.nodes[node].op == "mul"
        }

    def _order(self, output: int) -> list[int]:
        """What has to be computed for `output`, arguments first: depth first, so that few values are held."""
        order: list[int] = []
        stack, seen = [(output, False)], set(self.values)
        while stack:
            node, ready = stack.pop()
            if ready:
                order.append(node)
            elif node not in seen:
                seen.add(node)
                stack.append((node, True))
                if node not in self.read:
                    stack += [(arg, False) for arg in reversed(self.graph.nodes[node].args)]
        return order

    def _operand(self, node: int) -> Any:
        if self.values[node] is None:
            self.values[node] = self.code.build.fmul(*[self._operand(arg) for arg in self.graph.nodes[node].args])
        return self.values[node]

    def _value(self, node: int) -> Any:
        if node in self.read:
            return self.read[node]()
        found, build = self.graph.nodes[node], self.code.build
        if found.op == "constant":
            return self.code.constant(found.value)
        if found.op in ("add", "sub"):
            return self._sum(found.op, *found.args)
        args = [self._operand(arg) for arg in found.args]
        if found.op == "mul":
            return build.fmul(*args)
        if found.op == "div":
            return build.fdiv(*args)
        if found.op == "neg":
            return build.fneg(*args)
        if found.op == "power" and self.graph.never_negative(found.args[0]):
            return vector_math.power_of_amount(self.code, *args)
        return _CALLS[found.op](self.code, *args)

    def _sum(self, op: str, a: int, b: int) -> Any:
        """a + b or a - b, one of them perhaps a product."""
        build = self.code.build
        if b in self._fused:
            x, y = [self._operand(arg) for arg in self.graph.nodes[b].args]
            return self.code.fma(build.fneg(x) if op == "sub" else x, y, self._operand(a))
        if a in self._fused:
            x, y = [self._operand(arg) for arg in self.graph.nodes[a].args]
            other = self._operand(b)
            return self.code.fma(x, y, build.fneg(other) if op == "sub" else other)
        first, second = self._operand(a), self._operand(b)
        return build.fadd(first, second) if op == "add" else build.fsub(first, second)
