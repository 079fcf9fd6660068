"""Forgiving names: what is ignored when names are compared, and the nearest known name to one that is unknown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping


def nearest(word: str, known: Mapping[str, object] | list[str]) -> str:
    """``; did you mean 'X'?`` for the known word most like `word`, else nothing.

    Case, hyphens and underscores are ignored, so IL-2 finds IL2.
    """
    from difflib import get_close_matches

    folded = {fold(name): name for name in known}
    match = get_close_matches(fold(word), list(folded), 1, 0.6)
    return f"; did you mean '{folded[match[0]]}'?" if match else ""


def unknown_name(what: str, word: str, known: Iterable[str], purpose: str = "", most: int = 12) -> str:
    """``no such WHAT`` in one sentence: what was looked for, the word, what it was wanted for, and the nearest known
    name or, failing that, all known names if there are at most `most`.

    >>> unknown_name("the scenario has no arm", "untraeted", ["main", "untreated"])
    "the scenario has no arm 'untraeted'; did you mean 'untreated'?"
    >>> unknown_name("the scenario has no arm", "x", ["main", "untreated"])
    "the scenario has no arm 'x'; there are main, untreated"
    """
    names = list(known)
    listed = f"; there are {', '.join(names)}" if 0 < len(names) <= most else ""
    return f"{what} '{word}'{purpose}{nearest(word, names) or listed}"


def fold(name: str) -> str:
    """A name without what may be forgiven: case, hyphens, underscores, blanks."""
    return re.sub(r"[-_ ]", "", name).lower()
