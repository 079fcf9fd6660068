"""From values of axes to members: one as an ordinary arm, or many as arrays for the compiled engine.

A value that varies replaces the scenario's own, as ``--set`` does; what an arm sets itself
(`Arm.own`) defines the arm, and does not vary in it.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from ...model.instants import ticks_of, time_of
from ...model.model import Model, dose_unit_factor
from ...numerics.compiled.engine import Batch
from ...numerics.system import System
from ...numerics.trajectory import Array
from ..scenario import Arm, Scenario
from ..schedule import ArmValues, DoseAmount, DoseAmounts, Value, arm_values
from ..timetable import Active, Timetable, TimetableError, timetable
from .designs import Axis
from .paths import changes_timing, split_path, varies_in

Rows = NDArray[np.intp]


def arm_with(scenario: Scenario, arm: Arm, axes: Sequence[Axis], row: Array) -> Arm:
    """`arm` as it is in the member whose values are `row`, shape (axes,)."""
    values = row.tolist()
    arm = _with_times(scenario.model, arm, axes, values)
    varied = _with_values(scenario.model, arm, arm_values(arm), axes, values)
    doses = [
        replace(dose, amount=new.amount, unit_text=new.unit_text, factor=new.factor, body=new.body, volume=new.volume)
        for dose, new in zip(arm.doses, varied.doses, strict=True)
    ]
    changes = [change._replace(parameters=new) for change, new in zip(arm.changes, varied.changes, strict=True)]
    return arm._replace(
        initial=varied.initial, parameters=varied.parameters, doses=tuple(doses), changes=tuple(changes)
    )


def batches(
    scenario: Scenario, arm: Arm, system: System, axes: Sequence[Axis], values: Array
) -> list[tuple[Rows, Batch]]:
    """The members whose values are the rows of `values`, shape (members, axes), as they run in `arm`: the
    numbers of rows, and the batch of those that have the same number of segments. Members whose doses cannot be given
    in time are in none.

    The same to the last bit as `compile_schedule` of `arm_with`, one by one.
    """
    moving = [index for index, axis in enumerate(axes) if changes_timing(axis) and varies_in(axis.path, arm)]
    members: ArmValues[float | Array] = _with_values(scenario.model, arm, _of_members(arm), axes, list(values.T.copy()))
    starting = {**scenario.parameters(arm), **members.parameters}
    amounts = DoseAmounts(members, starting, system.parameter_formulas)
    found: dict[int, list[_Part]] = defaultdict(list)
    for rows in _of_one_timetable(values[:, moving]):
        first = values[rows[0], moving].tolist()
        try:
            plan = timetable(
                _with_times(scenario.model, arm, [axes[index] for index in moving], first), scenario.end, scenario.model
            )
        except TimetableError:
            continue
        given = amounts.given(plan, system.species, rows)
        found[len(plan.active)].append(_Part(rows, plan, *given, amounts.dilutions(plan, system.species, rows)))
    used = {active for parts in found.values() for part in parts for active in part.plan.active}
    tables = _tables(system, members, amounts, used, len(values))
    return [_batch(parts, tables) for parts in found.values()]


def _of_members(arm: Arm) -> ArmValues[float | Array]:
    """The values of `arm`, to be varied between members."""
    return cast("ArmValues[float | Array]", arm_values(arm))


def _with_times(model: Model, arm: Arm, axes: Sequence[Axis], values: Sequence[float]) -> Arm:
    """`arm` with the values of those axes that move times: of a dose or of a change, which keeps its length."""
    for axis, value in zip(axes, values, strict=True):
        kind, name, key = split_path(axis.path)
        if not changes_timing(axis) or not varies_in(axis.path, arm):
            continue
        if kind == "dose":
            new: dict[str, Any] = {key: int(value) if key == "count" else value}
            arm = arm._replace(doses=tuple([replace(d, **new) if d.name == name else d for d in arm.doses]))
        else:
            changes, index = list(arm.changes), int(name) - 1
            change = changes[index]
            end = None
            if change.end is not None:
                unit = model.time_unit
                end = time_of(ticks_of(value, unit) + ticks_of(change.end, unit) - ticks_of(change.start, unit), unit)
            changes[index] = change._replace(start=value, end=end)
            arm = arm._replace(changes=tuple(changes))
    return arm


def _with_values(
    model: Model, arm: Arm, values: ArmValues[Value], axes: Sequence[Axis], new: Sequence[Value]
) -> ArmValues[Value]:
    """`values` of `arm` with `new` for those axes that do not move times: a number for each axis in one member, an
    array of shape (members,) in many."""
    for axis, value in zip(axes, new, strict=True):
        kind, name, key = split_path(axis.path)
        if changes_timing(axis) or not varies_in(axis.path, arm):
            continue
        if kind == "parameter":
            values = values._replace(parameters={**values.parameters, name: value})
        elif kind == "initial":
            values = values._replace(initial={**values.initial, name: value})
        elif kind == "dose":
            doses = [
                _dose(model, old, axis, value) if dose.name == name else old
                for dose, old in zip(arm.doses, values.doses, strict=True)
            ]
            values = values._replace(doses=tuple(doses))
        else:
            changes, index = list(values.changes), int(name) - 1
            changes[index] = {**changes[index], key: value}
            values = values._replace(changes=tuple(changes))
    return values


def _dose(model: Model, dose: DoseAmount[Value], axis: Axis, amount: Value) -> DoseAmount[Value]:
    """`dose` with another amount, in the unit of the axis."""
    factor, body, volume = dose_unit_factor(model, dose.target, axis.unit_text)
    return DoseAmount(dose.target, amount, axis.unit_text, factor, body, volume)


class _Part(NamedTuple):
    """Members to which everything happens at the same times, and how much to each of them."""

    rows: Rows
    plan: Timetable
    jumps: list[dict[int, Any]]
    infusions: list[dict[int, Any]]
    dilutions: list[dict[int, Any]]


def _of_one_timetable(times: Array) -> Iterator[Rows]:
    """The numbers of those rows that are equal."""
    if not times.shape[1]:
        yield np.arange(len(times))
        return
    _, inverse = np.unique(times, axis=0, return_inverse=True)
    which = inverse.reshape(-1)  # NumPy 2.0 alone gives it a second axis
    order = np.argsort(which, kind="stable")
    yield from np.split(order, np.flatnonzero(np.diff(which[order])) + 1)


class _Tables(NamedTuple):
    """Of all members: initial values, and the parameters while certain changes hold."""

    initial: Array
    parameters: Mapping[Active, Array]


def _tables(
    system: System, members: ArmValues[float | Array], amounts: DoseAmounts, used: Iterable[Active], count: int
) -> _Tables:
    initial = system.parameter_formulas.initial_values(amounts.parameters) | dict(members.initial)
    parameters = {active: _table(amounts.values(active), system.parameters, count) for active in used}
    return _Tables(_table(initial, system.species, count), parameters)


def _batch(parts: Sequence[_Part], tables: _Tables) -> tuple[Rows, Batch]:
    """One batch of all parts, which have the same number of segments."""
    rows = np.concatenate([part.rows for part in parts])
    bounds = np.repeat(np.array([part.plan.bounds for part in parts]).T, [len(part.rows) for part in parts], axis=1)
    active = list(zip(*[part.plan.active for part in parts], strict=True))
    distinct = list(dict.fromkeys(active))
    sets = np.array([distinct.index(each) for each in active], dtype=np.int64)
    return rows, Batch(
        initial=_spliced(parts, [tables.initial] * len(parts)),
        starts=bounds[:-1],
        ends=bounds[1:],
        jumps=_stacked(parts, [part.jumps for part in parts]),
        infusions=_stacked(parts, [part.infusions for part in parts]),
        parameters=[_spliced(parts, [tables.parameters[own] for own in each]) for each in distinct],
        sets=np.repeat(sets[:, None], len(rows), axis=1),
        dilutions=_stacked(parts, [part.dilutions for part in parts], 1.0),
    )


def _spliced(parts: Sequence[_Part], tables: Sequence[Array]) -> Array:
    """The members of each part out of its own table of all members."""
    if len(parts) == 1 and len(parts[0].rows) == len(tables[0]):
        return tables[0]
    return np.concatenate([table[part.rows] for table, part in zip(tables, parts, strict=True)])


def _stacked(
    parts: Sequence[_Part], given: Sequence[Sequence[Mapping[int, Any]]], default: float = 0.0
) -> list[dict[int, Array]]:
    """What is given in each segment to the members of all parts; `default` where a part says nothing."""
    ends = np.cumsum([len(part.rows) for part in parts]).tolist()
    stacked: list[dict[int, Array]] = [{} for _ in given[0]]
    for of_part, part, end in zip(given, parts, ends, strict=True):
        for all_given, of_segment in zip(stacked, of_part, strict=True):
            for index, amount in of_segment.items():
                if index not in all_given:
                    all_given[index] = np.full(ends[-1], default)
                all_given[index][end - len(part.rows) : end] = amount
    return stacked


def _table(values: Mapping[str, Any], names: Sequence[str], count: int) -> Array:
    """(count, names), each value one number for all members or an array of one for each."""
    table = np.empty((count, len(names)))
    table[:] = [values[name] if np.ndim(values[name]) == 0 else math.nan for name in names]
    for index, name in enumerate(names):
        if np.ndim(values[name]):
            table[:, index] = values[name]
    return table
