"""The tables of a sweep: members in the order of the design, and quantiles of the curves; read from the store."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ...experiments.certificate import rounded_down
from ...experiments.scenario import MAIN, Scenario
from ...experiments.schedule import saved_times
from ...experiments.sweeps.certificate import SweepCertificate
from ...experiments.sweeps.compute import QUANTILES, Block, sweep_of
from ...experiments.sweeps.designs import member_ids
from ...numerics.trajectory import Array
from ...runtime.text import csv_cell
from .folder import atomic_write
from .member_index import Offsets
from .member_store import MemberStore
from .netcdf_block import MEASURE, axis_names, measure_names, stored_axes

FEW = 12  # members, at most, whose curves are drawn one by one
ID = "id"  # of members that a file names
MEMBERS, BANDS, PARQUET = "members.csv", "bands.csv", "members.parquet"
IN_MEMORY = 128 * 2**20  # bytes of curves that are read at a time

Writer = Callable[[Block], None]


def columns(scenario: Scenario) -> tuple[list[str], list[str]]:
    """Names and units of the columns: axes, then the measures of each arm, ``peak.half`` for an arm other than the main
    one; no name twice."""
    sweep, axes = sweep_of(scenario), stored_axes(scenario)
    names, units = axis_names(axes), [axis.unit_text for axis in axes]
    measures = measure_names(scenario, axes)
    taken = {*names, *measures}
    for arm in sweep.arms:
        for each, plain in zip(sweep.measures, measures, strict=True):
            name = _in_arm(plain, arm)
            while arm != MAIN and name in taken:
                name = MEASURE + name
            taken.add(name)
            names.append(name)
            units.append(each.unit_text)
    return names, units


@contextmanager
def members_csv(path: Path, scenario: Scenario, certificate: SweepCertificate) -> Iterator[Writer]:
    """Yields a function that writes a block as rows of a CSV file, with enough digits to read back the same numbers;
    empty for NaN. The file appears under its name once all are written."""
    header = [csv_cell(f"{name} [{unit}]") for name, unit in zip(*columns(scenario), strict=True)]
    with atomic_write(path) as tmp_path, tmp_path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        ids = [csv_cell(each) for each in member_ids(sweep_of(scenario).design)]
        table.writerow(["number", *([ID] if ids else []), *header, "outcome"])

        def write(block: Block) -> None:
            """Appends the members of a block."""
            outcomes = outcome_texts(block, sweep_of(scenario).arms, certificate)
            numbers = _numbers(block)
            gaps = np.isnan(numbers.sum(axis=1)).tolist()
            for at, row in enumerate(numbers.tolist()):
                number, cells = block.numbers[at], map(_cell, row) if gaps[at] else row
                table.writerow([number, *ids[number : number + 1], *cells, csv_cell(outcomes[at])])

        yield write


@contextmanager
def members_parquet(path: Path, scenario: Scenario, certificate: SweepCertificate) -> Iterator[Writer]:
    """The same for a Parquet file, with units in the metadata of each column and null for NaN."""
    import pyarrow
    from pyarrow import parquet

    names, units = columns(scenario)
    ids = member_ids(sweep_of(scenario).design)
    schema = pyarrow.schema(
        [
            pyarrow.field("number", pyarrow.int64()),
            *([pyarrow.field(ID, pyarrow.string())] if ids else []),
            *(pyarrow.field(n, pyarrow.float64(), metadata={"unit": u}) for n, u in zip(names, units, strict=True)),
            pyarrow.field("outcome", pyarrow.string()),
        ]
    )
    with atomic_write(path) as tmp_path, parquet.ParquetWriter(tmp_path, schema) as table:

        def write(block: Block) -> None:
            """Appends the members of a block."""
            numbers = [pyarrow.array(column, from_pandas=True) for column in _numbers(block).T]
            outcomes = pyarrow.array(outcome_texts(block, sweep_of(scenario).arms, certificate))
            names_of_rows = [pyarrow.array([ids[number] for number in block.numbers])] if ids else []
            rows = [pyarrow.array(block.numbers), *names_of_rows, *numbers, outcomes]
            table.write_table(pyarrow.table(rows, schema=schema))

        yield write


def outcome_texts(block: Block, arms: Sequence[str], certificate: SweepCertificate) -> list[str]:
    """For each member ``success``, or the messages of what failed, with the arm where there are several, or that its
    digits are too few."""
    texts = ["success"] * len(block.numbers)
    rows = {number: row for row, number in enumerate(block.numbers.tolist())}
    for number, digits in certificate.unreliable.items():
        if number in rows:
            texts[rows[number]] = f"not reliable: {rounded_down(digits)} digits"
    wrong: dict[int, list[str]] = {}
    for (number, arm), outcome in block.outcomes.items():
        text = outcome.message or outcome.kind
        wrong.setdefault(rows[number], []).append(text if len(arms) == 1 else f"{arm}: {text}")
    for row, found in wrong.items():
        texts[row] = "; ".join(found)
    return texts


def quantile_bands(store: MemberStore, offsets: Offsets, failed: Any) -> dict[tuple[str, str], Array]:
    """Quantiles of the curves that are kept, over members that did not fail: exact, in as many passes as memory needs.

    Args:
        store: Where the curves are.
        offsets: Of the members, shape (members,).
        failed: Shape (members, arms).

    Returns:
        By (arm, curve) an array of shape (quantiles, times), for `QUANTILES` and every saved time.
    """
    sweep, times = sweep_of(store.scenario), saved_times(store.scenario)
    found = {(arm, name): np.full((len(QUANTILES), len(times)), np.nan) for arm in sweep.arms for name in sweep.keep}
    ways = len(sweep.arms) * len(sweep.keep)
    if not len(offsets) or not ways:
        return found
    order = np.argsort(offsets, kind="stable")  # each block is read once in a pass
    offsets, failed = offsets[order], failed[order]
    width = max(1, IN_MEMORY // (8 * ways * len(offsets)))
    chunk = max(1, IN_MEMORY // (8 * ways * len(times)))
    for first in range(0, len(times), width):
        some = slice(first, first + width)
        curves = np.empty((len(offsets), len(sweep.arms), len(sweep.keep), len(times[some])))
        for a in range(0, len(offsets), chunk):
            rows = offsets[a : a + chunk]
            block = store.block(np.arange(len(rows)), np.empty((len(rows), 0)), rows, curves=True)
            curves[a : a + chunk] = block.curves[..., some]  # type: ignore[index]  # asked for
        for row, arm in enumerate(sweep.arms):
            good = ~failed[:, row]
            for column, name in enumerate(sweep.keep):
                if good.any():
                    found[arm, name][:, some] = np.quantile(curves[good, row, column], QUANTILES, axis=0)
    return found


def few_curves(store: MemberStore, offsets: Offsets, failed: Any) -> dict[tuple[str, str], Array]:
    """By (arm, curve) the curves of all members, shape (members, times), NaN where one failed; empty for more than
    `FEW` members. Arguments as for `quantile_bands`."""
    sweep = sweep_of(store.scenario)
    if not sweep.keep or not 0 < len(offsets) <= FEW:
        return {}
    block = store.block(np.arange(len(offsets)), np.empty((len(offsets), 0)), offsets, curves=True)
    curves = np.where(failed[:, :, None, None], np.nan, block.curves)  # type: ignore[arg-type]  # asked for
    return {
        (arm, name): curves[:, row, column]
        for row, arm in enumerate(sweep.arms)
        for column, name in enumerate(sweep.keep)
    }


def write_bands(path: Path, scenario: Scenario, found: Mapping[tuple[str, str], Array]) -> None:
    """Writes `quantile_bands` as a CSV file: a row for each saved time, a column for each curve and quantile."""
    model = scenario.model
    header = [f"time [{model.time_unit_text}]"]
    for arm, name in found:
        header += [f"{_in_arm(name, arm)} {q:.0%} [{scenario.curve(name).unit_text}]" for q in QUANTILES]
    rows = np.column_stack([saved_times(scenario), *(column for each in found.values() for column in each)])
    with atomic_write(path) as tmp_path, tmp_path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(header)
        table.writerows(map(_cell, row) for row in rows.tolist())


def _cell(value: float) -> float | str:
    return "" if math.isnan(value) else value


def _numbers(block: Block) -> Array:
    """Axes and measures next to each other, shape (members, columns)."""
    members, arms, measures = block.measures.shape
    return np.concatenate([block.values, block.measures.reshape(members, arms * measures)], axis=1)


def _in_arm(name: str, arm: str) -> str:
    return name if arm == MAIN else f"{name}.{arm}"
