"""What the same amount would meet at other times or in another arm: conditions, told apart from the amount itself.

A fast species follows its production, a slow one grows on itself; in either, more of it is lost
where there is more of it. So rates of two moments are compared at one level of the curve: its species is set to
that level in both, everything else stays as it was. What is left is what the others did.
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

    def rates(self, sources: Sequence[Source], points: slice, level: float) -> dict[str, float]:
        """The mean rate of each source over these points, in the unit of the curve per time: where the curve
        is an amount, the mean of what each unit of it met, else the mean over time."""
        weights = self._weights(points)
        found = {source.id: float(weights @ source.flux[points]) for source in sources}
        if self.name in self.fine.system.species:
            ids = [source.id for source in sources if source.kind == REACTION]
            rows = self._along([self._reactions[id] for id in ids], points, level)
            found |= dict(zip(ids, (rows @ weights).tolist(), strict=True))
        return found

    def law(self, reaction: str, points: slice, level: float) -> dict[str, float]:
        """The mean of every name in a rate law."""
        read = list(dict.fromkeys(names(self.fine.system.model.laws.rates[reaction])))
        rows = self._along([self.fine.system.names[each] for each in read], points, level)
        return dict(zip(read, (rows @ self._weights(points)).tolist(), strict=True))

    @cached_property
    def _reactions(self) -> Mapping[str, int]:
        return sensitivity(self.fine.system, self.name).reactions

    def mean(self, name: str, points: slice) -> float:
        """The mean of a species or observable, as it was."""
        return float(self._weights(points) @ self.fine.values(name)[points])

    def _weights(self, points: slice) -> Array:
        times = self.fine.times()[points]
        if len(times) < 2 or times[-1] == times[0]:
            return np.full(len(times), 1 / len(times))
        weights = np.diff(times, prepend=times[0]) + np.diff(times, append=times[-1])
        if self.name in self.fine.system.species:
            amounts = weights * self.fine.values(self.name)[points].clip(min=0.0)
            weights = amounts if amounts.sum() > 0 else weights
        found: Array = weights / weights.sum()
        return found

    def _along(self, nodes: Sequence[int], points: slice, level: float) -> Array:
        """Nodes over a stretch of points, shape (nodes, points)."""
        function, parts = self.fine.system.along(nodes), []
        for steps, part in zip(self.fine.segments, self.fine.stretches(), strict=True):
            here = slice(max(part.start, points.start), min(part.stop, points.stop))
            if here.stop > here.start:
                states = self.fine.states()[here]
                if self.name in self.fine.system.species:
                    states = states.copy()
                    states[:, self.fine.system.species.index(self.name)] = level
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
