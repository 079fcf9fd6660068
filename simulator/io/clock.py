"""The unit of time that people read a scenario in."""

from __future__ import annotations

from ..experiments.scenario import Scenario
from ..model.units import quantity


def clock_of(scenario: Scenario) -> tuple[str, float]:
    """The unit of time in which the scenario gives its end, and how many of it make one of the model's."""
    _, unit, text = quantity(str(scenario.document["time"]["end"]))
    return text, scenario.model.time_unit.to(unit)
