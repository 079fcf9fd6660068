"""What the pictures of a sweep read from it: members' measures, what is missing, and both in words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...experiments.sweeps.compute import SweepResult
from ...experiments.sweeps.compute import sweep_of as sweep_of_scenario
from ...experiments.sweeps.designs import Axis, Product, Sweep, SweepMeasure
from ...numerics.trajectory import Array
from .numbers import axis_title, interval, number, with_unit
from .sweep_names import short

Flags = NDArray[np.bool_]  # (members,)

KINDS = {
    "grid": "Grid",
    "zip": "Values taken together",
    "list": "List",
    "lhs": "Latin hypercube",
    "sobol": "Sobol sequence",
    "random": "Random sample",
    "one_at_a_time": "One parameter at a time",
    "population": "Virtual patients",
    "product": "Product",
}


def named(item: Axis | SweepMeasure, log: bool = False) -> str:
    """Label and unit of an axis or a measure, and that its scale is logarithmic where it is."""
    return axis_title(title(item) if isinstance(item, SweepMeasure) else item.label, item.unit_text, log)


def title(measure: SweepMeasure) -> str:
    """A measure as figures call it: its label, or its id where that is a sentence."""
    return short(measure.label, measure.id)


def counted(result: SweepResult, arm: int, measure: int) -> str:
    """The share of members in that interval, of those with a value: ``below 0.35: 17.4 %``."""
    item, values = sweep_of(result).measures[measure], measured(result, arm, measure)
    known = int((~np.isnan(values)).sum())
    if not item.levels or not known:
        return ""
    return f"{interval(item.low, item.high, item.unit_text)}: {number(100 * item.inside(values) / known)} %"


def arms_of(result: SweepResult) -> list[str]:
    """The arms as they are called in figures."""
    return [result.scenario.arm(name).title for name in sweep_of(result).arms]


def sweep_of(result: SweepResult) -> Sweep:
    """What was swept."""
    return sweep_of_scenario(result.scenario)


def measured(result: SweepResult, arm: int, measure: int) -> Array:
    """A measure in one arm, shape (members,), in its unit; NaN where it failed or has no finite value."""
    values = np.where(result.failed[:, arm], np.nan, result.measures[:, arm, measure])
    return np.where(np.isfinite(values), values, np.nan)


def empty(result: SweepResult, arm: int, measure: int) -> Flags:
    """Members that were computed but in which the measure has no value, shape (members,), bool."""
    found: Flags = np.isnan(measured(result, arm, measure)) & ~result.failed[:, arm]
    return found


def missing_parts(
    result: SweepResult, arm: int, measure: int | None, failed_mark: str = "×", none_mark: str = "○"
) -> list[str]:
    """How many members failed, and in how many the measure has no value, each with the mark that shows it."""
    total = len(result.numbers)
    none = int(empty(result, arm, measure).sum()) if measure is not None else 0
    counts = ((int(result.failed[:, arm].sum()), "failed", failed_mark), (none, "without value", none_mark))
    return [
        f"{f'all {total}' if count == total else f'{count} of {total}'} {what} ({mark})"
        for count, what, mark in counts
        if count
    ]


def missing(result: SweepResult, arm: int, measure: int | None, failed_mark: str = "×", none_mark: str = "○") -> str:
    """`missing_parts` in one line; empty if nothing is missing."""
    return ", ".join(missing_parts(result, arm, measure, failed_mark, none_mark))


def varied(result: SweepResult) -> list[int]:
    """Axes whose values differ between the members that are there."""
    return [i for i in range(result.values.shape[1]) if len(np.unique(result.values[:, i])) > 1]


def members_words(result: SweepResult) -> str:
    """How the members were chosen and how many are there."""
    design = sweep_of(result).design
    there = len(result.numbers)
    count = (
        f"{there} of {design.count} members so far" if there < design.count else f"{there} member{'s' * (there != 1)}"
    )
    if isinstance(design, Product):
        who = "virtual patients" if design.inner.kind == "population" else f"members ({KINDS[design.inner.kind]})"
        return f"{design.inner.count} {who} at each of {design.outer.count} points, {count}"
    shape = f" of {' × '.join(map(str, design.shape))}" if len(design.shape) > 1 else ""
    return f"{KINDS.get(design.kind, design.kind)}{shape}, {count}"


def extremes(result: SweepResult, arm: int, measure: int, axes: Sequence[int]) -> str:
    """Smallest and largest value of a measure, and where on `axes` each is, in words."""
    values = measured(result, arm, measure)
    item = sweep_of(result).measures[measure]
    if np.isnan(values).all():
        return "no value"
    parts = []
    for word, at in (("smallest", int(np.nanargmin(values))), ("largest", int(np.nanargmax(values)))):
        where = place_words(result, result.values[at], axes) or f"member {result.numbers[at]}"
        parts.append(f"{word} {with_unit(values[at], item.unit_text)} at {where}")
    return f"{', '.join(parts)}, median {with_unit(float(np.nanmedian(values)), item.unit_text)}"


def place_words(result: SweepResult, row: Array, axes: Sequence[int]) -> str:
    found = [(sweep_of(result).design.axes[i], row[i]) for i in axes]
    return ", ".join(f"{axis.label} {with_unit(float(value), axis.unit_text)}" for axis, value in found)


def describe(result: SweepResult, start: str, measures: Sequence[int], axes: Sequence[int]) -> str:
    """A figure in words: for each measure and arm its extremes over `axes`, and what is missing."""
    sweep = sweep_of(result)
    parts = [f"{start}; {members_words(result)}."]
    for j in measures:
        for a, arm in enumerate(arms_of(result)):
            gone = missing(result, a, j, "no value because the simulation failed", "it cannot be read")
            text = f"{sweep.measures[j].label} ({arm}): {extremes(result, a, j, axes)}"
            parts.append(f"{text}{'; ' + gone if gone else ''}.")
    return " ".join(parts)


def strength(result: SweepResult, arm: int, measure: int) -> Array:
    """Spearman's rank correlation of each axis with a measure, shape (axes,); 0 where there is none."""
    values = measured(result, arm, measure)
    known = ~np.isnan(values)
    found = np.zeros(result.values.shape[1])
    for i in range(len(found)):
        x, y = _ranks(result.values[known, i]), _ranks(values[known])
        if len(x) > 1 and x.std() > 0 and y.std() > 0:
            found[i] = float(np.corrcoef(x, y)[0, 1])
    return found


def clearest(result: SweepResult, measure: int) -> Array:
    """`strength` of each axis in the arm in which the measure follows it best, shape (axes,)."""
    found = np.array([strength(result, a, measure) for a in range(len(sweep_of(result).arms))])
    return np.asarray(np.take_along_axis(found, np.abs(found).argmax(axis=0)[None], axis=0)[0])


def _ranks(values: Array) -> Array:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[inverse])


def sampled(count: int, most: int) -> NDArray[np.intp]:
    """Numbers of at most `most` of `count` things, always the same ones, in rising order."""
    if count <= most:
        return np.arange(count)
    return np.sort(np.random.default_rng(0).permutation(count)[:most])


def outer_axes(result: SweepResult) -> list[int]:
    """The axes of a product that vary from point to point of what is outside, and not from patient to patient;
    of those that are taken together the first."""
    design = sweep_of(result).design
    if not isinstance(design, Product):
        return []
    found = [i for i in varied(result) if i < len(design.outer.axes)]
    return found[:1] if design.outer.kind == "zip" else found
