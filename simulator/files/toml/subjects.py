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
from ...runtime.text import listed
from .layers import KeyPath, Layers
from .points_csv import MAX_FAULTS, NOT_MEASURED, Cell, PointsFile, read_points_csv
from .source import LINE, QUANTITY, REQUIRED_TEXT, TABLE, TEXT, Field, Key, Table

SUBJECTS = {
    "file": REQUIRED_TEXT,
    "curve": Field((str, dict), True),
    "compartments": TABLE,
    "covariates": TABLE,
    "lag": TABLE,
    "share": TABLE,
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
OF_DOSES = ("lag", "share")  # keys that go to the doses into each compartment
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
    "dvid": ("ytype",),
    "blq": ("cens", "bql", "bloq"),
}
LIMITS_OF_NOTHING = {f"<{each}" for each in (*NOT_MEASURED, "0", "0.0")}
NUMBERS = ("time", "amt", "rate", "addl", "ii", "ss", "evid", "mdv", "blq")
WHOLE = ("addl", "ss", "evid", "mdv", "blq")
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
    kind: str  # DVID, or else CMT
    value: str  # as it is written; ``<LIMIT`` or ``BLQ`` where it is below the limit
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
        self.kind = ""  # of the first value
        self.without: Counter[str] = Counter()

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
        for key in OF_DOSES:
            for compartment in self.table.get(key, {}).keys() - self.table.get("compartments", {}).keys():
                message = f"compartments says nothing of {compartment}"
                self.faults.append(self.layers.fault(("subjects", key, compartment), message))
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
        if self.file.unread:
            columns = "column" + "s" * (len(self.file.unread) > 1)
            self.left_out.append(f"{columns} {listed(self.file.unread)} of {self.file.name}, which nothing reads")
        for column, count in self.without.items():
            which = f"{count} subject{'s' * (count > 1)}"
            self.left_out.append(
                f"{column} of {which} of {self.file.name}, where it is empty: the scenario's own holds"
            )
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
            self._check_steady([row for row, _ in rows if row.event <= DOSE])
        return found

    def _check_steady(self, rows: Sequence[_Row]) -> None:
        """A steady state is one from the start: NONMEM's replaces what went before."""
        for row in rows:
            if row.event == DOSE and row.steady and rows[0].time < row.time:
                what = f"SS 1 replaces what line {rows[0].line} left, which a run cannot do"
                self.fault_of(row.line, f"{what}; let another subject begin here")

    def _check_once(self, rows: Sequence[_Row]) -> None:
        seen: dict[tuple[float, bool, str], int] = {}
        for row in rows:
            key = row.time, row.event == DOSE, row.compartment if row.event == DOSE else row.kind
            if row.event <= DOSE and not (row.event == VALUE and row.missing):
                if key in seen:
                    what = "dose" if row.event == DOSE else "value"
                    self.fault_of(row.line, f"a second {what} of this subject at this time, after line {seen[key]}")
                seen.setdefault(key, row.line)

    def _row(self, place: int, cells: Mapping[str, Cell]) -> _Row | None:
        line, before = cells["id"].line, len(self.faults)
        numbers = {key: self._number(cells, key) for key in NUMBERS}
        if len(self.faults) > before:
            return None
        value = self._value(cells["dv"].text if "dv" in cells else "", numbers["blq"] == 1)
        amount, rate = numbers["amt"] or 0.0, numbers["rate"] or 0.0
        event = int(numbers["evid"]) if numbers["evid"] is not None else DOSE if amount else VALUE
        compartment = cells["cmt"].text if "cmt" in cells else ""
        row = _Row(
            line, place, numbers["time"] or 0.0, event, amount, rate, int(numbers["addl"] or 0), numbers["ii"] or 0.0,
            int(numbers["ss"] or 0), "" if compartment.lower() in NOT_MEASURED else compartment, self._kind(cells),
            value, bool(numbers["mdv"]) or value.lower() in NOT_MEASURED,
        )  # fmt: skip
        for problem in self._problems(row, numbers["time"], numbers["blq"] or 0):
            self.fault_of(line, problem)
        return row if len(self.faults) == before else None

    def _kind(self, cells: Mapping[str, Cell]) -> str:
        """Of what a row has a value: DVID, or else CMT."""
        found = (cells[key].text for key in ("dvid", "cmt") if key in cells)
        return next((text for text in found if text.lower() not in NOT_MEASURED), "")

    def _value(self, text: str, below: bool) -> str:
        """The value of a row as `[[data]]` writes it: one below the limit names it, that of the scenario first."""
        if not below or text.startswith("<"):
            return text
        return "BLQ" if "below" in self.table else f"<{text}"

    def _problems(self, row: _Row, time: float | None, below: float) -> Iterator[str]:
        """What is wrong with a row, or what it asks for that is not done."""
        if time is None or time < 0:
            yield "TIME is missing" if time is None else f"TIME is {time:g}: expected a time at or after zero"
        if row.event in (RESET, RESET_AND_DOSE):
            yield f"EVID {row.event} empties the compartments, which a run cannot do; let another subject begin here"
        elif not VALUE <= row.event <= OTHER:
            yield f"EVID is {row.event}: expected 0 (a value), 1 (a dose) or 2 (neither)"
        if row.event in (VALUE, OTHER) and row.amount:
            yield f"AMT is {row.amount:g}, but EVID {row.event} is no dose: expected EVID 1, or no AMT"
        if below not in (0, 1):
            yield f"BLQ is {below:g}: expected 0, or 1 for a value below the limit"
        if row.event == VALUE and not row.missing and row.value.lower() in LIMITS_OF_NOTHING:
            yield "a value below a limit that nobody gave: DV has it, or [subjects] says below = '0.05 mg/L'"
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
        whole = key in WHOLE
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
        doses, given = self._doses([row for row, _ in rows if row.event == DOSE], *units)
        parameters = self._parameters(rows, covariates)
        arm: Table = {
            "label": f"{self.table.get('label', 'subject')} {subject}",
            "dose": doses,
            "parameters": parameters,
        }
        arm["without"] = list(self.layers.data.get("dose", {}))
        at: KeyPath = ("arms", name)
        self.layers.set(at, arm, RowSource(self.file, rows[0][0].line))
        for dose, row in given.items():
            self.layers.set_origin((*at, "dose", dose), RowSource(self.file, row.line))
            for key in doses[dose].keys() & set(OF_DOSES):
                of = self.layers.origin(("subjects", key, self._compartment(row)))
                self.layers.origins[*at, "dose", dose, key] = of
        self.skipped["with EVID 2"] += sum(row.event == OTHER for row, _ in rows)
        self._data(subject, name, [row for row, _ in rows if row.event <= DOSE], units[0])

    def _doses(self, rows: Sequence[_Row], time_unit: str, amount_unit: str) -> tuple[Table, dict[str, _Row]]:
        """The doses of an arm by name, and the row of each."""
        doses: Table = {}
        given: dict[str, _Row] = {}
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
            for key in OF_DOSES:
                if self._compartment(row) in self.table.get(key, {}):
                    dose[key] = self.table[key][self._compartment(row)]
            if row.rate and "share" in dose:  # of an infusion NONMEM keeps the rate, a run the duration
                what = "a share of an infusion by RATE, which NONMEM makes shorter and a run slower"
                self.fault_of(row.line, f"{what}; give the AMT that enters, and no share of this compartment")
            doses[f"dose {number}"], given[f"dose {number}"] = dose, row
        return doses, given

    def _compartment(self, row: _Row) -> str:
        """The compartment of a dose: where its row has none, the only one."""
        compartments = self.table.get("compartments", {})
        return str(next(iter(compartments))) if not row.compartment and len(compartments) == 1 else row.compartment

    def _species(self, row: _Row) -> str | None:
        """The species that a dose goes into."""
        compartments = self.table.get("compartments", {})
        known = ", ".join(f"{key} = '{each}'" for key, each in compartments.items()) or "1 = 'drug'"
        if self._compartment(row) in compartments:
            return str(compartments[self._compartment(row)])
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
            elif not values:
                self.without[column] += 1
            else:
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
            of = curve if isinstance(curve, str) else curve.get(row.kind)
            if isinstance(curve, str) and row.kind and self.kind and row.kind != self.kind:
                of = None  # one curve cannot be what both have
            if of is None:
                both = f" and {self.kind}" if isinstance(curve, str) else ""
                which = "DVID" if "dvid" in self.file.rows[0] else "CMT"
                message = f"{which} {row.kind or 'is empty'}{both}: curve = {{ ... }} says of what each is a value"
                self.fault_of(row.line, message)
                continue
            self.kind = self.kind or row.kind
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
