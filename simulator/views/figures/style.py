"""The style of all figures: colours, dashes, sizes and greys, on paper, slides and small cards."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

# Okabe and Ito's palette (black first): told apart by the colour-blind, and of rising lightness
# so that a grey print keeps the order; the dashes repeat it.
STYLES: tuple[tuple[str, Any], ...] = (
    ("#000000", "-"),
    ("#D55E00", (0, (6, 2))),
    ("#0072B2", (0, (2, 1.2))),
    ("#009E73", (0, (7, 1.5, 1.5, 1.5))),
    ("#CC79A7", (0, (1, 1))),
    ("#E69F00", (0, (9, 2, 2, 2, 2, 2))),
    ("#56B4E9", (0, (4, 4))),
)
GREY, DARK = "#666666", "#333333"  # of notes next to the curves, and of titles
GRID, SHADE = "#e6e6e6", "#00000012"  # of lines behind the curves, and of a time in which something is changed
LINE = 1.32  # height of a line of text, of its size
MARGIN = 0.12  # inches around everything
KEY, GAP = 0.28, 0.08  # inches: the sample of a line before its label, and the room around it
CONTRAST = 4.5  # of text to white, at least: WCAG 2.2, 1.4.3


class Medium(NamedTuple):
    """What a figure is shown on, and the sizes that fit it: inches, and points for type.

    height: of the whole figure, where it is fixed. panel: the least height of a panel. room: right of a
    panel, for the names of its curves. thick: widths of lines, of those on paper.
    """

    name: str
    width: float
    height: float | None
    panel: float
    room: float
    large: float
    middle: float
    small: float
    thick: float

    @property
    def scale(self) -> float:
        """How much larger the type is than on paper."""
        return self.small / PAPER.small


PAPER = Medium("paper", 8.0, None, 1.7, 2.0, 11.0, 9.0, 7.5, 1.0)
SLIDES = Medium("slides", 40 / 3, 7.5, 2.0, 3.5, 28.0, 18.0, 15.0, 2.0)  # 16:9, readable from the last row
CARD = Medium("card", 4.8, None, 0.95, 1.4, 9.5, 8.5, 7.5, 1.1)  # read when it is shown at half its size
FIRST = Medium("first", 4.8, None, 2.0, 1.7, 11.5, 10.0, 9.5, 1.3)  # of a page, also on a phone
SMALL, MIDDLE, LARGE = PAPER.small, PAPER.middle, PAPER.large


def style(number: int) -> tuple[str, Any]:
    """Colour and dash of a curve; when the palette is used up, its colours come again with other dashes."""
    count = len(STYLES)
    return STYLES[number % count][0], STYLES[(number + number // count) % count][1]


@lru_cache(maxsize=64)
def ink(color: str) -> str:
    """`color`, darkened until text in it is readable on white.

    >>> ink("#0072B2"), ink("#E69F00")
    ('#0072B2', '#9C6C00')
    """
    share = 1.0
    parts = [int(color[i : i + 2], 16) for i in (1, 3, 5)]
    while 1.05 / (_luminance([share * part for part in parts]) + 0.05) < CONTRAST:
        share -= 0.01
    return color if share == 1.0 else "#" + "".join(f"{int(share * part):02X}" for part in parts)


def _luminance(parts: list[float]) -> float:
    """Relative luminance of a colour of three parts from 0 to 255: WCAG 2.2, definitions."""
    linear = [p / 255 / 12.92 if p <= 10 else ((p / 255 + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
