"""From a model to what a solver calls: derivative, Jacobian, rates and observables."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property, partial
from typing import Any

import numpy as np

from ..model.expression import TIME
from ..model.laws import in_order
from ..model.model import Model
from .graph import OPERATIONS, Graph
from .parameter_formulas import ParameterFormulas
from .python_code import Emitter, define, hoisted, indented, unpacked
from .trajectory import Array

BELOW_ZERO = 1e-3  # of its scale: rounding takes a state slightly below zero, but not so far

Derivative = Callable[[float, Array], list[float]]
Jacobian = Callable[[float, Array], Array]


class System:
    """The numbers behind a model. Arrays of states and parameters are in the order of
    `species` and `parameters`, each in its declared unit; time is in the model's unit."""

    def __init__(self, model: Model, known: Mapping[str, float] | None = None, reciprocals: bool = False) -> None:
        """known: species and parameters that are numbers in every formula, and stand for no symbol.
        reciprocals: as in `Graph`."""
        self.model = model
        self.species = tuple(model.species)
        self.parameters = tuple(model.parameters)
        self.observables = tuple(model.observables)
        self.scales = np.array([species.scale for species in model.species.values()])
        self.lower_bounds = np.array(
            [-np.inf if each.signed else -BELOW_ZERO * each.scale for each in model.species.values()]
        )
        self.graph = Graph(reciprocals)
        self.symbols = {name: self.graph.symbol(name) for name in (TIME, *self.species, *self.parameters)}
        self.names = self.symbols | {name: self.graph.constant(value) for name, value in (known or {}).items()}
        for name in in_order(model):
            self.names[name] = self.graph.add(model.laws.observables[name], self.names)
        self.rates = {name: self.graph.add(tree, self.names) for name, tree in model.laws.rates.items()}
        self.contributions = {name: self._contributions(name) for name in self.species}
        self.rhs = [self._sum(parts.values()) for parts in self.contributions.values()]
        self._observable_over_time: dict[str, Callable[..., list[Any]]] = {}
        self._moving = frozenset(self.symbols[name] for name in (TIME, *self.species))

    def _contributions(self, species: str) -> dict[str, int]:
        """What each reaction adds to the derivative of `species`, in its unit per time unit."""
        return {
            reaction: self.graph.apply("mul", self.graph.add(coefficient, self.names), self.rates[reaction])
            for reaction, coefficient in self.model.laws.changes[species]
        }

    def _sum(self, nodes: Iterable[int]) -> int:
        total = self.graph.constant(0.0)
        for node in nodes:
            total = self.graph.apply("add", total, node)
        return total

    @cached_property
    def parameter_formulas(self) -> ParameterFormulas:
        """Initial values, and other formulas of parameters alone."""
        return ParameterFormulas(self.model)

    @cached_property
    def jacobian_entries(self) -> list[tuple[int, int, int]]:
        """(row, column, node) of every Jacobian entry that is not zero everywhere."""
        entries = []
        for row, slope in enumerate(self.rhs):
            for column, name in enumerate(self.species):
                node = self.graph.derivative(slope, self.symbols[name])
                if self.graph.value_of(node) != 0.0:
                    entries.append((row, column, node))
        return entries

    @cached_property
    def bind(self) -> Callable[[list[float]], tuple[Derivative, Jacobian, Derivative | None]]:
        """``bind(parameters) -> (derivative, jacobian, slope)``, functions of (time, states).

        slope is the derivative's own derivative by time, or None where no formula names time.
        What depends on parameters alone is computed in `bind`, once for each set of them.
        """
        size, entries = len(self.species), self.jacobian_entries
        values = [node for _, _, node in entries]
        known = self._known("t", "y", "p")
        outer = Emitter(self.graph, known)
        by_time = [self.graph.derivative(node, self.symbols[TIME]) for node in self.rhs]
        autonomous = all(self.graph.value_of(node) == 0.0 for node in by_time)
        fixed = hoisted(self.graph, [*self.rhs, *values, *by_time], self._moving)
        for node in fixed:
            outer.emit([node, node])  # twice: asked for again inside, so it needs a name
        derivative, jacobian, slope = (Emitter(self.graph, outer.known) for _ in range(3))
        slopes, filled, slanted = derivative.emit(self.rhs), jacobian.emit(values), slope.emit(by_time)
        lines = [
            "def bind(p):",
            *indented(unpacked("p", len(self.parameters), "p"), 1),
            *indented(outer.lines, 1),
            "    def derivative(t, y):",
            *indented(unpacked("y", size, "y.tolist()"), 2),
            *indented(derivative.lines, 2),
            f"        return [{', '.join(slopes)}]",
            "    def jacobian(t, y):",
            *indented(unpacked("y", size, "y.tolist()"), 2),
            *indented(jacobian.lines, 2),
            "        matrix = zeros(size)",
            f"        matrix[places] = [{', '.join(filled)}]",
            "        return matrix.reshape(shape)",
            "    def slope(t, y):",
            *indented(unpacked("y", size, "y.tolist()"), 2),
            *indented(slope.lines, 2),
            f"        return [{', '.join(slanted)}]",
            f"    return derivative, jacobian, {'None' if autonomous else 'slope'}",
        ]
        places = np.array([row * size + column for row, column, _ in entries], dtype=np.intp)
        namespace: dict[str, Any] = dict(_SCALAR, zeros=np.zeros, size=size * size, shape=(size, size), places=places)
        return define(lines, "bind", namespace)

    def prepare(self) -> None:
        """Writes and compiles the code now, so that no solver's clock counts it."""
        _ = self.bind, self._observables_over_time

    def _known(self, time: str, state: str, parameter: str) -> dict[int, str]:
        known = {self.symbols[TIME]: time}
        known.update({self.symbols[name]: f"{state}{i}" for i, name in enumerate(self.species)})
        known.update({self.symbols[name]: f"{parameter}{i}" for i, name in enumerate(self.parameters)})
        return known

    @cached_property
    def _observables_over_time(self) -> Callable[..., list[Any]]:
        return self._over_time([self.names[name] for name in self.model.observables])

    @cached_property
    def _slopes_over_time(self) -> Callable[..., list[Any]]:
        return self._over_time(self.rhs)

    def _over_time(self, outputs: list[int]) -> Callable[..., list[Any]]:
        emitter = Emitter(self.graph, self._known("t", "y", "p"), arrays=True)
        texts = emitter.emit(outputs)
        lines = [
            "def over_time(t, y, p):",
            *indented(unpacked("y", len(self.species), "y"), 1),
            *indented(unpacked("p", len(self.parameters), "p"), 1),
            *indented(emitter.lines, 1),
            f"    return [{', '.join(texts)}]",
        ]
        return define(lines, "over_time", dict(_ARRAYS))

    def observe(self, times: Array, states: Array, parameters: Sequence[float] | Array) -> Array:
        """Every observable along a time course, each in its unit, shape (observables, n).

        times has shape (n,), states (n, species).
        """
        return _along(self._observables_over_time, times, states, parameters)

    def observe_one(self, name: str, times: Array, states: Array, parameters: Sequence[float] | Array) -> Array:
        """The observable `name` along a time course, shape (n,); the others are not computed."""
        if name not in self._observable_over_time:
            self._observable_over_time[name] = self._over_time([self.names[name]])
        row: Array = _along(self._observable_over_time[name], times, states, parameters)[0]
        return row

    def rhs_along(self, times: Array, states: Array, parameters: Sequence[float] | Array) -> Array:
        """The derivative of every species along a time course, without infusions, shape (species, n)."""
        return _along(self._slopes_over_time, times, states, parameters)

    def evaluator(self, nodes: Sequence[int]) -> Callable[[Array, Array, Array], Array]:
        """``f(times, states, parameters)``, which gives these nodes along a time course, shape (nodes, n)."""
        return partial(_along, self._over_time(list(nodes)))

    def evaluate(
        self, nodes: Sequence[int], time: float, states: Sequence[float], parameters: Sequence[float]
    ) -> list[float]:
        """The value of each node, NaN where it cannot be computed: slow, to find a culprit."""
        values: dict[int, float] = {self.symbols[TIME]: time}
        values.update(zip([self.symbols[name] for name in self.species], states, strict=True))
        values.update(zip([self.symbols[name] for name in self.parameters], parameters, strict=True))
        for node in self.graph.needed(nodes):
            found = self.graph.nodes[node]
            if found.op == "constant":
                values[node] = found.value
            elif found.op != "symbol":
                try:
                    values[node] = OPERATIONS[found.op](*[values[arg] for arg in found.args])
                except (ArithmeticError, ValueError):
                    values[node] = math.nan
        return [values[node] for node in nodes]


