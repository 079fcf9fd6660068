"""Machine code: made once for a plan, kept on disk, loaded when it is asked for again."""

from __future__ import annotations

import ctypes
import hashlib
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import llvmlite
import llvmlite.binding as llvm
from llvmlite import ir

from .driver import Driver
from .memory_layout import Plan
from .rosenbrock_step import Kernel

OPTIMISATION = 1  # of instruction selection and registers: more takes four times as long and gives the same code
CALLING = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p)  # lets other threads run meanwhile


class Machine:
    """`drive(table)` of a plan, for groups of `lanes` lanes."""

    def __init__(self, plan: Plan, lanes: int) -> None:
        self.plan, self.lanes = plan, lanes
        folder = _cache_folder()
        path = folder and folder / f"{_digest(plan, lanes)}.o"
        code = path and _read(path)
        if not code:
            code = _compile(plan, lanes)
            if path:
                _write(path, code)
        self._engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), target_machine())
        self._engine.add_object_file(llvm.ObjectFileRef.from_data(code))
        self._engine.finalize_object()
        self.drive: Callable[[int], int] = CALLING(self._engine.get_function_address("drive"))


def best_lanes() -> int:
    """As many as the widest vectors of this processor hold, and at least four."""
    return 8 if llvm.get_host_cpu_features().get("avx512f") else 4


def target_machine() -> llvm.TargetMachine:
    """For this processor; an execution engine takes the one it is given and destroys it in the end."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_triple(llvm.get_process_triple())
    features = llvm.get_host_cpu_features().flatten()
    return target.create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=features, opt=OPTIMISATION, codemodel="jitdefault"
    )


def _compile(plan: Plan, lanes: int) -> bytes:
    module = ir.Module("plan")
    module.triple = llvm.get_process_triple()
    Driver(plan, Kernel(plan, module, lanes), module, lanes)
    parsed = llvm.parse_assembly(str(module))
    parsed.verify()
    code: bytes = target_machine().emit_object(parsed)
    return code


def _digest(plan: Plan, lanes: int) -> str:
    """Of everything that the code depends on: formulas, processor, compiler, and our own files."""
    found = hashlib.sha256()
    for path in sorted(Path(__file__).parents[1].glob("**/*.py")):  # whatever it is that has changed in numerics
        found.update(path.read_bytes())
    processor = llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()
    found.update(repr((plan.key(), lanes, processor, llvmlite.__version__, sys.platform, OPTIMISATION)).encode())
    return found.hexdigest()


def _cache_folder() -> Path | None:
    """Where code is kept; None where there is no such place."""
    try:
        return _user_cache() / "immunesim"
    except RuntimeError:  # a user without a home
        return None


def _user_cache() -> Path:
    given = os.environ.get("IMMUNESIM_CACHE")
    if given:
        return Path(given)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


def _read(path: Path) -> bytes | None:
    """Code that was kept; the last 32 bytes say whether it is whole."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    code, check = data[:-32], data[-32:]
    return code if hashlib.sha256(code).digest() == check else None


def _write(path: Path, code: bytes) -> None:
    """Keeps the code; where nothing can be written it is made again the next time."""
    beside = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_bytes(code + hashlib.sha256(code).digest())
        beside.replace(path)
    except OSError:
        with suppress(OSError):
            beside.unlink()
