"""The members of ``[sweep]``: axes, samples and files of members, from tables to a checked design."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path

from ...experiments.sweeps.designs import Axis, Design, Explicit, Grid, OneAtATime, Points, Spaced, Zip
from ...experiments.sweeps.sampling import LatinHypercube, Random, Sobol
from ...runtime.names import nearest
from .axes import AxisReader, SweepVariable, Varied
from .layers import Path_
from .members_csv import Column, MembersFile, read_members
from .source import LIST, NEEDED_TEXT, QUANTITY, TABLE, TEXT, WHOLE, Table

MOST_MEMBERS = 10_000_000
MOST_AXES = 1000
POINTS = 11  # of an axis of a grid that does not say how many

SWEEP = {
    "sample": TEXT,
    "count": WHOLE,
    "seed": WHOLE,
    "members": TEXT,
    "members_sha256": TEXT,
    "arms": LIST,
    "keep": LIST,
    "vary": LIST,
    "measures": TABLE,
}
VARY = {
    "parameter": NEEDED_TEXT,
    "from": QUANTITY,
    "to": QUANTITY,
    "count": WHOLE,
    "scale": TEXT,
    "values": LIST,
    "label": TEXT,
}
SAMPLES = ("grid", "zip", "list", "lhs", "sobol", "random", "one_at_a_time")
FILLING = ("lhs", "sobol", "random")


class DesignReader(AxisReader):
    """Reads which members `[sweep]` has; what is wrong is appended to `faults`, all of it.

    table: as it is written. resolved: with every default written out. varied: every axis, once it is read.
    """

    def __init__(self, axes: AxisReader) -> None:
        super().__init__(axes.layers, axes.model, axes.faults, axes.end, axes.main)
        self.table: Table = self.layers.data.get("sweep", {})
        self.resolved: Table = copy.deepcopy(self.table)
        self.varied: list[Varied] = []

    def design(self) -> Design | None:
        table = self.table
        sample = table.get("sample", "list" if "members" in table else "grid")
        if sample not in SAMPLES:
            hint = nearest(sample, list(SAMPLES)) or f"; samples are {', '.join(SAMPLES)}"
            self.fault(("sweep", "sample"), f"no sample '{sample}'{hint}")
            return None
        for key, kinds in (("count", FILLING), ("seed", FILLING), ("members", ("list",))):
            if key in table and sample not in kinds:
                more = "; each axis of it has a count" if key == "count" and sample in ("grid", "zip") else ""
                self.fault(("sweep", key), f"'{key}' belongs to the samples {', '.join(kinds)}, not to {sample}{more}")
        if sample == "list":
            return self._list()
        items = table.get("vary", [])
        if not items:
            if "sample" in table and "population" in self.layers.data and not self.layers.worded(("sweep", "vary")):
                self.fault(("sweep", "sample"), f"'{sample}' has nothing to put together: only patients vary, as "
                                                "[population] draws them; say what else varies")  # fmt: skip
            return None
        if len(items) > MOST_AXES:
            self.fault(("sweep", "vary"), f"{len(items)} axes; at most {MOST_AXES}")
            return None
        self.resolved["sample"] = sample
        count = table.get("count", 1)
        if not 1 <= count <= MOST_MEMBERS:
            self.fault(("sweep", "count"), f"expected a count from 1 to {MOST_MEMBERS}, found {count!r}")
        if sample in FILLING and "count" not in table:
            self.fault(("sweep", "sample"), f"how many members? '{sample}' needs a count")
        before = len(self.faults)
        found = [self._axis(item, number, sample) for number, item in enumerate(items)]
        axes = tuple([axis for each in found if each for axis in each[:1]])
        points = tuple([points for each in found if each for points in each[1:]])
        if len(self.faults) > before:
            return None
        return self._chosen(sample, axes, points, count)

    def _chosen(self, sample: str, axes: tuple[Axis, ...], points: tuple[Points, ...], count: int) -> Design | None:
        if sample in FILLING:
            seed = self.resolved.setdefault("seed", 1)
            if sample == "lhs":
                return LatinHypercube(axes, count, seed)
            return Sobol(axes, count, seed) if sample == "sobol" else Random(axes, count, seed)
        if sample == "one_at_a_time":
            for number, axis in enumerate(axes):
                if axis.default is None:
                    self.fault(("sweep", "vary", number), f"the scenario has no {axis.path} in {axis.unit_text} "
                                                          "that could stay as it is")  # fmt: skip
            return OneAtATime(axes) if all(axis.default is not None for axis in axes) else None
        if sample == "zip" and len({each.size for each in points}) > 1:
            sizes = [f"{axis.path} {each.size}" for axis, each in zip(axes, points, strict=True)]
            self.fault(("sweep", "vary"), f"axes of a zip have equally many points; found {', '.join(sizes)}")
            return None
        return Grid(axes, points) if sample == "grid" else Zip(axes, points)

    def _axis(self, item: Table, number: int, sample: str) -> tuple[Axis, Points] | None:
        path: Path_ = ("sweep", "vary", number)
        before = len(self.faults)
        spot = self.spot((*path, "parameter"), item["parameter"], item.get("label"))
        log = self.log(item, path)
        if "values" in item and {"from", "to", "count"} & set(item):
            self.fault((*path, "values"), "an axis has either values, or from, to and count")
        if "values" in item and sample not in ("grid", "zip"):
            self.fault((*path, "values"), f"'{sample}' covers an interval: give from and to in place of values")
        if "count" in item and sample not in ("grid", "zip"):
            self.fault((*path, "count"), f"'count' of an axis belongs to the samples grid, zip, not to {sample}")
        if spot is None or len(self.faults) > before:
            return None
        self.resolved["vary"][number] |= {"parameter": spot.path, "scale": "log" if log else "linear"}
        if "values" in item:
            return self._listed(item, path, spot, log)
        return self._interval(item, path, spot, log, sample)

    def _listed(self, item: Table, path: Path_, spot: SweepVariable, log: bool) -> tuple[Axis, Points] | None:
        before, key = len(self.faults), (*path, "values")
        if not item["values"]:
            self.fault(key, "there is no value")
            return None
        spot, values = self.numbers(spot, [(key, text) for text in item["values"]])
        if len(self.faults) > before:
            return None
        for value, text in zip(values, item["values"], strict=True):
            self.possible(spot, key, value, text)
            if log and not value > 0:
                self.fault(key, f"a log axis needs values above zero, found {text!r}")
        self.varied.append((path, spot, min(values), max(values)))
        return spot.axis(min(values), max(values), log), Explicit.of(values)

    def _interval(
        self, item: Table, path: Path_, spot: SweepVariable, log: bool, sample: str
    ) -> tuple[Axis, Points] | None:
        before = len(self.faults)
        if not {"from", "to"} <= set(item):
            missing = [key for key in ("from", "to") if key not in item]
            if spot.own is None:
                self.fault(path, f"{spot.path} has no range of its own: say {' and '.join(missing)}")
                return None
            unit_text = "" if spot.unit_text == "1" else f" {spot.unit_text}"
            own = dict(zip(("from", "to"), [f"{each!r}{unit_text}" for each in spot.own], strict=True))
            self.resolved["vary"][number_of(path)] |= {key: own[key] for key in missing}
            item = {**own, **item}
        spot, (low, high) = self.numbers(spot, [((*path, key), item[key]) for key in ("from", "to")])
        if len(self.faults) > before:
            return None
        for key, value in (("from", low), ("to", high)):
            self.possible(spot, (*path, key), value, item[key])
        if not low < high:
            self.fault((*path, "from"), f"expected 'from' below 'to', found {item['from']!r} and {item['to']!r}")
        elif log and not low > 0:
            self.fault((*path, "from"), f"a log axis starts above zero, found {item['from']!r}")
        count = item.get("count", POINTS)
        if not 2 <= count <= MOST_MEMBERS:
            self.fault((*path, "count"), f"expected a count from 2 to {MOST_MEMBERS}, found {count!r}")
        if sample in ("grid", "zip"):
            self.resolved["vary"][number_of(path)]["count"] = count
            if spot.whole and (log or (high - low) % (count - 1 or 1)):
                self.fault((*path, "count"), f"{count} points from {low:g} to {high:g} are no whole numbers of doses; "
                                             "list them as values")  # fmt: skip
        self.varied.append((path, spot, low, high))
        return (spot.axis(low, high, log), Spaced(low, high, count, log)) if len(self.faults) == before else None

    def _list(self) -> Design | None:
        """The rows of a file; ``[[sweep.vary]]``, where there is any, says which columns, and which are log."""
        self.resolved["sample"] = "list"
        if "members" not in self.table:
            self.fault(("sweep", "sample"), "a list is read from a file: members = 'FILE.csv'")
            return None
        path: Path_ = ("sweep", "members")
        items = {str(item["parameter"]): number for number, item in enumerate(self.table.get("vary", []))}
        for number, item in enumerate(self.table.get("vary", [])):
            for key in {"from", "to", "count", "values"} & set(item):
                self.fault(
                    ("sweep", "vary", number, key), f"'{key}' does not belong to a list: its file has the values"
                )
        place = self.layers.folder_of(path) / self.table["members"]
        found = read_members(place, list(items) or None, MOST_MEMBERS, lambda name: self._known(name, items))
        if not isinstance(found, MembersFile):
            self.faults += found
            if found:
                self.fault(path, f"the members cannot be read from {self.table['members']}")
            return None
        given = self.table.get("members_sha256", found.digest)
        if given != found.digest:
            self.fault(path, f"{self.table['members']} is not what it was: its SHA-256 is {found.digest}")
        self.resolved |= {"members": str(place.resolve()), "members_sha256": found.digest}
        before = len(self.faults)
        columns = [self._column(column, items, place) for column in found.columns.values()]
        if len(self.faults) > before:
            return None
        axes, points = zip(*[each for each in columns if each], strict=True)
        return Zip(axes, points, "list")

    def _known(self, name: str, items: Mapping[str, int]) -> bool:
        """Whether a column is something that varies; else a fault says which columns may stay unread."""
        number = items.get(name)
        path: Path_ = ("sweep", "members") if number is None else ("sweep", "vary", number)
        known = self.spot(path, name) is not None
        if not known and number is None:
            last = self.faults.pop()
            self.fault(path, f"column {name}: {last.message}; where --vary or [[sweep.vary]] names columns, "
                             "others are not read")  # fmt: skip
        return known

    def _column(self, column: Column, items: Mapping[str, int], place: Path) -> tuple[Axis, Points] | None:
        number = items.get(column.name)
        path: Path_ = ("sweep", "members") if number is None else ("sweep", "vary", number)
        before = len(self.faults)
        spot = self.spot(path, column.name)
        log = number is not None and self.log(self.table["vary"][number], path)
        if spot is None:
            return None
        if not column.unit_text and spot.unit_text != "1":
            self.fault(path, f"the unit is missing: expected a column such as '{column.name} [{spot.unit_text}]', "
                             f"found '{column.name}'")  # fmt: skip
            return None
        spot, (one,) = self.numbers(spot, [(path, f"1 {column.unit_text or '1'}")])
        if len(self.faults) > before:
            return None
        values = [value * one for value in column.numbers]
        low, high = min(values), max(values)
        for end in (low, high):
            worst = values.index(end)
            text = f"{column.numbers[worst]!r} {column.unit_text}".strip()
            within = len(self.faults)
            self.possible(spot, path, end, text)
            if len(self.faults) > within:
                last = self.faults.pop()
                where = f"{place.name}, member {worst + 1}: " + last.message
                self.fault(path, where)
        if spot.whole and any(value != int(value) for value in values):
            self.fault(path, f"column {column.name}: doses are counted in whole numbers")
        if log and not low > 0:
            self.fault(path, f"column {column.name}: a log axis needs values above zero, found {low:g}")
        self.varied.append((path, spot, low, high))
        return (spot.axis(low, high, log), Explicit.of(values)) if len(self.faults) == before else None


def number_of(path: Path_) -> int:
    return int(path[2])
