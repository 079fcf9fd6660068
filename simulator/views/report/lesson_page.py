"""The page of a lesson, which asks before it shows, and its handout for paper."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ...experiments.clock import clock_of
from ...experiments.lessons import JUMP, SHARE, TIMES, Choice, Lesson, Step, Window
from ...experiments.measured import bind, of_trajectories
from ...experiments.measures import read_measure
from ...experiments.run import RunResult
from ...experiments.scenario import MAIN
from ...numerics.trajectory import Array
from ...runtime.versions import versions
from ..figures.panel import points_along
from ..text.answers import spoken_answer
from ..text.english import capital, sentence, unbroken
from ..text.numbers import number, unit_text, with_unit
from ..text.spoken import spoken, spoken_measure
from ..text.verdicts import expected_text, simulated_text
from .curves import strokes
from .html import render
from .lesson_pictures import ROOM, DrawnPicture, chart_of, round_up, short_points
from .thin import points_to_keep

MOST_POINTS = 400  # of a curve
TOLERANCE = 0.002  # of the height of its axis
FLAT = 0.5  # of its highest value: a curve that stays above that is drawn without zero, as a temperature is ...
MOVES = 0.015  # ... if it moves by so much of it: what hardly moves must not look as if it did
JUDGED = {
    "max": "the highest value",
    "min": "the lowest value",
    "final": "the value at the end",
    "mean": "the average",
    "time_of_max": "the time of the peak",
    "time_of_min": "the time of the lowest value",
    JUMP: "where your curve jumps",
    SHARE: "patients below the line",
}
BETRAYING = (JUMP,)  # what is judged and not said before, since it is half of the answer


MICRO = re.compile(r"\bu(?=[gLM]\b)")  # as files spell it
LINKED = re.compile(r"\A(and|so|but) (?!is |are |was )")  # how an expectation goes on from the one before it


class SimulatedLesson(NamedTuple):
    """A lesson with what was simulated: the runs of its scenarios and its pictures, both by name."""

    lesson: Lesson
    results: Mapping[str, RunResult]
    pictures: Mapping[str, DrawnPicture]


def is_right(choice: Choice, result: RunResult) -> bool:
    """Whether a choice of a step about this run is right."""
    if choice.sentence is not None:
        return result.answer[choice.sentence].holds
    return any(each.expectation.id == choice.misses and not each.within for each in result.verdicts)


def lesson_page(simulated: SimulatedLesson, reasons: Mapping[int, Sequence[str]], free: str) -> str:
    """The page as HTML. reasons: by the number of a step, why its curve moves. free: the page with sliders, if any."""
    lesson = simulated.lesson
    steps = [_step(simulated, step, reasons.get(number, ())) for number, step in enumerate(lesson.steps)]
    data = {"steps": steps, "free": free}
    return render(
        "lesson.html.jinja",
        lesson=lesson,
        data=_safe(data),
        steps=steps,
        versions=versions(),
    )


def handout_page(simulated: SimulatedLesson, answers: bool) -> str:
    """The page to print; answers: with what is right, behind the note for the teacher."""
    steps = [_step(simulated, step, ()) for step in simulated.lesson.steps]
    lesson = simulated.lesson
    return render("handout.html.jinja", lesson=lesson, steps=steps, answers=answers, versions=versions())


def _safe(data: Any) -> str:
    """JSON that is inert inside a script element."""
    return json.dumps(data, allow_nan=False).replace("<", "\\u003c").replace("\u2028", "\\u2028")


def _step(simulated: SimulatedLesson, step: Step, reasons: Sequence[str]) -> dict[str, Any]:
    result = simulated.results[step.scenario]
    words, picture = spoken_answer(result), simulated.pictures.get(step.picture)
    charts = picture.charts if picture else [_chart(result, step, name) for name in step.show]
    return {
        "title": step.title,
        "says": unbroken(words[step.spoken].text if step.spoken is not None else step.says),
        "asks": unbroken(step.asks),
        "choices": [{"says": unbroken(choice.says), "right": is_right(choice, result)} for choice in step.choices],
        "charts": charts,
        "computed": picture.says if picture else "",
        "judge": _judge(simulated, step),
        "why": unbroken(words[step.why].text) if step.why is not None else "",
        "reasons": [unbroken(each) for each in reasons],
        "facts": [_fact(result, name) for name in step.expect],
        "sliders": list(step.sliders),
        "curves": list(step.show),
        "arms": [[*result.arms].index(arm) for arm in step.arms],
    }


def _fact(result: RunResult, name: str) -> dict[str, Any]:
    """An expectation beside what was simulated. why: if it is missed, the reason that the scenario gives."""
    verdict = next(each for each in result.verdicts if each.expectation.id == name)
    missed = verdict.expectation.missed
    return {
        "that": capital(MICRO.sub("µ", LINKED.sub("", verdict.expectation.that, count=1).replace(" degC", " °C"))),
        "published": expected_text(verdict),
        "simulated": simulated_text(verdict),
        "met": verdict.within,
        "why": sentence(capital(missed)) if missed and not verdict.within else "",
    }


def _chart(result: RunResult, step: Step, name: str) -> dict[str, Any]:
    scenario = result.scenario
    clock, factor = clock_of(scenario)
    window = step.window or Window(0.0, scenario.end, clock, factor)
    since = f"time after {with_unit(window.start * factor, clock)}" if window.start else "time"
    lines, low, high = [], math.inf, 0.0
    for arm, style in zip(step.arms, strokes(len(step.arms)), strict=True):
        times, values = _within(window, *points_along(result.arms[arm].trajectory, name))
        kept = points_to_keep(times, values, TOLERANCE, MOST_POINTS)
        low, high = min(low, float(np.nanmin(values))), max(high, float(np.nanmax(values)))
        title = unbroken(step.labels.get(arm, scenario.arm(arm).title))
        lines.append(
            {
                "label": title,
                "points": short_points((times[kept] - window.start) * window.factor, values[kept]),
                **style,
            }
        )
    axis = (since, window.unit, 0.0, (window.end - window.start) * window.factor)
    return chart_of(scenario.label(name), unit_text(scenario.curve(name).unit_text), axis, lines, _span(low, high))


def _within(window: Window, times: Array, values: Array) -> tuple[Array, Array]:
    """The part of a curve in a window, to both of its ends."""
    if window.start <= times[0] and window.end >= times[-1]:
        return times, values
    ends = np.clip((window.start, window.end), times[0], times[-1])
    inside = (times > ends[0]) & (times < ends[1])
    first, last = np.interp(ends, times, values)
    return np.array([ends[0], *times[inside], ends[1]]), np.array([first, *values[inside], last])


def _span(low: float, high: float) -> tuple[float, float]:
    """The ends of the axis of a curve between these values, with room on both sides: it must not betray the peak."""
    room = high - low
    if not 0 < FLAT * high < low or room < MOVES * high:
        return 0.0, round_up(high * ROOM)
    step = round_up(room / 4)
    return max(0.0, step * math.floor((low - room) / step)), step * math.ceil((high + room) / step)


def _judge(simulated: SimulatedLesson, step: Step) -> dict[str, Any] | None:
    """What a drawing is judged by: the simulated value, as a number of the chart and in words."""
    if step.judge is None:
        return None
    judge, result = step.judge, simulated.results[step.scenario]
    scenario = result.scenario
    clock, factor = clock_of(scenario)
    within = judge.within
    if judge.measure == JUMP:
        value, unit = simulated.pictures[step.picture].numbers[f"{step.picture}_lost"], ""
        said = number(value)
    elif judge.measure == SHARE:
        picture = next(each for each in simulated.lesson.pictures if each.name == step.picture)
        value, unit = 100.0 * simulated.pictures[step.picture].numbers[picture.numbers[1]], "%"
        said, within = spoken(value, "percent"), 100.0 * within
    else:
        arm = "" if step.arms[0] == MAIN else f", arm='{step.arms[0]}'"
        text = f"{judge.measure}({step.show[0]}{arm})"
        tree, _ = read_measure(text, scenario.model, list(result.arms), scenario.end)
        trajectories = {name: each.trajectory for name, each in result.arms.items()}
        value, _, _ = of_trajectories(bind(tree, scenario.model), trajectories)
        unit_name = scenario.curve(step.show[0]).unit_text
        in_time = judge.measure in TIMES
        said = f"{number(value * factor)} {clock}" if in_time else spoken_measure(value, unit_name)
        unit = clock if in_time else unit_text(unit_name)
        if in_time:
            value, within = value * factor, within * (factor if judge.absolute else 1.0)
    return {
        "measure": judge.measure,
        "words": JUDGED[judge.measure],
        "counts": "" if judge.measure in BETRAYING else JUDGED[judge.measure],
        "value": value if math.isfinite(value) else None,
        "said": unbroken(said),
        "unit": unit,
        "within": within,
        "absolute": judge.absolute,
    }
