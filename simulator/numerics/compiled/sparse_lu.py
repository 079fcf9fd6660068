"""Symbolic LU factorization of a sparse matrix: factors and solution as nodes of a graph.

The matrix is I / (h gamma) - J. Its pivots are chosen once, on the diagonal, by Markowitz' rule; nothing is written
for entries that are zero everywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..graph import Graph


@dataclass(frozen=True)
class SparseLU:
    """Nodes of the factors.

    Attributes:
        graph: holds the nodes.
        order: the pivots, first to last.
        factors: by (row, column), below the diagonal the multipliers, on it the reciprocals of the pivots, above it
            the upper factor.
    """

    graph: Graph
    order: tuple[int, ...]
    factors: Mapping[tuple[int, int], int]

    def solution(self, known: Mapping[tuple[int, int], int], right: list[int]) -> list[int]:
        """Nodes of the solution for the nodes `right`; known: the nodes that stand for the factors."""
        do, x, position = self.graph.apply, list(right), {pivot: i for i, pivot in enumerate(self.order)}
        entries = sorted(self.factors, key=lambda entry: (position[entry[1]], position[entry[0]]))
        for row, column in entries:
            if position[row] > position[column]:
                x[row] = do("sub", x[row], do("mul", known[row, column], x[column]))
        for row in reversed(self.order):
            for column in reversed([c for r, c in entries if r == row and position[c] > position[row]]):
                x[row] = do("sub", x[row], do("mul", known[row, column], x[column]))
            x[row] = do("mul", x[row], known[row, row])
        return x


def factorize(graph: Graph, size: int, jacobian: Mapping[tuple[int, int], int], diagonal: int) -> SparseLU:
    """The factors of diagonal * I - jacobian, shape (size, size), both given as nodes."""
    do = graph.apply
    matrix = {entry: do("neg", node) for entry, node in jacobian.items()}
    for i in range(size):
        matrix[i, i] = do("add", diagonal, matrix[i, i]) if (i, i) in matrix else diagonal
    rows: list[set[int]] = [set() for _ in range(size)]
    columns: list[set[int]] = [set() for _ in range(size)]
    for row, column in matrix:
        if row != column:
            rows[row].add(column)
            columns[column].add(row)
    order, left = [], set(range(size))
    while left:
        pivot = min(left, key=lambda i: (len(rows[i]) * len(columns[i]), i))
        left.remove(pivot)
        order.append(pivot)
        matrix[pivot, pivot] = do("div", graph.constant(1.0), matrix[pivot, pivot])
        for row in sorted(columns[pivot]):
            factor = matrix[row, pivot] = do("mul", matrix[row, pivot], matrix[pivot, pivot])
            for column in sorted(rows[pivot]):
                product = do("mul", factor, matrix[pivot, column])
                before = matrix.get((row, column))
                matrix[row, column] = do("neg", product) if before is None else do("sub", before, product)
                if before is None:
                    rows[row].add(column)
                    columns[column].add(row)
        for row in columns[pivot]:
            rows[row].discard(pivot)
        for column in rows[pivot]:
            columns[column].discard(pivot)
    return SparseLU(graph, tuple(order), matrix)


def strong_components(size: int, entries: Iterable[tuple[int, int]]) -> list[list[int]]:
    """The strongly connected components of the graph of a matrix, shape (size, size), with these (row, column) entries.

    Tarjan 1972, Depth-first search and linear graph algorithms, SIAM J. Comput. 1:146, without recursion.
    """
    edges: list[list[int]] = [[] for _ in range(size)]
    for row, column in entries:
        edges[row].append(column)
    found: list[list[int]] = []
    number, low, path = [-1] * size, [0] * size, []
    on_path, count = [False] * size, 0
    for root in range(size):
        work = [(root, 0)] if number[root] < 0 else []
        while work:
            at, edge = work.pop()
            if not edge:
                number[at] = low[at] = count
                count += 1
                path.append(at)
                on_path[at] = True
            elif on_path[edges[at][edge - 1]]:
                low[at] = min(low[at], low[edges[at][edge - 1]])
            if edge < len(edges[at]):
                work.append((at, edge + 1))
                if number[edges[at][edge]] < 0:
                    work.append((edges[at][edge], 0))
            elif low[at] == number[at]:
                first = path.index(at)
                found.append(sorted(path[first:]))
                for each in path[first:]:
                    on_path[each] = False
                del path[first:]
    return found
