"""The wiring of a model as a picture: boxes for species, arrows that raise, bars that lower."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, PathPatch, Polygon
from matplotlib.path import Path as Curve

from ...model.model import Model
from ...model.monotone import BOTH, DOWN, UP
from ..wiring import Arrow, Node, View, loop_words, view
from .layout import Box, Layout, Point, lay_out
from .page import DARK, GREY, LARGE, MARGIN, SMALL, Page, fold, high, wide

LABEL, NAME = 8.0, 6.5  # points
PAD = 0.07  # inches around the text of a box
WIDEST = {"module": 1.9}  # inches of text before it is folded
COLORS = {UP: "#0072B2", DOWN: "#D55E00", BOTH: "#888888"}  # of Okabe and Ito's palette
DASHES: Mapping[int, Any] = {UP: "-", DOWN: (0, (5, 1.6)), BOTH: (0, (1.2, 1.2))}
LOOP = "#FFE08A"
HEAD = 0.085  # inches
FILLS = {"species": "#FFFFFF", "observable": "#FFFFFF", "module": "#FFFFFF", "outside": "#F2F2F2", "centre": "#FFF3C4"}


def draw(seen: View) -> Figure:
    """The picture of what is seen."""
    sizes = {node.id: _size(node) for node in seen.nodes}
    edges = [(arrow.source, arrow.target) for arrow in seen.arrows]
    layout = min((lay_out(sizes, edges, seen.groups, rankdir=way) for way in ("TB", "LR")), key=_ungainly)
    width = max(8.0, layout.width + 2 * MARGIN)
    page = Page(seen.title, [seen.note], width)
    axis = page.panel((width - layout.width) / 2, layout.width, layout.height)
    page.down(layout.height + 0.1)
    _prepare(axis, layout)
    _draw_groups(axis, layout)
    on_loops = {step for loop in seen.loops for step in loop.steps}
    for arrow, curve in zip(seen.arrows, layout.curves, strict=True):
        if (arrow.source, arrow.target) in on_loops:
            _underline(axis, curve)
    for arrow, curve in zip(seen.arrows, layout.curves, strict=True):
        _draw_arrow(axis, arrow, curve)
    for node in seen.nodes:
        _draw_node(axis, node, layout.boxes[node.id])
    _draw_key(page, seen)
    return page.finish()


def _ungainly(layout: Layout) -> float:
    """How far a layout is from a page that is somewhat wider than high, and its size."""
    shape = abs(math.log(layout.width / layout.height / 1.3))
    return shape + 0.5 * math.log(layout.width * layout.height)


def _texts(node: Node) -> list[tuple[str, float, str]]:
    """The texts of a box from its top down: each folded, with its size and colour."""
    widest = WIDEST.get(node.kind, 1.35)
    pale = node.kind == "outside"
    texts = [(fold(node.label, widest, LABEL), LABEL, GREY if pale else "#000000")]
    below = ", ".join(node.inside) if node.kind == "module" else node.id
    return [*texts, (fold(below, widest, NAME), NAME, "#888888" if pale else GREY)]


def _size(node: Node) -> tuple[float, float]:
    texts = _texts(node)
    width = max(wide(line, size) for text, size, _ in texts for line in text.split("\n"))
    return width + 2 * PAD, sum(high(text, size) for text, size, _ in texts) + 2 * PAD


def _prepare(axis: Axes, layout: Layout) -> None:
    axis.set_xlim(0, layout.width)
    axis.set_ylim(0, layout.height)
    axis.axis("off")


def _draw_node(axis: Axes, node: Node, box: Box) -> None:
    round_ = 0.09 if node.kind == "observable" else 0.03
    shape = FancyBboxPatch(
        (box.left, box.bottom), box.right - box.left, box.top - box.bottom,
        boxstyle=f"round,pad=0,rounding_size={round_}", zorder=5, facecolor=FILLS[node.kind],
        edgecolor="#BBBBBB" if node.kind == "outside" else "#000000" if node.kind == "centre" else DARK,
        linewidth=1.8 if node.kind == "centre" else 0.8, linestyle="--" if node.kind == "observable" else "-",
    )  # fmt: skip
    axis.add_patch(shape)
    y = box.top - PAD
    for text, size, color in _texts(node):
        axis.text(box.middle[0], y, text, fontsize=size, color=color, ha="center", va="top", linespacing=1.1, zorder=6)
        y -= high(text, size)


def _draw_groups(axis: Axes, layout: Layout) -> None:
    for title, box in layout.groups.items():
        axis.add_patch(
            FancyBboxPatch((box.left, box.bottom), box.right - box.left, box.top - box.bottom, zorder=0,
                           boxstyle="round,pad=0,rounding_size=0.08", facecolor="#F3F6FA", edgecolor="#C9D3DF", lw=0.8)
        )  # fmt: skip
        axis.text(box.left + 0.05, box.top - 0.03, title, fontsize=NAME, color=GREY, va="top", zorder=6)


def _path(curve: tuple[Point, ...]) -> Curve:
    points = curve[:-1]
    return Curve(points, [Curve.MOVETO] + [Curve.CURVE4] * (len(points) - 1))


def _underline(axis: Axes, curve: tuple[Point, ...]) -> None:
    axis.add_patch(PathPatch(_path(curve), fill=False, edgecolor=LOOP, linewidth=7, capstyle="round", zorder=1))


def _draw_arrow(axis: Axes, arrow: Arrow, curve: tuple[Point, ...]) -> None:
    color = COLORS[arrow.sign]
    line = 0.9 + 0.5 * math.log2(arrow.weight)
    axis.add_patch(
        PathPatch(_path(curve), fill=False, edgecolor=color, linewidth=line, linestyle=DASHES[arrow.sign], zorder=3)
    )
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
    """Samples of the arrows, and the highlighted loops in words."""
    keys = [(UP, "raises"), (DOWN, "lowers"), (BOTH, "either way")]
    width, high_ = page.width - 2 * MARGIN, 0.22
    axis = page.panel(MARGIN, width, high_)
    axis.set_xlim(0, width)
    axis.set_ylim(0, high_)
    axis.axis("off")
    x = 0.0
    for sign, text in keys:
        points = ((x, 0.11), (x + 0.1, 0.11), (x + 0.2, 0.11), (x + 0.3, 0.11), (x + 0.4, 0.11))
        _draw_arrow(axis, Arrow("", "", sign), points)
        axis.text(x + 0.48, 0.11, text, fontsize=SMALL, color=DARK, va="center")
        x += 0.48 + wide(text, SMALL) + 0.25
    if seen.loops:
        axis.plot([x, x + 0.4], [0.11, 0.11], color=LOOP, lw=7, solid_capstyle="round")
        axis.text(x + 0.53, 0.11, "on a feedback loop listed below", fontsize=SMALL, color=DARK, va="center")
    page.down(high_ + 0.05)
    signs = {(arrow.source, arrow.target): arrow.sign for arrow in seen.arrows}
    for loop in seen.loops:
        if all(step in signs for step in loop.steps):
            page.down(page.put(loop_words(loop, signs), MARGIN, width, SMALL, DARK) + 0.03)
