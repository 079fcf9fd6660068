"""Feedback loops through a curve, as they acted in one run: their species, sign, strength and delay.

A link from species j to species i is the effect of j on the derivative of i. Its strength at a moment is
``J_ij x_j / turnover_i`` with the Jacobian J: by how many per cent the turnover of i moves when j moves by one.
(Turnover: half of all gain and loss of i, or the loss by its own derivative, ``-J_ii x_i``, where one rate law holds
both gain and loss.) It is averaged over the run, weighted by how much the explained curve moves, so that what acts
while the curve is at rest counts little. The strength of a loop is the product of its links: of a disturbance of one
per cent, so many per cent are fed back once all species of the loop have followed. The product, not its root: a long
loop of weak links hardly feeds back, and must not rank as if it did.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import reduce
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from ...model.causal.cycles import cycles
from ...model.causal.sign import Sign, chained
from ...numerics.dense_output import DenseOutput
from ...numerics.fluxes import Fluxes, chain_rule
from ...numerics.system import System
from ...numerics.trajectory import Array, by_parameters
from .phases import scaled_to_one

MOST = 5  # loops
WEAKEST = 0.01  # strength of a loop that is reported
POINTS = 400  # of the run, at which links are evaluated
STEADY = 0.8  # net over absolute strength: a link with a smaller ratio changes its sign in the run
ALIKE = 0.6  # of the species of two loops together: if they share more, the weaker loop is dropped
ENTRIES = 4  # species that an observable reads, through which loops are searched
EVEN = 1024  # points, evenly spaced in time, at which curves are compared for their delay
CLEAR = 0.5  # correlation: a lower one shows no delay


class Link(NamedTuple):
    """The effect of one species on the next of a loop.

    sign: EITHER if it changes in the run. strength: see the module. reaction: the one with the largest part of it.
    flow: most of the effect is that the first becomes the second, or that both are consumed together.
    """

    cause: str
    effect: str
    sign: Sign
    strength: float
    reaction: str
    flow: bool


class ActiveLoop(NamedTuple):
    """A feedback loop as it acted in one run: links from a species back to itself, the explained species first.

    sign: RAISES for positive feedback, LOWERS for negative feedback, EITHER if a link changes its sign in the run.
    strength: see the module. delay: see `delay_between`, from the first to the last species, in the model's time
    unit; None if no delay is clear.
    """

    links: tuple[Link, ...]
    sign: Sign
    strength: float
    delay: float | None

    @property
    def species(self) -> tuple[str, ...]:
        """The species in the order in which they act."""
        return tuple(link.cause for link in self.links)


def active_loops(dense: DenseOutput, flux: Fluxes, y: Array) -> tuple[ActiveLoop, ...]:
    """The strongest feedback loops through a curve, at most `MOST`; of an observable, through the species it reads.

    Loops in which material only moves to and fro (all links are flows) are not feedback, and are left out.

    Args:
        dense: The run.
        flux: What moves the curve.
        y: The curve as `scaled_to_one` returns it.
    """
    points = _points(flux.times, y)
    weights = np.abs(np.diff(y[points], append=y[points[-1]])) + 1e-9
    links = _links(dense, points, weights / weights.sum())
    upstream: dict[str, dict[str, float]] = defaultdict(dict)
    for (cause, effect), link in links.items():
        upstream[effect][cause] = link.strength
    found: list[ActiveLoop] = []
    for entry, share in _entries(dense, flux.name, points).items():
        for first, *before in cycles(upstream, entry, weakest=WEAKEST):
            names = [first, *reversed(before), first]
            path = tuple(links[step] for step in pairwise(names))
            strength = float(np.prod([link.strength for link in path]))
            if strength * share >= WEAKEST and not all(link.flow for link in path):
                found.append(ActiveLoop(path, _sign_of(path), strength * share, None))
    kept: list[ActiveLoop] = []
    for loop in sorted(found, key=lambda loop: -loop.strength):
        if len(kept) < MOST and not any(_alike(loop, other) for other in kept):
            kept.append(loop)
    return tuple(loop._replace(delay=_delay(dense, loop)) for loop in kept)


def delay_between(times: Array, first: Array, second: Array, sign: Sign) -> float | None:
    """The time by which the curve `second` follows the curve `first`: where their cross-correlation is largest.

    The curves are scaled (see `scaled_to_one`), sampled at `EVEN` evenly spaced times, and compared at delays up to
    half the run; points after the end of the run count as no match.

    Args:
        times: Shape (n,).
        first: Shape (n,).
        second: Shape (n,).
        sign: Whether `first` raises or lowers `second`.

    Returns None if the largest correlation is below `CLEAR`, is found at the longest delay or where `second` moves
    first, or if `sign` is EITHER.
    """
    if sign == Sign.EITHER:
        return None
    even = np.linspace(times[0], times[-1], EVEN)
    one, other = (np.interp(even, times, scaled_to_one(values)[0]) for values in (first, second))
    one, other = one - one.mean(), other - other.mean()
    size = float(np.sqrt((one @ one) * (other @ other)))
    if size == 0:
        return None
    direction = 1 if sign == Sign.RAISES else -1
    match = direction * np.correlate(other, one, mode="full")[EVEN // 2 : -EVEN // 2] / size
    best = int(match.argmax())
    if match[best] < CLEAR or not EVEN // 2 - 1 <= best < len(match) - 1:
        return None
    return float(even[best - EVEN // 2 + 1] - even[0])


def _points(times: Array, y: Array) -> Array:
    """At most `POINTS` points of the run: half evenly spaced in time, half evenly along the path of the curve."""
    path = np.concatenate([[0.0], np.abs(np.diff(y)).cumsum()])
    found = []
    for along in (times, path):
        found.append(np.searchsorted(along, np.linspace(along[0], along[-1], POINTS // 2), side="left"))
    points: Array = np.unique(np.concatenate(found).clip(max=len(times) - 1))
    return points


def _entries(dense: DenseOutput, name: str, points: Array) -> dict[str, float]:
    """The species that a curve stands for, each with the fraction of a small relative change that the curve shows."""
    system = dense.system
    if name in system.species:
        return {name: 1.0}
    derivatives = chain_rule(system, name).by_species
    found = _along(dense, points, list(derivatives.values()))
    size = np.abs(dense.values(name)[points])
    with np.errstate(invalid="ignore"):
        shares = [np.abs(row * dense.values(each)[points]) for each, row in zip(derivatives, found, strict=True)]
        parts = [each / np.where(size > 0, size, np.inf) for each in shares]
    moves = {  # over the points at which the observable has a value
        each: float(np.mean(part[np.isfinite(part)])) if np.isfinite(part).any() else 0.0
        for each, part in zip(derivatives, parts, strict=True)
    }
    strongest = sorted(moves, key=lambda each: -moves[each])[:ENTRIES]
    return {each: min(moves[each], 1.0) for each in strongest if moves[each] > 0}


def _along(dense: DenseOutput, points: Array, nodes: Sequence[int]) -> Array:
    """Values of nodes at some points of a run, shape (nodes, points)."""
    function, found = dense.system.evaluator(nodes), np.empty((len(nodes), len(points)))
    times, states = dense.times(), dense.states()
    slices = dense.segment_slices()
    for parameters, own in by_parameters(dense.segments):  # few, where doses make many segments
        parts = [slices[each] for each in own]
        inside = np.flatnonzero(np.any([(points >= part.start) & (points < part.stop) for part in parts], axis=0))
        if len(inside):
            at = points[inside]
            found[:, inside] = function(times[at], states[at], parameters)
    return found


def _links(dense: DenseOutput, points: Array, weights: Array) -> dict[tuple[str, str], Link]:
    """Every link (cause, effect) between two species that are not zero all along."""
    system, graph = dense.system, dense.system.graph
    present = [name for name, row in zip(system.species, dense.states()[points].T, strict=True) if row.any()]
    entries, nodes = [], []  # entries of the Jacobian, reaction by reaction
    for effect in present:
        for reaction, part in system.contributions[effect].items():
            for cause in present:
                derivative = graph.derivative(part, system.symbols[cause])
                if graph.value_of(derivative) != 0.0:
                    entries.append((cause, effect, reaction))
                    nodes.append(derivative)
    gross = [(effect, part) for effect in present for part in system.contributions[effect].values()]
    found = _along(dense, points, [*nodes, *(part for _, part in gross)])
    turnover: dict[str, Array] = defaultdict(lambda: np.zeros(len(points)))
    for (effect, _), row in zip(gross, found[len(nodes) :], strict=True):
        turnover[effect] += np.abs(row) / 2
    own: dict[str, Array] = defaultdict(lambda: np.zeros(len(points)))
    for (cause, effect, _), row in zip(entries, found, strict=False):
        if cause == effect:
            own[effect] -= row * dense.values(effect)[points]
    rows: dict[tuple[str, str], dict[str, Array]] = defaultdict(dict)
    for (cause, effect, reaction), row in zip(entries, found, strict=False):
        if cause == effect:
            continue
        over = np.maximum(turnover[effect], own[effect])
        moves = row * dense.values(cause)[points]
        rows[cause, effect][reaction] = np.divide(moves, over, out=np.zeros(len(over)), where=over > 0)
    links = {pair: _link(system, *pair, by_reaction, weights) for pair, by_reaction in rows.items()}
    return {pair: link for pair, link in links.items() if link.strength > 0}


def _link(system: System, cause: str, effect: str, by_reaction: Mapping[str, Array], weights: Array) -> Link:
    row = np.sum(list(by_reaction.values()), axis=0)
    strength, mean = float(weights @ np.abs(row)), float(weights @ row)
    sizes = {reaction: float(weights @ np.abs(moves)) for reaction, moves in by_reaction.items()}
    flows = sum(
        size for reaction, size in sizes.items() if cause in dict(system.model.reactions[reaction].stoichiometry)
    )
    sign = Sign.EITHER if abs(mean) < STEADY * strength else Sign.RAISES if mean > 0 else Sign.LOWERS
    largest = max(sizes, key=lambda name: sizes[name])
    return Link(cause, effect, sign, strength, largest, flows > sum(sizes.values()) / 2)


def _sign_of(links: Sequence[Link]) -> Sign:
    """The sign of links in series."""
    return reduce(chained, (link.sign for link in links), Sign.RAISES)


def _alike(loop: ActiveLoop, other: ActiveLoop) -> bool:
    mine, theirs = set(loop.species), set(other.species)
    return len(mine & theirs) > ALIKE * len(mine | theirs) or (theirs <= mine and loop.sign == other.sign)


def _delay(dense: DenseOutput, loop: ActiveLoop) -> float | None:
    """The delay from the first to the last species of a loop."""
    first, last = (dense.values(name) for name in (loop.species[0], loop.species[-1]))
    return delay_between(dense.times(), first, last, _sign_of(loop.links[:-1]))
