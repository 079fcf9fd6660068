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

from ...experiments.scenario import Scenario
from ...experiments.sweeps.compute import Block, curve_times, sweep_of
from ...numerics.trajectory import Array, Outcome

CURVE = "curve."  # before the name of a species or observable
AXIS, MEASURE = "axis.", "measure."  # before names that mean something else already
TEXTS = ("kind", "message", "state", "reaction")  # of an outcome
RESERVED = {"member", "arm", "time", "failure", "failed", "arm_name", "number", "outcome"}  # in blocks and tables
BEGINNINGS = (AXIS, MEASURE, CURVE, "failure_", "arm_name_")


class BlockError(ValueError):
    """The bytes are no block of this sweep."""


class Varied(NamedTuple):
    """An axis as a file has it."""

    path: str
    unit_text: str
    label: str


def varied(scenario: Scenario) -> list[Varied]:
    """The axes of the scenario's own design."""
    return [Varied(axis.path, axis.unit_text, axis.label) for axis in sweep_of(scenario).design.axes]


def axis_names(axes: Sequence[Varied]) -> list[str]:
    """What the axes are called in blocks and tables: their paths, but for those that mean something else there."""
    return [f"{AXIS}{axis.path}" if _reserved(axis.path) else axis.path for axis in axes]


def measure_names(scenario: Scenario, axes: Sequence[Varied]) -> list[str]:
    """What the measures are called beside these axes: no name twice, whatever the order of either."""
    taken = set(axis_names(axes))
    return [
        f"{MEASURE}{each.id}" if each.id in taken or _reserved(each.id) else each.id
        for each in sweep_of(scenario).measures
    ]


def _reserved(name: str) -> bool:
    return name in RESERVED or name.startswith(BEGINNINGS)


def written(block: Block, scenario: Scenario, axes: Sequence[Varied]) -> bytes:
    """The file's content; the members' numbers, which another design would give otherwise, are not in it."""
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
    failed = file.createVariable("failed", "i1", ("member", "arm"))
    failed[:] = block.failed.astype(np.int8)
    if block.curves is not None:
        _put_curves(file, block.curves, scenario)
    if block.outcomes:
        _put_outcomes(file, block, sweep.arms)
    file.flush()
    return buffer.getvalue()


def read(content: bytes, scenario: Scenario, curves: bool = False) -> tuple[list[Varied], Block]:
    """The axes and the members of a file; numbers are the rows, 0, 1, 2 ...

    `BlockError` if the content is not what `written` gives for this sweep.
    """
    sweep = sweep_of(scenario)
    try:
        file = _netcdf()(io.BytesIO(content), "r", mmap=False)
        axes = [Varied(*axis) for axis in json.loads(file.axes)]
        measures = measure_names(scenario, axes)
        failed = np.array(file.variables["failed"].data, dtype=bool)
        rows = len(failed)
        block = Block(
            np.arange(rows),
            np.column_stack([_doubles(file, name) for name in axis_names(axes)]).reshape(rows, len(axes)),
            np.stack([_doubles(file, name) for name in measures], axis=2) if measures else np.empty((*failed.shape, 0)),
            failed,
            _outcomes(file, sweep.arms) if "failure_row" in file.variables else {},
            np.stack([_doubles(file, CURVE + name) for name in sweep.keep], axis=2) if curves else None,
        )
    except Exception as error:  # what scipy raises over bytes that are no NetCDF is not said anywhere
        raise BlockError(f"{type(error).__name__}: {error}") from None
    return axes, block


def _netcdf() -> Any:
    """scipy.io takes a third of a second to import: only when a first block is there, or to be read."""
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
    sweep, model, times = sweep_of(scenario), scenario.model, curve_times(scenario)
    file.createDimension("time", len(times))
    _put(file, "time", times, ("time",), model.time_unit_text, "time")
    for place, name in enumerate(sweep.keep):
        item = model.species[name] if name in model.species else model.observables[name]
        _put(file, CURVE + name, curves[:, :, place], ("member", "arm", "time"), model.unit_text(name), item.label)


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


def _outcomes(file: Any, arms: Sequence[str]) -> dict[tuple[int, str], Outcome]:
    rows, places = (file.variables[f"failure_{name}"].data.tolist() for name in ("row", "arm"))
    times = [None if np.isnan(time) else time for time in _doubles(file, "failure_time").tolist()]
    kinds, messages, states, reactions = (_texts(file, f"failure_{text}") for text in TEXTS)
    optional = ([text or None for text in texts] for texts in (states, reactions))
    outcomes = map(Outcome, kinds, messages, times, *optional)
    return {(row, arms[place]): outcome for row, place, outcome in zip(rows, places, outcomes, strict=True)}


def _doubles(file: Any, name: str) -> Array:
    return np.array(file.variables[_as_latin(name)].data, dtype=np.float64)


def _as_latin(name: str) -> str:
    """What scipy, which takes names for Latin-1, writes as the bytes of `name` in UTF-8."""
    return name.encode().decode("latin-1")


def _texts(file: Any, name: str) -> list[str]:
    return [b"".join(row).decode() for row in file.variables[name].data.astype("S1").tolist()]
