"""How much each parameter of a sweep moves a measure: indices with intervals, the largest first."""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np

from ...numerics.trajectory import Array
from .compute import SweepResult
from .designs import Axis
from .sensitivity_designs import LEVELS, Local, Morris, Saltelli, problem, salib
from .statistics import measure_values

FEWEST = 4  # trajectories or base points, below which no interval is given
SEED = 1  # of the resampling that gives the intervals
SMALL = 1e-12  # of the largest value: a measure that varies less does not vary


class Index(NamedTuple):
    """One parameter's influence on a measure.

    value, half: of the main index and of its 95 % interval: of `saltelli` the total index, the share of the variance
    that the parameter takes part in, alone or with others; of `morris` the mean size of the change over the range of
    the parameter, in the unit of the measure; of `local` by how many per cent the measure changes where the parameter
    does by one, with the error of the differences. second, second_half: of `saltelli` the first index, the share of the
    variance that the parameter explains alone; of `morris` the mean change with its sign (no interval). spread: of
    `morris`, the standard deviation of the changes: large where the parameter acts together with others.
    """

    axis: Axis
    value: float
    half: float
    second: float | None = None
    second_half: float | None = None
    spread: float | None = None


class Sensitivity(NamedTuple):
    """The indices of one measure in one arm.

    arm, measure: their numbers in the sweep. indices: the largest first; empty where there are none: `reason` says why.
    used, left_out: how many trajectories or base points had every value, and how many had not.
    """

    arm: int
    measure: int
    indices: tuple[Index, ...]
    used: int
    left_out: int
    reason: str = ""


def sensitivities(result: SweepResult) -> list[Sensitivity]:
    """For each arm and measure the indices that the design is made for; none for other designs."""
    if not isinstance(result.sweep.design, (Morris, Saltelli, Local)):
        return []
    return [
        _sensitivity(result, arm, measure)
        for arm in range(len(result.sweep.arms))
        for measure in range(len(result.sweep.measures))
    ]


def _sensitivity(result: SweepResult, arm: int, measure: int) -> Sensitivity:
    design = result.sweep.design
    every = np.full(design.count, np.nan)
    every[result.numbers] = measure_values(result, arm, measure)
    if isinstance(design, Local):
        return _local(design, arm, measure, every)
    if not isinstance(design, (Morris, Saltelli)):
        return Sensitivity(arm, measure, (), 0, 0, "not a design for sensitivities")
    groups = every.reshape(-1, design.group)
    complete = ~np.isnan(groups).any(axis=1)
    used, left_out = int(complete.sum()), int((~complete).sum())
    values = groups[complete].ravel()
    if used < FEWEST:
        return Sensitivity(arm, measure, (), used, left_out, f"only {used} groups of members have every value")
    if np.ptp(values) <= SMALL * np.abs(values).max():
        return Sensitivity(arm, measure, (), used, left_out, "the measure does not vary")
    with warnings.catch_warnings(), np.errstate(all="ignore"):  # of resamples that do not vary
        warnings.simplefilter("ignore")
        if isinstance(design, Saltelli):
            indices = _sobol(design, values)
        else:
            indices = _morris(design, design.shares().reshape(-1, design.group, len(design.axes))[complete], values)
    return Sensitivity(arm, measure, _ranked(indices), used, left_out)


def _sobol(design: Saltelli, values: Array) -> list[Index]:
    found = salib("analyze.sobol").analyze(problem(len(design.axes)), values, calc_second_order=False, seed=SEED)
    return [
        Index(axis, *(float(found[name][place]) for name in ("ST", "ST_conf", "S1", "S1_conf")))
        for place, axis in enumerate(design.axes)
    ]


def _morris(design: Morris, shares: Array, values: Array) -> list[Index]:
    count = len(design.axes)
    found = salib("analyze.morris").analyze(
        problem(count), shares.reshape(-1, count), values, num_levels=LEVELS, seed=SEED
    )
    return [
        Index(
            axis,
            float(found["mu_star"][place]),
            float(found["mu_star_conf"][place]),
            float(found["mu"][place]),
            None,
            float(found["sigma"][place]),
        )
        for place, axis in enumerate(design.axes)
    ]


def _local(design: Local, arm: int, measure: int, values: Array) -> Sensitivity:
    """Elasticities, from parabolas through the scenario's own value and a pair of others."""
    middle, indices, left_out = float(values[0]), list[Index](), 0
    if np.isnan(middle) or middle == 0:
        what = "no value" if np.isnan(middle) else "is 0"
        reason = f"the measure {'has ' if np.isnan(middle) else ''}{what} in the scenario itself"
        return Sensitivity(arm, measure, (), 0, len(design.axes), reason)
    for place, axis in enumerate(design.axes):
        offsets, found = design.offsets(place), values[1 + 4 * place : 5 + 4 * place]
        if np.isnan(found).any() or not axis.default:
            left_out += 1
            continue
        far = _slope(offsets[:2], found[:2] - middle)
        near = _slope(offsets[2:], found[2:] - middle)
        scale = axis.default / middle
        # the error of a parabola falls by four where its steps are halved
        indices.append(Index(axis, float(scale * (4 * near - far) / 3), abs(float(scale * (near - far)))))
    reason = "" if indices else "no parameter has values on both sides and is not 0"
    return Sensitivity(arm, measure, _ranked(indices), len(indices), left_out, reason)


def _slope(steps: tuple[float, ...], changes: Array) -> float:
    """The slope at 0 of the parabola through 0 that changes by `changes` at `steps`."""
    one, other = steps
    return float((changes[0] * other / one - changes[1] * one / other) / (other - one))


def _ranked(indices: list[Index]) -> tuple[Index, ...]:
    return tuple(sorted(indices, key=lambda each: -abs(each.value)))
