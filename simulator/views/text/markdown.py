"""Markdown on a terminal: the few forms that the handbook uses, wrapped and aligned."""

from __future__ import annotations

import re
from collections.abc import Iterator
from textwrap import wrap

WIDTH = 96  # characters of a line, if the terminal has them
_LINK = re.compile(r"\[([^\]]+)\]\(([^)]+)\)")
_EMPHASIS = re.compile(r"\*\*(.+?)\*\*")
_ITEM = re.compile(r"(- |\d+\. )")
_FENCE = "```"


def on_terminal(text: str) -> str:
    """Headings in capitals or underlined, paragraphs and lists wrapped, tables in columns, code indented and unchanged.

    A link to a page keeps its address; one to another chapter keeps its words.
    """
    return "\n".join(_lines(text.splitlines())).strip("\n")


def _lines(rows: list[str]) -> Iterator[str]:
    i = 0
    while i < len(rows):
        row = rows[i]
        if row.startswith(_FENCE):
            end = next(k for k in range(i + 1, len(rows)) if rows[k].startswith(_FENCE))
            name = row.removeprefix(_FENCE).partition(" ")[2]
            yield from [f"    # {name}"] if name else []
            yield from (f"    {line}".rstrip() for line in rows[i + 1 : end])
            i = end + 1
        elif row.startswith("#"):
            yield from _heading(row)
            i += 1
        elif row.startswith("|"):
            end = next((k for k in range(i, len(rows)) if not rows[k].startswith("|")), len(rows))
            yield from _table(rows[i:end])
            i = end
        elif not row.strip():
            yield ""
            i += 1
        else:
            end = next((k for k in range(i + 1, len(rows)) if _begins_anew(rows[k])), len(rows))
            yield from _wrapped(" ".join(line.strip() for line in rows[i:end]))
            i = end


def _begins_anew(row: str) -> bool:
    return not row.strip() or row.startswith(("#", "|", _FENCE)) or bool(_ITEM.match(row))


def _heading(row: str) -> Iterator[str]:
    level, words = len(row) - len(row.lstrip("#")), plain(row.lstrip("# "))
    yield words.upper() if level == 1 else words
    if level < 3:
        yield ("=" if level == 1 else "-") * len(words)


def _wrapped(text: str) -> list[str]:
    item = _ITEM.match(text)
    indent = " " * len(item[1]) if item else ""
    return wrap(plain(text), WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def plain(text: str) -> str:
    """A text without the marks of Markdown."""

    def link(match: re.Match[str]) -> str:
        words, address = match[1], match[2]
        return f"{words} ({address})" if address.startswith("http") and address != words else words

    return _EMPHASIS.sub(r"\1", _LINK.sub(link, text)).replace("`", "")


def _table(rows: list[str]) -> Iterator[str]:
    """Columns as wide as their texts; the last one is wrapped to what is left of the line."""
    cells = [[plain(cell).strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in rows]
    head, *body = [row for row in cells if not all(re.fullmatch(r":?-+:?", cell) for cell in row)]
    widths = [max(len(row[i]) for row in (head, *body)) for i in range(len(head) - 1)]
    most = max(12, (WIDTH - 2 * len(widths)) // (len(widths) + 1))
    if sum(widths) + 2 * len(widths) > WIDTH * 2 // 3:
        widths = [min(each, most) for each in widths]
    last = max(24, WIDTH - sum(widths) - 2 * len(widths))
    for row in (head, ["-" * each for each in widths] + ["-" * len(head[-1])], *body):
        wrapped = [wrap(cell, space) or [""] for cell, space in zip(row, [*widths, last], strict=True)]
        for k in range(max(map(len, wrapped))):
            parts = [part[k] if k < len(part) else "" for part in wrapped]
            yield "  ".join(part.ljust(space) for part, space in zip(parts, [*widths, 0], strict=True)).rstrip()
