"""What a fit estimates: which values, between which bounds, on which scale, and what is known of them before."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from ..sweeps.designs import Axis

if TYPE_CHECKING:
    from ..scenario import CurveFormula

STARTS, SEED = 20, 1


class Prior(NamedTuple):
    """What is known of a value before the data: it counts like one more measurement.

    value: the most likely one. size: one standard deviation, in the unit of the value; of a `log` prior that of its
    natural logarithm.
    """

    value: float
    size: float
    log: bool


class Estimate(NamedTuple):
    """A value that is estimated. axis: its name, unit, bounds and scale."""

    axis: Axis
    prior: Prior | None = None

    @property
    def ends(self) -> tuple[float, float]:
        """Both bounds on the scale that is searched: of a logarithmic one their natural logarithms."""
        low, high = self.axis.low, self.axis.high
        return (math.log(low), math.log(high)) if self.axis.log else (low, high)


class Prediction(NamedTuple):
    """A curve of which nothing was measured, that is told with the interval in which the fit leaves it.

    time: at which it is told in words, in the model's time unit.
    """

    curve: CurveFormula
    arm: str
    time: float


class Fit(NamedTuple):
    """``[fit]`` of a scenario. starts: from how many places it is searched. document: the table with all defaults."""

    estimates: tuple[Estimate, ...]
    starts: int
    seed: int
    document: Mapping[str, Any]
    predictions: tuple[Prediction, ...] = ()
