"""``[[data]]`` and ``[sources]``: what a user measured, from a CSV or from the scenario itself, and its sources."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from ...experiments.curve_formulas import names_read, read_curve
from ...experiments.scenario import ERRORS, MAIN, CurveFormula, Data, ErrorModel, Point
from ...model.declarations import Source
from ...model.expression import FormulaError
from ...model.instants import converted
from ...model.units import ONE, Unit, UnitError, dimension_text, in_moles, quantity, unit
from ...runtime.errors import InputError
from ...runtime.names import nearest, unknown_name
from .layers import KeyPath
from .points_csv import MAX_FAULTS, Cell, read_points_csv
from .quantities import Context, Quantity, read_quantity, read_time
from .source import LIST, QUANTITY, REQUIRED_LINE, REQUIRED_TEXT, TABLE, TEXT, Table, control_character

DATA = {
    "name": REQUIRED_LINE,
    "curve": REQUIRED_TEXT,
    "file": TEXT,
    "points": LIST,
    "columns": TABLE,
    "arm": TEXT,
    "unit": TEXT,
    "time_unit": TEXT,
    "time_zero": QUANTITY,
    "error": TEXT,
    "sd": QUANTITY,
    "cv": QUANTITY,
    "interval": QUANTITY,
    "below": QUANTITY,
    "source": TEXT,
}
SOURCE = {"citation": TEXT, "title": TEXT, "link": TEXT}
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
MOST_POINTS = 100_000
NOT_MEASURED = ("", "na", "nan", "n/a", ".", "-")
YES, NO = ("1", "true", "yes", "x"), ("", "0", "false", "no", ".")
BELOW = ("blq", "bloq", "blod", "lloq", "llod", "lod", "nd", "<")
ONE_SD = 0.6826894921370859  # of a normal distribution lies within one SD of its mean
OF_KIND = {"additive": ("sd",), "proportional": ("cv",), "combined": ("sd", "cv"), "lognormal": ("cv",)}


class DataFound(NamedTuple):
    """What the blocks of a scenario say. left_out: points after an end that was moved, in words."""

    data: tuple[Data, ...]
    left_out: tuple[str, ...]


def read_sources(context: Context) -> dict[str, Source]:
    """The sources of the scenario itself, by key."""
    found = {}
    for key, table in context.tables.get("sources", {}).items():
        path: KeyPath = ("sources", key)
        texts = [table[each] for each in ("citation", "title") if table.get(each)]
        if key in context.model.sources:
            context.fault(path, f"'{key}' is a source of the model already; choose another key")
        elif "," in key or ";" in key or key == "assumed":
            context.fault(path, f"{key!r} cannot be the key of a source: no comma, no semicolon, not 'assumed'")
        elif len(texts) != 1:
            context.fault(path, "a source has a title or a citation" + (", not both" if texts else ""))
        else:
            found[key] = Source(key, texts[0], table.get("link", ""))
    return found


def read_data(context: Context, arms: Sequence[str]) -> DataFound:
    """The data of a scenario with these arms; faults for everything that is wrong with them."""
    found, left_out, seen = [], [], set()
    for number, table in enumerate(context.tables.get("data", [])):
        reader = _Reader(context, number, table)
        data = reader.read(arms)
        if table["name"] in seen:
            context.fault((*reader.path, "name"), f"two data blocks are named '{table['name']}'")
        seen.add(table["name"])
        if data is not None:
            found.append(data)
        left_out += reader.left_out
    return DataFound(tuple(found), tuple(left_out))


class _Reader:
    """Reads one ``[[data]]``; every fault goes to the context."""

    def __init__(self, context: Context, number: int, table: Table) -> None:
        self.context, self.model, self.table = context, context.model, table
        self.path: KeyPath = ("data", number)
        self.left_out: list[str] = []
        self.fault_of_row: Callable[[int, str], None] = self._fault_of_point
        self.units: Mapping[str, str] = {}
        self.read_names: tuple[str, ...] = ()
        self.unit_text, self.wanted = "1", ONE

    def fault(self, key: str, message: str) -> None:
        self.context.fault((*self.path, key), message)

    def _fault_of_point(self, number: int, message: str) -> None:
        """A fault of a point, or of all of them where the number is 0."""
        self.fault("points", f"point {number}: {message}" if number else message)

    def read(self, arms: Sequence[str]) -> Data | None:
        before = len(self.context.faults)
        table = self.table
        arm = table.get("arm", MAIN)
        if arm not in arms:
            self.fault("arm", unknown_name("no arm", str(arm), arms))
        key = table.get("source", "").split(",")[0].strip()
        if key and key not in self.context.sources:
            self.fault("source", f"no source '{key}'{nearest(key, self.context.sources)}; [sources.{key}] declares one")
        kind = self._kind()
        curve = self._curve()
        rows = self._rows()
        self.read_names = names_read(curve) if curve is not None else ()
        measured_in = None if curve is None or rows is None else self._unit(curve, rows)
        if curve is None and rows is not None and "below" not in table:
            _Rows(self, ErrorModel("additive")).check_times(rows)
        if measured_in is None or rows is None or curve is None:
            return None
        self.unit_text, self.wanted = text, wanted = measured_in
        error = self._error(kind)
        reading = _Rows(self, error)
        points = reading.points(rows)
        if len(self.context.faults) > before:
            return None
        self._resolve(text, error, reading.resolved)
        return Data(table["name"], curve, arm, wanted, text, error, table.get("source", ""), reading.bars, points)

    def _curve(self) -> CurveFormula | None:
        try:
            return read_curve(self.table["curve"], self.model, self.context.latest)
        except (FormulaError, UnitError) as error:
            self.fault("curve", str(error))
            return None

    def _unit(self, curve: CurveFormula, rows: Sequence[Mapping[str, Cell]]) -> tuple[str, Unit] | None:
        """The unit of the values, as text and in moles where one substance is measured."""
        header, own = self.units.get("value", ""), self.table.get("unit", "")
        itself = curve.unit.dimensionless or all(_has_unit(row["value"].text) for row in rows if "value" in row)
        text = header or own or (curve.unit_text if itself else "")

        def at(message: str) -> None:
            if header:
                self.fault_of_row(0, message)
            else:
                self.fault("unit", message)

        if header and own and header != own:
            self.fault("unit", f"unit = '{own}', but the first line of the file says '{header}'; say one of them")
            return None
        if not text:
            self.fault("name", f"the unit of the values is missing: 'value [{curve.unit_text}]' as the name of their "
                               f"column, or unit = '{curve.unit_text}'")  # fmt: skip
            return None
        try:
            wanted = self.in_moles(unit(text))
        except UnitError as error:
            at(str(error))
            return None
        if not wanted.same_dimension(curve.unit):
            at(f"the values are in '{text}', {dimension_text(unit(text))}, but the curve gives "
               f"{dimension_text(curve.unit)}, such as {curve.unit_text}")  # fmt: skip
            return None
        return text, wanted

    def in_moles(self, given: Unit) -> Unit:
        """A unit of what the curve measures, in moles if that is one substance."""
        substances = {self.model.substance_of(name) for name in self.read_names}
        if len(substances) == 1 and (substance := substances.pop()) is not None:
            return in_moles(given, substance)
        return given

    def _kind(self) -> str:
        """What the error is like; faults of it and of what does not go with it."""
        kind = self.table.get("error", "additive")
        if kind not in ERRORS:
            hint = nearest(str(kind), list(ERRORS)) or f"; errors are {', '.join(ERRORS)}"
            self.fault("error", f"no error '{kind}'{hint}")
            return "additive"
        for key in ("sd", "cv"):
            if key in self.table and key not in OF_KIND[kind]:
                others = " or ".join(each for each in ERRORS if key in OF_KIND[each])
                self.fault(key, f"'{key}' belongs to an error that is {others}, not {kind}")
        return str(kind)

    def _error(self, kind: str) -> ErrorModel:
        values = {key: self._size(key) for key in ("sd", "cv") if key in self.table}
        return ErrorModel(kind, values.get("sd"), values.get("cv"))

    def _size(self, key: str) -> float | None:
        """An SD in the unit of the data, or a coefficient of variation."""
        given = self.table[key]
        if key == "cv":
            value = read_quantity(self.context, (*self.path, key), given, unit("1"), "a share", "20 %")
        else:
            value = self.quantity_of(key)
        if value is not None and not value > 0:
            self.fault(key, f"expected {key} above zero, found {given!r}")
            return None
        return value

    def in_unit(self, number: float, unit_text: str) -> float:
        """A number in the unit of the data; `UnitError` where it measures something else."""
        if unit_text == self.unit_text:
            return number
        given = self.in_moles(unit(unit_text))
        if not given.same_dimension(self.wanted):
            raise UnitError(f"'{unit_text}' is {dimension_text(given)}, but the values are in '{self.unit_text}'")
        return number * given.to(self.wanted)

    def quantity_of(self, key: str) -> float | None:
        """The value of a key in the unit of the data: a plain number is in it already."""
        given = self.table[key]
        try:
            number, _, text = quantity(str(given))
            return number if text == "1" else self.in_unit(number, text)
        except UnitError as error:
            self.fault(key, str(error))
            return None

    def _rows(self) -> Sequence[Mapping[str, Cell]] | None:
        """The cells of each point, from the file or from the scenario."""
        if ("file" in self.table) == ("points" in self.table):
            self.fault("name", "data are in a file (file = 'mine.csv') or here (points = [...]): give one of the two")
            return None
        return self._rows_of_file() if "file" in self.table else self._rows_here()

    def _rows_of_file(self) -> Sequence[Mapping[str, Cell]] | None:
        wanted = self.table.get("columns", {})
        for column, name in wanted.items():
            if column not in COLUMNS:
                hint = nearest(column, COLUMNS) or f"; columns are {', '.join(COLUMNS)}"
                self.context.fault((*self.path, "columns", column), f"no column '{column}'{hint}")
            elif not isinstance(name, str):
                self.context.fault((*self.path, "columns", column), f"expected the name of a column, found {name!r}")
                return None
        place = self.context.layers.folder_of((*self.path, "file")) / self.table["file"]
        try:
            found = read_points_csv(place, COLUMNS, {key: name for key, name in wanted.items() if key in COLUMNS})
        except InputError as error:
            self.context.faults.extend(error.faults)
            self.fault("file", f"the points cannot be read from {self.table['file']}")
            return None
        self.units = found.units
        first = next((number for number, text in enumerate(found.lines, 1) if text.strip()), 1)
        self.fault_of_row = lambda line, message: self.context.faults.append(found.fault(line or first, message))
        return found.rows

    def _rows_here(self) -> Sequence[Mapping[str, Cell]] | None:
        rows = []
        if "columns" in self.table:
            self.fault("columns", "'columns' names those of a file")
        for number, point in enumerate(self.table["points"], 1):
            if not isinstance(point, dict):
                self._fault_of_point(number, f"expected {{ time = '5 d', value = 2.1 }}, found {point!r}")
                return None
            for key in point:
                if key not in COLUMNS:
                    hint = nearest(key, COLUMNS) or f"; keys are {', '.join(COLUMNS)}"
                    self._fault_of_point(number, f"no key '{key}'{hint}")
            rows.append({key: Cell(_text(value), number) for key, value in point.items() if key in COLUMNS})
        if not rows:
            self.fault("points", "there is no point")
            return None
        return rows

    def _resolve(self, unit_text: str, error: ErrorModel, points: list[Table]) -> None:
        """Writes the points into the resolved scenario, so that it needs no other file."""
        for key in ("file", "columns", "time_unit", "time_zero"):
            self.table.pop(key, None)
        self.table |= {"arm": self.table.get("arm", MAIN), "unit": unit_text, "error": error.kind, "points": points}


class _Rows:
    """Turns cells into points.

    bars: what their bars are. resolved: the points as they could stand in a scenario.
    """

    def __init__(self, reader: _Reader, error: ErrorModel) -> None:
        self.reader, self.context = reader, reader.context
        self.log = error.kind == "lognormal"
        self.resolved: list[Table] = []
        self.bars = "SD"
        self.share = self._share()
        self.limit = reader.quantity_of("below") if "below" in reader.table else None
        self.zero = self._zero()

    def _share(self) -> float:
        """The share of values that an interval from low to high holds."""
        if "interval" not in self.reader.table:
            return ONE_SD
        path: KeyPath = (*self.reader.path, "interval")
        value = read_quantity(self.context, path, self.reader.table["interval"], unit("1"), "a share", "95 %")
        if value is not None and not 0 < value < 1:
            self.reader.fault("interval", f"expected a share from 0 to 100 %, found {self.reader.table['interval']!r}")
        return value if value is not None and 0 < value < 1 else ONE_SD

    def _zero(self) -> float:
        if "time_zero" not in self.reader.table:
            return 0.0
        path: KeyPath = (*self.reader.path, "time_zero")
        return read_time(self.context, path, self.reader.table["time_zero"]) or 0.0

    def points(self, rows: Sequence[Mapping[str, Cell]]) -> tuple[Point, ...]:
        """The points, in order of time for each subject, and faults for what is wrong with any row."""
        used = {column for row in rows for column, cell in row.items() if cell.text.strip()}
        self._check_columns(used, {column for row in rows for column in row})
        if not self._check_units(rows):
            return ()
        before, late = len(self.context.faults), 0
        found: list[tuple[Point, Table]] = []
        seen: dict[tuple[str, float], int] = {}
        for row in rows[:MOST_POINTS]:
            line = next(iter(row.values())).line
            point = self._point(row, line)
            if point is None:
                if len(self.context.faults) - before >= MAX_FAULTS:
                    self.reader.fault("name", "and perhaps more like these")
                    break
                continue
            if point.time > self.context.latest and self.context.layers.from_command_line(("time", "end")):
                late += 1
                continue
            self._check_once(point, line, seen)
            found.append((point, self._written(point, row)))
        if len(rows) > MOST_POINTS:
            self.reader.fault("name", f"{len(rows):,} points; at most {MOST_POINTS:,}")
        if late:
            name = self.reader.table["name"]
            self.reader.left_out.append(f"{late} point{'s' * (late > 1)} of the data '{name}' after the end")
        order = {subject: place for place, subject in enumerate(dict.fromkeys(point.subject for point, _ in found))}
        found.sort(key=lambda each: (order[each[0].subject], each[0].time))
        self.resolved = [table for _, table in found]
        return tuple(point for point, _ in found)

    def _check_columns(self, used: set[str], there: set[str]) -> None:
        """Faults of errors that are given twice or by half. used: the columns with a value; there: all of them."""
        interval = {"low", "high"} & used
        kinds = [*({"sd", "se"} & used), *(["low and high"] if interval else [])]
        if len(kinds) > 1:
            self.reader.fault_of_row(
                0, f"errors are given twice, as {' and as '.join(sorted(kinds))}; keep one of them"
            )
        ends = [each for each in ("low", "high") if each in there]
        if len(ends) == 1:
            self.reader.fault_of_row(0, f"there is '{ends[0]}' alone: an interval has 'low' and 'high'")
        if "interval" in self.reader.table and not {"low", "high"} <= used:
            self.reader.fault("interval", "'interval' says what lies between the columns low and high; there are none")
        if kinds and kinds[0] != "sd":
            self.bars = "SE" if kinds[0] == "se" else "interval"

    def _check_units(self, rows: Sequence[Mapping[str, Cell]]) -> bool:
        """Whether the units of the columns are right: told once and not for every row."""
        before, model, reader = len(self.context.faults), self.context.model, self.reader
        texts = {column: text for column, text in reader.units.items() if text}
        time_unit = texts.pop("time", reader.table.get("time_unit", ""))
        plain = any("time" in row and row["time"].text and not _has_unit(row["time"].text) for row in rows)
        for column, text in [("time", time_unit)] * bool(time_unit) + list(texts.items()):
            try:
                if column != "time":
                    reader.in_unit(1.0, text)
                elif not (given := unit(text)).same_dimension(model.time_unit):
                    raise UnitError(f"'{text}' is {dimension_text(given)}, and no unit of time")
            except UnitError as error:
                reader.fault_of_row(0, f"{column}: {error}")
        if plain and not time_unit:
            wanted = model.time_unit_text
            reader.fault_of_row(0, f"the unit of the times is missing: 'time [{wanted}]' as the name of their column, "
                                   f"or time_unit = '{wanted}'")  # fmt: skip
        return len(self.context.faults) == before

    def _check_once(self, point: Point, line: int, seen: dict[tuple[str, float], int]) -> None:
        key = point.subject, point.time
        if key in seen:
            whose = f" of subject {point.subject}" if point.subject else ""
            hint = "" if point.subject else "; a column 'subject' tells series apart"
            where = f"line {seen[key]}" if "file" in self.reader.table else f"point {seen[key]}"
            self.reader.fault_of_row(line, f"a second point{whose} at this time, after {where}{hint}")
        seen.setdefault(key, line)

    def check_times(self, rows: Sequence[Mapping[str, Cell]]) -> None:
        """Faults for times that cannot be, where nothing else can be said of the points."""
        for row in rows[:MAX_FAULTS]:
            line = next(iter(row.values())).line
            self._time(row["time"].text if "time" in row else "", partial(self.reader.fault_of_row, line))

    def _point(self, row: Mapping[str, Cell], line: int) -> Point | None:
        before = len(self.context.faults)

        def fault(message: str) -> None:
            self.reader.fault_of_row(line, message)

        time = self._time(row["time"].text if "time" in row else "", fault)
        value, censored = self._value(row["value"].text if "value" in row else "", fault)
        sizes = {key: self._number(row, key, fault) for key in ("sd", "se", "low", "high")}
        subject = row["subject"].text.strip() if "subject" in row else ""
        problem = control_character("subject", subject, one_line=True)
        if problem:
            fault(problem)
        count = self._count(row, fault)
        early = self._before(row, fault)
        if time is None or value is None or len(self.context.faults) > before:
            return None
        if early and time == 0:
            fault("a value before a dose at the start of the run, where it begins after that dose")
            return None
        if self.log and not value > 0:
            fault(f"a value of {row['value'].text} under a lognormal error, which needs values above zero")
            return None
        bar = self._bar(value, sizes, fault)
        if bar is None:
            return None
        where = f"line {line}" if "file" in self.reader.table else f"point {line}"
        time = math.nextafter(time, -math.inf) if early else time
        return Point(time, value, *bar, censored, count, subject, where)

    def _time(self, text: str, fault: Callable[[str], None]) -> float | None:
        """A time of the run, in the model's unit."""
        model = self.context.model
        try:
            number, given, unit_text = self._quantity(text, "a time")
            if unit_text == "1":
                unit_text = self.reader.units.get("time", "") or self.reader.table.get("time_unit", "")
            given = unit(unit_text or "1")
            if not given.same_dimension(model.time_unit):
                raise UnitError(f"expected a time such as '5 {model.time_unit_text}', found {text!r}")
        except UnitError as error:
            fault(str(error))
            return None
        time = self.zero + converted(number, given, model.time_unit)
        moved = self.context.layers.from_command_line(("time", "end"))
        if time < 0 or (time > self.context.latest and not moved):
            end = f"{self.context.latest:g} {model.time_unit_text}"
            fault(f"the time {number:g} {unit_text} lies outside the run, 0 to {end}")
            return None
        return time

    def _value(self, text: str, fault: Callable[[str], None]) -> tuple[float | None, bool]:
        """A value in the unit of the data, or the limit that it is below."""
        word = text.strip().lower()
        if word in NOT_MEASURED:
            fault(f"the value is missing (found {text!r}); leave the row out")
            return None, False
        if word in BELOW:
            if self.limit is None:
                fault(f"'{text}' is below a limit that nobody gave: below = '0.05 {self.reader.unit_text}'")
            return self.limit, True
        below = text.strip().startswith(("<", "≤"))
        value = self._in_unit(text.strip().lstrip("<≤ "), "value", fault)
        if value is not None and not below and self.limit is not None and value < self.limit:
            return self.limit, True
        return value, below

    def _number(self, row: Mapping[str, Cell], column: str, fault: Callable[[str], None]) -> float | None:
        """A size in the unit of the data; None where the cell is empty."""
        if column not in row or row[column].text.strip().lower() in NOT_MEASURED:
            return None
        value = self._in_unit(row[column].text, column, fault)
        if column in ("sd", "se") and value is not None and not value > 0:
            text = row[column].text.strip()
            fault(f"the {column.upper()} is {text}: expected a number above zero, or nothing where none is known")
        return value

    def _before(self, row: Mapping[str, Cell], fault: Callable[[str], None]) -> bool:
        """Whether a value was measured just before a dose at its time."""
        text = row["before"].text.strip().lower() if "before" in row else ""
        if text not in (*YES, *NO):
            fault(
                f"before is {text!r}: expected 1, or nothing, for a value that was measured before a dose at its time"
            )
        return text in YES

    def _count(self, row: Mapping[str, Cell], fault: Callable[[str], None]) -> int:
        if "n" not in row or row["n"].text.strip().lower() in NOT_MEASURED:
            return 0
        text = row["n"].text.strip()
        try:
            count = float(text)
        except ValueError:
            count = math.nan
        if not (count >= 1 and count == int(count)):
            fault(f"n is {text!r}: expected a whole number from 1 on")
            return 0
        return int(count)

    def _bar(
        self, value: float, sizes: Mapping[str, float | None], fault: Callable[[str], None]
    ) -> tuple[float | None, float | None, float | None] | None:
        """The ends of a bar, and the error that it shows; None and a fault where the ends are wrong."""
        size = sizes["sd"] if sizes["sd"] is not None else sizes["se"]
        low, high = sizes["low"], sizes["high"]
        if size is not None:
            return value - size, value + size, math.sqrt(math.log1p((size / value) ** 2)) if self.log else size
        if (low is None) != (high is None):
            fault("an interval has 'low' and 'high'; one of them is empty")
            return None
        if low is None or high is None:
            return None, None, None
        if not low <= value <= high or low == high:
            fault(f"expected low, value and high to rise, found {low:g}, {value:g} and {high:g}")
            return None
        if self.log and not low > 0:
            fault(f"the interval starts at {low:g}, but a lognormal error needs values above zero")
            return None
        half = (math.log(high / low) if self.log else high - low) / 2
        from statistics import NormalDist  # few have a mean with an interval, and `check` must start fast

        return low, high, half / NormalDist().inv_cdf(0.5 + self.share / 2)

    def _in_unit(self, text: str, column: str, fault: Callable[[str], None]) -> float | None:
        try:
            number, _, unit_text = self._quantity(text, f"the {column}")
            declared = unit_text if unit_text != "1" else self.reader.units.get(column, "")
            return self.reader.in_unit(number, declared) if declared else number
        except UnitError as error:
            fault(f"{column}: {error}")
            return None

    def _quantity(self, text: str, what: str) -> tuple[float, Unit, str]:
        """A number and its unit, '1' where it has none."""
        try:
            found = quantity(text.strip())
        except UnitError as error:
            raise UnitError(f"expected {what} as a number, found {text!r}") from error
        return found

    def _written(self, point: Point, row: Mapping[str, Cell]) -> Table:
        """A point as it could stand in a scenario."""
        early = "before" in row and row["before"].text.strip().lower() in YES
        time = math.nextafter(point.time, math.inf) if early else point.time
        table: Table = {"time": str(Quantity(time, self.context.model.time_unit_text))}
        table["value"] = f"<{point.value!r}" if point.censored else point.value
        for key in ("sd", "se", "low", "high"):
            value = self._number(row, key, lambda message: None)
            if value is not None:
                table[key] = value
        table |= {"n": point.n} if point.n else {}
        table |= {"before": True} if early else {}
        return table | ({"subject": point.subject} if point.subject else {})


def _text(value: Any) -> str:
    """A value of an inline point as the text of a cell."""
    return repr(value) if isinstance(value, float) else str(value)


def _has_unit(text: str) -> bool:
    """Whether a text is a number with a unit."""
    try:
        return quantity(text.strip().lstrip("<≤ "))[2] != "1"
    except UnitError:
        return False
