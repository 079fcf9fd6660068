"""The wheel, installed into an empty environment, runs a scenario from another folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
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
    command = [programs / "immunesim", "run", "reynolds", "--no-plots", "--report", "--json", "--out", "out"]
    found = run(command, cwd=elsewhere)
    assert json.loads(found)["ok"]
    assert (elsewhere / "out" / "trajectory.csv").exists()
    assert "uPlot" in (elsewhere / "out" / "report.html").read_text(encoding="utf-8")
    assert "IL2" in run([programs / "immunesim", "describe", "IL2"], cwd=elsewhere)


def test_the_source_distribution_holds_what_a_report_is_made_of(tmp_path):
    run([sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", tmp_path], cwd=ROOT)
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}
    assets = {path.relative_to(ROOT).as_posix() for path in (ROOT / "simulator/io/report/assets").iterdir()}
    assert "simulator/io/report/assets/uPlot.LICENSE" in assets
    assert assets <= held
