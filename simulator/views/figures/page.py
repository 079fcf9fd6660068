"""A figure laid out in inches from top to bottom, so that every text has its place before anything is drawn."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.text import Text
from matplotlib.textpath import text_to_path

from .fonts import measurable, use_other_fonts
from .style import GAP, GREY, KEY, LINE, MARGIN, PAPER, Medium, ink

LEADER = 0.14  # inches, from where a curve ends to the sample before its name
STRAIGHT = 0.03  # inches: a name that stands no further from where its curve ends needs no leader
NOTEBOOK_DPI = 100  # in a notebook, ...
PIXEL_RATIO = 2  # ... with more dots drawn for each, for the high-resolution screens of today


class NotebookFigure(Figure):
    """matplotlib's figure, which a notebook displays although it was made without pyplot."""

    def savefig(self, *args: Any, **settings: Any) -> None:
        """As matplotlib's, but without its warning for each character that no font has: `use_other_fonts` named it."""
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
            super().savefig(*args, **settings)

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        """A PNG for IPython, which asks for this name, and the size in pixels at which to show it."""
        file = io.BytesIO()
        self.savefig(file, format="png", dpi=PIXEL_RATIO * NOTEBOOK_DPI)
        width, height = self.get_size_inches() * NOTEBOOK_DPI
        return file.getvalue(), {"width": round(width), "height": round(height)}


class Picture(NamedTuple):
    """A figure, the stem of its file name, its description in words, and what its heading says."""

    stem: str
    figure: NotebookFigure
    text: str
    title: str = ""


class Label(NamedTuple):
    """A text to the right of a panel, with a sample of the line that it names.

    wanted: the height at which it should stand, as a fraction of the height of the panel.
    """

    wanted: float
    text: str
    color: str
    dash: Any = "-"


class Page:
    """A figure whose panels and texts are placed in inches from its left and top edges."""

    def __init__(self, title: str, notes: Sequence[str], width: float | None = None, medium: Medium = PAPER) -> None:
        self.medium, self.width = medium, width or medium.width
        self.y, self.bottom = MARGIN * medium.scale, MARGIN
        self.figure = NotebookFigure(figsize=(self.width, 1.0))
        FigureCanvasAgg(self.figure)
        self._panels: list[tuple[Axes, float, float, float, float]] = []
        self._texts: list[tuple[Any, float, float]] = []
        self.down(self.put(title, MARGIN, self.width - 2 * MARGIN, medium.large, "#000000") + 0.02)
        for note in filter(None, notes):
            self.down(self.put(note, MARGIN, self.width - 2 * MARGIN, medium.small, GREY) + 0.02)
        self.down(0.08)

    def down(self, inches: float) -> None:
        """Moves the current height down."""
        self.y += inches

    def put(
        self, text: str, left: float, width: float, size: float, color: str, across: str = "left", most: int = 9
    ) -> float:
        """Puts text at the current height, wrapped to `width` inches and at most so many lines; returns the height of
        the text in inches."""
        wrapped = wrap(text, width, size, most)
        x = {"left": left, "center": left + width / 2, "right": left + width}[across]
        style: dict[str, Any] = {"fontsize": size, "color": color, "ha": across, "va": "top", "linespacing": 1.1}
        self._texts.append((self.figure.text(0, 0, wrapped, **style), x, self.y))
        return text_height(wrapped, size)

    def foot(self, text: str, size: float, most: int = 2) -> None:
        """Puts text at the bottom of a page of fixed height, in so many lines at most; `bottom` is its room."""
        if self.medium.height is None or not text:
            return
        width, y = self.width - 2 * MARGIN, self.y
        self.bottom = MARGIN + text_height(wrap(text, width, size, most), size)
        self.y = self.medium.height - self.bottom
        self.put(text, MARGIN, width, size, GREY, most=most)
        self.y = y

    def panel(self, left: float, width: float, high: float, **settings: Any) -> Axes:
        """Axes at the current height, which does not move."""
        axis: Axes = self.figure.add_axes((0, 0, 1, 1), label=str(len(self._panels)), **settings)
        self._panels.append((axis, left, self.y, width, high))
        axis.tick_params(labelsize=self.medium.small)
        axis.spines[["top", "right"]].set_visible(False)
        return axis

    def finish(self) -> NotebookFigure:
        """The figure, cut to the height of its contents, or with the height of its medium."""
        total = self.medium.height or self.y + MARGIN
        self.figure.set_size_inches(self.width, total)
        for axis, left, top, width, height in self._panels:
            axis.set_position((left / self.width, 1 - (top + height) / total, width / self.width, height / total))
        for text, x, y in self._texts:
            text.set_position((x / self.width, 1 - y / total))
        use_other_fonts(self.figure.findobj(Text))
        return self.figure


