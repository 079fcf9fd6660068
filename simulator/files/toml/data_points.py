"""The points of a ``[[data]]``: rows of text become values, with their bars, in the unit of the data."""

from __future__ import annotations

import math
from typing import NamedTuple

from ...experiments.scenario import Point
from ...model.units import UnitError
from .data_rows import DataRows, Row
from .data_times import DataTimes
from .data_units import ValueUnit, number_and_unit
from .layers import KeyPath
from .points_csv import MAX_FAULTS, NOT_MEASURED
from .quantities import Context, Quantity
from .source import Table, control_character

MAX_POINTS = 100_000
YES, NO = ("1", "true", "yes", "x"), ("", "0", "false", "no", ".")
BELOW = ("blq", "bloq", "blod", "lloq", "llod", "lod", "nd", "<")
ONE_SD = 0.6826894921370859  # of a normal distribution lies within one SD of its mean

Bar = tuple[float | None, float | None, float | None]  # its lower end, its upper end, and the error that it shows


class PointRules(NamedTuple):
    """What a block says of all of its points.

    measured_in: the unit of the values. lognormal: whether their error is. limit: of quantification, in that unit.
    share: of the values, which lie between the columns low and high.
    """

    measured_in: ValueUnit
    lognormal: bool
    limit: float | None
    share: float


class PointsFound(NamedTuple):
    """The points of a block, in order of time for each subject.

    bars: what their bars are, "SD", "SE" or "interval". written: the points as they could stand in a scenario.
    late: how many were left out because the end of the run was moved before them.
    """

    points: tuple[Point, ...]
    bars: str
    written: list[Table]
    late: int


def read_points(
    context: Context, path: KeyPath, table: Table, rows: DataRows, times: DataTimes, rules: PointRules
) -> PointsFound | None:
    """The points of the block at `path`; None and faults where any row is wrong."""
    before, late = len(context.faults), 0
    bars = _bars(context, path, table, rows)
    times.check_unit()
    _check_column_units(rows, rules.measured_in)
    if len(context.faults) > before:
        return None
    found: list[tuple[Point, Table]] = []
    seen: dict[tuple[str, float], int] = {}
    for row in rows.rows[:MAX_POINTS]:
        reader = _PointReader(context, rows, times, rules, row)
        read = reader.read()
        if read is None:
            if len(context.faults) - before >= MAX_FAULTS:
                context.fault((*path, "name"), "and perhaps more like these")
                break
            continue
        if times.is_late(read[0].time):
            late += 1
            continue
        _check_once(read[0], rows, reader.line, seen)
        found.append(read)
    if len(rows.rows) > MAX_POINTS:
        context.fault((*path, "name"), f"{len(rows.rows):,} points; at most {MAX_POINTS:,}")
    if len(context.faults) > before:
        return None
    order = {subject: place for place, subject in enumerate(dict.fromkeys(point.subject for point, _ in found))}
    found.sort(key=lambda each: (order[each[0].subject], each[0].time))
    return PointsFound(tuple(point for point, _ in found), bars, [written for _, written in found], late)


def _bars(context: Context, path: KeyPath, table: Table, rows: DataRows) -> str:
    """What the bars of the points are; faults of errors that are given twice or by half."""
    columns = {column for row in rows.rows for column in row}
    used = {column for row in rows.rows for column, cell in row.items() if cell.text.strip()}
    kinds = [*({"sd", "se"} & used), *(["low and high"] if {"low", "high"} & used else [])]
    if len(kinds) > 1:
        rows.fault(0, f"errors are given twice, as {' and as '.join(sorted(kinds))}; keep one of them")
    ends = [each for each in ("low", "high") if each in columns]
    if len(ends) == 1:
        rows.fault(0, f"there is '{ends[0]}' alone: an interval has 'low' and 'high'")
    if "interval" in table and not {"low", "high"} <= used:
        message = "'interval' says what lies between the columns low and high; there are none"
        context.fault((*path, "interval"), message)
    return {"se": "SE", "low and high": "interval"}.get(kinds[0], "SD") if kinds else "SD"


def _check_column_units(rows: DataRows, measured_in: ValueUnit) -> None:
    """Faults of the units in the first line of a file, once and not for every row."""
    for column, text in rows.units.items():
        if text and column != "time":
            try:
                measured_in.convert(1.0, text)
            except UnitError as error:
                rows.fault(0, f"{column}: {error}")


def _check_once(point: Point, rows: DataRows, line: int, seen: dict[tuple[str, float], int]) -> None:
    """A fault where a point before, noted in `seen`, is of the same subject and time."""
    key = point.subject, point.time
    if key in seen:
        whose = f" of subject {point.subject}" if point.subject else ""
        hint = "" if point.subject else "; a column 'subject' tells series apart"
        rows.fault(line, f"a second point{whose} at this time, after {rows.counts} {seen[key]}{hint}")
    seen.setdefault(key, line)


