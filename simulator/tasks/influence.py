"""`influence`: each parameter of the scenarios multiplied and divided by a factor: which expectations fail?"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..experiments import influence as experiment
from ..experiments.influence import FACTOR
from ..experiments.run import OnProgress
from ..files.results.folder import check_kind, output_folder, write_text
from ..files.toml.scenario_file import read_scenario
from ..runtime.processes import parallel_map
from ..views.text.commands.influence import influence_text
from ..views.text.reliability import first, unreliable_line
from ..views.text.tables import Table
from .answer import Answer, warnings_html
from .request import scenario_paths

if TYPE_CHECKING:
    from pandas import DataFrame


@dataclass(frozen=True)
class InfluenceRequest:
    """scenarios: files or names; all bundled scenarios, which take many minutes, if there are none.
    out: a file for the result as JSON; nothing is written without one."""

    scenarios: tuple[str | Path, ...] = ()
    out: Path | None = None


@dataclass(frozen=True, repr=False)
class ParameterInfluence(Answer):
    """What each parameter can break.

    factor: what parameters are multiplied and divided by.
    models: for each model `breaks`: parameter -> {"up" or "down": expectations}, of every assumed parameter and of
        others until each expectation is broken; `passes_without_mechanism`: expectations that neither they nor an arm
        of their own break; and `unclear`: those that are missed as the model stands, or read an unreliable arm.
        `no_answer`: scenarios, parameters and "up" or "down" with which an arm cannot be simulated to its end.
    unreliable: a line for each arm whose digits are too few to be relied on as the model stands. What changed
        parameters do is computed once, uncertified.
    """

    factor: float
    models: dict[str, dict[str, Any]]
    unreliable: tuple[str, ...] = ()

    @property
    def document(self) -> dict[str, Any]:
        """The same, ready for JSON."""
        return {"unreliable": list(self.unreliable), "factor": self.factor, "models": self.models}

    @property
    def table(self) -> Table:
        """A row for each model, parameter, direction and expectation that then fails."""
        rows = [
            {"model": model, "parameter": name, "direction": way, "breaks": each}
            for model, found in self.models.items()
            for name, ways in found["breaks"].items()
            for way, broken in ways.items()
            for each in broken
        ]
        return Table(rows, {key: (key,) for key in ("model", "parameter", "direction", "breaks")})

    def to_pandas(self) -> DataFrame:
        """The table as a data frame."""
        return self.table.to_pandas()

    def __str__(self) -> str:
        return first(self.unreliable, influence_text(self.document))

    def _repr_html_(self) -> str:
        return warnings_html(self.unreliable) + self.table._repr_html_()


def influence(request: InfluenceRequest) -> ParameterInfluence:
    """Simulates each scenario once for each changed parameter, several scenarios in parallel.

    An interruption leaves nothing.
    Raises `InputError` and `OutputError` before anything is simulated.
    """
    paths = scenario_paths(request.scenarios)
    for path in paths:
        read_scenario(path)
    if request.out is None:
        return _influence(paths)
    check_kind(request.out)
    with output_folder(request.out.absolute().parent):
        found = _influence(paths)
        write_text(request.out, json.dumps(found.document, indent=1) + "\n")
    return found


def _influence(paths: Sequence[Path]) -> ParameterInfluence:
    parts = parallel_map("scenarios", _part, paths)
    return ParameterInfluence(FACTOR, _by_model(parts), tuple(line for part in parts for line in part.unreliable))


class _ScenarioInfluence(NamedTuple):
    """One scenario: its model; expectations that no arm of their own breaks; expectations that are not met as the
    model stands; (parameter, "up" or "down", the expectations that then fail); a line for each arm of too few digits;
    and "scenario: parameter up" where an arm cannot be simulated."""

    model: str
    unsafe: list[str]
    unclear: list[str]
    breaks: list[tuple[str, str, list[str]]]
    unreliable: list[str]
    no_answer: list[str]


def _by_model(parts: Sequence[_ScenarioInfluence]) -> dict[str, dict[str, Any]]:
    models: dict[str, dict[str, Any]] = {}
    for part in parts:
        model = models.setdefault(
            part.model, {"breaks": {}, "passes_without_mechanism": [], "unclear": [], "no_answer": []}
        )
        model["unclear"] += part.unclear
        model["no_answer"] += part.no_answer
        for name, way, broken in part.breaks:
            model["breaks"].setdefault(name, {}).setdefault(way, []).extend(broken)
        known = {each for _, _, broken in part.breaks for each in broken}
        model["passes_without_mechanism"] += [each for each in part.unsafe if each not in known]
    return models


def _part(path: Path, on_progress: OnProgress) -> _ScenarioInfluence:
    scenario = read_scenario(path)
    counted = tuple(each for each in scenario.expectations if not each.set_aside)  # the others are not even looked at
    scenario = replace(scenario, expectations=counted)
    body = {name: each for name, each in scenario.model.parameters.items() if not each.knob}
    assumed = [name for name, each in body.items() if each.assumed]
    others = [name for name in body if name not in assumed]
    found = experiment.influence(scenario, assumed, others, on_progress)
    met = found.met
    breaks = [
        (name, _direction(factor), [f"{scenario.id}/{each}" for each in broken])
        for name, factor, broken in found.effects
    ]
    by_arm = {each.id for each in scenario.expectations if each.breaks_in}
    unsafe = [f"{scenario.id}/{each}" for each in met if each not in by_arm]
    unclear = [
        f"{scenario.id}/{each.id}"
        for each in scenario.expectations
        if each.id not in met and not (each.missed or each.breaks_in)
    ]
    clock = scenario.model.time_unit_text
    unreliable = [unreliable_line(f"{arm} of {scenario.id}", each, clock) for arm, each in found.unreliable.items()]
    no_answer = [f"{scenario.id}: {name} {_direction(factor)}" for name, factor in found.no_answer]
    return _ScenarioInfluence(scenario.model_name, unsafe, unclear, breaks, unreliable, no_answer)


def _direction(factor: float) -> str:
    return "up" if factor > 1 else "down"