@lru_cache(maxsize=4096)
def text_width(text: str, size: float) -> float:
    """The width of a line of text in inches, slightly rounded up because rendering rounds to whole pixels."""
    return (
        1.03
        * float(
            text_to_path.get_text_width_height_descent(measurable(text), FontProperties(size=size), ismath=False)[0]
        )
        / 72
    )


def text_height(wrapped: str, size: float) -> float:
    """The height of wrapped text in inches."""
    return (1 + wrapped.count("\n")) * size * LINE / 72


def wrap(text: str, width: float, size: float, most: int = 9) -> str:
    """`text` in lines of at most `width` inches, at most `most` of them; longer words are broken, the rest is cut."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for word in filter(None, paragraph.split(" ")):  # a space that does not break stays
            joined = f"{line} {word}" if line else word
            if text_width(joined, size) <= width:
                line = joined
                continue
            if line:
                lines.append(line)
            while text_width(word, size) > width and len(word) > 1:
                cut = next(n for n in range(len(word) - 1, 0, -1) if n == 1 or text_width(word[:n], size) <= width)
                lines.append(word[:cut])
                word = word[cut:]
            line = word
        lines.append(line)
    if len(lines) > most:
        lines = [*lines[: most - 1], lines[most - 1][:-1].rstrip() + "…"]
    return "\n".join(lines).replace("$", r"\$")  # else two of them would be read as mathematics


def label_right(
    axis: Axes, width: float, height: float, labels: Sequence[Label], room: float, medium: Medium = PAPER,
    size: float | None = None,
) -> None:  # fmt: skip
    """Names at the right of a panel of `width` by `height` inches, wrapped to `room`, none over another, each
    led to from where it is wanted; size: of their type, if it is not that of the medium."""
    ordered = sorted(labels, key=lambda label: label.wanted)
    if not ordered:
        return
    size = size or medium.small
    wrapped = [wrap(label.text, label_width(room, medium), size) for label in ordered]
    wanted = [label.wanted for label in ordered]
    places = spread(wanted, [text_height(text, size) / height for text in wrapped])
    for label, text, place in zip(ordered, wrapped, places, strict=True):
        start = 1 + LEADER * medium.scale / width
        if abs(place - label.wanted) * height > STRAIGHT:
            thin: dict[str, Any] = {"color": label.color, "linewidth": 0.5 * medium.thick, "alpha": 0.6}
            axis.plot([1, start], [label.wanted, place], transform=axis.transAxes, clip_on=False, **thin)
        key = [start, start + KEY * medium.scale / width]
        style = {"color": label.color, "linestyle": label.dash, "linewidth": 1.6 * medium.thick}
        axis.plot(key, [place, place], transform=axis.transAxes, clip_on=False, **style)
        words: dict[str, Any] = {"fontsize": size, "va": "center", "linespacing": 1.1, "color": ink(label.color)}
        axis.text(key[1] + GAP * medium.scale / width / 2, place, text, transform=axis.transAxes, **words)


def label_width(room: float, medium: Medium) -> float:
    """The width in inches that a label's text has to the right of a panel."""
    return room - (LEADER + KEY + 1.5 * GAP) * medium.scale


def labels_height(labels: Sequence[str], room: float, medium: Medium = PAPER) -> float:
    """The height in inches of these labels, one below the other."""
    return sum(text_height(wrap(text, label_width(room, medium), medium.small), medium.small) for text in labels)


def spread(wanted: Sequence[float], heights: Sequence[float]) -> list[float]:
    """Middles of labels of these heights, as near as can be to where they are `wanted`, in rising order, none
    over another.

    All are fractions of a panel's height; where they do not fit, the lowest fall below it. Labels that meet
    become a block, which stands where the mean of its labels is wanted.
    """
    blocks: list[list[int]] = []
    bottoms: list[float] = []
    for i, height in enumerate(heights):
        blocks.append([i])
        bottoms.append(_inside(wanted[i] - height / 2, height))
        while len(blocks) > 1 and bottoms[-1] < bottoms[-2] + sum(heights[j] for j in blocks[-2]):
            blocks[-2:], bottoms[-2:] = [blocks[-2] + blocks[-1]], [0.0]
            below, ideal = 0.0, []
            for j in blocks[-1]:
                ideal.append(wanted[j] - heights[j] / 2 - below)
                below += heights[j]
            bottoms[-1] = _inside(sum(ideal) / len(ideal), below)
    places = []
    for block, bottom in zip(blocks, bottoms, strict=True):
        for j in block:
            places.append(bottom + heights[j] / 2)
            bottom += heights[j]
    return places


def _inside(bottom: float, height: float) -> float:
    """The bottom of a block of labels, moved so that the block is inside the panel."""
    return min(max(bottom, 0.0), 1.0 - height)
