"""``[[data]]``: what a user measured, to be compared with a curve of an arm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ...experiments.curve_formulas import read_curve
from ...experiments.scenario import ERRORS, MAIN, CurveFormula, Data, ErrorModel
from ...model.expression import FormulaError
from ...model.units import ONE, UnitError, quantity
from ...runtime.names import nearest, unknown_name
from .data_points import ONE_SD, PointRules, read_points
from .data_rows import read_rows
from .data_times import DataTimes
from .data_units import ValueUnit, read_value_unit
from .layers import KeyPath
from .quantities import Context, read_quantity
from .source import LIST, QUANTITY, REQUIRED_LINE, REQUIRED_TEXT, TABLE, TEXT, Table

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
OF_KIND = {"additive": ("sd",), "proportional": ("cv",), "combined": ("sd", "cv"), "lognormal": ("cv",)}


class DataFound(NamedTuple):
    """What the blocks of a scenario say. left_out: points after an end that was moved, in words."""

    data: tuple[Data, ...]
    left_out: tuple[str, ...]


def read_data(context: Context, arms: Sequence[str]) -> DataFound:
    """The data of a scenario with these arms; faults for everything that is wrong with them."""
    found: list[Data] = []
    left_out: list[str] = []
    seen: set[str] = set()
    for number, table in enumerate(context.tables.get("data", [])):
        name = table["name"]
        block = _DataBlock(context, number, table).read(arms)
        if name in seen:
            context.fault(("data", number, "name"), f"two data blocks are named '{name}'")
        seen.add(name)
        if block is not None:
            data, late = block
            found.append(data)
            if late:
                left_out.append(f"{late} point{'s' * (late > 1)} of the data '{name}' after the end")
    return DataFound(tuple(found), tuple(left_out))


class _DataBlock:
    """Reads one ``[[data]]``; every fault goes to the context."""

    def __init__(self, context: Context, number: int, table: Table) -> None:
        self.context, self.table = context, table
        self.path: KeyPath = ("data", number)

    def fault(self, key: str, message: str) -> None:
        self.context.fault((*self.path, key), message)

    def read(self, arms: Sequence[str]) -> tuple[Data, int] | None:
        """The data, and how many of its points were left out; None and faults if something is wrong."""
        context, table, path = self.context, self.table, self.path
        before = len(context.faults)
        arm, source = table.get("arm", MAIN), table.get("source", "")
        if arm not in arms:
            self.fault("arm", unknown_name("no arm", str(arm), arms))
        self._check_source(source)
        kind, share, curve = self._kind(), self._share(), self._curve()
        rows = read_rows(context, path, table)
        if rows is None:
            return None
        times = DataTimes(context, path, table, rows)
        if curve is None:
            times.check()
            return None
        measured_in = read_value_unit(context, path, table, curve, rows)
        if measured_in is None:
            return None
        error = self._error(kind, measured_in)
        limit = self._in_unit("below", measured_in) if "below" in table else None
        rules = PointRules(measured_in, kind == "lognormal", limit, share)
        found = read_points(context, path, table, rows, times, rules)
        if found is None or len(context.faults) > before:
            return None
        self._resolve(measured_in.text, kind, found.written)
        data = Data(
            table["name"], curve, arm, measured_in.unit, measured_in.text, error, source, found.bars, found.points
        )
        return data, found.late

    def _check_source(self, source: str) -> None:
        key = source.split(",")[0].strip()
        known = self.context.sources
        if key and key not in known:
            self.fault("source", f"no source '{key}'{nearest(key, known)}; [sources.{key}] declares one")

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

    def _share(self) -> float:
        """The share of values that an interval from low to high holds; one SD's without 'interval'."""
        given = self.table.get("interval")
        if given is None:
            return ONE_SD
        value = read_quantity(self.context, (*self.path, "interval"), given, ONE, "a share", "95 %")
        if value is None:
            return ONE_SD
        if not 0 < value < 1:
            self.fault("interval", f"expected a share from 0 to 100 %, found {given!r}")
            return ONE_SD
        return value

    def _curve(self) -> CurveFormula | None:
        try:
            return read_curve(self.table["curve"], self.context.model, self.context.latest)
        except (FormulaError, UnitError) as error:
            self.fault("curve", str(error))
            return None

    def _error(self, kind: str, measured_in: ValueUnit) -> ErrorModel:
        return ErrorModel(kind, self._size("sd", measured_in), self._size("cv", measured_in))

    def _size(self, key: str, measured_in: ValueUnit) -> float | None:
        """An SD in the unit of the data, or a coefficient of variation; None where there is none."""
        if key not in self.table:
            return None
        given = self.table[key]
        if key == "cv":
            value = read_quantity(self.context, (*self.path, key), given, ONE, "a share", "20 %")
        else:
            value = self._in_unit(key, measured_in)
        if value is not None and not value > 0:
            self.fault(key, f"expected {key} above zero, found {given!r}")
            return None
        return value

    def _in_unit(self, key: str, measured_in: ValueUnit) -> float | None:
        """The value of a key in the unit of the data: a plain number is in it already."""
        try:
            number, _, unit_text = quantity(str(self.table[key]))
            return number if unit_text == "1" else measured_in.convert(number, unit_text)
        except UnitError as error:
            self.fault(key, str(error))
            return None

    def _resolve(self, unit_text: str, kind: str, points: list[Table]) -> None:
        """Writes the points into the resolved scenario, so that it needs no other file."""
        for key in ("file", "columns", "time_unit", "time_zero"):
            self.table.pop(key, None)
        self.table |= {"arm": self.table.get("arm", MAIN), "unit": unit_text, "error": kind, "points": points}
