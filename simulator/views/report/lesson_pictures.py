"""The pictures of a lesson that were computed when its page was made: branches, patients, the record of facts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np

from ...experiments.branches import Branches
from ...experiments.lessons import BranchPicture, EvidencePicture, SweepPicture
from ...experiments.scenario import MAIN
from ...experiments.sweeps.compute import SweepResult
from ...experiments.sweeps.statistics import measure_values
from ...numerics.continuation import Branch, Special
from ...numerics.trajectory import Array
from ..text.numbers import number, unit_text
from .axis import axis_marks
from .curves import strokes
from .thin import points_to_keep

MOST_POINTS = 300  # of a line
TOLERANCE = 0.002  # of the height of its axis
ROOM = 1.25  # of the axis above the highest value: the axis must not betray the peak
CUT = 97.0  # percent of the patients in each arm who are below the end of the axis: a few must not flatten the others
JUMPS = "the jump"
STABLE, UNSTABLE = "at rest", "never seen: whatever is near moves away"
ROUND = (1, 1.5, 2, 3, 5, 7.5, 10)


class DrawnPicture(NamedTuple):
    """A picture: its charts for the page, the numbers that sentences may name, and how it was computed, in words."""

    charts: list[dict[str, Any]]
    numbers: Mapping[str, float]
    says: str


def round_up(value: float) -> float:
    """The next of 1, 1.5, 2, 3, 5, 7.5 times a power of ten."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in ROUND if step * power >= value * (1 - 1e-12))


def chart_of(
    label: str,
    unit: str,
    axis: tuple[str, str, float, float],
    lines: Sequence[Mapping[str, Any]],
    span: tuple[float, float],
    **more: Any,
) -> dict[str, Any]:
    """What a page draws of one picture or curve.

    axis: label and unit of the horizontal one, and its two ends. lines: each with its label and points, shapes (n, 2).
    span: the ends of the vertical axis.
    """
    name, of, start, end = axis
    return {
        "label": label,
        "unit": unit,
        "axis": f"{name} [{of}]" if of not in ("", "1") else name,
        "clock": "" if of == "1" else of,
        "start": start,
        "end": end,
        "across": axis_marks(start, end),
        "up": axis_marks(*span),
        "bottom": span[0],
        "top": span[1],
        "lines": list(lines),
        "gap": True,
        "way": [],
        "level": None,
        "marks": [],
        **more,
    }


def short_points(x: Array, y: Array) -> list[list[float]]:
    """The points of a line with the digits that a page needs."""
    return [[float(f"{a:.5g}"), float(f"{b:.5g}")] for a, b in zip(x, y, strict=True)]


def branch_picture(picture: BranchPicture, found: Branches) -> DrawnPicture:
    """Steady states along a parameter: stable ones as lines, unstable ones dashed, with the points where rest is lost
    and regained."""
    scenario, model = found.states.scenario, found.states.scenario.model
    loss = next((each for each in found.losses if each.upwards and each.kind is not None), None)
    last = math.inf if loss is None else loss.q
    solid, lines, highest = strokes(1)[0]["color"], list[dict[str, Any]](), 0.0
    for place, branch in enumerate(found.branches):
        values = found.states.values_along(branch.states, branch.q)[picture.of]
        highest = max(highest, float(np.nanmax(values)))
        for unstable, start, end in _stretches(branch):
            q, y = branch.q[start : end + 1], values[start : end + 1]
            if picture.way_up:
                kept = (q <= last) if place == 0 and branch.start in range(start, end + 1) else (q >= last)
                q, y = q[kept], y[kept]
            if len(q) and not (picture.way_up and unstable):
                lines.append(_line(q, y, unstable, solid, lines))
    if picture.way_up and loss is not None and loss.then is not None:
        ends = [found.states.values(each, loss.q)[picture.of] for each in (_state_at(found, loss.q), loss.then)]
        points = short_points(np.full(2, loss.q), np.array(ends))
        lines.append({"label": JUMPS, "points": points, "color": "#7a828c", "dash": [1, 1.5]})
    lost, back = (math.nan, math.nan) if loss is None else (loss.q, math.nan if loss.back is None else loss.back)
    folds = [each for each in found.special if each.kind is Special.FOLD and not picture.way_up]
    marks = [
        {"x": each.point.q, "y": float(found.states.values(each.point.states, each.point.q)[picture.of])}
        for each in folds
    ]
    way = sorted(point for line in lines for point in line["points"]) if picture.way_up else []
    axis = (picture.label, unit_text(model.unit_text(found.parameter)), *found.span)
    unit = unit_text(scenario.curve(picture.of).unit_text)
    span = 0.0, round_up(highest * ROOM)
    chart = chart_of(scenario.label(picture.of), unit, axis, lines, span, marks=marks, gap=picture.way_up, way=way)
    says = (
        "Computed when this page was made: the states in which the model can rest, followed from value to value. "
        "No slider changes this picture."
    )
    return DrawnPicture([chart], dict(zip(picture.numbers, (lost, back), strict=True)), says)


