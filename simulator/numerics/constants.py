"""Formulas of parameters alone: they fold to numbers while they are added to a graph."""

from __future__ import annotations

import math
from collections.abc import Mapping

from ..model.expression import Expression, names
from ..model.model import Model
from .graph import Graph


def constant(model: Model, tree: Expression, parameters: Mapping[str, float]) -> float:
    """The value of a formula of parameters, and of observables made of them; else NaN."""
    graph, known = _folded(model, parameters)
    return _number(graph, graph.add(tree, known))


def initial_values(model: Model, parameters: Mapping[str, float]) -> dict[str, float]:
    """Initial value of every species for these parameter values, each in the species' unit."""
    graph, known = _folded(model, parameters)
    return {name: _number(graph, graph.add(tree, known)) for name, tree in model.laws.initial.items()}


def in_order(model: Model) -> list[str]:
    """Observables, each after those it refers to."""
    order: list[str] = []

    def visit(name: str) -> None:
        if name not in order:
            for inner in names(model.observables[name].value):
                if inner in model.observables:
                    visit(inner)
            order.append(name)

    for name in model.observables:
        visit(name)
    return order


def _folded(model: Model, parameters: Mapping[str, float]) -> tuple[Graph, dict[str, int]]:
    graph = Graph()
    known = {name: graph.constant(value) for name, value in parameters.items()}
    for name in in_order(model):
        if all(inner in known for inner in names(model.observables[name].value)):
            known[name] = graph.add(model.laws.observables[name], known)
    return graph, known


def _number(graph: Graph, node: int) -> float:
    value = graph.value_of(node)
    return math.nan if value is None else value
