"""Quantile bands of kept curves over time, a panel for each arm, with its doses."""

from __future__ import annotations

import numpy as np

from ..experiments.sweep import SweepResult
from . import sweep_words as words
from .dose_marks import DOSE_ROW, dose_rows, mark_doses
from .page import DARK, SMALL, Label, Page, Picture, label_right
from .plots import clock_of, style
from .scales import fraction, limits, set_scale, wants_log
from .sweep_lines import LEFT, RIGHT, ROOM

HEIGHT = 2.0  # inches
LOWEST = 1e-6  # of the largest value: below it a logarithmic axis shows nothing of interest


def bands(result: SweepResult, curve: str) -> Picture:
    """One curve: median, the middle half and 5 to 95 % of the members that did not fail, at each time."""
    sweep, model = words.sweep_of(result), result.scenario.model
    clock, long = clock_of(result.scenario)
    times, end = result.times * long, result.scenario.end * long
    unit = model.unit_text(curve)
    found = {name: result.bands[name, curve] for name in sweep.arms if (name, curve) in result.bands}
    known = np.concatenate([band.ravel() for band in found.values()])
    top = float(np.nanmax(known)) if np.isfinite(known).any() else 0.0
    seen = np.where(known > max(top, 0.0) * LOWEST, known, np.nan)
    negative = bool((known < -1e-6 * top).any())
    log = top > 0 and not negative and wants_log(seen)
    label = (model.species if curve in model.species else model.observables)[curve].label
    note = f"{words.members_words(result)}. At each time: quantiles of the members that did not fail."
    if log and bool((known < np.nanmin(seen)).any()):
        note += f" Values below {words.with_unit(float(np.nanmin(seen)), unit)} are drawn at the lower edge."
    page = Page(result.scenario.title, [note])
    scale = ", ".join(filter(None, ["" if unit == "1" else unit, "logarithmic" if log else ""]))
    page.down(page.put(f"{label} [{scale}]" if scale else label, 0.12, page.width - 0.24, 10, DARK) + 0.06)
    width = page.width - LEFT - ROOM
    drugs = [dose_rows([result.scenario.arm(name)], result.scenario.end, long, lambda number: DARK) for name in found]
    ends = limits(seen if log else known, log, DOSE_ROW * max(map(len, drugs), default=0) * 1.3)
    text = [f"{label} over time; {words.members_words(result)}."]
    for a, name in enumerate(sweep.arms):
        if name not in found:
            continue
        band, arm = found[name], words.arms_of(result)[a]
        gone = words.missing(result, a, None, "left out")
        head = ": ".join(filter(None, [arm if len(sweep.arms) > 1 else "", gone]))
        page.down(page.put(head, LEFT, page.width - LEFT - RIGHT, SMALL, style(a)[0]) + 0.04 if head else 0.0)
        panel = page.panel(LEFT, width, HEIGHT)
        set_scale(panel, "x", (0.0, end), False, width)
        set_scale(panel, "y", ends, log, HEIGHT)
        panel.grid(True, color="#e6e6e6", linewidth=0.6)
        panel.set_axisbelow(True)
        color = style(a)[0]
        shown = np.maximum(band, ends[0]) if log else band  # NaN stays NaN
        panel.fill_between(times, shown[0], shown[4], color=color, alpha=0.15, linewidth=0, zorder=2)
        panel.fill_between(times, shown[1], shown[3], color=color, alpha=0.25, linewidth=0, zorder=2.5)
        entries = []
        for q, (words_q, dash, thick) in enumerate(QUANTILES):
            panel.plot(times, shown[q], color=color, linestyle=dash, linewidth=thick, zorder=3)
            last = shown[q][np.isfinite(shown[q])]
            at = min(max(fraction(float(last[-1]), *ends, log), 0.0), 1.0) if len(last) else 0.0
            entries.append(Label(at + 1e-6 * q, words_q, color, dash))
        label_right(panel, width, HEIGHT, entries, ROOM)
        mark_doses(panel, drugs[list(found).index(name)], end)
        if np.isnan(band).all():
            panel.text(0.5, 0.4, "no member to show", transform=panel.transAxes, ha="center", fontsize=9)
        else:
            text.append(_told(band[2], band[0], band[4], times, f"{label} ({arm})", unit, clock))
        page.down(HEIGHT + 0.28)
    page.down(page.put(f"time [{clock}]", LEFT, width, 9, "#000000", "center"))
    return Picture(f"time_{curve}", page.finish(), " ".join(text))


QUANTILES = (
    ("5 %", (0, (1, 1)), 0.8),
    ("25 %", (0, (4, 2)), 0.8),
    ("median", "-", 1.8),
    ("75 %", (0, (4, 2)), 0.8),
    ("95 %", (0, (1, 1)), 0.8),
)


def _told(
    middle: np.ndarray, low: np.ndarray, top: np.ndarray, times: np.ndarray, name: str, unit: str, clock: str
) -> str:
    at = int(np.nanargmax(middle))
    return (
        f"{name}: median from {words.number(middle[0])} to {words.with_unit(middle[-1], unit)}, largest "
        f"{words.with_unit(middle[at], unit)} at {words.with_unit(times[at], clock)}, where 5 to 95 % of the members "
        f"are from {words.number(low[at])} to {words.with_unit(top[at], unit)}."
    )
