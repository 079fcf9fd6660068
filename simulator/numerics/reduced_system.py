"""The part of a system that moves: without the states that stay at zero, whatever happens.

A scenario of the human model leaves most of it identically_zero: no virus, no allergy, no tumour. A state
that starts at zero, is never dosed, and whose derivative is zero as long as it and its like are
zero, is left out of what is integrated; that changes no number.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property

from ..model.expression import TIME
from ..model.model import Model
from .graph import OPERATIONS, Graph, Node
from .system import System


@dataclass(frozen=True)
class ReducedSystem:
    """`species` move, `identically_zero` stay at zero; `parameters` are those that formulas still read.

    Nodes of `graph`: slopes, one for each of `species`; infusion, the symbols of what flows into
    the species `infused`, per time; by_time, the slopes' own slopes in time.
    """

    system: System
    species: tuple[str, ...]
    identically_zero: tuple[str, ...]
    infused: tuple[str, ...]
    infusion: tuple[int, ...]
    slopes: tuple[int, ...]

    @property
    def graph(self) -> Graph:
        return self.system.graph

    @cached_property
    def by_time(self) -> tuple[int, ...] | None:
        """None where no formula names time."""
        nodes = tuple(self.graph.derivative(node, self.system.symbols[TIME]) for node in self.slopes)
        return None if all(self.graph.value_of(node) == 0.0 for node in nodes) else nodes

    @cached_property
    def jacobian(self) -> dict[tuple[int, int], int]:
        """Nodes of the entries that are not zero everywhere, by row and column."""
        found = {}
        for row, slope in enumerate(self.slopes):
            for column, name in enumerate(self.species):
                node = self.graph.derivative(slope, self.system.symbols[name])
                if self.graph.value_of(node) != 0.0:
                    found[row, column] = node
        return found

    @property
    def moving(self) -> frozenset[int]:
        """Symbols that change within a segment."""
        return frozenset(self.system.symbols[name] for name in (TIME, *self.species))


def reduce_system(
    model: Model, active: Collection[str], infused: Collection[str], fixed: Mapping[str, float]
) -> ReducedSystem:
    """What moves in `model` if the species in `active` may start above zero or be dosed.

    infused: species with infusions. fixed: parameters with the same value in every member and
    segment. Of these, zeros and exponents are written into the formulas: terms that are zero go,
    and whole powers are multiplied out.
    """
    whole = System(model)
    exponents = {whole.graph.nodes[node].args[1] for node, found in enumerate(whole.graph.nodes) if found.op == "power"}
    known = {name: value for name, value in fixed.items() if value == 0.0 or whole.symbols[name] in exponents}
    known |= dict.fromkeys(_asleep(whole, set(model.species) - set(active), known), 0.0)
    system = System(model, known, reciprocals=True)
    slopes = dict(zip(system.species, system.rhs, strict=True))
    species = tuple(name for name in system.species if name not in known)
    graph, order = system.graph, tuple(name for name in species if name in infused)
    infusion = tuple(graph.symbol(f"infusion of {name}") for name in order)
    for name, symbol in zip(order, infusion, strict=True):
        slopes[name] = graph.apply("add", slopes[name], symbol)
    identically_zero = tuple(name for name in system.species if name in known)
    return ReducedSystem(system, species, identically_zero, order, infusion, tuple(slopes[name] for name in species))


def _asleep(system: System, still: Collection[str], known: Mapping[str, float]) -> set[str]:
    """Those of the species `still` whose derivative is zero as long as all of them are zero."""
    identically_zero, graph = set(still), system.graph
    slopes = dict(zip(system.species, system.rhs, strict=True))
    needed = graph.needed(slopes.values())
    while True:
        values = {system.symbols[name]: value for name, value in known.items()}
        values |= {system.symbols[name]: 0.0 for name in identically_zero}
        for node in needed:
            found = graph.nodes[node]
            value = found.value if found.op == "constant" else values.get(node, _folded(found, values))
            if value is not None:
                values[node] = value
        waking = {name for name in identically_zero if values.get(slopes[name]) != 0.0}
        if not waking:
            return identically_zero
        identically_zero -= waking


def _folded(node: Node, values: Mapping[int, float]) -> float | None:
    """The number that a node is, from the numbers that its arguments are, as far as these are known."""
    known = [values[arg] for arg in node.args if arg in values]
    if node.op == "mul" and 0.0 in known:
        return 0.0
    if node.op == "div" and values.get(node.args[0]) == 0.0:
        return 0.0
    if not known or len(known) < len(node.args):
        return None
    try:
        return OPERATIONS[node.op](*known)
    except (ArithmeticError, ValueError):
        return None
