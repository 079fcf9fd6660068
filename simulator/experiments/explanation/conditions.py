"""What the same amount would meet at other times or in another arm: conditions, told apart from the amount itself.

A fast species follows its production, a slow one grows on itself; in either, more of it is lost
where there is more of it. So rates under two conditions are compared for one amount: the species is set to the
same level in both, everything else stays as it was. What is left is what the others did.
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
from ...numerics.fluxes import sensitivity
from ...numerics.graph import Graph
from ...numerics.trajectory import Array
from .balance import REACTION, Source

ENOUGH = 0.15  # of what all drivers did: a smaller one is not named
MOST = 2  # drivers
ROUNDING = 1e-6  # of a rate: less is no change


class Driver(NamedTuple):
    """A name in a rate law with its values before and after, in its own unit. share: how much of the move of
    the rate it accounts for, of all that moved it this way."""

    name: str
    before: float
    after: float
    share: float


@dataclass(frozen=True)
class Conditions:
    """Reads rates and what they depend on along a run, with the curve `name` at a level of choice.

    An observable is no state that could be set: its rates are those of the run, whatever the level.
    """

    dense: DenseOutput
    name: str

    @property
    def settable(self) -> bool:
        return self.name in self.dense.system.species

    def rates(self, sources: Sequence[Source], times: Array, level: Array) -> dict[str, Array]:
        """The rate of each source at these times, in the unit of the curve per time, with the curve at `level`."""
        law = [source.id for source in sources if self.settable and source.kind == REACTION]
        found = dict(zip(law, self._along([self._reactions[id] for id in law], times, level), strict=True))
        at = self.dense.times()
        return found | {each.id: np.interp(times, at, each.flux) for each in sources if each.id not in found}

    def law(self, reaction: str, times: Array, level: Array, weights: Array) -> dict[str, float]:
        """The mean of every name in a rate law over these times, with the curve at `level`."""
        read = list(dict.fromkeys(names(self.dense.system.model.laws.rates[reaction])))
        rows = self._along([self.dense.system.names[each] for each in read], times, level)
        return dict(zip(read, (rows @ weights / weights.sum()).tolist(), strict=True))

    def mean(self, name: str, times: Array, weights: Array) -> float:
        """The mean of a species or observable, as it was."""
        return float(np.interp(times, self.dense.times(), self.dense.values(name)) @ weights / weights.sum())

    @cached_property
    def _reactions(self) -> Mapping[str, int]:
        return sensitivity(self.dense.system, self.name).reactions

    def _along(self, nodes: Sequence[int], times: Array, level: Array) -> Array:
        """Nodes at rising times, shape (nodes, times), with the curve at `level`; at an edge, behind it."""
        system, function = self.dense.system, self.dense.system.along(nodes)
        read = {system.graph.nodes[leaf].name for node in nodes for leaf in system.graph.symbols_of(node)}
        states = np.zeros((len(times), len(system.species)))
        for place, name in enumerate(system.species):
            if name == self.name:
                states[:, place] = level
            elif name in read:
                states[:, place] = np.interp(times, self.dense.times(), self.dense.states()[:, place])
        cuts = np.searchsorted(times, [steps.times[0] for steps in self.dense.segments[1:]], side="left").tolist()
        parts = [
            function(times[part], states[part], steps.parameters)
            for steps, part in zip(self.dense.segments, _slices(cuts, len(times)), strict=True)
        ]
        return np.concatenate(parts, axis=1)

    def drivers(self, reaction: str, before: Mapping[str, float], after: Mapping[str, float]) -> tuple[Driver, ...]:
        """Which names moved the rate of `reaction` between two of `law`, the strongest first.

        Each is set back to its value before, alone, and the change of the rate is what it did.
        """
        tree = self.dense.system.model.laws.rates[reaction]

        def rate(values: Mapping[str, float]) -> float:
            graph = Graph()
            found = graph.value_of(graph.add(tree, {name: graph.constant(value) for name, value in values.items()}))
            return float("nan") if found is None else found

        now, then = rate(after), rate(before)
        least = ROUNDING * max(abs(now), abs(then))
        did = {name: now - rate({**after, name: before[name]}) for name in after}
        helped = {name: effect for name, effect in did.items() if effect * (now - then) > 0 and abs(effect) > least}
        total = sum(helped.values())
        ordered = sorted(helped, key=lambda name: -abs(helped[name]))[:MOST]
        found = [Driver(name, before[name], after[name], helped[name] / total) for name in ordered]
        return tuple(driver for driver in found if driver.share >= ENOUGH)


def _slices(cuts: Sequence[int], size: int) -> list[slice]:
    return [slice(a, b) for a, b in pairwise([0, *cuts, size])]
