"""Measures against one parameter: curves of single members, or the median and band of many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.transforms import blended_transform_factory

from ....experiments.sweeps import statistics
from ....experiments.sweeps.compute import SweepResult
from ....experiments.sweeps.designs import Axis
from ....numerics.trajectory import Array
from ...text import sweep_measures as texts
from ...text.numbers import number, with_unit
from ..page import Label, NotebookFigure, Page, Picture, label_right, labels_height, text_height, wrap
from ..scales import fraction, is_log, limits, mark_outside, outside_text, set_scale
from ..style import DARK, GREY, MARGIN, SMALL, style

LEFT, RIGHT, ROOM = 0.85, 0.3, 1.9  # inches left of a panel, right of it, and there with labels
PANEL = 2.2  # inches, the least height of a panel
RUG = 0.12  # inches, a row of crosses
DEFAULT = 0.09  # of a panel's height, the row of the word
MOST_LINE, MOST_DOTS = 2_000, 60  # members that are drawn one by one, and with a dot each
MOST_CROSSES = 400  # in a row
MOST_VALUES = 40  # of an axis, whose members are not yet joined in bins
MOST_BANDS = 3  # arms whose bands may lie over each other
PANELS_A_PAGE = 4
SLIDE_PANEL = 3.0  # inches, the height of the only panel of a slide, which then fills it
LEVEL: dict[str, Any] = {"color": DARK, "linewidth": 0.9, "linestyle": "-.", "label": "level"}


class Bins(NamedTuple):
    """Quantiles 0.05, 0.5 and 0.95 of a measure along a parameter, each of shape (bins,)."""

    x: Array
    low: Array
    middle: Array
    high: Array


def curves(result: SweepResult, along: int, banded: bool = False, slides: bool = False) -> list[Picture]:
    """Every measure against axis `along`, arms by colour and dash; banded: quantiles of the members at each point;
    slides: each measure on a page of its own."""
    sweep = result.sweep
    banded = banded or len(result.numbers) > MOST_LINE
    pictures = []
    every, many = range(len(sweep.measures)), 1 if slides else PANELS_A_PAGE
    least = SLIDE_PANEL if slides else PANEL
    for first in range(0, len(every), many):
        chosen = every[first : first + many]
        named = f"{'bands' if banded else 'curves'}_{'_'.join(sweep.measures[j].id for j in chosen)}"
        figure = _page(result, along, chosen, banded, least)
        start = (
            f"{', '.join(sweep.measures[j].label for j in chosen)} against {texts.item_label(sweep.design.axes[along])}"
        )
        places = [along] if not banded else statistics.varied_axes(result)
        default = default_words(sweep.design.axes[along])
        text = f"{texts.describe_measures(result, start, chosen, places)} {default}".strip()
        pictures.append(Picture(named, figure, text))
    return pictures


def default_words(axis: Axis) -> str:
    """The default of a parameter, in words; empty if it has none."""
    return "" if axis.default is None else f"Default: {axis.label} {with_unit(axis.default, axis.unit_text)}."


def _page(result: SweepResult, along: int, chosen: Sequence[int], banded: bool, least: float) -> NotebookFigure:
    sweep = result.sweep
    axis_of = sweep.design.axes[along]
    arms = texts.arm_titles(result)
    notes = [texts.members_text(result), band_words(result) if banded else ""]
    page = Page(result.scenario.title, [". ".join(filter(None, notes)) + "."])
    labels = {j: ["\n".join(parts) for parts in arm_legends(result, j, arms)] for j in chosen}
    room = ROOM if any(labels.values()) else RIGHT
    width = page.width - LEFT - room
    for j in chosen:
        measure = sweep.measures[j]
        values = [statistics.measure_values(result, a, j) for a in range(len(arms))]
        log = is_log(measure, np.concatenate(values))
        level = f"; dash-dotted: {' and '.join(map(number, measure.levels))}" if measure.levels else ""
        head = texts.item_label(measure, log) + level
        page.down(page.put(head, LEFT, width, 9, DARK) + 0.05)
        height = max(least, labels_height(labels[j], ROOM))
        panel, ends, total = draw_panel(page, LEFT, (width, height), result, along, j, banded)
        if labels[j]:
            anchors = [_end(result.values[:, along], value, ends, log) for value in values]
            entries = [Label(anchors[a], labels[j][a], *style(a)) for a in range(len(arms))]
            label_right(panel, width, height, entries, ROOM)
        page.down(total + 0.26)
    page.down(page.put(axis_words(result, along, axis_of), LEFT, width, 9, "#000000", "center"))
    return page.finish()


def axis_words(result: SweepResult, along: int, axis: Axis) -> str:
    """The title of a parameter's axis, with a default that is outside it."""
    text = texts.item_label(axis, axis.log)
    if axis.default is not None and not _inside(axis, axis_ends(result, along)):
        text += f"; default {with_unit(axis.default, axis.unit_text)}, not on this axis"
    if result.sweep.design.kind == "zip":
        first = result.values[:, along]
        axes = result.sweep.design.axes
        others = [i for i in statistics.varied_axes(result) if i != along]
        others = [i for i in others if not _twin(axes[i], axis, result.values[:, i], first)]
        with_it = [axes[i] for i in others]
        text += "".join(
            f"; with it {other.label} from {number(result.values[0, i])} "
            f"to {with_unit(result.values[-1, i], other.unit_text)}"
            for other, i in zip(with_it, others, strict=True)
        )
    return text


