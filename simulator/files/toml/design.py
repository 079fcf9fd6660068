"""The members of ``[sweep]``: axes, samples and files of members, from tables to a checked design."""

from __future__ import annotations

import copy
import functools
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from ...experiments.scenario import Arm
from ...experiments.sweeps.designs import Axis, Design, Explicit, Grid, OneAtATime, Points, Spaced, Zip
from ...experiments.sweeps.sampling import LatinHypercube, Random, Sobol
from ...experiments.sweeps.sensitivity_designs import STEP, Local, Morris, Saltelli, is_power_of_two
from ...model.instants import converted
from ...model.units import unit
from ...runtime.errors import option
from ...runtime.names import nearest
from ..reading import same_file
from .axes import (
    NotVariableError,
    SweepVariable,
    Varied,
    find_variable,
    impossible,
    read_log,
    read_numbers,
    read_variable,
)
from .layers import KeyPath
from .members_csv import ID, Column, MembersFile, read_members
from .quantities import Context
from .source import INTEGER, LINE, LIST, QUANTITY, REQUIRED_TEXT, TABLE, TEXT, Table

MAX_MEMBERS = 10_000_000
MAX_AXES = 1000
POINTS = 11  # of an axis of a grid that does not say how many

SWEEP = {
    "sample": TEXT,
    "count": INTEGER,
    "seed": INTEGER,
    "members": TEXT,
    "members_sha256": TEXT,
    "arms": LIST,
    "keep": LIST,
    "vary": LIST,
    "measures": TABLE,
}
VARY = {
    "parameter": REQUIRED_TEXT,
    "from": QUANTITY,
    "to": QUANTITY,
    "count": INTEGER,
    "scale": TEXT,
    "values": LIST,
    "label": LINE,
}
SAMPLES = ("grid", "zip", "list", "lhs", "sobol", "random", "one_at_a_time", "morris", "saltelli", "local")
SPACE_FILLING = ("lhs", "sobol", "random")
COUNTED = {"morris": "trajectories", "saltelli": "base points"}  # of designs for indices: what their count is of
DRAWN = (*SPACE_FILLING, *COUNTED)  # with random numbers
FROM_DEFAULTS = ("one_at_a_time", "local")  # where all but one parameter are at their defaults


class DesignFound(NamedTuple):
    """What ``[sweep]`` says of its members.

    design: None where nothing varies or something is wrong. resolved: the table with every default written out.
    varied: every variable that could be read.
    """

    design: Design | None
    resolved: Table
    varied: list[Varied]


def read_design(context: Context, main: Arm) -> DesignFound:
    """The members of ``[sweep]``, whose defaults are the values of the arm `main`."""
    reader = _DesignReader(context, main)
    return DesignFound(reader.design(), reader.resolved, reader.varied)


