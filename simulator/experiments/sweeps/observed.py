"""Data next to the members of a sweep: how many points lie among them, and the percentiles of many subjects."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import numpy as np

from ...numerics.trajectory import Array
from ..scenario import Arm, Data, Scenario
from ..timetable import settled_arm
from .compute import QUANTILES, SweepResult

TOGETHER = 0.02  # of the run: points that are measured closer to each other count as of one time
MANY = 8  # points of one time, at least, that have percentiles


class ObservedBand(NamedTuple):
    """Percentiles of what was measured.

    times: of groups of points, shape (k,), in the model's time unit. values: `QUANTILES` of each group, shape
    (quantiles, k), in the unit of the curve; of a value below a limit the limit counts.
    """

    times: Array
    values: Array


class Among(NamedTuple):
    """How many of the points of data that lie within the time of the run are from 5 to 95 % of the members."""

    data: Data
    inside: int
    of: int


class Measured(NamedTuple):
    """What was measured of the curves that a sweep keeps.

    data: of the arms that are swept. others: data of arms that are not, and that none of them stands for.
    """

    data: tuple[Data, ...]
    others: tuple[Data, ...]


def measured(result: SweepResult) -> Measured:
    """The data of a sweep. Subjects with an arm each, who were given what a swept arm gives, and differ from it by
    nothing but what varies, are people like its members: their points are taken together."""
    scenario, kept = result.scenario, {curve for _, curve in result.bands}
    varied = {axis.path for axis in result.sweep.design.axes}
    regimens = [(name, _regimen(scenario, scenario.arm(name), varied)) for name in result.sweep.arms]
    found: list[Data] = []
    others: list[Data] = []
    together: dict[tuple[str, str, str], list[Data]] = {}
    for data in scenario.data:
        if data.curve.text not in kept:
            continue
        if data.arm in result.sweep.arms:
            found.append(data)
            continue
        given = _regimen(scenario, scenario.arm(data.arm), varied)
        arm = next((name for name, regimen in regimens if regimen == given), None)
        if arm is None:
            others.append(data)
        else:
            together.setdefault((arm, data.curve.text, data.unit_text), []).append(data)
    for (arm, _, _), each in together.items():
        points = [point._replace(subject=data.name) for data in each for point in data.points]
        count = len({data.arm for data in each})
        name = f"{count} subjects" if count > 1 else each[0].name
        found.append(each[0]._replace(name=name, arm=arm, points=tuple(points)))
    return Measured(tuple(found), tuple(others))


def _regimen(scenario: Scenario, arm: Arm, varied: Collection[str]) -> tuple[object, ...]:
    """All that an arm does, without the names of its doses and the values of what varies."""
    doses = sorted(
        (dose.ticks(number), dose.target, dose.amount * dose.factor, *dose.body, dose.volume or "", dose.over, dose.lag,
         dose.share, dose.steady, dose.part(number))
        for dose in settled_arm(arm, scenario.model).doses
        for number in range(dose.count)
    )  # fmt: skip
    parameters = {name: value for name, value in scenario.parameters(arm).items() if name not in varied}
    return doses, parameters, arm.initial, arm.changes, arm.inputs, arm.rules


def data_of(result: SweepResult, arms: Collection[str], curve: str) -> list[Data]:
    """What was measured of a curve in these arms."""
    return [each for each in measured(result).data if each.arm in arms and each.curve.text == curve]


def among_members(result: SweepResult) -> list[Among]:
    """All data of curves that the sweep keeps; a value below a limit is inside where a member may be below it too."""
    found = []
    for data in measured(result).data:
        band = result.bands.get((data.arm, data.curve.text))
        if band is None or not np.isfinite(band).any():
            continue
        times, values = _points(data)
        low, high = (np.interp(times, result.times, band[row]) for row in (0, -1))
        below = np.array([point.censored for point in data.points])
        inside = (values >= low) & ((values <= high) | below)
        found.append(Among(data, int(inside.sum()), len(values)))
    return found


def observed_band(data: Data, end: float) -> ObservedBand | None:
    """The percentiles of `MANY` points or more at the same time; None where there are none. end: of the run."""
    times, values = _points(data)
    order = np.argsort(times, kind="stable")
    times, values = times[order], values[order]
    cuts = np.flatnonzero(np.diff(times) > TOGETHER * end) + 1
    groups = [each for each in np.split(np.arange(len(times)), cuts) if len(each) >= MANY]
    if not groups:
        return None
    quantiles = [np.quantile(values[each], QUANTILES) for each in groups]
    return ObservedBand(np.array([times[each].mean() for each in groups]), np.array(quantiles).T)


def _points(data: Data) -> tuple[Array, Array]:
    """Times, and values in the unit of the curve."""
    times = np.array([point.time for point in data.points])
    return times, np.array([point.value for point in data.points]) * data.unit.to(data.curve.unit)
