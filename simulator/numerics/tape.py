"""Nodes of a graph for many points at once: one operation after the other on arrays, with no code generated.

A tape is a few small arrays, so that it is read from disk and pickled in no time. It shares nothing with the machine
code but the graph, which makes it the reference that machine code is compared with.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .graph import Graph, Node
from .trajectory import Array

Indices = NDArray[np.intp]

POINTS = 2048  # at a time: a row of a block stays in the processor's cache, and memory is bounded


class Tape:
    """Nodes of a graph in order of evaluation.

    Attributes:
        symbols: the names of which values are needed; they are the first rows.
        constants: the next rows, shape (constants,).
        codes: of every further row its operation, an index of `OPERATIONS_IN_ORDER`, shape (operations,).
        arguments: the rows it reads, -1 where it has fewer than four, shape (operations, 4).
        dropped: by operation, up to four rows that nothing reads after it, else -1, shape (operations, 4).
        outputs: the rows of the nodes that were asked for, shape (outputs,).
    """

    def __init__(self, graph: Graph, nodes: Sequence[int], leaves: Mapping[int, str] = MappingProxyType({})) -> None:
        """leaves: nodes whose values are given as those of symbols are, each with a name for it."""
        found = {node: graph.nodes[node] for node in graph.needed(nodes, leaves)}
        found |= {node: Node("symbol", name=name) for node, name in leaves.items() if node in found}
        symbols = [node for node, each in found.items() if each.op == "symbol"]
        constants = [node for node, each in found.items() if each.op == "constant"]
        applied = [node for node, each in found.items() if each.op not in ("symbol", "constant")]
        row = {node: index for index, node in enumerate([*symbols, *constants, *applied])}
        self.symbols = tuple(found[node].name for node in symbols)
        self.constants = np.array([found[node].value for node in constants])
        self.codes = np.array([OPERATIONS_IN_ORDER.index(found[node].op) for node in applied], dtype=np.int16)
        self.arguments = np.full((len(applied), 4), -1, dtype=np.int32)
        self.outputs = np.array([row[node] for node in nodes], dtype=np.int32)
        for place, node in enumerate(applied):
            self.arguments[place, : len(found[node].args)] = [row[arg] for arg in found[node].args]
        self.dropped = _dropped(self.arguments, len(row) - len(applied), self.outputs)

    def part(self, outputs: Sequence[int]) -> Tape:
        """The tape of some outputs, given by their indices: without the operations that only others need."""
        first = len(self.symbols) + len(self.constants)
        wanted = set(self.outputs[list(outputs)].tolist())
        for place in reversed(range(len(self.codes))):
            if first + place in wanted:
                wanted.update(index for index in self.arguments[place].tolist() if index >= 0)
        rows = sorted(wanted)
        new = {old: index for index, old in enumerate(rows)} | {-1: -1}
        leaves = [row for row in rows if row < first]
        kept = [row - first for row in rows if row >= first]
        tape = Tape.__new__(Tape)
        tape.symbols = tuple(self.symbols[row] for row in leaves if row < len(self.symbols))
        tape.constants = self.constants[[row - len(self.symbols) for row in leaves if row >= len(self.symbols)]]
        tape.codes = self.codes[kept]
        tape.arguments = np.array(
            [[new[each] for each in row] for row in self.arguments[kept].tolist()], dtype=np.int32
        )
        tape.arguments = tape.arguments.reshape(len(kept), 4)
        tape.outputs = np.array([new[row] for row in self.outputs[list(outputs)].tolist()], dtype=np.int32)
        tape.dropped = _dropped(tape.arguments, len(leaves), tape.outputs)
        return tape

    def __getstate__(self) -> dict[str, Any]:
        """The attributes above and nothing that is made from them."""
        return {name: value for name, value in vars(self).items() if name not in ("_operations", "_layers")}

    def evaluate(self, values: Mapping[str, Any], points: int | None = None) -> Array:
        """The nodes at every point, shape (outputs, points); IEEE arithmetic, so NaN where a value is not defined.

        Args:
            values: by name, for each of `symbols`, a number or an array of shape (points,); others are not read.
                KeyError if one is missing.
            points: how many there are; by default as many as the arrays have that are read, or one.
        """
        leaves = [np.asarray(values[name], dtype=float) for name in self.symbols]
        if points is None:
            points = max([each.size for each in leaves if each.ndim], default=1)
        found = np.empty((len(self.outputs), points))
        operations = self._operations
        with np.errstate(all="ignore"):
            same = [None if each.ndim else each[()] for each in leaves] + [*self.constants]  # of all points
            for operation, arguments, _ in operations:
                given = [same[index] for index in arguments]
                same.append(None if any(each is None for each in given) else operation(*given))
            for start in range(0, points, POINTS):
                block = slice(start, min(start + POINTS, points))
                rows: list[Any] = [each[block] if each.ndim else each[()] for each in leaves]
                rows += [*self.constants]
                for known, (operation, arguments, dropped) in zip(same[len(rows) :], operations, strict=True):
                    rows.append(operation(*[rows[index] for index in arguments]) if known is None else known)
                    for index in dropped:
                        rows[index] = None
                for place, index in enumerate(self.outputs.tolist()):
                    found[place, block] = rows[index]
        return found

    def evaluate_few(self, values: Mapping[str, Any], points: int) -> Array:
        """As `evaluate`, for so few points that it is faster to do all like operations at once that wait for no other:
        for 20 points of a model of 150 species, ten times as fast."""
        leaves = len(self.symbols) + len(self.constants)
        rows = np.empty((leaves + len(self.codes), points))
        for row, name in enumerate(self.symbols):
            rows[row] = values[name]
        rows[len(self.symbols) : leaves] = self.constants[:, None]
        with np.errstate(all="ignore"):
            for operation, targets, arguments in self._layers:
                rows[targets] = operation(*[rows.take(each, axis=0) for each in arguments])
        return rows.take(self.outputs, axis=0)

    @cached_property
    def _layers(self) -> list[tuple[Callable[..., Any], Indices, list[Indices]]]:
        """Groups of like operations of which none reads another, in order: the function, the rows that they fill, and
        those that they read, one after the other argument."""
        leaves = len(self.symbols) + len(self.constants)
        depth = [0] * (leaves + len(self.codes))
        groups: dict[tuple[int, int], list[int]] = {}
        read = self.arguments.tolist()
        for place, (code, arguments) in enumerate(zip(self.codes.tolist(), read, strict=True)):
            depth[leaves + place] = 1 + max(depth[index] for index in arguments if index >= 0)
            groups.setdefault((depth[leaves + place], code), []).append(place)
        found = []
        for (_, code), members in sorted(groups.items()):
            places = np.array(members, dtype=np.intp)
            columns = self.arguments[places].T.astype(np.intp)
            read_by_all = [column for column in columns if column[0] >= 0]
            found.append((ARRAY_OPERATIONS[OPERATIONS_IN_ORDER[code]], leaves + places, read_by_all))
        return found

    @cached_property
    def _operations(self) -> list[tuple[Callable[..., Any], list[int], list[int]]]:
        """Each operation's function, the rows it reads, and those to be forgotten after it."""
        return [
            (
                ARRAY_OPERATIONS[OPERATIONS_IN_ORDER[code]],
                [index for index in arguments if index >= 0],
                [index for index in dropped if index >= 0],
            )
            for code, arguments, dropped in zip(
                self.codes.tolist(), self.arguments.tolist(), self.dropped.tolist(), strict=True
            )
        ]


