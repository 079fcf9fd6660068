"""dx/dt = 0 with its exact derivatives, conserved sums in place of the equations that follow from the others, and the
eigenvalues that say whether a steady state is stable."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..model.expression import TIME
from ..model.model import Model
from .equations import Equations
from .graph import OPERATIONS
from .parameter_formulas import ParameterFormulas
from .python_code import Emitter, define, hoisted, indented, unpacked
from .reduced_system import ReducedSystem, reduce_system
from .trajectory import Array

SMALL_SHARE = 0.1  # of its scale: what a species near zero is measured by
ZERO = 1e-12  # of the largest number in a row of stoichiometry: what rounding leaves there
OTHER = 1.7  # times its value and 1 more: another value of a parameter
NEUTRAL = 1e-12  # of the fastest rate: eigenvalues below are zero but for rounding
MOST_STEPS = 60  # of Newton's method
EXACT, GOOD = 1e-10, 1e-6  # relative size of Newton's last step: aimed at, and enough where rounding allows no more
RELAX_STEPS = 400  # of `relaxed`
MOST_CHANGE, USUAL_CHANGE = 0.8, 0.4  # relative change of a state in one step of `relaxed`
WITHOUT_END = 1e9  # times its start or scale: such a state grows for ever


class ConservedSum(NamedTuple):
    """A sum of species that no reaction changes. weights: by species, the smallest of size 1. total: what it stays."""

    weights: Mapping[str, float]
    total: float


class TimeNamedError(ValueError):
    """Derivatives depend on time itself, so that nothing rests. names: the species whose derivatives do."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(", ".join(names))
        self.names = tuple(names)


