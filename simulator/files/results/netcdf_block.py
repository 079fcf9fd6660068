"""A block of members as a NetCDF classic file (64-bit offset), which xarray, R and MATLAB open.

One variable for each axis and measure, with its unit and label; texts are arrays of characters, as the format
has them, and all names and texts are UTF-8. Doubles are kept to the last bit.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ...experiments.measured import Cause
from ...experiments.scenario import Scenario
from ...experiments.schedule import saved_times
from ...experiments.sweeps.compute import Block, sweep_of
from ...numerics.trajectory import Array, Outcome

CURVE = "curve."  # before the name of a species or observable
AXIS, MEASURE = "axis.", "measure."  # before names that mean something else already
TEXTS = ("kind", "message", "state", "reaction")  # of an outcome
RESERVED = {"member", "arm", "time", "failure", "failed", "arm_name", "number", "id", "outcome"}  # in blocks and tables
BEGINNINGS = (AXIS, MEASURE, CURVE, "failure_", "arm_name_")


class DamagedBlockError(ValueError):
    """The bytes are not a block of this sweep."""


class StoredAxis(NamedTuple):
    """An axis as a block holds it."""

    path: str
    unit_text: str
    label: str


def stored_axes(scenario: Scenario) -> list[StoredAxis]:
    """The axes of the scenario's own design."""
    return [StoredAxis(axis.path, axis.unit_text, axis.label) for axis in sweep_of(scenario).design.axes]


def axis_names(axes: Sequence[StoredAxis]) -> list[str]:
    """The names of the axes in blocks and tables: their paths, with a prefix where that name is taken by the format."""
    return [f"{AXIS}{axis.path}" if _reserved(axis.path) else axis.path for axis in axes]


def measure_names(scenario: Scenario, axes: Sequence[StoredAxis]) -> list[str]:
    """The names of the measures next to these axes: no name twice, whatever the order of either."""
    taken = set(axis_names(axes))
    return [
        f"{MEASURE}{each.id}" if each.id in taken or _reserved(each.id) else each.id
        for each in sweep_of(scenario).measures
    ]


def _reserved(name: str) -> bool:
    return name in RESERVED or name.startswith(BEGINNINGS)


def encode_block(block: Block, scenario: Scenario, axes: Sequence[StoredAxis]) -> bytes:
    """A block as the content of a file. The members' numbers are not in it: they depend on the design."""
    sweep, buffer = sweep_of(scenario), io.BytesIO()
    file = _netcdf()(buffer, "w", version=2)
    file.Conventions, file.title = "CF-1.8", (scenario.title or scenario.id).encode()
    file.axes = json.dumps(axes)
    file.createDimension("member", len(block.numbers))
    file.createDimension("arm", len(sweep.arms))
    _put_texts(file, "arm_name", "arm", sweep.arms)
    for axis, name, column in zip(axes, axis_names(axes), block.values.T, strict=True):
        _put(file, name, column, ("member",), axis.unit_text, axis.label)
    names = measure_names(scenario, axes)
    for each, name, column in zip(sweep.measures, names, np.moveaxis(block.measures, 2, 0), strict=True):
        _put(file, name, column, ("member", "arm"), each.unit_text, each.label or each.text)
    if block.causes.any():
        file.createDimension("measure", len(sweep.measures))
        file.createVariable("failure_to_measure", "i1", ("member", "arm", "measure"))[:] = block.causes
    failed = file.createVariable("failed", "i1", ("member", "arm"))
    failed[:] = block.failed.astype(np.int8)
    if block.curves is not None:
        _put_curves(file, block.curves, scenario)
    if block.outcomes:
        _put_outcomes(file, block, sweep.arms)
    file.flush()
    return buffer.getvalue()


def decode_block(content: bytes, scenario: Scenario, curves: bool = False) -> tuple[list[StoredAxis], Block]:
    """The axes and the members of a file.

    Args:
        content: What `encode_block` gave for this sweep.
        scenario: The scenario, with its sweep.
        curves: Whether the curves that are kept are read too.

    Returns:
        The axes, and the block; the numbers of its members are the rows, 0, 1, 2 ...

    Raises:
        DamagedBlockError: The content is anything else.
    """
    sweep, file = sweep_of(scenario), _open(content)
    axes = _read_axes(file)
    rows, arms, times = _length(file, "member"), len(sweep.arms), len(saved_times(scenario))
    values = [_doubles(file, name, rows) for name in axis_names(axes)]
    measures = [_doubles(file, name, rows, arms) for name in measure_names(scenario, axes)]
    size = rows, arms, len(sweep.measures)
    causes = np.zeros(size, dtype=np.int8)
    if "failure_to_measure" in file.variables:
        causes = _array(file, "failure_to_measure", *size).astype(np.int8)
        if not np.isin(causes, list(Cause)).all():
            raise DamagedBlockError("a value is missing for no known cause")
    kept = [_doubles(file, curve_variable(name), rows, arms, times) for name in sweep.keep] if curves else None
    block = Block(
        np.arange(rows),
        np.stack(values, axis=1) if values else np.empty((rows, 0)),
        np.stack(measures, axis=2) if measures else np.empty((rows, arms, 0)),
        causes,
        _array(file, "failed", rows, arms).astype(bool),
        _read_outcomes(file, rows, sweep.arms) if "failure_row" in file.variables else {},
        None if kept is None else np.stack(kept, axis=2),
    )
    return axes, block


