"""TOML files with the line of every key, and all faults of a file at once."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from ..model.expression import nearest

MAX_BYTES = 1_000_000
MAX_NESTING = 100

Key = str | int
Table = dict[str, Any]


class FileFault(NamedTuple):
    """One thing wrong in a file; line is 1 for the first line, 0 where no line is to blame."""

    file: str
    line: int
    message: str
    text: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        shown = self.text if len(self.text) <= 120 else self.text[:117] + "..."
        return f"{where}: {self.message}" + (f"\n    {shown}" if shown else "")


class FileError(Exception):
    """Everything that is wrong with the files that were read."""

    def __init__(self, faults: Sequence[FileFault]) -> None:
        self.faults = list(dict.fromkeys(faults))
        super().__init__("\n".join(map(str, self.faults)))


class TomlSource:
    """A TOML file: its `data`, and `line` for where a key stands."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = _short(path)
        self.text = _read(path, self.name)
        try:
            self.data: Table = tomllib.loads(self.text)
        except tomllib.TOMLDecodeError as error:
            raise FileError([self._syntax_fault(str(error))]) from None
        except RecursionError:
            raise FileError([FileFault(self.name, 0, f"nested deeper than {MAX_NESTING}", "")]) from None
        except ValueError:
            raise FileError([FileFault(self.name, 0, "not TOML: a number of thousands of digits", "")]) from None
        if _nesting(self.data) > MAX_NESTING:
            raise FileError([FileFault(self.name, 0, f"nested deeper than {MAX_NESTING}", "")])

    def _syntax_fault(self, message: str) -> FileFault:
        match = re.search(r"\(at line (\d+), column \d+\)", message)
        rows = self.text.rstrip("\n").split("\n")
        line = int(match[1]) if match else len(rows)
        text = rows[line - 1].strip() if 0 < line <= len(rows) else ""
        return FileFault(self.name, line, f"not TOML: {message}", text)

    @cached_property
    def _lines(self) -> dict[tuple[Key, ...], int]:
        return dict(_key_lines(self.text))

    def line(self, path: Sequence[Key]) -> int:
        """The line of the key at `path`, or of the nearest key around it."""
        for length in range(len(path), 0, -1):
            found = self._lines.get(tuple(path[:length]))
            if found is not None:
                return found
        return 0

    def fault(self, path: Sequence[Key], message: str) -> FileFault:
        line = self.line(path)
        text = self.text.split("\n")[line - 1].strip() if line else ""
        return FileFault(self.name, line, message, text)


def _short(path: Path) -> str:
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)


def _read(path: Path, name: str) -> str:
    try:
        if path.is_dir():
            raise FileError([FileFault(name, 0, "expected a TOML file, found a folder", "")])
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise FileError([FileFault(name, 0, f"{size} bytes; a file may have {MAX_BYTES}", "")])
        text = path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise FileError([FileFault(name, 0, "no such file", "")]) from None
    except UnicodeDecodeError as error:
        raise FileError([FileFault(name, 0, f"not UTF-8 text (byte {error.start})", "")]) from None
    except OSError as error:
        raise FileError([FileFault(name, 0, f"cannot be read: {error.strerror}", "")]) from None
    for number, row in enumerate(text.split("\n"), 1):
        if max(row.count("["), row.count("{")) > MAX_NESTING:
            raise FileError([FileFault(name, number, f"nested deeper than {MAX_NESTING}", row.strip())])
    return text


def _nesting(data: object) -> int:
    """How deep tables and lists lie in each other; without recursion, for it may be too deep for that."""
    depth, level = 0, [data]
    while level and depth <= MAX_NESTING:
        depth += 1
        inner = [
            list(item.values()) if isinstance(item, dict) else item for item in level if isinstance(item, (dict, list))
        ]
        level = [value for values in inner for value in values]
    return depth


