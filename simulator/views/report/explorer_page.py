"""The page of `explore`: one file that simulates by itself, and shows fixed curves where it cannot."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import shlex
import zlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed
from typing import Any, NamedTuple

import numpy as np

from ...experiments.clock import clock_of
from ...experiments.expectations import Verdict
from ...experiments.explorer.document import RTOL_AT_REST, RTOL_MOVING, shown_curves
from ...experiments.explorer.sliders import Preset, Slider
from ...experiments.run import RunResult
from ...experiments.solving import system_of
from ...experiments.targets import target_of
from ...model.expression import Apply
from ...numerics.trajectory import Array
from ..figures.panel import needs_log_axis
from ..figures.spikes import swings_of
from ..text.answers import spoken_answer
from ..text.numbers import interval, number, unit_text
from .axis import axis_marks
from .curves import drawn_arms, points_of, strokes
from .html import render
from .tables import cited
from .thin import points_to_keep

SIDE = 1000.0  # of the frame of fixed curves, which is stretched over the width and height of a chart
TOP, TALL = 12.0, 130.0  # pixels, as explorer_chart.js lays out its charts: one replaces the other without a jump
MOST_POINTS = 240  # of a fixed curve
MOST_FIXED = 4  # arms of the fixed curves, and those that are shown at first
NOISE = 1e-6  # of the usual size of a curve: an axis is never shorter
DARK = 60  # of 255, above which a colour is more than black
LOWEST = 1e-6  # of the largest value, below which a logarithmic axis shows nothing of interest


class FixedChart(NamedTuple):
    """A curve as a picture: lines of every arm, and the marks of its axes; words: for those who cannot see it."""

    label: str
    unit: str
    words: str
    lines: list[dict[str, Any]]
    ticks: list[dict[str, Any]]
    times: list[dict[str, Any]]
    time_unit: str


def explorer_page(
    result: RunResult,
    model: Mapping[str, Any],
    module: bytes,
    sliders: Sequence[Slider],
    presets: Sequence[Preset],
    command: Sequence[str],
) -> str:
    """The page as HTML.

    result: the scenario as it is described. model: as `experiments.explorer.document` makes it. module: WebAssembly.
    command: the arguments that run the same scenario.
    """
    scenario, shown = result.scenario, shown_curves(result.scenario)
    arms = [
        {"name": arm.arm.name, "title": arm.arm.title, "on_dark": _on_dark(style["color"]), **style}
        for arm, style in zip(result.arms.values(), strokes(len(result.arms)), strict=True)
    ]
    curves = [{**each, "shown": _unit(each["unit"])} for each in model["curves"][: model["shown"]]]
    system, main = system_of(scenario.model), scenario.parameters(scenario.arms[0])
    (usual,) = system.typical_sizes(np.array([[main[name] for name in system.parameters]]))
    logs, drawn = [], drawn_arms(result)
    for each in curves:
        values = [np.empty(0), *(arm.drawn[each["name"]] for arm in drawn)]
        logs.append(bool(needs_log_axis([one[np.isfinite(one)] for one in values])))
        each["noise"] = NOISE * usual.get(each["name"], 0.0)
    data = {
        "id": scenario.id,
        "command": shlex.join(["immunesim", *command]),
        "model": {key: value for key, value in model.items() if key != "expectations"},
        "module": _packed(module),
        "arms": [{key: each[key] for key in ("name", "title", "dash")} for each in arms],
        "mostArms": MOST_FIXED,
        "curves": curves,
        "expectations": _judged(result, model["expectations"], shown.names),
        "points": [
            {**each._asdict(), "curve": place, "arm": [*result.arms].index(drawn[each.arm].arm.name)}
            for place, name in enumerate(shown.names)
            for each in points_of(result, drawn, name)
        ],
        "logs": logs,
        "sliders": [{**each._asdict(), "shown_unit": _unit(each.shown_unit)} for each in sliders],
        "presets": [each._asdict() for each in presets],
    }
    # Addresses say which page they are of: of another model or other sliders they may mean something else
    of = repr((model["parameters"], model["species"], [(each.path, each.value) for each in sliders]))
    data["version"] = hashlib.sha256(of.encode()).hexdigest()[:8]
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return render(
        "explorer.html.jinja",
        scenario=scenario,
        version=_version(),
        answer=spoken_answer(result),
        presets=presets,
        arms=arms,
        most_fixed=MOST_FIXED,
        left_out=shown.left_out,
        moving=number(RTOL_MOVING),
        rest=number(RTOL_AT_REST),
        fixed=[_fixed(result, name, arms, log) for name, log in zip(shown.names, logs, strict=True)],
        data=text.replace("<", "\\u003c"),  # else a title could end the script element
    )


def _judged(result: RunResult, expectations: Sequence[Mapping[str, Any]], shown: Sequence[str]) -> list[dict[str, Any]]:
    """The expectations that the scenario as it is described has a number for, with their verdicts and with the bands
    that can be drawn next to the curves in `shown`."""
    found = []
    simulated = {each.expectation.id: each for each in result.verdicts}
    for each in expectations:
        verdict = simulated.get(each["id"])
        if verdict is not None and math.isfinite(verdict.simulated):
            unit, sources = _unit(each["unit"]), [source.text for source in cited(result.scenario, each["source"])]
            found.append(
                {
                    **each,
                    "unit": unit,
                    "interval": interval(verdict.expectation.low, verdict.expectation.high, each["unit"], 4),
                    "source": "; ".join(sources),
                    "simulated": verdict.simulated,
                    "met": verdict.within,
                    "announced": bool(verdict.expectation.missed),
                    "band": _band(result, verdict, shown),
                }
            )
    return found


def _band(result: RunResult, verdict: Verdict, shown: Sequence[str]) -> dict[str, Any] | None:
    """Where the interval of an expectation lies next to a curve that is shown: times in the model's unit, bounds in
    that of the curve (or of time), and the factor that turns what was measured into it."""
    target, scenario = target_of(result.scenario, verdict), result.scenario
    if target is None or target.name not in shown:
        return None
    asked, model = verdict.expectation, scenario.model
    return {
        "curve": shown.index(target.name),
        "arm": [arm.name for arm in scenario.arms].index(target.arm),
        "isTime": target.is_time,
        "op": asked.measure.op if isinstance(asked.measure, Apply) else "",
        "window": [target.t0, target.t1],
        "low": target.low if math.isfinite(target.low) else None,
        "high": target.high if math.isfinite(target.high) else None,
        "factor": asked.unit.to(model.time_unit if target.is_time else model.unit(target.name)),
        "words": target.published,
    }


@lru_cache(maxsize=2)
def _packed(module: bytes) -> str:
    """The module compressed, as text; the pages of one model share it."""
    return base64.b64encode(zlib.compress(module, 9)).decode()


def _version() -> str:
    try:
        return installed("immunesim")
    except PackageNotFoundError:
        return ""


def _unit(text: str) -> str:
    return unit_text(text) if text not in ("", "1", "%") else "" if text == "1" else text


def _on_dark(color: str) -> str:
    """A colour, ``#rrggbb``, as it can be seen on a dark page."""
    parts = [int(color[at : at + 2], 16) for at in (1, 3, 5)]
    if max(parts) < DARK:
        return "var(--ink)"
    return "#" + "".join(f"{(part + 255) // 2:02x}" for part in parts)


