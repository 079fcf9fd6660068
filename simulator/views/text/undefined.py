"""Observables that are not finite numbers, in words."""

from __future__ import annotations

from ...numerics.trajectory import Trajectory, Undefined
from .numbers import with_unit


def undefined_lines(trajectory: Trajectory, time_unit: str) -> list[str]:
    """A line for each observable that is infinite or not a number somewhere: ``ratio is 0/0 at 0 h``.

    time_unit: that of the model.
    """
    return [undefined_line(each, time_unit) for each in trajectory.undefined]


def undefined_line(undefined: Undefined, time_unit: str) -> str:
    """One of them."""
    cause = undefined.cause or "not a finite number"
    return f"{undefined.name} is undefined: {cause} at {with_unit(undefined.time, time_unit, 6)}"
