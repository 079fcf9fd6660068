"""The rows of a ``[[data]]``: the text of each cell, from a CSV file or from the points in the scenario itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from ...runtime.errors import InputError
from ...runtime.names import nearest
from .layers import KeyPath
from .points_csv import Cell, read_points_csv
from .quantities import Context
from .source import Table

COLUMNS = {  # of a file of points, and what else they may be called
    "time": ("t",),
    "value": ("mean", "median"),
    "sd": (),
    "se": ("sem",),
    "low": ("lower",),
    "high": ("upper",),
    "n": ("count",),
    "subject": ("id",),
    "before": (),
}

Row = Mapping[str, Cell]


class DataRows(NamedTuple):
    """The points of one data block as text.

    rows: the cells of each point by column; a cell's line is its line in the file, or the number of its point.
    units: by column, as the first line of the file gives them; none for points of the scenario.
    counts: what the line of a cell counts, "line" or "point".
    fault: records a fault at a line or point, or of all of them where that number is 0.
    """

    rows: Sequence[Row]
    units: Mapping[str, str]
    counts: str
    fault: Callable[[int, str], None]


def read_rows(context: Context, path: KeyPath, table: Table) -> DataRows | None:
    """The rows of the block at `path`; None and faults if there are none that can be read."""
    if ("file" in table) == ("points" in table):
        message = "data are in a file (file = 'mine.csv') or here (points = [...]): give one of the two"
        context.fault((*path, "name"), message)
        return None
    return _rows_of_file(context, path, table) if "file" in table else _rows_of_scenario(context, path, table)


def _rows_of_file(context: Context, path: KeyPath, table: Table) -> DataRows | None:
    wanted = table.get("columns", {})
    for column, name in wanted.items():
        if column not in COLUMNS:
            hint = nearest(column, COLUMNS) or f"; columns are {', '.join(COLUMNS)}"
            context.fault((*path, "columns", column), f"no column '{column}'{hint}")
        elif not isinstance(name, str):
            context.fault((*path, "columns", column), f"expected the name of a column, found {name!r}")
            return None
    place = context.layers.folder_of((*path, "file")) / table["file"]
    try:
        found = read_points_csv(place, COLUMNS, {key: name for key, name in wanted.items() if key in COLUMNS})
    except InputError as error:
        context.faults.extend(error.faults)
        context.fault((*path, "file"), f"the points cannot be read from {table['file']}")
        return None
    first = next((number for number, text in enumerate(found.lines, 1) if text.strip()), 1)

    def fault(line: int, message: str) -> None:
        context.faults.append(found.fault(line or first, message))

    return DataRows(found.rows, found.units, "line", fault)


def _rows_of_scenario(context: Context, path: KeyPath, table: Table) -> DataRows | None:
    def fault(number: int, message: str) -> None:
        context.fault((*path, "points"), f"point {number}: {message}" if number else message)

    rows = []
    if "columns" in table:
        context.fault((*path, "columns"), "'columns' names those of a file")
    for number, point in enumerate(table["points"], 1):
        if not isinstance(point, dict):
            fault(number, f"expected {{ time = '5 d', value = 2.1 }}, found {point!r}")
            return None
        for key in point:
            if key not in COLUMNS:
                hint = nearest(key, COLUMNS) or f"; keys are {', '.join(COLUMNS)}"
                fault(number, f"no key '{key}'{hint}")
        rows.append({key: Cell(_text(value), number) for key, value in point.items() if key in COLUMNS})
    if not rows:
        fault(0, "there is no point")
        return None
    return DataRows(rows, {}, "point", fault)


def _text(value: Any) -> str:
    """A value of an inline point as the text of a cell."""
    return repr(value) if isinstance(value, float) else str(value)
