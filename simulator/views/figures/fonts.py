"""Fonts for characters, such as Chinese ones, that the font of the figures does not have."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from functools import lru_cache

import matplotlib
from matplotlib.font_manager import FontProperties, findfont, fontManager
from matplotlib.ft2font import FT2Font
from matplotlib.text import Text

WIDE = "W"  # about as wide as what other fonts draw for it

_named: set[str] = set()  # characters that a warning has named


def without_glyph(text: str) -> frozenset[str]:
    """The characters of a text that the font of the figures does not have."""
    if text.isascii():
        return frozenset()
    known = _characters(findfont(FontProperties()))
    return frozenset(each for each in text if ord(each) not in known and not each.isspace())


def measurable(text: str) -> str:
    """`text` with each character that the font of the figures does not have replaced by a wide one that it has."""
    return text.translate({ord(each): WIDE for each in without_glyph(text)})


def use_other_fonts(texts: Iterable[Text]) -> None:
    """Lets each text use other installed fonts for characters that its own font does not have.

    Characters that no installed font has are named in one warning of the log, and not again.
    """
    lacking: set[str] = set()
    for text in texts:
        if wanted := without_glyph(text.get_text()):
            families, missing = _families(wanted)
            text.set_fontfamily([*matplotlib.rcParams["font.family"], *families])
            lacking |= set(missing)
    if new := sorted(lacking - _named):
        _named.update(new)
        them = "it" if len(new) == 1 else "them"
        logging.getLogger("immunesim").warning(
            "note: figures cannot show %s: no installed font has %s", " ".join(new), them
        )


@lru_cache(maxsize=256)
def _families(wanted: frozenset[str]) -> tuple[list[str], str]:
    """Families of installed fonts that have these characters, and the characters that none has."""
    missing = set(wanted)
    families = []
    for entry in {font.name: font for font in fontManager.ttflist}.values():
        found = {each for each in missing if ord(each) in _characters(entry.fname)} if missing else set()
        if found:
            families.append(entry.name)
            missing -= found
    return families, "".join(sorted(missing))


@lru_cache(maxsize=1024)
def _characters(path: str) -> frozenset[int]:
    """The code points that a font file has; none if it cannot be read, as fonts of coloured pictures cannot."""
    try:
        return frozenset() if "LastResort" in path else frozenset(FT2Font(path).get_charmap())
    except (RuntimeError, OSError):
        return frozenset()
