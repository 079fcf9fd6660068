"""The sparse system solved on paper, against a dense solver."""

from __future__ import annotations

import numpy as np
import pytest
from immunesim.numerics.compiled.sparse_lu import factorize
from immunesim.numerics.graph import OPERATIONS, Graph


def evaluated(graph: Graph, outputs: list[int], numbers: dict[int, float]) -> list[float]:
    values = dict(numbers)
    for node in graph.needed(outputs):
        found = graph.nodes[node]
        if found.op == "constant":
            values[node] = found.value
        elif found.op != "symbol":
            values[node] = OPERATIONS[found.op](*[values[arg] for arg in found.args])
    return [values[node] for node in outputs]


@pytest.mark.parametrize("size", [1, 2, 5, 12, 30])
@pytest.mark.parametrize("share", [0.0, 0.15, 1.0])
def test_a_sparse_system_is_solved(size: int, share: float) -> None:
    random = np.random.default_rng(size)
    matrix = random.normal(size=(size, size)) * (random.random((size, size)) < share)
    graph = Graph()
    entries = {(int(i), int(j)): graph.symbol(f"J {i} {j}") for i, j in np.argwhere(matrix)}
    diagonal = graph.symbol("diagonal")
    numbers = {node: float(matrix[entry]) for entry, node in entries.items()} | {diagonal: 3.0 * size}
    elimination = factorize(graph, size, entries, diagonal)
    known = {entry: graph.symbol(f"factor {entry}") for entry in elimination.factors}
    right = [graph.symbol(f"right {i}") for i in range(size)]
    solution = elimination.solution(known, right)
    values = evaluated(graph, list(elimination.factors.values()), numbers)
    numbers |= dict(zip(known.values(), values, strict=True))
    b = random.normal(size=size)
    numbers |= dict(zip(right, b.tolist(), strict=True))
    wanted = np.linalg.solve(3.0 * size * np.eye(size) - matrix, b)
    np.testing.assert_allclose(evaluated(graph, solution, numbers), wanted, rtol=1e-11, atol=1e-13)


def test_a_chain_fills_nothing_in() -> None:
    graph = Graph()
    entries = {(i, i - 1): graph.symbol(f"J{i}") for i in range(1, 50)}
    assert len(factorize(graph, 50, entries, graph.symbol("d")).factors) == 99


def test_an_arrow_is_eliminated_from_its_tips() -> None:
    graph = Graph()
    entries = {entry: graph.symbol(f"J{entry}") for i in range(1, 30) for entry in ((0, i), (i, 0))}
    elimination = factorize(graph, 30, entries, graph.symbol("d"))
    assert len(elimination.factors) == 88, "the full row and column come last, or everything fills in"
    assert elimination.order[0] != 0
