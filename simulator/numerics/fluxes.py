"""The contributions to a curve: what each reaction, infusion and jump adds to it, along the solver's own steps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from ..model.expression import TIME
from .dense_output import POINTS_PER_STEP, AnySteps, DenseOutput
from .pieces import Pieces, pieces_through, points_of
from .system import System
from .trajectory import Array


class ChainRule(NamedTuple):
    """Nodes of the chain rule for one species or observable.

    Attributes:
        by_species: its partial derivative by each species that it reads.
        by_time: its partial derivative by time.
        reactions: by reaction, what it adds to the total derivative: the sum over species of the partial derivative
            times the reaction's contribution to the species.
        through: the same by species.
    """

    by_species: Mapping[str, int]
    by_time: int
    reactions: Mapping[str, int]
    through: Mapping[str, int]


class Jump(NamedTuple):
    """What a curve gains or loses at once, in its unit, at the edge of two segments.

    Attributes:
        point: index of the point after it.
        dosed: by doses.
        changed: by parameters that change there, and by volumes that dilute it.
    """

    point: int
    dosed: float
    changed: float


@dataclass(frozen=True)
class Fluxes:
    """The derivative of a species or observable along a run, taken apart, in its unit per time unit of the model.

    Attributes:
        name: the species or observable.
        times: the points of `DenseOutput`, shape (n,); two of the same time where two segments meet.
        values: its values at them, shape (n,); NaN where it has none or is infinite.
        reactions: by reaction, what it adds, shape (n,); reactions that add nothing all along are left out.
        species: by species that `name` reads, what comes through it, shape (n,); in sum the same as `reactions` and
            `infusion`.
        slopes: by species that `name` reads, the partial derivative of `name` by it, shape (n,).
        infusion: what infusions add, shape (n,).
        explicit_time: what formulas that name time add, shape (n,).
        jumps: what doses and changes add at once.
        segment_slices: which points belong to each segment.
    """

    name: str
    times: Array
    values: Array
    reactions: Mapping[str, Array]
    species: Mapping[str, Array]
    slopes: Mapping[str, Array]
    infusion: Array
    explicit_time: Array
    jumps: tuple[Jump, ...]
    segment_slices: tuple[slice, ...]

    def pieces(self, values: Array) -> Pieces:
        """Values at `times`, shape (n,), as pieces of one curve."""
        starts = np.array([part.start for part in self.segment_slices], dtype=np.intp)
        count = len(self.times)
        return pieces_through(self.times, values, *points_of(starts, count, np.array([0, count])))

    @cached_property
    def derivative(self) -> Array:
        """The derivative, shape (n,)."""
        total: Array = np.sum([*self.reactions.values(), self.infusion, self.explicit_time], axis=0)
        return total

    @cached_property
    def infused(self) -> Array:
        """What infusions have added or removed since the start, shape (n,)."""
        return self.integral(np.abs(self.infusion))

    def integral(self, flux: Array) -> Array:
        """From the start to each point, shape (n,), of a flux of shape (n,), without jumps.

        In each step of the solver the quartic through its five points is integrated. The rule is linear, so
        that integrals of parts add up to that of their sum.
        """
        total, found = 0.0, np.empty(len(self.times))
        for part in self.segment_slices:
            steps = (part.stop - part.start - 1) // POINTS_PER_STEP
            points = part.start + POINTS_PER_STEP * np.arange(steps)[:, None] + np.arange(POINTS_PER_STEP + 1)
            inside = (flux[points] @ _WEIGHTS.T) * (self.times[points[:, -1]] - self.times[points[:, 0]])[:, None]
            ends = total + np.cumsum(inside[:, -1])
            starts = np.concatenate([[total], ends])
            found[part.start : part.stop - 1] = (starts[:-1, None] + inside[:, :-1]).ravel()
            found[part.stop - 1] = total = starts[-1]
        return found

    def cumulative_jumps(self, which: str) -> Array:
        """What jumps have added up to each point, shape (n,); which: ``dosed`` or ``changed``."""
        found = np.zeros(len(self.times))
        for jump in self.jumps:
            found[jump.point] += getattr(jump, which)
        return found.cumsum()


def chain_rule(system: System, name: str) -> ChainRule:
    """The total derivative of the species or observable `name`, taken apart; KeyError if there is none."""
    graph, node = system.graph, system.names[name]
    gradient = graph.gradient(node, system.equations.variables)
    by_species = {each: gradient[symbol] for each, symbol in system.symbols.items() if symbol in gradient}
    reactions: dict[str, int] = {}
    for each, slope in by_species.items():
        for reaction, part in system.contributions[each].items():
            added = graph.apply("mul", slope, part)
            reactions[reaction] = graph.apply("add", reactions[reaction], added) if reaction in reactions else added
    nets = dict(zip(system.species, system.rhs, strict=True))
    through = {each: graph.apply("mul", slope, nets[each]) for each, slope in by_species.items()}
    return ChainRule(by_species, graph.derivative(node, system.symbols[TIME]), reactions, through)


def fluxes(dense: DenseOutput, name: str) -> Fluxes:
    """The derivative of the species or observable `name` along a run, taken apart; KeyError if there is none."""
    system, times, states, values = dense.system, dense.times(), dense.states(), dense.values(name)
    apart, stretches = chain_rule(system, name), dense.segment_slices()
    nodes = [*apart.reactions.values(), *apart.through.values(), apart.by_time, *apart.by_species.values()]
    along, read = system.evaluator(nodes), [system.species.index(each) for each in apart.by_species]
    rows, infused = np.zeros((len(nodes), len(times))), np.zeros((len(read), len(times)))
    for steps, part in zip(dense.segments, stretches, strict=True):
        found = along(times[part], states[part], steps.parameters)
        rows[:, part] = np.where(np.isfinite(found), found, np.nan)  # 1/0 is no more a value than 0/0
        infused[:, part] = steps.infusion[read][:, None] * rows[len(nodes) - len(read) :, part]
    jumps = [
        _jump(dense, name, before, after, rows_after.start)
        for (before, _), (after, rows_after) in pairwise(zip(dense.segments, stretches, strict=True))
    ]
    jumps = [jump for jump in jumps if jump.dosed or jump.changed]
    reactions, species, by_time, slopes = np.split(rows, np.cumsum([len(apart.reactions), len(read), 1]))
    return Fluxes(
        name,
        times,
        np.where(np.isfinite(values), values, np.nan),
        _moving(zip(apart.reactions, reactions, strict=True)),
        _moving(zip(apart.through, species + infused, strict=True)),
        dict(zip(apart.by_species, slopes, strict=True)),
        infused.sum(axis=0),
        by_time[0],
        tuple(jumps),
        tuple(stretches),
    )


def _jump(dense: DenseOutput, name: str, before: AnySteps, after: AnySteps, first: int) -> Jump:
    """What doses and changes add at the edge of two segments, the second of which begins at the point `first`."""
    system, values, point = dense.system, dense.values(name), slice(first, first + 1)

    def value(states: Array, parameters: Array) -> float:
        if name in system.species:
            return float(states[0, system.species.index(name)])
        return float(system.observe_one(name, dense.times()[point], states, parameters)[0])

    old, new = float(values[first - 1]), float(values[first])
    if after.dilution is not None:  # first what is there is diluted, then the dose is given
        undosed = value(dense.states()[first - 1 : first] * after.dilution, after.parameters)
        return Jump(first, new - undosed, undosed - old)
    unchanged = new if name in system.species else value(dense.states()[point], before.parameters)
    return Jump(first, unchanged - old, new - unchanged)


def _moving(named: Iterable[tuple[str, Array]]) -> dict[str, Array]:
    return {name: row for name, row in named if row.any()}


def _weights() -> Array:
    """Row j: the integral from 0 to j / POINTS_PER_STEP of each Lagrange polynomial through the evenly spaced
    points of [0, 1]."""
    points = np.arange(POINTS_PER_STEP + 1) / POINTS_PER_STEP
    powers = np.arange(POINTS_PER_STEP + 1)
    weights: Array = (points[:, None] ** (powers + 1) / (powers + 1)) @ np.linalg.inv(points[:, None] ** powers)
    return weights


_WEIGHTS = _weights()