class SumChangesError(ValueError):
    """What is conserved depends on the parameter that varies, such as a volume. names: the species of such a sum."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(", ".join(names))
        self.names = tuple(names)


class Evaluated(NamedTuple):
    """The equations at one point. rhs: dx/dt, shape (n,). jacobian: d rhs / dx, shape (n, n). by_parameter: d rhs / dq,
    shape (n,). totals, totals_by_parameter: of the conserved sums, and d / dq, shape (k,)."""

    rhs: Array
    jacobian: Array
    by_parameter: Array
    totals: Array
    totals_by_parameter: Array

    @property
    def is_finite(self) -> bool:
        """Whether every number is."""
        return all(bool(np.isfinite(each).all()) for each in self)


@dataclass(frozen=True)
class SteadyEquations:
    """The equations of the species that are there: those that start above zero, and what they cause.

    Attributes:
        species: n names, in the order of all states here, which are in the unit of their species.
        absent: species that are zero for ever.
        counters: species that no other depends on, and that only count or only fade: they need not rest.
        scales: shape (n,).
        signed: whether a species may be below zero, shape (n,).
        conserved: the weights of k conserved sums, shape (k, n).
        replaced: for each of them the species whose derivative follows from the others, by its place.
        parameter: the name of the parameter q that may vary; None if none does.
        evaluate: ``evaluate(states, q)``.
    """

    species: tuple[str, ...]
    absent: tuple[str, ...]
    counters: tuple[str, ...]
    scales: Array
    signed: NDArray[np.bool_]
    conserved: Array
    replaced: tuple[int, ...]
    parameter: str | None
    evaluate: Callable[[Array, float], Evaluated]

    def weights(self, states: Array) -> Array:
        """What changes of the states are measured by, shape (n,)."""
        found: Array = np.abs(states) + SMALL_SHARE * self.scales
        return found

    def residual(self, states: Array, q: float) -> tuple[Array, Array, Array]:
        """What is zero at a steady state of the given sums, shape (n,), its derivatives by the states, (n, n), and by
        q, (n,): each conserved sum stands in place of one of the derivatives that it makes superfluous."""
        found = self.evaluate(states, q)
        rest, matrix, slope = found.rhs.copy(), found.jacobian.copy(), found.by_parameter.copy()
        for row, weights, total, by in zip(
            self.replaced, self.conserved, found.totals, found.totals_by_parameter, strict=True
        ):
            rest[row], matrix[row], slope[row] = weights @ states - total, weights, -by
        return rest, matrix, slope

    def eigenvalues(self, states: Array, q: float) -> NDArray[np.complex128]:
        """Those of the Jacobian, per time unit, the slowest first, shape (n - k,): conserved sums have none."""
        found = np.linalg.eigvals(self._scaled_jacobian(states, q)[0]).astype(np.complex128)
        noise = NEUTRAL * np.abs(found).max(initial=0.0)
        found = np.where(np.abs(found) <= noise, 0.0, found)
        return found[np.argsort(-found.real, kind="stable")]

    def slowest_parts(self, states: Array, q: float) -> Array:
        """How much each species takes part in the slowest change, in terms of its weight, shape (n,), the most 1."""
        scaled, kept = self._scaled_jacobian(states, q)
        values, vectors = np.linalg.eig(scaled)
        parts: Array = np.abs(kept.T @ vectors[:, values.real.argmax()]) if len(values) else np.zeros(len(states))
        parts /= parts.max(initial=1e-300)
        return parts

    def _scaled_jacobian(self, states: Array, q: float) -> tuple[Array, Array]:
        """The Jacobian of states in terms of their weights, in directions that change no conserved sum, shape
        (n - k, n - k), and these directions, (n - k, n)."""
        size = self.weights(states)
        scaled = self.evaluate(states, q).jacobian * size / size[:, None]
        if not len(self.conserved):
            return scaled, np.eye(len(states))
        kept: Array = np.linalg.svd(self.conserved * size)[2][len(self.conserved) :]
        return kept @ scaled @ kept.T, kept

    def possible(self, states: Array) -> Array:
        """The states with amounts below zero set to zero."""
        found: Array = np.where(self.signed, states, np.maximum(states, 0.0))
        return found

    def newton(self, states: Array, q: float) -> Array | None:
        """The steady state that Newton's method finds from `states`, shape (n,), or None."""
        last = math.inf
        for _ in range(MOST_STEPS):
            rest, matrix, _ = self.residual(states, q)
            size = self.weights(states)
            step = solved(matrix * size, -rest)
            if step is None:
                return None
            change = float(np.abs(step).max(initial=0.0))
            moved = states + size * step * min(1.0, 1.0 / max(change, 1e-300))
            if change < EXACT or (change < GOOD and change > 0.3 * last):
                low = np.where(self.signed, 0.0, np.minimum(moved, 0.0))
                return self.possible(moved) if (low > -GOOD * self.scales).all() else None
            states, last = self.possible(moved), change
        return None

    def relaxed(self, states: Array, q: float) -> Array | None:
        """The state in which the system comes to rest from `states`, shape (n,), or None: implicit Euler steps, each
        longer as far as the states change little. Conserved sums stay as they are in `states`."""
        found, may_rest = self._let_go(states, q)
        return self.newton(found, q) if may_rest else None

    def without_end(self, states: Array, q: float) -> str | None:
        """The species that grows without end from `states`, shape (n,); None if none does."""
        found = np.abs(self._let_go(states, q)[0]) / self._most(states)
        return self.species[int(found.argmax())] if found.max(initial=0.0) > 1.0 else None

    def _most(self, states: Array) -> Array:
        """The size of each species that is without end, from `states`."""
        most: Array = WITHOUT_END * np.maximum(np.abs(states), self.scales)
        return most

    def _let_go(self, states: Array, q: float) -> tuple[Array, bool]:
        """Where the states have gone, and whether they may have come to rest."""
        length, most = 0.0, self._most(states)
        for _ in range(RELAX_STEPS):
            found, size = self.evaluate(states, q), self.weights(states)
            if not found.is_finite or (np.abs(states) > most).any():
                return states, False
            if not length:
                length = 0.1 / max(float(np.abs(found.rhs / size).max(initial=0.0)), 1e-9)
            matrix = np.eye(len(states)) / length - found.jacobian * size / size[:, None]
            step = solved(matrix, found.rhs / size)
            if step is None:
                return states, False
            if np.linalg.slogdet(matrix)[0] < 0:  # longer than what grows takes to grow: it would be drawn back instead
                length *= 0.5
                continue
            change = float(np.abs(step).max(initial=0.0))
            if change > MOST_CHANGE:
                length *= 0.25
                continue
            states = self.possible(states + size * step)
            if change < EXACT:
                break
            length *= min(4.0, USUAL_CHANGE / max(change, 1e-3)) if change < USUAL_CHANGE else 0.8
        return states, True


def solved(matrix: Array, right: Array) -> Array | None:
    """x of matrix x = right, with rows of like size, or None where there is none."""
    size = np.abs(matrix).max(axis=1, initial=0.0)
    if not np.isfinite(size).all() or not size.all():
        return None
    try:
        found: Array = np.linalg.solve(matrix / size[:, None], right / size)
    except np.linalg.LinAlgError:
        return None
    return found if np.isfinite(found).all() else None


