"""What a machine program is made for: the equations, what they read, and where each number lies."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from .. import rodas5p
from ..python_code import hoisted
from ..reduced_system import Core
from .sparse_lu import Elimination, eliminate

PER_STEP = 8  # points recorded in each step, for measures
NUMBERS = ("t", "h", "per_h", "diagonal", "t_stage", "error", "factor", "low", "s", "rtol", "end", "reached", "h_first")
COUNTS = ("member", "segment", "first", "rejected", "time", "point", "tries", "steps", "state", "passed")


@dataclass(frozen=True)
class Plan:
    """The core of a model, with the curves (species or observables) that are read at the output
    times (`grid`) and along every step (`dense_curves`)."""

    core: Core
    grid: tuple[str, ...]
    dense_curves: tuple[str, ...]

    @cached_property
    def entries(self) -> dict[tuple[int, int], int]:
        """Of the Jacobian: its numbers, and a symbol for each entry that has to be computed."""
        graph = self.core.graph
        return {
            entry: node if graph.value_of(node) is not None else graph.symbol(f"entry {entry}")
            for entry, node in self.core.jacobian.items()
        }

    @cached_property
    def elimination(self) -> Elimination:
        return eliminate(self.core.graph, len(self.core.species), self.entries, self.diagonal)

    @cached_property
    def diagonal(self) -> int:
        return self.core.graph.symbol("1 / (h gamma)")

    @cached_property
    def hoisted(self) -> list[int]:
        """Nodes of parameters alone, computed when a member is loaded."""
        return hoisted(self.core.graph, self.outputs, self.core.moving)

    @cached_property
    def outputs(self) -> list[int]:
        """Every node that a program computes, but for the elimination."""
        core, names = self.core, self.core.system.names
        by_time = core.by_time or ()
        return [
            *core.slopes,
            *by_time,
            *core.jacobian.values(),
            *(names[name] for name in (*self.grid, *self.dense_curves)),
        ]

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        """The parameters that a formula reads."""
        graph, symbols = self.core.graph, self.core.system.symbols
        read = frozenset().union(*[graph.symbols_of(node) for node in self.outputs])
        return tuple(name for name in self.core.system.parameters if symbols[name] in read)

    @cached_property
    def recorded(self) -> tuple[int, ...]:
        """Places of the species that the recorded curves read."""
        graph, system = self.core.graph, self.core.system
        nodes = [graph.symbols_of(system.names[name]) for name in (*self.grid, *self.dense_curves)]
        read = frozenset().union(*nodes)
        return tuple(i for i, name in enumerate(self.core.species) if system.symbols[name] in read)

    @cached_property
    def places(self) -> dict[str, int]:
        """The first row of each group of rows of a workspace; `rows` is how many there are."""
        core, size = self.core, len(self.core.species)
        sizes = {
            "y": size,
            "new": size,
            "u": size * rodas5p.STAGES,
            "stage": size,
            "right": size,
            "by_time": size if core.by_time else 0,
            "atol": size,
            "lowest": size,
            "jacobian": len(core.jacobian),
            "factors": len(self.elimination.factors),
            "parameters": len(self.parameters) + len(core.infused),
            "hoisted": len(self.hoisted),
            "dense": len(self.recorded) * len(rodas5p.H),
            "out": max(len(self.grid), len(self.dense_curves)),
            **dict.fromkeys((*NUMBERS, *COUNTS), 1),
        }
        places, rows = {}, 0
        for name, count in sizes.items():
            places[name] = rows
            rows += count
        return places | {"rows": rows}

    def key(self) -> tuple[object, ...]:
        """Everything the machine code depends on."""
        written = self.outputs, self.places, list(self.elimination.factors.items()), list(self.entries.items())
        nodes = [(each.op, each.args, each.value.hex(), each.name) for each in self.core.graph.nodes]
        return (nodes, written, self.grid, self.dense_curves, self.core.species, self.core.infused, self.parameters)
