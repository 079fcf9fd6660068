"""The versions that a number depends on."""

from __future__ import annotations

import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version


def versions(*others: str) -> dict[str, str]:
    """The versions that the numbers depend on."""
    found = {"python": platform.python_version(), "platform": platform.platform()}
    for name in ("immunesim", "numpy", "scipy", *others):
        found[name] = _version(name)
    return found


@cache  # importlib reads all that a package says of itself
def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "checkout"