def steady_equations(
    model: Model,
    active: Collection[str],
    parameters: Mapping[str, float],
    initial: Mapping[str, float],
    parameter: str | None = None,
) -> SteadyEquations:
    """The equations of `model` without the species that stay at zero.

    Args:
        active: species that may start above zero.
        parameters: the value of each.
        initial: by species, where its start is not that of the model.
        parameter: the one that varies.

    Raises:
        TimeNamedError: derivatives depend on time itself.
        SumChangesError: a conserved sum has other weights for other values of the parameter.
    """
    fixed = {name: value for name, value in parameters.items() if name != parameter}
    reduced = reduce_system(model, active, (), fixed)
    present = _not_counters(reduced, parameters)
    graph, time = reduced.graph, reduced.system.symbols[TIME]
    timed = [name for name, node in present.items() if time in graph.symbols_of(node)]
    if timed:
        raise TimeNamedError(timed)
    species = tuple(present)
    conserved, replaced = conserved_sums(_stoichiometry(reduced, species, parameters))
    if parameter is not None:
        _check_sums(reduced, species, conserved, {**parameters, parameter: OTHER * parameters[parameter] + 1.0})
    totals = _totals(reduced, species, conserved, initial)
    return SteadyEquations(
        species,
        reduced.identically_zero,
        tuple(name for name in reduced.species if name not in present),
        np.array([model.species[name].scale for name in species]),
        np.array([model.species[name].signed for name in species], dtype=bool),
        conserved,
        replaced,
        parameter,
        _evaluator(reduced, present, totals, parameters, parameter),
    )


def _not_counters(reduced: ReducedSystem, parameters: Mapping[str, float]) -> dict[str, int]:
    """The node of the derivative of each species that matters: that of another depends on it, or it may be made anew
    and is lost at a rate of its own."""
    system, formulas = reduced.system, ParameterFormulas(reduced.system.model)
    changes = system.model.laws.changes

    def only_falls(name: str) -> bool:
        return all(
            float(formulas.value(coefficient, parameters)) < 0
            for reaction, coefficient in changes[name]
            if reduced.graph.value_of(system.rates[reaction]) != 0.0
        )

    present = dict(zip(reduced.species, reduced.equations.rhs, strict=True))
    while True:
        read = {name: reduced.graph.symbols_of(node) for name, node in present.items()}
        counters = [
            name
            for name in present
            if not any(system.symbols[name] in symbols for other, symbols in read.items() if other != name)
            and (system.symbols[name] not in read[name] or only_falls(name))
        ]
        if not counters:
            return present
        present = {name: node for name, node in present.items() if name not in counters}


def _stoichiometry(reduced: ReducedSystem, species: Sequence[str], parameters: Mapping[str, float]) -> Array:
    """What each reaction that runs adds to each species, shape (n, rates); reactions of the same rate are one."""
    system, formulas = reduced.system, ParameterFormulas(reduced.system.model)
    columns = dict.fromkeys(node for node in system.rates.values() if reduced.graph.value_of(node) != 0.0)
    place = {node: column for column, node in enumerate(columns)}
    found = np.zeros((len(species), len(place)))
    for row, name in enumerate(species):
        for reaction, coefficient in system.model.laws.changes[name]:
            node = system.rates[reaction]
            if node in place:
                found[row, place[node]] += float(formulas.value(coefficient, parameters))
    return found


def _check_sums(
    reduced: ReducedSystem, species: Sequence[str], conserved: Array, parameters: Mapping[str, float]
) -> None:
    """`SumChangesError` if these sums are not conserved for other values of the parameters."""
    changed = np.abs(conserved) @ np.abs(_stoichiometry(reduced, species, parameters))
    left = np.abs(conserved @ _stoichiometry(reduced, species, parameters)) > 1e-9 * changed
    for weights in conserved[left.any(axis=1)]:
        raise SumChangesError([name for name, weight in zip(species, weights, strict=True) if weight])


def conserved_sums(stoichiometry: Array) -> tuple[Array, tuple[int, ...]]:
    """The sums of rows that are zero: weights, shape (k, n), and for each a row of its own that the others and the
    sum determine. stoichiometry: shape (n, rates)."""
    count = len(stoichiometry)
    size = np.abs(stoichiometry).max(axis=1, initial=0.0)
    table = np.hstack([stoichiometry / np.where(size, size, 1.0)[:, None], np.eye(count)])
    rates, free = stoichiometry.shape[1], list(range(count))
    for column in range(rates):
        row = max(free, key=lambda each: abs(table[each, column]), default=None)
        if row is None or abs(table[row, column]) <= ZERO:
            continue
        free.remove(row)
        for other in free:
            table[other] -= table[other, column] / table[row, column] * table[row]
            table[other, np.abs(table[other]) <= ZERO] = 0.0
    weights = table[free, rates:] / np.where(size, size, 1.0)
    weights = np.where(np.abs(weights) <= ZERO * np.abs(weights).max(axis=1, initial=0.0)[:, None], 0.0, weights)
    for number, each in enumerate(weights):
        least = np.abs(each[each != 0.0]).min()
        weights[number] = each / least * (1.0 if each.sum() >= 0 else -1.0)
    return weights, tuple(free)


