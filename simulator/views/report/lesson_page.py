"""The page of a lesson, which asks before it shows, and its handout for paper."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...experiments.clock import clock_of
from ...experiments.lessons import Lesson, Step
from ...experiments.measured import bind, of_trajectories
from ...experiments.measures import read_measure
from ...experiments.run import RunResult
from ...experiments.scenario import MAIN
from ...runtime.versions import versions
from ..text.answers import spoken_answer
from ..text.numbers import unit_text
from ..text.spoken import spoken, spoken_measure
from .curves import strokes
from .html import render
from .thin import points_to_keep

MOST_POINTS = 400  # of a curve
TOLERANCE = 0.002  # of the height of its axis
ROOM = 1.25  # of the axis above the highest value: the axis must not betray the peak
JUDGED = {
    "max": "the highest value",
    "min": "the lowest value",
    "final": "the value at the end",
    "mean": "the average",
    "time_of_max": "the time of the peak",
}


def lesson_page(lesson: Lesson, result: RunResult, reasons: Mapping[int, Sequence[str]], free: str) -> str:
    """The page as HTML. reasons: by the number of a step, why its curve moves. free: the page with sliders, if any."""
    steps = [_step(lesson, result, number, reasons.get(number, ())) for number in range(len(lesson.steps))]
    data = {"steps": steps, "free": free}
    return render(
        "lesson.html.jinja",
        lesson=lesson,
        question=lesson.scenario.question,
        data=_safe(data),
        steps=steps,
        versions=versions(),
    )


def handout_page(lesson: Lesson, result: RunResult, answers: bool) -> str:
    """The page to print; answers: with what is right, and the note for the teacher."""
    steps = [_step(lesson, result, number, ()) for number in range(len(lesson.steps))]
    return render("handout.html.jinja", lesson=lesson, steps=steps, answers=answers, versions=versions())


def _safe(data: Any) -> str:
    """JSON that is inert inside a script element."""
    return json.dumps(data, allow_nan=False).replace("<", "\\u003c").replace("\u2028", "\\u2028")


def _step(lesson: Lesson, result: RunResult, number: int, reasons: Sequence[str]) -> dict[str, Any]:
    step = lesson.steps[number]
    words = spoken_answer(result)
    return {
        "title": step.title,
        "says": words[step.spoken].text if step.spoken is not None else step.says,
        "asks": step.asks,
        "choices": [{"says": says, "right": result.answer[i].holds} for says, i in step.choices],
        "charts": [_chart(lesson, result, step, name) for name in step.show],
        "judge": _judge(lesson, result, step),
        "why": words[step.why].text if step.why is not None else "",
        "reasons": list(reasons),
    }


def _chart(lesson: Lesson, result: RunResult, step: Step, name: str) -> dict[str, Any]:
    scenario = lesson.scenario
    clock, factor = clock_of(scenario)
    lines, highest = [], 0.0
    styles = strokes(len(step.arms))
    for arm, style in zip(step.arms, styles, strict=True):
        trajectory = result.arms[arm].trajectory
        times, values = trajectory.times, trajectory[name]
        kept = points_to_keep(times, values, TOLERANCE, MOST_POINTS)
        highest = max(highest, float(np.nanmax(values)))
        points = [[float(f"{times[i] * factor:.5g}"), float(f"{values[i]:.5g}")] for i in kept]
        lines.append({"label": scenario.arm(arm).title, "points": points, **style})
    return {
        "label": scenario.label(name),
        "unit": unit_text(scenario.curve(name).unit_text),
        "clock": clock,
        "end": scenario.end * factor,
        "top": _round_up(highest * ROOM),
        "lines": lines,
    }


def _round_up(value: float) -> float:
    """The next of 1, 1.5, 2, 3, 5, 7.5 times a power of ten."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 1.5, 2, 3, 5, 7.5, 10) if step * power >= value)


def _judge(lesson: Lesson, result: RunResult, step: Step) -> dict[str, Any] | None:
    """What a drawing is judged by: the simulated value, as a number of the chart and in words."""
    if step.judge is None:
        return None
    scenario, measure = lesson.scenario, step.judge.measure
    arm = "" if step.arms[0] == MAIN else f", arm='{step.arms[0]}'"
    tree, _ = read_measure(f"{measure}({step.show[0]}{arm})", scenario.model, list(result.arms), scenario.end)
    value, _, _ = of_trajectories(bind(tree, scenario.model), {n: each.trajectory for n, each in result.arms.items()})
    clock, factor = clock_of(scenario)
    in_time = measure == "time_of_max"
    said = spoken(value * factor, clock) if in_time else spoken_measure(value, scenario.curve(step.show[0]).unit_text)
    return {
        "measure": measure,
        "words": JUDGED[measure],
        "value": value * factor if in_time else value,
        "said": said,
        "unit": clock if in_time else unit_text(scenario.curve(step.show[0]).unit_text),
        "within": step.judge.within,
    }
