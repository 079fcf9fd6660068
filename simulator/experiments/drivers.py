"""What made a reaction faster or slower: which of the names in its rate law moved it, and by how much."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..model.expression import TIME, names
from ..model.model import Model
from ..numerics.fine import FineCurves
from ..numerics.graph import Graph
from ..numerics.trajectory import Array

ENOUGH = 0.15  # of what all drivers did: a smaller one is not named
MOST = 2


class Driver(NamedTuple):
    """A name in a rate law with its values before and after, in its own unit. share: how much of the move of
    the rate it accounts for, of all that moved it this way."""

    name: str
    before: float
    after: float
    share: float


@dataclass(frozen=True)
class Reader:
    """Reads what a rate law reads, along a run. per_head: as in `Explanation`, of the curve `name`."""

    fine: FineCurves
    name: str
    per_head: bool

    def at(self, reaction: str, point: int) -> dict[str, float]:
        """Every name in the law of `reaction` with its value at a point of the curves, and the curve's own."""
        return self.mean(reaction, slice(point, point + 1))

    def mean(self, reaction: str, points: slice) -> dict[str, float]:
        """The means over these points: of what each unit of the curve meets, or over time."""
        law = self.fine.system.model.laws.rates[reaction]
        weights = self.weights(points)
        return {each: float(weights @ self._values(each, points)) for each in {*names(law), self.name}}

    def weights(self, points: slice) -> Array:
        """Time, times the curve where rates are per head, scaled to a sum of one."""
        times = self.fine.times()[points]
        weights = np.gradient(times) if len(times) > 1 and times[-1] > times[0] else np.ones(len(times))
        if self.per_head:
            heads = weights * self.fine.values(self.name)[points].clip(min=0.0)
            weights = heads if heads.sum() > 0 else weights
        found: Array = weights / weights.sum()
        return found

    def _values(self, name: str, points: slice) -> Array:
        if name == TIME:
            return self.fine.times()[points]
        if name not in self.fine.system.parameters:
            return self.fine.values(name)[points]
        place, values = self.fine.system.parameters.index(name), np.empty(len(self.fine.times()))
        for steps, part in zip(self.fine.segments, self.fine.stretches(), strict=True):
            values[part] = steps.parameters[place]
        return values[points]


def drivers(
    model: Model, reaction: str, before: Mapping[str, float], after: Mapping[str, float], itself: str | None
) -> tuple[Driver, ...]:
    """Which names moved the rate of `reaction` between two states, the strongest first.

    Each is set back to its value before, alone, and the change of the rate is what it did. itself: a
    name that is none of the reasons: the curve that is explained.
    """
    law = model.laws.rates[reaction]

    def rate(values: Mapping[str, float]) -> float:
        graph = Graph()
        found = graph.value_of(graph.add(law, {name: graph.constant(value) for name, value in values.items()}))
        return float("nan") if found is None else found

    now = rate(after)
    own = {} if itself is None else {itself: after[itself]}
    moved = now - rate({**before, **own})
    did = {name: now - rate({**after, name: before[name]}) for name in after if name != itself}
    helped = {name: effect for name, effect in did.items() if effect * moved > 0}
    total = sum(helped.values())
    ordered = sorted(helped, key=lambda name: -abs(helped[name]))
    found = [Driver(name, before[name], after[name], helped[name] / total) for name in ordered[:MOST]]
    return tuple(driver for driver in found if driver.share >= ENOUGH)
