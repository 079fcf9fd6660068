"""The figures of a fit: curves through their data, how well they are met, profiles, and where the starts ended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...experiments.clock import clock_of
from ...experiments.fitting.courses import Course, courses
from ...experiments.fitting.fit import FitResult
from ...experiments.fitting.profile import Profile
from ...experiments.scenario import MAIN
from ..text.commands.fit import goodness_lines, search_lines, told_lines
from ..text.data import data_line
from ..text.english import counted
from ..text.numbers import axis_title, interval
from .page import Label, Page, Picture, label_right
from .panel import BELOW, SHAPES, PanelPoints, draw_points, needs_log_axis
from .run import FORMATS, save
from .scales import fraction, limits, set_scale
from .style import DARK, GAP, GREY, GRID, MARGIN, PAPER, Medium, style

LEFT, HEIGHT, HALF = 0.85, 1.9, 3.0  # inches: left of panels, of a curve, of the sides of a square
BEFORE, FITTED = GREY, style(1)[0]
MANY = 12  # profiles
BETWEEN = 0.75  # inches between two panels side by side


def draw(
    result: FitResult, folder: Path, run: str, medium: Medium = PAPER, formats: Sequence[str] = FORMATS
) -> list[Path]:
    """Writes the figures of a fit in these formats; returns their paths."""
    paths = []
    for each in pictures(result, medium):
        paths += save(each.figure, folder / each.stem, result.scenario.title, each.text, run, formats)
    return paths


def pictures(result: FitResult, medium: Medium = PAPER) -> Iterator[Picture]:
    """The figures of a fit, one at a time."""
    medium = medium._replace(height=None)  # as many panels as there are data
    yield _curves(result, courses(result), medium)
    yield _goodness(result, medium)
    if result.profiles:
        yield _profiles(result, medium)
    if len(result.starts) > 1:
        yield _starts(result, medium)


def _curves(result: FitResult, found: Sequence[Course], medium: Medium) -> Picture:
    scenario = result.scenario
    clock, factor = clock_of(scenario)
    banded = any(each.low is not None for each in found)
    note = "Points: what was measured. Curve: fitted" + ("; band: its 95 % interval." if banded else ".")
    page = Page(scenario.title, [note], medium=medium)
    left, room = LEFT * medium.scale, medium.room
    width = page.width - left - room
    for number, each in enumerate(found):
        arm = "" if each.data.arm == MAIN else f", {scenario.arm(each.data.arm).title}"
        title = f"{each.data.name}: {scenario.label(each.data.curve.text)}{arm}"
        page.down(page.put(title, left, page.width - left - MARGIN, medium.middle, DARK) + GAP)
        points = PanelPoints(each.data, 1, number % len(SHAPES), 1.0, factor)
        lines = [line for line in (each.before, each.fitted, each.low, each.high) if line is not None]
        log = bool(each.data.points) and needs_log_axis([each.fitted, points.values])
        log = log and bool((points.values > 0).all())
        shown = np.concatenate([*lines, *points.bars])
        least = 0.1 * min(points.bars[points.bars > 0].min(), points.values.min()) if log else -np.inf
        ends = limits(np.where(shown >= least, shown, np.nan), log)
        panel = page.panel(left, width, HEIGHT)
        last = each is found[-1]
        set_scale(panel, "x", (0.0, scenario.end * factor), False, width, medium.small)
        set_scale(panel, "y", ends, log, HEIGHT, medium.small)
        panel.set_ylabel(axis_title("", each.data.unit_text, log).strip(), fontsize=medium.small)
        panel.grid(True, color=GRID, linewidth=0.6)
        panel.set_axisbelow(True)
        times = each.times * factor
        if each.low is not None and each.high is not None:
            edges = np.clip(each.low, *ends), np.clip(each.high, *ends)
            panel.fill_between(times, *edges, color=FITTED, alpha=0.2, linewidth=0, zorder=2)
        labels = []
        for line, color, dash, text in (
            (each.before, BEFORE, (0, (4, 2)), "before"),
            (each.fitted, FITTED, "-", "fitted"),
        ):
            if line is not None:
                panel.plot(times, np.clip(line, *ends), color=color, linestyle=dash, linewidth=1.6, zorder=3)
                place = min(max(fraction(float(line[-1]), *ends, log), 0.0), 1.0)
                labels.append(Label(place, text, color, dash))
        if each.data.points:
            draw_points(panel, points, ends[0], medium)
        panel.tick_params(labelbottom=last)
        label_right(panel, width, HEIGHT, labels, room, medium)
        page.down(HEIGHT + 0.28)
    page.down(page.put(f"time [{clock}]", left, width, medium.middle, "#000000", "center"))
    text = " ".join(f"{data_line(scenario, each)}." for each in result.compared)
    return Picture("fit", page.finish(), f"{note} {text}")


def _goodness(result: FitResult, medium: Medium) -> Picture:
    """Fitted against measured, and residuals over time."""
    scenario = result.scenario
    clock, factor = clock_of(scenario)
    key = ", ".join(f"{SYMBOLS[i % len(SYMBOLS)]} {each.name}" for i, each in enumerate(result.problem.data))
    note = "Left: on the line, the fit is what was measured; each data in units of its largest value. Right: residuals in units of their errors; of a good fit most lie within the dashed lines."  # noqa: E501
    page = Page(f"{scenario.title}: how well the data are met", [note, key if len(result.problem.data) > 1 else ""],
                medium=medium)  # fmt: skip
    left = LEFT * medium.scale
    side = min(HALF * medium.scale, (page.width - 2 * left - BETWEEN) / 2)
    wide = page.width - 2 * left - side - 2 * MARGIN
    square, panel = page.panel(left, side, side), page.panel(2 * left + side + 0.1, wide, side)
    tops = [max(abs(p.value) for p in each.data.points) or 1.0 for each in result.data]
    pairs = [(np.array([p.value for p in each.data.points]) / top, each.simulated / top)
             for each, top in zip(result.data, tops, strict=True)]  # fmt: skip
    log = needs_log_axis([values for pair in pairs for values in pair])
    both = np.concatenate([values for pair in pairs for values in pair])
    ends = limits(np.where(both > 0, both, np.nan) if log else both, log)
    for which in "xy":
        set_scale(square, which, ends, log, side, medium.small)
    square.plot(ends, ends, color=GREY, linewidth=1.0, zorder=1)
    square.set_xlabel("measured" + (", log scale" if log else ""), fontsize=medium.small)
    square.set_ylabel("fitted" + (", log scale" if log else ""), fontsize=medium.small)
    weighted = np.concatenate(
        [np.append(each.weighted[np.isfinite(each.weighted)], [-2.2, 2.2]) for each in result.data]
    )
    set_scale(panel, "x", (0.0, scenario.end * factor), False, wide, medium.small)
    set_scale(panel, "y", limits(weighted, False), False, side, medium.small)
    for level, dash in ((-1.96, (0, (4, 2))), (0.0, "-"), (1.96, (0, (4, 2)))):
        panel.axhline(level, color=GREY, linewidth=1.0, linestyle=dash, zorder=1)
    panel.set_xlabel(f"time [{clock}]", fontsize=medium.small)
    panel.set_ylabel("(measured − fitted) / error", fontsize=medium.small)
    for i, (each, (seen, fitted)) in enumerate(zip(result.data, pairs, strict=True)):
        limit = np.array([p.censored for p in each.data.points])
        times = np.array([p.time * factor for p in each.data.points])
        for some, marker in ((~limit, SHAPES[i % len(SHAPES)]), (limit, BELOW)):
            look: dict[str, Any] = {"linestyle": "none", "marker": marker, "markersize": 5, "color": style(i + 1)[0]}
            look |= {"markerfacecolor": "white", "markeredgewidth": 1.2, "clip_on": False}
            square.plot(seen[some], fitted[some], zorder=3, **look)
            panel.plot(times[some], each.weighted[some], zorder=3, **look)
    page.down(side + 0.45 * medium.scale)
    return Picture("goodness", page.finish(), " ".join([note, *goodness_lines(result)]))


SYMBOLS = "○□◇△"


def _profiles(result: FitResult, medium: Medium) -> Picture:
    """How much worse the fit becomes as each value is held, with the limit of its 95 % interval."""
    note = ("Sum of squares above that of the best fit while one value is held and all others are fitted again. Below "
            "the dashed line: the 95 % interval. Grey: as the standard error alone would have it.")  # fmt: skip
    page = Page(f"{result.scenario.title}: profiles", [note], medium=medium)
    shown = list(result.profiles[:MANY])
    columns = min(3, len(shown)) if medium.scale < 1.5 else min(2, len(shown))
    left = 0.6 * medium.scale
    width = (page.width - MARGIN) / max(columns, 2) - left - 0.1
    for first in range(0, len(shown), columns):
        for column, each in enumerate(shown[first : first + columns]):
            _profile(page, result, each, left + column * (left + width + 0.1), width, medium)
        page.down(1.6 + 0.5 * medium.scale)
    return Picture("profiles", page.finish(), " ".join([note, *told_lines(result)]))


def _profile(page: Page, result: FitResult, profile: Profile, left: float, width: float, medium: Medium) -> None:
    problem, uncertainty, index = result.problem, result.uncertainty, profile.index
    axis, high = problem.fit.estimates[index].axis, 1.6
    values = problem.values(np.array([point.place for point in profile.points]))[:, index]
    rises = np.array([point.cost for point in profile.points]) - result.best.cost
    limit = uncertainty.quantile**2 if uncertainty is not None else 3.84
    kept = rises < 2.2 * limit
    panel = page.panel(left, width, high)
    at = values[kept]
    log = axis.log and bool(at.max() > 1.5 * at.min())
    ends = limits(at, log)
    if not log and ends[0] < at.min() - 0.3 * (at.max() - at.min()):
        ends = (at.min() - 0.05 * (at.max() - at.min()), ends[1])
    set_scale(panel, "x", ends, log, width, medium.small)
    set_scale(panel, "y", (-0.06 * limit, 1.9 * limit), False, high, medium.small)
    panel.axhline(limit, color=GREY, linestyle=(0, (4, 2)), linewidth=1.0)
    if uncertainty is not None and np.isfinite(uncertainty.steps[index]):
        around = problem.places(np.array(ends)[:, None].repeat(problem.size, axis=1))[:, index]
        places = np.linspace(around[0], around[1], 200)[:, None].repeat(problem.size, axis=1)
        curve = ((places[:, index] - result.best.place[index]) / uncertainty.steps[index]) ** 2
        panel.plot(problem.values(places)[:, index], curve, color=GREY, linewidth=1.0)
    panel.plot(values, rises, color=FITTED, linewidth=1.6, marker="o", markersize=2.5, zorder=3)
    panel.plot([result.values[index]], [0.0], marker="o", color="#000000", markersize=4, zorder=4)
    panel.set_xlabel(axis_title(axis.path, axis.unit_text, log), fontsize=medium.small)


def _starts(result: FitResult, medium: Medium) -> Picture:
    """The sum of squares that each start reached, in order."""
    costs = np.sort([each.cost for each in result.starts])
    known = costs[np.isfinite(costs)]
    note = " ".join(search_lines(result))
    page = Page(f"{result.scenario.title}: where the starts ended", [note], medium=medium)
    left = LEFT * medium.scale
    width = page.width - left - 4 * MARGIN
    panel = page.panel(left, width, HEIGHT)
    log = bool(known.min() > 0) and bool(known.max() > 20 * known.min())
    set_scale(panel, "x", (0.0, len(costs) + 1.0), False, width, medium.small)
    set_scale(panel, "y", limits(known, log), log, HEIGHT, medium.small)
    panel.plot(np.arange(1, len(known) + 1), known, marker="o", markersize=4, linestyle="none", color=FITTED)
    panel.set_ylabel("sum of squares" + (", log scale" if log else ""), fontsize=medium.small)
    page.down(HEIGHT + 0.28)
    page.down(page.put("starts, the best first", left, width, medium.middle, "#000000", "center"))
    ends = interval(float(known.min()), float(known.max()), "1")
    return Picture(
        "starts", page.finish(), f"{counted(len(costs), 'start')} reached sums of squares from {ends}. {note}"
    )
