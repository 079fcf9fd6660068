"""Benchmarks are run by hand and seldom; what they import from the package is there all the same."""

from __future__ import annotations

import ast
from importlib import import_module
from pathlib import Path

import pytest

FILES = sorted((Path(__file__).parent / "benchmarks").glob("*.py"))


def test_there_are_benchmarks() -> None:
    assert FILES


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_what_a_benchmark_imports_is_there(file: Path) -> None:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("immunesim"):
            module = import_module(node.module)
            assert [each.name for each in node.names if not hasattr(module, each.name)] == [], node.module
