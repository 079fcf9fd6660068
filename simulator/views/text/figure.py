"""A figure of a run in words, for those who cannot see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...experiments.clock import clock_of
from ...experiments.measured import highest_point
from ...experiments.residuals import DataResult
from ...experiments.scenario import Arm, Scenario
from ...experiments.targets import Target
from ...numerics.trajectory import Trajectory
from .curve import FLAT, describe_curve
from .data import data_lines
from .doses import dose_words, input_words
from .english import quoted
from .numbers import interval, number, with_unit
from .rules import settings_words
from .timed_changes import windows


@dataclass(frozen=True)
class Curve:
    """A time course with its name in a figure.

    arm: the arm of the scenario that it is, or empty.
    """

    label: str
    trajectory: Trajectory
    arm: str = ""


def describe_figure(
    scenario: Scenario,
    names: Sequence[str],
    curves: Sequence[Curve],
    arms: Sequence[Arm],
    aims: Sequence[Target],
    log: Mapping[str, bool] | None,
    data: Sequence[DataResult],
) -> str:
    """What a figure shows: its curves, which of them are alike, doses, timed changes and expected ranges.

    Args:
        scenario: It gives labels, units and the unit of time.
        names: Species, observables or formulas that are drawn.
        curves: Those drawn of each name.
        arms: Whose doses and timed changes are marked.
        aims: The expected ranges.
        log: Whether the axis of a name is logarithmic; without it, it is linear.
        data: What was measured of the curves.
    """
    clock, time_factor = clock_of(scenario)
    labels, end = ", ".join(map(scenario.label, names)), with_unit(scenario.end * time_factor, clock)
    parts = [f"Time course of {labels} from 0 to {end}."]
    for name in names:
        scale = " on a log scale" if (log or {}).get(name) else ""
        parts.append(f"{scenario.label(name)}{scale}:")
        drawn: list[Curve] = []
        for curve in curves:
            twin = next((other for other in drawn if _alike(curve.trajectory, other.trajectory, name)), None)
            if twin is not None:
                parts.append(f"{curve.label}: like {twin.label}.")
                continue
            drawn.append(curve)
            parts.append(f"{curve.label}: {course_of(scenario, curve.trajectory, name)}.")
    doses = {(dose.name, dose.at, dose.count, dose.times): dose for arm in arms for dose in arm.doses}
    if doses:
        words = [
            f"{dose.name.replace('_', ' ')} {dose_words(scenario.model, dose, time_factor, clock)}"
            for dose in doses.values()
        ]
        parts.append(f"Doses: {'; '.join(words)}.")
    for each in dict.fromkeys(each for arm in arms for each in arm.inputs):
        of = scenario.model.parameters[each.parameter].label
        parts.append(f"{of} {input_words(scenario.model, each, time_factor, clock)}.")
    for time, told in dict.fromkeys(each for arm in arms for each in settings_words(arm, scenario.model)):
        parts.append(f"Set by a rule at {with_unit(time * time_factor, clock)}: {told}.")
    for window in windows(scenario, arms):
        whole = len(window.arms) == len(arms)
        who = "" if whole else f" ({quoted([arm.title for arm in arms if arm.name in window.arms])})"
        parts.append(
            f"From {number(window.start * time_factor)} to {with_unit(window.end * time_factor, clock)}{who}: "
            f"{window.text}."
        )
    parts += [aim_words(scenario, aim) for aim in aims]
    parts += [f"Measured: {line}." for line in data_lines(scenario, data)]
    return " ".join(parts)


def course_of(scenario: Scenario, trajectory: Trajectory, name: str) -> str:
    """The time course of a species, observable or formula without its name, as `describe_curve` says it."""
    clock, time_factor = clock_of(scenario)
    unit = scenario.curve(name).unit_text
    if name in scenario.formulas:
        return describe_curve(trajectory.times * time_factor, trajectory[name], unit, clock)
    highest, dense = highest_point(scenario.model, trajectory, name, time_factor), trajectory.dense
    return describe_curve(dense.times() * time_factor, dense.values(name), unit, clock, highest)


def _alike(one: Trajectory, other: Trajectory, name: str) -> bool:
    """Whether two curves are hard to tell apart by eye."""
    if not len(one.times) or not len(other.times) or one.times[-1] != other.times[-1]:
        return False
    there = np.interp(one.times, other.times, other[name])
    return bool(np.abs(one[name] - there).max() <= FLAT * np.abs(there).max())


def aim_words(scenario: Scenario, aim: Target) -> str:
    """An expected range in words: what is expected, who published it, and what was simulated."""
    clock, time_factor = clock_of(scenario)
    timed = aim.is_time
    unit, factor = (clock, time_factor) if timed else (scenario.model.unit_text(aim.name), 1.0)
    low, high, found = aim.low * factor, aim.high * factor, aim.simulated * factor
    start, end = aim.t0 * time_factor, aim.t1 * time_factor
    what = aim.drawn.format(time=with_unit(start, clock))
    within = "" if start == end else f" between {number(start)} and {with_unit(end, clock)}"
    verdict = f"{aim.reason or f'simulated: {number(found)}'}, {'met' if aim.met else 'missed'}"
    who = f"{scenario.label(aim.name)} ({scenario.arm(aim.arm).title})"
    return f"Expected of {who}, {what}{within}: {interval(low, high, unit)} ({aim.published}); {verdict}."
