"""`list`, `check`, `show`, `read_model` and `read_scenario` from Python: what is bundled, and faults in files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ..experiments.scenario import Scenario
from ..files.toml import model_file
from ..model.model import Model
from ..runtime.errors import InputError, called_from, request_fault
from ..tasks import check as check_task
from ..tasks import list as list_task
from ..tasks import show as show_task
from .changes import Settings, files, scenario_request


def list_() -> list_task.Catalogue:
    """The bundled scenarios, with the question of each, and the bundled models.

    >>> import immunesim as sim
    >>> [row["title"] for row in sim.list().scenarios if row["name"] == "acute_infection"]
    ['An acute infection in a healthy adult']
    """
    return list_task.list_all()


list_.__name__ = list_.__qualname__ = "list"


def check(*scenarios: str | Path | Sequence[str | Path]) -> check_task.Checked:
    """All faults of scenario and model files, or of bundled ones by name, without simulating. Raises nothing for them.

    A list stands for its items. The result is true if nothing is wrong, as its `ok`.

    >>> import immunesim as sim
    >>> sim.check("acute_infection").ok
    True
    """
    with called_from("check()"):
        return check_task.check(check_task.CheckRequest(files(scenarios)))


def show(
    scenario: str | Path | Scenario,
    *,
    set: Settings = None,
    knockout: str | Sequence[str] = (),
    block: Mapping[str, str | float] | str | Sequence[str] = (),
    add: str | Sequence[str] = (),
) -> show_task.Shown:
    """A scenario with every default, and where each value came from; arguments as in `run`. Raises `InputError`."""
    with called_from("show()"):
        return show_task.show(scenario_request(scenario, set, knockout, block, add))


def read_model(model: str | Path) -> Model:
    """The `Model` in a file, or a bundled one by its name. Raises `InputError` with everything that is wrong.

    >>> import immunesim as sim
    >>> list(sim.read_model("friberg_2002").species)
    ['proliferating', 'maturing_1', 'maturing_2', 'maturing_3', 'circulating']
    """
    with called_from("read_model()"):
        path = model_file.find_model(str(model), Path.cwd())
        if path is None:
            raise InputError([request_fault(model_file.no_model(str(model)), "model")])
        return model_file.read_model(path)


def read_scenario(
    scenario: str | Path,
    *,
    set: Settings = None,
    knockout: str | Sequence[str] = (),
    block: Mapping[str, str | float] | str | Sequence[str] = (),
    add: str | Sequence[str] = (),
) -> Scenario:
    """The `Scenario` of a file or name, for `run` and others; arguments as in `run`. Raises `InputError`."""
    with called_from("read_scenario()"):
        return scenario_request(scenario, set, knockout, block, add).read()
