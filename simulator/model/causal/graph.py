"""The signed causal graph of a model, proved from its rate laws.

x acts on y where the rate of change of y depends on x, directly or through observables. The sign
is that of the derivative for all states that can be reached and all parameters within their
ranges; where it may be either, the edge has the sign EITHER.
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
from .polynomials import Interval, Sum, added
from .sign import Sign, chained
from .sign_analysis import SignAnalysis


class CausalEdge(NamedTuple):
    """`source` acts on `target` with `sign`. Each of the two is a species or an observable.

    reactions: those of the target whose rate it acts on; empty where the target is an observable.
    through: the observables by which it acts, only those that the target reads; empty where it acts directly.
    moved: it acts in no other way than by becoming the target.
    """

    source: str
    target: str
    sign: Sign
    reactions: tuple[str, ...] = ()
    through: tuple[str, ...] = ()
    moved: bool = False


class CausalGraph(NamedTuple):
    """Which names of a model act on which.

    edges: between all species and observables. An observable passes on what acts on it. The loss of a species
    by its own rate law is left out.
    fractions: species that stay between 0 and 1 by their own rate laws.
    """

    edges: tuple[CausalEdge, ...]
    fractions: frozenset[str]

    def between(self, names: Container[str]) -> list[CausalEdge]:
        """The edges between `names`."""
        return [each for each in self.edges if each.source in names and each.target in names]


def causal_graph(model: Model) -> CausalGraph:
    """The causal graph of `model`."""
    return _GraphBuilder(model).build()


class _GraphBuilder:
    """`reached`: for each observable, what acts on it and with which sign, itself included."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.order = in_order(model)
        self.sums = _with_fractions(model, self.order)
        self.reached: dict[str, dict[str, Sign]] = {}
        self.directions = {  # per reaction: (species, 1 if produced or -1 if consumed)
            each.id: {(name, 1 if number > 0 else -1) for name, number in each.stoichiometry}
            for each in model.reactions.values()
        }

    def build(self) -> CausalGraph:
        """Observables first, in an order in which each reads only earlier ones; then the species."""
        edges = []
        for name in self.order:
            found = self.sources(self.sums.observables[name], self.variables(self.model.laws.observables[name]))
            self.reached[name] = {name: Sign.RAISES} | {source: sign for source, (sign, _) in found.items()}
            edges += [CausalEdge(source, name, sign, (), via) for source, (sign, via) in found.items()]
        edges += [each for name in self.model.species for each in self.on(name)]
        return CausalGraph(tuple(edges), self.sums.fractions)

    def on(self, target: str) -> Iterator[CausalEdge]:
        """What acts on `target`: the sign is that of all its reactions together, in which terms may cancel."""
        parts = self.sums.parts(target)
        variables = {reaction: self.variables(self.model.laws.rates[reaction]) for reaction in parts}
        by_reaction = {reaction: self.sources(part, variables[reaction]) for reaction, part in parts.items()}
        everyone = dict.fromkeys(name for found in variables.values() for name in found)
        for source, (sign, via) in self.sources(self.sums.total(target), everyone).items():
            mine = {reaction: found[source][0] for reaction, found in by_reaction.items() if source in found}
            if source == target:  # every species has a loss of its own; only what makes more of itself is a finding
                mine = {
                    reaction: each
                    for reaction, each in mine.items()
                    if each != Sign.LOWERS and (target, 1) in self.directions[reaction]
                }
                sign = reduce(or_, mine.values(), Sign.NONE)
            if sign:
                moved = all({(source, -1), (target, 1)} <= self.directions[each] for each in mine)
                yield CausalEdge(source, target, sign, tuple(mine), via, moved)

    def sources(self, total: Sum, variables: Iterable[str]) -> dict[str, tuple[Sign, tuple[str, ...]]]:
        """What acts on a sum of products that contains `variables`: the sign, and the observables among the variables
        through which it acts."""
        signs: dict[str, Sign] = {}
        via: dict[str, list[str]] = {}
        for name in variables:
            sign = self.sums.sign_by(total, name)
            if name in self.model.species and sign:
                signs[name] = signs.get(name, Sign.NONE) | sign
            for source, inner in self.reached.get(name, {}).items():
                joined = chained(sign, inner)
                if joined:
                    signs[source] = signs.get(source, Sign.NONE) | joined
                    if source != name:
                        via.setdefault(source, []).append(name)
        return {source: (sign, tuple(via.get(source, ()))) for source, sign in signs.items()}

    def variables(self, tree: Expression) -> list[str]:
        """The species and observables that a formula names, each once."""
        return [name for name in dict.fromkeys(names(tree)) if name in self.model.species or name in self.reached]


class _LawSums:
    """The laws of a model as sums of products, where `fractions` lie between 0 and 1."""

    def __init__(self, model: Model, order: Iterable[str], fractions: frozenset[str]) -> None:
        self.laws, self.fractions = model.laws, fractions
        intervals: dict[str, Interval] = {TIME: (0.0, math.inf)}
        for name, parameter in model.parameters.items():  # a parameter that is 0 stays a name: it may be switched on
            if parameter.value == 0.0:
                intervals[name] = (0.0, 0.0)
        for name, species in model.species.items():
            intervals[name] = (-math.inf if species.signed else 0.0, 1.0 if name in fractions else math.inf)
        known = {name: each.value for name, each in model.parameters.items() if each.value}
        self.analysis = SignAnalysis(intervals, known)
        self.observables: dict[str, Sum] = {}
        for name in order:
            self.observables[name] = self.analysis.sum_of(self.laws.observables[name])
            intervals[name] = self.analysis.bounds(self.observables[name])
        self._parts: dict[str, dict[str, Sum]] = {}

    def parts(self, species: str) -> dict[str, Sum]:
        """What each reaction adds to the rate of change of a species."""
        if species not in self._parts:
            product, sum_of = self.analysis.product, self.analysis.sum_of
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

    def sign_by(self, total: Sum, name: str) -> Sign:
        """The sign of the derivative of `total` with respect to `name`."""
        return self.analysis.sign(self.analysis.derivative(total, name))

    def cannot_rise_above_one(self, species: str) -> bool:
        """Whether the rate of change of a species is proved not to be positive where the species is 1."""
        at_one = self.analysis.substituted(self.total(species), species, 1.0)
        return self.analysis.sign(at_one) in (Sign.NONE, Sign.LOWERS)


def _with_fractions(model: Model, order: list[str]) -> _LawSums:
    """The laws with those species as fractions that start between 0 and 1 and, at 1, cannot rise.

    First assumed of all that may be fractions, then of those that are left, until none drops out: where every face
    of a box points inward while the others are in it, no trajectory leaves the box.
    """
    values = SignAnalysis({}, {name: parameter.value for name, parameter in model.parameters.items()})
    for name in order:
        if not set(names(model.laws.observables[name])) - set(values.known):
            values.known[name] = values.sum_of(model.laws.observables[name]).get((), 0.0)
    candidates = frozenset(
        name
        for name, species in model.species.items()
        if not species.signed
        and species.unit.dimensionless
        and values.sum_of(model.laws.initial[name]).get((), 0.0) <= 1.0
    )
    while True:
        sums = _LawSums(model, order, candidates)
        kept = frozenset(name for name in candidates if sums.cannot_rise_above_one(name))
        if kept == candidates:
            return sums
        candidates = kept
