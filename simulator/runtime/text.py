"""Text from files and options as it may be shown: no control characters, no more than a screen, no endless lists."""

from __future__ import annotations

import re
from collections.abc import Iterable

MOST_CHARACTERS = 600  # of a message
MOST_LISTED = 12
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

# C0 without line break and tab, DEL, C1, and the characters that turn the direction of writing
_CHARACTERS = "\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069"
_UNSAFE, _UNSAFE_IN_A_LINE = re.compile(f"[{_CHARACTERS}]"), re.compile(f"[\t\n{_CHARACTERS}]")


def printable(text: str) -> str:
    """`text` with each character that would control a terminal spelt out.

    >>> printable("a\\x1b[31mb")
    'a\\\\x1b[31mb'
    """
    return _UNSAFE.sub(_spelt, text) if _UNSAFE.search(text) else text


def first_unsafe(text: str, one_line: bool) -> str:
    """The first character of `text` that would control a terminal: all that `printable` spells out, and in text of
    one line also line breaks and tabs. Empty if there is none."""
    found = (_UNSAFE_IN_A_LINE if one_line else _UNSAFE).search(text)
    return found[0] if found else ""


def _spelt(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def shortened(text: str, most: int = MOST_CHARACTERS) -> str:
    """`text`, cut in the middle where it is longer than `most` characters; its end often says what is expected.

    >>> shortened("x" * 100 + "y" * 100, 60)
    'xxxxxxxxxxxxxxxxxxxx ... (160 characters more) ... yyyyyyyyyyyyyyyyyyyy'
    """
    if len(text) <= most:
        return text
    part = most // 3
    return f"{text[:part]} ... ({len(text) - 2 * part:,} characters more) ... {text[-part:]}"


def csv_cell(value: object) -> object:
    """A cell of a CSV file that no spreadsheet takes for a formula: text that could be one has ``'`` before it (OWASP,
    CSV injection). What is no text, as numbers are not, stays as it is.

    >>> csv_cell("=1+1"), csv_cell("-1 to 1"), csv_cell(-1.0), csv_cell("a=b")
    ("'=1+1", "'-1 to 1", -1.0, 'a=b')
    """
    return f"'{value}" if isinstance(value, str) and value[:1] in _FORMULA else value


def listed(names: Iterable[str], most: int = MOST_LISTED) -> str:
    """The names, of many the first `most` and how many more there are.

    >>> listed("abcd", 3), listed("abc", 3)
    ('a, b, c and 1 more', 'a, b, c')
    """
    known = list(names)
    more = f" and {len(known) - most:,} more" if len(known) > most else ""
    return ", ".join(known[:most]) + more


def is_text(name: str) -> bool:
    """Whether a name can be written: Linux has file names whose bytes are no UTF-8, which Python keeps as they are."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
