"""Formulas of parameters alone, for one set of values or for many members at once, equal to the last bit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from ..model.expression import Expression
from ..model.model import Model
from .graph import OPERATIONS, Graph

Values = Mapping[str, Any]  # by name: floats, or arrays of shape (m,) over members


class _Nodes(dict[str, int]):
    """By name, the node of a parameter or of an observable made of parameters: built when it is first asked for."""

    def __init__(self, model: Model, graph: Graph) -> None:
        super().__init__()
        self.model, self.graph = model, graph

    def __missing__(self, name: str) -> int:
        if name in self.model.parameters:
            node = self.graph.symbol(name)
        else:
            node = self.graph.add(self.model.laws.observables[name], self)  # KeyError for species and for time
        self[name] = node
        return node


class ParameterFormulas:
    """The formulas of a model that read parameters alone: initial values, and some of its observables."""

    def __init__(self, model: Model) -> None:
        self.model, self.graph = model, Graph()
        self.names = _Nodes(model, self.graph)

    @cached_property
    def initial(self) -> list[int]:
        """The node of each species' initial value."""
        return [self.graph.add(tree, self.names) for tree in self.model.laws.initial.values()]

    def initial_values(self, parameters: Values, species: Sequence[str] | None = None) -> dict[str, Any]:
        """By species, its initial value in its unit: a float, or shape (m,) if a parameter that it reads has that.

        species: only of these.
        """
        nodes = dict(zip(self.model.species, self.initial, strict=True))
        if species is not None:
            nodes = {name: nodes[name] for name in species}
        return dict(zip(nodes, self._evaluate(list(nodes.values()), parameters), strict=True))

    def value(self, tree: Expression, parameters: Values) -> Any:
        """The value of a formula of parameters and of observables made of them; KeyError for any other name."""
        return self._evaluate([self.graph.add(tree, self.names)], parameters)[0]

    def _evaluate(self, nodes: Sequence[int], parameters: Values) -> list[Any]:
        values: dict[int, Any] = {}
        for node in self.graph.needed(nodes):
            found = self.graph.nodes[node]
            if found.op == "constant":
                values[node] = found.value
            elif found.op == "symbol":
                values[node] = parameters[found.name]
            else:
                values[node] = _apply(found.op, [values[arg] for arg in found.args])
        return [values[node] for node in nodes]


def _apply(op: str, args: Sequence[Any]) -> Any:
    """One operation.

    Over members, all but plain arithmetic is done one by one: on some machines NumPy's own functions differ from
    those of single numbers in the last bit.
    """
    if not any(hasattr(arg, "shape") and arg.shape for arg in args):
        return OPERATIONS[op](*args)
    import numpy as np  # single values need none, and `check` must start fast

    with np.errstate(all="ignore"):
        if op in ("add", "sub", "mul", "neg"):
            return OPERATIONS[op](*args)
        if op == "div":
            return np.divide(*args)
        return np.frompyfunc(OPERATIONS[op], len(args), 1)(*args).astype(np.float64)


def constant(model: Model, tree: Expression, parameters: Mapping[str, float]) -> float:
    """The value of a formula of parameters and of observables made of them; not finite where it cannot be computed."""
    return float(ParameterFormulas(model).value(tree, parameters))


def initial_values(model: Model, parameters: Mapping[str, float]) -> dict[str, float]:
    """By species, its initial value for these parameter values, in its unit."""
    return ParameterFormulas(model).initial_values(parameters)
