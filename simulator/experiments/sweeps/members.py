"""From values of axes to members: one as an ordinary arm, or many as arrays for the compiled engine.

A value that varies replaces the scenario's own, as ``--set`` does; what an arm sets itself
(`Arm.own`) defines the arm, and does not vary in it.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from ...model.expression import Name
from ...model.instants import ticks_of, time_of
from ...model.model import Model, dose_unit_factor, rate_unit_factor
from ...numerics.compiled.engine import Batch
from ...numerics.system import System
from ...numerics.trajectory import Array
from ..scenario import Arm, Dose, Rate, Scenario
from ..schedule import ArmValues, DoseAmount, DoseAmounts, Value, arm_values
from ..timetable import Active, Timetable, TimetableError, settled, timetable
from .designs import Axis
from .paths import changes_timing, moves_times, split_path, varies_in

Rows = NDArray[np.intp]


def arm_with(scenario: Scenario, arm: Arm, axes: Sequence[Axis], row: Array) -> Arm:
    """`arm` as it is in the member whose values are `row`, shape (axes,).

    Raises `TimetableError` where a dose cannot be given with them.
    """
    values = row.tolist()
    arm = _with_times(scenario.model, arm, axes, values)
    varied = _with_values(scenario.model, arm, arm_values(arm), axes, values)
    parameters = scenario.parameters(arm._replace(parameters=varied.parameters))
    doses = [
        settled(replace(dose, **new._asdict()), parameters, scenario.model)
        for dose, new in zip(arm.doses, varied.doses, strict=True)
    ]
    changes = [change._replace(parameters=new) for change, new in zip(arm.changes, varied.changes, strict=True)]
    return arm._replace(
        initial=varied.initial, parameters=varied.parameters, doses=tuple(doses), changes=tuple(changes)
    )


class ArmMembers:
    """An arm of many members: what is the same in all of them is computed once, when it is made.

    Threads may share it.
    """

    def __init__(self, scenario: Scenario, arm: Arm, system: System, axes: Sequence[Axis]) -> None:
        self._scenario, self._arm, self._system, self._axes = scenario, arm, system, axes
        varied = [(axis, *split_path(axis.path)) for axis in axes if varies_in(axis.path, arm)]
        self._moving = [axes.index(axis) for axis, *_ in varied if moves_times(axis, arm)]
        self._own = cast("ArmValues[float | Array]", arm_values(arm))  # to be varied between members
        self._start = scenario.parameters(arm)
        parameters = {name for _, kind, name, _ in varied if kind == "parameter"}
        self._set_initial(parameters, {name for _, kind, name, _ in varied if kind == "initial"})
        parameters |= {key for axis, kind, _, key in varied if kind == "change" and not changes_timing(axis)}
        self._parameters = [system.parameters.index(name) for name in sorted(parameters)]
        self._rows: dict[Active, Array] = {}
        self._plan: Timetable | None = None if self._moving else self._timetable(np.empty(0))
        self._given: _Given | None = None
        volumes = {dose.volume for dose in arm.doses} | {each.dissolved_in for each in scenario.model.species.values()}
        for volume in filter(None, volumes):  # now, for a graph may not grow in several threads
            system.parameter_formulas.value(Name(volume), self._start)
        one = self._amounts(np.ones((1, len(axes))))  # which of them vary
        if self._plan is not None:
            found = self._give(one, self._plan, np.arange(1))
            if not any(np.ndim(each) for given in found for segment in given for each in segment.values()) and not (
                parameters and arm.changes  # then dilutions may differ, even where those of one member do not
            ):
                self._given = found

    def _set_initial(self, parameters: set[str], species: set[str]) -> None:
        """Which initial values vary, as their formulas read `parameters` that do or since they are among `species`,
        and what the others are."""
        formulas, names = self._system.parameter_formulas, self._system.species
        self._formulas = formulas.varied_initial_values(self._start, parameters)
        values = dict.fromkeys(names, math.nan) | self._formulas.same | dict(self._arm.initial)
        self._initial = np.array([values[name] for name in names])
        varied = species.union(self._formulas.varied)
        self._species = [(index, name) for index, name in enumerate(names) if name in varied]

    def batches(self, values: Array) -> list[tuple[Rows, Batch]]:
        """The members whose values are the rows of `values`, shape (members, axes): the numbers of rows, and the batch
        of those that have the same number of segments. Members whose doses cannot be given in time are in none.

        The same to the last bit as `compile_schedule` of `arm_with`, one by one.
        """
        amounts = self._amounts(values)
        found: dict[int, list[_Part]] = defaultdict(list)
        for rows in _of_one_timetable(values[:, self._moving]):
            plan = self._timetable(values[rows[0]]) if self._moving else self._plan
            if plan is not None:
                found[len(plan.active)].append(_Part(rows, plan, *(self._given or self._give(amounts, plan, rows))))
        used = {active for parts in found.values() for part in parts for active in part.plan.active}
        tables = _Tables(
            self._initial_table(amounts, len(values)),
            {active: self._parameter_table(amounts, active, len(values)) for active in used},
        )
        return [_batch(parts, tables) for parts in found.values()]

    def _amounts(self, values: Array) -> DoseAmounts:
        members = _with_values(self._scenario.model, self._arm, self._own, self._axes, list(values.T.copy()))
        return DoseAmounts(members, {**self._start, **members.parameters}, self._system.parameter_formulas)

    def _timetable(self, values: Array) -> Timetable | None:
        """That of a member with these values, shape (axes,); None if its doses cannot be given in time."""
        axes, moved = [self._axes[index] for index in self._moving], values[self._moving]
        try:
            arm = arm_with(self._scenario, self._arm, axes, moved) if axes else self._arm
            return timetable(arm, self._scenario.end, self._scenario.model)
        except TimetableError:
            return None

    def _give(self, amounts: DoseAmounts, plan: Timetable, rows: Rows) -> _Given:
        species = self._system.species
        return _Given(*amounts.given(plan, species, rows), amounts.dilutions(plan, species, rows))

    def _initial_table(self, amounts: DoseAmounts, count: int) -> Array:
        """Initial values of all members, shape (count, species)."""
        table = np.empty((count, len(self._initial)))
        table[:] = self._initial
        found = self._formulas.evaluate(amounts.parameters) | dict(amounts.arm.initial)
        for index, name in self._species:
            table[:, index] = found[name]
        return table

    def _parameter_table(self, amounts: DoseAmounts, active: Active, count: int) -> Array:
        """The parameters of all members while the changes `active` hold, shape (count, parameters)."""
        names = self._system.parameters
        if active not in self._rows:
            values = DoseAmounts(self._own, self._start, self._system.parameter_formulas).values(active)
            self._rows[active] = np.array([values[name] for name in names])
        table = np.empty((count, len(names)))
        table[:] = self._rows[active]
        for index in self._parameters:
            table[:, index] = amounts.values(active)[names[index]]
        return table


def _with_times(model: Model, arm: Arm, axes: Sequence[Axis], values: Sequence[float]) -> Arm:
    """`arm` with the values of those axes that move times: of a dose or of a change, which keeps its length."""
    for axis, value in zip(axes, values, strict=True):
        kind, name, _ = split_path(axis.path)
        if not changes_timing(axis) or not varies_in(axis.path, arm):
            continue
        if kind == "dose":
            doses = [_with_time(model, d, axis, value) if d.name == name else d for d in arm.doses]
            arm = arm._replace(doses=tuple(doses))
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


def _with_time(model: Model, dose: Dose, axis: Axis, value: float) -> Dose:
    """`dose` with another time, number of doses or rate, in the unit of the axis."""
    _, _, key = split_path(axis.path)
    new: dict[str, Any] = {key: int(value) if key == "count" else value}
    if key == "over":
        new["rate"] = None
    if key == "rate":
        factor, body, _ = rate_unit_factor(model, dose.target, axis.unit_text)
        new[key] = Rate(value, axis.unit_text, factor, body)
    return replace(dose, named=_without(dose.named, key), **new)


def _without(named: tuple[tuple[str, str], ...], key: str) -> tuple[tuple[str, str], ...]:
    return tuple([each for each in named if each[0] != key])


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
    """`dose` with another amount, in the unit of the axis, or with another share that enters."""
    if axis.path.endswith(".share"):
        return dose._replace(share=amount, named=_without(dose.named, "share"))
    factor, body, volume = dose_unit_factor(model, dose.target, axis.unit_text)
    named = _without(dose.named, "amount")
    return dose._replace(amount=amount, unit_text=axis.unit_text, factor=factor, body=body, volume=volume, named=named)


class _Part(NamedTuple):
    """Members to which everything happens at the same times, and how much to each of them."""

    rows: Rows
    plan: Timetable
    jumps: list[dict[int, Any]]
    infusions: list[dict[int, Any]]
    dilutions: list[dict[int, Any]]


class _Given(NamedTuple):
    """What happens at the start and through each segment, by the index of a species, as in `Batch`."""

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
    if len(parts) == 1:
        return _alone(given[0], ends[-1])
    stacked: list[dict[int, Array]] = [{} for _ in given[0]]
    for of_part, part, end in zip(given, parts, ends, strict=True):
        for all_given, of_segment in zip(stacked, of_part, strict=True):
            for index, amount in of_segment.items():
                if index not in all_given:
                    all_given[index] = np.full(ends[-1], default)
                all_given[index][end - len(part.rows) : end] = amount
    return stacked


def _alone(given: Sequence[Mapping[int, Any]], count: int) -> list[dict[int, Array]]:
    """The same of a single part; equal doses share one array."""
    known: dict[float, Array] = {}

    def full(amount: Any) -> Array:
        if np.ndim(amount):
            return cast("Array", amount)
        if amount not in known:
            known[amount] = np.full(count, amount)
        return known[amount]

    return [{index: full(amount) for index, amount in of_segment.items()} for of_segment in given]
