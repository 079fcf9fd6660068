"""Programs, by what they compute: compiled once, kept in memory and on disk.

A sweep has a program of its scenario, with numbers written into its formulas. A single run has a program of its
model, in which every parameter is an input, without many of the species that stay at zero: a new scenario compiles
nothing where one was run before that leaves the same large parts of the model asleep.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable, Collection, Sequence
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

from ...model.model import Model
from ...runtime import kept
from ...runtime.progress import Progress
from ..pieces import PIECE
from ..reduced_system import ReducedSystem, asleep_species, minor_species, reduce_system
from ..system import System
from ..tape import Tape
from .jit import LoadedCode, best_lanes, processor
from .memory_layout import ProgramDescription, ProgramLayout

LANES_OF_ARM = 2  # of one arm and its second computation: a step takes three quarters of the time of one of ...
LANES_OF_ARMS = 4  # ... so many, and one of more takes twice as long
MOST_HELD = 16  # programs in memory; those used longest ago go first


class Program(NamedTuple):
    """Machine code, and how to call it."""

    description: ProgramDescription
    code: LoadedCode


class ReferenceFormulas(NamedTuple):
    """What machine code is held against, evaluated without it.

    Attributes:
        tape: on the symbols of the model; its outputs are the right-hand sides of all species, without infusions; of
            each species the sum of the sizes of its reactions' contributions; and the Jacobian's entries.
        entries: (row, column) of those, by the species of the model: of the columns that a program has, and where they
            are not zero everywhere.
    """

    tape: Tape
    entries: tuple[tuple[int, int], ...]


class ModelProgram(NamedTuple):
    """The program of a model, its formulas, and the observables of the model as a tape."""

    program: Program
    formulas: ReferenceFormulas
    observables: Tape


class WebProgram(NamedTuple):
    """The program of a model as WebAssembly, with every species and every parameter.

    Attributes:
        description: how it is called.
        module: as `webassembly.compile_module` makes it.
        volumes: the names of what its function ``start`` computes after the initial values.
        fluxes: (species, reaction) of what its function ``fluxes`` computes.
    """

    description: ProgramDescription
    module: bytes
    volumes: tuple[str, ...]
    fluxes: tuple[tuple[str, str], ...]


_held: dict[str, ModelProgram] = {}
_asleep: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {}  # as `_asleep_species` says, by a digest of its input
_lock = Lock()


def program_for(
    reduced: ReducedSystem,
    grid: Sequence[str],
    dense_curves: Sequence[str],
    lanes: int | None = None,
    per_step: int = PIECE,
    follows: bool = False,
) -> Program:
    """The program of a reduced system, compiled where none is kept: some seconds at most.

    Args:
        reduced: the equations.
        grid: species and observables to record at the output times.
        dense_curves: species and observables to record along every step.
        lanes: members that are integrated in lock step; by default what suits the processor.
        per_step: at how many parts of a step curves are recorded.
        follows: whether members may take steps that they are given.
    """
    lanes = lanes or best_lanes()
    layout = ProgramLayout(reduced, tuple(grid), tuple(dense_curves), per_step, follows=follows)
    key = program_key(layout, lanes)
    code = kept.read(key)
    if code is None:
        code = _compile(layout, lanes)
        kept.write(key, code)
    return Program(layout.description(lanes), LoadedCode(code))


def program_key(layout: ProgramLayout, lanes: int) -> str:
    """A digest of everything that the code of `layout` depends on: formulas, processor, compiler, and our own files."""
    return _digest("program", layout.key(), lanes)


def model_program(system: System, awake: Collection[str], zeros: Collection[str], lanes: int) -> ModelProgram:
    """The program of the model of `system`; where it must be compiled, which takes some seconds, that is said first.

    It records every species at the output times and along the steps, and computes every observable.

    Args:
        system: the model.
        awake: species that may start above zero or be dosed. Those that these cannot wake are left out, but for
            `minor_species`.
        zeros: parameters that are zero all the time.
        lanes: members that are integrated in lock step; they change no bit of a result.
    """
    model = _model_digest(system)
    with _lock:
        question = _digest("asleep", model, sorted(awake), sorted(zeros))
        if question not in _asleep:
            all_awake = len(awake) == len(system.species)
            find = partial(_asleep_species, system.model, awake, zeros)
            _asleep[question] = ((), ()) if all_awake else _read_or_make(question, find)
        asleep, needed = _asleep[question]
        key = _digest("model", model, asleep, needed, lanes)
        found = _held.pop(key, None)
        if found is None:
            description, code, *tapes = _read_or_make(key, lambda: _compiled_without(system, asleep, needed, lanes))
            found = ModelProgram(Program(description, LoadedCode(code)), *tapes)
        _held[key] = found  # the last one used is the last one to go
        while len(_held) > MOST_HELD:
            del _held[next(iter(_held))]
    return found


def _asleep_species(
    model: Model, awake: Collection[str], zeros: Collection[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """As `asleep_species`, with `minor_species` awake."""
    values = [each.value for each in model.parameters.values()]
    starts = [each.initial_text for each in model.species.values()]
    minor = _read_or_make(_digest("minor", model.laws, values, starts), partial(minor_species, model))
    return asleep_species(model, {*awake, *minor}, zeros)


def web_program(system: System) -> WebProgram:
    """The program of the model of `system` for a page; where it must be compiled, which takes some seconds, that is
    said first. It records every species at the output times, and computes every observable and flux."""
    volumes = tuple(dict.fromkeys(each.volume for each in system.model.species.values() if each.volume is not None))
    key = _digest("web", _model_digest(system), volumes)
    return WebProgram(*_read_or_make(key, lambda: _compiled_for_web(system, volumes)))


def _compiled_for_web(system: System, volumes: tuple[str, ...]) -> tuple[Any, ...]:
    from .webassembly import LANES, compile_module  # as in `_compile`

    with Progress.announced(f"compiling {system.model.title} for pages, once: some seconds"):
        reduced = reduce_system(system.model, system.species, system.species, {})
        fluxes = tuple([(name, each) for name, parts in system.contributions.items() for each in parts])
        layout = ProgramLayout(reduced, system.species, (), observed=system.observables, fluxes=fluxes)
        module = compile_module(layout, system.parameter_formulas, volumes)
        return layout.description(LANES), module, volumes, fluxes


def _read_or_make(key: str, make: Callable[[], Any]) -> Any:
    """What is kept on disk under `key`, or what is made now and then kept."""
    data = kept.read(key)
    if data is not None:
        return pickle.loads(data)
    made = make()
    kept.write(key, pickle.dumps(made, protocol=5))
    return made


def _compiled_without(
    system: System, asleep: Collection[str], zeros: Collection[str], lanes: int
) -> tuple[ProgramDescription, bytes, ReferenceFormulas, Tape]:
    """The program of a model without some of its species, where some parameters are zero."""
    with Progress.announced(f"compiling {system.model.title}, once: some seconds"):
        awake = [name for name in system.species if name not in asleep]
        reduced = reduce_system(system.model, awake, awake, dict.fromkeys(zeros, 0.0))
        layout = ProgramLayout(reduced, system.species, system.species, observed=system.observables)
        code = _compile(layout, lanes)
    return layout.description(lanes), code, _formulas(system, awake), system.observables_tape


def _formulas(system: System, awake: Collection[str]) -> ReferenceFormulas:
    """The formulas of a system whose graph was made apart from that of the program."""
    graph = system.graph

    def size(node: int) -> int:
        return graph.apply("max", node, graph.apply("neg", node))

    gross = []
    for contributions in system.contributions.values():
        total = graph.constant(0.0)
        for node in contributions.values():
            total = graph.apply("add", total, size(node))
        gross.append(total)
    entries = {
        (row, column): node
        for (row, column), node in system.equations.jacobian.items()
        if system.species[column] in awake
    }
    return ReferenceFormulas(Tape(graph, [*system.rhs, *gross, *entries.values()]), tuple(entries))


def _compile(layout: ProgramLayout, lanes: int) -> bytes:
    from .compiler import compile_program  # writes LLVM's language, which a program that is kept does not need

    return compile_program(layout, lanes)


def _model_digest(system: System) -> str:
    """A digest of what a program of the model of `system` depends on: its formulas, not the values of parameters."""
    signs = [each.signed for each in system.model.species.values()]
    return _digest(system.model.laws, system.species, system.parameters, signs)


def _digest(*parts: object) -> str:
    """A digest of these parts, of the processor and compiler, and of our own files."""
    numerics = Path(__file__).parents[1]
    return hashlib.sha256(repr((parts, processor(), kept.fingerprint(numerics))).encode()).hexdigest()
