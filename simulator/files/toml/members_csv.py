"""A CSV of members: names with units in its first line, one member in each other line."""

from __future__ import annotations

import csv
import math
import re
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from ...runtime.errors import InputError, InputFault
from ...runtime.text import listed
from ..reading import not_utf8, read_bytes, short_path
from .source import control_character

MAX_FAULTS = 20
MAX_BYTES = 2 * 10**9
MAX_COLUMNS = 1000
ID = "id"  # a column of text that tells members apart and is kept
MAX_HEADER = 100_000  # characters of the first line
_HEADER = re.compile(r"\s*([^\[]*?)\s*(?:\[([^\[\]]*)\]\s*)?\Z")
_NAME = re.compile(r"[A-Za-z][\w .-]{0,200}\Z")


class Column(NamedTuple):
    """A column as it was written: its name, the unit behind it in brackets, and its numbers."""

    name: str
    unit_text: str
    numbers: array[float]


class MembersFile(NamedTuple):
    """A file of members: its columns by name, the SHA-256 of its bytes, and the column `ID` if it has one."""

    columns: dict[str, Column]
    digest: str
    ids: tuple[str, ...] = ()


def read_members(
    path: Path, wanted: Sequence[str] | None, most: int, known: Callable[[str], bool], keep_ids: bool
) -> MembersFile | list[InputFault]:
    """The columns of a file of members, or everything that is wrong with it.

    Args:
        wanted: the columns to read; None for all of them.
        most: how many members there may be.
        known: whether a column is something that varies. Where it is not, `known` has reported that, and the list
            of faults that is returned may be empty.
        keep_ids: whether a column `ID` is text that is kept and not something that varies.
    """
    try:
        content = read_bytes(path, MAX_BYTES, "a file of members")
        text = content.decode("utf-8-sig")
    except InputError as error:
        return error.faults
    except UnicodeDecodeError as error:
        return [not_utf8(path, error)]
    reader = _Reader(short_path(path), text.splitlines(), wanted, most, keep_ids)
    reader.read(known)
    if reader.faults or not reader.complete:
        return reader.faults
    return MembersFile(reader.columns, sha256(content).hexdigest(), tuple(reader.ids))


class _Reader:
    def __init__(
        self, name: str, lines: Sequence[str], wanted: Sequence[str] | None, most: int, keep_ids: bool
    ) -> None:
        self.name, self.lines, self.wanted, self.most, self.keep_ids = name, lines, wanted, most, keep_ids
        self.faults: list[InputFault] = []
        self.columns: dict[str, Column] = {}
        self.ids: list[str] = []
        self.complete = False  # whether every column is known and was read to the end

    def fault(self, line: int, message: str) -> None:
        text = self.lines[line - 1].strip() if 0 < line <= len(self.lines) else ""
        self.faults.append(InputFault(self.name, line, message, text))

    def read(self, known: Callable[[str], bool]) -> None:
        if self.lines and len(self.lines[0]) > MAX_HEADER:
            self.faults.append(InputFault(self.name, 1, f"a first line of more than {MAX_HEADER:,} characters", ""))
            return
        rows = csv.reader(self.lines)
        first = next(self.checked(rows), [])
        places = self.header(first)
        names = [name.strip() for name in first]
        id_at = names.index(ID) if self.keep_ids and ID in names else None
        unknown = [name for name in self.columns if not known(name)]
        if self.faults or unknown:
            return
        if not self.columns:
            self.fault(1, f"the only column is '{ID}'; expected another such as 'body_weight [kg]'")
            return
        count = 0
        for row in self.checked(rows):
            count += 1
            if len(row) != len(first):
                self.fault(rows.line_num, f"{len(row)} values in a table of {len(first)} columns")
            elif count > self.most:
                self.fault(rows.line_num, f"more than {self.most} members")
                return
            else:
                self.numbers(rows.line_num, row, places)
                if id_at is not None:
                    self.add_id(rows.line_num, row[id_at].strip())
            if len(self.faults) >= MAX_FAULTS:
                self.fault(0, "and perhaps more like these")
                return
        if not count:
            self.fault(1, "there is no member below the first line")
        self.complete = True

    def add_id(self, line: int, text: str) -> None:
        problem = control_character(f"column {ID}", text, one_line=True)
        if problem or not text:
            self.fault(line, problem or f"column {ID} is empty")
        self.ids.append(text)

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
            self.faults.append(InputFault(self.name, 1, "columns must be separated by commas", ""))
            return []
        if len(row) > MAX_COLUMNS:
            self.faults.append(InputFault(self.name, 1, f"{len(row):,} columns; at most {MAX_COLUMNS:,}", ""))
            return []
        found = [_HEADER.match(each) for each in row]
        names = [match[1] if match else "" for match in found]
        if not all(map(_NAME.match, names)):  # nothing is quoted of a file that is no table of members
            message = "expected a first line of names with units, such as 'body_weight [kg],k_clear [1/h]'"
            self.faults.append(InputFault(self.name, 1, message, ""))
            return []
        for name in [name for name, count in Counter(names).items() if count > 1]:
            self.fault(1, f"two columns are named '{name}'")
        for name in self.wanted or ():
            if name not in names:
                self.fault(1, f"there is no column '{name}'; columns are {listed(names)}")
        if self.faults:
            return []
        for name, match in zip(names, found, strict=True):
            wanted = self.wanted is None or name in self.wanted
            if wanted and not (self.keep_ids and name == ID):
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
