"""From the layout of a program to machine code that can be called: compiled once, kept on disk, loaded from there."""

from __future__ import annotations

import ctypes
import hashlib
import sys
from collections.abc import Callable
from pathlib import Path

import llvmlite
import llvmlite.binding as llvm
from llvmlite import ir

from . import code_cache
from .driver import DriveFunction
from .memory_layout import ProgramLayout
from .rosenbrock_step import StepFunctions

OPTIMISATION = 1  # of instruction selection and registers: more takes four times as long and gives the same code
DRIVE = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p)  # lets other threads run meanwhile


class CompiledProgram:
    """Machine code for `lanes` members at a time.

    Attributes:
        lanes: members that are integrated in lock step.
        drive: takes the address of an array as `memory_layout.ARGUMENTS`, and gives the number of steps of the group.
    """

    def __init__(self, layout: ProgramLayout, lanes: int) -> None:
        self.lanes = lanes
        key = code_key(layout, lanes)
        code = code_cache.read(key)
        if code is None:
            code = compile_program(layout, lanes)
            code_cache.write(key, code)
        self._engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), target_machine())
        self._engine.add_object_file(llvm.ObjectFileRef.from_data(code))
        self._engine.finalize_object()
        self.drive: Callable[[int], int] = DRIVE(self._engine.get_function_address("drive"))


def best_lanes() -> int:
    """As many as the widest vectors of this processor hold, and at least four."""
    return 8 if llvm.get_host_cpu_features().get("avx512f") else 4


def target_machine() -> llvm.TargetMachine:
    """For this processor. An execution engine takes ownership of the one it is given."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_triple(llvm.get_process_triple())
    features = llvm.get_host_cpu_features().flatten()
    return target.create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=features, opt=OPTIMISATION, codemodel="jitdefault"
    )


def compile_program(layout: ProgramLayout, lanes: int) -> bytes:
    """The object file of a program."""
    module = ir.Module("program")
    module.triple = llvm.get_process_triple()
    DriveFunction(layout, StepFunctions(layout, module, lanes), module, lanes)
    parsed = llvm.parse_assembly(str(module))
    parsed.verify()
    code: bytes = target_machine().emit_object(parsed)
    return code


def code_key(layout: ProgramLayout, lanes: int) -> str:
    """A digest of everything that the code depends on: formulas, processor, compiler, and our own files."""
    found = hashlib.sha256()
    for path in sorted(Path(__file__).parents[1].glob("**/*.py")):  # simply all of numerics
        found.update(path.read_bytes())
    processor = llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()
    found.update(repr((layout.key(), lanes, processor, llvmlite.__version__, sys.platform, OPTIMISATION)).encode())
    return found.hexdigest()
