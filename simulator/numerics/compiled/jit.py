"""Machine code that can be called: loaded into this process, for this processor."""

from __future__ import annotations

import ctypes
from collections.abc import Callable

import llvmlite
import llvmlite.binding as llvm

OPTIMISATION = 1  # of instruction selection and registers: more takes four times as long and gives the same code
DRIVE = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p)  # lets other threads run meanwhile
OF_WORKSPACE = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
OBSERVE = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 5)


class LoadedCode:
    """The functions of a program, which live as long as this object.

    Attributes:
        drive: takes the address of an array as `memory_layout.ARGUMENTS`, and gives the number of steps of the group.
        prepare: takes the address of a workspace, and computes what depends on parameters alone.
        evaluate: takes the address of a workspace, and computes right-hand side, df/dt and Jacobian at its states.
        observe: takes the addresses that `StepFunctions` says; only of a program with observables to compute.
    """

    def __init__(self, code: bytes) -> None:
        self._engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), target_machine())
        self._engine.add_object_file(llvm.ObjectFileRef.from_data(code))
        self._engine.finalize_object()
        address = self._engine.get_function_address
        self.drive: Callable[[int], int] = DRIVE(address("drive"))
        self.prepare: Callable[[int], None] = OF_WORKSPACE(address("prepare"))
        self.evaluate: Callable[[int], None] = OF_WORKSPACE(address("evaluate"))
        self.observe: Callable[[int, int, int, int, int], None] = OBSERVE(address("observe"))


def best_lanes() -> int:
    """As many as the widest vectors of this processor hold, and at least four."""
    return 8 if llvm.get_host_cpu_features().get("avx512f") else 4


def processor() -> tuple[str, ...]:
    """What machine code depends on besides what it computes: the processor and the compiler."""
    features = llvm.get_host_cpu_features().flatten()
    return llvm.get_process_triple(), llvm.get_host_cpu_name(), features, llvmlite.__version__, str(OPTIMISATION)


def target_machine() -> llvm.TargetMachine:
    """For this processor. An execution engine takes ownership of the one it is given."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_triple(llvm.get_process_triple())
    features = llvm.get_host_cpu_features().flatten()
    return target.create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=features, opt=OPTIMISATION, codemodel="jitdefault"
    )
