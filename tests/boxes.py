"""Whether anything written on a figure covers anything else, measured by the boxes that texts take."""

from __future__ import annotations

from itertools import combinations

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import BboxBase

SLACK = 0.5  # pixels


def covered(figure: Figure, over_curves: bool = False) -> list[str]:
    """Every pair of texts that cover each other, and every text that leaves the figure, in words; over_curves: every
    text that enters the frame of a panel, too."""
    boxes = text_boxes(figure)
    assert boxes
    frame = figure.bbox
    faults = [
        f"outside: {name!r}"
        for name, box in boxes
        if box.x0 < frame.x0 or box.x1 > frame.x1 or box.y0 < frame.y0 or box.y1 > frame.y1
    ]
    faults += [f"{one!r} covers {other!r}" for (one, a), (other, b) in combinations(boxes, 2) if _meet(a, b)]
    if over_curves:
        panels = [panel.get_window_extent() for panel in figure.axes if panel.axison]
        faults += [f"over curves: {name!r}" for name, box in boxes for panel in panels if _meet(box, panel)]
    return faults


def text_boxes(figure: Figure) -> list[tuple[str, BboxBase]]:
    """Every text that is seen, and its box in pixels. Axes put their numbers and names in place when they are asked
    how large they are, which takes half of what drawing takes."""
    renderer = figure.canvas.get_renderer()
    for panel in figure.axes:
        panel.apply_aspect()
        if panel.axison:
            panel.xaxis.get_tightbbox(renderer)
            panel.yaxis.get_tightbbox(renderer)
    unseen = {id(text) for panel in figure.axes for text in _unseen(panel)}
    texts = [text for text in figure.findobj(Text) if text.get_text().strip() and id(text) not in unseen]
    return [(text.get_text(), text.get_window_extent(renderer)) for text in texts if text.get_visible()]


def _meet(a: BboxBase, b: BboxBase) -> bool:
    wide, high = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
    return wide > SLACK and high > SLACK


def _unseen(panel: Axes) -> list[Text]:
    """Texts of axes that are switched off, and of ticks beyond them: matplotlib has them and draws them not."""
    texts = []
    for scale in (panel.xaxis, panel.yaxis):
        drawn = scale._update_ticks() if panel.axison and scale.get_visible() else []
        texts += [label for tick in [*scale.majorTicks, *scale.minorTicks] if tick not in drawn
                  for label in (tick.label1, tick.label2)]  # fmt: skip
        texts += [] if panel.axison else [scale.label, scale.offsetText]
    return texts
