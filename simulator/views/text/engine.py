"""What a command says once where machine code cannot be had."""

from __future__ import annotations

from ...numerics.compiled.availability import asked_for_scipy, why_not


def engine_notes() -> list[str]:
    """One note where llvmlite cannot be imported, so that SciPy computes everything; none where SciPy was asked for."""
    if asked_for_scipy() or not why_not():
        return []
    return [f"llvmlite cannot be used ({why_not()}): SciPy computes everything, many times slower"]
