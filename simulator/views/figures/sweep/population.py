"""Populations: how a measure is distributed in each arm, and how it differs between arms in the same patient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from ....experiments.sweeps import statistics
from ....experiments.sweeps.compute import SweepResult
from ....numerics.trajectory import Array
from ...text import sweep_measures as texts
from ...text.numbers import axis_title, number, with_unit
from ..page import Label, NotebookFigure, Page, Picture, label_right, labels_height, text_height, wrap
from ..scales import frame_of_ratios, is_log, limits, mark_outside, outside_text, set_scale, wants_log
from ..style import DARK, GREY, SMALL, style
from .lines import LEFT, LEVEL, PANEL, ROOM

NAMES, STRIP = 1.9, 0.62  # inches: names at the left, and the row of an arm
TAIL = 0.35  # inches at the right for what has no value
MOST_POINTS = 600
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def spreads(result: SweepResult, measure: int) -> Picture:
    """A measure of every member as a point, in a row for each arm, with median, quartiles and 5 to 95 %."""
    item, arms = result.sweep.measures[measure], texts.arm_titles(result)
    values = [statistics.measure_values(result, a, measure) for a in range(len(arms))]
    log = is_log(item, np.concatenate(values))
    note = "Thin bar: 5 to 95 %; thick bar: 25 to 75 %; diamond and number: median"
    page = Page(result.scenario.title, [f"{texts.members_text(result)}. {note}."])
    page.down(page.put(texts.item_label(item, log), 0.12, page.width - 0.24, 10, DARK) + 0.08)
    width = page.width - NAMES - TAIL - 0.2
    ends = limits(np.concatenate(values), log, always=item.levels)
    outside = [outside_text(value, ends, item.unit_text) if log else "" for value in values]
    names = []
    for a, arm in enumerate(arms):
        parts = [arm, texts.inside_text(result, a, measure), outside[a], texts.missing(result, a, measure)]
        names.append(wrap("\n".join(filter(None, parts)), NAMES - 0.3, SMALL))
    steps = [max(STRIP, text_height(name, SMALL) + 0.1) for name in names]
    panel = page.panel(NAMES, width, sum(steps))
    panel.set_ylim(sum(steps), 0)
    panel.set_yticks([])
    panel.spines["left"].set_visible(False)
    set_scale(panel, "x", ends, log, width)
    for level in item.levels:
        panel.axvline(level, zorder=1.5, **LEVEL)
    panel.grid(True, axis="x", color="#e6e6e6", linewidth=0.6)
    panel.set_axisbelow(True)
    top = 0.0
    text = []
    for a, (arm, step) in enumerate(zip(arms, steps, strict=True)):
        row = top + step / 2
        across = panel.get_yaxis_transform()
        panel.text(-0.12 / width, row, names[a], transform=across, ha="right", va="center", fontsize=SMALL,
                   color=style(a)[0], linespacing=1.1)  # fmt: skip
        _row(panel, values[a], row, a, item.unit_text)
        if outside[a]:
            mark_outside(panel, "x", row + 0.1 + _jitter(len(values[a]), 0.1, 0), values[a], ends, style(a)[0])
        _missing(panel, result, a, measure, row, width)
        share = texts.inside_text(result, a, measure)
        quantiles = _quantile_words(values[a], item.unit_text) + (f"; {share}" if share else "")
        text.append(f"{item.label} ({arm}): {quantiles}{_missing_text(result, a, measure)}.")
        top += step
    page.down(sum(steps) + 0.3)
    start = f"Spread of {texts.item_label(item)}; {texts.members_text(result)}."
    return Picture(f"spread_{item.id}", page.finish(), " ".join([start, *text]))


def _missing_text(result: SweepResult, arm: int, measure: int) -> str:
    text = texts.missing(result, arm, measure, "crosses at the right", "rings at the right")
    return f"; {text}" if text else ""


def _quantile_words(values: Array, unit: str) -> str:
    known = values[~np.isnan(values)]
    if not len(known):
        return "no value"
    low, _, middle, _, top = (float(value) for value in np.quantile(known, QUANTILES))
    return f"median {with_unit(middle, unit)}, 5 to 95 % from {number(low)} to {with_unit(top, unit)}"


def _jitter(count: int, half: float, stream: int) -> Array:
    """Offsets that look random and are always the same."""
    return np.random.default_rng(stream).uniform(-half, half, count)


def _row(panel: Axes, values: Array, row: float, number: int, unit: str) -> None:
    known = values[~np.isnan(values)]
    if not len(known):
        panel.text(0.5, row, "no value", transform=panel.get_yaxis_transform(), fontsize=SMALL, color=GREY,
                   ha="center", va="center")  # fmt: skip
        return
    color = style(number)[0]
    chosen = known[texts.sampled(len(known), MOST_POINTS)]
    few = len(chosen) <= 30
    panel.plot(chosen, row + 0.1 + _jitter(len(chosen), 0.1, 0), "o", ms=4 if few else 2.2, color=color, alpha=0.45,
               mec="none",
               zorder=2, label="members", rasterized=len(chosen) > 300)  # fmt: skip
    low, lower, middle, upper, top = (float(value) for value in np.quantile(known, QUANTILES))
    bar = row - 0.1
    at = float(np.clip(middle, *panel.get_xlim()))
    panel.plot([low, top], [bar, bar], color=color, linewidth=1.0, zorder=3, solid_capstyle="butt")
    panel.plot([lower, upper], [bar, bar], color=color, linewidth=4.5, zorder=3, solid_capstyle="butt")
    panel.plot([at], [bar], "D", ms=4.5, mec=color, mew=1.2, color="white", zorder=4, label="median")
    share = panel.transAxes.inverted().transform(panel.transData.transform((at, row)))[0]
    side: dict[str, Any] = {"ha": "left" if share < 0.15 else "right" if share > 0.85 else "center"}
    panel.annotate(with_unit(middle, unit), (at, bar), xytext=(0, 4), textcoords="offset points",
                   fontsize=SMALL, color=color, va="bottom", zorder=5, **side)  # fmt: skip


def _missing(panel: Axes, result: SweepResult, arm: int, measure: int, row: float, width: float) -> None:
    """Crosses and rings right of the axis, one for each member that failed or has no value."""
    across = panel.get_yaxis_transform()
    for marker, chosen, at in (
        ("x", result.failed[:, arm], 0.12),
        ("o", statistics.without_value(result, arm, measure), 0.27),
    ):
        count = min(int(chosen.sum()), MOST_POINTS)
        if count:
            x = 1 + (at + _jitter(count, 0.05, 1)) / width
            marks: dict[str, Any] = {"color": style(arm)[0], "mfc": "none", "ms": 4, "clip_on": False}
            panel.plot(x, row + _jitter(count, 0.2, 2), marker, transform=across, **marks,
                       label="failed" if marker == "x" else "no value")  # fmt: skip


def paired_differences(result: SweepResult, measure: int) -> Picture | None:
    """Each other arm compared with the first in the same member, sorted; as a ratio where the measure spans decades."""
    item, arms = result.sweep.measures[measure], texts.arm_titles(result)
    first = statistics.measure_values(result, 0, measure)
    others = [statistics.measure_values(result, a, measure) for a in range(1, len(arms))]
    ratio = is_log(item, np.concatenate([first, *others]))
    with np.errstate(over="ignore"):
        found = [np.sort(known[np.isfinite(known)]) for known in ((o / first if ratio else o - first) for o in others)]
    if not any(len(values) for values in found):
        return None
    log = ratio and wants_log(np.concatenate(found))
    unit = "1" if ratio else item.unit_text
    sentences = [_pair_sentence(values, arms[a], arms[0], ratio, unit) for a, values in enumerate(found, 1)]
    labels = [f"{arms[a]}: {_sides(values, ratio)}" for a, values in enumerate(found, 1)]
    what = f"{texts.title(item)}: {'divided by' if ratio else 'minus'} that in arm '{arms[0]}', same member"
    title = axis_title(what, unit, log)
    least = min(len(values) for values in found)
    lost = len(result.numbers) - least
    omitted = f" Up to {lost} have no value in one of the two arms and are omitted." if lost else ""
    note = f"{texts.members_text(result)}. Members sorted by what is shown.{omitted}"
    figure = _sorted_figure(result.scenario.title, note, found, labels, title, 1.0 if ratio else 0.0, log)
    text = f"{what}; {texts.members_text(result)}.{omitted} {' '.join(sentences)}"
    return Picture(f"pairs_{item.id}", figure, text)


def _sorted_figure(
    head: str, note: str, found: Sequence[Array], labels: Sequence[str], title: str, same: float, log: bool
) -> NotebookFigure:
    page = Page(head, [note])
    width = page.width - LEFT - ROOM
    page.down(page.put(title, LEFT, width, 9, DARK) + 0.05)
    ends = limits(np.concatenate(found), log, 0.0, [same], frame_of_ratios)
    if log:
        labels = [
            f"{x}; {y}" if (y := outside_text(values, ends)) else x for x, values in zip(labels, found, strict=True)
        ]
    height = max(PANEL * 1.2, labels_height(labels, ROOM))
    panel = page.panel(LEFT, width, height)
    panel.grid(True, color="#e6e6e6", linewidth=0.6)
    panel.set_axisbelow(True)
    set_scale(panel, "x", (0, 100), False, width)
    set_scale(panel, "y", ends, log, height)
    panel.axhline(same, color=GREY, linewidth=1.0, zorder=2, label="no difference")
    entries = []
    for place, (values, label) in enumerate(zip(found, labels, strict=True), 1):
        color, dash = style(place)
        share = (np.arange(len(values)) + 0.5) / max(len(values), 1) * 100
        dots: dict[str, Any] = {"marker": "o" if len(values) <= 60 else "", "ms": 2.5}
        panel.plot(share, values, color=color, linestyle=dash, linewidth=1.5, zorder=3, **dots)
        if log:
            mark_outside(panel, "y", share, values, ends, color)
        at = panel.transLimits.transform(panel.transScale.transform((0, values[-1])))[1] if len(values) else 0.0
        entries.append(Label(float(np.clip(at, 0.0, 1.0)), label, color, dash))
    label_right(panel, width, height, entries, ROOM)
    page.down(height + 0.26)
    page.down(page.put("members, sorted [%]", LEFT, width, 9, "#000000", "center"))
    return page.finish()


def _sides(values: Array, ratio: bool) -> str:
    same = 1.0 if ratio else 0.0
    return f"higher in {int((values > same).sum())}, lower in {int((values < same).sum())} of {len(values)}"


def _pair_sentence(values: Array, arm: str, first: str, ratio: bool, unit: str) -> str:
    if not len(values):
        return f"{arm}: no member has a value in both arms."
    middle, low, top = (float(value) for value in np.quantile(values, (0.5, 0.05, 0.95)))
    kind = "ratio" if ratio else "difference"
    spread = f"5 to 95 % from {number(low)} to {with_unit(top, unit)}"
    return f"{arm} against {first}: median {kind} {with_unit(middle, unit)}, {spread}, {_sides(values, ratio)}."