def _totals(
    reduced: ReducedSystem, species: Sequence[str], conserved: Array, initial: Mapping[str, float]
) -> list[int]:
    """The node of what each conserved sum is at the start, as a formula of parameters."""
    graph, system = reduced.graph, reduced.system
    found = []
    for weights in conserved:
        total = graph.constant(0.0)
        for name, weight in zip(species, weights, strict=True):
            if weight:
                tree = system.model.laws.initial[name]
                start = graph.constant(initial[name]) if name in initial else graph.add(tree, system.names)
                total = graph.apply("add", total, graph.apply("mul", graph.constant(float(weight)), start))
        found.append(total)
    return found


def _evaluator(
    reduced: ReducedSystem,
    present: Mapping[str, int],
    totals: Sequence[int],
    parameters: Mapping[str, float],
    parameter: str | None,
) -> Callable[[Array, float], Evaluated]:
    """``evaluate(states, q)`` from generated code; NaN where a formula has no value."""
    graph, system = reduced.graph, reduced.system
    variables = tuple(system.symbols[name] for name in present)
    equations = Equations(graph, tuple(present.values()), variables, system.symbols[TIME])
    symbols = system.symbols
    by = symbols[parameter] if parameter is not None else None
    nothing = graph.constant(0.0)
    slopes = [graph.derivative(node, by) if by is not None else nothing for node in (*equations.rhs, *totals)]
    outputs = [*equations.rhs, *equations.jacobian.values(), *slopes, *totals]
    known = {symbols[name]: f"y{i}" for i, name in enumerate(present)}
    known |= {symbols[name]: f"p{i}" for i, name in enumerate(system.parameters) if name != parameter}
    if by is not None:
        known[by] = "q"
    varying = frozenset((*equations.variables, *([by] if by is not None else [])))
    outer = Emitter(graph, known)
    for node in hoisted(graph, outputs, varying):
        outer.emit([node, node])  # twice: it is read again inside, so it needs a name
    inner = Emitter(graph, outer.known)
    values = ", ".join(inner.emit(outputs))
    lines = [
        "def bind(p):",
        *indented(unpacked("p", len(system.parameters), "p"), 1),
        *indented(outer.lines, 1),
        "    def values(y, q):",
        *indented(unpacked("y", len(present), "y"), 2),
        *indented(inner.lines, 2),
        f"        return [{values}]",
        "    return values",
    ]
    numbers = [float(parameters[name]) for name in system.parameters]
    return _Evaluator(lines, numbers, len(present), list(equations.jacobian), len(totals))


class _Evaluator:
    """Generated code, bound to the values of parameters; a pickle holds its lines."""

    def __init__(
        self, lines: list[str], parameters: list[float], count: int, entries: list[tuple[int, int]], totals: int
    ) -> None:
        """lines: of ``bind``. count: of species. entries: of the Jacobian, (row, column). totals: of conserved sums."""
        self._given = lines, parameters, count, entries, totals
        bound = define(lines, "bind", {**OPERATIONS, "nan": math.nan, "inf": math.inf})
        self._function, self._count = bound(parameters), count
        self._places = np.array([row * count + column for row, column in entries], dtype=np.intp)
        self._parts = np.cumsum([count, len(entries), count, totals])
        self._size = int(self._parts[-1]) + totals

    def __reduce__(self) -> tuple[type[_Evaluator], tuple[Any, ...]]:
        return _Evaluator, self._given

    def __call__(self, states: Array, q: float) -> Evaluated:
        try:
            numbers = np.array(self._function(states.tolist(), q), dtype=float)
        except (ArithmeticError, ValueError):
            numbers = np.full(self._size, np.nan)
        rhs, jacobian, by_q, totals_by_q, now = np.split(numbers, self._parts)
        matrix = np.zeros(self._count * self._count)
        matrix[self._places] = jacobian
        return Evaluated(rhs, matrix.reshape(self._count, self._count), by_q, now, totals_by_q)
