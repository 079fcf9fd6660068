"""Many parameters at once: each member a line through its values, coloured by the first measure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ....experiments.sweeps import statistics
from ....experiments.sweeps.compute import SweepResult
from ....experiments.sweeps.designs import Axis
from ....numerics.trajectory import Array
from ...text import sweep_measures as texts
from ...text.numbers import number
from ..page import NotebookFigure, Page, Picture, text_height, wrap
from ..scales import fraction, in_words, limits, outside_text, round_numbers
from ..shade import FAILED, Shade, shade_of
from ..style import DARK, SMALL

MOST_LINES, MOST_FAILED = 150, 50
NAMES, WIDTH = 2.3, 4.9  # inches: the names at the left, and the axes
ROW = 0.52  # inches from one axis to the next
MOST_AXES = 12


def strongest(result: SweepResult, strength: Array) -> list[int]:
    """The varied axes, at most `MOST_AXES`, sorted by the size of their rank correlation with a measure."""
    strong = np.abs(strength)
    return sorted(statistics.varied_axes(result), key=lambda i: -strong[i])[:MOST_AXES]


def parallel(result: SweepResult, arm: int, axes: Sequence[int]) -> Picture:
    """One arm: an axis for each parameter and, below them, one for the first measure."""
    sweep = result.sweep
    start = f"Each member as a line through its {len(axes)} parameters, coloured by {sweep.measures[0].label}"
    strong = statistics.rank_correlation(result, arm, 0)
    ranks = "; ".join(f"{sweep.design.axes[i].label} {strong[i]:+.2f}" for i in axes)
    missing = texts.missing(result, arm, 0, "drawn dashed", "not drawn")
    extremes = texts.extremes_text(result, arm, 0, axes)
    name = texts.arm_titles(result)[arm]
    text = (
        f"{start}; {texts.members_text(result)}. {sweep.measures[0].label} ({name}): {extremes}"
        f"{'; ' + missing if missing else ''}. Rank correlation with it: {ranks}."
    )
    return Picture(f"parallel_{sweep.arms[arm]}", _figure(result, arm, axes), text)


def _figure(result: SweepResult, arm: int, axes: Sequence[int]) -> NotebookFigure:
    sweep = result.sweep
    item = sweep.measures[0]
    values = statistics.measure_values(result, arm, 0)
    failed, shade = result.failed[:, arm], shade_of(item, values)
    drawn = np.flatnonzero(~np.isnan(values))
    drawn = drawn[texts.sampled(len(drawn), MOST_LINES)]
    lost = np.flatnonzero(failed)
    lost = lost[texts.sampled(len(lost), MOST_FAILED)]
    name = texts.arm_titles(result)[arm]
    page = Page(result.scenario.title, [_note(result, arm, len(axes), len(drawn), len(lost), shade)])
    page.down(page.put(name, 0.12, page.width - 0.24, 10, DARK) + 0.1 if len(sweep.arms) > 1 else 0.05)
    rows = len(axes) + 1
    names = [wrap(texts.item_label(sweep.design.axes[i], sweep.design.axes[i].log), NAMES - 0.2, SMALL) for i in axes]
    names.append(wrap(texts.item_label(item, shade.log), NAMES - 0.2, SMALL))
    steps = [max(ROW, text_height(text, SMALL) + 0.1) for text in names]
    middles = [sum(steps[:i]) + steps[i] / 2 for i in range(rows)]
    height = sum(steps)
    panel = page.panel(NAMES, WIDTH, height)
    panel.set(xlim=(0, 1), ylim=(height, 0))
    panel.set_axis_off()
    ends = [_ends(sweep.design.axes[i], result.values[:, i]) for i in axes]
    ends_measure = limits(values, shade.log)

    def line(member: np.intp) -> list[float]:
        row = zip(axes, ends, strict=True)
        return [fraction(result.values[member, i], *end, sweep.design.axes[i].log) for i, end in row]

    norm = shade.norm
    for member in drawn[np.argsort(values[drawn])]:
        through = [*line(member), min(max(fraction(values[member], *ends_measure, shade.log), 0.0), 1.0)]
        panel.plot(through, middles, color=shade.colours(norm(values[member])), linewidth=0.7, alpha=0.8, zorder=2)
    dashed: dict[str, Any] = {"color": FAILED, "linestyle": (0, (4, 2)), "linewidth": 1.0, "zorder": 3}
    for member in lost:
        through = line(member)
        panel.plot(through, middles[:-1], label="failed", **dashed)
        panel.plot(through[-1:], middles[-2:-1], "x", color=FAILED, ms=5, zorder=4, clip_on=False)
    for k, middle in enumerate(middles):
        panel.plot([0, 1], [middle, middle], color="black", linewidth=0.8, zorder=4)
        panel.text(-0.15 / WIDTH, middle, names[k], ha="right", va="center", fontsize=SMALL, linespacing=1.1)
        axis = sweep.design.axes[axes[k]] if k < len(axes) else None
        log = axis.log if axis else shade.log
        _ticks(panel, ends[k] if axis else ends_measure, log, middle)
        if axis and axis.default is not None and ends[k][0] <= axis.default <= ends[k][1]:
            at = fraction(axis.default, *ends[k], log)
            panel.plot([at], [middle], "v", color="black", ms=6, zorder=6, clip_on=False, label="default")
    page.down(height + 0.05)
    return page.finish()


def _note(result: SweepResult, arm: int, axes: int, drawn: int, lost: int, shade: Shade) -> str:
    known, failed = int((~np.isnan(statistics.measure_values(result, arm, 0))).sum()), int(result.failed[:, arm].sum())
    parts = [texts.members_text(result)]
    parts.append(f"{drawn} of the {known} with a value are drawn" if drawn < known else "")
    if failed:
        parts.append(f"{failed} failed, {f'{lost} of them ' if lost < failed else ''}dashed and ending in ×")
    none = int(statistics.without_value(result, arm, 0).sum())
    parts.append(f"{none} without a value, not drawn" if none else "")
    more = len(statistics.varied_axes(result)) - axes
    parts.append(f"{more} more parameters, with weaker correlation, are omitted" if more > 0 else "")
    item, (low, top) = result.sweep.measures[0], (number(end) for end in shade.ends)
    parts.append(f"Colour: {texts.title(item)}, dark (blue) is low ({low}), light (yellow) is high ({top})")
    outside = outside_text(statistics.measure_values(result, arm, 0), shade.ends, item.unit_text) if shade.log else ""
    parts.append(f"{outside}, drawn at the edge" if outside else "")
    parts.append("Black triangle: default")
    return ". ".join(filter(None, parts)) + "."


def _ends(axis: Axis, values: Array) -> tuple[float, float]:
    low, top = min(axis.low, float(values.min())), max(axis.high, float(values.max()))
    if low == top:
        return (low / 2, top * 2) if axis.log else (low - (abs(low) or 1.0), top + (abs(top) or 1.0))
    return low, top


def _ticks(panel: Any, ends: tuple[float, float], log: bool, middle: float) -> None:
    numbers = round_numbers(*ends, log, 5)
    for value, text in zip(numbers, in_words(numbers), strict=True):
        at = fraction(value, *ends, log)
        panel.plot([at, at], [middle, middle + 0.04], color="black", linewidth=0.8, zorder=4)
        panel.text(
            at, middle + 0.06, text, ha="center", va="top", fontsize=7, color=DARK, zorder=5,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
        )  # fmt: skip
