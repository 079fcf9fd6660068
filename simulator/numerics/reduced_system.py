"""A system without the species that stay at zero.

A scenario of the human model leaves most of it untouched: no virus, no allergy, no tumour. A species that starts
at zero, is never dosed, and whose derivative is zero as long as it and the others of its kind are zero, is
identically zero. It is left out of what is integrated, which changes no number.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from ..model.model import Model
from .equations import Equations
from .graph import OPERATIONS, Graph
from .parameter_formulas import initial_values
from .system import System

FEWEST_LEFT_OUT = 5  # of one cause: without fewer species a program is hardly faster than with them


@dataclass(frozen=True)
class ReducedSystem:
    """The active species of a model, and their equations.

    Attributes:
        system: the model with zeros written into its formulas.
        species: the active ones, in the order of the equations.
        identically_zero: the others.
        zeros: parameters whose zeros are written into the formulas.
        infused: those of `species` that may have infusions.
        infusion: for each of `infused`, the symbol of its infusion, in species units per time unit.
        equations: right-hand side with the infusions, Jacobian and time derivative.
    """

    system: System
    species: tuple[str, ...]
    identically_zero: tuple[str, ...]
    zeros: tuple[str, ...]
    infused: tuple[str, ...]
    infusion: tuple[int, ...]
    equations: Equations

    @property
    def graph(self) -> Graph:
        """That of `system`."""
        return self.system.graph


def reduce_system(
    model: Model, active: Collection[str], infused: Collection[str], fixed: Mapping[str, float]
) -> ReducedSystem:
    """The part of `model` that can leave zero.

    Args:
        model: the whole model.
        active: species that may start above zero or be dosed.
        infused: species with infusions.
        fixed: parameters that have the same value in every member and segment. Zeros among them are written into
            the formulas, so that terms vanish, and so are exponents, so that integer powers are multiplied out.
    """
    full = System(model)
    exponents = {full.graph.nodes[node].args[1] for node, found in enumerate(full.graph.nodes) if found.op == "power"}
    constants = {name: value for name, value in fixed.items() if value == 0.0 or full.symbols[name] in exponents}
    constants |= dict.fromkeys(_ZeroSpecies(full, set(model.species) - set(active), constants).species, 0.0)
    system = System(model, constants, reciprocals=True)
    graph, rhs = system.graph, dict(zip(system.species, system.rhs, strict=True))
    species = tuple(name for name in system.species if name not in constants)
    order = tuple(name for name in species if name in infused)
    infusion = tuple(graph.symbol(f"infusion of {name}") for name in order)
    for name, symbol in zip(order, infusion, strict=True):
        rhs[name] = graph.apply("add", rhs[name], symbol)
    equations = Equations(
        graph,
        rhs=tuple(rhs[name] for name in species),
        variables=tuple(system.symbols[name] for name in species),
        time=system.equations.time,
    )
    zero = tuple(name for name in system.species if name in constants)
    zeros = tuple(name for name in system.parameters if constants.get(name) == 0.0)
    return ReducedSystem(system, species, zero, zeros, order, infusion, equations)


def asleep_species(
    model: Model, awake: Collection[str], zeros: Collection[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The species that stay at zero, and the parameters that have to be zero for that.

    A parameter whose zero leaves out fewer than `FEWEST_LEFT_OUT` species counts as one that is not zero.

    Args:
        model: the whole model.
        awake: species that may start above zero or be dosed.
        zeros: parameters that are zero all the time.
    """
    system = System(model)
    candidates, known = set(system.species) - set(awake), set(zeros)

    zero = _ZeroSpecies(system, candidates, dict.fromkeys(known, 0.0))
    found = zero.species
    rhs = dict(zip(system.species, system.rhs, strict=True))
    read = frozenset().union(*[system.graph.symbols_of(rhs[name]) for name in found])
    needed = [name for name in system.parameters if name in known and system.symbols[name] in read]
    for name in tuple(needed):
        fewer = [each for each in needed if each != name]
        still = zero.without(known.difference(fewer))
        if len(found) - len(still) < FEWEST_LEFT_OUT:
            found, needed = still, fewer
    return tuple(name for name in system.species if name in found), tuple(needed)


