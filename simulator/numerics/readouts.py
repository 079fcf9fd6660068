"""Observables along the steps of a solver, at as many points as it takes to know them.

Between the points of a step a species is a polynomial. An observable is computed from the species at points so close
together that polynomials through them are the observable, and so close that no pulse is between them: what can make
one of any width is looked at in ten thousand parts of the run.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from ..model.expression import TIME
from .graph import Graph
from .pieces import (
    PIECE,
    STEP,
    Evaluate,
    Indices,
    Pieces,
    as_pieces,
    at_fraction,
    coefficients_of,
    refined,
    undetermined,
    with_odd_points,
)
from .system import System
from .tape import Tape
from .trajectory import Array

GRID = 16_384  # points of a run at which formulas of time are looked at, so that a pulse in them is seen
LARGEST = 2**22  # values at once, for their memory
MANY = 8  # observables that take longer one after the other than all of a model by machine code
SHARP = ("exp", "floor", "sin", "cos", "select", "select_above")  # what can make a peak of any width, ...
KINKED = ("max", "min")  # ... as two of these can, and one of two curves
SEEN = 1e-3  # of the range of such a formula: what is outside the range of the points of a step by more is not seen


class ReadoutInputs(NamedTuple):
    """What the observables of m members are computed from, apart from their species.

    Attributes:
        system: the model.
        ends: of each segment, shape (segments, m).
        sets: which of `tables` holds in each segment, integers, shape (segments, m).
        tables: parameters, shape (sets, m, parameters).
    """

    system: System
    ends: Array
    sets: NDArray[np.int64]
    tables: Array


class ReadoutSteps(NamedTuple):
    """The steps of one member or many, and what the observables read along them.

    Attributes:
        start, end: shape (n,).
        first: the steps of member i are first[i] to first[i + 1] - 1, shape (m + 1,).
        species: the points of a species in each step, shape (PIECE + 1, n); None where it is zero.
        parameter: the values of a parameter in some steps, or its one value.
        observe: computes observables at the STEP + 1 points of every step, shape (names, STEP + 1, n), far faster than
            one after the other; None where nothing can.
    """

    start: Array
    end: Array
    first: Indices
    species: Callable[[str], Array | None]
    parameter: Callable[[str, Indices], Array | float]
    observe: Callable[[Sequence[str]], Array] | None = None

    def observables(self, system: System, names: Sequence[str]) -> list[Pieces]:
        """Observables in pieces that determine them."""
        at_once = max(1, LARGEST // ((STEP + 1) * max(len(self.start), 1)))
        parts = (names[i : i + at_once] for i in range(0, len(names), at_once))
        with np.errstate(all="ignore"):  # an observable may be infinite
            return [each for some in parts for each in self._some_observables(system, some)]

    def undetermined(self, system: System, name: str, values: Array) -> NDArray[np.bool_]:
        """Steps whose points, with these values of shape (STEP + 1, n), do not determine an observable."""
        with np.errstate(all="ignore"):
            found = undetermined(values, self.first)
            every, none = np.arange(len(self.start)), np.zeros(len(self.start))
            for each in _with_pulses(system.graph, system.names[name], system):
                if system.graph.symbols_of(each) & system.equations.varying - {system.symbols[TIME]}:
                    return ~found | True  # the species are needed to see
                found |= _Pulses(self, self._evaluator(system, [each])).unseen(every, none, none + 1.0)
        return found

    def _some_observables(self, system: System, names: Sequence[str]) -> list[Pieces]:
        if self.observe is not None and len(names) >= MANY:
            return self._pieces_of(system, names, self.observe(names))
        bent = [name for name in names if needs_refinement(system, name)]
        straight = [name for name in names if name not in bent]
        found: dict[str, Pieces] = {}
        for own, points in ((bent, STEP), (straight, PIECE)):
            if own:
                values = self._evaluator(system, [system.names[name] for name in own]).at_points(points)
                found |= zip(own, self._pieces_of(system, own, values), strict=True)
        return [found[name] for name in names]

    def _pieces_of(self, system: System, names: Sequence[str], values: Array) -> list[Pieces]:
        """Observables in pieces. values: at the points of every step, shape (names, STEP + 1, n), or (names,
        PIECE + 1, n) where none of them needs refinement."""
        bent = [i for i, name in enumerate(names) if needs_refinement(system, name)]
        pulses = {i: _with_pulses(system.graph, system.names[names[i]], system) for i in bent}
        plain = [i for i in bent if not pulses[i]]
        unknown = dict.fromkeys(bent, True) | dict(zip(plain, self._unknown(values[plain]), strict=True))
        found = []
        for i, each in enumerate(values):
            if i not in unknown:
                found.append(Pieces(self.start, self.end, each[:: (len(each) - 1) // PIECE], self.first))
            elif not unknown[i]:
                found.append(as_pieces(self.start, self.end, each, self.first))
            else:
                found.append(self._refined(system, names[i], each, pulses[i]))
        return found

    def _unknown(self, values: Array) -> list[bool]:
        """Which of k curves, shape (k, STEP + 1, n), have a step that its points do not determine."""
        count, _, steps = values.shape
        first = (self.first[:-1] + steps * np.arange(count)[:, None]).ravel()
        every = undetermined(values.transpose(1, 0, 2).reshape(STEP + 1, -1), np.append(first, count * steps))
        return [bool(each.any()) for each in every.reshape(count, steps)]

    def _refined(self, system: System, name: str, values: Array, parts: Sequence[int]) -> Pieces:
        """An observable whose values at the points of the steps, shape (STEP + 1, n), do not determine it."""
        node = system.names[name]
        evaluate = self._evaluator(system, [node])
        pulses = [_Pulses(self, self._evaluator(system, [each])) for each in parts]

        def unseen(step: Indices, low: Array, high: Array) -> NDArray[np.bool_]:
            found = np.zeros(len(step), dtype=bool)
            for each in pulses:
                found |= each.unseen(step, low, high)
            return found

        return refined(self.start, self.end, values, self.first, evaluate, unseen if pulses else None)

    def _evaluator(self, system: System, nodes: Sequence[int]) -> _Evaluator:
        return _Evaluator(self, system, _tapes(system, tuple(nodes)))


class _Evaluator:
    """The values of some nodes along the steps."""

    def __init__(self, steps: ReadoutSteps, system: System, tapes: _Tapes) -> None:
        self._steps, self._tape = steps, tapes.whole
        read = {*tapes.whole.symbols, *tapes.polynomials.symbols}
        found = {name: steps.species(name) for name in system.species if name in read}
        self._points = {name: points for name, points in found.items() if points is not None}
        self._zeros = dict.fromkeys(found, 0.0)
        self._coefficients: dict[str, Array] = {}
        if tapes.names:
            self._points |= zip(tapes.names, self.at_points(PIECE, tapes.polynomials), strict=True)

    def at_points(self, parts: int, tape: Tape | None = None) -> Array:
        """At the points of every step, cut into `STEP` or `PIECE` parts, shape (nodes, parts + 1, steps)."""
        start, end = self._steps.start, self._steps.end
        every, s = np.arange(len(start)), np.arange(parts + 1)[:, None] / parts

        def curve(name: str) -> Array:
            points = self._points[name]
            return with_odd_points(points) if parts == STEP else points

        def parameter(name: str) -> Array | float:
            found = self._steps.parameter(name, every)
            return np.tile(found, parts + 1) if np.ndim(found) else found

        tape = tape or self._tape
        values = self._values(tape, curve, parameter, lambda: start + s * (end - start))
        found = _evaluated(tape, values, (parts + 1) * len(start))
        return found.reshape(len(found), parts + 1, len(start))  # also where a run has no step

    def __call__(self, step: Indices, s: Array) -> Array:
        """At a fraction of some steps, shape (nodes, ...)."""

        def curve(name: str) -> Array:
            if name not in self._coefficients:
                self._coefficients[name] = coefficients_of(self._points[name])
            return at_fraction(self._coefficients[name].take(step, axis=1), s)

        def time() -> Array:
            start: Array = self._steps.start.take(step)
            return start + s * (self._steps.end.take(step) - start)

        values = self._values(self._tape, curve, lambda name: self._steps.parameter(name, step), time)
        return _evaluated(self._tape, values, len(s))

    def _values(
        self,
        tape: Tape,
        curve: Callable[[str], Array],
        parameter: Callable[[str], Array | float],
        time: Callable[[], Array],
    ) -> dict[str, Any]:
        """By name, what a tape reads, each of shape (points,) or one number."""
        values: dict[str, Any] = {}
        for name in tape.symbols:
            if name == TIME:
                values[name] = time().ravel()
            elif name in self._points:
                values[name] = curve(name).ravel()
            else:
                values[name] = self._zeros[name] if name in self._zeros else parameter(name)
        return values


def _evaluated(tape: Tape, values: Mapping[str, Any], points: int) -> Array:
    found = tape.evaluate(values)
    return np.broadcast_to(found, (len(found), points))


class _Pulses:
    """A formula at `GRID` points of each run, to find what happens between the points of a step."""

    def __init__(self, steps: ReadoutSteps, evaluate: Evaluate) -> None:
        self._evaluate = evaluate
        length, own = steps.end - steps.start, np.diff(steps.first)
        whole = np.repeat(np.add.reduceat(length, steps.first[:-1][own > 0]), own[own > 0])
        self._count = np.maximum(np.ceil(GRID * length / np.maximum(whole, np.finfo(float).tiny)), 1.0).astype(np.intp)
        self._before = np.append(0, np.cumsum(self._count))
        step = np.repeat(np.arange(len(length)), self._count)
        within = np.arange(self._before[-1]) - self._before[step]
        self._values = evaluate(step, (within + 0.5) / self._count[step])[0]
        finite = np.where(np.isfinite(self._values), self._values, 0.0)
        edges = self._before[steps.first[:-1][own > 0]]
        ranges = np.maximum.reduceat(finite, edges) - np.minimum.reduceat(finite, edges)
        self._tolerance = SEEN * np.repeat(ranges, own[own > 0])

    def unseen(self, step: Indices, low: Array, high: Array) -> NDArray[np.bool_]:
        """Which parts of steps hold values outside the range of their `STEP` + 1 points."""
        found = np.zeros(len(step), dtype=bool)
        begin = self._before[step] + np.ceil(low * self._count[step] - 0.5).astype(np.intp)
        stop = self._before[step] + np.ceil(high * self._count[step] - 0.5).astype(np.intp)
        some = np.flatnonzero(stop > begin)
        if not len(some):
            return found
        step, low, high = step[some], low[some], high[some]
        sizes = stop[some] - begin[some]
        edges = np.append(0, np.cumsum(sizes))
        values = self._values[np.arange(edges[-1]) + np.repeat(begin[some] - edges[:-1], sizes)]
        s = low + np.arange(STEP + 1)[:, None] / STEP * (high - low)
        points = self._evaluate(np.tile(step, STEP + 1), s.ravel())[0].reshape(s.shape)
        above = np.maximum.reduceat(values, edges[:-1]) - points.max(axis=0)
        below = points.min(axis=0) - np.minimum.reduceat(values, edges[:-1])
        found[some] = np.maximum(above, below) > self._tolerance[step]
        return found


def _with_pulses(graph: Graph, node: int, system: System) -> list[int]:
    """The parts of a formula that may rise and fall between the points of a step: the largest that depend on time and
    on no species, and the first operations of others, from the outside, that can make a peak of any width."""
    time, varying = system.symbols[TIME], system.equations.varying
    found, seen, stack = [], set(), [node]
    while stack:
        each = stack.pop()
        read, args = graph.symbols_of(each) & varying, graph.nodes[each].args
        if each in seen or not read or graph.nodes[each].op == "symbol":
            continue
        seen.add(each)
        if read == {time} or _is_sharp(graph, each, varying):
            found.append(each)
        else:
            stack.extend(args)
    return found


def _is_sharp(graph: Graph, node: int, varying: frozenset[int]) -> bool:
    """Whether an operation can make a peak of any width, as one kink cannot: ``max(x, 0)``."""

    def moving(each: int) -> list[int]:
        return [arg for arg in graph.nodes[each].args if graph.symbols_of(arg) & varying]

    def alone(each: int) -> bool:
        op = graph.nodes[each].op
        return bool(graph.symbols_of(each) & varying) and (op in SHARP or (op in KINKED and len(moving(each)) > 1))

    return alone(node) or (graph.nodes[node].op in KINKED and any(map(alone, graph.needed(moving(node)))))


class _Tapes(NamedTuple):
    """How some nodes are evaluated.

    Attributes:
        whole: reads `names` as it reads species.
        polynomials: computes those: parts of the nodes that are polynomials along a step, as species are, so that
            they are cut into points in the place of the species that they read.
        names: of those parts.
    """

    whole: Tape
    polynomials: Tape
    names: tuple[str, ...]


def _tapes(system: System, nodes: tuple[int, ...]) -> _Tapes:
    """How these nodes are evaluated, with fewer polynomials where their parts are fewer than the species they read."""
    known = _known_tapes.setdefault(system, {})
    if nodes not in known:
        graph, varying = system.graph, system.equations.varying
        degrees = _degrees(system, nodes)
        leaves, stack = set(), list(nodes)
        while stack:
            node = stack.pop()
            if degrees[node] > PIECE:
                stack += graph.nodes[node].args
            elif graph.symbols_of(node) & varying - {system.symbols[TIME]}:
                leaves.add(node)
        parts = {node: f"polynomial {node}" for node in sorted(leaves) if graph.nodes[node].op != "symbol"}
        read = frozenset().union(*[graph.symbols_of(node) & varying for node in nodes])
        if len(leaves) >= len(read):
            parts = {}
        known[nodes] = _Tapes(Tape(graph, nodes, parts), Tape(graph, list(parts)), tuple(parts.values()))
    return known[nodes]


# By the nodes of a system
_known_tapes: WeakKeyDictionary[System, dict[tuple[int, ...], _Tapes]] = WeakKeyDictionary()
_known_degrees: WeakKeyDictionary[System, dict[int, float]] = WeakKeyDictionary()  # of the nodes of a system


def needs_refinement(system: System, name: str) -> bool:
    """Whether the observable `name` may be no polynomial of degree `PIECE` along a step, as species are."""
    node = system.names[name]
    return _degrees(system, [node])[node] > PIECE


def _degrees(system: System, nodes: Sequence[int]) -> Mapping[int, float]:
    """The degrees along a step of these nodes and of all that they read; infinite where they are no polynomials."""
    known = _known_degrees.setdefault(system, {})
    graph, varying = system.graph, system.equations.varying
    for each in graph.needed([node for node in nodes if node not in known]):
        if each not in known:
            known[each] = _degree(graph, each, known, varying)
    return known


def _degree(graph: Graph, node: int, degrees: Mapping[int, float], varying: frozenset[int]) -> float:
    """The degree of a node along a step, if it is a polynomial there; else infinity."""
    if not graph.symbols_of(node) & varying:
        return 0.0
    found = graph.nodes[node]
    if found.op == "symbol":
        return 1.0 if found.name == TIME else PIECE
    parts = [degrees[arg] for arg in found.args]
    if found.op in ("add", "sub", "neg"):
        return max(parts)
    if found.op == "mul" or (found.op == "div" and not parts[1]):
        return sum(parts)
    return math.inf