def _fixed(result: RunResult, name: str, arms: Sequence[Mapping[str, Any]], log: bool) -> FixedChart:
    """One curve as a picture."""
    scenario, clock = result.scenario, clock_of(result.scenario)
    drawn = drawn_arms(result)[:MOST_FIXED]
    bottom, top, marks = _scale(np.concatenate([np.empty(0), *(arm.drawn[name] for arm in drawn)]), log)

    def height(values: Array) -> Array:
        """From 0 at the lower end of the axis to 1."""
        if log:
            share = np.log(np.maximum(values, bottom) / bottom) / np.log(top / bottom)
        else:
            share = (values - bottom) / (top - bottom)
        found: Array = share
        return found

    def path(times: Array, values: Array) -> str:
        across, down = SIDE * times / scenario.end, SIDE * (1 - height(values))
        return "L".join(f"{x:.1f} {y:.1f}" for x, y in zip(across, down, strict=True) if np.isfinite(y))

    places, lines = [arm["name"] for arm in arms], []
    for arm in reversed(drawn):  # the first on top
        times, values = arm.trajectory.times, arm.drawn[name]
        swings = swings_of(times, values, height(values), scenario.end)
        parts, start = [], 0.0  # what lies between the swings
        for swing in [*swings, None]:
            end = scenario.end if swing is None else swing.times[0]
            inside = (times >= start) & (times <= end)
            kept = points_to_keep(times[inside], values[inside], 1 / 250, MOST_POINTS)
            parts.append(path(times[inside][kept], values[inside][kept]))
            start = 0.0 if swing is None else swing.times[-1]
        found = ["M" + part for part in parts if part]
        if not found:
            continue  # 0/0 all along
        place = places.index(arm.arm.name)
        bands = [f"M{path(each.times, each.high)}L{path(each.times[::-1], each.low[::-1])}Z" for each in swings]
        dash = " ".join(str(2 * part) for part in arms[place]["dash"])
        lines.append({"arm": place, "path": "".join(found), "dash": dash, "swings": bands})
    shown = axis_marks(0.0, scenario.end * clock.factor)
    label = scenario.label(name)
    heights = height(np.array(marks)).tolist()
    return FixedChart(
        label=label,
        unit=_unit(scenario.curve(name).unit_text),
        words=f"{label} over time, one line for each arm",
        lines=lines,
        ticks=[
            {"y": round(TOP + TALL * (1 - share), 1), "text": number(mark)}
            for mark, share in zip(marks, heights, strict=True)
        ],
        times=[{"share": round(100 * time / (scenario.end * clock.factor), 2), "text": number(time)} for time in shown],
        time_unit=clock.unit,
    )


def _scale(values: Array, log: bool) -> tuple[float, float, list[float]]:
    """The lower and upper end of an axis, and its marks."""
    shown = values[np.isfinite(values)]
    if log:
        top = float(shown.max()) * 2.0
        bottom = float(shown[shown > top * LOWEST].min()) / 1.5
        powers = range(math.ceil(math.log10(bottom)), math.floor(math.log10(top)) + 1)
        return bottom, top, [10.0**power for power in powers][:: max(1, len(powers) // 4)]
    low, top = (float(shown.min()), float(shown.max())) if len(shown) else (0.0, 1.0)
    bottom = 0.0 if low >= 0 and low < top / 2 else low
    room = top - bottom or abs(top) or 1.0
    bottom, top = bottom - 0.05 * room * (bottom != 0), top + 0.1 * room
    return bottom, top, axis_marks(bottom, top)
