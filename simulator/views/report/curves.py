"""The data of the interactive charts: saved values of every arm, the same as in its table."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ...experiments.clock import clock_of
from ...experiments.run import ArmResult, RunResult
from ...numerics.trajectory import Array
from ..figures.panel import needs_log_axis
from ..figures.style import style
from ..text.numbers import unit_text
from ..text.rules import settings_words
from ..text.timed_changes import windows
from .thin import points_to_keep

TOLERANCES = (1 / 250, 1 / 1000, 1 / 4000)  # of an axis: a pixel of a chart, and less, so that zooming finds the curve
MOST_VALUES = 36_000  # of all charts together, some 0.7 MB; with more, a tolerance of a pixel must do
SHAPES = 4  # of points, as in the figures
MOST_ROWS = 24  # of the table below a chart


class ChartPoints(NamedTuple):
    """Data of one curve: the place of its arm, the number of its shape, and rows of time, in the model's unit, value,
    both ends of the bar, and whether the value is a limit; in the unit of the chart."""

    name: str
    arm: int
    mark: int
    rows: list[tuple[float, float, float, float, bool]]


class Chart(NamedTuple):
    """What is drawn of one species or observable.

    rows: saved times that are kept, in the model's unit of time. values: for each arm one per row, None
    where the arm has no such row or no finite value. few: places in `rows` that a short table shows.
    saved: how many rows the tables of all arms have together, and of those `shown`. points: what was measured of it.
    """

    name: str
    label: str
    unit: str
    log: bool
    rows: list[float]
    values: list[list[float | None]]
    few: list[int]
    saved: int
    shown: int
    points: list[ChartPoints]


def charts(result: RunResult) -> list[Chart]:
    """A chart for everything that the scenario shows, in its order."""
    names = result.scenario.drawn
    arms = drawn_arms(result)
    most = MOST_VALUES // max(len(names), 1)
    return [_chart(result, arms, name, most) for name in names] if arms else []


def drawn_arms(result: RunResult) -> list[ArmResult]:
    """All arms but those that failed before their first value."""
    return [arm for arm in result.arms.values() if len(arm.trajectory.times)]


def _chart(result: RunResult, arms: Sequence[ArmResult], name: str, most: int) -> Chart:
    scenario = result.scenario
    points = points_of(result, arms, name)
    curves = [(arm.trajectory.times, arm.drawn[name]) for arm in arms]
    few = _union([times[points_to_keep(times, values, 0.01, MOST_ROWS // len(arms) + 2)] for times, values in curves])
    kept = few
    for tolerance in TOLERANCES:
        finer = _union([few, *(times[points_to_keep(times, values, tolerance)] for times, values in curves)])
        if tolerance != TOLERANCES[0] and len(finer) * len(arms) > most:
            break
        kept = finer
    values = [_at(kept, *curve) for curve in curves]
    return Chart(
        name=name,
        label=scenario.label(name),
        unit=unit_text(scenario.curve(name).unit_text),
        log=_log([*(values for _, values in curves), *(np.array([row[1] for row in each.rows]) for each in points)]),
        rows=kept.tolist(),
        values=values,
        few=np.searchsorted(kept, few).tolist(),
        saved=sum(len(times) for times, _ in curves),
        shown=sum(int(np.isin(kept, times).sum()) for times, _ in curves),
        points=points,
    )


def points_of(result: RunResult, arms: Sequence[ArmResult], name: str) -> list[ChartPoints]:
    """What was measured of a curve in the arms that are drawn."""
    places, unit = {arm.arm.name: place for place, arm in enumerate(arms)}, result.scenario.curve(name).unit
    found = [each.data for each in result.data if each.data.curve.text == name and each.data.arm in places]
    return [
        ChartPoints(
            data.name,
            places[data.arm],
            mark % SHAPES,
            [
                (
                    point.time,
                    point.value * data.unit.to(unit),
                    (point.value if point.low is None else point.low) * data.unit.to(unit),
                    (point.value if point.high is None else point.high) * data.unit.to(unit),
                    point.censored,
                )
                for point in data.points
            ],
        )
        for mark, data in enumerate(found)
    ]


def _log(curves: Sequence[Array]) -> bool:
    finite = [values[np.isfinite(values)] for values in curves]
    return any(len(values) for values in finite) and bool(needs_log_axis(finite))


def _union(times: Sequence[Array]) -> Array:
    return np.unique(np.concatenate(times))


def _at(rows: Array, times: Array, values: Array) -> list[float | None]:
    """The values saved at exactly these times."""
    place = np.searchsorted(times, rows).clip(max=len(times) - 1)
    saved = (times[place] == rows) & np.isfinite(values[place])
    return [value if known else None for value, known in zip(values[place].tolist(), saved.tolist(), strict=True)]


class ChartMark(NamedTuple):
    """A dose or a timed change: its label, the arms that have it, and its intervals of time."""

    kind: str
    label: str
    arms: list[int]
    spans: list[tuple[float, float]]


def marks(result: RunResult) -> list[ChartMark]:
    """Doses and timed changes of the arms, identical ones only once; times in the model's unit."""
    found: dict[tuple[str, str, tuple[tuple[float, float], ...]], list[int]] = {}
    end = result.scenario.end
    for number, arm in enumerate(drawn_arms(result)):
        for dose in arm.arm.doses:
            starts = [time for time in dose.starts if time < end]
            spans = tuple([(time, min(time + dose.over, end)) for time in starts])
            if spans:
                found.setdefault(("dose", dose.name.replace("_", " "), spans), []).append(number)
    doses = [ChartMark(kind, label, who, list(spans)) for (kind, label, spans), who in found.items()]
    arms = [arm.arm for arm in drawn_arms(result)]
    places = {arm.name: number for number, arm in enumerate(arms)}
    changes = [
        ChartMark("change", each.text, [places[name] for name in each.arms], [(each.start, each.end)])
        for each in windows(result.scenario, arms)
    ]
    found = {}
    for number, own in enumerate(arms):
        for time, words in settings_words(own, result.scenario.model):
            found.setdefault(("change", words, ((time, time),)), []).append(number)
    settings = [ChartMark(kind, label, who, list(spans)) for (kind, label, spans), who in found.items()]
    return doses + changes + settings


def strokes(count: int) -> list[dict[str, Any]]:
    """Colour and dash (in widths of the line) of every arm, as in the figures."""
    found = []
    for number in range(count):
        color, dash = style(number)
        found.append({"color": color, "dash": [] if isinstance(dash, str) else list(dash[1])})
    return found


def chart_data(result: RunResult, drawn: Sequence[Chart]) -> str:
    """The data for the page's script, as JSON that is safe inside a script element."""
    clock, time_factor = clock_of(result.scenario)
    arms = [arm.arm for arm in drawn_arms(result)]
    styles = strokes(len(arms))
    data = {
        "clock": {"unit": clock, "factor": time_factor},
        "end": result.scenario.end,
        "arms": [{"title": arm.title, **style} for arm, style in zip(arms, styles, strict=True)],
        "marks": [mark._asdict() for mark in marks(result)],
        "charts": [
            {key: value for key, value in chart._asdict().items() if key not in ("few", "saved", "shown")}
            | {"points": [each._asdict() for each in chart.points]}
            for chart in drawn
        ],
    }
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c")  # else a title could end the script element
