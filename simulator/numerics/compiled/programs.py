"""Programs, by what they compute: compiled once, kept in memory and on disk.

A sweep has a program of its scenario, with numbers written into its formulas. A single run has a program of its
whole model, in which every parameter is an input: a new scenario of a known model compiles nothing.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from ...runtime import kept
from ...runtime.progress import Progress
from ..pieces import PIECE
from ..reduced_system import ReducedSystem, reduce_system
from ..system import System
from ..tape import Tape
from .jit import LoadedCode, best_lanes, processor
from .memory_layout import ProgramDescription, ProgramLayout

LANES_OF_ARMS = 4  # of a single run: a step of fewer takes as long, and one of more takes twice as long
MOST_HELD = 16  # programs in memory; those used longest ago go first


class Program(NamedTuple):
    """Machine code, and how to call it."""

    description: ProgramDescription
    code: LoadedCode


class ReferenceTapes(NamedTuple):
    """What machine code is held against, evaluated without it: tapes on the symbols of a model.

    rhs: right-hand sides without infusions, of all species. gross: of each species the sum of the sizes of its
    reactions' contributions. jacobian: its entries that are not zero everywhere, (row, column) in `entries`.
    """

    rhs: Tape
    gross: Tape
    jacobian: Tape
    entries: tuple[tuple[int, int], ...]


class ModelProgram(NamedTuple):
    """The program of a whole model, its formulas, and its observables as a tape."""

    program: Program
    formulas: ReferenceTapes
    observables: Tape


_held: dict[str, ModelProgram] = {}
_lock = Lock()


def program_for(
    reduced: ReducedSystem,
    grid: Sequence[str],
    dense_curves: Sequence[str],
    lanes: int | None = None,
    per_step: int = PIECE,
) -> Program:
    """The program of a reduced system, compiled where none is kept: some seconds at most.

    Args:
        reduced: the equations.
        grid: species and observables to record at the output times.
        dense_curves: species and observables to record along every step.
        lanes: members that are integrated in lock step; by default what suits the processor.
        per_step: at how many parts of a step curves are recorded.
    """
    lanes = lanes or best_lanes()
    layout = ProgramLayout(reduced, tuple(grid), tuple(dense_curves), per_step)
    key = program_key(layout, lanes)
    code = kept.read(key)
    if code is None:
        code = _compile(layout, lanes)
        kept.write(key, code)
    return Program(layout.description(lanes), LoadedCode(code))


def program_key(layout: ProgramLayout, lanes: int) -> str:
    """A digest of everything that the code of `layout` depends on: formulas, processor, compiler, and our own files."""
    return _digest("program", layout.key(), lanes)


def model_program(system: System) -> ModelProgram:
    """The program of the model of `system`; where it must be compiled, which takes some seconds, that is said first.

    It records every species and observable at the output times, and every species along the steps.
    """
    signs = [each.signed for each in system.model.species.values()]
    key = _digest("model", system.model.laws, system.species, system.parameters, signs, LANES_OF_ARMS)
    with _lock:
        found = _held.pop(key, None) or _kept(key)
        if found is None:
            with Progress.announced(f"compiling {system.model.title}, once: some seconds"):
                found = _new_model_program(key, system)
        _held[key] = found  # the last one used is the last one to go
        while len(_held) > MOST_HELD:
            del _held[next(iter(_held))]
    return found


def _kept(key: str) -> ModelProgram | None:
    """The program that is kept on disk under `key`, or None."""
    data = kept.read(key)
    if data is None:
        return None
    description, formulas, observables, code = pickle.loads(data)
    return ModelProgram(Program(description, LoadedCode(code)), formulas, observables)


def _new_model_program(key: str, system: System) -> ModelProgram:
    reduced = reduce_system(system.model, system.species, system.species, {})
    layout = ProgramLayout(reduced, (*system.species, *system.observables), system.species)
    code = _compile(layout, LANES_OF_ARMS)
    formulas, description = _formulas(system), layout.description(LANES_OF_ARMS)
    kept.write(key, pickle.dumps((description, formulas, system.observables_tape, code), protocol=5))
    return ModelProgram(Program(description, LoadedCode(code)), formulas, system.observables_tape)


def _formulas(system: System) -> ReferenceTapes:
    """Tapes of a system whose graph was made apart from that of the program."""
    graph = system.graph

    def size(node: int) -> int:
        return graph.apply("max", node, graph.apply("neg", node))

    gross = []
    for contributions in system.contributions.values():
        total = graph.constant(0.0)
        for node in contributions.values():
            total = graph.apply("add", total, size(node))
        gross.append(total)
    jacobian = system.equations.jacobian
    return ReferenceTapes(
        Tape(graph, system.rhs), Tape(graph, gross), Tape(graph, list(jacobian.values())), tuple(jacobian)
    )


def _compile(layout: ProgramLayout, lanes: int) -> bytes:
    from .compiler import compile_program  # writes LLVM's language, which a program that is kept does not need

    return compile_program(layout, lanes)


def _digest(*parts: object) -> str:
    """A digest of these parts, of the processor and compiler, and of our own files."""
    numerics = Path(__file__).parents[1]
    return hashlib.sha256(repr((parts, processor(), kept.fingerprint(numerics))).encode()).hexdigest()
