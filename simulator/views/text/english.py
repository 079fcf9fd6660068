"""Small pieces of English: lists, capitals, full stops."""

from __future__ import annotations

import re
from collections.abc import Sequence


def listed(words: Sequence[str]) -> str:
    """
    >>> listed(["a", "b", "c"]), listed(["a"]), listed([])
    ('a, b and c', 'a', '')
    """
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def counted(count: int, noun: str, nouns: str = "") -> str:
    """A number with its noun, in the plural unless the number is 1; nouns: the plural where it is irregular.

    >>> counted(1, "dose"), counted(0, "dose"), counted(1200, "known miss", "known misses")
    ('1 dose', '0 doses', '1,200 known misses')
    """
    return f"{count:,} {noun if count == 1 else nouns or noun + 's'}"


def capital(text: str) -> str:
    """The text with its first letter in upper case."""
    return text[:1].upper() + text[1:]


def sentence(text: str) -> str:
    """The text with one full stop at its end."""
    return text.rstrip(". ") + "."


def unbroken(text: str) -> str:
    """The text with no-break spaces inside numbers and between a number and its unit, and names such as IL-2 in one
    piece, for pages that wrap lines."""
    text = re.sub(r"(?<=[A-Z]-)(?=\d)", "\N{WORD JOINER}", text)
    unit = r"(?<=\d)(?<![A-Z]-\N{WORD JOINER}\d) (?=[a-zA-Zµ°%])"  # not of the number in a name
    return re.sub(unit + r"|(?<=\d) (?=× 10)|(?<=×) (?=10)", "\N{NO-BREAK SPACE}", text)


def quoted(titles: Sequence[str]) -> str:
    """Titles side by side; several in quotes, as a title may hold a comma.

    >>> quoted(["half"]), quoted(["half", "late, and little"])
    ('half', '"half", "late, and little"')
    """
    return titles[0] if len(titles) == 1 else ", ".join(f'"{each}"' for each in titles)
