"""What a solver is given: a stretch of time, and how exact it shall be."""

from __future__ import annotations

from dataclasses import dataclass

from .trajectory import Array

RTOL = 1e-7
ATOL_OF_SCALE = 1e-3  # absolute tolerance = rtol * this * the scale of the species


@dataclass(frozen=True)
class Segment:
    """A stretch of time in which nothing jumps.

    jump is added to the states at `start`; infusion (species units per time) runs all through.
    """

    start: float
    end: float
    jump: Array
    infusion: Array
    parameters: Array