def _dropped(arguments: NDArray[np.int32], first: int, outputs: NDArray[np.int32]) -> NDArray[np.int32]:
    """`Tape.dropped`; first: the row of the first operation."""
    dropped = np.full(arguments.shape, -1, dtype=np.int32)
    seen = set(outputs.tolist())
    for place in reversed(range(len(arguments))):
        last = {row for row in arguments[place].tolist() if row >= first} - seen
        dropped[place, : len(last)] = sorted(last)
        seen |= last
    return dropped


def _power_by_base(base: Any, exponent: Any, value: Any) -> Any:
    at_zero = np.where(exponent == 1.0, 1.0, np.where(exponent < 0.0, -np.inf, 0.0))
    return np.where(base == 0.0, at_zero, exponent * value / base)


def _power_by_exponent(base: Any, exponent: Any, value: Any) -> Any:
    return np.where((base == 0.0) & (exponent > 0.0), 0.0, value * np.log(base))


def _select(a: Any, b: Any, if_not_less: Any, if_less: Any) -> Any:
    return np.where(a >= b, if_not_less, if_less)


def _select_above(a: Any, b: Any, if_above: Any, if_not: Any) -> Any:
    return np.where(a > b, if_above, if_not)


ARRAY_OPERATIONS: dict[str, Callable[..., Any]] = {  # as `graph.OPERATIONS`, on arrays and NumPy's numbers
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "neg": np.negative,
    "exp": np.exp,
    "log": np.log,
    "max": np.maximum,
    "min": np.minimum,
    "power": np.power,
    "power_by_base": _power_by_base,
    "power_by_exponent": _power_by_exponent,
    "select": _select,
    "select_above": _select_above,
    "floor": np.floor,
    "sin": np.sin,
    "cos": np.cos,
}
OPERATIONS_IN_ORDER = tuple(ARRAY_OPERATIONS)
