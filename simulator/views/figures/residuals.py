"""How far all data of a run lie from its curves, whatever their units: folds, and residuals in terms of errors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes

from ...experiments.clock import clock_of
from ...experiments.residuals import DataResult
from ...experiments.run import RunResult
from ...numerics.trajectory import Array
from ..text.data import data_lines
from .page import Page, Picture, text_height, text_width, wrap
from .panel import MARKS, SHAPES
from .scales import set_scale, ticks_of
from .style import DARK, GAP, GREY, GRID, MARGIN, SHADE, Medium, style

LEAST = 3  # points: of fewer there is no figure
NAMED = 8  # blocks of data that the key names
FOLDS, ERRORS = 2.0, 3.0  # that the axes reach at least
ROOM = 1.15  # of an axis, free beyond the outermost point


class _Rows(NamedTuple):
    """One panel: its title, a value for each point of each block, and the ends of its axis."""

    title: str
    values: Sequence[Array]
    log: bool
    ends: tuple[float, float]


def has_residuals(result: RunResult) -> bool:
    """Whether a run has enough data for a figure of their residuals."""
    return sum(int(np.isfinite(each.residuals).sum()) for each in result.data) >= LEAST


def residual_picture(result: RunResult, medium: Medium) -> Picture | None:
    """Simulated over measured, and residuals in units of their errors, of every point over time; None where there are
    fewer than `LEAST` of them."""
    if not has_residuals(result):
        return None
    panels = [panel for panel in (_folds(result.data), _errors(result.data)) if panel is not None]
    if not panels:
        return None
    clock, time_factor = clock_of(result.scenario)
    page = Page(f"Data and curves: {result.scenario.title}", [], medium=medium)
    key = _key(result.data)
    left = max(_left(panel, medium) for panel in panels)
    width = medium.width - left - 2 * MARGIN
    below = text_height("", medium.small) + text_height("", medium.middle) + 0.2 + GAP
    below += text_height(wrap(key, medium.width - 2 * MARGIN, medium.small), medium.small) + GAP
    above = text_height("", medium.middle) + GAP / 2
    free = (medium.height - page.y - below - MARGIN) / len(panels) - above - 0.2 if medium.height else medium.panel
    for panel in panels:
        last = panel is panels[-1]
        page.down(page.put(panel.title, left, width, medium.middle, DARK) + GAP / 2)
        axis = page.panel(left, width, free)
        set_scale(axis, "x", (0.0, result.scenario.end * time_factor), False, width, medium.small)
        set_scale(axis, "y", panel.ends, panel.log, free, medium.small)
        axis.tick_params(labelbottom=last)
        _draw(axis, panel, result.data, time_factor, medium)
        page.down(free + (text_height("", medium.small) + 0.13 if last else 0.16 * medium.scale))
    page.down(page.put(f"time [{clock}]", left, width, medium.middle, "#000000", "center") + GAP)
    page.down(page.put(key, MARGIN, medium.width - 2 * MARGIN, medium.small, GREY))
    text = f"{result.scenario.title}. Data and curves. {'. '.join(data_lines(result.scenario, result.data))}."
    return Picture("residuals", page.finish(), text)


def _folds(data: Sequence[DataResult]) -> _Rows | None:
    folds = [each.folds for each in data]
    known = np.abs(np.log(_finite(folds)))
    if not len(known):
        return None
    far = max(FOLDS, float(np.exp(known.max())) ** ROOM)
    return _Rows("Simulated over measured (fold, log scale)", folds, True, (1 / far, far))


def _errors(data: Sequence[DataResult]) -> _Rows | None:
    residuals = [np.where(np.isfinite(each.errors), each.weighted, np.nan) for each in data]
    known = np.abs(_finite(residuals))
    if not len(known):
        return None
    far = max(ERRORS, float(known.max()) * ROOM)
    return _Rows("Residual: measured less simulated, in units of the error of the point", residuals, False, (-far, far))


def _finite(values: Sequence[Array]) -> Array:
    every = np.concatenate(values)
    return np.asarray(every[np.isfinite(every)])


def _left(panel: _Rows, medium: Medium) -> float:
    """Inches to the left of a panel, for the numbers of its axis."""
    _, numbers = ticks_of("y", panel.ends, panel.log, medium.panel, medium.small)
    return max(text_width(each, medium.small) for each in numbers) + 0.2 + MARGIN


def _draw(axis: Axes, panel: _Rows, data: Sequence[DataResult], time_factor: float, medium: Medium) -> None:
    """Points about the line on which data and curve agree; the shade is one error, or a factor of 1.5."""
    middle = 1.0 if panel.log else 0.0
    axis.grid(True, color=GRID, linewidth=0.6 * medium.thick)
    axis.set_axisbelow(True)
    axis.axhspan(*((1 / 1.5, 1.5) if panel.log else (-1.0, 1.0)), facecolor=SHADE, edgecolor="none", zorder=1)
    axis.axhline(middle, color=DARK, linewidth=1.0 * medium.thick, zorder=2)
    for number, (each, values) in enumerate(zip(data, panel.values, strict=True)):
        times = np.array([point.time for point in each.data.points]) * time_factor
        color = style(number)[0]
        axis.vlines(times, middle, values, color=color, linewidth=0.6 * medium.thick, alpha=0.5, zorder=3)
        axis.plot(
            times, values, marker=SHAPES[number % len(SHAPES)], linestyle="none", color=color, zorder=4, clip_on=False,
            markerfacecolor="white", markersize=4.5 * medium.thick**0.5, label="residual",
        )  # fmt: skip


def _key(data: Sequence[DataResult]) -> str:
    """What each mark is, and the shade."""
    names = [f"{MARKS[number % len(MARKS)]} {each.data.name}" for number, each in enumerate(data)]
    shown_names = names if len(names) <= NAMED else [*names[:2], f"… {names[-1]}"]
    return f"{', '.join(shown_names)}. Shaded: within a factor of 1.5, or within one error."
