"""Formulas of parameters alone, for one set of values or for many members at once, to the same last bit."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..model.expression import Expression, names
from ..model.laws import in_order
from ..model.model import Model
from .graph import OPERATIONS, Graph

Values = Mapping[str, Any]  # by name: floats, or arrays of shape (m,) over members


class ParameterFormulas:
    """The graph of a model's observables as far as they are made of parameters alone."""

    def __init__(self, model: Model) -> None:
        self.model, self.graph = model, Graph()
        self.symbols = {name: self.graph.symbol(name) for name in model.parameters}
        self.names = dict(self.symbols)
        for name in in_order(model):
            if all(inner in self.names for inner in names(model.observables[name].value)):
                self.names[name] = self.graph.add(model.laws.observables[name], self.names)
        self.initial = [self.graph.add(tree, self.names) for tree in model.laws.initial.values()]

    def initial_values(self, parameters: Values) -> dict[str, Any]:
        """Initial value of every species, each in the species' unit."""
        return dict(zip(self.model.species, self._evaluate(self.initial, parameters), strict=True))

    def value(self, tree: Expression, parameters: Values) -> Any:
        """The value of a formula of parameters, and of observables made of them."""
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
    """One operation, NaN where it cannot be computed. Over members what is not plain arithmetic is done one by
    one: on some machines NumPy's own functions differ from those of
    single numbers in the last bit."""
    if not any(hasattr(arg, "shape") and arg.shape for arg in args):
        return _alone(op)(*args)
    import numpy as np

    with np.errstate(all="ignore"):
        if op in ("add", "sub", "mul", "neg"):
            return OPERATIONS[op](*args)
        if op == "div":
            return np.where(np.equal(args[1], 0.0), math.nan, np.divide(args[0], args[1]))
        return np.frompyfunc(_alone(op), len(args), 1)(*args).astype(np.float64)


def _alone(op: str) -> Callable[..., float]:
    def computed(*args: float) -> float:
        try:
            return OPERATIONS[op](*args)
        except (ArithmeticError, ValueError):
            return math.nan

    return computed


def constant(model: Model, tree: Expression, parameters: Mapping[str, float]) -> float:
    """The value of a formula of parameters, and of observables made of them; else NaN."""
    return float(ParameterFormulas(model).value(tree, parameters))


def initial_values(model: Model, parameters: Mapping[str, float]) -> dict[str, float]:
    """Initial value of every species for these parameter values, each in the species' unit."""
    return ParameterFormulas(model).initial_values(parameters)
