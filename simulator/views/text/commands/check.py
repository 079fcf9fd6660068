"""What `check` prints of a valid file: a scenario or a model in a line."""

from __future__ import annotations

from ....experiments.scenario import Scenario
from ....model.model import Model
from ..english import counted
from ..numbers import with_unit


def scenario_line(scenario: Scenario) -> str:
    """A valid scenario: its arms, length, expectations, sweep and model."""
    arms, expected = counted(len(scenario.arms), "arm"), counted(len(scenario.expectations), "expectation")
    end = with_unit(scenario.end, scenario.model.time_unit_text)
    data = f"{counted(len(scenario.data), 'block')} of data, " if scenario.data else ""
    return f"scenario of {arms} over {end}, {expected}, {data}{_sweep(scenario)}model {scenario.model_name}: no faults"


def model_line(model: Model) -> str:
    """A valid model: how many species, reactions and parameters it has."""
    return (
        f"model of {len(model.species)} species, {counted(len(model.reactions), 'reaction')} and "
        f"{counted(len(model.parameters), 'parameter')}: no faults"
    )


def _sweep(scenario: Scenario) -> str:
    if scenario.sweep is None:
        return ""
    design = scenario.sweep.design
    return (
        f"a sweep of {counted(design.count, 'member')} ({design.kind} of {counted(len(design.axes), 'axis', 'axes')}), "
    )
