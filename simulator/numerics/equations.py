"""Right-hand side, Jacobian and time derivative of a system of equations: the one place where they are derived."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from .graph import Graph


@dataclass(frozen=True)
class Equations:
    """dy/dt = f(t, y) as nodes of a graph. SciPy's functions and machine code are both written from it.

    Attributes:
        graph: holds all nodes; derivatives are added to it when they are first asked for.
        rhs: the nodes of f, one for each variable.
        variables: the symbols of y, in the same order.
        time: the symbol of t.
    """

    graph: Graph
    rhs: tuple[int, ...]
    variables: tuple[int, ...]
    time: int

    @cached_property
    def jacobian(self) -> dict[tuple[int, int], int]:
        """Nodes of df/dy by (row, column), without the entries that are zero everywhere."""
        columns = {symbol: column for column, symbol in enumerate(self.variables)}
        return {
            (row, columns[symbol]): node
            for row, each in enumerate(self.rhs)
            for symbol, node in self.graph.gradient(each, self.variables).items()
        }

    @cached_property
    def time_derivative(self) -> tuple[int, ...] | None:
        """Nodes of df/dt, or None where no formula names time."""
        nodes = tuple(self.graph.derivative(node, self.time) for node in self.rhs)
        return None if all(self.graph.value_of(node) == 0.0 for node in nodes) else nodes

    @property
    def varying(self) -> frozenset[int]:
        """The symbols that change within a segment: time and the variables."""
        return frozenset((self.time, *self.variables))
