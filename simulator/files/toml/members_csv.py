"""A CSV of members: names with units in its first line, a member in each other line."""

from __future__ import annotations

import csv
import math
import re
from array import array
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from ...runtime.errors import InputFault
from .source import short_path

MOST_FAULTS = 20
_HEADER = re.compile(r"\s*(.*?)\s*(?:\[([^\[\]]*)\]\s*)?\Z", re.DOTALL)


class Column(NamedTuple):
    """A column as it was written: its name, the unit behind it in brackets, and its numbers."""

    name: str
    unit_text: str
    numbers: array[float]


class MembersFile(NamedTuple):
    """digest: of the bytes of the file."""

    columns: dict[str, Column]
    digest: str


def read_members(
    path: Path, wanted: Sequence[str] | None, most: int, known: Callable[[str], bool]
) -> MembersFile | list[InputFault]:
    """The columns named in `wanted`, or all of them, of at most `most` members; or everything that is wrong, which
    is nothing that is left to say if `known` does not know a column: it has said so itself."""
    try:
        content = path.read_bytes()
        text = content.decode("utf-8-sig")
    except FileNotFoundError:
        return [InputFault(short_path(path), 0, "no such file of members", "")]
    except UnicodeDecodeError as error:
        return [InputFault(short_path(path), 0, f"not UTF-8 text (byte {error.start})", "")]
    except OSError as error:
        return [InputFault(short_path(path), 0, f"cannot be read: {error.strerror}", "")]
    reader = _Reader(short_path(path), text.splitlines(), wanted, most)
    reader.read(known)
    if not all(column.numbers for column in reader.columns.values()):  # one is not known
        return reader.faults
    return reader.faults or MembersFile(reader.columns, sha256(content).hexdigest())


class _Reader:
    def __init__(self, name: str, lines: Sequence[str], wanted: Sequence[str] | None, most: int) -> None:
        self.name, self.lines, self.wanted, self.most = name, lines, wanted, most
        self.faults: list[InputFault] = []
        self.columns: dict[str, Column] = {}

    def fault(self, line: int, message: str) -> None:
        text = self.lines[line - 1].strip() if 0 < line <= len(self.lines) else ""
        self.faults.append(InputFault(self.name, line, message, text))

    def read(self, known: Callable[[str], bool]) -> None:
        rows = csv.reader(self.lines)
        places = self.header(next(rows, []))
        unknown = [name for name in self.columns if not known(name)]
        if self.faults or unknown:
            return
        width = len(next(csv.reader(self.lines)))
        count = 0
        for row in self.checked(rows):
            count += 1
            if len(row) != width:
                self.fault(rows.line_num, f"{len(row)} values in a table of {width} columns")
            elif count > self.most:
                self.fault(rows.line_num, f"more than {self.most} members")
                return
            else:
                self.numbers(rows.line_num, row, places)
            if len(self.faults) >= MOST_FAULTS:
                self.fault(0, "and perhaps more like these")
                return
        if not count:
            self.fault(1, "there is no member below the first line")

    def checked(self, rows: Iterator[list[str]]) -> Iterator[list[str]]:
        try:
            yield from (row for row in rows if row)
        except csv.Error as error:
            self.fault(0, f"not CSV: {error}")

    def header(self, row: Sequence[str]) -> list[tuple[int, Column]]:
        if not row:
            self.fault(0, "the file has no first line of names, such as 'body_weight [kg],k_clear [1/h]'")
            return []
        if len(row) == 1 and (";" in row[0] or "\t" in row[0]):
            self.fault(1, "columns are separated by commas")
            return []
        found = [_HEADER.match(each) for each in row]
        names = [match[1] if match else each for match, each in zip(found, row, strict=True)]
        for name in dict.fromkeys(name for name in names if names.count(name) > 1):
            self.fault(1, f"two columns are named '{name}'")
        for name in self.wanted or ():
            if name not in names:
                self.fault(1, f"there is no column '{name}'; columns are {', '.join(names)}")
        if self.faults:
            return []
        for name, match in zip(names, found, strict=True):
            if self.wanted is None or name in self.wanted:
                self.columns[name] = Column(name, (match and match[2]) or "", array("d"))
        return [(place, self.columns[name]) for place, name in enumerate(names) if name in self.columns]

    def numbers(self, line: int, row: Sequence[str], places: Sequence[tuple[int, Column]]) -> None:
        for place, column in places:
            try:
                value = float(row[place])
            except ValueError:
                value = math.nan
            if not math.isfinite(value):
                self.fault(line, f"column {column.name}: expected a number, found {row[place].strip()!r}")
            column.numbers.append(value)
