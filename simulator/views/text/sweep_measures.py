"""What the figures of a sweep show: labels, values of measures, what is missing, and a description in words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...experiments.sweeps import statistics
from ...experiments.sweeps.compute import SweepResult
from ...experiments.sweeps.designs import Axis, Product, SweepMeasure
from ...numerics.trajectory import Array
from .english import counted
from .numbers import axis_title, interval, number, with_unit

KINDS = {
    "grid": "Grid",
    "zip": "Values taken together",
    "list": "List",
    "lhs": "Latin hypercube",
    "sobol": "Sobol sequence",
    "random": "Random sample",
    "one_at_a_time": "One parameter at a time",
    "morris": "Morris' trajectories",
    "saltelli": "Saltelli's sample",
    "local": "Small steps from the scenario",
    "population": "Virtual patients",
    "product": "Product",
}


def item_label(item: Axis | SweepMeasure, log: bool = False) -> str:
    """Label and unit of an axis or a measure, and that its scale is logarithmic where it is."""
    return axis_title(title(item) if isinstance(item, SweepMeasure) else item.label, item.unit_text, log)


def title(measure: SweepMeasure) -> str:
    """A measure as figures call it, which wrap it where it is a sentence: its label, or its id where it has none."""
    return measure.label or measure.id


def inside_text(result: SweepResult, arm: int, measure: int) -> str:
    """The interval of a measure and the share of members in it, of those with a value: ``below 0.35: 17.4 %``; empty if
    it has none."""
    item, values = result.sweep.measures[measure], statistics.measure_values(result, arm, measure)
    known = int((~np.isnan(values)).sum())
    return share_text(item, item.inside(values) / known) if item.levels and known else ""


def share_text(measure: SweepMeasure, share: float) -> str:
    """The interval of a measure, and the share of members in it: ``below 0.35: 17.4 %``."""
    return f"{interval(measure.low, measure.high, measure.unit_text)}: {number(100 * share)} %"


def arm_titles(result: SweepResult) -> list[str]:
    """The titles of the arms that are measured."""
    return [result.scenario.arm(name).title for name in result.sweep.arms]


def missing_parts(
    result: SweepResult, arm: int, measure: int | None, failed_mark: str = "×", none_mark: str = "○"
) -> list[str]:
    """How many members failed, and how many have no value of the measure, each with its mark in the figure."""
    total = len(result.numbers)
    none = int(statistics.without_value(result, arm, measure).sum()) if measure is not None else 0
    counts = ((int(result.failed[:, arm].sum()), "failed", failed_mark), (none, "without value", none_mark))
    return [
        f"{f'all {total}' if count == total else f'{count} of {total}'} {what} ({mark})"
        for count, what, mark in counts
        if count
    ]


def missing(result: SweepResult, arm: int, measure: int | None, failed_mark: str = "×", none_mark: str = "○") -> str:
    """`missing_parts` in one line; empty if nothing is missing."""
    return ", ".join(missing_parts(result, arm, measure, failed_mark, none_mark))


def members_text(result: SweepResult) -> str:
    """How the members were chosen and how many there are."""
    design = result.sweep.design
    members = len(result.numbers)
    count = (
        f"{members:,} of {counted(design.count, 'member')} so far"
        if members < design.count
        else f"{counted(members, 'member')}"
    )
    if isinstance(design, Product):
        name = "virtual patients" if design.inner.kind == "population" else f"members ({KINDS[design.inner.kind]})"
        return f"{design.inner.count} {name} at each of {design.outer.count} points, {count}"
    shape = f" of {' × '.join(map(str, design.shape))}" if len(design.shape) > 1 else ""
    return f"{KINDS.get(design.kind, design.kind)}{shape}, {count}"


def extremes_text(result: SweepResult, arm: int, measure: int, axes: Sequence[int]) -> str:
    """Smallest and largest value of a measure, and where on `axes` each is, in words."""
    values = statistics.measure_values(result, arm, measure)
    item = result.sweep.measures[measure]
    if np.isnan(values).all():
        return "no value"
    parts = []
    for word, at in (("smallest", int(np.nanargmin(values))), ("largest", int(np.nanargmax(values)))):
        where = values_text(result, result.values[at], axes) or f"member {result.numbers[at]}"
        parts.append(f"{word} {with_unit(values[at], item.unit_text)} at {where}")
    return f"{', '.join(parts)}, median {with_unit(float(np.nanmedian(values)), item.unit_text)}"


def values_text(result: SweepResult, row: Array, axes: Sequence[int]) -> str:
    """The values of a member, shape (axes,), for some of the axes: ``dose 3 nmol, weight 70 kg``."""
    found = [(result.sweep.design.axes[i], row[i]) for i in axes]
    return ", ".join(f"{axis.label} {with_unit(float(value), axis.unit_text)}" for axis, value in found)


def describe_measures(result: SweepResult, start: str, measures: Sequence[int], axes: Sequence[int]) -> str:
    """A figure in words: for each measure and arm its extremes over `axes`, and what is missing."""
    sweep = result.sweep
    parts = [f"{start}; {members_text(result)}."]
    for j in measures:
        for a, arm in enumerate(arm_titles(result)):
            absent = missing(result, a, j, "no value because the simulation failed", "it cannot be read")
            text = f"{sweep.measures[j].label} ({arm}): {extremes_text(result, a, j, axes)}"
            parts.append(f"{text}{'; ' + absent if absent else ''}.")
    return " ".join(parts)


def sampled(count: int, most: int) -> NDArray[np.intp]:
    """At most `most` of the numbers below `count`, evenly at random, always the same, increasing."""
    if count <= most:
        return np.arange(count)
    return np.sort(np.random.default_rng(0).permutation(count)[:most])
