"""Who acts on whom: the signed causal graph of a model, proved from its rate laws.

x acts on i where the rate of change of i depends on x, directly or through observables. The sign
is that of the derivative for all states that can be reached and all parameters within their
ranges; where it may be either, the influence has both signs.
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Iterator
from functools import reduce
from operator import or_
from typing import NamedTuple

from ..expression import TIME, Expression, names
from ..laws import in_order
from ..model import Model
from .signs import DOWN, UP, Monotone, chained
from .sums import Interval, Sum, added


class Influence(NamedTuple):
    """`source` acts on `target` with `sign`: UP, DOWN or BOTH. Either is a species or an observable.

    reactions: those of the target whose rate it acts on, none where the target is an observable.
    through: the observables by which it acts, those nearest to the target; empty where only directly.
    moved: it acts by becoming the target, and in no other way.
    """

    source: str
    target: str
    sign: int
    reactions: tuple[str, ...] = ()
    through: tuple[str, ...] = ()
    moved: bool = False


class Wiring(NamedTuple):
    """influences: of all on all, where an observable passes on what acts on it; a species' own loss is left out.

    shares: species that stay between 0 and 1 by their own rate laws.
    """

    influences: tuple[Influence, ...]
    shares: frozenset[str]

    def between(self, names: Container[str]) -> list[Influence]:
        """The influences of `names` on each other."""
        return [each for each in self.influences if each.source in names and each.target in names]


def wiring_of(model: Model) -> Wiring:
    """The causal graph of `model`."""
    return _Reader(model).read()


class _Reader:
    """`reached` holds who acts on an observable with which sign, itself among them."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.order = in_order(model)
        self.sums = _within_shares(model, self.order)
        self.reached: dict[str, dict[str, int]] = {}
        self.ways = {  # which species a reaction makes, and which it takes
            each.id: {(name, 1 if number > 0 else -1) for name, number in each.stoichiometry}
            for each in model.reactions.values()
        }

    def read(self) -> Wiring:
        influences = []
        for name in self.order:
            formula = self.sums.observables[name]
            found = self.sources(formula, self.moving(self.model.laws.observables[name]))
            self.reached[name] = {name: UP} | {source: sign for source, (sign, _) in found.items()}
            influences += [Influence(source, name, sign, (), via) for source, (sign, via) in found.items()]
        influences += [each for name in self.model.species for each in self.on(name)]
        return Wiring(tuple(influences), self.sums.shares)

    def on(self, target: str) -> Iterator[Influence]:
        """Who acts on `target`: the sign is that of all its reactions together, in which much may cancel."""
        parts = self.sums.parts(target)
        moving = {reaction: self.moving(self.model.laws.rates[reaction]) for reaction in parts}
        by_reaction = {reaction: self.sources(part, moving[reaction]) for reaction, part in parts.items()}
        everyone = dict.fromkeys(name for found in moving.values() for name in found)
        for source, (sign, via) in self.sources(self.sums.total(target), everyone).items():
            mine = {reaction: found[source][0] for reaction, found in by_reaction.items() if source in found}
            if source == target:  # its own loss says nothing of who acts on whom, but what makes more of it does
                mine = {each: way for each, way in mine.items() if way != DOWN and (target, 1) in self.ways[each]}
                sign = reduce(or_, mine.values(), 0)
            if sign:
                moved = all({(source, -1), (target, 1)} <= self.ways[each] for each in mine)
                yield Influence(source, target, sign, tuple(mine), via, moved)

    def sources(self, total: Sum, moving: Iterable[str]) -> dict[str, tuple[int, tuple[str, ...]]]:
        """Who acts on a sum of products with the names `moving` in it: sign, and the observables among those names
        that it acts through."""
        signs: dict[str, int] = {}
        via: dict[str, list[str]] = {}
        for name in moving:
            sign = self.sums.sign_by(total, name)
            if name in self.model.species and sign:
                signs[name] = signs.get(name, 0) | sign
            for source, inner in self.reached.get(name, {}).items():
                joined = chained(sign, inner)
                if joined:
                    signs[source] = signs.get(source, 0) | joined
                    if source != name:
                        via.setdefault(source, []).append(name)
        return {source: (sign, tuple(via.get(source, ()))) for source, sign in signs.items()}

    def moving(self, tree: Expression) -> list[str]:
        """The species and observables that a formula names, each once."""
        return [name for name in dict.fromkeys(names(tree)) if name in self.model.species or name in self.reached]


class _Sums:
    """The laws of a model as sums of products, where `shares` lie between 0 and 1."""

    def __init__(self, model: Model, order: Iterable[str], shares: frozenset[str]) -> None:
        self.laws, self.shares = model.laws, shares
        intervals: dict[str, Interval] = {TIME: (0.0, math.inf)}
        for name, parameter in model.parameters.items():  # what is switched off stays a name: it may be turned on
            if parameter.value == 0.0:
                intervals[name] = (0.0, 0.0)
        for name, species in model.species.items():
            intervals[name] = (-math.inf if species.signed else 0.0, 1.0 if name in shares else math.inf)
        self.monotone = Monotone(intervals, {name: each.value for name, each in model.parameters.items() if each.value})
        self.observables: dict[str, Sum] = {}
        for name in order:
            self.observables[name] = self.monotone.sum_of(self.laws.observables[name])
            intervals[name] = self.monotone.span(self.observables[name])
        self._parts: dict[str, dict[str, Sum]] = {}

    def parts(self, species: str) -> dict[str, Sum]:
        """What each reaction adds to the rate of change of a species."""
        if species not in self._parts:
            product, sum_of = self.monotone.product, self.monotone.sum_of
            self._parts[species] = {
                reaction: product(sum_of(factor), sum_of(self.laws.rates[reaction]))
                for reaction, factor in self.laws.changes[species]
            }
        return self._parts[species]

    def total(self, species: str) -> Sum:
        """The rate of change of a species."""
        found: Sum = {}
        for part in self.parts(species).values():
            found = added(found, part)
        return found

    def sign_by(self, total: Sum, name: str) -> int:
        return self.monotone.sign(self.monotone.slope(total, name))


def _within_shares(model: Model, order: list[str]) -> _Sums:
    """The laws where species that start between 0 and 1 and, at 1, cannot rise stay there: assumed of all that may,
    until none falls out.

    Where every face of a box turns inward while the others are in it, no trajectory leaves it.
    """
    values = Monotone({}, {name: parameter.value for name, parameter in model.parameters.items()})
    for name in order:
        if not set(names(model.laws.observables[name])) - set(values.known):
            values.known[name] = values.sum_of(model.laws.observables[name]).get((), 0.0)
    found = frozenset(
        name
        for name, species in model.species.items()
        if not species.signed
        and species.unit.dimensionless
        and values.sum_of(model.laws.initial[name]).get((), 0.0) <= 1.0
    )
    while True:
        sums = _Sums(model, order, found)
        kept = {
            name for name in found if sums.monotone.sign(sums.monotone.at(sums.total(name), name, 1.0)) in (0, DOWN)
        }
        if len(kept) == len(found):
            return sums
        found = frozenset(kept)
