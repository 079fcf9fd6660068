"""On which line of a TOML text each of its keys stands, which the standard library does not say."""

from __future__ import annotations

import re
from collections.abc import Iterator

Key = str | int

_HEADER = re.compile(r"\s*(\[\[?)\s*([^\]]+?)\s*\]\]?\s*(?:#.*)?\Z")
_KEY = re.compile(
    r"""\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*=\s*(.*)\Z"""
)
_PART = re.compile(r"""[A-Za-z0-9_-]+|"[^"]*"|'[^']*'""")


def key_lines(text: str) -> Iterator[tuple[tuple[Key, ...], int]]:
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
