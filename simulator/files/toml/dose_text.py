"""A dose in a line of words: "IL-2 18 MIU into skin at 3 d every 1 d x 5"."""

from __future__ import annotations

import math
import re
from typing import NamedTuple

from ...model.units import UnitError, quantity
from ...runtime.names import nearest

GRAMMAR = "NAME AMOUNT [into ROUTE] at TIME [every TIME [x COUNT | until TIME]] [over TIME]"
EXAMPLE = "IL-2 18 MIU at 3 d"
KEYWORDS = ("into", "at", "every", "x", "until", "over")
_COUNT = re.compile(r"[x×](\d+)\Z")


class DoseWords(NamedTuple):
    """What a line says, as it says it; times is None where doses go on, until `until` or the end."""

    name: str
    amount: str
    at: str
    into: str = ""
    every: str = ""
    times: int | None = None
    until: str = ""
    over: str = ""


def read_dose(text: str) -> DoseWords:
    """What `text` says, or a `ValueError` with what was expected.

    >>> read_dose("IL-2 600000 IU/kg at 1 d every 8 h x 14 over 15 min").times
    14
    """
    head, clauses = _clauses(text)
    start = next((i for i, word in enumerate(head) if i and word[0].isdigit()), None)
    if start is None:
        raise ValueError("expected a name and then an amount" + _example())
    name, amount = " ".join(head[:start]), " ".join(head[start:])
    if "at" not in clauses:
        raise ValueError("no time: 'at 3 d' says when" + _example())
    for key in {"x", "until"} & set(clauses):
        if "every" not in clauses:
            raise ValueError(f"'{key}' needs 'every TIME', the interval between doses" + _example())
    if {"x", "until"} <= set(clauses):
        raise ValueError("both a count and 'until': give one of them")
    count = clauses.pop("x", None)
    if count is not None and not count.isdigit():
        raise ValueError(f"expected a number of doses after 'x', found '{count}'")
    return DoseWords(name, amount, times=None if count is None else int(count), **clauses)


def number_of_doses(words: DoseWords, end: str) -> int:
    """How many times the dose is given: as counted, or every so often until `until`, or before the end of the run."""
    if not words.every:
        return 1
    if words.times is not None:
        return words.times
    at, every, last = (_seconds(text) for text in (words.at, words.every, words.until or end))
    if every <= 0:
        raise ValueError(f"expected an interval above zero, found '{words.every}'")
    steps = (last - at) / every
    if steps < 0 and words.until:
        raise ValueError(f"the doses end before the first of them, at {words.at}")
    whole = math.floor(steps + 1e-9)
    return whole + 1 if words.until else max(1, math.ceil(steps - 1e-9))


def _clauses(text: str) -> tuple[list[str], dict[str, str]]:
    """The words before the first keyword, and what follows each keyword."""
    head: list[str] = []
    clauses: dict[str, list[str]] = {}
    into = head
    for word in text.split():
        counted = _COUNT.match(word)
        key = "x" if counted or word == "×" else word.lower()
        if key in KEYWORDS and (head or clauses):
            if key in clauses:
                raise ValueError(f"'{key}' is said twice")
            into = clauses[key] = [counted[1]] if counted else []
        else:
            into.append(word)
    for key, words in clauses.items():
        if not words:
            raise ValueError(f"nothing follows '{key}'" + _example())
        if len(words) > 2:
            hint = nearest(words[2], list(KEYWORDS))
            raise ValueError(f"'{words[2]}' is not understood after '{key} {words[0]} {words[1]}'{hint or _example()}")
    return head, {key: " ".join(words) for key, words in clauses.items()}


def _seconds(text: str) -> float:
    """A time in seconds; what is no time is said by those who read the scenario."""
    try:
        number, unit, _ = quantity(text)
    except UnitError as error:
        raise ValueError(str(error)) from None
    return number * unit.factor


def _example() -> str:
    return f'; it reads: {GRAMMAR}, as in "{EXAMPLE}"'
