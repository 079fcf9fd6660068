"""The wiring of a model as a picture: boxes for species, arrows that raise, bars that lower."""

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

from ...model.causal.signs import BOTH, DOWN, UP
from ...model.model import Model
from ..text.causal_graph import Arrow, Node, View, loop_signs, text_of, view
from .layout import Box, Group, Layout, Point, lay_out
from .page import Page, fold, high, wide
from .style import DARK, GREY, MARGIN, SMALL

LABEL, NAME = 8.0, 6.5  # points
PAD = 0.07  # inches around the text of a box
WIDEST = {"module": 1.9}  # inches of text before it is folded
TITLES = (1.7, 1.2, 0.9)  # the same of a group's title, tried in turn
COLORS = {UP: "#0072B2", DOWN: "#D55E00", BOTH: "#888888"}  # of Okabe and Ito's palette
PALE = {UP: "#9CC4DE", DOWN: "#EDB893", BOTH: "#C9C9C9"}
DASHES: Mapping[int, Any] = {UP: "-", DOWN: (0, (5, 1.6)), BOTH: (0, (1.2, 1.2))}
LOOP = "#FFE08A"
HEAD = 0.085  # inches
END = 0.09  # inches of a box's side for each arrow that meets it
FILLS = {"species": "#FFFFFF", "observable": "#FFFFFF", "module": "#FFFFFF", "outside": "#F2F2F2", "centre": "#FFF3C4"}


class Plan(NamedTuple):
    """Where everything is, in inches. titles: of groups, folded, each in a box free of arrows if there is one.
    crossed: the groups without one."""

    layout: Layout
    titles: Mapping[str, tuple[str, Box]]
    crossed: tuple[str, ...]


def plan(seen: View) -> Plan:
    """The layout of a picture that runs down or across, whichever has the better shape."""
    return min((_free(seen, way) for way in ("TB", "LR")), key=_unfit)


def _free(seen: View, way: str) -> Plan:
    """A layout in which no arrow crosses a title, if titles that are folded more narrowly find a place for that."""
    widths = dict.fromkeys(seen.groups, TITLES[0])
    for narrower in TITLES[1:]:
        found = _plan(seen, way, widths)
        if not found.crossed:
            return found
        widths |= dict.fromkeys(found.crossed, narrower)
    return _plan(seen, way, widths)


def _unfit(plan: Plan) -> tuple[int, float]:
    """Titles crossed, then how far from a page somewhat wider than high, and how large."""
    width, height = plan.layout.width, plan.layout.height
    return len(plan.crossed), abs(math.log(width / height / 1.3)) + 0.5 * math.log(width * height)


def _plan(seen: View, way: str, widths: Mapping[str, float]) -> Plan:
    """widths: inches to which the title of each group is folded."""
    sizes = {node.id: _size(node, seen) for node in seen.nodes}
    edges = [(arrow.source, arrow.target) for arrow in seen.arrows]
    folded = {title: fold(title, width, NAME) for title, width in widths.items()}
    extents = {title: _extent(text, NAME) for title, text in folded.items()}
    groups = {title: Group(seen.groups[title], extent) for title, extent in extents.items()}
    layout = lay_out(sizes, edges, groups, rankdir=way)
    spots = {title: _title_box(layout, layout.groups[title], extent) for title, extent in extents.items()}
    crossed = tuple(title for title, (cost, _) in spots.items() if cost)
    return Plan(layout, {title: (folded[title], box) for title, (_, box) in spots.items()}, crossed)


def svg(model: Model, name: str | None = None, steps: int = 1) -> str:
    """The wiring of a model, of its module `name`.toml, or around a species or observable within `steps` influences,
    as SVG with title and description, to be written to a file or set into a page."""
    seen = view(model, name, steps)
    return svg_of(draw(seen), seen)