def _twin(other: Axis, axis: Axis, values: Array, first: Array) -> bool:
    """Whether two axes have the same label and the same values: one quantity that is set in two places."""
    return (other.label, other.unit_text) == (axis.label, axis.unit_text) and bool(np.array_equal(values, first))


def band_words(result: SweepResult) -> str:
    """What lines and bands are, in words."""
    few = len(result.sweep.arms) <= MOST_BANDS
    return "Line: median of the members at or near that value" + ("; band: 5 to 95 % of them" if few else "")


def arm_legends(result: SweepResult, measure: int, arms: Sequence[str]) -> list[list[str]]:
    """The legend of each arm, in parts: its name if there are several arms, and how many values are missing."""
    missing = [texts.missing_parts(result, a, measure) for a in range(len(arms))]
    if len(arms) == 1:
        return missing if missing[0] else []
    return [[arm, *parts] for arm, parts in zip(arms, missing, strict=True)]


def _end(x: Array, values: Array, ends: tuple[float, float], log: bool) -> float:
    """The height at which a curve ends, as a fraction of the panel's height."""
    known = ~np.isnan(values)
    if not known.any():
        return 0.0
    last = values[known][x[known].argmax()]
    return min(max(fraction(float(last), *ends, log), 0.0), 1.0)


def axis_ends(result: SweepResult, along: int) -> tuple[float, float]:
    """The limits of a parameter's axis: its range with a small margin."""
    axis = result.sweep.design.axes[along]
    x = result.values[:, along]
    found = np.array(
        [*x, *([axis.default] if axis.default is not None and axis.low <= axis.default <= axis.high else [])]
    )
    low, high = float(found.min()), float(found.max())
    if axis.log:
        step = max((high / low) ** 0.03, 1.02) if high > low else 2.0
        return low / step, high * step
    step = 0.03 * (high - low) or 0.1 * abs(high) or 1.0
    return low - step, high + step


def _inside(axis: Axis, ends: tuple[float, float]) -> bool:
    return axis.default is not None and ends[0] <= axis.default <= ends[1]