def _state_at(found: Branches, q: float) -> Array:
    """The state on the branch of rest that is nearest to this value of the parameter."""
    branch = found.branches[0]
    state: Array = branch.states[int(np.abs(branch.q - q).argmin())]
    return state


def _line(q: Array, y: Array, unstable: bool, color: str, before: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A stretch of a branch; only the first of its kind has a label."""
    step = max(1, len(q) // MOST_POINTS)
    kept = sorted({*range(0, len(q), step), len(q) - 1})
    label = UNSTABLE if unstable else STABLE
    known = any(line["label"] == label for line in before)
    look = {"color": "#7a828c", "dash": [2, 2]} if unstable else {"color": color, "dash": []}
    return {"label": "" if known else label, "points": short_points(q[kept], y[kept]), **look}


def _stretches(branch: Branch) -> list[tuple[bool, int, int]]:
    """The parts of a branch that are stable or not, each with its first and last point."""
    places = range(len(branch.points) - 1)
    groups = groupby(places, key=lambda place: branch.unstable_behind(place) > 0)
    return [(unstable, (every := list(group))[0], every[-1] + 1) for unstable, group in groups]


def sweep_picture(picture: SweepPicture, result: SweepResult, effects: Mapping[str, float]) -> DrawnPicture:
    """A measure of every patient, the lowest first, a line for each arm. effects: by parameter, how far those that are
    counted differ from the others in it."""
    scenario, sweep = result.scenario, result.sweep
    place = next(i for i, each in enumerate(sweep.measures) if each.id == picture.measure)
    measure, lines, shares, highest = sweep.measures[place], list[dict[str, Any]](), list[float](), 0.0
    for arm, look in zip(picture.arms, strokes(len(picture.arms)), strict=True):
        values = np.sort(measure_values(result, list(sweep.arms).index(arm), place))
        values = values[~np.isnan(values)]
        shares.append(measure.inside(values) / max(len(values), 1))
        share = 100.0 * (np.arange(len(values)) + 0.5) / max(len(values), 1)
        highest = max(highest, float(np.percentile(values, CUT)) if len(values) else 0.0)
        kept = points_to_keep(share, values, TOLERANCE, MOST_POINTS)
        title = scenario.arm(arm).title if arm != MAIN else scenario.arms[0].title
        lines.append({"label": title, "points": short_points(share[kept], values[kept]), **look})
    level = measure.levels[0]
    count = len(result.numbers)
    chart = chart_of(
        measure.label,
        unit_text(measure.unit_text),
        ("share of the patients, the lowest first", "%", 0.0, 100.0),
        lines,
        (0.0, round_up(highest)),
        level={"value": level, "label": f"counted: {measure.level_text}"},
    )
    says = (
        f"Computed when this page was made: {number(count)} virtual patients, each simulated {len(sweep.arms)} times. "
        "What is higher than the axis is drawn at its upper end. No slider changes this picture."
    )
    numbers = [float(count), *shares, *(effects.get(each, math.nan) for each in picture.parameters)]
    return DrawnPicture([chart], dict(zip(picture.numbers, numbers, strict=True)), says)


def evidence_picture(picture: EvidencePicture, counts: Mapping[str, int], scenarios: int) -> DrawnPicture:
    """How many published facts are met, as bars. counts: by `COUNTS`."""
    rows = [
        ("published facts that the model meets", counts["met"], counts["facts"]),
        ("missed, and said so with the reason", counts["announced"], counts["facts"]),
        ("not met, and not said", counts["missed"] - counts["announced"], counts["facts"]),
        ("facts set aside that the model meets", counts["aside_met"], counts["aside"]),
    ]
    if not picture.aside:
        del rows[-1]
    bars = {"label": "What became of the published facts", "bars": [
        {"label": label, "value": value, "of": of} for label, value, of in rows
    ]}  # fmt: skip
    says = f"Computed when this page was made, from the simulations of {scenarios} scenarios. No slider changes it."
    numbers = {name: float(counts[name.removeprefix(f"{picture.name}_")]) for name in picture.numbers}
    return DrawnPicture([bars], numbers, says)
