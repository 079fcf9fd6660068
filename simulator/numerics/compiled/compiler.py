"""From the layout of a program to machine code: what is needed once, where no code is kept."""

from __future__ import annotations

import llvmlite.binding as llvm
from llvmlite import ir

from .driver import DriveFunction
from .jit import best_lanes, target_machine
from .memory_layout import ProgramLayout
from .rosenbrock_step import StepFunctions

MOST_ROWS = 2  # in one vector, which more often than not would lie across two lines of the cache with more


def compile_program(layout: ProgramLayout, lanes: int) -> bytes:
    """The object file of a program."""
    module = ir.Module("program")
    module.triple = llvm.get_process_triple()
    rows_at_once = min(MOST_ROWS, max(1, best_lanes() // lanes), max(1, len(layout.reduced.species)))
    DriveFunction(layout, StepFunctions(layout, module, lanes, rows_at_once), module, lanes)
    parsed = llvm.parse_assembly(str(module))
    parsed.verify()
    code: bytes = target_machine().emit_object(parsed)
    return code
