"""Whether machine code can be had here. It imports nothing heavy, so that every room can ask it."""

from __future__ import annotations

import os
from functools import cache

VARIABLE = "IMMUNESIM_ENGINE"  # in the environment: "scipy" refuses machine code


def available() -> bool:
    """Whether programs can be compiled or loaded; the first call imports llvmlite."""
    return os.environ.get(VARIABLE) != "scipy" and not why_not()


@cache
def why_not() -> str:
    """Why llvmlite cannot be used, or ''."""
    try:
        import llvmlite.binding  # noqa: F401
    except (ImportError, OSError, RuntimeError) as error:  # not installed, or its library does not fit this system
        return f"{type(error).__name__}: {error}"
    return ""
