"""The versions that a number depends on."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version


def versions(*others: str) -> dict[str, str]:
    """The versions that the numbers depend on."""
    found = {"python": platform.python_version(), "platform": platform.platform()}
    for name in ("immunesim", "numpy", "scipy", *others):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "checkout"
    return found
