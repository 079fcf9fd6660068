"""Small programs of machine code, for tests: functions of rows in, rows out."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import llvmlite.binding as llvm
import numpy as np
from immunesim.numerics.compiled.builder import FunctionBuilder
from immunesim.numerics.compiled.jit import target_machine
from llvmlite import ir

Array = np.ndarray


def compiled(write: Callable[..., Any], arguments: int, lanes: int, outputs: int | None = None) -> Callable[..., Array]:
    """write(code, *vectors) -> vector, as a function of arrays of any one length.

    write may give a list of `outputs` vectors; then the function gives an array of shape (outputs, length).
    """
    module = ir.Module("test")
    module.triple = llvm.get_process_triple()
    code = FunctionBuilder(module, "function", arguments + 1, lanes)
    *inputs, output = code.arguments
    written = write(code, *[code.load_row(each, 0) for each in inputs])
    for place, vector in enumerate(written if outputs else [written]):
        code.store_row(vector, output, place)
    code.build.ret_void()
    parsed = llvm.parse_assembly(str(module))
    parsed.verify()
    engine = llvm.create_mcjit_compiler(parsed, target_machine())
    engine.finalize_object()
    call = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * (arguments + 1))(engine.get_function_address("function"))

    def function(*arrays: Array) -> Array:
        count = len(arrays[0])
        found = []
        for start in range(0, count, lanes):
            rows = [_row(each[start : start + lanes], lanes) for each in arrays]
            out = _row(np.zeros(lanes * (outputs or 1)), lanes * (outputs or 1))
            call(*[each.ctypes.data for each in (*rows, out)])
            found.append(out.reshape(-1, lanes)[:, : count - start].copy())
        assert engine  # it owns the code
        joined = np.concatenate(found, axis=1)
        return joined if outputs else joined[0]

    return function


def _row(values: Array, lanes: int) -> Array:
    """A copy that begins where a cache line does, filled up with ones."""
    memory = np.ones(lanes + 8)
    start = -memory.ctypes.data // 8 % 8
    memory[start : start + len(values)] = values
    return memory[start : start + lanes]
