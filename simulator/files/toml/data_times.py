"""The times of the points of a ``[[data]]``: text becomes a time of the run."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ...model.instants import converted
from ...model.units import UnitError, dimension_text, unit
from .data_rows import DataRows
from .data_units import has_unit, number_and_unit
from .layers import KeyPath
from .points_csv import MAX_FAULTS
from .quantities import Context, read_time
from .source import Table


class DataTimes:
    """Reads the times of the block at `path`, whose own zero, ``time_zero``, may be later than that of the run."""

    def __init__(self, context: Context, path: KeyPath, table: Table, rows: DataRows) -> None:
        self.context, self.rows = context, rows
        self.unit_text: str = rows.units.get("time", "") or table.get("time_unit", "")
        zero = read_time(context, (*path, "time_zero"), table["time_zero"]) if "time_zero" in table else None
        self.zero = zero or 0.0
        self.end_was_moved = context.layers.from_command_line(("time", "end"))

    def check_unit(self) -> None:
        """A fault where the times have no unit or a wrong one: once, and not for every row."""
        model = self.context.model
        if not self.unit_text:
            texts = [row["time"].text for row in self.rows.rows if "time" in row]
            if any(text and not has_unit(text) for text in texts):
                wanted = model.time_unit_text
                self.rows.fault(0, f"the unit of the times is missing: 'time [{wanted}]' as the name of their column, "
                                   f"or time_unit = '{wanted}'")  # fmt: skip
            return
        try:
            given = unit(self.unit_text)
            if not given.same_dimension(model.time_unit):
                raise UnitError(f"'{self.unit_text}' is {dimension_text(given)}, and no unit of time")
        except UnitError as error:
            self.rows.fault(0, f"time: {error}")

    def check(self) -> None:
        """Faults of the first times, for blocks of which nothing else can be read."""
        for row in self.rows.rows[:MAX_FAULTS]:
            line = next(iter(row.values())).line
            self.read(row["time"].text if "time" in row else "", partial(self.rows.fault, line))

    def read(self, text: str, fault: Callable[[str], None]) -> float | None:
        """A time of the run in the model's unit; None and a fault if it is none."""
        model, latest = self.context.model, self.context.latest
        try:
            number, unit_text = number_and_unit(text, "a time")
            if unit_text == "1":
                unit_text = self.unit_text
            given = unit(unit_text or "1")
            if not given.same_dimension(model.time_unit):
                raise UnitError(f"expected a time such as '5 {model.time_unit_text}', found {text!r}")
        except UnitError as error:
            fault(str(error))
            return None
        time = self.zero + converted(number, given, model.time_unit)
        if time < 0 or (time > latest and not self.end_was_moved):
            end = f"{latest:g} {model.time_unit_text}"
            fault(f"the time {number:g} {unit_text} lies outside the run, 0 to {end}")
            return None
        return time

    def is_late(self, time: float) -> bool:
        """Whether a time is left out, because the end of the run was moved before it."""
        return self.end_was_moved and time > self.context.latest
