"""From values of axes to members: one as an ordinary arm, or many as arrays for the ensemble.

A value that varies takes the place of the scenario's own, as ``--set`` does; what an arm sets itself
(`Arm.own`) defines the arm, and does not vary in it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model.model import Model, dose_unit_factor
from ..model.units import unit
from ..numerics.ensemble import Batch
from ..numerics.system import System
from ..numerics.trajectory import Array
from .design import Axis
from .scenario import Arm, Change, Scenario
from .schedule import Sizes, amounts
from .timetable import timetable

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
    found: dict[int, list[tuple[Rows, Batch]]] = defaultdict(list)
    for rows in _of_one_timetable(axes, arm, values):
        batch = _batch(scenario, arm, system, axes, values[rows])
        found[len(batch.starts)].append((rows, batch))
    return [_joined(parts) for parts in found.values()]


def reaches(axis: Axis, arm: Arm) -> bool:
    """Whether the axis changes anything in `arm`."""
    kind, name, _ = split(axis.path)
    return axis.path not in arm.own and (kind != "dose" or any(dose.name == name for dose in arm.doses))


def split(path: str) -> tuple[str, str, str]:
    """Kind, name and key of what varies: ("dose", "first cycle", "amount"), ("parameter", "k_clear", "")."""
    kind, _, rest = path.partition(".")
    if kind == "initial":
        return kind, rest, ""
    if kind in ("dose", "change"):
        name, _, key = rest.rpartition(".")
        return kind, name, key
    return "parameter", path, ""


def moves_time(axis: Axis) -> bool:
    """Whether it decides when something happens, and not only how much."""
    kind, _, key = split(axis.path)
    return (kind == "dose" and key != "amount") or (kind == "change" and key == "at")


def _with(model: Model, arm: Arm, axes: Sequence[Axis], values: Sequence[Any]) -> Arm:
    """`arm` with a value for each axis, of one member or, as an array of shape (m,), of many."""
    for axis, value in zip(axes, values, strict=True):
        kind, name, key = split(axis.path)
        if not reaches(axis, arm):
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


def _of_one_timetable(axes: Sequence[Axis], arm: Arm, values: Array) -> Iterator[Rows]:
    """Rows in which everything happens at the same times."""
    timing = [place for place, axis in enumerate(axes) if moves_time(axis) and reaches(axis, arm)]
    if not timing:
        yield np.arange(len(values))
        return
    _, which = np.unique(values[:, timing], axis=0, return_inverse=True)
    order = np.argsort(which, kind="stable")
    yield from np.split(order, np.flatnonzero(np.diff(which[order])) + 1)


def _batch(scenario: Scenario, arm: Arm, system: System, axes: Sequence[Axis], values: Array) -> Batch:
    """Members that all have the times of the first of them."""
    count = len(values)
    columns = [row[0].item() if moves_time(axis) else row for axis, row in zip(axes, values.T.copy(), strict=True)]
    members = _with(scenario.model, arm, axes, columns)
    plan = timetable(members, scenario.end)
    sizes = Sizes(members, scenario.parameters(members), system.of_parameters)
    initial = system.of_parameters.initial_values(sizes.parameters) | dict(members.initial)
    jumps, infusions = amounts(members, plan, sizes, system.species)
    known = {holding: _table(sizes.values(holding), system.parameters, count) for holding in set(plan.active)}
    bounds = np.repeat(np.array(plan.bounds)[:, None], count, axis=1)
    return Batch(
        initial=_table(initial, system.species, count),
        starts=bounds[:-1],
        ends=bounds[1:],
        jumps=[{place: np.full(count, size) for place, size in each.items()} for each in jumps],
        infusions=[{place: np.full(count, rate) for place, rate in each.items()} for each in infusions],
        parameters=[known[holding] for holding in plan.active],
    )


def _table(values: Mapping[str, Any], names: Sequence[str], count: int) -> Array:
    """(count, names), each value one number for all members or an array of one for each."""
    table = np.empty((count, len(names)))
    fixed = [values[name] if np.ndim(values[name]) == 0 else 0.0 for name in names]
    table[:] = fixed
    for place, name in enumerate(names):
        if np.ndim(values[name]):
            table[:, place] = values[name]
    return table


def _joined(parts: Sequence[tuple[Rows, Batch]]) -> tuple[Rows, Batch]:
    """One batch of all that have the same number of segments."""
    if len(parts) == 1:
        return parts[0]
    rows, found = np.concatenate([rows for rows, _ in parts]), [batch for _, batch in parts]
    parameters: dict[tuple[int, ...], Array] = {}
    of_segments = list(zip(*[batch.parameters for batch in found], strict=True))
    for same in of_segments:
        key = tuple([id(each) for each in same])
        if key not in parameters:
            parameters[key] = np.concatenate(same)
    joined = Batch(
        initial=np.concatenate([batch.initial for batch in found]),
        starts=np.concatenate([batch.starts for batch in found], axis=1),
        ends=np.concatenate([batch.ends for batch in found], axis=1),
        jumps=_stacked([batch.jumps for batch in found], [len(batch.initial) for batch in found]),
        infusions=_stacked([batch.infusions for batch in found], [len(batch.initial) for batch in found]),
        parameters=[parameters[tuple([id(each) for each in same])] for same in of_segments],
    )
    return rows, joined


def _stacked(of_batches: Sequence[Sequence[Mapping[int, Array]]], counts: Sequence[int]) -> list[dict[int, Array]]:
    """What is given in each segment to the members of several batches, nothing where a batch gives nothing."""
    stacked = []
    for of_one_segment in zip(*of_batches, strict=True):
        places = sorted({place for given in of_one_segment for place in given})
        nothing = [np.zeros(count) for count in counts]
        stacked.append(
            {
                place: np.concatenate(
                    [given.get(place, zero) for given, zero in zip(of_one_segment, nothing, strict=True)]
                )
                for place in places
            }
        )
    return stacked
