"""TOML files with the line of every key, and all faults of a file at once."""

from __future__ import annotations

import ast
import math
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, time
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from ...runtime.errors import InputError, InputFault
from ...runtime.names import nearest
from ...runtime.text import first_unsafe, listed
from ..reading import read_text, short_path

MAX_BYTES = 1_000_000
MAX_NESTING = 100
_BARE = re.compile(r"=\s*[-+]?[\d.]+(?:[eE][-+]?\d+)?\s+[A-Za-z]")  # a number and a unit without quotes
_TWICE = re.compile(r"Cannot declare (\(.*\)) twice")  # what the parser says of a second [table]
_NAMED_KEYS = re.compile(r"""\(['"].*\)(?= )|(?<=key )['"].*['"](?= )""")  # by the parser, as Python writes them
_HEADER = re.compile(r"\s*(\[\[?)\s*([^\]]+?)\s*\]\]?\s*(?:#.*)?\Z")
_KEY = re.compile(
    r"""\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*=\s*(.*)\Z"""
)
_FIRST_WORD = re.compile(r"\s*\[{0,2}\s*([a-z_]+)\s*[=\].]")
_PART = re.compile(r"""[A-Za-z0-9_-]+|"[^"]*"|'[^']*'""")

_AROUND_KEYS, _DOTTED = re.compile(r"[=,#\[\]{}]"), re.compile(r"""[\w"'-]\.""")
# a file that has none of these at its top is neither a scenario nor a model, and nothing of it is quoted
OURS = {
    *("schema", "title", "model", "extends", "time", "species", "parameters", "reactions", "observables"),
    *("substances", "sources", "interventions", "modules", "rules", "topics", "claims", "facts"),
}

OPTIONS = ("knockout", "block", "add")  # of the command line, which stand for changes of parameters and doses

Key = str | int
Table = dict[str, Any]