class _PointReader:
    """Reads one row; every fault names it.

    line: of a file, or the number of the point in the scenario.
    """

    def __init__(self, context: Context, rows: DataRows, times: DataTimes, rules: PointRules, row: Row) -> None:
        self.context, self.rows, self.times, self.rules, self.row = context, rows, times, rules, row
        self.line = next(iter(row.values())).line

    def fault(self, message: str) -> None:
        self.rows.fault(self.line, message)

    def text(self, column: str) -> str:
        """The text of a cell, empty where there is none."""
        return self.row[column].text.strip() if column in self.row else ""

    def is_empty(self, column: str) -> bool:
        return self.text(column).lower() in NOT_MEASURED

    def read(self) -> tuple[Point, Table] | None:
        """The point, and how it could stand in a scenario; None and faults if something is wrong with it."""
        before = len(self.context.faults)
        time = self.times.read(self.text("time"), self.fault)
        value, censored = self._value()
        sizes = {key: self._size(key) for key in ("sd", "se", "low", "high")}
        subject = self.text("subject")
        if problem := control_character("subject", subject, one_line=True):
            self.fault(problem)
        count, early = self._count(), self._is_early()
        if time is None or value is None or len(self.context.faults) > before:
            return None
        if early and time == 0:
            self.fault("a value before a dose at the start of the run, where it begins after that dose")
            return None
        if self.rules.lognormal and not value > 0:
            self.fault(f"a value of {self.text('value')} under a lognormal error, which needs values above zero")
            return None
        bar = self._bar(value, sizes)
        if bar is None:
            return None
        written: Table = {
            "time": str(Quantity(time, self.context.model.time_unit_text)),
            "value": f"<{value!r}" if censored else value,
            **{key: size for key, size in sizes.items() if size is not None},
            **({"n": count} if count else {}),
            **({"before": True} if early else {}),
            **({"subject": subject} if subject else {}),
        }
        at = math.nextafter(time, -math.inf) if early else time
        return Point(at, value, *bar, censored, count, subject, f"{self.rows.counts} {self.line}"), written

    def _value(self) -> tuple[float | None, bool]:
        """The value in the unit of the data, or the limit that it is below, and whether it is below one."""
        text, limit = self.text("value"), self.rules.limit
        if self.is_empty("value"):
            self.fault(f"the value is missing (found {text!r}); leave the row out")
            return None, False
        if text.lower() in BELOW:
            if limit is None:
                example = f"below = '0.05 {self.rules.measured_in.text}'"
                self.fault(f"'{text}' is below a limit that nobody gave: {example}")
            return limit, True
        below = text.startswith(("<", "≤"))
        value = self._number(text.lstrip("<≤ "), "value")
        if value is not None and not below and limit is not None and value < limit:
            return limit, True
        return value, below

    def _size(self, column: str) -> float | None:
        """An error, or an end of an interval, in the unit of the data; None where the cell is empty."""
        if self.is_empty(column):
            return None
        value = self._number(self.text(column), column)
        if column in ("sd", "se") and value is not None and not value > 0:
            expected = "expected a number above zero, or nothing where none is known"
            self.fault(f"the {column.upper()} is {self.text(column)}: {expected}")
        return value

    def _number(self, text: str, column: str) -> float | None:
        """A number in the unit of the data: its own unit, else that of its column, else that of the data."""
        try:
            number, unit_text = number_and_unit(text, f"the {column}")
            declared = unit_text if unit_text != "1" else self.rows.units.get(column, "")
            return self.rules.measured_in.convert(number, declared) if declared else number
        except UnitError as error:
            self.fault(f"{column}: {error}")
            return None

    def _is_early(self) -> bool:
        """Whether the value was measured just before a dose at its time."""
        text = self.text("before").lower()
        if text not in (*YES, *NO):
            expected = "expected 1, or nothing, for a value that was measured before a dose at its time"
            self.fault(f"before is {text!r}: {expected}")
        return text in YES

    def _count(self) -> int:
        """How many were measured; 0 where nothing says it."""
        if self.is_empty("n"):
            return 0
        text = self.text("n")
        try:
            count = float(text)
        except ValueError:
            count = math.nan
        if not (count >= 1 and count == int(count)):
            self.fault(f"n is {text!r}: expected a whole number from 1 on")
            return 0
        return int(count)

    def _bar(self, value: float, sizes: dict[str, float | None]) -> Bar | None:
        """The bar around a value; None and a fault where its ends are wrong."""
        size = sizes["sd"] if sizes["sd"] is not None else sizes["se"]
        low, high, log = sizes["low"], sizes["high"], self.rules.lognormal
        if size is not None:
            return value - size, value + size, math.sqrt(math.log1p((size / value) ** 2)) if log else size
        if (low is None) != (high is None):
            self.fault("an interval has 'low' and 'high'; one of them is empty")
            return None
        if low is None or high is None:
            return None, None, None
        if not low <= value <= high or low == high:
            self.fault(f"expected low, value and high to rise, found {low:g}, {value:g} and {high:g}")
            return None
        if log and not low > 0:
            self.fault(f"the interval starts at {low:g}, but a lognormal error needs values above zero")
            return None
        half = (math.log(high / low) if log else high - low) / 2
        from statistics import NormalDist  # few have a mean with an interval, and `check` must start fast

        return low, high, half / NormalDist().inv_cdf(0.5 + self.rules.share / 2)
