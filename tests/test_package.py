"""One package under one name: nothing called `simulator` is ever loaded, and what its docstrings show is run."""

from __future__ import annotations

import doctest
import importlib
import importlib.util
import pkgutil
import subprocess
import sys
from pathlib import Path

import immunesim
import pytest

ROOT = Path(__file__).resolve().parents[1]
MODULES = sorted(module.name for module in pkgutil.walk_packages(immunesim.__path__, "immunesim."))
DOCUMENTED = [name for name in MODULES if ">>> " in Path(str(importlib.util.find_spec(name).origin)).read_text("utf-8")]


def test_there_are_modules_and_examples():
    assert len(MODULES) > 150
    assert len(DOCUMENTED) > 5


def test_the_tests_are_about_this_checkout():
    assert Path(immunesim.__file__).parent == ROOT / "simulator"


@pytest.mark.parametrize("name", DOCUMENTED)
def test_examples_in_docstrings_come_out_as_shown(name):
    failed, tried = doctest.testmod(importlib.import_module(name))
    assert tried
    assert not failed


@pytest.mark.parametrize("script", ["run_sim.py", "-m immunesim.cli"])
def test_nothing_called_simulator_is_loaded(script, tmp_path):
    begin = f"runpy.run_path({str(ROOT / 'run_sim.py')!r})" if script == "run_sim.py" else "import immunesim"
    code = f"""
import runpy, sys
{begin}
from immunesim.cli import main
assert main(["check", "acute_infection"]) == 0
assert not [name for name in sys.modules if name.split(".")[0] == "simulator"]
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_nothing_called_simulator_is_loaded_by_the_tests():
    assert not [name for name in sys.modules if name.split(".")[0] == "simulator"]
