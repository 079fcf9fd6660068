"""The handbook that is part of the package: its chapters, in order, and what the reference says of each name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from .toml.source import TomlSource

HANDBOOK = Path(__file__).resolve().parents[1] / "handbook"
REFERENCE = "reference"
_HEADING = re.compile(r"^(#{1,3}) (.+)$")
_FENCE = "```"


class Chapter(NamedTuple):
    """A chapter: the name that `help` takes, and its text in Markdown, which begins with its title."""

    name: str
    text: str

    @property
    def title(self) -> str:
        """Its first line."""
        return self.text.partition("\n")[0].removeprefix("# ")

    @property
    def summary(self) -> str:
        """The first sentence below the title."""
        return self.text.partition("\n")[2].strip().partition("\n")[0]


class Section(NamedTuple):
    """A part of a chapter under a heading of its own, with the heading."""

    chapter: Chapter
    heading: str
    text: str


def chapters() -> list[Chapter]:
    """The chapters that are written, in reading order. The reference, which is made, is not among them."""
    paths = sorted(HANDBOOK.glob("[0-9]*.md"))
    return [Chapter(path.stem.partition("_")[2].replace("_", "-"), path.read_text(encoding="utf-8")) for path in paths]


def sections(chapter: Chapter) -> Iterator[Section]:
    """The parts of a chapter with a heading of the second or third level; a third belongs to its second too."""
    rows, fenced = chapter.text.splitlines(), False
    found: list[tuple[int, int, str]] = []  # where it begins, its level, and its words
    for number, row in enumerate(rows):
        fenced ^= row.startswith(_FENCE)
        if not fenced and (heading := _HEADING.match(row)):
            found.append((number, len(heading[1]), heading[2]))
    for i, (start, level, words) in enumerate(found):
        end = next((other for other, its, _ in found[i + 1 :] if its <= level), len(rows))
        if level > 1:
            yield Section(chapter, words, "\n".join(rows[start:end]).strip())


def meanings() -> dict[str, Any]:
    """What keys (by table), functions and measures mean, as the file of the reference says."""
    return TomlSource(HANDBOOK / "reference.toml").data