class _DesignReader:
    def __init__(self, context: Context, main: Arm) -> None:
        self.context, self.main, self.fault = context, main, context.fault
        self.table: Table = context.tables.get("sweep", {})
        self.resolved: Table = copy.deepcopy(self.table)
        self.varied: list[Varied] = []

    def design(self) -> Design | None:
        table = self.table
        sample = table.get("sample", "list" if "members" in table else "grid")
        if sample not in SAMPLES:
            hint = nearest(sample, list(SAMPLES)) or f"; samples are {', '.join(SAMPLES)}"
            self.fault(("sweep", "sample"), f"no sample '{sample}'{hint}")
            return None
        for key, kinds in (("count", DRAWN), ("seed", DRAWN), ("members", ("list",))):
            if key in table and sample not in kinds:
                more = "; each axis of it has a count" if key == "count" and sample in ("grid", "zip") else ""
                self.fault(("sweep", key), f"'{key}' belongs to the samples {', '.join(kinds)}, not to {sample}{more}")
        if sample == "list":
            return self._list()
        items = table.get("vary", [])
        if not items:
            by_option = self.context.layers.from_command_line(("sweep", "vary"))
            if "sample" in table and "population" in self.context.tables and not by_option:
                self.fault(("sweep", "sample"), f"'{sample}' has no axes to combine: only patients vary, as "
                                                "[population] draws them; say what else varies")  # fmt: skip
            return None
        if len(items) > MAX_AXES:
            self.fault(("sweep", "vary"), f"{len(items)} axes; at most {MAX_AXES}")
            return None
        self.resolved["sample"] = sample
        count = table.get("count", 1)
        if not 1 <= count <= MAX_MEMBERS:
            self.fault(("sweep", "count"), f"expected a whole number from 1 to {MAX_MEMBERS}, found {count!r}")
        if sample in DRAWN and "count" not in table:
            what = COUNTED.get(sample, "members")
            self.fault(("sweep", "sample"), f"how many {what}? '{sample}' needs a count")
        if sample == "saltelli" and not is_power_of_two(count):
            self.fault(
                ("sweep", "count"), f"the base points of 'saltelli' are a power of two: 512, 1024; found {count}"
            )
        if sample in (*COUNTED, "local") and "population" in self.context.tables:
            message = f"'{sample}' gives indices of parameters, not of patients: leave it out, or [population]"
            self.fault(("sweep", "sample"), message)
        found = [self._axis(item, number, sample) for number, item in enumerate(items)]
        right = [each for each in found if each is not None]
        if len(right) < len(items):
            return None
        axes, points = zip(*right, strict=True)
        return self._chosen(sample, axes, points, count)

    def _chosen(self, sample: str, axes: tuple[Axis, ...], points: tuple[Points, ...], count: int) -> Design | None:
        if sample in SPACE_FILLING:
            seed = self.resolved.setdefault("seed", 1)
            if sample == "lhs":
                return LatinHypercube(axes, count, seed)
            return Sobol(axes, count, seed) if sample == "sobol" else Random(axes, count, seed)
        if sample in COUNTED:
            seed = self.resolved.setdefault("seed", 1)
            return Morris(axes, count, seed) if sample == "morris" else Saltelli(axes, count, seed)
        if sample in FROM_DEFAULTS:
            for number, axis in enumerate(axes):
                if axis.default is None:
                    message = f"the scenario has no {axis.path} in {axis.unit_text}, from which '{sample}' could start"
                    self.fault(("sweep", "vary", number), message)
            if any(axis.default is None for axis in axes):
                return None
            return OneAtATime(axes) if sample == "one_at_a_time" else Local(axes)
        if sample == "zip" and len({each.size for each in points}) > 1:
            sizes = [f"{axis.path} {each.size}" for axis, each in zip(axes, points, strict=True)]
            self.fault(("sweep", "vary"), f"the axes of a zip must have equally many points; found {', '.join(sizes)}")
            return None
        return Grid(axes, points) if sample == "grid" else Zip(axes, points)

    def _axis(self, item: Table, number: int, sample: str) -> tuple[Axis, Points] | None:
        path: KeyPath = ("sweep", "vary", number)
        before = len(self.context.faults)
        variable = read_variable(self.context, self.main, (*path, "parameter"), item["parameter"], item.get("label"))
        log = read_log(self.context, item, path)
        if "values" in item and {"from", "to", "count"} & set(item):
            self.fault((*path, "values"), "an axis has either values, or from, to and count")
        if "values" in item and sample not in ("grid", "zip"):
            self.fault((*path, "values"), f"'{sample}' covers an interval: give from and to instead of values")
        if "count" in item and sample not in ("grid", "zip"):
            self.fault((*path, "count"), f"'count' of an axis belongs to the samples grid, zip, not to {sample}")
        if variable is None or len(self.context.faults) > before:
            return None
        self.resolved["vary"][number] |= {"parameter": variable.path, "scale": "log" if log else "linear"}
        if "values" in item:
            return self._listed(item, path, variable, log)
        return self._interval(item, path, variable, log, sample)

    def _listed(self, item: Table, path: KeyPath, variable: SweepVariable, log: bool) -> tuple[Axis, Points] | None:
        before, key = len(self.context.faults), (*path, "values")
        if not item["values"]:
            self.fault(key, "there is no value")
            return None
        found = read_numbers(self.context, variable, [(key, text) for text in item["values"]])
        if found is None:
            return None
        variable, values = found
        for value, text in zip(values, item["values"], strict=True):
            self._check_possible(variable, key, value, text)
            if log and not value > 0:
                self.fault(key, f"a log axis needs values above zero, found {text!r}")
        self.varied.append(Varied(path, variable, min(values), max(values)))
        axis = variable.axis(min(values), max(values), log)
        return (axis, Explicit.of(values)) if len(self.context.faults) == before else None

    def _interval(
        self, item: Table, path: KeyPath, variable: SweepVariable, log: bool, sample: str
    ) -> tuple[Axis, Points] | None:
        if not {"from", "to"} <= set(item):
            missing = [key for key in ("from", "to") if key not in item]
            if sample == "local" and variable.own is None and variable.default:
                size = 2 * STEP * abs(variable.default)  # what a step needs
                variable = variable._replace(own=(variable.default - size, variable.default + size))
            if variable.own is None:
                self.fault(path, f"{variable.path} has no range of its own: say {' and '.join(missing)}")
                return None
            unit_text = "" if variable.unit_text == "1" else f" {variable.unit_text}"
            own = dict(zip(("from", "to"), [f"{each!r}{unit_text}" for each in variable.own], strict=True))
            self.resolved["vary"][_number_of(path)] |= {key: own[key] for key in missing}
            item = {**own, **item}
        found = read_numbers(self.context, variable, [((*path, key), item[key]) for key in ("from", "to")])
        if found is None:
            return None
        variable, (low, high) = found
        before = len(self.context.faults)
        for key, value in (("from", low), ("to", high)):
            self._check_possible(variable, (*path, key), value, item[key])
        if not low < high:
            self.fault((*path, "from"), f"expected 'from' below 'to', found {item['from']!r} and {item['to']!r}")
        elif log and not low > 0:
            self.fault((*path, "from"), f"a log axis starts above zero, found {item['from']!r}")
        count = item.get("count", POINTS)
        if not 2 <= count <= MAX_MEMBERS:
            self.fault((*path, "count"), f"expected a whole number from 2 to {MAX_MEMBERS}, found {count!r}")
        if sample in ("grid", "zip"):
            self.resolved["vary"][_number_of(path)]["count"] = count
            if variable.is_count and (log or (high - low) % (count - 1 or 1)):
                self.fault((*path, "count"), f"{count} points from {low:g} to {high:g} are not whole numbers of doses; "
                                             "list them as values")  # fmt: skip
        self.varied.append(Varied(path, variable, low, high))
        return (
            (variable.axis(low, high, log), Spaced(low, high, count, log))
            if len(self.context.faults) == before
            else None
        )

    def _list(self) -> Design | None:
        """The rows of a file; ``[[sweep.vary]]``, where there is any, says which columns, and which are log."""
        self.resolved["sample"] = "list"
        if "members" not in self.table:
            self.fault(("sweep", "sample"), "a list is read from a file: members = 'FILE.csv'")
            return None
        path: KeyPath = ("sweep", "members")
        items = {str(item["parameter"]): number for number, item in enumerate(self.table.get("vary", []))}
        for number, item in enumerate(self.table.get("vary", [])):
            for key in {"from", "to", "count", "values"} & set(item):
                self.fault(
                    ("sweep", "vary", number, key), f"'{key}' does not belong to a list: its file has the values"
                )
        place = self.context.layers.folder_of(path) / self.table["members"]
        keep_ids = self.context.model.find(ID, "parameters") is None
        known = functools.partial(self._known, items)
        found = read_members(place, list(items) or None, MAX_MEMBERS, known, keep_ids)
        if not isinstance(found, MembersFile):
            self.context.faults.extend(found)
            if found:
                self.fault(path, f"the members cannot be read from {self.table['members']}")
            return None
        given = self.table.get("members_sha256", found.digest)
        if given != found.digest:
            self.fault(path, f"{self.table['members']} has changed: its SHA-256 is now {found.digest}")
        self.resolved |= {"members": same_file(place), "members_sha256": found.digest}
        columns = [self._column(column, items, place) for column in found.columns.values()]
        right = [each for each in columns if each is not None]
        if len(right) < len(columns):
            return None
        axes, points = zip(*right, strict=True)
        return Zip(axes, points, "list", found.ids)

    def _known(self, items: Mapping[str, int], name: str) -> bool:
        """Whether a column is something that varies; else a fault says so."""
        number = items.get(name)
        try:
            find_variable(self.context, self.main, name)
        except NotVariableError as error:
            if number is not None and str(error):
                self.fault(("sweep", "vary", number), str(error))
            elif str(error):
                others = f"where {option('--vary')} or [[sweep.vary]] names columns, others are not read"
                self.fault(("sweep", "members"), f"column {name}: {error}; {others}")
            return False
        return True

    def _column(self, column: Column, items: Mapping[str, int], place: Path) -> tuple[Axis, Points] | None:
        """The axis that a column of the file is, which `_known` has found."""
        number = items.get(column.name)
        path: KeyPath = ("sweep", "members") if number is None else ("sweep", "vary", number)
        variable = find_variable(self.context, self.main, column.name)
        log = number is not None and read_log(self.context, self.table["vary"][number], path)
        if not column.unit_text and variable.unit_text != "1":
            wanted = f"'{column.name} [{variable.unit_text}]'"
            self.fault(path, f"the unit is missing: expected a column such as {wanted}, found '{column.name}'")
            return None
        found = read_numbers(self.context, variable, [(path, f"1 {column.unit_text or '1'}")])
        if found is None:
            return None
        variable, (factor,) = found
        before = len(self.context.faults)
        values = [value * factor for value in column.numbers]
        if variable.is_time:
            given, time_unit = unit(column.unit_text), self.context.model.time_unit
            values = [converted(value, given, time_unit) for value in column.numbers]
        low, high = min(values), max(values)
        for end in dict.fromkeys((low, high)):
            member = values.index(end)
            text = f"{column.numbers[member]!r} {column.unit_text}".strip()
            problem = impossible(self.context, variable, end, text)
            if problem:
                self.fault(path, f"{place.name}, member {member + 1}: {problem}")
        if variable.is_count and any(value != int(value) for value in values):
            self.fault(path, f"column {column.name}: doses are counted in whole numbers")
        if log and not low > 0:
            self.fault(path, f"column {column.name}: a log axis needs values above zero, found {low:g}")
        self.varied.append(Varied(path, variable, low, high))
        if len(self.context.faults) > before:
            return None
        return variable.axis(low, high, log), Explicit.of(values)

    def _check_possible(self, variable: SweepVariable, path: KeyPath, value: float, text: object) -> None:
        problem = impossible(self.context, variable, value, text)
        if problem:
            self.fault(path, problem)


def _number_of(path: KeyPath) -> int:
    """The number of an axis from its path, ("sweep", "vary", number)."""
    return int(path[2])
