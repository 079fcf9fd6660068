"""What the same amount would meet at other times or in another arm: conditions, told apart from the amount itself.

A fast species follows its production, a slow one grows on itself; in either, more of it is lost
where there is more of it. So rates under two conditions are compared for one amount: the species is set to the
same level in both, everything else stays as it was. What is left is what the others did.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from ..model.expression import names
from ..numerics.fine import FineCurves
from ..numerics.fluxes import sensitivity
from ..numerics.graph import Graph
from ..numerics.trajectory import Array
from .balance import REACTION, Source

ENOUGH = 0.15  # of what all drivers did: a smaller one is not named
MOST = 2  # drivers
ROUNDING = 1e-6  # of a rate: less is no change
ALL = slice(None)


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

    fine: FineCurves
    name: str

    @property
    def settable(self) -> bool:
        return self.name in self.fine.system.species

    def rates(self, sources: Sequence[Source], level: Array, points: slice = ALL) -> dict[str, Array]:
        """The rate of each source at these points, in the unit of the curve per time, with the curve at `level`
        (one for each point)."""
        found = {source.id: source.flux[points] for source in sources}
        if self.settable:
            ids = [source.id for source in sources if source.kind == REACTION]
            rows = self._along([self._reactions[id] for id in ids], points, level)
            found |= dict(zip(ids, rows, strict=True))
        return found

    def law(self, reaction: str, points: slice, level: Array) -> dict[str, float]:
        """The mean of every name in a rate law at these points: where the curve is an amount, of what each unit
        of it meets, if it were at `level` (one for each point of the run)."""
        read = list(dict.fromkeys(names(self.fine.system.model.laws.rates[reaction])))
        rows = self._along([self.fine.system.names[each] for each in read], points, level[points])
        return dict(zip(read, (rows @ self._weights(points, level[points])).tolist(), strict=True))

    def mean(self, name: str, points: slice) -> float:
        """The mean of a species or observable over time, as it was."""
        values = self.fine.values(name)[points]
        return float(self._weights(points, np.ones(len(values))) @ values)

    @cached_property
    def _reactions(self) -> Mapping[str, int]:
        return sensitivity(self.fine.system, self.name).reactions

    def _weights(self, points: slice, level: Array) -> Array:
        times = self.fine.times()[points]
        weights = np.diff(times, prepend=times[0]) + np.diff(times, append=times[-1])
        if self.settable:
            weights = weights * level.clip(min=0.0)
        if not weights.any():
            weights = np.ones(len(times))
        found: Array = weights / weights.sum()
        return found

    def _along(self, nodes: Sequence[int], points: slice, level: Array) -> Array:
        """Nodes over a stretch of points, shape (nodes, points), with the curve at `level` (one for each point)."""
        function, parts = self.fine.system.along(nodes), [np.empty((len(nodes), 0))]
        first, stop, _ = points.indices(len(self.fine.times()))
        for steps, part in zip(self.fine.segments, self.fine.stretches(), strict=True):
            here = slice(max(part.start, first), min(part.stop, stop))
            if here.stop > here.start:
                states = self.fine.states()[here]
                if self.settable:
                    states = states.copy()
                    states[:, self.fine.system.species.index(self.name)] = level[here.start - first : here.stop - first]
                parts.append(function(self.fine.times()[here], states, steps.parameters))
        return np.concatenate(parts, axis=1)

    def drivers(self, reaction: str, before: Mapping[str, float], after: Mapping[str, float]) -> tuple[Driver, ...]:
        """Which names moved the rate of `reaction` between two of `law`, the strongest first.

        Each is set back to its value before, alone, and the change of the rate is what it did.
        """
        tree = self.fine.system.model.laws.rates[reaction]

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
