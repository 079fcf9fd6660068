"""TOML files with the line of every key, and all faults of a file at once."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from ...runtime.errors import InputError, InputFault
from ...runtime.names import nearest

MAX_BYTES = 1_000_000
MAX_NESTING = 100
_BARE = re.compile(r"=\s*[-+]?[\d.]+(?:[eE][-+]?\d+)?\s+[A-Za-z]")  # a number and a unit without quotes

Key = str | int
Table = dict[str, Any]


class TomlSource:
    """A TOML file: its `data`, and `line` for where a key stands."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.text = read_text(path)
        try:
            self.data: Table = tomllib.loads(self.text)
            if not self.text.strip():
                raise InputError([InputFault(self.name, 0, "the file is empty", "")])
        except tomllib.TOMLDecodeError as error:
            raise InputError([self._syntax_fault(str(error))]) from None
        except RecursionError:
            raise InputError([InputFault(self.name, 0, f"nested deeper than {MAX_NESTING}", "")]) from None
        except ValueError:
            raise InputError([InputFault(self.name, 0, "not TOML: a number of thousands of digits", "")]) from None
        if _nesting(self.data) > MAX_NESTING:
            raise InputError([InputFault(self.name, 0, f"nested deeper than {MAX_NESTING}", "")])

    def _syntax_fault(self, message: str) -> InputFault:
        match = re.search(r"\(at line (\d+), column \d+\)", message)
        rows = self.text.rstrip("\n").split("\n")
        line = int(match[1]) if match else len(rows)
        text = rows[line - 1].strip() if 0 < line <= len(rows) else ""
        hint = '; a value with a unit stands in quotes, as "5 d"' if _BARE.search(text) else ""
        return InputFault(self.name, line, f"not TOML: {message}{hint}", text)

    @cached_property
    def name(self) -> str:
        """The path as people write it, from where they stand."""
        return short_path(self.path)

    @cached_property
    def _lines(self) -> dict[tuple[Key, ...], int]:
        from .lines import key_lines  # only faults and `show` ask for lines

        return dict(key_lines(self.text))

    def line(self, path: Sequence[Key]) -> int:
        """The line of the key at `path`, or of the nearest key around it."""
        for length in range(len(path), 0, -1):
            found = self._lines.get(tuple(path[:length]))
            if found is not None:
                return found
        return 0

    def fault(self, path: Sequence[Key], message: str) -> InputFault:
        line = self.line(path)
        text = self.text.split("\n")[line - 1].strip() if line else ""
        return InputFault(self.name, line, message, text)


def short_path(path: Path) -> str:
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)


def read_text(path: Path) -> str:
    """The text of a file, or `InputError` if it is missing, too large, no UTF-8 or nested too deeply."""
    try:
        if path.is_dir():
            raise InputError([InputFault(short_path(path), 0, "expected a TOML file, found a folder", "")])
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise InputError([InputFault(short_path(path), 0, f"{size} bytes; a file may have {MAX_BYTES}", "")])
        text = path.read_bytes().decode("utf-8-sig")  # some editors put a mark in front
    except FileNotFoundError:
        raise InputError([InputFault(short_path(path), 0, "no such file", "")]) from None
    except UnicodeDecodeError as error:
        raise InputError([InputFault(short_path(path), 0, f"not UTF-8 text (byte {error.start})", "")]) from None
    except OSError as error:
        raise InputError([InputFault(short_path(path), 0, f"cannot be read: {error.strerror}", "")]) from None
    for number, row in enumerate(text.split("\n"), 1):
        if max(row.count("["), row.count("{")) > MAX_NESTING:
            raise InputError([InputFault(short_path(path), number, f"nested deeper than {MAX_NESTING}", row.strip())])
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
