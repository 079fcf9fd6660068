"""The unit of time that people read a scenario in."""

from __future__ import annotations

from typing import NamedTuple

from ..model.units import quantity
from .scenario import Scenario


class Clock(NamedTuple):
    """A unit of time, and how many of it make one of the model's."""

    unit: str
    long: float


def clock_of(scenario: Scenario) -> Clock:
    """The unit of time in which the scenario gives its end."""
    _, unit, text = quantity(str(scenario.document["time"]["end"]))
    return Clock(text, scenario.model.time_unit.to(unit))