def minor_species(model: Model) -> tuple[str, ...]:
    """The species whose sleep is worth no program of its own, so that scenarios share programs.

    Where a model rests, with its own parameters, some species are at zero. A drug wakes few of them, an antigen wakes
    thirty. These are the ones that nothing else wakes and that wake fewer than `FEWEST_LEFT_OUT`, with what they wake.
    """
    system = System(model)
    values = {name: each.value for name, each in model.parameters.items()}
    at_zero = {name for name, value in initial_values(model, values).items() if value == 0.0}
    zeros = {name: value for name, value in values.items() if value == 0.0}
    zero = _ZeroSpecies(system, at_zero, zeros)
    asleep = zero.species
    woken = {name: asleep - zero.without({name}) for name in asleep}
    first = [name for name in asleep if all(each in woken[name] for each in asleep if name in woken[each])]
    minor = set().union(*(woken[name] for name in first if len(woken[name]) < FEWEST_LEFT_OUT))
    return tuple(name for name in system.species if name in minor)


class _ZeroSpecies:
    """Those of some species whose derivative is zero as long as all of them are zero.

    Attributes:
        species: their names.
    """

    def __init__(self, system: System, candidates: Collection[str], constants: Mapping[str, float]) -> None:
        """constants: parameters, or species too, that have these values."""
        self._graph, self._symbols = system.graph, system.symbols
        rhs = dict(zip(system.species, system.rhs, strict=True))
        needed = self._graph.needed(rhs.values())
        self._readers: dict[int, list[int]] = {node: [] for node in needed}
        for node in needed:
            for arg in self._graph.nodes[node].args:
                self._readers[arg].append(node)
        self._derivatives: dict[int, list[str]] = {}
        for name, node in rhs.items():
            self._derivatives.setdefault(node, []).append(name)
        self.species = set(candidates)
        # What every node is, where that is known
        self._values = {self._symbols[name]: value for name, value in constants.items()}
        self._values |= {self._symbols[name]: 0.0 for name in candidates}
        for node in needed:
            value = self._values.get(node, _folded(self._graph, node, self._values))
            if value is not None:
                self._values[node] = value
        leaving = {name for name in candidates if self._values.get(rhs[name]) != 0.0}
        self._wake(leaving, self._values, self.species)

    def without(self, names: Collection[str]) -> set[str]:
        """Those of `species` that are left where these species or parameters may have any value."""
        values, zero = dict(self._values), set(self.species)
        self._wake(names, values, zero)
        return zero

    def _wake(self, names: Collection[str], values: dict[int, float], zero: set[str]) -> None:
        """Takes from `values` and `zero` what is not known without `names`: what is known only ever gets less."""
        zero.difference_update(names)
        unknown = [self._symbols[name] for name in names]
        while unknown:
            node = unknown.pop()
            values.pop(node, None)
            for name in self._derivatives.get(node, ()):
                if name in zero:
                    zero.remove(name)
                    unknown.append(self._symbols[name])
            for reader in self._readers.get(node, ()):
                if reader in values and _folded(self._graph, reader, values) is None:
                    del values[reader]
                    unknown.append(reader)


def _folded(graph: Graph, place: int, values: Mapping[int, float]) -> float | None:
    """The number that a node is if only some of its arguments are known numbers, or None."""
    node = graph.nodes[place]
    if node.op == "constant":
        return node.value
    known = [values[arg] for arg in node.args if arg in values]
    if graph.vanishes(node.op, node.args, [values.get(arg) == 0.0 for arg in node.args]):
        return 0.0
    if not known or len(known) < len(node.args):
        return None
    return OPERATIONS[node.op](*known)
