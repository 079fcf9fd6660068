"""The wheel, installed into an empty environment, runs a scenario from another folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def run(command, **options):
    clean = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, env=clean, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_biology_travels_inside_the_package(tmp_path):
    run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path / "dist"], cwd=ROOT)
    wheel = next((tmp_path / "dist").glob("*.whl"))
    venv.create(tmp_path / "venv", with_pip=True)
    programs = tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin")
    run([programs / "python", "-m", "pip", "install", "-q", wheel])
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    found = run([programs / "immunesim", "run", "reynolds", "--no-plots", "--json", "--out", "out"], cwd=elsewhere)
    assert json.loads(found)["ok"]
    assert (elsewhere / "out" / "trajectory.csv").exists()
    assert "IL2" in run([programs / "immunesim", "describe", "IL2"], cwd=elsewhere)
