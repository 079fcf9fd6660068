"""Programs as WebAssembly, for pages that simulate in a browser.

LLVM's relocatable object for `wasm32` needs no linker: where there is one object, its calls and addresses are right as
they are, and it is a module once it says which functions it exports. Layout of the format: WebAssembly core
specification 1.0, section 5.5; of the names: tool-conventions, Linking.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import llvmlite.binding as llvm
from llvmlite import ir

from ..parameter_formulas import ParameterFormulas
from .builder import WASM, FunctionBuilder
from .codegen import VectorEmitter
from .driver import DriveFunction
from .memory_layout import ProgramLayout
from .rosenbrock_step import StepFunctions

LANES = 2  # doubles in a vector of WebAssembly
TRIPLE = f"{WASM}-unknown-unknown"
FEATURES = "+simd128"
EXPORTED = ("drive", "prepare", "observe", "fluxes", "start")
CUSTOM, EXPORT, START = 0, 7, 8  # ids of sections
LINKING, SYMBOL_TABLE = "linking", 8
FUNCTION, DATA, SECTION = 0, 1, 3  # kinds of symbols
UNDEFINED, NAMED = 0x10, 0x40  # flags of symbols


def compile_module(layout: ProgramLayout, formulas: ParameterFormulas, volumes: Sequence[str]) -> bytes:
    """The module of a program: it exports ``drive``, ``prepare``, ``start``, and ``observe`` and ``fluxes`` where the
    program computes observables and fluxes; it imports one memory and the address of its stack.

    ``start(parameters, out)`` takes a row for each parameter of the model, and writes a row for the initial value of
    each of its species and for each of `volumes`.
    """
    module = ir.Module("program")
    module.triple = TRIPLE
    DriveFunction(layout, StepFunctions(layout, module, LANES), module, LANES)
    _start_function(module, formulas, volumes)
    parsed = llvm.parse_assembly(str(module))
    parsed.verify()
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    target = llvm.Target.from_triple(TRIPLE)
    machine = target.create_target_machine(features=FEATURES, opt=1, reloc="static", codemodel="default")
    code: bytes = machine.emit_object(parsed)
    functions = _functions(code)
    return _exporting(code, {name: functions[name] for name in EXPORTED if name in functions})


def _start_function(module: ir.Module, formulas: ParameterFormulas, volumes: Sequence[str]) -> None:
    code = FunctionBuilder(module, "start", 2, LANES)
    parameters, out = code.arguments
    read = {
        formulas.graph.symbol(name): (lambda place=place: code.load_row(parameters, place))
        for place, name in enumerate(formulas.model.parameters)
    }
    nodes = [*formulas.initial, *(formulas.names[name] for name in volumes)]
    VectorEmitter(code, formulas.graph, read).emit(nodes, lambda place, value: code.store_row(value, out, place))
    code.build.ret_void()


def _exporting(code: bytes, functions: Mapping[str, int]) -> bytes:
    """The object without its custom sections, and with these functions exported; functions: index by name."""
    entries = b"".join(_sized(name.encode()) + b"\0" + _unsigned(index) for name, index in functions.items())
    export = bytes([EXPORT]) + _sized(_unsigned(len(functions)) + entries)
    before, after = bytearray(), bytearray()
    for kind, content in _sections(code):
        if kind != CUSTOM:
            # By the order that the format demands: data count comes between elements and code
            part = after if kind >= START else before
            part += bytes([kind]) + _sized(content)
    return code[:8] + bytes(before) + export + bytes(after)


def _functions(code: bytes) -> dict[str, int]:
    """The index of each function that has a name, from the symbol table."""
    found: dict[str, int] = {}
    for kind, content in _sections(code):
        if kind != CUSTOM:
            continue
        title, place = _name(content, 0)
        if title != LINKING:
            continue
        _, place = _number(content, place)  # the version
        while place < len(content):
            part = content[place]
            size, place = _number(content, place + 1)
            if part == SYMBOL_TABLE:
                found |= _symbols(content, place)
            place += size
    return found


def _symbols(content: bytes, place: int) -> dict[str, int]:
    """The functions of a symbol table that begins at `place`."""
    found: dict[str, int] = {}
    count, place = _number(content, place)
    for _ in range(count):
        kind = content[place]
        flags, place = _number(content, place + 1)
        if kind == DATA:
            _, place = _name(content, place)
            for _ in range(0 if flags & UNDEFINED else 3):  # segment, offset and size
                _, place = _number(content, place)
            continue
        index, place = _number(content, place)
        if kind != SECTION and (not flags & UNDEFINED or flags & NAMED):
            name, place = _name(content, place)
            if kind == FUNCTION:
                found[name] = index
    return found


def _sections(code: bytes) -> Iterator[tuple[int, bytes]]:
    """The id and content of each section."""
    place = 8  # after magic number and version
    while place < len(code):
        kind = code[place]
        size, place = _number(code, place + 1)
        yield kind, code[place : place + size]
        place += size


def _number(code: bytes, place: int) -> tuple[int, int]:
    """An unsigned LEB128 number, and the place after it."""
    number = shift = 0
    while True:
        byte = code[place]
        place += 1
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return number, place


def _name(code: bytes, place: int) -> tuple[str, int]:
    size, place = _number(code, place)
    return code[place : place + size].decode(), place + size


def _unsigned(number: int) -> bytes:
    found = bytearray()
    while number >= 0x80:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*found, number])


def _sized(content: bytes) -> bytes:
    return _unsigned(len(content)) + content
