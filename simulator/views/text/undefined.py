"""Observables that are not finite numbers, in words."""

from __future__ import annotations

from ...numerics.trajectory import Trajectory
from .numbers import with_unit


def undefined_lines(trajectory: Trajectory, time_unit: str) -> list[str]:
    """A line for each observable that is infinite or not a number somewhere: ``ratio is 0/0 at 0 h``.

    time_unit: that of the model.
    """
    return [
        f"{each.name} is undefined: {each.cause or 'not a finite number'} at {with_unit(each.time, time_unit, 6)}"
        for each in trajectory.undefined
    ]
