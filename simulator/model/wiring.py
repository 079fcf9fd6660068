"""Who acts on whom: the signed causal graph of a model, proved from its rate laws.

x acts on i where the rate of change of i depends on x, directly or through observables. The sign
is that of the derivative for all states that can be reached and all parameters within their
ranges; where it may be either, the influence has both signs.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from .expression import TIME, Expression, names
from .model import Model
from .monotone import DOWN, UP, Interval, Monotone, Sum, added, chained


class Influence(NamedTuple):
    """`source` (a species) acts on `target` (a species or observable) with `sign`: UP, DOWN or BOTH.

    reactions: those whose rate it acts on, empty where the target is an observable.
    through: the observables by which it acts, those nearest to the target; empty where it acts directly.
    """

    source: str
    target: str
    sign: int
    reactions: tuple[str, ...] = ()
    through: tuple[str, ...] = ()


class Wiring(NamedTuple):
    """influences: of species on species, own loss left out. on_observables: of species on observables.

    shares: species that stay between 0 and 1 by their own rate laws.
    """

    influences: tuple[Influence, ...]
    on_observables: tuple[Influence, ...]
    shares: frozenset[str]


def wiring_of(model: Model) -> Wiring:
    """The causal graph of `model`."""
    return _Reader(model).read()


class _Reader:
    """laws as sums of products; `direct` holds the signs of an observable's or species' own formula by each name
    in it, `reached` those of an observable by each species, through other observables too."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.order = _in_order(model)
        self.shares = _shares(model, self.order)
        self.sums = _Sums(model, self.order, self.shares)
        self.reached: dict[str, dict[str, int]] = {}

    def read(self) -> Wiring:
        on_observables = []
        for name in self.order:
            formula = self.sums.observables[name]
            direct = {each: self.sums.sign_by(formula, each) for each in self.moving(self.model.laws.observables[name])}
            found = self.by_species(direct)
            self.reached[name] = {source: sign for source, (sign, _) in found.items()}
            on_observables += [Influence(source, name, sign, (), via) for source, (sign, via) in found.items()]
        influences = [each for name in self.model.species for each in self.on(name)]
        return Wiring(tuple(influences), tuple(on_observables), self.shares)

    def on(self, target: str) -> Iterator[Influence]:
        """Who acts on `target`: the sign is that of all its reactions together, in which much may cancel."""
        parts = self.sums.parts[target]
        by_reaction = {
            reaction: self.by_species({each: self.sums.sign_by(part, each) for each in self.moving_in(reaction)})
            for reaction, part in parts.items()
        }
        total = self.sums.total(target)
        names_in = {each for reaction in parts for each in self.moving_in(reaction)}
        together = self.by_species({each: self.sums.sign_by(total, each) for each in sorted(names_in)})
        for source, (sign, via) in together.items():
            mine = {reaction: found[source][0] for reaction, found in by_reaction.items() if source in found}
            if source == target:  # its own loss says nothing of who acts on whom, but what makes more of it does
                makes = {each.id for each in self.model.reactions.values() if dict(each.stoichiometry).get(target, 0) > 0}
                mine = {reaction: each for reaction, each in mine.items() if each != DOWN and reaction in makes}
                sign = 0
                for each in mine.values():
                    sign |= each
            if sign:
                yield Influence(source, target, sign, tuple(mine), via)

    def by_species(self, direct: Mapping[str, int]) -> dict[str, tuple[int, tuple[str, ...]]]:
        """Each species that acts: its sign, and the observables among `direct` that it acts through."""
        signs: dict[str, int] = {}
        via: dict[str, list[str]] = {}
        for name, sign in direct.items():
            if name in self.model.species and sign:
                signs[name] = signs.get(name, 0) | sign
            for source, inner in self.reached.get(name, {}).items():
                joined = chained(sign, inner)
                if joined:
                    signs[source] = signs.get(source, 0) | joined
                    via.setdefault(source, []).append(name)
        return {source: (sign, tuple(via.get(source, ()))) for source, sign in signs.items()}

    def moving(self, tree: Expression) -> list[str]:
        """The species and observables that a formula names, each once."""
        return [name for name in dict.fromkeys(names(tree)) if name in self.model.species or name in self.reached]

    def moving_in(self, reaction: str) -> list[str]:
        return self.moving(self.model.laws.rates[reaction])


class _Sums:
    """The laws of a model as sums of products, where `shares` lie between 0 and 1."""

    def __init__(self, model: Model, order: Iterable[str], shares: Iterable[str]) -> None:
        laws = model.laws
        intervals: dict[str, Interval] = {TIME: (0.0, math.inf)}
        for name, parameter in model.parameters.items():  # what is switched off stays a name: it may be turned on
            if parameter.value == 0.0:
                intervals[name] = (0.0, 0.0)
        for name, species in model.species.items():
            intervals[name] = (-math.inf if species.signed else 0.0, 1.0 if name in shares else math.inf)
        self.monotone = Monotone(intervals, {name: each.value for name, each in model.parameters.items() if each.value})
        self.observables: dict[str, Sum] = {}
        for name in order:
            self.observables[name] = self.monotone.sum_of(laws.observables[name])
            intervals[name] = self.monotone.span(self.observables[name])
        rates = {name: self.monotone.sum_of(tree) for name, tree in laws.rates.items()}
        self.parts: dict[str, dict[str, Sum]] = {name: {} for name in model.species}
        for name, changes in laws.changes.items():
            for reaction, factor in changes:
                self.parts[name][reaction] = self.monotone.product(self.monotone.sum_of(factor), rates[reaction])

    def total(self, species: str) -> Sum:
        """The rate of change of a species."""
        found: Sum = {}
        for part in self.parts[species].values():
            found = added(found, part)
        return found

    def sign_by(self, total: Sum, name: str) -> int:
        return self.monotone.sign(self.monotone.slope(total, name))


def _shares(model: Model, order: list[str]) -> frozenset[str]:
    """Species that start between 0 and 1 and, at 1, cannot rise: assumed of all that may, until none falls out.

    Where every face of a box turns inward while the others are in it, no trajectory leaves it.
    """
    values = Monotone({}, {name: parameter.value for name, parameter in model.parameters.items()})
    for name in order:
        if not set(names(model.laws.observables[name])) - set(values.known):
            values.known[name] = values.sum_of(model.laws.observables[name]).get((), 0.0)
    found = frozenset(
        name
        for name, species in model.species.items()
        if not species.signed and values.sum_of(model.laws.initial[name]).get((), 0.0) <= 1.0
    )
    while True:
        sums = _Sums(model, order, found)
        kept = {
            name for name in found if sums.monotone.sign(sums.monotone.at(sums.total(name), name, 1.0)) in (0, DOWN)
        }
        if len(kept) == len(found):
            return found
        found = frozenset(kept)


def _in_order(model: Model) -> list[str]:
    """Observables, each after those that it names."""
    order: dict[str, None] = {}

    def visit(name: str) -> None:
        if name in model.observables and name not in order:
            for inner in names(model.laws.observables[name]):
                visit(inner)
            order[name] = None

    for name in model.observables:
        visit(name)
    return list(order)
