"""What every test may use: reproducible hypothesis, and folders with a toy model in them."""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the command line does, before NumPy is imported

import hypothesis
import pytest
from immunesim.experiments.scenario import Scenario
from immunesim.files.toml.scenario_file import read_scenario
from xdist.scheduler import LoadScopeScheduling

from tests.toys import FAILING, FAILING_MODEL, SCENARIO, TOY_MODEL

hypothesis.settings.register_profile(
    "here", derandomize=True, database=None, deadline=None, suppress_health_check=list(hypothesis.HealthCheck)
)
hypothesis.settings.load_profile("here")


ONE_WORKER = ("tests/biology/", "tests/browser/", "tests/numerics/test_fluxes.py", "tests/tasks/test_explain.py")


class ScenarioScheduling(LoadScopeScheduling):
    """Gives all tests of a bundled scenario to one worker, as it does those of `ONE_WORKER`, and every other test to
    the next that is free."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


def group_of(nodeid: str) -> str:
    """The bundled scenario that a test is about, as one of `test_scenarios.py` names it; the folder or file, where
    tests share what takes seconds to make: a browser, the machine code of the human model; otherwise the test
    itself."""
    file, _, name = nodeid.partition("::")
    for each in ONE_WORKER:
        if file.startswith(each):
            return each
    return name.partition("[")[2].removesuffix("]") if file == "tests/test_scenarios.py" and "[" in name else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ScenarioScheduling:
    """The marks `xdist_group` would do the same, but pytest-xdist 3.8 does not see them with pytest 9.2."""
    return ScenarioScheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of one scenario follow one another in one process, so that it is simulated once."""
    first: dict[str, int] = {}
    for number, item in enumerate(items):
        first.setdefault(group_of(item.nodeid), number)
    items.sort(key=lambda item: first[group_of(item.nodeid)])


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A folder of this run of the tests, the same for all of its workers."""
    base = tmp_path_factory.getbasetemp()
    path = (base if worker_id == "master" else base.parent) / "shared"
    path.mkdir(exist_ok=True)
    return path


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
def failing(tmp_path: Path) -> Path:
    """A scenario file of which the arm ``half`` fails at 5 d and the arm ``start`` at once."""
    (tmp_path / "model.toml").write_text(FAILING_MODEL, encoding="utf-8")
    path = tmp_path / "failing.toml"
    path.write_text(FAILING, encoding="utf-8")
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