def draw_panel(
    page: Page, left: float, size: tuple[float, float], result: SweepResult, along: int, measure: int, banded: bool
) -> tuple[Axes, tuple[float, float], float]:
    """One measure against one parameter in `size` (width, height) inches, and below it what has no value.

    Returns the panel, the ends of its y axis, and the inches that both take.
    """
    axis, item = result.sweep.design.axes[along], result.sweep.measures[measure]
    arms = range(len(result.sweep.arms))
    x, (width, height) = result.values[:, along], size
    values = [statistics.measure_values(result, a, measure) for a in arms]
    log = is_log(item, np.concatenate(values))
    bins = [binned(x, value, axis.log) for value in values] if banded else []
    seen = np.concatenate([np.concatenate(b[1:] if len(arms) <= MOST_BANDS else [b.middle]) for b in bins] or values)
    ends_x = axis_ends(result, along)
    marked = _inside(axis, ends_x)
    ends_y = limits(seen, log, DEFAULT * PANEL / height if marked else 0.0, item.levels)
    cut = log and bool(outside_text(seen, ends_y))
    panel = page.panel(left, width, height)
    set_scale(panel, "x", ends_x, axis.log, width)
    set_scale(panel, "y", ends_y, log, height)
    panel.grid(True, color="#e6e6e6", linewidth=0.6)
    panel.set_axisbelow(True)
    for level in item.levels:
        panel.axhline(level, zorder=1.5, **LEVEL)
    for a in arms:
        if banded:
            _band(panel, bins[a], a, len(arms))
        else:
            _curve(panel, x, values[a], a)
        if cut:
            mark_outside(panel, "y", x, values[a], ends_y, style(a)[0])
    if cut:
        outside = wrap(outside_text(np.concatenate(values), ends_y, item.unit_text), width - 0.15, 7)
        box = {"facecolor": "white", "edgecolor": "none", "pad": 0.6, "alpha": 0.8}
        panel.annotate(outside, (0, 0), xycoords="axes fraction", xytext=(4, 5), textcoords="offset points",
                       fontsize=7, color=GREY, zorder=5, bbox=box)  # fmt: skip
    rows = [a for a in arms if np.isnan(values[a]).any()]
    total = height + _rug(page, left, size, result, rows, along, measure, marked) if rows else height
    if rows:
        panel.tick_params(bottom=False, labelbottom=False)
        panel.spines["bottom"].set_visible(False)
    if marked:
        mark_default(panel, float(axis.default or 0.0), fraction(float(axis.default or 0.0), *ends_x, axis.log))
    if all(np.isnan(value).all() for value in values):
        panel.set_yticks([])
        panel.text(0.5, 0.5, "no value in any member", transform=panel.transAxes, ha="center", fontsize=8, color=GREY)
    return panel, ends_y, total


def _rug(
    page: Page, left: float, size: tuple[float, float], result: SweepResult, rows: Sequence[int], along: int,
    measure: int, marked: bool,
) -> float:  # fmt: skip
    """A strip below the panel: a row for each arm in which something is missing; returns its inches."""
    axis, strip = result.sweep.design.axes[along], RUG * len(rows) + 0.06
    page.down(size[1])
    panel = page.panel(left, size[0], strip)
    page.down(-size[1])
    panel.set_facecolor("#f4f4f4")
    set_scale(panel, "x", axis_ends(result, along), axis.log, size[0])
    panel.set_ylim(-0.7, len(rows) - 0.3)
    panel.set_yticks([])
    for row, a in enumerate(rows):
        rug(
            panel,
            result.values[:, along],
            result.failed[:, a],
            statistics.without_value(result, a, measure),
            row,
            style(a)[0],
        )
    if marked:
        panel.axvline(float(axis.default or 0.0), color=GREY, linewidth=0.8, linestyle=(0, (3, 2)), zorder=1.5)
    return strip


def _curve(panel: Axes, x: Array, values: Array, number: int) -> None:
    order = np.argsort(x, kind="stable")
    color, dash = style(number)
    marks: dict[str, Any] = {"marker": "o" if len(x) <= MOST_DOTS else "", "markersize": 3}
    if len(np.unique(x)) < len(x):  # several members at one value do not form a curve
        marks, dash = {"marker": "o", "markersize": 3}, "none"
    panel.plot(
        x[order], values[order], color=color, linestyle=dash, linewidth=max(1.3, 2.2 - 0.5 * number), zorder=3, **marks
    )


def _band(panel: Axes, bins: Bins, number: int, arms: int) -> None:
    color, dash = style(number)
    if arms <= MOST_BANDS:
        panel.fill_between(bins.x, bins.low, bins.high, color=color, alpha=0.14, linewidth=0, zorder=2)
        for edge in (bins.low, bins.high):
            panel.plot(bins.x, edge, color=color, linewidth=0.6, linestyle=dash, zorder=2.5)
    panel.plot(bins.x, bins.middle, color=color, linestyle=dash, linewidth=1.7, zorder=3, marker="o", markersize=3)


