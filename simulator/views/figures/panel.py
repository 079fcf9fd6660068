"""One panel of a run: expected ranges behind, curves in front."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from ...experiments.clock import clock_of
from ...experiments.expectations import Verdict
from ...experiments.residuals import DataResult
from ...experiments.scenario import Data, Scenario
from ...experiments.targets import Target, targets
from ...model.units import Unit
from ...numerics.thresholds import NEGLIGIBLE
from ...numerics.trajectory import Array, Trajectory
from ..text.figure import Curve
from .page import Label
from .scales import FLAT, SAME, fraction
from .spikes import swings_of, without
from .style import GRID, SHADE, Medium, style

DECADES = 3.0  # a curve that spans more than this is drawn on a logarithmic axis
MOST_DECADES = 14.0  # of a logarithmic axis that is made longer for a published interval
PASSING = 0.025  # of the run: a curve this close to a time at zero is still rising from it or falling to it
REACH = 0.6  # of what the curves span: an axis extends at most so far past them to show a published value
LEAST = 0.012  # of the time axis, the least width of a band
ROOM = 0.04  # of the height, free above and below the curves
OPEN = 0.3  # of the height: how far a band reaches that has one bound only, ...
FADING = 12  # ... fading in as many steps
SHADED = 0.15  # opacity of a band
MARKS, SHAPES = ("○", "□", "◇", "△"), ("o", "s", "D", "^")  # of data: in words and in figures
BELOW = "v"  # of a limit that a value is below
MANY = 40  # points: more of them are drawn smaller
BRACKET = 0.96  # of the height: where the time of a peak is marked


class Line(NamedTuple):
    """A curve in the units of its panel. number: selects colour and dash."""

    label: str
    arm: str
    name: str
    times: Array
    values: Array
    number: int

    @property
    def last(self) -> float | None:
        """The last finite value, or None."""
        known = self.values[np.isfinite(self.values)]
        return float(known[-1]) if len(known) else None


class PanelPoints(NamedTuple):
    """Data of one curve in the units of its panel. number: of the curve, selects the colour. mark: selects the shape.

    factor: from the unit of the data to that of the panel, and time_factor from the model's unit of time.
    """

    data: Data
    number: int
    mark: int
    factor: float
    time_factor: float

    @property
    def times(self) -> Array:
        """Shape (points,)."""
        return np.array([point.time for point in self.data.points]) * self.time_factor

    @property
    def values(self) -> Array:
        """Shape (points,)."""
        return np.array([point.value for point in self.data.points]) * self.factor

    @property
    def bars(self) -> Array:
        """Both ends of each bar, shape (2, points); the value itself where there is none."""
        low = [point.value if point.low is None else point.low for point in self.data.points]
        high = [point.value if point.high is None else point.high for point in self.data.points]
        return np.array([low, high]) * self.factor

    @property
    def has_bars(self) -> bool:
        """Whether any point has one."""
        return any(point.low is not None for point in self.data.points)


class Panel(NamedTuple):
    """The contents of one panel. aims: expected ranges of its curves. ends: of the y axis. points: what was measured
    of them."""

    title: str
    unit: str
    lines: Sequence[Line]
    aims: Sequence[Target]
    log: bool
    ends: tuple[float, float]
    points: Sequence[PanelPoints] = ()

    @property
    def names(self) -> list[str]:
        """The species, observables and formulas that are drawn, each once."""
        return list(dict.fromkeys(line.name for line in self.lines))


def panels_of(
    scenario: Scenario,
    names: Sequence[str],
    curves: Sequence[Curve],
    verdicts: Sequence[Verdict],
    data: Sequence[DataResult],
) -> list[Panel]:
    """The panels of a figure: one for each name if there are several curves, else one for all names.

    The units of the names in one panel are of one kind.
    """
    if len(curves) == 1:
        return [_panel(scenario, names, curves, verdicts, data)]
    return [_panel(scenario, [name], curves, verdicts, data) for name in names]


def _panel(
    scenario: Scenario,
    names: Sequence[str],
    curves: Sequence[Curve],
    verdicts: Sequence[Verdict],
    data: Sequence[DataResult],
) -> Panel:
    unit, (_, time_factor) = scenario.curve(names[0]).unit, clock_of(scenario)
    lines: list[Line] = []
    for name in names:
        factor = scenario.curve(name).unit.to(unit)
        for curve in curves:
            label = curve.label if len(names) == 1 else scenario.label(name)
            times, values = _points_of_curve(scenario, curve, name)
            values = np.where(np.isfinite(values), values * factor, np.nan)
            lines.append(Line(label, curve.arm, name, times * time_factor, values, len(lines)))
    drawn = {(line.arm, line.name) for line in lines if line.arm}
    aims = []
    for aim in targets(scenario, verdicts, names):
        if (aim.arm, aim.name) in drawn:
            factor = 1.0 if aim.is_time else scenario.curve(aim.name).unit.to(unit)
            low, high, read = aim.low * factor, aim.high * factor, aim.simulated * factor
            aims.append(aim._replace(low=low, high=high, simulated=read))
    points = _points_of(lines, data, unit, time_factor)
    values_of_lines = [line.values for line in lines] + [each.values for each in points]
    shown = [away_from_zero(line.times, line.values, scenario.end * time_factor) for line in lines]
    shown += [each.bars[each.bars > 0.0] for each in points]
    log = needs_log_axis(values_of_lines) and needs_log_axis(shown)
    bars = [each.bars.ravel() for each in points]
    ends = ends_of(shown if log else [*values_of_lines, *bars], log, [aim for aim in aims if not aim.is_time])
    title = "" if len(names) > 1 else scenario.label(names[0])
    return Panel(title, scenario.curve(names[0]).unit_text, lines, aims, log, ends, points)


def _points_of_curve(scenario: Scenario, curve: Curve, name: str) -> tuple[Array, Array]:
    """Times and values of a curve as `points_along` gives them; of a formula those saved."""
    if name in scenario.formulas:
        return curve.trajectory.times, curve.trajectory[name]
    return points_along(curve.trajectory, name)


def points_along(trajectory: Trajectory, name: str) -> tuple[Array, Array]:
    """Times, in the model's unit, and values of a species or observable, both of shape (n,): those saved, and those
    along the steps of the solver, where its peaks are."""
    saved, values = trajectory.times, trajectory[name]
    if not len(saved):
        return saved, values
    dense = trajectory.dense
    times = np.concatenate([dense.times(), saved])
    order = np.argsort(times, kind="stable")  # at a jump the value before it first
    return times[order], np.concatenate([dense.values(name), values])[order]


def _points_of(lines: Sequence[Line], data: Sequence[DataResult], unit: Unit, time_factor: float) -> list[PanelPoints]:
    """The data of these curves."""
    numbers = {(line.arm, line.name): line.number for line in lines if line.arm}
    found = [each.data for each in data if (each.data.arm, each.data.curve.text) in numbers]
    return [
        PanelPoints(each, numbers[each.arm, each.curve.text], mark % len(MARKS), each.unit.to(unit), time_factor)
        for mark, each in enumerate(found)
    ]


def needs_log_axis(curves: Sequence[Array]) -> bool:
    """Whether the curves span more than `DECADES`, leaving out what is below `NEGLIGIBLE` of the top."""
    values = np.concatenate(curves)
    values = values[np.isfinite(values)]
    if not len(values):
        return False
    top = float(values.max())
    seen = values[values > max(top, 0.0) * NEGLIGIBLE]
    return (
        top > 0 and len(seen) > 1 and float(values.min()) >= -top * NEGLIGIBLE and np.log10(top / seen.min()) > DECADES
    )


def away_from_zero(times: Array, values: Array, end: float) -> Array:
    """The values that set a logarithmic axis: the largest, and those that are not just before or after a time at
    zero, where a curve passes through all orders of magnitude."""
    known = np.isfinite(values)
    times, values = times[known], values[known]
    nothing = values <= (values.max() if len(values) else 0.0) * NEGLIGIBLE
    if not nothing.any() or nothing.all():
        return values
    empty = times[nothing]
    after = np.searchsorted(empty, times).clip(1, len(empty) - 1) if len(empty) > 1 else np.zeros(len(times), int)
    distance = np.minimum(np.abs(times - empty[after]), np.abs(times - empty[after - 1]))
    return np.append(values[distance > PASSING * end], values.max())


def ends_of(shown: Sequence[Array], log: bool, aims: Sequence[Target]) -> tuple[float, float]:
    """The ends of the y axis: all that the curves show, and published values that are not too far from it."""
    values = np.concatenate(shown)
    values = values[np.isfinite(values)]
    if not len(values):
        return (0.0, 1.0)
    top, low = float(values.max()), float(values.min())
    if top - low <= SAME * max(abs(low), abs(top)):
        low = top = (low + top) / 2  # a flat curve, whatever its rounding
    bounds = [(aim, bound) for aim in aims for bound in (aim.low, aim.high) if np.isfinite(bound)]
    if log:
        low = low if low == top else float(values[values > top * NEGLIGIBLE].min())
        reach = max((top / low) ** REACH, 10.0)
        far = top / 10**MOST_DECADES
        both = [bound for aim, bound in bounds if np.isfinite(aim.low) and np.isfinite(aim.high) and bound > far]
        near = [bound for _, bound in bounds if low / reach <= bound <= top * reach]
        low, top = min([low, *both, *near]), max([top, *near])
        room = (top / low) ** (ROOM / (1 - 2 * ROOM)) if top > low else 2.0
        return low / room, top * room
    span = (top - low) or abs(top) or 1.0
    near = [bound for _, bound in bounds if low - REACH * span <= bound <= top + REACH * span]
    low, top = min([low, *near]), max([top, *near])
    low = 0.0 if 0 <= low < 0.5 * top else low
    least = FLAT * max(abs(low), abs(top))
    if 0 < top - low < least:
        low, top = (low + top) / 2 - least, (low + top) / 2 + least
    room = ROOM * ((top - low) or abs(top) or 1.0) / (1 - 2 * ROOM)
    return low - room, top + room


def draw_panel(
    axis: Axes, panel: Panel, shades: Sequence[tuple[float, float]], time_factor: float, medium: Medium
) -> None:
    """Everything within the axes. shades: times in which something is changed. time_factor: how many units of the
    axis one time unit of the model is."""
    if all(line.last is None for line in panel.lines):
        axis.text(0.5, 0.5, "no finite value", transform=axis.transAxes, ha="center", fontsize=medium.small)
    axis.grid(True, color=GRID, linewidth=0.6 * medium.thick)
    axis.set_axisbelow(True)
    for start, end in shades:
        axis.axvspan(start, end, facecolor=SHADE, edgecolor="none", zorder=1, label="change")
    numbers = {(line.arm, line.name): line.number for line in panel.lines}
    for aim in panel.aims:
        _draw_aim(axis, aim, style(numbers[aim.arm, aim.name])[0], panel, time_factor, medium)
    for place, line in enumerate(panel.lines):
        color, dash = style(line.number)
        # the first curve lies lowest and widest, so that one that follows it exactly still shows it
        thick = max(1.4, 2.4 - 0.5 * place) * medium.thick
        swings = swings_of(line.times, line.values, _heights(line.values, panel), axis.get_xlim()[1])
        for each in swings:
            edge: dict[str, Any] = {"edgecolor": color, "linewidth": 0.6 * medium.thick, "zorder": 3 + 0.1 * place}
            axis.fill_between(each.times, each.low, each.high, facecolor=f"{color}59", label="swings", **edge)
        values = without(line.times, line.values, swings)
        axis.plot(line.times, values, color=color, linestyle=dash, linewidth=thick, zorder=3 + 0.1 * place)
    for points in panel.points:
        draw_points(axis, points, panel.ends[0], medium)


def _heights(values: Array, panel: Panel) -> Array:
    """Where values stand in the panel, from 0 to 1."""
    low, high = panel.ends
    if not panel.log:
        return (values - low) / (high - low)
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Array = np.log(np.clip(values, low, high) / low) / np.log(high / low)
    return found


def draw_points(axis: Axes, points: PanelPoints, bottom: float, medium: Medium) -> None:
    """Measured points with their bars; those of one subject are joined, and an arrow says that one is a limit.

    bottom: of the axis, where what lies below it is drawn.
    """
    color, (times, values) = style(points.number)[0], (points.times, points.values)
    low, high = points.bars
    thick, many = medium.thick, len(values) > MANY
    censored = np.array([point.censored for point in points.data.points])
    barred = high > low
    axis.vlines(
        times[barred], np.maximum(low[barred], bottom), high[barred], color=color, linewidth=1.0 * thick,
        alpha=0.35 if many else 1.0, zorder=5, label="bar",
    )  # fmt: skip
    subjects = np.array([point.subject for point in points.data.points])
    for subject in dict.fromkeys(subjects[subjects != ""].tolist()):
        own = subjects == subject
        axis.plot(times[own], values[own], color=color, linewidth=0.5 * thick, alpha=0.35, zorder=4.9, label="subject")
    look: dict[str, Any] = {"linestyle": "none", "color": color, "markerfacecolor": "white", "zorder": 5.1}
    look["clip_on"] = False  # a point on the edge is whole, and none lies beyond
    look |= {"markersize": (3.0 if many else 5.0) * thick**0.5, "markeredgewidth": (0.7 if many else 1.2) * thick}
    seen = np.maximum(values, bottom)
    axis.plot(times[~censored], seen[~censored], marker=SHAPES[points.mark], label="data", **look)
    axis.plot(times[censored], seen[censored], marker=BELOW, label="limit", **look)


def curve_labels(panel: Panel) -> list[Label]:
    """The name of each curve, to be placed where the curve ends."""
    found = []
    for line in panel.lines:
        last = panel.ends[0] if line.last is None else line.last
        wanted = min(max(fraction(last, *panel.ends, panel.log), 0.0), 1.0)
        found.append(Label(wanted, line.label, *style(line.number)))
    return found


def _draw_aim(axis: Axes, aim: Target, color: str, panel: Panel, time_factor: float, medium: Medium) -> None:
    """Shades the expected range, with thin lines at its bounds, fading where it has none, and a dot where the value was
    read if it is inside, else a cross."""
    span = axis.get_xlim()[1]
    marker: dict[str, Any] = {"marker": "o" if aim.met else "X", "color": color, "markersize": 4.5 * medium.thick**0.5}
    marker |= {"markeredgecolor": "white", "markeredgewidth": 0.5, "linestyle": "none", "zorder": 4}
    if aim.is_time:
        low, high = max(aim.low * time_factor, 0.0), min(aim.high * time_factor, span)
        across = axis.get_xaxis_transform()
        line: dict[str, Any] = {"color": color, "linewidth": 1.2 * medium.thick, "zorder": 2.5}
        axis.plot([low, high], [BRACKET] * 2, marker="|", markersize=6, transform=across, label="target", **line)
        read = aim.simulated * time_factor if np.isfinite(aim.simulated) else (low + high) / 2
        axis.plot([min(max(read, 0.0), span)], [BRACKET], transform=across, label="verdict", **marker)
        return
    t0, t1 = aim.t0 * time_factor, aim.t1 * time_factor
    if t1 - t0 < LEAST * span:
        middle = min(max((t0 + t1) / 2, LEAST * span / 2), span * (1 - LEAST / 2))
        t0, t1 = middle - LEAST * span / 2, middle + LEAST * span / 2
    bottom, top = panel.ends
    low, high = max(aim.low, bottom), min(aim.high, top)
    if low > high:
        return  # outside the axis; the text of the figure has it
    bounds = [bound for bound in (aim.low, aim.high) if bottom <= bound <= top]
    for bottom_of, top_of, alpha in _slices(aim, low, high, panel):
        face: dict[str, Any] = {"facecolor": color, "alpha": alpha, "edgecolor": "none", "zorder": 2}
        axis.add_patch(Rectangle((t0, bottom_of), t1 - t0, top_of - bottom_of, label="target", **face))
    axis.hlines(bounds, t0, t1, color=color, linewidth=0.8 * medium.thick, alpha=0.7, zorder=2.5)
    axis.plot(*_read_at(aim, (t0, t1), (low, high), panel, time_factor), label="verdict", **marker)


def _slices(aim: Target, low: float, high: float, panel: Panel) -> list[tuple[float, float, float]]:
    """The parts of a band from bottom to top, each with its opacity: fainter and fainter where it has no bound."""
    if np.isfinite(aim.low) and np.isfinite(aim.high):
        return [(low, high, SHADED)]
    start, sign, end = (low, 1.0, high) if np.isfinite(aim.low) else (high, -1.0, low)
    steps = [_above(start, sign * OPEN * number / FADING, panel) for number in range(FADING + 1)]
    steps = [min(max(each, min(start, end)), max(start, end)) for each in steps]  # no further than the axis
    return [
        (min(near, far), max(near, far), SHADED * (1 - number / FADING))
        for number, (near, far) in enumerate(pairwise(steps))
        if near != far
    ]


def _read_at(
    aim: Target, times: tuple[float, float], ends: tuple[float, float], panel: Panel, time_factor: float
) -> tuple[list[float], list[float]]:
    """Where the value was read: its time and itself, within the panel; in the middle of the band if there is none."""
    low, high = ends
    middle = (low * high) ** 0.5 if panel.log else (low + high) / 2
    value = min(max(aim.simulated, panel.ends[0]), panel.ends[1]) if np.isfinite(aim.simulated) else middle
    line = next((each for each in panel.lines if (each.arm, each.name) == (aim.arm, aim.name)), None)
    if line is None or aim.t0 == aim.t1 or not np.isfinite(aim.simulated):
        return [(times[0] + times[1]) / 2], [value]
    within = np.flatnonzero((line.times >= aim.t0 * time_factor) & (line.times <= aim.t1 * time_factor))
    near = np.abs(line.values[within] - aim.simulated)
    if not len(within) or np.isnan(near).all():
        return [(times[0] + times[1]) / 2], [value]
    return [float(line.times[within[np.nanargmin(near)]])], [value]


def _above(value: float, share: float, panel: Panel) -> float:
    """The value that is this share of the panel's height above another."""
    low, high = panel.ends
    return value * (high / low) ** share if panel.log else value + share * (high - low)
