"""Whether machine code can be had here. It imports nothing heavy, so that every room can ask it."""

from __future__ import annotations

import os
from functools import cache

VARIABLE = "IMMUNESIM_ENGINE"  # in the environment: "scipy" refuses machine code


def available() -> bool:
    """Whether programs can be compiled or loaded; the first call imports llvmlite."""
    return not asked_for_scipy() and not why_not()


def asked_for_scipy() -> bool:
    """Whether the user refused machine code."""
    return os.environ.get(VARIABLE) == "scipy"


@cache
def why_not() -> str:
    """Why llvmlite cannot be used, or ''."""
    try:
        import llvmlite.binding  # noqa: F401
    except Exception as error:  # not installed, damaged, or its library does not fit this system: whatever it raises
        return " ".join(f"{type(error).__name__}: {error}".split())
    return ""
