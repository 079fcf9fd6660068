"""Which share of the processor's peak a step of the compiled engine reaches, both measured in one process.

The peak is that of a loop of fused multiply-adds on registers alone, compiled by the same path. Operations are counted
in the code of a step as LLVM gets it: two for a fused multiply-add, one for each other operation on numbers.
"""

from __future__ import annotations

import ctypes
import re
import time

import llvmlite.binding as llvm
import numpy as np
from immunesim.experiments.sweeps.compiled import reduced_system_for
from immunesim.numerics import rodas5p
from immunesim.numerics.compiled.builder import FunctionBuilder
from immunesim.numerics.compiled.jit import best_lanes, target_machine
from immunesim.numerics.compiled.memory_layout import ProgramLayout
from immunesim.numerics.compiled.rosenbrock_step import StepFunctions
from llvmlite import ir

from tests.benchmarks.engines import Ours, Question

CHAINS = 12  # that do not wait for one another
REPEATS = 20_000


def peak(lanes: int) -> float:
    """Operations a second of fused multiply-adds, the fastest of 20 repetitions."""
    module = ir.Module("peak")
    module.triple = llvm.get_process_triple()
    code = FunctionBuilder(module, "drive", 1, lanes)
    [w] = code.arguments
    before = code.build.block
    start = [code.load_row(w, i) for i in range(CHAINS)]
    with code.loop(REPEATS):
        cells = [code.build.phi(code.vector) for _ in start]
        values = cells
        for _ in range(8):
            values = [code.fma(each, code.constant(0.999), code.constant(0.001)) for each in values]
        for cell, first, last in zip(cells, start, values, strict=True):
            cell.add_incoming(first, before)
            cell.add_incoming(last, code.build.block)
    for i, value in enumerate(values):
        code.store_row(value, w, i)
    code.build.ret_void()
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(str(module)), target_machine())
    engine.finalize_object()
    call = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(engine.get_function_address("drive"))
    memory = np.ones(CHAINS * lanes + 8)
    address = memory.ctypes.data + -memory.ctypes.data % 64
    spent = []
    for _ in range(20):
        began = time.perf_counter()
        call(address)
        spent.append(time.perf_counter() - began)
    return 2 * lanes * CHAINS * 8 * REPEATS / min(spent)


def operations(layout: ProgramLayout) -> int:
    """Of one attempted step of one member."""
    module = ir.Module("step")
    StepFunctions(layout, module, 4)
    count = {}
    for name in ("evaluate", "factor", "add_rhs", "solve"):
        text = str(module.globals[name])
        count[name] = 2 * len(re.findall(r"@\"llvm\.fma", text)) + len(re.findall(r"= f(?:add|sub|mul|div) ", text))
    sums = sum(2 * sum(map(len, rows)) for rows in (rodas5p.A[:6], rodas5p.C)) * len(layout.reduced.species)
    stages = rodas5p.STAGES
    return count["evaluate"] + count["factor"] + (stages - 1) * count["add_rhs"] + stages * count["solve"] + sums


def share(question: Question, rtol: float) -> tuple[float, float]:
    """The share of the peak, 0 to 1, and the peak in operations a second."""
    lanes, ours = best_lanes(), Ours(question)
    reduced = reduced_system_for(question.scenario, [question.arm], question.axes)
    layout = ProgramLayout(reduced, tuple(question.system.species), ())
    ((_, batch),) = list(ours.members.batches(question.values[:400]))
    spent, found = [], None
    for _ in range(5):
        began = time.thread_time()
        found = ours.engine.run(batch, question.times[:0], rtol)
        spent.append(time.thread_time() - began)
    reached = operations(layout) * int(found.attempts.sum()) / min(spent)
    most = peak(lanes)
    return reached / most, most
