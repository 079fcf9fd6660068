"""Which points of the data weigh in a fit, and whether they are enough."""

from __future__ import annotations

from collections.abc import Sequence

from ..scenario import Data
from .design import Estimate


def weighing(data: Data) -> Data:
    """Data without the points that have no error, and so no weight in a fit."""
    if not data.says_errors:
        return data
    sizes = {
        "additive": (data.error.sd,),
        "combined": (data.error.sd, data.error.cv),
        "proportional": (data.error.cv,),
        "lognormal": (data.error.cv,),
    }[data.error.kind]
    if None not in sizes:
        return data
    return data._replace(points=tuple([point for point in data.points if point.sd is not None]))


def shortfall(estimates: Sequence[Estimate], data: Sequence[Data]) -> str:
    """Why data are too few for these values; empty if they are not."""
    weighed, many = [weighing(each) for each in data], len(estimates)
    priors = sum(each.prior is not None for each in estimates)
    values = f"{many} value{'s' * (many != 1)}"
    places = {(each.arm, each.curve.text, p.time) for each in weighed for p in each.points if not p.censored}
    if not places and any(each.points for each in data):
        return "no point of [[data]] has an error and a value, though others do: give 'sd' or 'cv' for all"
    if len(places) + priors < many:
        what = f"{len(places)} point{'s' * (len(places) != 1)} of different times or curves"
        what += f" and {priors} prior{'s' * (priors != 1)}" if priors else ""
        return f"{values} cannot be estimated from {what}: estimate fewer, or add priors"
    if not all(each.says_errors for each in data) and sum(len(each.points) for each in weighed) + priors <= many:
        return (
            f"{values} cannot be estimated from as many points whose errors are not known: give 'sd' or 'cv' in "
            "[[data]]"
        )
    return ""
