"""What a fit estimates: which values, between which bounds, on which scale, and what is known of them before."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from ..sweeps.designs import Axis

if TYPE_CHECKING:  # a scenario has a fit
    from ..scenario import Data

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


class Fit(NamedTuple):
    """``[fit]`` of a scenario. starts: from how many places it is searched. document: the table with all defaults."""

    estimates: tuple[Estimate, ...]
    starts: int
    seed: int
    document: Mapping[str, Any]


def has_unknown_errors(data: Data) -> bool:
    """Whether nothing says how large the errors of data are, so that they follow from the residuals."""
    return data.error.sd is None and data.error.cv is None and all(point.sd is None for point in data.points)


def weighing(data: Data) -> Data:
    """Data without the points that have no error, and so no weight in a fit."""
    if has_unknown_errors(data):
        return data
    said = {
        "additive": (data.error.sd,),
        "combined": (data.error.sd, data.error.cv),
        "proportional": (data.error.cv,),
        "lognormal": (data.error.cv,),
    }[data.error.kind]
    if None not in said:
        return data
    return data._replace(points=tuple([point for point in data.points if point.sd is not None]))


def shortfall(estimates: Sequence[Estimate], data: Sequence[Data]) -> str:
    """Why data are too few for these values; empty if they are not."""
    weighed, many = [weighing(each) for each in data], len(estimates)
    priors = sum(each.prior is not None for each in estimates)
    told = {(each.arm, each.curve.text, p.time) for each in weighed for p in each.points if not p.censored}
    if not told and any(each.points for each in data):
        return "no point of [[data]] has an error and a value, though others do: give 'sd' or 'cv' for all"
    if len(told) + priors < many:
        what = f"{len(told)} points of different times or curves" + (f" and {priors} priors" if priors else "")
        return f"{many} values cannot be estimated from {what}: estimate fewer, or add priors"
    if any(has_unknown_errors(each) for each in data) and sum(len(each.points) for each in weighed) + priors <= many:
        return (
            f"{many} values cannot be estimated from as many points whose errors are not known: give 'sd' or 'cv' in "
            "[[data]]"
        )
    return ""
