"""Runs and sweeps as tables of pandas and datasets of xarray, which are imported only here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...experiments.run import RunResult
from ...experiments.sweeps.compute import SweepResult
from ...experiments.sweeps.designs import member_ids
from ...numerics.trajectory import Array
from ...runtime.packages import package
from .netcdf_block import axis_names, stored_axes
from .sweep_tables import columns

if TYPE_CHECKING:
    from pandas import DataFrame
    from xarray import Dataset


def to_pandas(result: RunResult, names: Sequence[str]) -> DataFrame:
    """A row for every arm and saved time, which are its index, and a column for each of `names`.

    Units are in ``attrs["units"]``, also that of ``time``.
    """
    pandas = package("pandas")
    frames = {}
    for name, arm in result.arms.items():
        index = pandas.Index(arm.trajectory.times, name="time")
        frames[name] = pandas.DataFrame({each: arm.drawn[each] for each in names}, index=index)
    frame = pandas.concat(frames, names=["arm"])
    scenario = result.scenario
    frame.attrs["title"] = result.scenario.title
    frame.attrs["units"] = {
        "time": scenario.model.time_unit_text,
        **{name: scenario.curve(name).unit_text for name in names},
    }
    return frame


def to_xarray(result: RunResult, names: Sequence[str], join: str = "outer") -> Dataset:
    """Each of `names` along ``arm`` and ``time``, with its unit and label in ``attrs``.

    Arms are saved at the same multiples of `every`, and each at the times of its own doses too. join: what
    happens to these: ``outer`` keeps the times of all arms, with NaN where an arm has none; ``inner`` keeps those
    that all arms have. Nothing is interpolated.
    """
    if join not in ("outer", "inner"):
        raise ValueError(f"join is 'outer' or 'inner', not {join!r}")
    xarray = package("xarray")
    model = result.scenario.model
    of_arms = []
    for arm in result.arms.values():
        values = {name: ("time", np.asarray(arm.drawn[name])) for name in names}
        of_arms.append(xarray.Dataset(values, coords={"time": arm.trajectory.times}))
    arms = xarray.Variable("arm", list(result.arms))
    dataset = xarray.concat(of_arms, dim="arm", join=join).assign_coords(arm=arms)
    dataset["time"].attrs["units"] = model.time_unit_text
    for name in names:
        units = result.scenario.curve(name).unit_text
        dataset[name].attrs.update(units=units, long_name=result.scenario.label(name))
    dataset.attrs["title"] = result.scenario.title
    return dataset


def sweep_to_pandas(result: SweepResult) -> DataFrame:
    """A row for each member, whose number is the index, and a column for each axis and measure, as in members.csv;
    NaN where there is no value. ``id`` is that of a list of members, if it has one; ``failed`` says whether the member
    failed in any arm; units are in ``attrs["units"]``.
    """
    pandas = package("pandas")
    names, units = columns(result.scenario)
    measures = result.measures.reshape(len(result.numbers), -1)
    frame = pandas.DataFrame(
        np.concatenate([result.values, measures], axis=1),
        columns=names,
        index=pandas.Index(result.numbers, name="number"),
    )
    if ids := member_ids(result.sweep.design):
        frame.insert(0, "id", [ids[number] for number in result.numbers.tolist()])
    frame["failed"] = result.failed.any(axis=1)
    frame.attrs["title"] = result.scenario.title
    frame.attrs["units"] = dict(zip(names, units, strict=True))
    return frame


def sweep_to_xarray(result: SweepResult, curves: Array) -> Dataset:
    """The curves that are kept, along ``member``, ``arm`` and ``time``, with units and labels in ``attrs``; the values
    of the axes are coordinates of ``member``.

    Args:
        result: The members.
        curves: Shape (members, arms, curves, times).
    """
    xarray = package("xarray")
    scenario, sweep = result.scenario, result.sweep
    axes = stored_axes(scenario)
    values = {name: ("member", column) for name, column in zip(axis_names(axes), result.values.T, strict=True)}
    dataset = xarray.Dataset(
        {name: (("member", "arm", "time"), curves[:, :, place]) for place, name in enumerate(sweep.keep)},
        coords={"member": result.numbers, "arm": list(sweep.arms), "time": result.times, **values},
    )
    dataset["time"].attrs["units"] = scenario.model.time_unit_text
    for name, axis in zip(axis_names(axes), axes, strict=True):
        dataset[name].attrs.update(units=axis.unit_text, long_name=axis.label)
    for name in sweep.keep:
        dataset[name].attrs.update(units=scenario.curve(name).unit_text, long_name=scenario.label(name))
    dataset.attrs["title"] = scenario.title
    return dataset


def rows_to_pandas(rows: Sequence[Mapping[str, Any]]) -> DataFrame:
    """A row for each of `rows`, a column for each key."""
    frame: DataFrame = package("pandas").DataFrame(list(rows))
    return frame