def _open(content: bytes) -> Any:
    try:
        return _netcdf()(io.BytesIO(content), "r", mmap=False)
    except (TypeError, ValueError, LookupError) as error:  # what scipy raises for bytes that are not NetCDF
        raise DamagedBlockError(f"no NetCDF file: {error}") from None


def _read_axes(file: Any) -> list[StoredAxis]:
    text = getattr(file, "axes", b"")
    try:
        axes = json.loads(text)
    except ValueError as error:
        raise DamagedBlockError(f"its axes cannot be read: {error}") from None
    if not isinstance(axes, list) or not all(isinstance(axis, list) and len(axis) == 3 for axis in axes):
        raise DamagedBlockError("its axes cannot be read")
    return [StoredAxis(*map(str, axis)) for axis in axes]


def _length(file: Any, dimension: str) -> int:
    length = file.dimensions.get(dimension)
    if length is None or length < 0:
        raise DamagedBlockError(f"it has no dimension '{dimension}'")
    return int(length)


def _array(file: Any, name: str, *shape: int) -> Any:
    """The data of a variable that must have this shape."""
    variable = file.variables.get(_as_latin(name))
    if variable is None:
        raise DamagedBlockError(f"it has no variable '{name}'")
    if variable.data.shape != shape:
        raise DamagedBlockError(f"variable '{name}' has shape {variable.data.shape}, expected {shape}")
    return variable.data


def _doubles(file: Any, name: str, *shape: int) -> Array:
    data = _array(file, name, *shape)
    if data.dtype.kind == "S":
        raise DamagedBlockError(f"variable '{name}' holds no numbers")
    return np.array(data, dtype=np.float64)


def _netcdf() -> Any:
    """The class of scipy, which takes a third of a second to import: only once there is a block."""
    from scipy.io import netcdf_file

    return netcdf_file


def _put(file: Any, name: str, values: Array, dimensions: tuple[str, ...], unit: str, label: str) -> None:
    variable = file.createVariable(_as_latin(name), "f8", dimensions)
    variable[:] = values
    variable.units, variable.long_name = unit.encode(), (label or name).encode()


def _put_texts(file: Any, name: str, dimension: str, texts: Sequence[str]) -> None:
    encoded = np.array([text.encode() for text in texts], dtype=np.bytes_)
    width = max(1, encoded.dtype.itemsize)
    file.createDimension(f"{name}_length", width)
    variable = file.createVariable(name, "c", (dimension, f"{name}_length"))
    variable[:] = encoded.astype(f"S{width}").view("S1").reshape(len(texts), width)


def _put_curves(file: Any, curves: Array, scenario: Scenario) -> None:
    sweep, model, times = sweep_of(scenario), scenario.model, saved_times(scenario)
    file.createDimension("time", len(times))
    _put(file, "time", times, ("time",), model.time_unit_text, "time")
    for place, name in enumerate(sweep.keep):
        unit, label = scenario.curve(name).unit_text, scenario.label(name)
        _put(file, curve_variable(name), curves[:, :, place], ("member", "arm", "time"), unit, label)


def curve_variable(name: str) -> str:
    """The variable that holds a curve: netCDF has no slashes in names, and formulas have."""
    return CURVE + name.replace("/", "÷")


def _put_outcomes(file: Any, block: Block, arms: Sequence[str]) -> None:
    rows = {number: row for row, number in enumerate(block.numbers.tolist())}
    file.createDimension("failure", len(block.outcomes))
    for name, numbers in (
        ("failure_row", [rows[number] for number, _ in block.outcomes]),
        ("failure_arm", [arms.index(arm) for _, arm in block.outcomes]),
    ):
        file.createVariable(name, "i4", ("failure",))[:] = np.array(numbers, dtype=np.int32)
    outcomes = list(block.outcomes.values())
    times = [np.nan if outcome.time is None else outcome.time for outcome in outcomes]
    file.createVariable("failure_time", "f8", ("failure",))[:] = np.array(times)
    for text in TEXTS:
        _put_texts(file, f"failure_{text}", "failure", [getattr(outcome, text) or "" for outcome in outcomes])


def _read_outcomes(file: Any, members: int, arms: Sequence[str]) -> dict[tuple[int, str], Outcome]:
    count = _length(file, "failure")
    rows, places = (_array(file, f"failure_{name}", count).astype(int).tolist() for name in ("row", "arm"))
    if not all(0 <= row < members for row in rows) or not all(0 <= place < len(arms) for place in places):
        raise DamagedBlockError("a failure is of no member or no arm")
    times = [None if np.isnan(time) else time for time in _doubles(file, "failure_time", count).tolist()]
    kinds, messages, states, reactions = (_texts(file, f"failure_{text}", count) for text in TEXTS)
    optional = ([text or None for text in texts] for texts in (states, reactions))
    outcomes = map(Outcome, kinds, messages, times, *optional)
    return {(row, arms[place]): outcome for row, place, outcome in zip(rows, places, outcomes, strict=True)}


def _as_latin(name: str) -> str:
    """What scipy, which takes names for Latin-1, writes as the bytes of `name` in UTF-8."""
    return name.encode().decode("latin-1")


def _texts(file: Any, name: str, count: int) -> list[str]:
    data = _array(file, name, count, _length(file, f"{name}_length"))
    try:
        return [b"".join(row).decode() for row in data.astype("S1").tolist()]
    except UnicodeDecodeError as error:
        raise DamagedBlockError(f"variable '{name}' holds no text: {error}") from None
