"""A figure that was laid out for paper, on a slide of 16:9: as large as it fits, with its heading at the top left."""

from __future__ import annotations

from matplotlib.text import Text

from .page import Picture
from .style import MARGIN, SLIDES


def on_slide(picture: Picture) -> Picture:
    """The same figure on a page of the shape of a slide; its inches stay, so that its type is as large as the page is
    small."""
    figure, shape = picture.figure, SLIDES.width / (SLIDES.height or SLIDES.width)
    old_width, old_height = (float(each) for each in figure.get_size_inches())
    width = max(old_width + 2 * MARGIN, (old_height + MARGIN) * shape)
    height = width / shape
    left, top = (width - old_width) / 2, (height - old_height) / 2
    for axis in figure.axes:
        box = axis.get_position()
        x, y = left + box.x0 * old_width, height - top - old_height + box.y0 * old_height
        axis.set_position((x / width, y / height, box.width * old_width / width, box.height * old_height / height))
    for text in figure.texts:
        _move(text, left, height - top - old_height, (old_width, old_height), (width, height))
    figure.set_size_inches(width, height)
    return picture


def _move(text: Text, left: float, below: float, old: tuple[float, float], new: tuple[float, float]) -> None:
    x, y = text.get_position()
    text.set_position(((left + x * old[0]) / new[0], (below + y * old[1]) / new[1]))
