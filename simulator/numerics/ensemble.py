"""Many members of one model, as arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .trajectory import Array


@dataclass(frozen=True)
class Batch:
    """m members that pass through the same number k of segments.

    initial: (m, species), before the first jump. starts, ends: (k, m), model time. jumps: for each segment,
    by the place of a species, what is added to it at the start, (m,). infusions: the same per time, all
    through the segment. parameters: for each segment (m, parameters), one and the same array where
    nothing changes.
    """

    initial: Array
    starts: Array
    ends: Array
    jumps: Sequence[Mapping[int, Array]]
    infusions: Sequence[Mapping[int, Array]]
    parameters: Sequence[Array]
