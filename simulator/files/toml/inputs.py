"""``[inputs.NAME]``: parameters that follow a table of times and values, from a CSV or from the scenario itself.

::

    [inputs.feed]                 # a parameter that rate laws or observables read, and no volume
    file = "feed.csv"             # columns time [h],value [mg/L/h]; or
    points = [{ time = "0 h", value = "2 mg/L/h" }, { time = "6 h", value = "0 mg/L/h" }]
    interpolation = "linear"      # straight lines, the default; "steps": each value until the next

Before the first point and after the last the value stays. Initial values and volumes of doses see that of time 0. An
arm that sets the parameter itself follows no input. In a CSV, unit and time_unit stand for units in its first line.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from ...experiments.scenario import Arm, Input
from ...model.declarations import ModelError, Parameter
from ...model.instants import ticks_of
from ...model.ramps import in_formulas, ramp_names, with_ramps
from ...runtime.errors import InputError
from ...runtime.names import nearest
from .layers import KeyPath
from .points_csv import MAX_FAULTS, Cell, read_points_csv
from .quantities import Context, declared_value, parameter_problem, read_time
from .source import LIST, TEXT, Table

INPUT = {"file": TEXT, "points": LIST, "interpolation": TEXT, "unit": TEXT, "time_unit": TEXT}
LINEAR, STEPS = "linear", "steps"
COLUMNS = {"time": ("t",), "value": ("mean", "median")}
MOST_KNOTS = 2_000  # each begins a segment of its own, and the parameters of every segment are kept


def read_inputs(context: Context) -> tuple[Input, ...]:
    """The inputs of a scenario, each with the names that `with_inputs` gives its line."""
    tables = context.tables.get("inputs", {})
    found = [_Reader(context, word, table).read() for word, table in tables.items()]
    inputs = [each for each in found if each is not None]
    for number, each in enumerate(inputs):
        if any(each.parameter == other.parameter for other in inputs[:number]):
            context.fault(("inputs",), f"{each.parameter} has two inputs, in two spellings")
    return tuple(inputs)


def with_inputs(context: Context, inputs: Sequence[Input]) -> Context:
    """The context with the model in which inputs that are lines can be; faults where they cannot."""
    lines = [each.parameter for each in inputs if each.slope]
    if not lines or context.faults:
        return context
    try:
        return replace(context, model=with_ramps(context.model, lines))
    except ModelError as error:
        path, message = error.faults[0]
        context.fault(
            ("inputs",), f"{' and '.join(lines)} cannot follow a line, as of {'.'.join(map(str, path))}: {message}"
        )
        return context


def arm_with_inputs(context: Context, arm: Arm, inputs: Sequence[Input], own: Mapping[str, object]) -> Arm:
    """`arm` with those inputs whose parameter it does not set itself in its table `own`; it starts with their values at
    time 0. Faults where a timed change sets one, or a regimen in steady state would meet one."""
    model = context.model
    named = {model.find(word, "parameters") for word in own}
    kept = tuple([each for each in inputs if each.parameter not in named])
    at: KeyPath = ("inputs",)
    for each in kept:
        if any(each.parameter in change.parameters for change in arm.changes):
            context.fault(at, f"{each.parameter} follows an input, so that no timed change can set it")
        for dose in arm.doses:
            if each.parameter in dose.timed_by or any(name == each.parameter for _, name in dose.named):
                context.fault(at, f"{each.parameter} follows an input, so that the dose '{dose.name}' cannot name it")
    for dose in arm.doses:
        if kept and dose.steady:
            message = f"no state recurs with the doses of '{dose.name}' where {kept[0].parameter} follows an input"
            context.fault(at, message)
    start = {each.parameter: each.values[0] for each in kept}
    for each in kept:
        passed = sum(time <= 0.0 for time in each.times)
        start |= {each.parameter: each.piece(passed)[each.parameter]}
    return arm._replace(parameters={**arm.parameters, **start}, inputs=kept)


class _Reader:
    """Reads one table; every fault goes to the context."""

    def __init__(self, context: Context, word: str, table: Table) -> None:
        self.context, self.model, self.word, self.table = context, context.model, word, table
        self.path: KeyPath = ("inputs", word)
        self.units: Mapping[str, str] = {}

    def fault(self, key: str, message: str) -> None:
        self.context.fault((*self.path, key) if key else self.path, message)

    def fault_of_row(self, line: int, message: str) -> None:
        self.fault("points", f"point {line}: {message}")

    def read(self) -> Input | None:
        before = len(self.context.faults)
        name = self.model.find(self.word, "parameters")
        if name is None:
            self.fault("", self.model.unknown(self.word, "parameters"))
            return None
        way = self.table.get("interpolation", LINEAR)
        if way not in (LINEAR, STEPS):
            hint = nearest(str(way), [LINEAR, STEPS]) or "; it is linear or steps"
            self.fault("interpolation", f"no interpolation '{way}'{hint}")
        for word in self.context.tables.get("parameters", {}):
            set_here = not self.context.layers.from_command_line(("parameters", word))
            if self.model.find(word, "parameters") == name and set_here:
                self.fault("", f"{name} is set in [parameters] too: it has one value, or follows an input")
        if any(name == each.volume for each in self.model.species.values()):
            self.fault("", f"{name} is a volume, in which amounts are dissolved: it cannot follow an input")
        elif not in_formulas(self.model, name):
            self.fault("", f"no rate law and no observable reads {name}, so that it cannot act over time")
        rows = self._rows()
        if rows is None or len(self.context.faults) > before:
            return None
        knots = self._knots(self.model.parameters[name], rows)
        if len(self.context.faults) > before:
            return None
        times, values = zip(*knots, strict=True)
        self._resolve(name, times, values)
        slope, since = ramp_names(self.model, name) if way == LINEAR else ("", "")
        return Input(name, times, values, slope, since)

    def _rows(self) -> Sequence[Mapping[str, Cell]] | None:
        if ("file" in self.table) == ("points" in self.table):
            self.fault("", "its points are in a file (file = 'mine.csv') or here (points = [...]): give one of the two")
            return None
        if "file" in self.table:
            return self._rows_of_file()
        rows = []
        for number, point in enumerate(self.table["points"], 1):
            if not isinstance(point, dict) or set(point) != {"time", "value"}:
                self.fault_of_row(number, f"expected {{ time = '5 d', value = '2 pM' }}, found {point!r}")
                return None
            rows.append({key: Cell(str(value), number) for key, value in point.items()})
        if not rows:
            self.fault("points", "there is no point")
            return None
        return rows

    def _rows_of_file(self) -> Sequence[Mapping[str, Cell]] | None:
        place = self.context.layers.folder_of((*self.path, "file")) / self.table["file"]
        try:
            found = read_points_csv(place, COLUMNS, {})
        except InputError as error:
            self.context.faults.extend(error.faults)
            self.fault("file", f"the points cannot be read from {self.table['file']}")
            return None
        self.units = found.units
        self.fault_of_row = lambda line, message: self.context.faults.append(  # type: ignore[method-assign]
            found.fault(line, message)
        )
        return found.rows

    def _knots(self, parameter: Parameter, rows: Sequence[Mapping[str, Cell]]) -> list[tuple[float, float]]:
        """Times and values, and faults for what is wrong with any row."""
        if len(rows) > MOST_KNOTS:
            self.fault("", f"{len(rows):,} points; at most {MOST_KNOTS:,}")
            return []
        units = {
            "time": self.units.get("time", "") or self.table.get("time_unit", ""),
            "value": self.units.get("value", "") or self.table.get("unit", ""),
        }
        found: list[tuple[float, float]] = []
        before = len(self.context.faults)
        for row in rows:
            line = row["time"].line
            texts = {key: _with_unit(row[key].text, units[key]) for key in ("time", "value")}
            time = self._told(line, lambda context, text=texts["time"]: read_time(context, self.path, text))
            value = self._told(
                line,
                lambda context, text=texts["value"]: declared_value(
                    context, self.path, text, parameter.id, parameter.unit_text
                ),
            )
            problem = "" if value is None else parameter_problem(parameter, value, texts["value"])
            if problem:
                self.fault_of_row(line, problem)
            elif time is not None and value is not None:
                found.append((time, value))
            if len(self.context.faults) - before >= MAX_FAULTS:
                self.fault("", "and perhaps more like these")
                break
        self._check_order(rows, found)
        return found

    def _told(self, line: int, read: object) -> float | None:
        """What a reader of a quantity finds; its faults are told at the line of the row."""
        own = replace(self.context, faults=[])
        value: float | None = read(own)  # type: ignore[operator]
        for fault in own.faults:
            self.fault_of_row(line, fault.message)
        return value

    def _check_order(self, rows: Sequence[Mapping[str, Cell]], found: Sequence[tuple[float, float]]) -> None:
        if len(found) < len(rows):
            return
        ticks = [ticks_of(time, self.model.time_unit) for time, _ in found]
        for number, (before, after) in enumerate(pairwise(ticks), 1):
            if after <= before:
                one, other = rows[number - 1]["time"].text, rows[number]["time"].text
                what = "is the same time as" if after == before else "comes before"
                line = rows[number]["time"].line
                self.fault_of_row(line, f"the times of an input must ascend, each once: {other!r} {what} {one!r}")
                return

    def _resolve(self, name: str, times: Sequence[float], values: Sequence[float]) -> None:
        """Writes the points into the resolved scenario, so that it needs no other file."""
        for key in ("file", "unit", "time_unit"):
            self.table.pop(key, None)
        unit, time_unit = self.model.parameters[name].unit_text, self.model.time_unit_text
        value_unit = "" if unit == "1" else f" {unit}"
        self.table["points"] = [
            {"time": f"{time!r} {time_unit}", "value": f"{value!r}{value_unit}"}
            for time, value in zip(times, values, strict=True)
        ]
        self.table.setdefault("interpolation", LINEAR)


def _with_unit(text: str, unit: str) -> str:
    """A number with the unit of its column, if it has none of its own."""
    try:
        float(text)
    except ValueError:
        return text
    return f"{text} {unit}" if unit else text
