"""From a model to what a solver calls: right-hand side, Jacobian, rates and observables."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property, partial
from typing import Any

import numpy as np

from ..model.expression import TIME
from ..model.laws import in_order
from ..model.model import Model
from .equations import Equations
from .graph import OPERATIONS, Graph
from .parameter_formulas import ParameterFormulas
from .python_code import Emitter, define, hoisted, indented, unpacked
from .tape import Tape
from .trajectory import ATOL_OF_SCALE, Array

BELOW_ZERO = 1e-3  # of its scale: rounding takes a state slightly below zero, but not so far

SMALLEST_ATOL = 1e-300  # so that no tolerance is zero

Rhs = Callable[[float, Array], list[float]]
Jacobian = Callable[[float, Array], Array]


class System:
    """A model as arithmetic. Time is in the model's unit, every state and parameter in the unit it declares.

    Attributes:
        species, parameters, observables: their names; arrays of states and parameters are in this order.
        scales: the scale of each species, shape (species,).
        lower_bounds: the state below which a species is no longer an amount, shape (species,).
        graph: the formulas. `symbols` gives the node of time and of each species and parameter, `names` also those
            of observables, `rates` those of the reactions' rates.
        contributions: by species and reaction, the node of what the reaction adds to the species' derivative.
        equations: right-hand side, Jacobian and time derivative, without infusions.
    """

    def __init__(self, model: Model, constants: Mapping[str, float] | None = None, reciprocals: bool = False) -> None:
        """constants: species and parameters that are written into the formulas as these numbers.
        reciprocals: as in `Graph`."""
        self.model = model
        self._given = model, constants, reciprocals
        self.species = tuple(model.species)
        self.parameters = tuple(model.parameters)
        self.observables = tuple(model.observables)
        self.scales = np.array([species.scale for species in model.species.values()])
        self.lower_bounds = np.array(
            [-np.inf if each.signed else -BELOW_ZERO * each.scale for each in model.species.values()]
        )
        self.graph = Graph(reciprocals)
        self.symbols = {name: self.graph.symbol(name) for name in (TIME, *self.species, *self.parameters)}
        self.names = self.symbols | {name: self.graph.constant(value) for name, value in (constants or {}).items()}
        for name in in_order(model):
            self.names[name] = self.graph.add(model.laws.observables[name], self.names)
        self.rates = {name: self.graph.add(tree, self.names) for name, tree in model.laws.rates.items()}
        self.contributions = {name: self._contributions(name) for name in self.species}
        self.equations = Equations(
            self.graph,
            rhs=tuple(self._sum(parts.values()) for parts in self.contributions.values()),
            variables=tuple(self.symbols[name] for name in self.species),
            time=self.symbols[TIME],
        )
        self._observable_over_time: dict[str, Tape] = {}

    def __reduce__(self) -> tuple[type[System], tuple[Any, ...]]:
        """A pickle holds the model; the graph and the generated functions are made again from it."""
        return System, self._given

    def absolute_tolerances(self, rtol: float | Array, floor: float | Array = ATOL_OF_SCALE) -> Array:
        """What each state may be wrong by where it is close to zero, in its unit, shape (..., species).

        The tolerance of a state is rtol * (|state| + floor * its scale). A species with a sign passes through zero,
        where a relative tolerance means nothing: its floor is always `ATOL_OF_SCALE`.

        Args:
            rtol: relative tolerance, shape (...).
            floor: shape (...).
        """
        floors = np.where(np.isinf(self.lower_bounds), ATOL_OF_SCALE, np.asarray(floor)[..., None])
        tolerances: Array = np.maximum(np.asarray(rtol)[..., None] * floors * self.scales, SMALLEST_ATOL)
        return tolerances

    def _contributions(self, species: str) -> dict[str, int]:
        return {
            reaction: self.graph.apply("mul", self.graph.add(coefficient, self.names), self.rates[reaction])
            for reaction, coefficient in self.model.laws.changes[species]
        }

    def _sum(self, nodes: Iterable[int]) -> int:
        total = self.graph.constant(0.0)
        for node in nodes:
            total = self.graph.apply("add", total, node)
        return total

    @property
    def rhs(self) -> tuple[int, ...]:
        """The nodes of the derivatives of all species, without infusions."""
        return self.equations.rhs

    @cached_property
    def parameter_formulas(self) -> ParameterFormulas:
        """Initial values, and other formulas of parameters alone."""
        return ParameterFormulas(self.model)

    @cached_property
    def bind(self) -> Callable[[list[float]], tuple[Rhs, Jacobian, Rhs | None]]:
        """``bind(parameters) -> (rhs, jacobian, time_derivative)``, functions of (time, states).

        rhs gives a list of (species,) floats, jacobian an array of shape (species, species); time_derivative is
        df/dt as a list, or None where no formula names time. What depends on parameters alone is computed in
        `bind`, once for each set of them. Any of the functions may raise ArithmeticError or ValueError.
        """
        entries, by_time = self.equations.jacobian, self.equations.time_derivative
        outputs = {"rhs": [*self.rhs], "jacobian": [*entries.values()], "time_derivative": [*(by_time or ())]}
        outer = Emitter(self.graph, self._known("t", "y", "p"))
        for node in hoisted(self.graph, [node for nodes in outputs.values() for node in nodes], self.equations.varying):
            outer.emit([node, node])  # twice: it is read again inside, so it needs a name
        lines = ["def bind(p):", *indented(unpacked("p", len(self.parameters), "p"), 1), *indented(outer.lines, 1)]
        for name, nodes in outputs.items():
            inner = Emitter(self.graph, outer.known)
            values = f"[{', '.join(inner.emit(nodes))}]"
            lines += [
                f"    def {name}(t, y):",
                *indented(unpacked("y", len(self.species), "y.tolist()"), 2),
                *indented(inner.lines, 2),
                f"        return {f'matrix({values})' if name == 'jacobian' else values}",
            ]
        lines.append(f"    return rhs, jacobian, {'time_derivative' if by_time else 'None'}")
        return define(lines, "bind", dict(_SCALAR, matrix=_matrix_filler(len(self.species), entries)))

    def prepare(self) -> None:
        """Writes and compiles the code now, so that no solver's clock counts it."""
        _ = self.bind, self._observables_over_time

    def _known(self, time: str, state: str, parameter: str) -> dict[int, str]:
        """The text that stands for each symbol in generated code."""
        known = {self.symbols[TIME]: time}
        known.update({self.symbols[name]: f"{state}{i}" for i, name in enumerate(self.species)})
        known.update({self.symbols[name]: f"{parameter}{i}" for i, name in enumerate(self.parameters)})
        return known

    @cached_property
    def _observables_over_time(self) -> Tape:
        return Tape(self.graph, [self.names[name] for name in self.model.observables])

    @cached_property
    def _rhs_over_time(self) -> Tape:
        return Tape(self.graph, self.rhs)

    def _along(self, tape: Tape, times: Array, states: Array, parameters: Sequence[float] | Array) -> Array:
        values: dict[str, Any] = dict(zip(self.species, np.ascontiguousarray(states.T), strict=True))
        values.update(zip(self.parameters, parameters, strict=True))
        values[TIME] = times
        found = tape.evaluate(values)  # of one point only, where nothing varies
        return np.broadcast_to(found, (len(found), len(times)))

    def observe(self, times: Array, states: Array, parameters: Sequence[float] | Array) -> Array:
        """Every observable along a time course, each in its unit, shape (observables, n).

        times has shape (n,), states (n, species), parameters (parameters,).
        """
        return self._along(self._observables_over_time, times, states, parameters)

    def observe_one(self, name: str, times: Array, states: Array, parameters: Sequence[float] | Array) -> Array:
        """The observable `name` along a time course, shape (n,); the others are not computed.

        Shapes as in `observe`; KeyError if there is no such name.
        """
        if name not in self._observable_over_time:
            self._observable_over_time[name] = Tape(self.graph, [self.names[name]])
        row: Array = self._along(self._observable_over_time[name], times, states, parameters)[0]
        return row

    def species_of(self, name: str) -> set[str]:
        """The species that the observable `name` reads."""
        read = self.graph.symbols_of(self.names[name])
        return {each for each in self.species if self.symbols[each] in read}

    def rhs_along(self, times: Array, states: Array, parameters: Sequence[float] | Array) -> Array:
        """The derivative of every species along a time course, without infusions, shape (species, n).

        Shapes as in `observe`.
        """
        return self._along(self._rhs_over_time, times, states, parameters)

    def evaluator(self, nodes: Sequence[int]) -> Callable[[Array, Array, Array], Array]:
        """``f(times, states, parameters)``, which gives these nodes along a time course, shape (nodes, n)."""
        return partial(self._along, Tape(self.graph, nodes))

    def evaluate(
        self, nodes: Sequence[int], time: float, states: Sequence[float], parameters: Sequence[float]
    ) -> list[float]:
        """The value of each node at one time; NaN or infinite where it has none."""
        point = np.array([time]), np.array([states], dtype=float)
        found: list[float] = self._along(Tape(self.graph, nodes), *point, parameters)[:, 0].tolist()
        return found


def _matrix_filler(size: int, entries: Iterable[tuple[int, int]]) -> Callable[[list[float]], Array]:
    """A function from the values of `entries` (row, column) to the matrix, shape (size, size)."""
    offsets = np.array([row * size + column for row, column in entries], dtype=np.intp)

    def matrix(values: list[float]) -> Array:
        flat = np.zeros(size * size)
        flat[offsets] = values
        return flat.reshape(size, size)

    return matrix


_SCALAR = {**OPERATIONS, "nan": math.nan, "inf": math.inf}  # constants that could not be folded, as written
