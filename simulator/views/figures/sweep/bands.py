"""Kept curves of a sweep over time, as quantile bands, with a panel for each arm and its doses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_hex

from ....experiments.clock import clock_of
from ....experiments.sweeps import statistics
from ....experiments.sweeps.compute import SweepResult
from ....experiments.sweeps.observed import among_members, data_of, observed_band
from ....numerics.thresholds import NEGLIGIBLE
from ....numerics.trajectory import Array
from ...text import sweep_measures as texts
from ...text.data import among_line
from ...text.numbers import axis_title, number, with_unit
from ..dose_marks import Strip, doses_of, draw_strip
from ..page import Label, Page, Picture, label_right
from ..panel import MARKS, PanelPoints, draw_points
from ..run import data_text
from ..scales import fraction, limits, set_scale, wants_log
from ..shade import COLOURS
from ..style import DARK, GAP, SMALL, style
from .lines import LEFT, RIGHT, ROOM

HEIGHT = 2.0  # inches


def bands(result: SweepResult, curve: str) -> Picture:
    """One curve: median, middle half and 5 to 95 % of the members that did not fail, at each time.

    Few members, unless they are patients, are a line each instead, coloured by what varies.
    """
    sweep, scenario = result.sweep, result.scenario
    clock, time_factor = clock_of(result.scenario)
    times, end = result.times * time_factor, result.scenario.end * time_factor
    unit = scenario.curve(curve).unit_text
    varied = _coloured_by(result, curve)
    source = result.curves if varied else result.bands
    found = {name: source[name, curve] for name in sweep.arms if (name, curve) in source}
    known = np.concatenate([band.ravel() for band in found.values()])
    top = float(np.nanmax(known)) if np.isfinite(known).any() else 0.0
    seen = np.where(known > max(top, 0.0) * NEGLIGIBLE, known, np.nan)
    negative = bool((known < -NEGLIGIBLE * top).any())
    log = top > 0 and not negative and wants_log(seen)
    label = scenario.label(curve)
    measured = _points_of(result, list(found), curve)
    values = np.concatenate([known, *(each.bars.ravel() for each in measured), *(each.values for each in measured)])
    note = f"{texts.members_text(result)}. {_key(result, varied)}."
    every = result.scenario.document["time"].get("every") or with_unit(result.scenario.every * time_factor, clock)
    note += f" Sampled every {every}: shorter peaks may be missed."
    ends = limits(np.where(values > max(top, 0.0) * NEGLIGIBLE, values, np.nan) if log else values, log)
    note += _beyond(known, ends, unit) if log else ""
    note += "".join(f" {each}" for each in (data_text(scenario, measured), _observed_key(result, measured)) if each)
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
        for each in [each for each in measured if each.data.arm == name]:
            draw_points(panel, each, ends[0], page.medium)
            _draw_observed(panel, each, scenario.end, ends)
        if np.isnan(band).all():
            panel.text(0.5, 0.4, "no member to show", transform=panel.transAxes, ha="center", fontsize=9)
        else:
            text.append(_band_sentence(band[2], band[0], band[4], times, f"{label} ({arm})", unit, clock))
        page.down(HEIGHT + 0.28)
    page.down(page.put(f"time [{clock}]", LEFT, width, 9, "#000000", "center"))
    text += [f"{among_line(each)}." for each in among_members(result) if each.data.curve.text == curve]
    return Picture(f"time_{curve}", page.finish(), " ".join(text))


def _beyond(known: Array, ends: tuple[float, float], unit: str) -> str:
    """Which values lie outside a logarithmic axis, and where they are drawn."""
    found = [("below", "lower", ends[0])] if bool((known < ends[0]).any()) else []
    found += [("above", "upper", ends[1])] if bool((known > ends[1]).any()) else []
    return "".join(f" Values {side} {with_unit(at, unit, 2)} are drawn at the {edge} edge." for side, edge, at in found)


def _points_of(result: SweepResult, arms: Sequence[str], curve: str) -> list[PanelPoints]:
    """What was measured of a curve in these arms."""
    _, time_factor = clock_of(result.scenario)
    return [
        PanelPoints(
            each,
            result.sweep.arms.index(each.arm),
            mark % len(MARKS),
            each.unit.to(each.curve.unit),
            time_factor,
        )
        for mark, each in enumerate(data_of(result, arms, curve))
    ]


def _observed_key(result: SweepResult, points: Sequence[PanelPoints]) -> str:
    """What the lines of observed percentiles are; empty where there are none."""
    if all(observed_band(each.data, result.scenario.end) is None for each in points):
        return ""
    return (
        "Lines with dots: the median and, dashed, 5 and 95 % of what was measured, which has errors of measurement; "
        "the members have none."
    )


def _draw_observed(panel: Axes, points: PanelPoints, end: float, ends: tuple[float, float]) -> None:
    """The median, 5 and 95 % of many points: with those of the members, a visual predictive check."""
    found = observed_band(points.data, end)
    if found is None:
        return
    color = next(style(each)[0] for each in (2, 3) if each != points.number)
    times = found.times * points.time_factor
    for row, dash in ((0, (0, (4, 2))), (2, "-"), (4, (0, (4, 2)))):
        values = np.maximum(found.values[row], ends[0])
        panel.plot(times, values, color=color, linestyle=dash, linewidth=1.4, marker="o", markersize=2.5, zorder=6,
                   label="observed")  # fmt: skip


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
