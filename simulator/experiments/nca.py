"""Non-compartmental analysis of a curve, dose by dose: its peak, trough and area in the interval after each."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ..model.instants import ticks_of, time_of
from ..model.model import Model
from ..runtime.errors import InputError, request_fault
from .measured import IN_WORDS, Cause, CurveFunction, MemberCurves, curves_of
from .measures import CurveArguments
from .run import ArmResult, RunResult
from .scenario import Arm, Dose

MAX, TIME_OF_MAX, AUC, BEFORE = "max", "time_of_max", "auc", "before"


class DoseInterval(NamedTuple):
    """A curve from one dose to the next into the same target.

    Attributes:
        dose, number: its name, and which of its times, counted from 1.
        start, end: of the interval, in the model's time unit. It is as long as those of the dose are, or ends before
            with the next dose into the target or with the run.
        peak, time_of_peak: the highest value, and how long after the dose.
        trough: the value just before the end.
        area: under the curve, in its unit times that of time.
        accumulation: the area in terms of that of the first interval, if that is as long and after as large a dose; NaN
            otherwise.
        reason: why there are no values: the run failed in the interval.
    """

    dose: str
    number: int
    start: float
    end: float
    peak: float
    time_of_peak: float
    trough: float
    area: float
    accumulation: float
    reason: str = ""


class _Given(NamedTuple):
    """One time at which a dose is given."""

    ticks: int
    dose: Dose
    number: int


def nca_names(model: Model, words: Sequence[str], arms: Sequence[Arm]) -> list[str]:
    """The species and observables that `words` mean; `InputError` with those that mean none, or if nothing is given."""
    found = [model.find(word, "species", "observables") for word in words]
    faults = [
        request_fault(model.unknown(word, "species", "observables"), f"--nca {word}")
        for word, name in zip(words, found, strict=True)
        if name is None
    ]
    if words and not any(arm.doses for arm in arms):
        faults.append(request_fault("nothing is given in any arm, so that there is no dose to look at", "--nca"))
    if faults:
        raise InputError(faults)
    return list(dict.fromkeys(name for name in found if name is not None))


def dose_intervals(result: RunResult, name: str, arm: str) -> list[DoseInterval]:
    """The curve `name` of an arm after each dose that is given before the end of what was simulated, in order of time;
    doses at one time into one target are one."""
    each = result.arms[arm]
    reached = _reached(each)
    curves = curves_of(each.trajectory.dense, each.trajectory.outcome.ok)
    found: list[DoseInterval] = []
    for target in dict.fromkeys(dose.target for dose in each.arm.doses):
        series = _series([dose for dose in each.arm.doses if dose.target == target], reached)
        whole = list(_intervals(curves, name, series, reached))
        if not each.trajectory.outcome.ok:
            whole = [_without_values(one) if one.end >= reached else one for one in whole]
        found += _with_accumulation(series, whole)
    return sorted(found, key=lambda interval: interval.start)


def _reached(arm: ArmResult) -> float:
    """When the run ended, or failed, which is after the last time that was saved."""
    if arm.trajectory.outcome.time is not None:
        return arm.trajectory.outcome.time
    return float(arm.trajectory.times[-1]) if len(arm.trajectory.times) else 0.0


def _series(doses: Sequence[Dose], reached: float) -> list[_Given]:
    """The times before `reached` at which something is given, each once: the first of the doses has the name."""
    given = [
        _Given(dose.ticks(number), dose, number) for dose in doses for number in range(dose.count) if dose.part(number)
    ]
    earlier = [each for each in given if each.dose.time(each.number) < reached]
    by_time = {each.ticks: each for each in reversed(earlier)}
    return [by_time[ticks] for ticks in sorted(by_time)]


def _intervals(curves: MemberCurves, name: str, series: Sequence[_Given], reached: float) -> Iterator[DoseInterval]:
    for place, (_, dose, number) in enumerate(series):
        start, end = dose.time(number), reached
        if place + 1 < len(series):
            after = series[place + 1]
            end = after.dose.time(after.number)
        if dose.every:
            later = time_of(dose.ticks(number) + ticks_of(dose.every, dose.time_unit), dose.time_unit)
            end = min(end, later)

        def value(function: str, arguments: CurveArguments) -> float:
            return curves.value(CurveFunction(function, arguments, "")).number()

        window = CurveArguments(name, None, None, (start, end))
        yield DoseInterval(
            dose.name,
            number + 1,
            start,
            end,
            value(MAX, window),
            value(TIME_OF_MAX, window) - start,
            value(BEFORE, CurveArguments(name, end, None, None)),
            value(AUC, window),
            math.nan,
        )


def _without_values(interval: DoseInterval) -> DoseInterval:
    none, why = math.nan, IN_WORDS[Cause.NOT_REACHED]
    return interval._replace(peak=none, time_of_peak=none, trough=none, area=none, reason=why)


def _with_accumulation(series: Sequence[_Given], intervals: list[DoseInterval]) -> Iterator[DoseInterval]:
    for given, interval in zip(series, intervals, strict=True):
        first, dose = intervals[0], series[0].dose
        unit = dose.time_unit
        lengths = {ticks_of(each.end, unit) - ticks_of(each.start, unit) for each in (first, interval)}
        alike = given.dose.name == dose.name and len(lengths) == 1
        alike &= given.dose.part(given.number) == dose.part(series[0].number)
        yield interval._replace(accumulation=interval.area / first.area if alike and first.area else math.nan)
