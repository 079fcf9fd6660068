"""The unit of time in which people read a scenario."""

from __future__ import annotations

from typing import NamedTuple

from ..model.units import quantity
from .scenario import Scenario


class Clock(NamedTuple):
    """A unit of time; a time in the model's unit times `factor` is in this unit."""

    unit: str
    factor: float


def clock_of(scenario: Scenario) -> Clock:
    """The unit of time in which the scenario gives its end, such as ``d`` for ``end = "30 d"``."""
    _, unit, text = quantity(str(scenario.document["time"]["end"]))
    return Clock(text, scenario.model.time_unit.to(unit))
