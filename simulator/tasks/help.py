"""`help`: the handbook, a chapter of it, or what it says of a name; and the handbook as pages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..files.handbook import Chapter, Section, chapters, sections
from ..files.results.folder import check_folder, new_folder
from ..runtime.errors import InputError, request_fault
from ..runtime.names import fold, nearest
from ..views.text.markdown import on_terminal, plain
from ..views.text.reference import Entry, entries, reference
from .answer import Answer

if TYPE_CHECKING:
    from pandas import DataFrame

MOST_SECTIONS = 8  # that are named where a word only stands in their text


@dataclass(frozen=True)
class HelpRequest:
    """topic: a chapter, words of a heading, a key, measure, function, unit or exit code; None for the list of chapters.

    out: a new folder for the handbook as pages; force: replace it if it holds nothing else.
    """

    topic: str | None = None
    out: Path | None = None
    force: bool = False


@dataclass(frozen=True, repr=False)
class Help(Answer):
    """What was found.

    chapters: all of them, where no topic was asked for, or the one that was. sections: parts of chapters. entries: rows
    of the reference. mentions: parts of chapters in whose text the word stands. page: the first page, if written.
    """

    topic: str | None
    chapters: list[Chapter]
    sections: list[Section]
    entries: list[Entry]
    mentions: list[Section]
    page: Path | None = None

    @property
    def document(self) -> dict[str, Any]:
        """The same, ready for JSON."""
        return {
            "topic": self.topic,
            "chapters": [
                {"name": each.name, "title": each.title, "summary": each.summary}
                | ({"text": each.text} if self.topic else {})
                for each in self.chapters
            ],
            "sections": [
                {"chapter": each.chapter.name, "heading": each.heading, "text": each.text} for each in self.sections
            ],
            "reference": [each._asdict() for each in self.entries],
            "mentioned_in": [{"chapter": each.chapter.name, "heading": each.heading} for each in self.mentions],
            "page": str(self.page) if self.page else None,
        }

    def to_pandas(self) -> DataFrame:
        """A row for each chapter, or for each row of the reference where a name in it was asked for."""
        from ..views.text.tables import Table

        return Table(self.document["reference"] or self.document["chapters"], {}).to_pandas()

    def __str__(self) -> str:
        if self.page is not None:
            return f"The handbook is written; open {self.page}"
        if self.topic is None:
            return _contents(self.chapters)
        parts = [on_terminal(each.text) for each in self.chapters]
        if self.entries:
            width = max(len(f"{each.name}  {each.of}") for each in self.entries)
            rows = [f"{f'{each.name}  {each.of}':{width}}  {each.meaning}  ({each.form})" for each in self.entries]
            parts.append("\n".join(rows))
        parts += [f"(chapter {each.chapter.name})\n\n{on_terminal(each.text)}" for each in self.sections]
        if self.mentions:
            rows = [f"  help {each.chapter.name:28} {each.heading}" for each in self.mentions]
            parts.append("\n".join(["It is also mentioned in:" if parts else "It is mentioned in:", *rows]))
        return "\n\n".join(parts)


def help(request: HelpRequest) -> Help:
    """Finds what the handbook says of a topic, or writes the handbook as pages.

    Raises `InputError` where nothing is said of it, with the nearest name, `OutputError` for a folder that cannot be
    written, and `ModuleNotFoundError` where pages are asked for and markdown-it-py is not installed.
    """
    all_chapters = [*chapters(), reference()]
    if request.out is not None:
        return Help(None, all_chapters, [], [], [], _written(request.out, request.force))
    if request.topic is None:
        return Help(None, all_chapters, [], [], [])
    return _found(request.topic, all_chapters)


def _found(topic: str, all_chapters: Sequence[Chapter]) -> Help:
    asked = fold(topic)
    exact = [c for c in all_chapters if asked in (fold(c.name), fold(c.name.removeprefix("for-")), fold(c.title))]
    if exact:
        return Help(topic, exact, [], [], [])
    rows = [each for each in entries() if fold(each.name) == asked]
    same_case = [each for each in rows if each.name == topic]
    every = [part for chapter in all_chapters[:-1] for part in sections(chapter)]
    headed = [part for part in every if asked and re.search(rf"(?<!\w){re.escape(topic)}", part.heading, re.IGNORECASE)]
    headed = [each for each in headed if not any(each.text in other.text for other in headed if other is not each)]
    word = re.compile(rf"(?<!\w){re.escape(topic)}(?!\w)", re.IGNORECASE)
    mentions = [part for part in every if word.search(part.text) and part not in headed] if asked else []
    found = Help(topic, [], headed, same_case or rows, mentions[:MOST_SECTIONS])
    if not (found.sections or found.entries or found.mentions):
        known = [*(each.name for each in all_chapters), *(part.heading for part in every), *(e.name for e in entries())]
        hint = nearest(topic, known) or f"; chapters are {', '.join(each.name for each in all_chapters)}"
        raise InputError([request_fault(f"the handbook says nothing of '{topic}'{hint}", f"help {topic}")])
    return found


def _contents(found: Sequence[Chapter]) -> str:
    width = max(len(each.name) for each in found)
    rows = [f"  help {each.name:{width}}  {plain(each.summary)}" for each in found]
    more = "help WORD finds a heading, a key of a file, a measure, a function, a unit or an exit code."
    return "\n".join(["The handbook:", *rows, "", more, "help --out handbook writes it as pages."])


@cache
def handbook_site(home: str = "") -> dict[str, str]:
    """The pages of the handbook by file name, the list of chapters first. home: the page that it is a part of.

    Raises `ModuleNotFoundError` without markdown-it-py.
    """
    from ..views.report.handbook import handbook_pages  # Jinja2 and markdown-it-py

    return handbook_pages([*chapters(), reference()], home)


def _written(out: Path, force: bool) -> Path:
    check_folder(out, force)
    pages = handbook_site()
    with new_folder(out, force) as folder:
        for name, text in pages.items():
            (folder / name).write_text(text, encoding="utf-8")
    return out / next(iter(pages))
