"""What every test may use: reproducible hypothesis, and folders with a toy model in them."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest
from immunesim.experiments.scenario import Scenario
from immunesim.files.toml.scenario_file import read_scenario

from tests.toys import SCENARIO, TOY_MODEL

hypothesis.settings.register_profile(
    "here", derandomize=True, database=None, deadline=None, suppress_health_check=list(hypothesis.HealthCheck)
)
hypothesis.settings.load_profile("here")


@pytest.fixture(autouse=True)
def _no_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is said on stderr shall not depend on how busy the machine is."""
    monkeypatch.setattr("immunesim.runtime.progress.QUIET", math.inf)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that holds the toy model and nothing else."""
    shutil.copy(TOY_MODEL, tmp_path / "toy_model.toml")
    return tmp_path


@pytest.fixture
def toy_file(folder: Path) -> Path:
    """A scenario file on the toy model."""
    path = folder / "toy.toml"
    path.write_text(SCENARIO, encoding="utf-8")
    return path


@pytest.fixture
def scenario(folder: Path) -> Callable[[str], Scenario]:
    """``scenario(text)``: the toy's head and the given TOML text, read."""

    def read(text: str, end: str = "24 h", every: str = "1 h") -> Scenario:
        path = folder / "question.toml"
        head = f'title = "toy"\nmodel = "toy_model.toml"\n[time]\nend = "{end}"\nevery = "{every}"\n'
        path.write_text(head + text, encoding="utf-8")
        return read_scenario(path)

    return read
