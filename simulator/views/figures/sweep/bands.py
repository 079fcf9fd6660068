"""Kept curves of a sweep over time, as quantile bands, with a panel for each arm and its doses."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_hex

from ....experiments.clock import clock_of
from ....experiments.sweeps import statistics
from ....experiments.sweeps.compute import SweepResult
from ....numerics.thresholds import NEGLIGIBLE
from ....numerics.trajectory import Array
from ...text import sweep_measures as texts
from ...text.numbers import axis_title, number, with_unit
from ..dose_marks import Strip, doses_of, draw_strip
from ..page import Label, Page, Picture, label_right
from ..scales import fraction, limits, set_scale, wants_log
from ..shade import COLOURS
from ..style import DARK, GAP, SMALL, style
from .lines import LEFT, RIGHT, ROOM

HEIGHT = 2.0  # inches


def bands(result: SweepResult, curve: str) -> Picture:
    """One curve: median, middle half and 5 to 95 % of the members that did not fail, at each time.

    Few members, unless they are patients, are a line each instead, coloured by what varies.
    """
    sweep, model = result.sweep, result.scenario.model
    clock, time_factor = clock_of(result.scenario)
    times, end = result.times * time_factor, result.scenario.end * time_factor
    unit = model.unit_text(curve)
    varied = _coloured_by(result, curve)
    source = result.curves if varied else result.bands
    found = {name: source[name, curve] for name in sweep.arms if (name, curve) in source}
    known = np.concatenate([band.ravel() for band in found.values()])
    top = float(np.nanmax(known)) if np.isfinite(known).any() else 0.0
    seen = np.where(known > max(top, 0.0) * NEGLIGIBLE, known, np.nan)
    negative = bool((known < -NEGLIGIBLE * top).any())
    log = top > 0 and not negative and wants_log(seen)
    label = (model.species if curve in model.species else model.observables)[curve].label
    note = f"{texts.members_text(result)}. {_key(result, varied)}."
    every = result.scenario.document["time"].get("every") or with_unit(result.scenario.every * time_factor, clock)
    note += f" Sampled every {every}: shorter peaks may be missed."
    ends = limits(seen if log else known, log)
    for outside, side, end in (known < ends[0], "below", ends[0]), (known > ends[1], "above", ends[1]):
        if log and bool(outside.any()):
            edge = "lower" if side == "below" else "upper"
            note += f" Values {side} {with_unit(end, unit, 2)} are drawn at the {edge} edge."
    page = Page(result.scenario.title, [note])
    page.down(page.put(axis_title(label, unit, log), 0.12, page.width - 0.24, 10, DARK) + 0.06)
    room = ROOM if varied else RIGHT
    width = page.width - LEFT - room
    text = [f"{label} over time; {texts.members_text(result)}."]
    for a, name in enumerate(sweep.arms):
        if name not in found:
            continue
        band, arm = result.bands[name, curve], texts.arm_titles(result)[a]
        missing = texts.missing(result, a, None, "left out")
        head = ": ".join(filter(None, [arm if len(sweep.arms) > 1 else "", missing]))
        page.down(page.put(head, LEFT, page.width - LEFT - RIGHT, SMALL, style(a)[0]) + 0.04 if head else 0.0)
        doses = doses_of([result.scenario.arm(name)], result.scenario.end, time_factor, lambda number: DARK)
        page.down(draw_strip(page, LEFT, Strip(end, width, room - GAP, page.medium), doses))
        panel = page.panel(LEFT, width, HEIGHT)
        set_scale(panel, "x", (0.0, end), False, width)
        set_scale(panel, "y", ends, log, HEIGHT)
        panel.grid(True, color="#e6e6e6", linewidth=0.6)
        panel.set_axisbelow(True)
        shown = np.clip(found[name], *ends) if log else found[name]  # NaN stays NaN
        if varied:
            _lines(panel, width, times, shown, result, varied, ends, log)
        else:
            _quantiles(panel, times, shown, style(a)[0])
        if np.isnan(band).all():
            panel.text(0.5, 0.4, "no member to show", transform=panel.transAxes, ha="center", fontsize=9)
        else:
            text.append(_band_sentence(band[2], band[0], band[4], times, f"{label} ({arm})", unit, clock))
        page.down(HEIGHT + 0.28)
    page.down(page.put(f"time [{clock}]", LEFT, width, 9, "#000000", "center"))
    return Picture(f"time_{curve}", page.finish(), " ".join(text))


def _coloured_by(result: SweepResult, curve: str) -> list[int]:
    """The axes that distinguish members drawn one by one; empty where quantiles are drawn."""
    kind, varied = result.sweep.design.kind, statistics.varied_axes(result)
    own = any(name == curve for _, name in result.curves) and kind not in ("population", "product")
    if not own or not (kind in ("grid", "zip") or len(varied) == 1):
        return []
    return varied[:1] if kind == "zip" else varied[:2] if len(varied) <= 2 else []


def _key(result: SweepResult, varied: list[int]) -> str:
    """What the lines are, in words."""
    if not varied:
        return "Thick: the median of the members that did not fail, at each time; dashed: 25 to 75 %; dotted: 5 to 95 %"
    first, *other = [texts.item_label(result.sweep.design.axes[i]) for i in varied]
    return f"One line per member; colour: {first}, dark is low{''.join(f'; dash: {name}' for name in other)}"


def _quantiles(panel: Axes, times: Array, shown: Array, color: str) -> None:
    panel.fill_between(times, shown[0], shown[4], color=color, alpha=0.15, linewidth=0, zorder=2)
    panel.fill_between(times, shown[1], shown[3], color=color, alpha=0.25, linewidth=0, zorder=2.5)
    for line, (dash, thick) in zip(shown, QUANTILES, strict=True):
        panel.plot(times, line, color=color, linestyle=dash, linewidth=thick, zorder=3)


def _lines(
    panel: Axes, width: float, times: Array, shown: Array, result: SweepResult, varied: list[int],
    ends: tuple[float, float], log: bool,
) -> None:  # fmt: skip
    """A line for each member, with its values at the right."""
    import matplotlib

    colours = matplotlib.colormaps[COLOURS]
    ranks = [np.unique(result.values[:, i], return_inverse=True)[1] for i in varied]
    axes = [result.sweep.design.axes[i] for i in varied]
    entries = []
    for member, line in enumerate(shown):
        finite = line[np.isfinite(line)]
        if not len(finite):
            continue
        color = to_hex(colours(0.88 * ranks[0][member] / max(int(ranks[0].max()), 1)))  # the lightest is not seen
        dash = DASHES[ranks[1][member] % len(DASHES)] if len(ranks) > 1 else "-"
        panel.plot(times, line, color=color, linestyle=dash, linewidth=1.4, zorder=3, label="member")
        values = zip(axes, result.values[member, varied], strict=True)
        text = ", ".join(with_unit(float(value), axis.unit_text) for axis, value in values)
        at = min(max(fraction(float(finite[-1]), *ends, log), 0.0), 1.0)
        entries.append(Label(at + 1e-6 * member, text, color, dash))
    label_right(panel, width, HEIGHT, entries, ROOM)


DASHES: tuple[Any, ...] = ("-", (0, (4, 2)), (0, (1, 1)), (0, (6, 2, 1, 2)))
QUANTILES: tuple[tuple[Any, float], ...] = (
    ((0, (1, 1)), 0.8),
    ((0, (4, 2)), 0.8),
    ("-", 1.8),
    ((0, (4, 2)), 0.8),
    ((0, (1, 1)), 0.8),
)  # 5, 25, 50, 75 and 95 %


def _band_sentence(
    middle: np.ndarray, low: np.ndarray, top: np.ndarray, times: np.ndarray, name: str, unit: str, clock: str
) -> str:
    at = int(np.nanargmax(middle))
    return (
        f"{name}: median from {number(middle[0])} to {with_unit(middle[-1], unit)}, largest "
        f"{with_unit(middle[at], unit)} at {with_unit(times[at], clock)}, where 5 to 95 % of the members "
        f"are from {number(low[at])} to {with_unit(top[at], unit)}."
    )
