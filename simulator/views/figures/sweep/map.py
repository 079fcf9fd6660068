"""Two parameters at once: a map with contours for a grid, coloured points for any other design."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.path import Path
from matplotlib.patheffects import withStroke

from ....experiments.sweeps import statistics
from ....experiments.sweeps.compute import SweepResult
from ....numerics.trajectory import Array
from ...text import sweep_measures as texts
from ...text.numbers import with_unit
from ..page import NotebookFigure, Page, Picture, text_height, wrap
from ..scales import fraction, in_words, outside_text, set_scale
from ..shade import FAILED, Shade, colour_bar, shade_of
from ..style import DARK, SMALL
from .lines import axis_ends, default_words

SIDE, LEFT, STEP_GAP = 2.35, 0.85, 0.45  # inches: a panel of several, the room left of them, and the gap between
ALONE = (5.2, 3.9)
LEAST_CELLS = 3
OUTLINE = [withStroke(linewidth=2.2, foreground="white")]


class MapGrid(NamedTuple):
    """A measure on a grid: points along x and y, values of shape (y, x), and where all failed, none has a
    value, or only some failed."""

    x: Array
    y: Array
    values: Array
    failed: statistics.Flags
    none: statistics.Flags
    some: statistics.Flags


def maps(result: SweepResult, x: int, y: int, as_grid: bool) -> list[Picture]:
    """One figure for each measure over the axes x and y, its arms side by side on one scale of colour."""
    sweep = result.sweep
    pictures = []
    for j, measure in enumerate(sweep.measures):
        figure = _figure(result, x, y, j, as_grid)
        axes = [sweep.design.axes[i] for i in (x, y)]
        start = f"{measure.label} over {texts.item_label(axes[0])} and {texts.item_label(axes[1])}"
        text = f"{texts.describe_measures(result, start, [j], [x, y])} {' '.join(map(default_words, axes))}".strip()
        pictures.append(Picture(f"{'map' if as_grid else 'points'}_{measure.id}", figure, text))
    return pictures


def _figure(result: SweepResult, x: int, y: int, measure: int, as_grid: bool) -> NotebookFigure:
    sweep = result.sweep
    arms = texts.arm_titles(result)
    item, axis_x, axis_y = sweep.measures[measure], sweep.design.axes[x], sweep.design.axes[y]
    over = as_grid and len(np.unique(result.values[:, [x, y]], axis=0)) < len(result.numbers)
    grids = [_grid(result, a, measure, x, y) for a in range(len(arms))] if as_grid else []
    values = [grid.values for grid in grids] or [
        statistics.measure_values(result, a, measure) for a in range(len(arms))
    ]
    shade = shade_of(item, np.concatenate([value.ravel() for value in values]))
    marks = ("hatched where all did, × where some" if over else "hatched", "dotted") if as_grid else ("×", "○")
    columns = 2 if len(arms) == 4 else min(3, len(arms))
    width, height = ALONE if columns == 1 else (SIDE, SIDE)
    step = width + STEP_GAP
    note = f"{texts.members_text(result)}{'; medians over the patients' * over}."
    if as_grid and len(result.numbers) < sweep.design.count:
        note += " White: not computed yet."
    outside = outside_text(np.concatenate([v.ravel() for v in values]), shade.ends, item.unit_text) if shade.log else ""
    note += f" {outside}, in the colour of that end." if outside else ""
    page = Page(result.scenario.title, [note], max(LEFT + columns * step + 0.75, 6.6))
    page.down(page.put(texts.item_label(item, shade.log), 0.12, page.width - 0.24, 10, DARK) + 0.08)
    top, contours = None, []
    for first in range(0, len(arms), columns):
        row = range(first, min(first + columns, len(arms)))
        heads = [_head(result, a, measure, arms, marks) for a in row]
        tall = max(text_height(wrap(text, width, SMALL), SMALL) if text else 0.0 for text in heads)
        for column, text in enumerate(heads):
            page.put(text, LEFT + column * step, width, SMALL, DARK)
        page.down(tall + 0.05)
        top = page.y if top is None else top
        for column, a in enumerate(row):
            panel = page.panel(LEFT + column * step, width, height)
            set_scale(panel, "x", axis_ends(result, x), axis_x.log, width)
            set_scale(panel, "y", axis_ends(result, y), axis_y.log, height)
            contours.append(_fill(panel, grids[a], shade, axis_x.log, axis_y.log) if as_grid else [])
            if not as_grid:
                _points(panel, result, a, measure, (x, y), shade)
            panel.tick_params(labelleft=column == 0)
            if column == 0:
                panel.set_ylabel(wrap(texts.item_label(axis_y, axis_y.log), height, 9), fontsize=9)
        page.down(height + 0.26)
        if row[-1] == len(arms) - 1:
            wide = columns * step - STEP_GAP
            page.down(page.put(texts.item_label(axis_x, axis_x.log), LEFT, wide, 9, "#000000", "center"))
    outside = _outside(result, (x, y))
    if outside:
        page.down(0.04 + page.put(outside, LEFT, page.width - LEFT - 0.2, SMALL, DARK))
    bottom = page.y
    page.y = top or 0.0
    colour_bar(page, LEFT + columns * step - STEP_GAP + 0.2, height, shade, texts.item_label(item, shade.log))
    page.y = bottom
    figure = page.finish()
    panels = [axis for axis in figure.axes if axis.get_label() != "bar"]
    for panel, made in zip(panels, contours, strict=False):
        word = _mark_default(panel, result, (x, y))
        _name_contours(panel, made, word)
    return figure


def _head(result: SweepResult, arm: int, measure: int, arms: Sequence[str], marks: tuple[str, str]) -> str:
    missing = texts.missing(result, arm, measure, *marks)
    return "\n".join(filter(None, [arms[arm] if len(arms) > 1 else "", missing]))


def _grid(result: SweepResult, arm: int, measure: int, x: int, y: int) -> MapGrid:
    """The median of the members at each point; a point fails if all of its members do."""
    points_x, at_x = np.unique(result.values[:, x], return_inverse=True)
    points_y, at_y = np.unique(result.values[:, y], return_inverse=True)
    values = statistics.measure_values(result, arm, measure)
    shape = (len(points_y), len(points_x))
    found, failed, none, some = np.full(shape, np.nan), *(np.zeros(shape, bool) for _ in range(3))
    cells = at_y * shape[1] + at_x
    if len(np.unique(cells)) == len(cells):  # one member a point
        found[at_y, at_x], failed[at_y, at_x] = values, result.failed[:, arm]
        none[at_y, at_x] = statistics.without_value(result, arm, measure)
        return MapGrid(points_x, points_y, found, failed, none, some)
    order = np.argsort(cells, kind="stable")
    for group in np.split(order, np.flatnonzero(np.diff(cells[order])) + 1):
        place, inside, lost = (at_y[group[0]], at_x[group[0]]), values[group], result.failed[group, arm]
        if not np.isnan(inside).all():
            found[place], some[place] = np.nanmedian(inside), lost.any()
        failed[place] = lost.all()
        none[place] = np.isnan(inside).all() and not lost.all()
    return MapGrid(points_x, points_y, found, failed, none, some)


def _edges(points: Array, log: bool) -> Array:
    places = np.log(points) if log else points
    if len(places) == 1:
        step = math.log(2) if log else abs(places[0]) * 0.1 or 1.0
        edges = np.array([places[0] - step, places[0] + step])
    else:
        middle = (places[1:] + places[:-1]) / 2
        edges = np.concatenate([[2 * places[0] - middle[0]], middle, [2 * places[-1] - middle[-1]]])
    return np.asarray(np.exp(edges) if log else edges)


def _fill(panel: Axes, grid: MapGrid, shade: Shade, log_x: bool, log_y: bool) -> list[Any]:
    """Draws the cells, hatches where members failed, and contours; returns the contours."""
    x, y = _edges(grid.x, log_x), _edges(grid.y, log_y)
    panel.pcolormesh(x, y, grid.values, norm=shade.norm, cmap=shade.colours, rasterized=True)
    panel.set_xlim(x[0], x[-1])
    panel.set_ylim(y[0], y[-1])
    panel.spines[["top", "right"]].set_visible(True)
    for cells, hatch, name in ((grid.failed, "xxxx", "failed"), (grid.none, "....", "no value")):
        corners = [
            [(x[i], y[row]), (x[k], y[row]), (x[k], y[row + 1]), (x[i], y[row + 1])] for row, i, k in _runs(cells)
        ]
        if corners:
            edge = FAILED if name == "failed" else "#888888"
            panel.add_collection(
                PolyCollection(corners, facecolor="white", edgecolor=edge, hatch=hatch, linewidth=0.4, label=name)
            )
    rows, columns = np.nonzero(grid.some)
    if len(rows):
        panel.plot(grid.x[columns], grid.y[rows], "x", color=FAILED, ms=5, mew=1.3, zorder=3, label="some failed")
    known = grid.values[np.isfinite(grid.values)]
    if min(grid.values.shape) < 3 or not len(known) or known.min() == known.max():
        return []
    levels = [level for level in shade.levels if known.min() < level < known.max()]
    if not levels:
        return []
    masked = np.ma.masked_invalid(grid.values)
    contours = panel.contour(grid.x, grid.y, masked, levels=levels, colors="black", linewidths=0.8)
    contours.set_paths([Path.make_compound_path(*map(Path, _clear(lines, grid))) for lines in contours.allsegs])
    return [contours]


def _clear(lines: Sequence[Array], grid: MapGrid) -> list[Array]:
    """The lines of one level without noise: those that enclose, or run past, fewer than `LEAST_CELLS` cells."""
    kept = []
    for line in lines:
        x, y = (np.interp(line[:, i], points, np.arange(len(points))) for i, points in enumerate((grid.x, grid.y)))
        if np.array_equal(line[0], line[-1]):
            size, least = 0.5 * abs(float(x[:-1] @ y[1:] - x[1:] @ y[:-1])), LEAST_CELLS
        else:
            size, least = float(np.hypot(np.diff(x), np.diff(y)).sum()), min(LEAST_CELLS, min(grid.values.shape) - 1)
        if size >= least * (1 - 1e-9):
            kept.append(line)
    return kept


def _runs(cells: statistics.Flags) -> list[tuple[int, int, int]]:
    """Cells that are set, as (row, first, last + 1) of adjacent ones, because a hatch for each cell would be slow."""
    edges = np.diff(np.pad(cells.astype(int), ((0, 0), (1, 1))), axis=1)
    firsts, lasts = np.argwhere(edges == 1), np.argwhere(edges == -1)
    return [(int(row), int(i), int(k)) for (row, i), (_, k) in zip(firsts, lasts, strict=True)]


def _name_contours(panel: Axes, contours: Sequence[Any], taken: Any) -> None:
    """The levels written on the contours; a number that would cover another, or the word "default", is left out."""
    figure: Any = panel.figure
    renderer = figure.canvas.get_renderer()
    boxes = [taken.get_window_extent(renderer).padded(2)] if taken is not None else []
    frame = panel.get_window_extent(renderer)
    for contour in contours:
        texts = dict(zip(contour.levels, in_words(list(contour.levels)), strict=True))
        for text in panel.clabel(contour, fmt=texts, fontsize=SMALL, inline=True, inline_spacing=2):
            text.set(path_effects=OUTLINE, color="black", zorder=6)
            box = text.get_window_extent(renderer).padded(2)
            inside = frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 and box.y1 <= frame.y1
            if not inside or any(box.overlaps(other) for other in boxes):
                text.remove()
            else:
                boxes.append(box)


def _outside(result: SweepResult, axes: Sequence[int]) -> str:
    """Which defaults are outside the map, in words."""
    parts = []
    for i in axes:
        axis, (low, top) = result.sweep.design.axes[i], axis_ends(result, i)
        if axis.default is not None and not low <= axis.default <= top:
            parts.append(f"default of {axis.label} {with_unit(axis.default, axis.unit_text)}, not on this map")
    return "; ".join(parts)


def _mark_default(panel: Axes, result: SweepResult, axes: tuple[int, int]) -> Any:
    """The scenario's own values: a cross of thin lines, a ring where they meet, and the word; returns the word."""
    x, y = (result.sweep.design.axes[i] for i in axes)
    (left, right), (low, top) = panel.get_xlim(), panel.get_ylim()
    at_x = x.default if x.default is not None and left <= x.default <= right else None
    at_y = y.default if y.default is not None and low <= y.default <= top else None
    dash: dict[str, Any] = {"color": "white", "linewidth": 1.0, "linestyle": (0, (3, 2)), "zorder": 4}
    dash["path_effects"] = [withStroke(linewidth=2.0, foreground="black", alpha=0.5)]
    if at_x is not None:
        panel.axvline(at_x, label="default", **dash)
    if at_y is not None:
        panel.axhline(at_y, label="default", **dash)
    if at_x is None and at_y is None:
        return None
    share_x = fraction(at_x, left, right, x.log) if at_x is not None else 0.0
    share_y = fraction(at_y, low, top, y.log) if at_y is not None else 0.0
    if at_x is not None and at_y is not None:
        panel.plot([at_x], [at_y], "o", mfc="white", mec="black", ms=6, zorder=5, label="default", clip_on=False)
    to_right, above = share_x < 0.7, share_y < 0.85
    return panel.annotate(
        "default",
        (share_x, share_y),
        xycoords="axes fraction",
        xytext=(6 if to_right else -6, 4 if above else -4),
        textcoords="offset points",
        ha="left" if to_right else "right",
        va="bottom" if above else "top",
        fontsize=SMALL,
        path_effects=OUTLINE,
        zorder=7,
    )


def _points(panel: Axes, result: SweepResult, arm: int, measure: int, axes: tuple[int, int], shade: Shade) -> None:
    x, y = (result.values[:, i] for i in axes)
    values, failed = statistics.measure_values(result, arm, measure), result.failed[:, arm]
    known = np.flatnonzero(~np.isnan(values))
    known = known[texts.sampled(len(known), 5_000)]
    size = float(np.clip(3_000 / max(len(known), 1), 6, 40))
    panel.scatter(
        x[known], y[known], c=values[known], s=size, norm=shade.norm, cmap=shade.colours, ec="#444444", lw=0.3,
        zorder=3, label="members", rasterized=len(known) > 1_000, clip_on=False,
    )  # fmt: skip
    for marker, chosen, name in (
        ("x", failed, "failed"),
        ("o", statistics.without_value(result, arm, measure), "no value"),
    ):
        if chosen.any():
            marks: dict[str, Any] = {"color": FAILED if marker == "x" else "#666666", "mfc": "none", "ms": 5}
            panel.plot(x[chosen], y[chosen], marker, mew=1.3, ls="none", zorder=3.5, label=name, **marks)
