"""CSV files as people's spreadsheets write them: separators, decimal commas and encodings are found out, or refused."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ...runtime.errors import InputError, InputFault
from ...runtime.text import listed
from ..reading import read_bytes, short_path

MAX_BYTES = 50_000_000
MAX_FAULTS = 20
COMMENT = "#"
NOT_MEASURED = ("", "na", "nan", "n/a", ".", "-")  # in lower case: cells that hold no value
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_SEPARATOR_LINE = re.compile(r"sep=(.)\s*\Z", re.IGNORECASE)  # the first line that Excel itself understands
_HEADER = re.compile(r"\s*(.*?)\s*(?:[\[(]([^\[\]()]*)[\])]\s*)?\Z")
_COMMA = re.compile(r"[-+]?\d*,\d+(?:[eE][-+]?\d+)?\Z")  # a number with a decimal comma
_GROUPED = re.compile(r"[-+]?\d{1,3}(?:[.,' \u00a0\u202f]\d{3})+(?:[.,]\d+)?\Z")


class Cell(NamedTuple):
    """The text of a cell, with a decimal point where the file has a comma, and the line it stands in."""

    text: str
    line: int


class PointsFile(NamedTuple):
    """A table as it was read. units: by column, as the header writes them, '' where it does not. rows: the cells.
    unread: the names of columns that nobody knows."""

    name: str
    units: Mapping[str, str]
    rows: Sequence[Mapping[str, Cell]]
    lines: Sequence[str]
    unread: Sequence[str] = ()

    def fault(self, line: int, message: str) -> InputFault:
        """`message` as a fault at a line of the file."""
        text = self.lines[line - 1].strip() if 0 < line <= len(self.lines) else ""
        return InputFault(self.name, line, message, text)


def read_points_csv(
    path: Path,
    known: Mapping[str, Sequence[str]],
    wanted: Mapping[str, str],
    required: Sequence[str] = ("time", "value"),
    others: bool = False,
) -> PointsFile:
    """A table of points.

    Args:
        known: the columns that it may have, each with other names for it, in lower case.
        wanted: names in the header by column; where there are any, other columns are not read.
        required: columns that must be there.
        others: whether there may be columns that nobody knows.

    Raises:
        InputError: with everything that is wrong with its form; numbers are not read here.
    """
    text = _decoded(path, read_bytes(path, MAX_BYTES, "a CSV file"))
    lines = text.splitlines()
    reader = _Reader(short_path(path), lines, known, wanted, required, others)
    found = reader.read()
    if reader.faults:
        raise InputError(reader.faults)
    return found


def _decoded(path: Path, content: bytes) -> str:
    """UTF-8 or UTF-16 by its byte order mark, UTF-8 without one, and else Windows-1252, which holds Latin-1."""
    if content.startswith(b"PK\x03\x04"):
        raise InputError([InputFault(short_path(path), 0, "an Excel workbook; save its sheet as CSV", "")])
    try:
        if content[:2] in _UTF16:
            return content.decode("utf-16")
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = content.decode("cp1252")
    except UnicodeDecodeError:
        raise InputError([InputFault(short_path(path), 0, "not text: neither UTF-8 nor Windows-1252", "")]) from None
    if "\0" in text:
        raise InputError([InputFault(short_path(path), 0, "not text: a CSV file has no NUL characters", "")])
    return text


class _Reader:
    def __init__(
        self,
        name: str,
        lines: Sequence[str],
        known: Mapping[str, Sequence[str]],
        wanted: Mapping[str, str],
        required: Sequence[str],
        others: bool,
    ) -> None:
        self.name, self.lines, self.known, self.wanted = name, lines, known, wanted
        self.required, self.others = required, others
        self.faults: list[InputFault] = []
        self.unread: list[str] = []

    def fault(self, line: int, message: str) -> None:
        self.faults.append(PointsFile(self.name, {}, [], self.lines).fault(line, message))

    def read(self) -> PointsFile:
        nothing = PointsFile(self.name, {}, [], self.lines)
        start, separator = self._start()
        if start is None:
            self.fault(0, "the file is empty; expected a first line such as 'time [d],value [pM],sd'")
            return nothing
        separator = separator or _separator(self.lines[start])
        rows = self._rows(start, separator)
        if self.faults or not rows:
            return nothing
        (line, header), *body = rows
        columns, units = self._header(line, header)
        if self.faults:
            return nothing
        commas = self._decimal_commas(body, separator, columns)
        found: list[dict[str, Cell]] = []
        for line, row in body:
            if len(row) > len(header) and any(cell.strip() for cell in row[len(header) :]):
                self.fault(line, f"{len(row)} values in a table of {len(header)} columns{_comma_hint(row, separator)}")
            elif len(row) < len(header) and len(row) <= max(columns.values()):
                self.fault(line, f"{len(row)} values in a table of {len(header)} columns")
            else:
                cells = {name: row[place].strip() for name, place in columns.items()}
                found.append({name: Cell(_point(text) if commas else text, line) for name, text in cells.items()})
            if len(self.faults) >= MAX_FAULTS:
                self.fault(0, "and perhaps more like these")
                break
        if not found and not self.faults:
            self.fault(line, "there is no point below the first line")
        return PointsFile(self.name, units, found, self.lines, self.unread)

    def _start(self) -> tuple[int | None, str]:
        """The first line that is neither empty nor a comment, and the separator that a line before it names."""
        separator = ""
        for number, text in enumerate(self.lines):
            declared = _SEPARATOR_LINE.match(text.strip())
            if declared and not separator:
                separator = declared[1]
            elif text.strip(" ,;\t") and not text.lstrip().startswith(COMMENT):
                return number, separator
        return None, separator

    def _rows(self, start: int, separator: str) -> list[tuple[int, list[str]]]:
        """The rows that are not empty, each with its line."""
        text = "\n".join(self.lines[start:])
        rows = csv.reader(io.StringIO(text), delimiter=separator, skipinitialspace=True)
        found = []
        try:
            for row in rows:
                if any(cell.strip() for cell in row) and not row[0].lstrip().startswith(COMMENT):
                    found.append((start + rows.line_num, row))
        except csv.Error as error:
            self.fault(0, f"not CSV: {error}")
        return found

    def _header(self, line: int, row: Sequence[str]) -> tuple[dict[str, int], dict[str, str]]:
        """The place and the unit of each column."""
        matches = [_HEADER.match(cell) for cell in row]
        names = [" ".join(match[1].split()) if match else "" for match in matches]
        given = [match[2] or "" if match else "" for match in matches]
        if all(_is_number(name) for name in names if name):
            self.fault(line, "expected a first line of names such as 'time [d],value [pM],sd', found numbers")
            return {}, {}
        asked = {name.lower(): column for column, name in self.wanted.items()}
        places: dict[str, int] = {}
        for place, name in enumerate(names):
            heading = " ".join(row[place].split())
            column = asked.get(name.lower(), asked.get(heading.lower())) if self.wanted else self._column(name)
            if column is None:
                self.unread += [name] if name else []
                if name and not self.wanted and not self.others:
                    ours = f"columns are {', '.join(self.known)}"
                    self.fault(line, f"'{name}' is no column of points: {ours}; columns = {{ value = '{name}' }} in "
                                     "[[data]] says what is read, and then others are not")  # fmt: skip
            elif column in places:
                self.fault(line, f"two columns for '{column}': '{names[places[column]]}' and '{name}'")
            else:
                places[column] = place
        for column, name in self.wanted.items():
            if column not in places:
                self.fault(line, f"there is no column '{name}'; columns are {listed([each for each in names if each])}")
        for column in self.required:
            if column not in places and column not in self.wanted and not self.faults:
                self.fault(
                    line, f"there is no column '{column}'; columns are {listed([each for each in names if each])}"
                )
        return places, {column: given[place].strip() for column, place in places.items()}

    def _column(self, name: str) -> str | None:
        word = name.lower()
        return next((column for column, others in self.known.items() if word == column or word in others), None)

    def _decimal_commas(
        self, body: Sequence[tuple[int, list[str]]], separator: str, columns: Mapping[str, int]
    ) -> bool:
        """Whether numbers have decimal commas; a fault where that cannot be told."""
        kinds: Counter[str] = Counter()
        first: dict[str, int] = {}
        for line, row in body:
            for cell in (row[place].strip().lstrip("<≤ ") for place in columns.values() if place < len(row)):
                kind = "comma" if _COMMA.match(cell) else "point" if "." in cell and _is_number(cell) else ""
                if kind:
                    kinds[kind] += 1
                    first.setdefault(kind, line)
                if _GROUPED.match(cell) and (separator == "," or not _COMMA.match(cell)) and not _is_number(cell):
                    self.fault(line, f"'{cell}': write numbers without separators of thousands")
                    return False
        if kinds["comma"] and kinds["point"]:
            lines = f"lines {first['comma']} and {first['point']}"
            self.fault(first["point"], f"some numbers have a decimal comma and others a point ({lines}): which is it?")
        return bool(kinds["comma"])


def _separator(header: str) -> str:
    """What separates the columns, by the first line: a semicolon, a tab or a comma."""
    return next((each for each in (";", "\t") if each in header), ",")


def _point(text: str) -> str:
    return text.replace(",", ".") if _COMMA.match(text.lstrip("<≤ ")) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _comma_hint(row: Sequence[str], separator: str) -> str:
    if separator != "," or not all(_is_number(cell) for cell in row if cell.strip()):
        return ""
    return "; with decimal commas, columns must be separated by semicolons"
