"""Who responds: how far each thing that differs between patients goes with a measure, with intervals."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from ...numerics.trajectory import Array
from .compute import SweepResult
from .designs import Axis
from .population import Population
from .statistics import Flags, measure_values, ranks, varied_axes

FEWEST = 8  # patients with a value, and of each kind 4, below which nothing is said
CHANCE = 0.05  # that an interval leaves out what is true


class Effect(NamedTuple):
    """How one parameter goes with a measure.

    size, low, high: with its 95 % interval. Where the measure counts members (`inside`): Cliff's delta, how much more
    often a responder has the higher value than the lower one, compared with somebody who does not respond: 1 always, 0
    as often, -1 never. Otherwise Spearman's rank correlation. median, other: of the parameter, among responders and
    among the others; None where nothing is counted. clear: whether the interval leaves out zero although so many
    parameters are looked at (Bonferroni).
    """

    axis: Axis
    size: float
    low: float
    high: float
    median: float | None = None
    other: float | None = None
    clear: bool = False


class Responders(NamedTuple):
    """What goes with one measure in one arm.

    arm, measure: their numbers in the sweep. patients: that have a value. responders: of them, those that are counted;
    None where nothing is. effects: the largest first; empty where there are too few patients.
    """

    arm: int
    measure: int
    patients: int
    responders: int | None
    effects: tuple[Effect, ...]


def who_responds(result: SweepResult) -> list[Responders]:
    """For each arm and measure of a population; none for other designs."""
    if not isinstance(result.sweep.design, Population):
        return []
    return [
        _who(result, arm, measure)
        for arm in range(len(result.sweep.arms))
        for measure in range(len(result.sweep.measures))
    ]


def _who(result: SweepResult, arm: int, measure: int) -> Responders:
    item, values = result.sweep.measures[measure], measure_values(result, arm, measure)
    known = ~np.isnan(values)
    values, members = values[known], result.values[known]
    inside = (values >= item.low) & (values <= item.high)
    count = int(inside.sum()) if item.levels else None
    enough = len(values) >= FEWEST and (count is None or min(count, len(values) - count) >= FEWEST // 2)
    if not enough:
        return Responders(arm, measure, len(values), count, ())
    varied = varied_axes(result)
    z = _z(1), _z(len(varied))
    effects = [
        rank_effect(axis, x, values, z) if count is None else responder_effect(axis, x, inside, z)
        for axis, x in ((result.sweep.design.axes[place], members[:, place]) for place in varied)
    ]
    order = sorted(effects, key=lambda each: -abs(each.size))
    return Responders(arm, measure, len(values), count, tuple(order))


def responder_effect(axis: Axis, x: Array, inside: Flags, z: tuple[float, float]) -> Effect:
    """Cliff's delta of `x` between those `inside` and the others, shapes (patients,).

    It is made of the area under a curve, whose interval is that of Hanley and McNeil 1982 on the scale of its logit,
    where it holds for few patients too. z: standard errors that the interval reaches, and that are clear.
    """
    one, other = int(inside.sum()), int((~inside).sum())
    area = (float(ranks(x)[inside].sum()) - one * (one + 1) / 2) / (one * other)
    size, least = 2 * area - 1, 0.5 / (one * other)
    area = min(max(area, least), 1 - least)
    q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
    variance = (area * (1 - area) + (one - 1) * (q1 - area**2) + (other - 1) * (q2 - area**2)) / (one * other)
    logit, error = math.log(area / (1 - area)), math.sqrt(max(variance, 0.0)) / (area * (1 - area))
    low, high = (2 / (1 + math.exp(-(logit + sign * z[0] * error))) - 1 for sign in (-1, 1))
    medians = float(np.median(x[inside])), float(np.median(x[~inside]))
    return Effect(axis, size, low, high, *medians, clear=abs(logit) > z[1] * error)


def rank_effect(axis: Axis, x: Array, values: Array, z: tuple[float, float]) -> Effect:
    """Spearman's rank correlation of `x` with `values`, with Fisher's interval in the form of Bonett and Wright 2000;
    z: as in `responder_effect`."""
    one, other = ranks(x), ranks(values)
    if one.std() == 0 or other.std() == 0:
        return Effect(axis, 0.0, -1.0, 1.0)
    size = float(np.clip(np.corrcoef(one, other)[0, 1], -1.0, 1.0))
    error = math.sqrt((1 + size**2 / 2) / (len(x) - 3))
    middle = math.atanh(np.clip(size, -1 + 1e-12, 1 - 1e-12))
    low, high = math.tanh(middle - z[0] * error), math.tanh(middle + z[0] * error)
    return Effect(axis, size, low, high, clear=abs(middle) > z[1] * error)


def _z(count: int) -> float:
    """How many standard errors an interval reaches, so that all of `count` hold with 95 %."""
    return NormalDist().inv_cdf(1 - CHANCE / (2 * max(count, 1)))