class TomlSource:
    """A TOML file: its `data`, and the `line` of each key. `InputError` if it cannot be read as TOML."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.text = read_toml_text(path)
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
        if self.text.lstrip().startswith("<"):
            said = "XML, and no scenario or model; SBML is written by 'export' and not read"
            return InputFault(self.name, line, said, "")
        hint = '; a value with a unit must be quoted: "5 d"' if _BARE.search(text) else ""
        hint = "; perhaps a quote is not closed" if message.startswith(r"Illegal character '\n'") else hint
        keys = {match[1] for row in rows[: line - 1] + rows[line:] if (match := _FIRST_WORD.match(row))}
        if not keys & OURS:
            why = _NAMED_KEYS.sub("...", message)  # its words are said, but nothing of the file
            return InputFault(self.name, line, f"not TOML, and no scenario or model: {why}{hint}", "")
        if twice := _TWICE.match(message):
            message = _stands_twice(".".join(map(str, ast.literal_eval(twice[1]))))
        return InputFault(self.name, line, f"not TOML: {message}{hint}", text)

    @cached_property
    def name(self) -> str:
        """The path as people would type it, relative to the current directory."""
        return short_path(self.path)

    @cached_property
    def _lines(self) -> dict[tuple[Key, ...], int]:
        return dict(key_lines(self.text))

    def line(self, path: Sequence[Key]) -> int:
        """The line of the key at `path`, or of the nearest key around it."""
        for length in range(len(path), 0, -1):
            found = self._lines.get(tuple(path[:length]))
            if found is not None:
                return found
        return 0

    def check_ours(self) -> None:
        """`InputError`, which quotes nothing, where no key at the top is one of a scenario or a model."""
        if self.data and not self.data.keys() & OURS:
            message = "neither a scenario nor a model: it has none of their keys, such as title, model and time"
            raise InputError([InputFault(self.name, 0, message, "")])

    def line_of(self, path: Sequence[Key], words: Sequence[str]) -> int:
        """The line in the value at `path` that has all these words; that of the key, if none has."""
        first = self.line(path)
        last = min((line for line in self._lines.values() if line > first), default=len(self.text))
        rows = self.text.split("\n")[max(first - 1, 0) : last - 1]
        for number, row in enumerate(rows, first):
            if all(re.search(rf"(?<!\w){re.escape(word)}(?!\w)", row) for word in words):
                return number
        return first

    def fault(self, path: Sequence[Key], message: str, words: Sequence[str] = ()) -> InputFault:
        """`message` as a fault at the line of the key at `path`, or at that of its value that has these words."""
        line = self.line_of(path, words) if words else self.line(path)
        text = self.text.split("\n")[line - 1].strip() if line else ""
        return InputFault(self.name, line, message, text)


def _stands_twice(name: str) -> str:
    """What is wrong with a second header of a table, and how several tables of its kind are written."""
    from .keys import LESSON_TABLES, MODEL_TABLES, SCENARIO_TABLES  # which are made of the fields below

    several = f"[[{name}]]"
    hint = f"; several are written {several}" if several in {*SCENARIO_TABLES, *MODEL_TABLES, *LESSON_TABLES} else ""
    return f"[{name}] stands twice{hint}"


def read_toml_text(path: Path) -> str:
    """The text of a file, or `InputError` if it is missing, no regular file, too large, not UTF-8 or nested too
    deeply."""
    text = read_text(path, MAX_BYTES, "a TOML file")
    for number, row in enumerate(text.split("\n"), 1):
        if max(row.count("["), row.count("{")) > MAX_NESTING or _longest_key(row) > MAX_NESTING:
            raise InputError([InputFault(short_path(path), number, f"nested deeper than {MAX_NESTING}", "")])
    return text


def _longest_key(row: str) -> int:
    """How many dots a key in a line may have, before a parser that is quadratic in them reads it."""
    if row.count(".") <= MAX_NESTING:
        return 0
    return max(len(_DOTTED.findall(part)) for part in _AROUND_KEYS.split(row.replace(" ", "").replace("\t", "")))


def _nesting(data: object) -> int:
    """How deeply tables and lists are nested, at most one more than allowed; a loop, since it may be too deep for
    recursion."""
    depth, level = 0, [data]
    while level and depth <= MAX_NESTING:
        depth += 1
        inner = [
            list(item.values()) if isinstance(item, dict) else item for item in level if isinstance(item, (dict, list))
        ]
        level = [value for values in inner for value in values]
    return depth


class Field(NamedTuple):
    """What a key may hold: its types, whether it must be there, and whether its text must fit in one line."""

    types: tuple[type, ...]
    required: bool = False
    one_line: bool = False

    @property
    def words(self) -> str:
        """What it may hold, in words: "text or a number"."""
        kinds = [kind for kind in self.types if kind is not int or float not in self.types]
        return " or ".join(dict.fromkeys(_TYPE_NAMES[kind] for kind in kinds))


TEXT, REQUIRED_TEXT = Field((str,)), Field((str,), True)
LINE, REQUIRED_LINE = Field((str,), one_line=True), Field((str,), True, one_line=True)
NUMBER, REQUIRED_NUMBER = Field((int, float)), Field((int, float), True)
INTEGER, REQUIRED_INTEGER = Field((int,)), Field((int,), True)
LIST, TABLE = Field((list,)), Field((dict,))
QUANTITY = Field((str, int, float))

_TYPE_NAMES = {
    str: "text",
    int: "a whole number",
    float: "a number",
    list: "a list",
    dict: "a table",
    bool: "true or false",
}


def table_or_empty(value: object) -> Table:
    """A table as it is, and an empty one for what is none: `check_fields` has the fault of that."""
    return value if isinstance(value, dict) else {}


def list_or_empty(value: object) -> list[Any]:
    """A list as it is, and an empty one for what is none: `check_fields` has the fault of that."""
    return value if isinstance(value, list) else []


def check_fields(table: object, fields: Mapping[str, Field], what: str) -> Iterator[tuple[tuple[Key, ...], str]]:
    """(path within the table, message) for keys that are unknown, missing or of a wrong type.

    Args:
        table: what was found in the file; `what` names it in messages, such as "[time]".
        fields: every key that it may have.
    """
    if not isinstance(table, dict):
        yield (), f"{what} must be a table, found {table!r}"
        return
    meant = set()  # keys that others were probably meant to be
    for key, value in table.items():
        field = fields.get(key)
        if field is None:
            hint = nearest(key, fields)
            meant |= {name for name in fields if hint.endswith(f"'{name}'?")}
            if key in OPTIONS and "parameters" in fields and isinstance(value, str):
                hint = f": --{key} is an option; here it is what it does to parameters, which 'describe NAME' says"
            yield (key,), f"{what} has no key '{key}'{hint or f'; keys are {listed(fields, len(fields))}'}"
        else:
            problem = _problem(key, value, field, f"{what.strip('[]')}.{key}" if what.startswith("[") else key)
            if problem:
                yield (key,), problem
    for key, field in fields.items():
        if field.required and key not in table and key not in meant:
            yield (), f"{what} has no {key}"


def _problem(key: str, value: object, field: Field, path: str) -> str:
    """What is wrong with one value, or an empty text. path: of its key, as headers write it."""
    if not isinstance(value, field.types) or isinstance(value, bool) is not (bool in field.types):
        shown = str(value) if isinstance(value, (date, time)) else repr(value)
        if isinstance(value, dict) and list in field.types:
            shown = f"a table: each of the list begins with [[{path}]]"
        if isinstance(value, list) and dict in field.types:
            shown = f"a list: each of its tables begins with [{path}.NAME]"
        return f"{key} must be {field.words}, found {shown}"
    if isinstance(value, float) and not math.isfinite(value):
        return f"{key} must be a finite number, found {value}"
    if value == "" and field.required:
        return f"{key} is empty"
    return control_character(key, value, field.one_line) if isinstance(value, str) else ""


def control_character(what: str, text: str, one_line: bool) -> str:
    """What is wrong where `text` holds a control character, which no terminal, table or figure can show; else ''.

    Line breaks and tabs are refused only in text of one line: titles, labels and names.
    """
    found = first_unsafe(text, one_line)
    if found == "\n":
        return f"{what} must be one line, found a line break"
    return f"{what} must not contain control characters, found {found!r}" if found else ""


def key_lines(text: str) -> Iterator[tuple[tuple[Key, ...], int]]:
    """(path, line) of every header and key of a text already known to be TOML.

    What looks like a key inside a multi-line string or array is not one: values of several lines are skipped.
    """
    prefix: tuple[Key, ...] = ()
    counts: dict[tuple[Key, ...], int] = {}
    seen: set[tuple[Key, ...]] = set()
    closing = ""  # the quotes that end the string which is still open
    depth = 0
    for number, row in enumerate(text.split("\n"), 1):
        if closing:
            if closing in row:
                closing = ""
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
                    closing = quote
            if not closing:
                depth = max(0, _depth(value))


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in _PART.findall(text))


def _indexed(parts: tuple[str, ...], counts: dict[tuple[Key, ...], int], new: bool) -> tuple[Key, ...]:
    """The path of a header, with the index of the table in every array of tables."""
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