def binned(x: Array, values: Array, log: bool) -> Bins:
    """Quantiles of `values` at each value of x, or, where these are many, in bins of as many members each."""
    points = np.unique(x)
    if len(points) > MOST_VALUES:
        count = int(np.clip(len(x) // 15, 1, 12))
        groups = [group for group in np.array_split(np.argsort(x, kind="stable"), count) if len(group)]
    else:
        groups = [np.flatnonzero(x == point) for point in points]
    middles = np.array([np.exp(np.log(x[group]).mean()) if log else x[group].mean() for group in groups])
    found = np.full((3, len(groups)), np.nan)
    for i, group in enumerate(groups):
        known = values[group][~np.isnan(values[group])]
        if len(known):
            found[:, i] = np.quantile(known, (0.05, 0.5, 0.95))
    return Bins(middles, *found)


def rug(panel: Axes, x: Array, failed: statistics.Flags, none: statistics.Flags, height: float, color: str) -> None:
    """Draws a cross at this height for each failed member, and a ring for each without a value."""
    for marker, chosen in (("x", failed), ("o", none)):
        at = x[chosen][texts.sampled(int(chosen.sum()), MOST_CROSSES)]
        if len(at):
            marks: dict[str, Any] = {"markersize": 4.5, "markerfacecolor": "none", "markeredgewidth": 1.1, "zorder": 4}
            label = "failed" if marker == "x" else "no value"
            panel.plot(at, np.full(len(at), height), marker, color=color, label=label, **marks)


def mark_default(panel: Axes, at: float, share: float) -> None:
    """Marks the scenario's own value by a thin line and a word. share: where it is along the axis, from 0 to 1."""
    panel.axvline(at, color=GREY, linewidth=0.8, linestyle=(0, (3, 2)), zorder=1.5, label="default")
    panel.annotate(
        "default",
        (at, 1.0),
        xycoords=blended_transform_factory(panel.transData, panel.transAxes),
        xytext=(3 if share < 0.8 else -3, -1),
        textcoords="offset points",
        ha="left" if share < 0.8 else "right",
        va="top",
        fontsize=SMALL,
        color=GREY,
        zorder=5,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6, "alpha": 0.8},
    )


def against_each(result: SweepResult, measure: int, axes: Sequence[int], omitted: int) -> Picture:
    """One measure against each of these axes in a small panel, strongest first. omitted: how many axes are left out."""
    sweep = result.sweep
    item = sweep.measures[measure]
    arms = texts.arm_titles(result)
    log = is_log(item, np.concatenate([statistics.measure_values(result, a, measure) for a in range(len(arms))]))
    less = f" {omitted} more parameters, with weaker correlation, are omitted." if omitted else ""
    order = "Parameters sorted by their rank correlation with the measure"
    order += ", each in the arm where it is strongest" if len(arms) > 1 else ""
    note = f"{texts.members_text(result)}. {band_words(result)}. {order}.{less}"
    page = Page(result.scenario.title, [note])
    page.down(page.put(texts.item_label(item, log), MARGIN, page.width - 0.5, 10, DARK) + 0.06)
    _arm_key(page, result, measure, arms)
    columns = min(3, len(axes))
    step = (page.width - 0.1) / 3
    size = (step - LEFT + 0.05, 1.5)
    for first in range(0, len(axes), columns):
        row = axes[first : first + columns]
        drawn = [
            draw_panel(page, LEFT - 0.15 + c * step, size, result, along, measure, True) for c, along in enumerate(row)
        ]
        page.down(max(total for _, _, total in drawn) + 0.24)
        names = [axis_words(result, along, sweep.design.axes[along]) for along in row]
        taken = [page.put(t, LEFT - 0.35 + c * step, size[0] + 0.3, SMALL, "#000000") for c, t in enumerate(names)]
        page.down(max(taken) + 0.16)
    strong = statistics.strongest_correlation(result, measure)
    ranks = "; ".join(f"{sweep.design.axes[i].label} {strong[i]:+.2f}" for i in axes)
    start = f"{item.label} against each of {len(axes)} parameters"
    text = f"{texts.describe_measures(result, start, [measure], axes)} Rank correlation with the measure: {ranks}."
    return Picture(f"against_{item.id}", page.finish(), text)


def _arm_key(page: Page, result: SweepResult, measure: int, arms: Sequence[str]) -> None:
    """The legend: a line for each arm, if there are several or values are missing."""
    legends = arm_legends(result, measure, arms)
    room = page.width - 0.3
    for place, parts in enumerate(legends):
        named = len(arms) > 1 and len(parts) > 1
        text = f"{parts[0]}: {', '.join(parts[1:])}" if named else ", ".join(parts)
        tall = text_height(wrap(text, room - 0.6, SMALL), SMALL)
        line = page.panel(MARGIN, 0.3, tall)
        line.set_axis_off()
        color, dash = style(place)
        line.plot([0, 1], [0.5, 0.5], color=color, linestyle=dash, linewidth=1.6)
        page.down(page.put(text, MARGIN + 0.4, room - 0.6, SMALL, color) + 0.03)
    if legends:
        page.down(0.06)
