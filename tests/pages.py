"""What a page of ours holds, read from its text."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

LOADED = {"src", "srcset", "href", "action", "formaction", "data", "poster", "background", "xlink:href", "ping"}


class Page(HTMLParser):
    """Elements as (name, attributes), visible text, style and script of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.source = text
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.code: dict[str, list[str]] = {"style": [], "script": []}
        self._inside: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag in self.code:
            self._inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._inside and self._inside[-1] == tag:
            self._inside.pop()

    def handle_data(self, data: str) -> None:
        (self.code[self._inside[-1]] if self._inside else self.words).append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def loads(self) -> list[str]:
        """Whatever a browser would fetch without being asked, but what is in the page itself."""
        found = [
            f"{tag} {name}={value}"
            for tag, attributes in self.elements
            for name, value in attributes.items()
            if name in LOADED and tag != "a" and not (value or "").startswith(("data:", "#"))
        ]
        styles = " ".join(self.code["style"] + [a.get("style") or "" for _, a in self.elements])
        found += [url for url in re.findall(r"url\(\s*['\"]?([^)]*)", styles) if not url.startswith(("data:", "#"))]
        return found + re.findall(r"@import[^;]*", styles)

    def data(self, exact: bool = False) -> Any:
        """The data of the charts; with `exact`, numbers as the text that stands in the page."""
        (text,) = [code for code in self.code["script"] if code.startswith('{"clock"')]
        return json.loads(text, parse_float=str, parse_int=str) if exact else json.loads(text)


def read_page(path: Path) -> Page:
    return Page(path.read_text(encoding="utf-8"))