_HEADER = re.compile(r"\s*(\[\[?)\s*([^\]]+?)\s*\]\]?\s*(?:#.*)?\Z")
_KEY = re.compile(
    r"""\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*=\s*(.*)\Z"""
)
_PART = re.compile(r"""[A-Za-z0-9_-]+|"[^"]*"|'[^']*'""")


def _key_lines(text: str) -> Iterator[tuple[tuple[Key, ...], int]]:
    """(path, line) of every header and key of a text already known to be TOML.

    Values that run over several lines are skipped whole: what looks like a key inside a
    multi-line string or array is none.
    """
    prefix: tuple[Key, ...] = ()
    counts: dict[tuple[Key, ...], int] = {}
    seen: set[tuple[Key, ...]] = set()
    inside = ""  # what closes the value that is still open
    depth = 0
    for number, row in enumerate(text.split("\n"), 1):
        if inside:
            if inside in row:
                inside = ""
            continue
        if depth > 0:
            depth += _depth(row)
            continue
        header, key = _HEADER.match(row), _KEY.match(row)
        if header:
            path = _indexed(_parts(header[2]), counts, new=header[1] == "[[")
            prefix = path
            for length in range(1, len(path) + 1):
                if path[:length] not in seen:
                    seen.add(path[:length])
                    yield path[:length], number
        elif key:
            path = prefix + _parts(key[1])
            for length in range(len(prefix) + 1, len(path) + 1):
                yield path[:length], number
            value = key[2]
            for quote in ('"""', "'''"):
                if value.startswith(quote) and quote not in value[3:]:
                    inside = quote
            if not inside:
                depth = max(0, _depth(value))


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in _PART.findall(text))


def _indexed(parts: tuple[str, ...], counts: dict[tuple[Key, ...], int], new: bool) -> tuple[Key, ...]:
    """The path of a header, with the number of the table in every array of tables."""
    path: tuple[Key, ...] = ()
    for place, part in enumerate(parts):
        path = (*path, part)
        if new and place == len(parts) - 1:
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = (*path, counts[path])
    return path


def _depth(row: str) -> int:
    """Brackets opened less brackets closed, outside strings and comments."""
    bare = re.sub(r'"(?:[^"\\]|\\.)*"|\'[^\']*\'', "", row).split("#")[0]
    return bare.count("[") + bare.count("{") - bare.count("]") - bare.count("}")


class Field(NamedTuple):
    """What a key may hold: its types, and whether it must be there."""

    types: tuple[type, ...]
    required: bool = False


TEXT, NEEDED_TEXT = Field((str,)), Field((str,), True)
NUMBER, NEEDED_NUMBER = Field((int, float)), Field((int, float), True)
WHOLE = Field((int,))
LIST, TABLE = Field((list,)), Field((dict,))
QUANTITY = Field((str, int, float))

_WORDS = {str: "text", int: "a whole number", float: "a number", list: "a list", dict: "a table", bool: "true or false"}


def check_fields(table: object, fields: Mapping[str, Field], what: str) -> Iterator[tuple[tuple[Key, ...], str]]:
    """(path within the table, message) for keys that are unknown, missing or of a wrong type."""
    if not isinstance(table, dict):
        yield (), f"{what} must be a table, found {table!r}"
        return
    for key, value in table.items():
        field = fields.get(key)
        if field is None:
            hint = nearest(key, fields) or f"; keys are {', '.join(fields)}"
            yield (key,), f"{what} has no key '{key}'{hint}"
        elif not isinstance(value, field.types) or isinstance(value, bool) is not (bool in field.types):
            words = " or ".join(
                dict.fromkeys(_WORDS[kind] for kind in field.types if kind is not int or float not in field.types)
            )
            yield (key,), f"{key} must be {words}, found {value!r}"
        elif isinstance(value, float) and value - value != 0.0:
            yield (key,), f"{key} must be a finite number, found {value}"
        elif value == "" and field.required:
            yield (key,), f"{key} is empty"
    for key, field in fields.items():
        if field.required and key not in table:
            yield (), f"{what} has no {key}"
