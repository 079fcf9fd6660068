"""The handbook as pages: a page for each chapter, with all chapters at its side. Needs markdown-it-py."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING

from ...files.handbook import Chapter
from ...runtime.packages import missing_package
from ...runtime.versions import versions
from .html import render

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

INDEX = "index.html"
_SCHEME = re.compile(r"[a-z]+:|#")


def handbook_pages(chapters: Sequence[Chapter], home: str = "") -> dict[str, str]:
    """The text of each page by its file name, the list of chapters first.

    home: the address of what the handbook is a part of, relative to its pages; empty if it stands alone. A link in a
    chapter leads to another one by its name (``[sweeps](sweeps)``); one that leads nowhere is a `ValueError`. Raises
    `ModuleNotFoundError` without markdown-it-py.
    """
    reader = _reader()
    names = {chapter.name for chapter in chapters}
    pages = {INDEX: _page(None, "", [], chapters, home)}
    for chapter in chapters:
        tokens = reader.parse(chapter.text)
        parts = list(_give_ids(tokens))
        for token in tokens:
            _open_links(token, names)
        body = reader.renderer.render(_with_file_names(tokens), reader.options, {})
        pages[f"{chapter.name}.html"] = _page(chapter, _tables_scroll(body), parts, chapters, home)
    return pages


def _reader() -> MarkdownIt:
    try:
        from markdown_it import MarkdownIt
    except ModuleNotFoundError:
        raise missing_package("markdown-it-py") from None
    return MarkdownIt("commonmark", {"html": False}).enable("table")


def _page(
    chapter: Chapter | None, body: str, parts: Sequence[tuple[str, str]], chapters: Sequence[Chapter], home: str
) -> str:
    place = chapters.index(chapter) if chapter else -1
    return render(
        "handbook.html.jinja",
        chapter=chapter,
        body=body,
        parts=parts,
        chapters=chapters,
        before=chapters[place - 1] if place > 0 else None,
        after=chapters[place + 1] if place + 1 < len(chapters) else None,
        home=home,
        versions=versions(),
    )


def anchor(heading: str) -> str:
    """The address of a heading in its page."""
    return re.sub(r"[^a-z0-9]+", "-", heading.lower()).strip("-")


def _give_ids(tokens: Sequence[Token]) -> list[tuple[str, str]]:
    """Gives every heading an address; those of the second level, as (address, words), are returned."""
    found, taken = [], set()
    for token, inner in pairwise(tokens):
        if token.type == "heading_open":
            words = "".join(child.content for child in inner.children or [])
            address = anchor(words)
            while address in taken:
                address += "-"
            taken.add(address)
            token.attrSet("id", address)
            if token.tag == "h2":
                found.append((address, words))
    return found


def _with_file_names(tokens: Sequence[Token]) -> list[Token]:
    """The tokens, with the name of the file before each block of code that is one."""
    found: list[Token] = []
    for token in tokens:
        name = token.info.partition(" ")[2] if token.type == "fence" else ""
        if name:
            found.append(replace(token, type="html_block", content=f'<p class="file">{escape(name)}</p>\n'))
        found.append(token)
    return found


def _open_links(token: Token, names: set[str]) -> None:
    """Links to chapters become links to their pages; code blocks can be scrolled by keys."""
    for child in token.children or []:
        target = child.attrGet("href")
        if child.type == "link_open" and isinstance(target, str) and not _SCHEME.match(target):
            name, _, part = target.partition("#")
            if name not in names:
                raise ValueError(f"no chapter '{name}'")
            child.attrSet("href", f"{name}.html" + (f"#{part}" if part else ""))


def _tables_scroll(body: str) -> str:
    """Wide tables scroll by themselves, and not the page."""
    opened = body.replace("<table>", '<div class="scroll" tabindex="0" role="group" aria-label="Table"><table>')
    return opened.replace("</table>", "</table></div>")
