"""Feedback loops through a curve, as they acted in one run: their species, sign, strength and delay.

An edge from species j to species i is what j does to the derivative of i. Its strength at a moment is
``J_ij x_j / turnover_i``: by how many per cent the turnover of i moves when j moves by one. (Turnover: half of all that
is made and lost of i, or what its own slope takes, ``-J_ii x_i``, where one formula holds both.) It is averaged over
the run, weighted by how much the explained curve moves, so that what acts while the curve is at rest counts for little.
The strength of a loop is the product of its edges: of a push of one per cent, so many per cent come back once all
species on the way have followed. The product, not its root: a long loop of weak links hardly feeds back, and shall
not rank as if it did.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ...numerics.dense_output import DenseOutput
from ...numerics.fluxes import Fluxes, sensitivity
from ...numerics.system import System
from ...numerics.trajectory import Array
from .lag import lag

LONGEST = 6  # species in a loop
MOST = 5  # loops
WEAKEST = 0.01  # strength of a loop that is told
POINTS = 400  # of the run, at which edges are read
STEADY = 0.8  # of the summed strength: an edge with less of one sign changes sign
ALIKE = 0.6  # of the species of two loops together: if they share more, the weaker is left out
ENTRIES = 4  # species that an observable reads, through which loops are looked for


class Edge(NamedTuple):
    """What one species does to the next: sign (0: it changes), strength, and through which reaction most.

    flow: most of it is that the first becomes the second, or that they are consumed together.
    """

    cause: str
    effect: str
    sign: int
    strength: float
    reaction: str
    flow: bool


class Loop(NamedTuple):
    """A chain of edges from a species back to itself, the species that was asked for first.

    sign: 1 a loop that amplifies, -1 one that holds back, 0 if an edge changes sign in the run. strength: see the
    module. delay: by how much the curve of the species that acts back lags behind that of the first (see
    `lag`), in the model's time unit; None if no delay is clear.
    """

    edges: tuple[Edge, ...]
    sign: int
    strength: float
    delay: float | None

    @property
    def species(self) -> tuple[str, ...]:
        return tuple(edge.cause for edge in self.edges)


def loops_of(dense: DenseOutput, flux: Fluxes, y: Array) -> tuple[Loop, ...]:
    """The strongest feedback loops through a curve, at most `MOST`; through an observable: through the species it
    reads most. y: the curve as it is judged, from 0 to 1.

    Loops in which matter only goes to and fro (all edges are flows) are no feedback, and are left out.
    """
    points = _points(flux.times, y)
    weights = np.abs(np.diff(y[points], append=y[points[-1]])) + 1e-9
    edges = _edges(dense, points, weights / weights.sum())
    found: list[Loop] = []
    for entry, share in _entries(dense, flux.name, points).items():
        for path in _cycles(edges, entry):
            strength = float(np.prod([edge.strength for edge in path]))
            if strength * share >= WEAKEST and not all(edge.flow for edge in path):
                sign = int(np.prod([edge.sign for edge in path]))
                found.append(Loop(tuple(path), sign, strength * share, None))
    kept: list[Loop] = []
    for loop in sorted(found, key=lambda loop: -loop.strength):
        if len(kept) < MOST and not any(_alike(loop, other) for other in kept):
            kept.append(loop)
    return tuple(loop._replace(delay=_delay(dense, loop)) for loop in kept)


def _points(times: Array, y: Array) -> Array:
    """At most `POINTS` points of the run: half even in time, half even in the way that the curve moves."""
    way = np.concatenate([[0.0], np.abs(np.diff(y)).cumsum()])
    found = []
    for along in (times, way):
        found.append(np.searchsorted(along, np.linspace(along[0], along[-1], POINTS // 2), side="left"))
    points: Array = np.unique(np.concatenate(found).clip(max=len(times) - 1))
    return points


def _entries(dense: DenseOutput, name: str, points: Array) -> dict[str, float]:
    """The species that a curve stands for, with how much of a small move of each the curve shows."""
    system = dense.system
    if name in system.species:
        return {name: 1.0}
    slopes = sensitivity(system, name).by_species
    found = _along(dense, points, list(slopes.values()))
    size = np.abs(dense.values(name)[points])
    moves = {
        each: float(np.mean(np.abs(row * dense.values(each)[points]) / np.where(size > 0, size, np.inf)))
        for each, row in zip(slopes, found, strict=True)
    }
    strongest = sorted(moves, key=lambda each: -moves[each])[:ENTRIES]
    return {each: min(moves[each], 1.0) for each in strongest if moves[each] > 0}


def _along(dense: DenseOutput, points: Array, nodes: Sequence[int]) -> Array:
    """Nodes at some points of a run, shape (nodes, points)."""
    function, found = dense.system.along(nodes), np.empty((len(nodes), len(points)))
    times, states = dense.times(), dense.states()
    for steps, part in zip(dense.segments, dense.stretches(), strict=True):
        here = (points >= part.start) & (points < part.stop)
        if here.any():
            found[:, here] = function(times[points[here]], states[points[here]], steps.parameters)
    return found


def _edges(dense: DenseOutput, points: Array, weights: Array) -> dict[str, list[Edge]]:
    """Every edge between two species that moved in the run, by its effect, the strongest first."""
    system, graph = dense.system, dense.system.graph
    moved = [name for name, row in zip(system.species, dense.states()[points].T, strict=True) if row.any()]
    places, nodes = [], []
    for effect in moved:
        for reaction, part in system.parts[effect].items():
            for cause in moved:
                slope = graph.slope(part, system.symbols[cause])
                if graph.value_of(slope) != 0.0:
                    places.append((cause, effect, reaction))
                    nodes.append(slope)
    gross = [(effect, part) for effect in moved for part in system.parts[effect].values()]
    found = _along(dense, points, [*nodes, *(part for _, part in gross)])
    turnover: dict[str, Array] = defaultdict(lambda: np.zeros(len(points)))
    for (effect, _), row in zip(gross, found[len(nodes) :], strict=True):
        turnover[effect] += np.abs(row) / 2
    own: dict[str, Array] = defaultdict(lambda: np.zeros(len(points)))
    for (cause, effect, _), row in zip(places, found, strict=False):
        if cause == effect:
            own[effect] -= row * dense.values(effect)[points]
    rows: dict[tuple[str, str], dict[str, Array]] = defaultdict(dict)
    for (cause, effect, reaction), row in zip(places, found, strict=False):
        if cause == effect:
            continue
        over = np.maximum(turnover[effect], own[effect])
        moves = row * dense.values(cause)[points]
        rows[cause, effect][reaction] = np.divide(moves, over, out=np.zeros(len(over)), where=over > 0)
    edges: dict[str, list[Edge]] = defaultdict(list)
    for (cause, effect), by_reaction in rows.items():
        edge = _edge(system, cause, effect, by_reaction, weights)
        if edge.strength > 0:
            edges[effect].append(edge)
    return {effect: sorted(each, key=lambda edge: -edge.strength) for effect, each in edges.items()}


def _edge(system: System, cause: str, effect: str, by_reaction: Mapping[str, Array], weights: Array) -> Edge:
    row = np.sum(list(by_reaction.values()), axis=0)
    strength, mean = float(weights @ np.abs(row)), float(weights @ row)
    each = {reaction: float(weights @ np.abs(moves)) for reaction, moves in by_reaction.items()}
    flows = sum(
        size for reaction, size in each.items() if cause in dict(system.model.reactions[reaction].stoichiometry)
    )
    sign = 0 if abs(mean) < STEADY * strength else 1 if mean > 0 else -1
    return Edge(cause, effect, sign, strength, max(each, key=lambda name: each[name]), flows > sum(each.values()) / 2)


def _cycles(edges: Mapping[str, Sequence[Edge]], start: str) -> Iterator[list[Edge]]:
    """Simple cycles through `start` of at least two species, followed upstream, weak ones left out."""
    away = _distances(edges, start)

    def upstream(at: str, path: list[Edge], strength: float, seen: frozenset[str]) -> Iterator[list[Edge]]:
        for edge in edges.get(at, ()):
            reached = strength * edge.strength
            if reached < WEAKEST:
                break  # the strongest come first
            if edge.cause == start:
                yield [edge, *path]
            elif edge.cause not in seen and len(path) + 1 + away.get(edge.cause, LONGEST) <= LONGEST:
                yield from upstream(edge.cause, [edge, *path], reached, seen | {edge.cause})

    for path in upstream(start, [], 1.0, frozenset({start})):
        if len(path) > 1:
            yield path


def _distances(edges: Mapping[str, Sequence[Edge]], start: str) -> dict[str, int]:
    """How many edges lie between `start` and each species that it reaches."""
    onward: dict[str, list[str]] = defaultdict(list)
    for effect, each in edges.items():
        for edge in each:
            onward[edge.cause].append(effect)
    found, layer = {start: 0}, [start]
    while layer:
        layer = list(dict.fromkeys(effect for cause in layer for effect in onward[cause] if effect not in found))
        found |= dict.fromkeys(layer, max(found.values()) + 1)
    return found


def _alike(loop: Loop, other: Loop) -> bool:
    mine, theirs = set(loop.species), set(other.species)
    return len(mine & theirs) > ALIKE * len(mine | theirs) or (theirs <= mine and loop.sign == other.sign)


def _delay(dense: DenseOutput, loop: Loop) -> float | None:
    """See `Loop`. The sign that the two curves should share is that of the way from the first to the last."""
    way = int(np.prod([edge.sign for edge in loop.edges[:-1]]))
    return lag(dense.times(), dense.values(loop.species[0]), dense.values(loop.species[-1]), way)
