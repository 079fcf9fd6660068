"""``[subjects]``: a table of a trial as NONMEM has it, a row for each dose and each value; each subject becomes an arm.

The rows are turned into what a scenario can say itself, arms with doses and parameters and blocks of data, before
anything else is read; so the resolved scenario needs no table, and a fault still names its row.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ...model.model import Model
from ...runtime.errors import InputError, InputFault
from .data import NOT_MEASURED
from .layers import KeyPath, Layers
from .points_csv import MAX_FAULTS, Cell, PointsFile, read_points_csv
from .source import LINE, QUANTITY, REQUIRED_TEXT, TABLE, TEXT, Field, Key, Table

SUBJECTS = {
    "file": REQUIRED_TEXT,
    "curve": Field((str, dict), True),
    "compartments": TABLE,
    "covariates": TABLE,
    "time_unit": TEXT,
    "amount_unit": TEXT,
    "unit": TEXT,
    "error": TEXT,
    "sd": QUANTITY,
    "cv": QUANTITY,
    "below": QUANTITY,
    "source": TEXT,
    "label": LINE,
}
OF_DATA = ("unit", "error", "sd", "cv", "below", "source")  # keys that go to the data of each subject
COLUMNS: dict[str, Sequence[str]] = {
    "id": ("subject",),
    "time": (),
    "amt": ("amount",),
    "rate": (),
    "addl": (),
    "ii": (),
    "ss": (),
    "cmt": (),
    "evid": (),
    "dv": ("value",),
    "mdv": (),
}
MOST_SUBJECTS = 200
VALUE, DOSE, OTHER, RESET, RESET_AND_DOSE = range(5)  # EVID


class RowSource:
    """Where a value comes from: a row of the table."""

    def __init__(self, file: PointsFile, line: int) -> None:
        self.file, self.line = file, line

    def fault(self, path: Sequence[Key], message: str) -> InputFault:
        """`message` as a fault of this row, whatever the path."""
        return self.file.fault(self.line, message)


class _Row(NamedTuple):
    """A row in numbers: what is empty is zero, and None where that says something else. place: in the file."""

    line: int
    place: int
    time: float
    event: int
    amount: float
    rate: float
    additional: int
    interval: float
    steady: int
    compartment: str
    value: str  # as it is written
    missing: bool


def expand_subjects(layers: Layers, model: Model) -> tuple[list[InputFault], list[str]]:
    """Turns ``[subjects]``, if there is one, into arms and data.

    Returns everything that is wrong with it, and in words which rows say nothing that is read.
    """
    table = layers.data.get("subjects")
    if table is None:
        return [], []
    expansion = _Expansion(layers, model, table)
    expansion.run()
    layers.drop(("subjects",))
    return expansion.faults, expansion.left_out


class _Expansion:
    def __init__(self, layers: Layers, model: Model, table: Table) -> None:
        self.layers, self.model, self.table = layers, model, table
        self.faults: list[InputFault] = []
        self.left_out: list[str] = []
        self.skipped: Counter[str] = Counter()

    def fault(self, key: str, message: str) -> None:
        self.faults.append(self.layers.fault(("subjects", key), message))

    def fault_of(self, line: int, message: str) -> None:
        self.faults.append(self.file.fault(line, message))

    def run(self) -> None:
        covariates = self._covariates()
        known = {**COLUMNS, **{column.lower(): () for column in covariates}}
        place = self.layers.folder_of(("subjects", "file")) / self.table["file"]
        try:
            self.file = read_points_csv(place, known, {}, required=("id", "time"), others=True)
        except InputError as error:
            self.faults += error.faults
            self.fault("file", f"the subjects cannot be read from {self.table['file']}")
            return
        units = self._units()
        if self.faults or units is None:
            return
        subjects = self._subjects()
        if len(subjects) > MOST_SUBJECTS:
            self.fault("file", f"{len(subjects)} subjects; at most {MOST_SUBJECTS}, each an arm")
        if self.faults:
            return
        for number, (subject, rows) in enumerate(subjects.items()):
            self._arm(subject, rows, covariates, units)
            if number and len(self.faults) > MAX_FAULTS:
                break
        for why, count in self.skipped.items():
            self.left_out += [f"{count} row{'s' * (count > 1)} of {self.file.name} {why}"] if count else []

    def _covariates(self) -> dict[str, str]:
        """The parameter of each column that is a covariate."""
        found = {}
        for column, word in self.table.get("covariates", {}).items():
            name = self.model.find(str(word), "parameters")
            if name is None:
                message = self.model.unknown(str(word), "parameters")
                self.faults.append(self.layers.fault(("subjects", "covariates", column), message))
            else:
                found[column] = name
        return found

    def _units(self) -> tuple[str, str] | None:
        """The units of time and of amounts."""
        time = self.file.units.get("time", "") or self.table.get("time_unit", "")
        amount = self.file.units.get("amt", "") or self.table.get("amount_unit", "")
        if not time:
            self.fault("file", f"the unit of TIME is missing: time_unit = '{self.model.time_unit_text}'")
        if not amount and "amt" in self.file.rows[0]:
            self.fault("file", "the unit of AMT is missing: amount_unit = 'mg'")
        return (time, amount) if time else None

    def _subjects(self) -> dict[str, list[tuple[_Row, Mapping[str, Cell]]]]:
        """The rows of each subject that can be read, in order of time."""
        found: dict[str, list[tuple[_Row, Mapping[str, Cell]]]] = {}
        for place, cells in enumerate(self.file.rows):
            subject = cells["id"].text
            if not subject:
                self.fault_of(cells["id"].line, "ID is empty")
                continue
            row = self._row(place, cells)
            if row is not None:
                found.setdefault(subject, []).append((row, cells))
            if len(self.faults) >= MAX_FAULTS:
                self.fault_of(0, "and perhaps more like these")
                break
        for rows in found.values():
            rows.sort(key=lambda each: (each[0].time, each[0].place))
            self._check_once([row for row, _ in rows])
        return found

    def _check_once(self, rows: Sequence[_Row]) -> None:
        seen: dict[tuple[float, bool, str], int] = {}
        for row in rows:
            key = row.time, row.event == DOSE, row.compartment
            if row.event <= DOSE and not (row.event == VALUE and row.missing):
                if key in seen:
                    what = "dose" if row.event == DOSE else "value"
                    self.fault_of(row.line, f"a second {what} of this subject at this time, after line {seen[key]}")
                seen.setdefault(key, row.line)

    def _row(self, place: int, cells: Mapping[str, Cell]) -> _Row | None:
        line, before = cells["id"].line, len(self.faults)
        numbers = {key: self._number(cells, key) for key in ("time", "amt", "rate", "addl", "ii", "ss", "evid", "mdv")}
        if len(self.faults) > before:
            return None
        value = cells["dv"].text if "dv" in cells else ""
        amount, rate = numbers["amt"] or 0.0, numbers["rate"] or 0.0
        event = int(numbers["evid"]) if numbers["evid"] is not None else DOSE if amount else VALUE
        compartment = cells["cmt"].text if "cmt" in cells else ""
        row = _Row(
            line, place, numbers["time"] or 0.0, event, amount, rate, int(numbers["addl"] or 0), numbers["ii"] or 0.0,
            int(numbers["ss"] or 0), "" if compartment.lower() in NOT_MEASURED else compartment, value,
            bool(numbers["mdv"]) or value.lower() in NOT_MEASURED,
        )  # fmt: skip
        for problem in self._problems(row, numbers["time"]):
            self.fault_of(line, problem)
        return row if len(self.faults) == before else None

    def _problems(self, row: _Row, time: float | None) -> Iterator[str]:
        """What is wrong with a row, or what it asks for that is not done."""
        if time is None or time < 0:
            yield "TIME is missing" if time is None else f"TIME is {time:g}: expected a time at or after zero"
        if row.event in (RESET, RESET_AND_DOSE):
            yield f"EVID {row.event} empties the compartments, which a run cannot do; let another subject begin here"
        elif not VALUE <= row.event <= OTHER:
            yield f"EVID is {row.event}: expected 0 (a value), 1 (a dose) or 2 (neither)"
        if row.event != DOSE:
            return
        if row.rate < 0:
            yield f"RATE {row.rate:g}: the rate or duration of an infusion as a parameter is not read; give the rate"
        if not row.amount > 0:
            yield f"a dose of {row.amount:g}: expected an AMT above zero"
        if row.additional < 0 or (row.additional and not row.interval > 0):
            yield "ADDL needs II, the interval between doses, above zero"
        if row.steady not in (0, 1) or (row.steady and not row.interval > 0):
            yield f"SS {row.steady}: expected 0, or 1 with II, the interval between doses"

    def _number(self, cells: Mapping[str, Cell], key: str) -> float | None:
        """A number, or None where there is none."""
        if key not in cells or cells[key].text.lower() in NOT_MEASURED:
            return None
        try:
            value = float(cells[key].text)
        except ValueError:
            value = math.nan
        whole = key in ("addl", "ss", "evid", "mdv")
        if not math.isfinite(value) or (whole and value != int(value)):
            self.fault_of(
                cells[key].line, f"{key.upper()}: expected a {'whole ' * whole}number, found {cells[key].text!r}"
            )
            return None
        return value

    def _arm(
        self, subject: str, rows: Sequence[tuple[_Row, Mapping[str, Cell]]], covariates: Mapping[str, str],
        units: tuple[str, str],
    ) -> None:  # fmt: skip
        """Adds the arm and the data of a subject."""
        name = "subject_" + re.sub(r"\W+", "_", subject, flags=re.ASCII)
        arms: Table = self.layers.data.setdefault("arms", {})
        if name in arms:
            self.fault_of(rows[0][0].line, f"subject {subject} is called '{name}' as another arm is")
            return
        doses, lines = self._doses([row for row, _ in rows if row.event == DOSE], *units)
        parameters = self._parameters(rows, covariates)
        arm: Table = {
            "label": f"{self.table.get('label', 'subject')} {subject}",
            "dose": doses,
            "parameters": parameters,
        }
        arm["without"] = list(self.layers.data.get("dose", {}))
        at: KeyPath = ("arms", name)
        self.layers.set(at, arm, RowSource(self.file, rows[0][0].line))
        for dose, line in lines.items():
            self.layers.set_origin((*at, "dose", dose), RowSource(self.file, line))
        self.skipped["with EVID 2"] += sum(row.event == OTHER for row, _ in rows)
        self._data(subject, name, [row for row, _ in rows if row.event <= DOSE], units[0])

    def _doses(self, rows: Sequence[_Row], time_unit: str, amount_unit: str) -> tuple[Table, dict[str, int]]:
        """The doses of an arm by name, and the line of each."""
        doses: Table = {}
        lines: dict[str, int] = {}
        for number, row in enumerate(rows, 1):
            target = self._species(row)
            if target is None:
                continue
            dose: Table = {
                "target": target,
                "amount": f"{row.amount!r} {amount_unit}",
                "at": f"{row.time!r} {time_unit}",
            }
            if row.rate:
                dose["over"] = f"{row.amount / row.rate!r} {time_unit}"
            if row.additional or row.steady:
                dose["every"] = f"{row.interval!r} {time_unit}"
                dose["count"] = row.additional + 1
            if row.steady:
                dose["steady_state"] = True
            doses[f"dose {number}"], lines[f"dose {number}"] = dose, row.line
        return doses, lines

    def _species(self, row: _Row) -> str | None:
        """The species that a dose goes into."""
        compartments = self.table.get("compartments", {})
        known = ", ".join(f"{key} = '{each}'" for key, each in compartments.items()) or "1 = 'drug'"
        if row.compartment in compartments:
            return str(compartments[row.compartment])
        if not row.compartment and len(compartments) == 1:
            return str(next(iter(compartments.values())))
        what = f"CMT {row.compartment} is unknown" if row.compartment else "a dose without CMT"
        self.fault_of(row.line, f"{what}: [subjects] says into what, compartments = {{ {known} }}")
        return None

    def _parameters(
        self, rows: Sequence[tuple[_Row, Mapping[str, Cell]]], covariates: Mapping[str, str]
    ) -> dict[str, str]:
        """The parameters of a subject, from the covariates of its first row."""
        found: dict[str, str] = {}
        for column, parameter in covariates.items():
            key = column.lower()
            if key not in rows[0][1]:
                self.fault_of(1, f"there is no column '{column}'")
                return {}
            values = {cells[key].text for _, cells in rows if cells[key].text.lower() not in NOT_MEASURED}
            if len(values) > 1:
                line = next(row.line for row, cells in rows if cells[key].text != rows[0][1][key].text)
                self.fault_of(line, f"{column} changes within a subject; a parameter is one number for each")
            elif values:
                unit = self.file.units.get(key) or self.model.parameters[parameter].unit_text
                found[parameter] = f"{values.pop()}" + ("" if unit == "1" else f" {unit}")
        return found

    def _data(self, subject: str, arm: str, rows: Sequence[_Row], time_unit: str) -> None:
        """Adds the values of a subject, a block for each curve."""
        curve = self.table["curve"]
        points: dict[str, list[tuple[_Row, Table]]] = {}
        dosed = {row.time: row.place for row in rows if row.event == DOSE}
        for row in rows:
            if row.event == DOSE:
                continue
            if row.missing:
                self.skipped["without a value (MDV 1, or no DV)"] += 1
                continue
            of = curve if isinstance(curve, str) else curve.get(row.compartment)
            if of is None:
                self.fault_of(
                    row.line, f"CMT {row.compartment or 'is empty'}: curve = {{ ... }} says of what this is a value"
                )
                continue
            point: Table = {"time": f"{row.time!r} {time_unit}", "value": row.value}
            if row.time in dosed and row.place < dosed[row.time]:
                if row.time == 0:
                    self.skipped["at time 0, before the first dose"] += 1
                    continue
                point["before"] = True
            points.setdefault(str(of), []).append((row, point))
        blocks: list[Any] = self.layers.data.setdefault("data", [])
        for of, found in points.items():
            name = f"{self.table.get('label', 'subject')} {subject}" + (f", {of}" if len(points) > 1 else "")
            own = {key: self.table[key] for key in OF_DATA if key in self.table}
            header = self.file.units.get("dv", "")
            block = {"name": name, "curve": of, "arm": arm, **({"unit": header} if header else {}), **own}
            blocks.append({**block, "points": [point for _, point in found]})
            self.layers.set_origin(("data", len(blocks) - 1), RowSource(self.file, found[0][0].line))
