"""From a model to what a solver calls: right-hand side, Jacobian, rates and observables."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property, partial
from typing import Any, NamedTuple

import numpy as np

from ..model.expression import TIME
from ..model.laws import in_order
from ..model.model import Model
from .bounds import AMOUNT
from .equations import Equations
from .graph import OPERATIONS, Graph
from .parameter_formulas import ParameterFormulas
from .python_code import Emitter, define, hoisted, indented, unpacked
from .tape import Tape
from .time_events import TimeCurves
from .trajectory import ATOL_OF_SCALE, Array

BELOW_ZERO = 1e-3  # of its scale: rounding takes a state slightly below zero, but not so far

GOLDEN = 0.6180339887498949  # its multiples lie apart
SMALLEST_ATOL = 1e-300  # so that no tolerance is zero

Rhs = Callable[[float, Array], list[float]]
Jacobian = Callable[[float, Array], Array]


class _SystemNodes(NamedTuple):
    """The formulas of a system as nodes: see the properties of `System`."""

    graph: Graph
    symbols: dict[str, int]
    names: dict[str, int]
    rates: dict[str, int]
    contributions: dict[str, dict[str, int]]
    equations: Equations


class System:
    """A model as arithmetic. Time is in the model's unit, every state and parameter in the unit it declares.

    Attributes:
        species, parameters, observables: their names; arrays of states and parameters are in this order.
        scales: the scale of each species, shape (species,).
        lower_bounds: the state below which a species is no longer an amount, shape (species,).
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
        self._readouts: dict[str, Tape] = {}

    @cached_property
    def _formulas(self) -> _SystemNodes:
        """Built when first asked for: a run by machine code that is kept needs none of it."""
        model, constants, reciprocals = self._given
        graph = Graph(reciprocals)
        amounts = {name for name, each in model.species.items() if not each.signed}
        every = (*self.species, *self.parameters)
        usual = {name: each.value for name, each in model.parameters.items()}
        symbols = {TIME: graph.symbol(TIME, bounds=AMOUNT)}
        symbols |= {name: graph.symbol(name, name in amounts, usual.get(name)) for name in every}
        names = symbols | {name: graph.constant(value) for name, value in (constants or {}).items()}
        for name in in_order(model):
            names[name] = graph.add(model.laws.observables[name], names)
        rates = {name: graph.add(tree, names) for name, tree in model.laws.rates.items()}
        contributions = {
            name: {
                reaction: graph.apply("mul", graph.add(coefficient, names), rates[reaction])
                for reaction, coefficient in model.laws.changes[name]
            }
            for name in self.species
        }
        equations = Equations(
            graph,
            rhs=tuple(_sum(graph, parts.values()) for parts in contributions.values()),
            variables=tuple(symbols[name] for name in self.species),
            time=symbols[TIME],
        )
        return _SystemNodes(graph, symbols, names, rates, contributions, equations)

    @property
    def graph(self) -> Graph:
        """Holds the nodes of all formulas."""
        return self._formulas.graph

    @property
    def symbols(self) -> Mapping[str, int]:
        """The node of time and of each species and parameter."""
        return self._formulas.symbols

    @property
    def names(self) -> Mapping[str, int]:
        """`symbols` and the node of each observable."""
        return self._formulas.names

    @property
    def rates(self) -> Mapping[str, int]:
        """The node of each reaction's rate."""
        return self._formulas.rates

    @property
    def contributions(self) -> Mapping[str, Mapping[str, int]]:
        """By species and reaction, the node of what the reaction adds to the species' derivative."""
        return self._formulas.contributions

    @property
    def equations(self) -> Equations:
        """Right-hand side, Jacobian and time derivative, without infusions."""
        return self._formulas.equations

    def __reduce__(self) -> tuple[type[System], tuple[Any, ...]]:
        """A pickle holds the model; the graph and the generated functions are made again from it."""
        return System, self._given

    def absolute_tolerances(self, rtol: float | Array, floor: float | Array) -> Array:
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

    @property
    def rhs(self) -> tuple[int, ...]:
        """The nodes of the derivatives of all species, without infusions."""
        return self.equations.rhs

    @cached_property
    def parameter_formulas(self) -> ParameterFormulas:
        """Initial values, and other formulas of parameters alone."""
        return ParameterFormulas(self.model)

    @cached_property
    def time_curves(self) -> TimeCurves:
        """What in the right-hand side depends on time alone, and where steps have to end for it."""
        parameters = {name: self.symbols[name] for name in self.parameters}
        return TimeCurves(self.graph, self.rhs, self.equations.time, parameters)

    @cached_property
    def bind(self) -> Callable[[list[float]], tuple[Rhs, Jacobian, Rhs | None]]:
        """``bind(parameters) -> (rhs, jacobian, time_derivative)``, functions of (time, states).

        rhs gives a list of (species,) floats, jacobian an array of shape (species, species); time_derivative is
        df/dt as a list, or None where no formula names time. What depends on parameters alone is computed in
        `bind`, once for each set of them. Where Python raises an exception instead of giving infinity or NaN, a tape
        gives the values.
        """
        by_time, outputs = self.equations.time_derivative, self._solver_outputs
        outer = Emitter(self.graph, self._known("t", "y", "p"))
        for node in hoisted(self.graph, [node for nodes in outputs.values() for node in nodes], self.equations.varying):
            outer.emit([node, node])  # twice: it is read again inside, so it needs a name
        lines = [
            "def bind(p):",
            "    try:",
            "        pass",
            *indented(unpacked("p", len(self.parameters), "p"), 2),
            *indented(outer.lines, 2),
            "    except (ArithmeticError, ValueError):",
            "        return by_tape(p)",
        ]
        for place, (name, nodes) in enumerate(outputs.items()):
            inner = Emitter(self.graph, outer.known)
            values = f"[{', '.join(inner.emit(nodes))}]"
            lines += [
                f"    def {name}(t, y):",
                "        try:",
                *indented(unpacked("y", len(self.species), "y.tolist()"), 3),
                *indented(inner.lines, 3),
                f"            return {f'matrix({values})' if name == 'jacobian' else values}",
                "        except (ArithmeticError, ValueError):",
                f"            return by_tape(p)[{place}](t, y)",
            ]
        lines.append(f"    return rhs, jacobian, {'time_derivative' if by_time else 'None'}")
        return define(lines, "bind", dict(_SCALAR, matrix=self._matrix, by_tape=self._bound_by_tape))

    @property
    def _solver_outputs(self) -> dict[str, tuple[int, ...]]:
        entries, by_time = self.equations.jacobian, self.equations.time_derivative
        return {"rhs": self.rhs, "jacobian": tuple(entries.values()), "time_derivative": by_time or ()}

    @cached_property
    def _matrix(self) -> Callable[[list[float]], Array]:
        """From the entries of the Jacobian to the matrix, shape (species, species)."""
        size = len(self.species)
        offsets = np.array([row * size + column for row, column in self.equations.jacobian], dtype=np.intp)

        def matrix(values: list[float]) -> Array:
            flat = np.zeros(size * size)
            flat[offsets] = values
            return flat.reshape(size, size)

        return matrix

    def _bound_by_tape(self, parameters: list[float]) -> tuple[Rhs, Jacobian, Rhs | None]:
        """As `bind`, slower."""
        rhs, jacobian, by_time = self._solver_outputs.values()

        def function(nodes: tuple[int, ...]) -> Rhs:
            return lambda time, states: self.evaluate(nodes, time, states.tolist(), parameters)

        entries = function(jacobian)
        return (
            function(rhs),
            lambda time, states: self._matrix(entries(time, states)),
            function(by_time) if by_time else None,
        )

    def prepare(self) -> None:
        """Writes and compiles the code now, so that no solver's clock counts it."""
        _ = self.bind, self.observables_tape

    def _known(self, time: str, state: str, parameter: str) -> dict[int, str]:
        """The text that stands for each symbol in generated code."""
        known = {self.symbols[TIME]: time}
        known.update({self.symbols[name]: f"{state}{i}" for i, name in enumerate(self.species)})
        known.update({self.symbols[name]: f"{parameter}{i}" for i, name in enumerate(self.parameters)})
        return known

    @cached_property
    def observables_tape(self) -> Tape:
        """All observables, in order. Whoever has kept it may set it; then no formula is needed to observe."""
        return Tape(self.graph, [self.names[name] for name in self.model.observables])

    @cached_property
    def _rhs_tape(self) -> Tape:
        return Tape(self.graph, self.rhs)

    def _along(self, tape: Tape, times: Array, states: Array, parameters: Sequence[float] | Array) -> Array:
        values: dict[str, Any] = dict(zip(self.species, np.ascontiguousarray(states.T), strict=True))
        values.update(zip(self.parameters, parameters, strict=True))
        values[TIME] = times
        return tape.evaluate(values, len(times))

    def observe(self, times: Array, states: Array, parameters: Sequence[float] | Array) -> Array:
        """Every observable along a time course, each in its unit, shape (observables, n).

        times has shape (n,), states (n, species), parameters (parameters,) or (parameters, n).
        """
        return self._along(self.observables_tape, times, states, parameters)

    def observe_one(self, name: str, times: Array, states: Array, parameters: Sequence[float] | Array) -> Array:
        """The observable `name` along a time course, shape (n,); the others are not computed.

        Shapes as in `observe`; ValueError if there is no such name.
        """
        if name not in self._readouts:
            self._readouts[name] = self.observables_tape.part([self.observables.index(name)])
        row: Array = self._along(self._readouts[name], times, states, parameters)[0]
        return row

    def species_of(self, name: str) -> set[str]:
        """The species that the observable `name` reads."""
        read = self.graph.symbols_of(self.names[name])
        return {each for each in self.species if self.symbols[each] in read}

    def typical_sizes(self, parameters: Array) -> list[dict[str, float]]:
        """For each of n sets of parameters, shape (n, parameters), by name the scale of each species, and what each
        observable is where all species have that size; 0 where that is not finite."""
        scales = dict(zip(self.species, self.scales.tolist(), strict=True))
        values = {**scales, **dict(zip(self.parameters, parameters.T, strict=True)), TIME: 0.0}
        found = np.abs(self.observables_tape.evaluate_few(values, len(parameters)))
        sizes = np.where(np.isfinite(found), found, 0.0).T.tolist()
        return [scales | dict(zip(self.observables, each, strict=True)) for each in sizes]

    def responses(
        self, times: Array, states: Array, parameters: Sequence[float] | Array, change: float
    ) -> dict[str, float]:
        """By name, the most that each observable moves along a time course if each species moves by half of this
        share of itself to all of it, no two alike; 0 where that is not finite. Shapes as in `observe`."""
        shares = change * (0.5 + 0.5 * (np.arange(len(self.species)) * GOLDEN % 1.0))
        with np.errstate(invalid="ignore"):
            moved = self.observe(times, states * (1.0 + shares), parameters) - self.observe(times, states, parameters)
        moved = np.abs(moved).max(axis=1, initial=0.0)
        return dict(zip(self.observables, np.where(np.isfinite(moved), moved, 0.0).tolist(), strict=True))

    def rhs_along(self, times: Array, states: Array, parameters: Sequence[float] | Array) -> Array:
        """The derivative of every species along a time course, without infusions, shape (species, n).

        Shapes as in `observe`.
        """
        return self._along(self._rhs_tape, times, states, parameters)

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


def _sum(graph: Graph, nodes: Iterable[int]) -> int:
    total = graph.constant(0.0)
    for node in nodes:
        total = graph.apply("add", total, node)
    return total


_SCALAR = {**OPERATIONS, "exp": math.exp, "log": math.log, "nan": math.nan, "inf": math.inf}
