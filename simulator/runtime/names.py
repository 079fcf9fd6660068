"""Forgiving names: what is ignored when names are compared, and the nearest known name to one that is unknown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

LISTED = 12  # known names, at most, where none of them is near
_LONGEST = 200  # characters of a word that is compared
_NUMBER, _SHORT = re.compile(r"(?<=[a-z])[0-9]+"), 2  # digits, at most, of a number that names a thing, as in IL2


def nearest(word: str, known: Mapping[str, object] | list[str]) -> str:
    """``; did you mean 'X'?`` for the known word most like `word`, else nothing.

    Case, hyphens and underscores are ignored, so IL-2 finds IL2. No suggestion is better than a silly one: of a word of
    many letters two fifths may differ, of one of three a single one. IL6 is not suggested for IL5: a number of one or
    two digits must have the same digits, perhaps one of them typed twice or two exchanged.
    """
    from difflib import get_close_matches

    folded, asked = {fold(name): name for name in known}, fold(word)[:_LONGEST]
    most = max(1 if len(asked) < 4 else 2, int(0.4 * len(asked)))
    alike = [name for name in folded if _same_digits(asked, name)]
    for match in get_close_matches(asked, alike, 3, 0.6):
        if _edits(asked, match) <= most or (len(asked) >= 4 and match.startswith(asked)):
            return f"; did you mean '{folded[match]}'?"
    return ""


def _same_digits(asked: str, known: str) -> bool:
    """Whether short numbers in two words have the same digits: il22 and il2, but not il5 and il6.

    A word without a number is meant by one that has a number only where nothing else differs: not noblock by il9block.
    """
    numbers, others = _NUMBER.findall(asked), _NUMBER.findall(known)
    if numbers and not others:
        return _NUMBER.sub("", asked) == known
    pairs = zip(numbers, others, strict=False)
    return all(set(a) == set(b) for a, b in pairs if min(len(a), len(b)) <= _SHORT)


def _edits(one: str, other: str) -> int:
    """Letters to replace, insert, leave out or swap with the next, to turn `one` into `other`."""
    rows = [list(range(len(other) + 1))]
    for i, letter in enumerate(one, 1):
        row = [i]
        for j, wanted in enumerate(other, 1):
            found = min(rows[-1][j] + 1, row[-1] + 1, rows[-1][j - 1] + (letter != wanted))
            if i > 1 < j and letter == other[j - 2] and one[i - 2] == wanted:
                found = min(found, rows[-2][j - 2] + 1)
            row.append(found)
        rows.append(row)
    return rows[-1][-1]


def unknown_name(what: str, word: str, known: Iterable[str], purpose: str = "") -> str:
    """``no such WHAT`` in one sentence: what was looked for, the word, what it was wanted for, and the nearest known
    name or, failing that, all known names if there are at most `LISTED`.

    >>> unknown_name("the scenario has no arm", "untraeted", ["main", "untreated"])
    "the scenario has no arm 'untraeted'; did you mean 'untreated'?"
    >>> unknown_name("the scenario has no arm", "x", ["main", "untreated"])
    "the scenario has no arm 'x'; there are main, untreated"
    """
    names = list(known)
    listed = f"; there are {', '.join(names)}" if 0 < len(names) <= LISTED else ""
    return f"{what} '{word}'{purpose}{nearest(word, names) or listed}"


def fold(name: str) -> str:
    """A name without what may be forgiven: case, hyphens, underscores, blanks."""
    return re.sub(r"[-_ ]", "", name).lower()
