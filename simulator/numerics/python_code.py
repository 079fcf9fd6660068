"""Python code from a graph: one function of plain floats.

The only text that is compiled here is written by this file, from checked nodes: the names in
it are numbered (``y3``, ``p7``, ``v41``) and never come from a model.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from .graph import Graph

_INFIX = {"add": "({} + {})", "sub": "({} - {})", "mul": "({} * {})", "div": "({} / {})", "neg": "(-{})"}
_LONGEST = 160  # characters of one expression: CPython refuses very deep nesting


class Emitter:
    """Writes statements for nodes of one graph.

    Attributes:
        known: the text of each node that has one: symbols to begin with, and what has been written.
        lines: the statements.
    """

    def __init__(self, graph: Graph, known: dict[int, str]) -> None:
        self.graph = graph
        self.known = dict(known)
        self.lines: list[str] = []

    def emit(self, outputs: Sequence[int]) -> list[str]:
        """Adds statements for `outputs`, and gives the text of each. A node that is used once is written into the
        expression that uses it, which saves a local variable."""
        nodes = [node for node in self.graph.needed(outputs) if node not in self.known]
        uses = Counter(arg for node in nodes for arg in self.graph.nodes[node].args)
        uses.update(outputs)
        uses.update(self.graph.nodes[node].args[0] for node in nodes if self._is_limit(node))
        for node in nodes:
            text = self._text(node)
            if uses[node] > 1 or len(text) > _LONGEST:
                self.lines.append(f"v{node} = {text}")
                text = f"v{node}"
            self.known[node] = text
        return [self.known[node] for node in outputs]

    def _is_limit(self, node: int) -> bool:
        """Whether the node is max(x, number) or min(x, number), which is written with x named twice."""
        found = self.graph.nodes[node]
        limit = self.graph.value_of(found.args[1]) if found.op in ("max", "min") else None
        return limit is not None and not math.isnan(limit)

    def _text(self, node: int) -> str:
        found = self.graph.nodes[node]
        if found.op == "constant":
            return repr(found.value) if found.value >= 0 else f"({found.value!r})"
        args = [self.known[arg] for arg in found.args]
        if self._is_limit(node):  # a third of the time of a call, and NaN stays
            beyond = "<" if found.op == "max" else ">"
            return f"({args[1]} if {args[0]} {beyond} {args[1]} else {args[0]})"
        if found.op in _INFIX:
            return _INFIX[found.op].format(*args)
        return f"{found.op}({', '.join(args)})"


def hoisted(graph: Graph, outputs: Sequence[int], varying: frozenset[int]) -> list[int]:
    """What can be computed once for a set of parameters: the nodes that depend on no `varying` symbol but are
    outputs, or are read by a node that depends on one."""

    def is_fixed(node: int) -> bool:
        return not (graph.symbols_of(node) & varying) and graph.nodes[node].op not in ("constant", "symbol")

    found = {node for node in outputs if is_fixed(node)}
    for node in graph.needed(outputs):
        if graph.symbols_of(node) & varying:
            found.update(arg for arg in graph.nodes[node].args if is_fixed(arg))
    return sorted(found)


def define(lines: list[str], name: str, namespace: dict[str, Any]) -> Callable[..., Any]:
    """The function `name` that `lines` define, with `namespace` as its globals."""
    exec(compile("\n".join(lines), f"<generated {name}>", "exec"), namespace)
    function: Callable[..., Any] = namespace[name]
    return function


def indented(lines: Sequence[str], depth: int) -> list[str]:
    """The lines, four spaces further to the right for each step of depth."""
    return ["    " * depth + line for line in lines]


def unpacked(letter: str, size: int, source: str) -> list[str]:
    """``y0, y1, = source``"""
    return [f"{' '.join(f'{letter}{i},' for i in range(size))} = {source}"] if size else []