def svg_of(figure: Figure, seen: View, fonts: str = "none") -> str:
    """`figure` as SVG that refers to nothing outside itself; fonts: 'none' for letters, 'path' for outlines."""
    file = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": seen.title, "svg.fonttype": fonts}):
        figure.savefig(file, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    drawn = file.getvalue()
    drawn = drawn[drawn.index("<svg") :]  # without the document type, which names an address
    head, rest = drawn.split(">", 1)
    texts = f"<title>{escape(seen.title)}</title>\n <desc>{escape(text_of(seen))}</desc>"
    return f'{head} role="img">\n {texts}{rest}'


def png_of(figure: Figure, seen: View) -> bytes:
    file = io.BytesIO()
    about = {"Title": seen.title, "Description": text_of(seen), "Software": "immunesim"}
    figure.savefig(file, format="png", dpi=130, metadata=about)
    return file.getvalue()


def draw(seen: View) -> Figure:
    """The picture of what is seen."""
    return drawn(seen, plan(seen))


def drawn(seen: View, planned: Plan) -> Figure:
    layout, titles, _ = planned
    width = max(8.0, layout.width + 2 * MARGIN)
    page = Page(seen.title, [], width)
    axis = page.panel((width - layout.width) / 2, layout.width, layout.height)
    page.down(layout.height + 0.1)
    axis.set_xlim(0, layout.width)
    axis.set_ylim(0, layout.height)
    axis.axis("off")
    for title, (text, box) in titles.items():
        _draw_box(axis, layout.groups[title], "#F3F6FA", "#C9D3DF", zorder=0)
        axis.text(box.left, box.top, text, fontsize=NAME, color=GREY, va="top", linespacing=1.1, zorder=6)
    for arrow, curve in zip(seen.arrows, layout.curves, strict=True):
        if (arrow.source, arrow.target) in seen.lit:
            _draw_line(axis, curve, color=LOOP, linewidth=7, zorder=1)
        _draw_arrow(axis, arrow, curve)
    for node in seen.nodes:
        _draw_node(axis, node, layout.boxes[node.id])
    _draw_key(page, seen)
    return page.finish()


def _texts(node: Node) -> list[tuple[str, float, str]]:
    """The texts of a box from its top down: each folded, with its size and colour."""
    widest = WIDEST.get(node.kind, 1.35)
    pale = node.kind == "outside"
    texts = [(fold(node.label, widest, LABEL), LABEL, GREY if pale else "#000000")]
    return [*texts, (fold(node.note, widest, NAME), NAME, "#888888" if pale else GREY)]


def _size(node: Node, seen: View) -> tuple[float, float]:
    """The room of the texts of a box, and more where many arrows meet it."""
    extents = [_extent(text, size) for text, size, _ in _texts(node)]
    width = max(each for each, _ in extents) + 2 * PAD
    height = sum(each for _, each in extents) + 2 * PAD
    ends = max(
        sum(arrow.source == node.id for arrow in seen.arrows), sum(arrow.target == node.id for arrow in seen.arrows)
    )
    return width, max(height, END * ends)


def _extent(folded: str, size: float) -> tuple[float, float]:
    return max(wide(line, size) for line in folded.split("\n")), high(folded, size)


def _title_box(layout: Layout, frame: Box, extent: tuple[float, float]) -> tuple[int, Box]:
    """A place for a group's title in its frame that no box covers and no arrow crosses, as near to the upper left
    corner as there is one; and how many points of arrows it covers all the same."""
    width, height = extent
    across, down = frame.right - frame.left - width - 0.1, frame.top - frame.bottom - height - 0.06
    parts = [part / 12 for part in range(13)]
    spots = [
        Box(left, top - height, left + width, top)
        for top in (frame.top - 0.03 - down * part for part in parts)
        for left in (frame.left + 0.05 + across * part for part in parts)
    ]
    points = [point for curve in layout.curves for point in along(curve) if frame.holds(point)]
    boxes = [box for box in layout.boxes.values() if box.meets(frame)]

    def cost(spot: Box) -> int:
        return sum(map(spot.meets, boxes)) * len(points) + sum(spot.holds(point, 0.02) for point in points)

    best = min(spots, key=cost)
    return cost(best), best


def along(curve: Sequence[Point], parts: int = 24) -> list[Point]:
    """Points of a curve and its head, close enough to each other to see what it runs over."""
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


def _draw_node(axis: Axes, node: Node, box: Box) -> None:
    edge = {"outside": "#BBBBBB", "centre": "#000000"}.get(node.kind, DARK)
    style: dict[str, Any] = {"linewidth": 1.8 if node.kind == "centre" else 0.8}
    if node.kind == "observable":
        style |= {"linestyle": (0, (3, 1.5))}
    _draw_box(axis, box, FILLS[node.kind], edge, zorder=5, **style)
    texts = _texts(node)
    y = box.middle[1] + sum(high(text, size) for text, size, _ in texts) / 2
    for text, size, color in texts:
        axis.text(box.middle[0], y, text, fontsize=size, color=color, ha="center", va="top", linespacing=1.1, zorder=6)
        y -= high(text, size)


def _draw_box(axis: Axes, box: Box, fill: str, edge: str, zorder: int, **style: Any) -> None:
    shape = FancyBboxPatch((box.left, box.bottom), box.right - box.left, box.top - box.bottom, clip_on=False,
                           boxstyle="round,pad=0,rounding_size=0.04", facecolor=fill, edgecolor=edge, zorder=zorder,
                           **{"linewidth": 0.8} | style)  # fmt: skip
    axis.add_patch(shape)


def _draw_line(axis: Axes, curve: Sequence[Point], **style: Any) -> None:
    points = curve[:-1]
    path = Curve(points, [Curve.MOVETO] + [Curve.CURVE4] * (len(points) - 1))
    axis.add_patch(PathPatch(path, fill=False, clip_on=False, **style))


def _draw_arrow(axis: Axes, arrow: Arrow, curve: Sequence[Point]) -> None:
    color = (PALE if arrow.faint else COLORS)[arrow.sign]
    line = 0.9 + 0.5 * math.log2(arrow.weight)
    _draw_line(axis, curve, color=color, linewidth=line, linestyle=DASHES[arrow.sign], zorder=2 if arrow.faint else 3)
    _draw_head(axis, curve[-2], curve[-1], arrow.sign, color, line)


def _draw_head(axis: Axes, start: Point, end: Point, sign: int, color: str, line: float) -> None:
    """What an influence ends in, from the end of its line to the box."""
    long = math.dist(start, end) or 1.0
    along = ((end[0] - start[0]) / long, (end[1] - start[1]) / long)
    across = (-along[1], along[0])
    half = HEAD / 2 + 0.004 * line

    def at(forward: float, aside: float) -> Point:
        return (
            end[0] + forward * along[0] + aside * across[0],
            end[1] + forward * along[1] + aside * across[1],
        )

    if sign == UP:
        axis.add_patch(Polygon([at(0, 0), at(-HEAD * 1.2, half), at(-HEAD * 1.2, -half)], color=color, lw=0, zorder=4))
        stop = -HEAD
    elif sign == DOWN:
        stop = -0.035
        bar = [at(stop, 1.4 * half), at(stop, -1.4 * half)]
        axis.plot(*zip(*bar, strict=True), color=color, lw=2.0, zorder=4, solid_capstyle="butt")
    else:
        middle = -half * 1.2
        axis.add_patch(Polygon([at(0, 0), at(middle, half), at(2 * middle, 0), at(middle, -half)], facecolor="white",
                               edgecolor=color, lw=0.9, zorder=4))  # fmt: skip
        stop = 2 * middle
    axis.plot(*zip(start, at(stop, 0), strict=True), color=color, lw=line, zorder=3)


def _draw_key(page: Page, seen: View) -> None:
    """Samples of what is drawn, and the highlighted loops in words."""
    kinds = {node.kind for node in seen.nodes}
    width, middle, step = page.width - 2 * MARGIN, 0.11, 0.1
    axis = page.panel(MARGIN, width, 2 * middle)
    axis.set_xlim(0, width)
    axis.set_ylim(0, 2 * middle)
    axis.axis("off")
    x = 0.0
    both = "some raise, some lower, or either way" if "module" in kinds else "raises or lowers, as the state has it"
    for sign, text in ((UP, "raises"), (DOWN, "lowers"), (BOTH, both)):
        if any(arrow.sign == sign for arrow in seen.arrows):
            _draw_arrow(axis, Arrow("", "", sign), [(x + step * part, middle) for part in range(5)])
            axis.text(x + 0.48, middle, text, fontsize=SMALL, color=DARK, va="center")
            x += 0.48 + wide(text, SMALL) + 0.25
    if seen.loops:
        axis.plot([x + 0.05, x + 0.4], [middle, middle], color=LOOP, lw=7, solid_capstyle="round")
        axis.text(x + 0.53, middle, "on a feedback loop", fontsize=SMALL, color=DARK, va="center")
    page.down(2 * middle + 0.05)
    notes = []
    if "module" in kinds:
        notes.append("The wider an arrow, the more influences between species it stands for; pale where it leaves or "
                     "enters the shaded modules.")  # fmt: skip
    if "outside" in kinds:
        notes.append("Grey boxes are species of other modules.")
    for text in [*notes, *(loop_signs(loop, seen.signs) for loop in seen.loops)]:
        page.down(page.put(text, MARGIN, width, SMALL, DARK) + 0.03)
