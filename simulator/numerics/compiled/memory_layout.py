"""What a compiled program computes, and where each of its numbers lies in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property

from .. import rodas5p
from ..pieces import PIECE
from ..python_code import hoisted
from ..reduced_system import ReducedSystem
from .sparse_lu import SparseLU, factorize, strong_components

FLOAT_ROWS = (
    "t",
    "h",
    "per_h",
    "diagonal",
    "t_stage",
    "error",
    "factor",
    "negative",
    "s",
    "rtol",
    "growing",
    "rising",
    "revived_at",
    "mark",
    "zero",
    "end",
    "h_wanted",
    "reached",
)
COUNTERS = (
    "segment",
    "segments",
    "stop",
    "first",
    "rejected",
    "time",
    "point",
    "attempts",
    "steps",
    "revived",
    "status",
    "follows",
)  # of a member, integers; follows: 1 where its steps end where `stops` says, whatever their error
INTEGER_ROWS = ("member", "accepted", *COUNTERS)


class Status(IntEnum):
    """How far a member has come, or why it ended: as the kinds of `Outcome`, and a full buffer."""

    RUNNING = 0
    DONE = 1
    NOT_FINITE = 2
    NEGATIVE = 3
    NO_PROGRESS = 4
    BUFFER_FULL = 5
    NOT_RELIABLE = 6


IDLE = -1  # a lane without a member

# The argument of `drive`: one array of 64-bit integers and addresses, in this order
ARGUMENTS = (
    "workspace",
    "todo",  # (count,) indices of members
    "count",
    "max_steps",  # of the group before it returns, its members unfinished
    "max_attempts",  # most steps of one member, rejected ones included
    "segments",  # the most that a member has
    "states",  # (members, species)
    "clocks",  # (members, CLOCKS)
    "added",  # (members, species) what doses and infusions have added
    "levels",  # (members, species) a `Level` of each state
    "rtol",  # (members,)
    "atol",  # (members, species)
    "counts",  # (members, COUNTERS) integers
    "ends",  # (members, segments)
    "jumped",  # (jumps,) indices of species that are dosed or diluted, integers
    "jumps",  # how many
    "jump",  # (members, segments, jumps), added at the start of a segment
    "dilution",  # (members, segments, jumps), multiplied with before
    "infusion",  # (members, segments, infused)
    "sets",  # (members, segments) which set of parameters holds, integers
    "parameters",  # (sets, members, parameters)
    "members",
    "times",  # (members, n_times), infinite after the last of a member
    "n_times",
    "stops",  # (members, n_stops) where a step has to end, infinite at last; read where `has_stops`
    "n_stops",
    "grid",  # (members, n_times, curves)
    "capacity",
    "dense_curves",  # (members, capacity, 1 + curves): the time, then the curves
)
SCALARS = (
    "count",
    "max_steps",
    "max_attempts",
    "segments",
    "jumps",
    "members",
    "n_times",
    "n_stops",
    "capacity",
)  # the rest are addresses
# h = 0: the first step of a segment, whose length is still to be found. revived_at: when the state of the counter
# `revived`, an index plus one, rose again. mark: the time before the last CHATTER_ATTEMPTS steps
CLOCKS = ("t", "h", "revived_at", "mark")


@dataclass(frozen=True)
class ProgramDescription:
    """What the callers of a program must know of it. All names are in the order of the program's arrays.

    Attributes:
        species: those that are integrated.
        identically_zero: those that are left out.
        zeros: parameters whose zeros are written into the formulas.
        infused: those that may have infusions.
        parameters: those that a formula reads.
        entries: the Jacobian's entries, (row, column) of `species`.
        grid: species and observables that are recorded at the output times.
        dense_curves: species and observables that are recorded along every step.
        observed: observables that the function `observe` computes.
        offsets: the first row of each group of rows of a workspace; ``rows`` is how many there are.
        lanes: members that are integrated in lock step.
        has_stops: whether steps may have to end at times that formulas name.
        follows: whether members may take steps that are given, and the times along steps are recorded for it.
        per_step: at how many parts of a step curves and times are recorded.
    """

    species: tuple[str, ...]
    identically_zero: tuple[str, ...]
    zeros: tuple[str, ...]
    infused: tuple[str, ...]
    parameters: tuple[str, ...]
    entries: tuple[tuple[int, int], ...]
    grid: tuple[str, ...]
    dense_curves: tuple[str, ...]
    observed: tuple[str, ...]
    offsets: Mapping[str, int]
    lanes: int
    has_stops: bool
    follows: bool
    per_step: int


@dataclass(frozen=True)
class ProgramLayout:
    """The equations and curves of a program, and the rows of its workspace: each row holds one double per lane.

    Attributes:
        reduced: the equations.
        grid: species and observables that are recorded at the output times.
        dense_curves: species and observables that are recorded along every step.
        per_step: how many parts of a step they are recorded at: states are polynomials of degree `PIECE` there.
        observed: observables that the function `observe` computes at any states.
        fluxes: (species, reaction) of the contributions to derivatives that the function `fluxes` computes at any
            states.
        follows: as in `ProgramDescription`.
    """

    reduced: ReducedSystem
    grid: tuple[str, ...]
    dense_curves: tuple[str, ...]
    per_step: int = PIECE
    observed: tuple[str, ...] = ()
    fluxes: tuple[tuple[str, str], ...] = ()
    follows: bool = False

    def description(self, lanes: int) -> ProgramDescription:
        """The same without formulas, for a program of `lanes` lanes."""
        return ProgramDescription(
            species=self.reduced.species,
            identically_zero=self.reduced.identically_zero,
            zeros=self.reduced.zeros,
            infused=self.reduced.infused,
            parameters=self.parameters,
            entries=tuple(self.reduced.equations.jacobian),
            grid=self.grid,
            dense_curves=self.dense_curves,
            observed=self.observed,
            offsets=self.offsets,
            lanes=lanes,
            has_stops=self.has_stops,
            follows=self.follows,
            per_step=self.per_step,
        )

    @cached_property
    def entries(self) -> dict[tuple[int, int], int]:
        """The Jacobian by (row, column): its numbers, and a symbol for each entry that has to be computed."""
        graph = self.reduced.graph
        return {
            entry: node if graph.value_of(node) is not None else graph.symbol(f"entry {entry}")
            for entry, node in self.reduced.equations.jacobian.items()
        }

    @cached_property
    def lu(self) -> SparseLU:
        """The factors of I / (h gamma) - J."""
        return factorize(self.reduced.graph, len(self.reduced.species), self.entries, self.diagonal)

    @property
    def has_stops(self) -> bool:
        """Whether steps may have to end at times that formulas name."""
        return self.reduced.equations.time_derivative is not None

    @cached_property
    def components(self) -> list[list[int]]:
        """The strongly connected components of the Jacobian: states that act on one another, directly or not."""
        return strong_components(len(self.reduced.species), self.entries)

    @cached_property
    def diagonal(self) -> int:
        """The symbol of 1 / (h gamma)."""
        return self.reduced.graph.symbol("1 / (h gamma)")

    @cached_property
    def hoisted(self) -> list[int]:
        """Nodes of parameters alone, computed when a member is loaded."""
        return hoisted(self.reduced.graph, self.outputs, self.reduced.equations.varying)

    @cached_property
    def outputs(self) -> list[int]:
        """Every node that a program computes, apart from the factorization."""
        reduced, names = self.reduced, self.reduced.system.names
        by_time = reduced.equations.time_derivative or ()
        return [
            *reduced.equations.rhs,
            *by_time,
            *reduced.equations.jacobian.values(),
            *(names[name] for name in (*self.grid, *self.dense_curves, *self.observed)),
            *self.flux_nodes,
        ]

    @property
    def flux_nodes(self) -> list[int]:
        """The nodes of `fluxes`."""
        return [self.reduced.system.contributions[species][reaction] for species, reaction in self.fluxes]

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        """The parameters that a formula reads."""
        graph, symbols = self.reduced.graph, self.reduced.system.symbols
        read = frozenset().union(*[graph.symbols_of(node) for node in self.outputs])
        return tuple(name for name in self.reduced.system.parameters if symbols[name] in read)

    @cached_property
    def recorded_species(self) -> tuple[int, ...]:
        """Indices of the species that the recorded curves read."""
        graph, system = self.reduced.graph, self.reduced.system
        nodes = [graph.symbols_of(system.names[name]) for name in (*self.grid, *self.dense_curves)]
        read = frozenset().union(*nodes)
        return tuple(i for i, name in enumerate(self.reduced.species) if system.symbols[name] in read)

    @cached_property
    def offsets(self) -> dict[str, int]:
        """The first row of each group of rows of a workspace; ``rows`` is how many there are."""
        reduced, size = self.reduced, len(self.reduced.species)
        sizes = {
            "y": size,
            "added": size,
            "new": size,
            "u": size * rodas5p.STAGES,
            "stage": size,
            "right": size,
            "by_time": size if reduced.equations.time_derivative else 0,
            "atol": size,
            "lower_bounds": size,
            "sizes": size,
            "levels": size,
            "jacobian": len(reduced.equations.jacobian),
            "factors": len(self.lu.factors),
            "parameters": len(self.parameters) + len(reduced.infused),
            "hoisted": len(self.hoisted),
            "dense": len(self.recorded_species) * len(rodas5p.H),
            "out": max(len(self.grid), len(self.dense_curves)),
            **dict.fromkeys((*FLOAT_ROWS, *INTEGER_ROWS), 1),
        }
        offsets, rows = {}, 0
        for name, count in sizes.items():
            offsets[name] = rows
            rows += count
        return offsets | {"rows": rows}

    def key(self) -> tuple[object, ...]:
        """Everything that the machine code depends on, with a `repr` that is the same in every process."""
        written = self.outputs, self.offsets, list(self.lu.factors.items()), list(self.entries.items())
        nodes = [(each.op, each.args, each.value.hex(), each.name) for each in self.reduced.graph.nodes]
        return (
            nodes,
            written,
            self.grid,
            self.dense_curves,
            self.observed,
            self.fluxes,
            self.per_step,
            self.follows,
            self.reduced.species,
            self.reduced.infused,
            self.parameters,
        )
