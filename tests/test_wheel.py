"""The wheel, installed into an empty environment, runs a scenario from another folder."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FILES = """
import importlib.util, pathlib
assert importlib.util.find_spec("simulator") is None
folder = pathlib.Path(importlib.util.find_spec("immunesim").origin).parent
names = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
print(*[name for name in names if "__pycache__" not in name and not name.startswith("scenarios/")])
"""


def run(command, **options):
    clean = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, env=clean, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def built(kind, tmp_path):
    """Builds from a copy: setuptools leaves a folder behind, whose files would be in the next wheel."""
    source = tmp_path / "source"
    source.mkdir()
    for name in ("simulator", "scenarios", "tests"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for path in ROOT.iterdir():
        if path.is_file() and not path.name.startswith("."):
            shutil.copy(path, source)
    run(
        [sys.executable, "-m", "build", "--no-isolation", f"--{kind}", "--outdir", tmp_path / "dist"],
        cwd=source,
    )


@pytest.mark.slow
def test_the_biology_travels_inside_the_package(tmp_path):
    built("wheel", tmp_path)
    wheel = next((tmp_path / "dist").glob("*.whl"))
    venv.create(tmp_path / "venv", with_pip=True)
    programs = tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin")
    run([programs / "python", "-m", "pip", "install", "-q", wheel])
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    command = [programs / "immunesim", "run", "reynolds", "--no-plots", "--report", "--json", "--out", "out"]
    found = run(command, cwd=elsewhere)
    assert json.loads(found)["ok"]
    assert (elsewhere / "out" / "trajectory.csv").exists()
    assert "uPlot" in (elsewhere / "out" / "report.html").read_text(encoding="utf-8")
    installed = run([programs / "python", "-c", FILES], cwd=elsewhere).split()
    assert sorted(installed) == sorted(
        path.relative_to(ROOT / "simulator").as_posix()
        for path in (ROOT / "simulator").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    )
    assert "IL2" in run([programs / "immunesim", "describe", "IL2"], cwd=elsewhere)


def test_the_source_distribution_holds_what_a_report_is_made_of(tmp_path):
    built("sdist", tmp_path)
    with tarfile.open(next((tmp_path / "dist").glob("*.tar.gz"))) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}
    assets = {path.relative_to(ROOT).as_posix() for path in (ROOT / "simulator/views/report/assets").iterdir()}
    assert "simulator/views/report/assets/uPlot.LICENSE" in assets
    assert assets <= held
