"""One parameter at a time: a tornado diagram, with the parameter that changes the measure most on top."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes

from ....experiments.sweeps import statistics
from ....experiments.sweeps.compute import SweepResult
from ....experiments.sweeps.designs import Axis, SweepMeasure
from ....numerics.trajectory import Array
from ...text import sweep_measures as texts
from ...text.numbers import number, scale_text, with_unit
from ..page import Page, Picture, text_height, text_width, wrap
from ..scales import frame, is_log, limits, mark_outside, set_scale
from ..style import DARK, GREY, SMALL

MOST_BARS = 15
NAMES, WIDTH = 2.3, 5.3  # inches: the names at the left, and the bars
ROW, HALF = 0.36, 0.15  # inches: a parameter, and the bar of one of its ends
LOW, HIGH = "#56B4E9", "#D55E00"
TEXT = 7.0


class Bar(NamedTuple):
    """The lowest and highest value of a parameter, and the measure at both; NaN where it failed or has no value."""

    axis: Axis
    ends: tuple[float, float]
    measure: tuple[float, float]
    failed: tuple[bool, bool]

    def size(self, middle: float) -> float:
        """The span of the measure at both ends and `middle`."""
        known = [value for value in (*self.measure, middle) if not np.isnan(value)]
        return max(known) - min(known) if known else 0.0

    @property
    def incomplete(self) -> bool:
        """Whether a measure is missing at one end."""
        return bool(np.isnan(self.measure).any())


def tornado(result: SweepResult, measure: int) -> Picture:
    """The tornado diagram of one measure, one arm below the other, each with its own order."""
    sweep = result.sweep
    item, arms = sweep.measures[measure], texts.arm_titles(result)
    page = Page(result.scenario.title, [_note(result)])
    page.down(page.put(texts.title(item), 0.12, page.width - 0.24, 10, DARK) + 0.08)
    text = [f"{item.label}, one parameter at a time; {texts.members_text(result)}."]
    for a, arm in enumerate(arms):
        middle, bars = bars_of(result, a, measure)
        if len(arms) > 1:
            page.down(page.put(arm, 0.12, page.width - 0.24, 9, DARK) + 0.05)
        _arm(page, bars, middle, item, texts.missing(result, a, measure))
        text.append(_text(item.unit_text, arm, bars, middle))
    return Picture(f"tornado_{item.id}", page.finish(), " ".join(text))


def _note(result: SweepResult) -> str:
    return (
        f"{texts.members_text(result)}. Upper half of each bar, light: the parameter at its lowest value; "
        "lower half, dark: at its highest; × instead of a bar: no value there."
    )


def base_values(result: SweepResult) -> Array:
    """The default value of each axis, shape (axes,): that of the model if it occurs, else the most frequent."""
    found = []
    for column in result.values.T:
        points, counts = np.unique(column, return_counts=True)
        found.append(points[counts.argmax()])
    for i, axis in enumerate(result.sweep.design.axes):
        if axis.default is not None and np.isclose(result.values[:, i], axis.default, rtol=1e-12, atol=0).any():
            found[i] = axis.default
    return np.array(found)


def bars_of(result: SweepResult, arm: int, measure: int) -> tuple[float, list[Bar]]:
    """The measure with all parameters at their defaults, and a bar for each axis, the longest first."""
    axes = result.sweep.design.axes
    values, failed = statistics.measure_values(result, arm, measure), result.failed[:, arm]
    turned = ~np.isclose(result.values, base_values(result), rtol=1e-12, atol=0)
    still = np.flatnonzero(~turned.any(axis=1))
    middle = float(values[still[0]]) if len(still) else float("nan")
    bars = []
    for i, axis in enumerate(axes):
        alone = np.flatnonzero(turned[:, i] & (turned.sum(axis=1) == 1))
        candidates = np.concatenate([alone, still[:1]])
        if not len(alone):
            continue
        low, top = (candidates[f(result.values[candidates, i])] for f in (np.argmin, np.argmax))
        ends = (float(result.values[low, i]), float(result.values[top, i]))
        bars.append(Bar(axis, ends, (float(values[low]), float(values[top])), (bool(failed[low]), bool(failed[top]))))
    item, all_values = result.sweep.measures[measure], [*(v for bar in bars for v in bar.measure), middle]
    log = is_log(item, np.array(all_values))
    if log:
        sizes = [bar._replace(measure=tuple(np.log(bar.measure))).size(float(np.log(middle))) for bar in bars]
    else:
        sizes = [bar.size(middle) for bar in bars]
    order = sorted(range(len(bars)), key=lambda i: (-sizes[i], not bars[i].incomplete))
    return middle, [bars[i] for i in order]


def _arm(page: Page, bars: list[Bar], middle: float, item: SweepMeasure, missing: str) -> None:
    shown = bars[:MOST_BARS]
    names = [wrap(bar.axis.label, NAMES - 0.25, SMALL) for bar in shown]
    steps = [max(ROW, text_height(name, SMALL) + 0.06) for name in names]
    height = sum(steps) or ROW
    values = np.array([middle, *(value for bar in bars for value in bar.measure)])
    log = is_log(item, values)
    page.down(0.18)  # the word above the default line
    panel = page.panel(NAMES, WIDTH, height)
    panel.set_ylim(height, 0)
    panel.set_yticks([])
    panel.spines["left"].set_visible(False)
    ends = _scale(panel, shown, values, log)
    start = middle
    if not np.isnan(middle):
        panel.axvline(middle, color=GREY, linewidth=0.9, zorder=4, label="default")
        panel.annotate("default", (middle, 0), xytext=(0, 3), textcoords="offset points", ha="center", va="bottom",
                       fontsize=SMALL, color=GREY, annotation_clip=False)  # fmt: skip
    elif np.isfinite(values).any():
        start = min(max(float(np.nanmedian(values)), ends[0]), ends[1])
    else:
        start = 0.5
    top = 0.0
    for bar, name, step in zip(shown, names, steps, strict=True):
        row = top + step / 2
        panel.text(-0.15 / WIDTH, row, name, transform=panel.get_yaxis_transform(), ha="right", va="center",
                   fontsize=SMALL, linespacing=1.1)  # fmt: skip
        for side, (color, shift) in enumerate(((LOW, -HALF / 2), (HIGH, HALF / 2))):
            _half(panel, bar, side, start, row + shift, color, ends)
        top += step
    page.down(height + 0.24)
    scale = scale_text(item.unit_text, log)
    if scale:
        page.down(page.put(f"[{scale}]", NAMES, WIDTH, SMALL, "#000000", "center") + 0.03)
    omitted = len(bars) - len(shown)
    less = f"{omitted} others smaller and not shown" if omitted else ""
    foot = "; ".join(filter(None, [less, missing]))
    if foot:
        page.down(page.put(foot, NAMES, WIDTH, SMALL, GREY) + 0.05)
    page.down(0.08)


def _half(panel: Axes, bar: Bar, side: int, start: float, y: float, color: str, ends: tuple[float, float]) -> None:
    """Draws one half of a bar, from the default to the value at one end of the parameter, with that end next to it."""
    value, text = bar.measure[side], with_unit(bar.ends[side], bar.axis.unit_text)
    missing = np.isnan(value)
    to_left = (not missing and value < start) or (missing and side == 0)
    if missing:
        value = start
        why = "failed" if bar.failed[side] else "no value"
        panel.plot([value], [y], "x" if bar.failed[side] else "o", color=color, mfc="none", ms=5, zorder=5, label=why)
        text = f"{text}: {why}"
    else:
        shown = min(max(value, ends[0]), ends[1])
        panel.barh(y, shown - start, HALF * 0.9, start, color=color, zorder=3)
        if shown != value:
            text = f"{text}: {number(value, 2)}"
            mark_outside(panel, "x", np.array([y]), np.array([value]), ends, color)
        value = shown
    panel.annotate(text, (value, y), xytext=(-5 if to_left else 5, 0), textcoords="offset points", fontsize=TEXT,
                   ha="right" if to_left else "left", va="center", color=DARK, zorder=5)  # fmt: skip


def _scale(panel: Axes, bars: list[Bar], values: Array, log: bool) -> tuple[float, float]:
    """Sets limits that leave room for the texts at both sides; returns the limits of the bars."""
    known = values[np.isfinite(values)]
    ends = (0.0, 1.0)
    if len(known):
        ends = frame(known) if log else (float(known.min()), float(known.max()))
        if not np.isnan(values[0]):  # the default
            ends = (min(ends[0], float(values[0])), max(ends[1], float(values[0])))
    texts = [
        f"{with_unit(end, bar.axis.unit_text)}"
        + (": no value" if bar.incomplete else "" if ends[0] <= value <= ends[1] else f": {number(value, 2)}")
        for bar in bars
        for end, value in zip(bar.ends, bar.measure, strict=True)
    ]
    room = min(max((text_width(text, TEXT) for text in texts), default=0.5) + 0.15, 0.42 * WIDTH) / WIDTH
    if not len(known):
        set_scale(panel, "x", ends, False, WIDTH)
        panel.set_xticks([])
        return ends
    low, top = ends
    if log:
        low, top = float(np.log10(low)), float(np.log10(top))
    if top - low <= 1e-6 * max(abs(low), abs(top)):
        low, top = limits(values, False) if not log else (low - 0.5, top + 0.5)
    span = (top - low) / (1 - 2 * room)
    low, top = low - room * span, top + room * span
    set_scale(panel, "x", (10**low, 10**top) if log else (low, top), log, WIDTH)
    return ends


def _text(unit: str, arm: str, bars: list[Bar], middle: float) -> str:
    known = [bar for bar in bars if not bar.incomplete]
    parts = [f"{arm}: by default {with_unit(middle, unit)}" if not np.isnan(middle) else f"{arm}: no default value"]
    for bar in known[:3]:
        low, top = (with_unit(end, bar.axis.unit_text) for end in bar.ends)
        one, other = (with_unit(value, unit) for value in bar.measure)
        parts.append(f"{bar.axis.label} at {low} gives {one}, at {top} {other}")
    lost = [bar.axis.label for bar in bars if bar.incomplete]
    if lost:
        parts.append(f"no value at an end of {', '.join(lost)}")
    if len(bars) > MOST_BARS:
        parts.append(f"{len(bars) - MOST_BARS} others smaller")
    return "; ".join(parts) + "."
