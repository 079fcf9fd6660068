"""Formulas of parameters alone, for one set of values or for many members at once, equal to the last bit."""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache, cached_property
from typing import Any

from ..model.expression import Expression
from ..model.model import Model
from .graph import OPERATIONS, Graph

FEW = 8  # members, below which numbers are faster than arrays

Values = Mapping[str, Any]  # by name: floats, or arrays of shape (m,) over members


_Step = tuple[int, Callable[..., Any], Sequence[int]]  # the node, its operation, and those that it is applied to


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

    def initial_values(self, parameters: Values) -> dict[str, Any]:
        """By species, its initial value in its unit: a float, or shape (m,) if a parameter that it reads has that."""
        return dict(zip(self.model.species, self._initial_steps.evaluate(parameters), strict=True))

    @cached_property
    def _initial_steps(self) -> _Steps:
        return _Steps(self.graph, self.initial)

    def varied_initial_values(self, parameters: Values, varied: Collection[str]) -> VariedInitialValues:
        """Those of members that differ in the parameters `varied` alone; parameters: the others."""
        return VariedInitialValues(self, parameters, varied)

    def value(self, tree: Expression, parameters: Values) -> Any:
        """The value of a formula of parameters and of observables made of them; KeyError for any other name."""
        return self._evaluate([self.graph.add(tree, self.names)], parameters)[0]

    def _evaluate(self, nodes: Sequence[int], parameters: Values) -> list[Any]:
        return _Steps(self.graph, nodes).evaluate(parameters)


class _Steps:
    """How to evaluate some nodes."""

    def __init__(self, graph: Graph, nodes: Sequence[int]) -> None:
        needed = [(node, graph.nodes[node]) for node in graph.needed(nodes)]
        self.nodes = nodes
        self.constants = {node: found.value for node, found in needed if found.op == "constant"}
        self.symbols = [(node, found.name) for node, found in needed if found.op == "symbol"]
        self.operations = [(node, found.op, found.args) for node, found in needed if found.args]

    def evaluate(self, parameters: Values) -> list[Any]:
        """The value of each node: a float, or shape (m,) if a parameter that it reads has that."""
        values = self.constants | {node: parameters[name] for node, name in self.symbols}
        apply = _apply if any(_is_array(value) for value in values.values()) else _apply_to_numbers
        for node, op, args in self.operations:
            values[node] = apply(op, [values[arg] for arg in args])
        return [values[node] for node in self.nodes]


class VariedInitialValues:
    """Initial values of many members, with everything that is the same in all of them computed once.

    Attributes:
        same: by species, the initial values that do not vary.
        varied: the species whose initial values do.
    """

    def __init__(self, formulas: ParameterFormulas, parameters: Values, varied: Collection[str]) -> None:
        graph, nodes = formulas.graph, dict(zip(formulas.model.species, formulas.initial, strict=True))
        symbols = {formulas.names[name] for name in varied}
        self.varied = [name for name, node in nodes.items() if graph.symbols_of(node) & symbols]
        rest = [name for name in nodes if name not in self.varied]
        self.same = dict(zip(rest, formulas._evaluate([nodes[name] for name in rest], parameters), strict=True))
        self._nodes = [nodes[name] for name in self.varied]
        needed = graph.needed(self._nodes)
        fixed = [node for node in needed if not graph.symbols_of(node) & symbols]
        self._fixed = dict(zip(fixed, formulas._evaluate(fixed, parameters), strict=True))
        moving = [(node, graph.nodes[node]) for node in needed if node not in self._fixed]
        self._symbols = [(node, found.name) for node, found in moving if found.op == "symbol"]
        steps = [(node, found.op, found.args) for node, found in moving if found.op != "symbol"]
        self._of_one = [(node, OPERATIONS[op], args) for node, op, args in steps]
        self._of_many = [(node, _of_members(op), args) for node, op, args in steps]

    def evaluate(self, parameters: Values) -> dict[str, Any]:
        """By species in `varied`, shape (m,); parameters: those that vary, shape (m,), may be among others."""
        import numpy as np  # as in `_apply`

        symbols = [(node, parameters[name]) for node, name in self._symbols]
        if symbols and 0 < len(symbols[0][1]) < FEW:
            columns = [[(node, float(values[row])) for node, values in symbols] for row in range(len(symbols[0][1]))]
            found: Any = np.array([self._evaluate(self._of_one, column) for column in columns]).T
        else:
            with np.errstate(all="ignore"):
                found = self._evaluate(self._of_many, symbols)
        return dict(zip(self.varied, found, strict=True))

    def _evaluate(self, steps: Sequence[_Step], symbols: Sequence[tuple[int, Any]]) -> list[Any]:
        values = self._fixed | dict(symbols)
        for node, operation, args in steps:
            if len(args) == 2:  # nearly always
                values[node] = operation(values[args[0]], values[args[1]])
            else:
                values[node] = operation(*[values[arg] for arg in args])
        return [values[node] for node in self._nodes]


@cache
def _of_members(op: str) -> Callable[..., Any]:
    """An operation over members, of which one argument at least is an array, as in `_apply`."""
    import numpy as np

    exact: dict[str, Callable[..., Any]] = {
        "add": operator.add,
        "sub": operator.sub,
        "mul": operator.mul,
        "neg": operator.neg,
        "div": np.divide,
        "max": lambda a, b: np.where((b > a) | (b != b), b, a),  # as `graph.largest` and so on, to the last bit
        "min": lambda a, b: np.where((b < a) | (b != b), b, a),
        "select": lambda a, b, if_not_less, if_less: np.where(a >= b, if_not_less, if_less),
        "select_above": lambda a, b, if_above, if_not: np.where(a > b, if_above, if_not),
    }
    if op in exact:
        return exact[op]
    one_by_one = OPERATIONS[op]

    def operation(*args: Any) -> Any:
        return np.frompyfunc(one_by_one, len(args), 1)(*args).astype(np.float64)

    return operation


def _is_array(value: Any) -> bool:
    return bool(getattr(value, "shape", ()))


def _apply_to_numbers(op: str, args: Sequence[Any]) -> Any:
    return OPERATIONS[op](*args)


def _apply(op: str, args: Sequence[Any]) -> Any:
    """One operation.

    Over members, all but plain arithmetic is done one by one: on some machines NumPy's own functions differ from
    those of single numbers in the last bit.
    """
    if not any(map(_is_array, args)):
        return OPERATIONS[op](*args)
    import numpy as np  # single values need none, and `check` must start fast

    with np.errstate(all="ignore"):
        return _of_members(op)(*args)


def constant(model: Model, tree: Expression, parameters: Mapping[str, float]) -> float:
    """The value of a formula of parameters and of observables made of them; not finite where it cannot be computed."""
    return float(ParameterFormulas(model).value(tree, parameters))


def initial_values(model: Model, parameters: Mapping[str, float]) -> dict[str, float]:
    """By species, its initial value for these parameter values, in its unit."""
    return ParameterFormulas(model).initial_values(parameters)
