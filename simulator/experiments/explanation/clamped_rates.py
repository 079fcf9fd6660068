"""Rates with the explained species clamped to a chosen level, under the conditions of another time or arm.

A fast species follows its production, a slow one grows on itself; in both cases more of it is lost where there is
more of it. So the rates under two conditions are compared at the same level: the species is clamped to one value in
both, everything else is unchanged. The remaining difference is the effect of everything else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from ...model.expression import names
from ...numerics.dense_output import DenseOutput
from ...numerics.fluxes import chain_rule
from ...numerics.graph import Graph
from ...numerics.trajectory import Array, by_parameters
from .balance import Contributor, ContributorKind
from .turnover import Turnover

ENOUGH = 0.15  # of the effects of all drivers: one with a smaller share is not reported
MOST = 2  # drivers
ROUNDING = 1e-6  # relative to the rate: a smaller effect is no effect


class RateDriver(NamedTuple):
    """A name in a rate law with its values under the two conditions, in its own unit.

    share: its part of all effects that moved the rate in the same direction, from 0 to 1.
    """

    name: str
    before: float
    after: float
    share: float


@dataclass(frozen=True)
class ClampedRates:
    """Reads rates, and what they depend on, along a run with the curve `name` clamped to a chosen level.

    An observable is no state and cannot be clamped: its rates are those of the run, whatever the level.
    """

    dense: DenseOutput
    name: str

    @property
    def can_clamp(self) -> bool:
        """Whether the curve is a species."""
        return self.name in self.dense.system.species

    def rates(self, contributors: Sequence[Contributor], times: Array, level: Array) -> dict[str, Array]:
        """The net rate of each contributor at rising `times` with the curve at `level`.

        times, level and each rate: shape (n,); rates in the unit of the curve per time unit of the model.
        """
        clamped = [each.id for each in contributors if self.can_clamp and each.kind == ContributorKind.REACTION]
        rows = self._along([self._reactions[id] for id in clamped], times, level)
        found = dict(zip(clamped, rows, strict=True))
        at = self.dense.times()
        return found | {each.id: np.interp(times, at, each.flux) for each in contributors if each.id not in found}

    def law_inputs(self, reaction: str, times: Array, level: Array, weights: Array) -> dict[str, float]:
        """The weighted mean of every name in a rate law over `times`, with the curve at `level`; all shape (n,)."""
        read = list(dict.fromkeys(names(self.dense.system.model.laws.rates[reaction])))
        rows = self._along([self.dense.system.names[each] for each in read], times, level)
        return dict(zip(read, (rows @ weights / weights.sum()).tolist(), strict=True))

    def inputs_in(self, reaction: str, state: Turnover) -> dict[str, float]:
        """Every name in a rate law in one state."""
        system, read = self.dense.system, dict.fromkeys(names(self.dense.system.model.laws.rates[reaction]))
        found = system.evaluate(
            [system.names[each] for each in read], state.time, state.state.tolist(), state.parameters.tolist()
        )
        return dict(zip(read, found, strict=True))

    def settings(self, times: Array, weights: Array) -> dict[str, float]:
        """The weighted mean of every parameter that the formula of an observable reads; all shape (n,)."""
        system, graph = self.dense.system, self.dense.system.graph
        leaves = {graph.nodes[leaf].name for leaf in graph.symbols_of(system.names[self.name])}
        read = [name for name in system.parameters if name in leaves]
        rows = self._along([system.names[each] for each in read], times, np.zeros(len(times)))
        return dict(zip(read, (rows @ weights / weights.sum()).tolist(), strict=True))

    def mean(self, name: str, times: Array, weights: Array) -> float:
        """The weighted mean of a species or observable over `times`, in the unchanged run."""
        return float(np.interp(times, self.dense.times(), self.dense.values(name)) @ weights / weights.sum())

    def drivers(self, reaction: str, before: Mapping[str, float], after: Mapping[str, float]) -> tuple[RateDriver, ...]:
        """The names that moved the rate of `reaction` between two results of `law_inputs`, the strongest first.

        The effect of a name is what the rate changes by if that name alone is set back to its value before.
        """
        tree = self.dense.system.model.laws.rates[reaction]

        def rate(values: Mapping[str, float]) -> float:
            graph = Graph()
            found = graph.value_of(graph.add(tree, {name: graph.constant(value) for name, value in values.items()}))
            return float("nan") if found is None else found

        new, old = rate(after), rate(before)
        least = ROUNDING * max(abs(new), abs(old))
        effects = {name: new - rate({**after, name: before[name]}) for name in after}
        helped = {name: effect for name, effect in effects.items() if effect * (new - old) > 0 and abs(effect) > least}
        total = sum(helped.values())
        strongest = sorted(helped, key=lambda name: -abs(helped[name]))[:MOST]
        found = [RateDriver(name, before[name], after[name], helped[name] / total) for name in strongest]
        return tuple(driver for driver in found if driver.share >= ENOUGH)

    @cached_property
    def _reactions(self) -> Mapping[str, int]:
        return chain_rule(self.dense.system, self.name).reactions

    def _along(self, nodes: Sequence[int], times: Array, level: Array) -> Array:
        """Values of nodes at rising times, shape (nodes, times), with the curve at `level`; at an edge, after it."""
        system, function = self.dense.system, self.dense.system.evaluator(nodes)
        read = {system.graph.nodes[leaf].name for node in nodes for leaf in system.graph.symbols_of(node)}
        states = np.zeros((len(times), len(system.species)))
        for column, name in enumerate(system.species):
            if name == self.name:
                states[:, column] = level
            elif name in read:
                states[:, column] = np.interp(times, self.dense.times(), self.dense.states()[:, column])
        cuts = np.searchsorted(times, [steps.times[0] for steps in self.dense.segments[1:]], side="left").tolist()
        parts, found = _slices(cuts, len(times)), np.empty((len(nodes), len(times)))
        for parameters, own in by_parameters(self.dense.segments):
            at = np.concatenate([np.arange(parts[each].start, parts[each].stop) for each in own])
            if len(at):
                found[:, at] = function(times[at], states[at], parameters)
        return found


def _slices(cuts: Sequence[int], size: int) -> list[slice]:
    return [slice(a, b) for a, b in pairwise([0, *cuts, size])]
