"""A figure that grows downwards in inches, so that every text has its place before anything is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from .sheet import Sheet

MARGIN = 0.12  # inches around everything
LINE = 1.32  # height of a line of text, of its size
GREY, DARK = "#666666", "#333333"
SMALL, MIDDLE, LARGE = 7.5, 9.0, 11.0  # points
KEY, GAP = 0.28, 0.08  # inches: the sample of a line before its label, and the room around it


class Picture(NamedTuple):
    """A figure with the name of its files and its description in words."""

    stem: str
    figure: Figure
    text: str


class Label(NamedTuple):
    """A text at the right of a panel, with the sample of line or marker that it names.

    wanted: the height, as a fraction of the panel's, that it should stand at.
    """

    wanted: float
    text: str
    color: str
    dash: Any = "-"


class Page:
    """A figure whose panels and texts are placed by their distance in inches from its left and its top."""

    def __init__(self, title: str, notes: Sequence[str], width: float = 8.0) -> None:
        self.width = width
        self.y = MARGIN
        self.figure = Sheet(figsize=(width, 1.0))
        FigureCanvasAgg(self.figure)
        self._panels: list[tuple[Axes, float, float, float, float]] = []
        self._texts: list[tuple[Any, float, float]] = []
        self.down(self.put(title, MARGIN, width - 2 * MARGIN, LARGE, "#000000") + 0.02)
        for note in filter(None, notes):
            self.down(self.put(note, MARGIN, width - 2 * MARGIN, SMALL, GREY) + 0.02)
        self.down(0.08)

    def down(self, inches: float) -> None:
        self.y += inches

    def put(self, text: str, left: float, width: float, size: float, color: str, across: str = "left") -> float:
        """Text from the present height downwards, folded to `width`; returns the height that it takes."""
        folded = fold(text, width, size)
        x = {"left": left, "center": left + width / 2, "right": left + width}[across]
        style: dict[str, Any] = {"fontsize": size, "color": color, "ha": across, "va": "top", "linespacing": 1.1}
        self._texts.append((self.figure.text(0, 0, folded, **style), x, self.y))
        return high(folded, size)

    def panel(self, left: float, width: float, high: float, **settings: Any) -> Axes:
        """Axes at the present height, which stays as it is."""
        axis: Axes = self.figure.add_axes((0, 0, 1, 1), label=str(len(self._panels)), **settings)
        self._panels.append((axis, left, self.y, width, high))
        axis.tick_params(labelsize=SMALL)
        axis.spines[["top", "right"]].set_visible(False)
        return axis

    def finish(self) -> Figure:
        """The figure, as high as what is on it."""
        total = self.y + MARGIN
        self.figure.set_size_inches(self.width, total)
        for axis, left, top, width, height in self._panels:
            axis.set_position((left / self.width, 1 - (top + height) / total, width / self.width, height / total))
        for text, x, y in self._texts:
            text.set_position((x / self.width, 1 - y / total))
        return self.figure


@lru_cache(maxsize=4096)
def wide(text: str, size: float) -> float:
    """Inches that a line of text takes, and a little more: what draws it rounds to whole pixels."""
    return (
        1.03 * float(text_to_path.get_text_width_height_descent(text, FontProperties(size=size), ismath=False)[0]) / 72
    )


def high(folded: str, size: float) -> float:
    """Inches that folded text takes."""
    return (1 + folded.count("\n")) * size * LINE / 72


def fold(text: str, width: float, size: float, most: int = 9) -> str:
    """`text` in lines of at most `width` inches, at most `most` of them; a longer word is broken, the rest left out."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for word in paragraph.split():
            joined = f"{line} {word}" if line else word
            if wide(joined, size) <= width:
                line = joined
                continue
            if line:
                lines.append(line)
            while wide(word, size) > width and len(word) > 1:
                cut = next(n for n in range(len(word) - 1, 0, -1) if n == 1 or wide(word[:n], size) <= width)
                lines.append(word[:cut])
                word = word[cut:]
            line = word
        lines.append(line)
    if len(lines) > most:
        lines = [*lines[: most - 1], lines[most - 1][:-1].rstrip() + "…"]
    return "\n".join(lines).replace("$", r"\$")  # else two of them would be read as mathematics


def label_right(axis: Axes, width: float, height: float, labels: Sequence[Label], room: float) -> None:
    """Names at the right of a panel of `width` by `height` inches, folded to `room`, none over another."""
    ordered = sorted(labels, key=lambda label: label.wanted)
    if not ordered:
        return
    folded = [fold(label.text, room - KEY - 2 * GAP, SMALL) for label in ordered]
    places = spread([label.wanted for label in ordered], [high(text, SMALL) / height for text in folded])
    start = 1 + GAP / width
    for label, text, place in zip(ordered, folded, places, strict=True):
        key, style = [start, start + KEY / width], {"color": label.color, "linestyle": label.dash, "linewidth": 1.6}
        axis.plot(key, [place, place], transform=axis.transAxes, clip_on=False, **style)
        words: dict[str, Any] = {"fontsize": SMALL, "va": "center", "linespacing": 1.1}
        axis.text(key[1] + GAP / width / 2, place, text, transform=axis.transAxes, color=label.color, **words)


def needed(labels: Sequence[str], room: float) -> float:
    """Inches that these labels take below each other."""
    return sum(high(fold(text, room - KEY - 2 * GAP, SMALL), SMALL) for text in labels)


def spread(wanted: Sequence[float], heights: Sequence[float]) -> list[float]:
    """Middles of labels of these heights, near where they are `wanted`, in rising order, none over another.

    All are fractions of a panel's height; where they do not fit, the lowest fall below it.
    """
    gaps = [(one + other) / 2 for one, other in pairwise(heights)]
    places = [max(place, height / 2) for place, height in zip(wanted, heights, strict=True)]
    for i, gap in enumerate(gaps):
        places[i + 1] = max(places[i + 1], places[i] + gap)
    places[-1] = min(places[-1], 1.05 - heights[-1] / 2)
    for i in reversed(range(len(gaps))):
        places[i] = min(places[i], places[i + 1] - gaps[i])
    return places
