"""A run for those who go on with pandas or xarray; both are asked for only here."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from ...experiments.run import RunResult

if TYPE_CHECKING:
    from pandas import DataFrame
    from xarray import Dataset


def to_pandas(result: RunResult, names: Sequence[str]) -> DataFrame:
    """A row for every arm and saved time, which are its index, and a column for each of `names`.

    Units are in ``attrs["units"]``, also that of ``time``.
    """
    pandas = _package("pandas")
    frames = {}
    for name, arm in result.arms.items():
        index = pandas.Index(arm.trajectory.times, name="time")
        frames[name] = pandas.DataFrame({each: arm.trajectory[each] for each in names}, index=index)
    frame = pandas.concat(frames, names=["arm"])
    model = result.scenario.model
    frame.attrs["title"] = result.scenario.title
    frame.attrs["units"] = {"time": model.time_unit_text, **{name: model.unit_text(name) for name in names}}
    return frame


def to_xarray(result: RunResult, names: Sequence[str], join: str = "outer") -> Dataset:
    """Each of `names` along ``arm`` and ``time``, with its unit and label in ``attrs``.

    Arms are saved at the same multiples of `every`, and each at the times of its own doses too. join says what
    becomes of these: ``outer`` keeps the times of all arms, with NaN where an arm has none; ``inner`` keeps those
    that all arms have. Nothing is interpolated.
    """
    if join not in ("outer", "inner"):
        raise ValueError(f"join is 'outer' or 'inner', not {join!r}")
    xarray = _package("xarray")
    model = result.scenario.model
    of_arms = []
    for arm in result.arms.values():
        values = {name: ("time", np.asarray(arm.trajectory[name])) for name in names}
        of_arms.append(xarray.Dataset(values, coords={"time": arm.trajectory.times}))
    arms = xarray.Variable("arm", list(result.arms))
    dataset = xarray.concat(of_arms, dim="arm", join=join).assign_coords(arm=arms)
    dataset["time"].attrs["units"] = model.time_unit_text
    for name in names:
        label = model.species[name].label if name in model.species else model.observables[name].label
        dataset[name].attrs.update(units=model.unit_text(name), long_name=label)
    dataset.attrs["title"] = result.scenario.title
    return dataset


def _package(name: str) -> Any:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise ModuleNotFoundError(f"this needs {name}: pip install {name}", name=name) from None
