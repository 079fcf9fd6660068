"""From values of axes to members: one as an ordinary arm, or many as arrays for the ensemble.

A value that varies takes the place of the scenario's own, as ``--set`` does; what an arm sets itself
(`Arm.own`) defines the arm, and does not vary in it.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...model.model import Model, dose_unit_factor
from ...model.units import unit
from ...numerics.compiled.engine import Batch
from ...numerics.system import System
from ...numerics.trajectory import Array
from ..scenario import Arm, Change, Scenario
from ..schedule import DoseAmounts, amounts
from ..timetable import Active, Timetable, timetable
from .designs import Axis
from .paths import moves_time, reaches, split

Rows = NDArray[np.intp]


def arm_with(scenario: Scenario, arm: Arm, axes: Sequence[Axis], row: Array) -> Arm:
    """`arm` as it is in the member whose values are `row`, shape (axes,)."""
    return _with(scenario.model, arm, axes, row.tolist())


def batches(
    scenario: Scenario, arm: Arm, system: System, axes: Sequence[Axis], values: Array
) -> list[tuple[Rows, Batch]]:
    """The members whose values are the rows of `values`, shape (members, axes), as they run in `arm`: the
    numbers of rows, and the batch of those that have the same number of segments.

    The same to the last bit as `compile_schedule` of `arm_with`, one by one.
    """
    moving = [place for place, axis in enumerate(axes) if moves_time(axis) and reaches(axis.path, arm)]
    still = [place for place in range(len(axes)) if place not in moving]
    members = _with(scenario.model, arm, [axes[place] for place in still], list(values[:, still].T.copy()))
    sizes = DoseAmounts(members, scenario.parameters(members), system.parameter_formulas)
    found: dict[int, list[_Part]] = defaultdict(list)
    for rows in _of_one_timetable(values[:, moving]):
        first = values[rows[0], moving].tolist()
        plan = timetable(_with(scenario.model, members, [axes[place] for place in moving], first), scenario.end)
        found[len(plan.active)].append(_Part(rows, plan, *amounts(members, plan, sizes.of, system.species, rows)))
    used = {holding for parts in found.values() for part in parts for holding in part.plan.active}
    tables = _tables(system, members, sizes, used, len(values))
    return [_batch(parts, tables) for parts in found.values()]


def _with(model: Model, arm: Arm, axes: Sequence[Axis], values: Sequence[Any]) -> Arm:
    """`arm` with a value for each axis, of one member or, as an array of shape (m,), of many."""
    for axis, value in zip(axes, values, strict=True):
        kind, name, key = split(axis.path)
        if not reaches(axis.path, arm):
            continue
        if kind == "parameter":
            arm = arm._replace(parameters={**arm.parameters, name: value})
        elif kind == "initial":
            arm = arm._replace(initial={**arm.initial, name: value})
        elif kind == "dose":
            doses = [_dose(model, each, axis, key, value) if each.name == name else each for each in arm.doses]
            arm = arm._replace(doses=tuple(doses))
        else:
            changes = list(arm.changes)
            changes[int(name) - 1] = _change(changes[int(name) - 1], key, value)
            arm = arm._replace(changes=tuple(changes))
    return arm


def _dose(model: Model, dose: Any, axis: Axis, key: str, value: Any) -> Any:
    if key == "amount":
        factor, body, volume = dose_unit_factor(model, dose.target, unit(axis.unit_text))
        return replace(dose, amount=value, unit_text=axis.unit_text, factor=factor, body=body, volume=volume)
    return replace(dose, **{key: int(value) if key == "count" else value})


def _change(change: Change, key: str, value: Any) -> Change:
    """A window that is moved keeps its length."""
    if key == "at":
        return change._replace(start=value, end=None if change.end is None else value + (change.end - change.start))
    return change._replace(parameters={**change.parameters, key: value})


class _Part(NamedTuple):
    """Members to which everything happens at the same times, and how much to each of them."""

    rows: Rows
    plan: Timetable
    jumps: list[dict[int, Any]]
    infusions: list[dict[int, Any]]


def _of_one_timetable(times: Array) -> Iterator[Rows]:
    """The numbers of those rows that are equal."""
    if not times.shape[1]:
        yield np.arange(len(times))
        return
    _, which = np.unique(times, axis=0, return_inverse=True)
    order = np.argsort(which, kind="stable")
    yield from np.split(order, np.flatnonzero(np.diff(which[order])) + 1)


class _Tables(NamedTuple):
    """Of all members: initial values, and the parameters while certain changes hold."""

    initial: Array
    parameters: Mapping[Active, Array]


def _tables(system: System, members: Arm, sizes: DoseAmounts, used: Iterable[Active], count: int) -> _Tables:
    initial = system.parameter_formulas.initial_values(sizes.parameters) | dict(members.initial)
    parameters = {holding: _table(sizes.values(holding), system.parameters, count) for holding in used}
    return _Tables(_table(initial, system.species, count), parameters)


def _batch(parts: Sequence[_Part], tables: _Tables) -> tuple[Rows, Batch]:
    """One batch of all parts, which have the same number of segments."""
    rows = np.concatenate([part.rows for part in parts])
    bounds = np.repeat(np.array([part.plan.bounds for part in parts]).T, [len(part.rows) for part in parts], axis=1)
    active = list(zip(*[part.plan.active for part in parts], strict=True))
    parameters = {holding: _spliced(parts, [tables.parameters[each] for each in holding]) for holding in set(active)}
    return rows, Batch(
        initial=_spliced(parts, [tables.initial] * len(parts)),
        starts=bounds[:-1],
        ends=bounds[1:],
        jumps=_stacked(parts, [part.jumps for part in parts]),
        infusions=_stacked(parts, [part.infusions for part in parts]),
        parameters=[parameters[holding] for holding in active],
    )


def _spliced(parts: Sequence[_Part], tables: Sequence[Array]) -> Array:
    """The members of each part out of its own table of all members."""
    if len(parts) == 1 and len(parts[0].rows) == len(tables[0]):
        return tables[0]
    return np.concatenate([table[part.rows] for table, part in zip(tables, parts, strict=True)])


def _stacked(parts: Sequence[_Part], given: Sequence[Sequence[Mapping[int, Any]]]) -> list[dict[int, Array]]:
    """What is given in each segment to the members of all parts: nothing where a part gives nothing."""
    ends = np.cumsum([len(part.rows) for part in parts]).tolist()
    stacked: list[dict[int, Array]] = [{} for _ in given[0]]
    for of_part, part, end in zip(given, parts, ends, strict=True):
        for all_given, here in zip(stacked, of_part, strict=True):
            for place, size in here.items():
                all_given.setdefault(place, np.zeros(ends[-1]))[end - len(part.rows) : end] = size
    return stacked


def _table(values: Mapping[str, Any], names: Sequence[str], count: int) -> Array:
    """(count, names), each value one number for all members or an array of one for each."""
    table = np.empty((count, len(names)))
    table[:] = [values[name] if np.ndim(values[name]) == 0 else math.nan for name in names]
    for place, name in enumerate(names):
        if np.ndim(values[name]):
            table[:, place] = values[name]
    return table