def _along(
    function: Callable[..., list[Any]], times: Array, states: Array, parameters: Sequence[float] | Array
) -> Array:
    with np.errstate(all="ignore"):
        values = function(times, states.T, np.asarray(parameters))
    return np.array([np.broadcast_to(value, times.shape) for value in values]).reshape(len(values), len(times))


_SCALAR = {**OPERATIONS, "nan": math.nan, "inf": math.inf}  # constants that could not be folded, as written


def _array_power(base: Any, exponent: Any) -> Any:
    clipped = np.maximum(base, 0.0)
    return clipped**exponent


def _array_power_slope(base: Any, exponent: Any) -> Any:
    clipped = np.asarray(exponent * _array_power(base, exponent - 1.0))
    return np.where(np.asarray(base) > 0.0, clipped, np.where((np.asarray(base) == 0.0) & (exponent == 1.0), 1.0, 0.0))


def _array_power_log(base: Any, exponent: Any) -> Any:
    return np.where(np.asarray(base) > 0.0, _array_power(base, exponent) * np.log(base), 0.0)


_ARRAYS = {
    "nan": math.nan,
    "inf": math.inf,
    "exp": np.exp,
    "log": np.log,
    "max": np.maximum,
    "min": np.minimum,
    "power": _array_power,
    "power_by_base": _array_power_slope,
    "power_by_exponent": _array_power_log,
    "select": lambda a, b, c, d: np.where(np.asarray(a) >= b, c, d),
}
