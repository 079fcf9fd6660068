"""What `check` says of a file, without simulating anything."""

from __future__ import annotations

from pathlib import Path

from ..experiments.scenario import Scenario
from ..files.toml.catalogue import builtin_models
from ..files.toml.model_file import read_model
from ..files.toml.scenario_file import find_scenario, is_scenario, read_scenario
from ..views.text.notes import notes
from ..views.text.numbers import with_unit


def check_file(word: str) -> str:
    """One line on a file that is right; `InputError` with everything that is wrong."""
    models = builtin_models()
    if word in models:
        return _model_line(models[word])
    path = find_scenario(word)
    if not is_scenario(path):
        return _model_line(path)
    scenario = read_scenario(path)
    arms = len(scenario.arms)
    remarks = "".join(f"\n  note: {note}" for note in notes(scenario))
    return (
        f"scenario of {arms} arm{'s' * (arms != 1)} over {with_unit(scenario.end, scenario.model.time_unit_text)}, "
        f"{len(scenario.expectations)} expectations, {_sweep(scenario)}model {scenario.model_name}: no faults" + remarks
    )


def _sweep(scenario: Scenario) -> str:
    if scenario.sweep is None:
        return ""
    design = scenario.sweep.design
    return f"a sweep of {design.count} members ({design.kind} of {len(design.axes)} axes), "


def _model_line(path: Path) -> str:
    model = read_model(path)
    return (
        f"model of {len(model.species)} species, {len(model.reactions)} reactions and "
        f"{len(model.parameters)} parameters: no faults"
    )
