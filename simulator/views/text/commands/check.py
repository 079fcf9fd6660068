"""What `check` prints of a valid file: a scenario or a model in a line."""

from __future__ import annotations

from ....experiments.scenario import Scenario
from ....model.model import Model
from ..numbers import with_unit


def scenario_line(scenario: Scenario) -> str:
    """A valid scenario: its arms, length, expectations, sweep and model."""
    arms = len(scenario.arms)
    return (
        f"scenario of {arms} arm{'s' * (arms != 1)} over {with_unit(scenario.end, scenario.model.time_unit_text)}, "
        f"{len(scenario.expectations)} expectations, {_sweep(scenario)}model {scenario.model_name}: no faults"
    )


def model_line(model: Model) -> str:
    """A valid model: how many species, reactions and parameters it has."""
    return (
        f"model of {len(model.species)} species, {len(model.reactions)} reactions and "
        f"{len(model.parameters)} parameters: no faults"
    )


def _sweep(scenario: Scenario) -> str:
    if scenario.sweep is None:
        return ""
    design = scenario.sweep.design
    return f"a sweep of {design.count} members ({design.kind} of {len(design.axes)} axes), "
