"""The causal graph of a model as a figure: boxes for species, arrows for raising, bars for lowering."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from xml.sax.saxutils import escape

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, PathPatch, Polygon
from matplotlib.path import Path as Curve

from ...model.causal.sign import Sign
from ..text.causal_graph import GraphArrow, GraphNode, GraphView, alternative_text, loop_with_arrows
from .layout import Box, Group, Layout, Point, lay_out
from .page import Page, text_height, text_width, wrap
from .style import DARK, GREY, MARGIN, SMALL

LABEL, NAME = 8.0, 6.5  # points
PAD = 0.07  # inches around the text of a box
WIDEST = {"module": 1.9}  # inches at which text is wrapped
TITLES = (1.7, 1.2, 0.9)  # inches at which a group's title is wrapped, tried in turn
COLORS = {Sign.RAISES: "#0072B2", Sign.LOWERS: "#D55E00", Sign.EITHER: "#888888"}  # of Okabe and Ito's palette
PALE = {Sign.RAISES: "#9CC4DE", Sign.LOWERS: "#EDB893", Sign.EITHER: "#C9C9C9"}
DASHES: Mapping[Sign, Any] = {Sign.RAISES: "-", Sign.LOWERS: (0, (5, 1.6)), Sign.EITHER: (0, (1.2, 1.2))}
LOOP = "#FFE08A"
HEAD = 0.085  # inches
END = 0.09  # inches of a box's side for each arrow that meets it
FILLS = {"species": "#FFFFFF", "observable": "#FFFFFF", "module": "#FFFFFF", "outside": "#F2F2F2", "centre": "#FFF3C4"}


class GraphPlan(NamedTuple):
    """Where everything goes, in inches.

    titles: of groups: the wrapped text and its box, free of arrows where there is room for that. crossed: the groups
    whose title an arrow crosses.
    """

    layout: Layout
    titles: Mapping[str, tuple[str, Box]]
    crossed: tuple[str, ...]


def plan(view: GraphView) -> GraphPlan:
    """The better of two layouts, from top to bottom and from left to right."""
    return min((_with_clear_titles(view, direction) for direction in ("TB", "LR")), key=_badness)


def _with_clear_titles(view: GraphView, direction: str) -> GraphPlan:
    """A layout in which no arrow crosses a title, as far as folding the titles more narrowly achieves that."""
    widths = dict.fromkeys(view.groups, TITLES[0])
    for narrower in TITLES[1:]:
        found = _plan(view, direction, widths)
        if not found.crossed:
            return found
        widths |= dict.fromkeys(found.crossed, narrower)
    return _plan(view, direction, widths)


def _badness(plan: GraphPlan) -> tuple[int, float]:
    """The number of crossed titles, then how far the picture is from 1.3 times as wide as high, and its size."""
    width, height = plan.layout.width, plan.layout.height
    return len(plan.crossed), abs(math.log(width / height / 1.3)) + 0.5 * math.log(width * height)


def _plan(view: GraphView, direction: str, widths: Mapping[str, float]) -> GraphPlan:
    """widths: inches to which the title of each group is wrapped."""
    sizes = {node.id: _size(node, view) for node in view.nodes}
    edges = [(arrow.source, arrow.target) for arrow in view.arrows]
    wrapped = {title: wrap(title, width, NAME) for title, width in widths.items()}
    extents = {title: _extent(text, NAME) for title, text in wrapped.items()}
    groups = {title: Group(view.groups[title], extent) for title, extent in extents.items()}
    layout = lay_out(sizes, edges, groups, rankdir=direction)
    candidates = {title: _title_box(layout, layout.groups[title], extent) for title, extent in extents.items()}
    crossed = tuple(title for title, (cost, _) in candidates.items() if cost)
    return GraphPlan(layout, {title: (wrapped[title], box) for title, (_, box) in candidates.items()}, crossed)


def svg_of(figure: Figure, view: GraphView, fonts: str = "none") -> str:
    """`figure` as SVG that refers to nothing outside itself; fonts: 'none' for letters, 'path' for outlines."""
    file = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": view.title, "svg.fonttype": fonts}):
        figure.savefig(file, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    drawn = file.getvalue()
    drawn = drawn[drawn.index("<svg") :]  # without the document type, which names an address
    head, rest = drawn.split(">", 1)
    texts = f"<title>{escape(view.title)}</title>\n <desc>{escape(alternative_text(view))}</desc>"
    return f'{head} role="img">\n {texts}{rest}'


def png_of(figure: Figure, view: GraphView) -> bytes:
    """`figure` as PNG with its title and description in the metadata."""
    file = io.BytesIO()
    about = {"Title": view.title, "Description": alternative_text(view), "Software": "immunesim"}
    figure.savefig(file, format="png", dpi=130, metadata=about)
    return file.getvalue()


def draw(view: GraphView, planned: GraphPlan | None = None) -> Figure:
    """The figure of a view, with the layout of `plan` unless another is given."""
    planned = planned or plan(view)
    layout, titles, _ = planned
    width = max(8.0, layout.width + 2 * MARGIN)
    page = Page(view.title, [], width)
    axis = page.panel((width - layout.width) / 2, layout.width, layout.height)
    page.down(layout.height + 0.1)
    axis.set_xlim(0, layout.width)
    axis.set_ylim(0, layout.height)
    axis.axis("off")
    for title, (text, box) in titles.items():
        _draw_box(axis, layout.groups[title], "#F3F6FA", "#C9D3DF", zorder=0)
        axis.text(box.left, box.top, text, fontsize=NAME, color=GREY, va="top", linespacing=1.1, zorder=6)
    for arrow, curve in zip(view.arrows, layout.curves, strict=True):
        if (arrow.source, arrow.target) in view.highlighted:
            _draw_line(axis, curve, color=LOOP, linewidth=7, zorder=1)
        _draw_arrow(axis, arrow, curve)
    for node in view.nodes:
        _draw_node(axis, node, layout.boxes[node.id])
    _draw_key(page, view)
    return page.finish()


def _texts(node: GraphNode) -> list[tuple[str, float, str]]:
    """(wrapped text, size in points, colour) of each text of a box, from its top down."""
    widest = WIDEST.get(node.kind, 1.35)
    pale = node.kind == "outside"
    texts = [(wrap(node.label, widest, LABEL), LABEL, GREY if pale else "#000000")]
    return [*texts, (wrap(node.note, widest, NAME), NAME, "#888888" if pale else GREY)]


def _size(node: GraphNode, view: GraphView) -> tuple[float, float]:
    """Width and height of a box in inches: that of its texts, and higher where many arrows meet it."""
    extents = [_extent(text, size) for text, size, _ in _texts(node)]
    width = max(each for each, _ in extents) + 2 * PAD
    height = sum(each for _, each in extents) + 2 * PAD
    ends = max(
        sum(arrow.source == node.id for arrow in view.arrows), sum(arrow.target == node.id for arrow in view.arrows)
    )
    return width, max(height, END * ends)


def _extent(wrapped: str, size: float) -> tuple[float, float]:
    return max(text_width(line, size) for line in wrapped.split("\n")), text_height(wrapped, size)


def _title_box(layout: Layout, frame: Box, extent: tuple[float, float]) -> tuple[int, Box]:
    """The place for a group's title in its frame that is nearest to the upper left corner of those that no box covers
    and the fewest arrows cross; and how many points of arrows it covers nevertheless."""
    width, height = extent
    across, down = frame.right - frame.left - width - 0.1, frame.top - frame.bottom - height - 0.06
    parts = [part / 12 for part in range(13)]
    candidates = [
        Box(left, top - height, left + width, top)
        for top in (frame.top - 0.03 - down * part for part in parts)
        for left in (frame.left + 0.05 + across * part for part in parts)
    ]
    points = [point for curve in layout.curves for point in points_along(curve) if frame.holds(point)]
    boxes = [box for box in layout.boxes.values() if box.meets(frame)]

    def cost(candidate: Box) -> int:
        return sum(map(candidate.meets, boxes)) * len(points) + sum(candidate.holds(point, 0.02) for point in points)

    best = min(candidates, key=cost)
    return cost(best), best


def points_along(curve: Sequence[Point], parts: int = 24) -> list[Point]:
    """Points of a Bezier curve and its head, close enough to each other to detect what the curve crosses."""
    found: list[Point] = []
    for start in range(0, len(curve) - 2, 3):
        a, b, c, d = curve[start : start + 4]
        for step in range(parts):
            t = step / parts
            u = 1 - t
            w = u * u * u, 3 * u * u * t, 3 * u * t * t, t * t * t
            found.append((sum(k * p[0] for k, p in zip(w, (a, b, c, d), strict=True)),
                          sum(k * p[1] for k, p in zip(w, (a, b, c, d), strict=True))))  # fmt: skip
    return [*found, curve[-2], curve[-1]]


def _draw_node(axis: Axes, node: GraphNode, box: Box) -> None:
    edge = {"outside": "#BBBBBB", "centre": "#000000"}.get(node.kind, DARK)
    style: dict[str, Any] = {"linewidth": 1.8 if node.kind == "centre" else 0.8}
    if node.kind == "observable":
        style |= {"linestyle": (0, (3, 1.5))}
    _draw_box(axis, box, FILLS[node.kind], edge, zorder=5, **style)
    texts = _texts(node)
    y = box.middle[1] + sum(text_height(text, size) for text, size, _ in texts) / 2
    for text, size, color in texts:
        axis.text(box.middle[0], y, text, fontsize=size, color=color, ha="center", va="top", linespacing=1.1, zorder=6)
        y -= text_height(text, size)


def _draw_box(axis: Axes, box: Box, fill: str, edge: str, zorder: int, **style: Any) -> None:
    shape = FancyBboxPatch((box.left, box.bottom), box.right - box.left, box.top - box.bottom, clip_on=False,
                           boxstyle="round,pad=0,rounding_size=0.04", facecolor=fill, edgecolor=edge, zorder=zorder,
                           **{"linewidth": 0.8} | style)  # fmt: skip
    axis.add_patch(shape)


def _draw_line(axis: Axes, curve: Sequence[Point], **style: Any) -> None:
    points = curve[:-1]
    path = Curve(points, [Curve.MOVETO] + [Curve.CURVE4] * (len(points) - 1))
    axis.add_patch(PathPatch(path, fill=False, clip_on=False, **style))


def _draw_arrow(axis: Axes, arrow: GraphArrow, curve: Sequence[Point]) -> None:
    color = (PALE if arrow.faint else COLORS)[arrow.sign]
    line = 0.9 + 0.5 * math.log2(arrow.weight)
    _draw_line(axis, curve, color=color, linewidth=line, linestyle=DASHES[arrow.sign], zorder=2 if arrow.faint else 3)
    _draw_head(axis, curve[-2], curve[-1], arrow.sign, color, line)


def _draw_head(axis: Axes, start: Point, end: Point, sign: Sign, color: str, line: float) -> None:
    """The head of an arrow, from the end of its line to the box: a triangle, a bar or a diamond."""
    long = math.dist(start, end) or 1.0
    along = ((end[0] - start[0]) / long, (end[1] - start[1]) / long)
    across = (-along[1], along[0])
    half = HEAD / 2 + 0.004 * line

    def at(forward: float, sideways: float) -> Point:
        return (
            end[0] + forward * along[0] + sideways * across[0],
            end[1] + forward * along[1] + sideways * across[1],
        )

    if sign == Sign.RAISES:
        axis.add_patch(Polygon([at(0, 0), at(-HEAD * 1.2, half), at(-HEAD * 1.2, -half)], color=color, lw=0, zorder=4))
        stop = -HEAD
    elif sign == Sign.LOWERS:
        stop = -0.035
        bar = [at(stop, 1.4 * half), at(stop, -1.4 * half)]
        axis.plot(*zip(*bar, strict=True), color=color, lw=2.0, zorder=4, solid_capstyle="butt")
    else:
        middle = -half * 1.2
        axis.add_patch(Polygon([at(0, 0), at(middle, half), at(2 * middle, 0), at(middle, -half)], facecolor="white",
                               edgecolor=color, lw=0.9, zorder=4))  # fmt: skip
        stop = 2 * middle
    axis.plot(*zip(start, at(stop, 0), strict=True), color=color, lw=line, zorder=3)


def _draw_key(page: Page, view: GraphView) -> None:
    """The legend: samples of what is drawn, and the highlighted loops in words."""
    kinds = {node.kind for node in view.nodes}
    width, middle, step = page.width - 2 * MARGIN, 0.11, 0.1
    axis = page.panel(MARGIN, width, 2 * middle)
    axis.set_xlim(0, width)
    axis.set_ylim(0, 2 * middle)
    axis.axis("off")
    x = 0.0
    either = "some raise, some lower, or either" if "module" in kinds else "raises or lowers, depending on the state"
    for sign, text in ((Sign.RAISES, "raises"), (Sign.LOWERS, "lowers"), (Sign.EITHER, either)):
        if any(arrow.sign == sign for arrow in view.arrows):
            _draw_arrow(axis, GraphArrow("", "", sign), [(x + step * part, middle) for part in range(5)])
            axis.text(x + 0.48, middle, text, fontsize=SMALL, color=DARK, va="center")
            x += 0.48 + text_width(text, SMALL) + 0.25
    if view.loops:
        axis.plot([x + 0.05, x + 0.4], [middle, middle], color=LOOP, lw=7, solid_capstyle="round")
        axis.text(x + 0.53, middle, "on a feedback loop", fontsize=SMALL, color=DARK, va="center")
    page.down(2 * middle + 0.05)
    notes = []
    if "module" in kinds:
        notes.append("The wider an arrow, the more influences between species it stands for. Pale arrows leave or "
                     "enter the shaded group of modules.")  # fmt: skip
    if "outside" in kinds:
        notes.append("Grey boxes are species of other modules.")
    for text in [*notes, *(loop_with_arrows(loop, view.signs) for loop in view.loops)]:
        page.down(page.put(text, MARGIN, width, SMALL, DARK) + 0.03)
