"""Optional packages: imported when they are needed, and named with their installation where they are missing."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def package(name: str) -> Any:
    """The module `name` of an optional package of that name; `missing_package` is raised if it is not installed."""
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise missing_package(name) from None


def missing_package(name: str) -> ModuleNotFoundError:
    """The error to raise where the package that pip calls `name` is not installed."""
    return ModuleNotFoundError(f"this needs {name}: pip install {name}", name=name)
