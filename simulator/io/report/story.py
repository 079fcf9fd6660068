"""What happened, in sentences made from the numbers of the run."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ...experiments.run import ArmResult, RunResult
from ...experiments.scenario import MAIN
from .curves import Clock, clock_of, drawn_arms, label_of
from .words import short, times, with_unit

STEADY = 0.01  # of a curve's largest value: what moves less stays as it is
TURN = 0.05  # of its range: how far a peak or a low must lie beyond both ends to be one
FAR = 2.0  # a low that many times below both ends is one too
DIFFERENT = 1.1  # two arms that differ by less are alike
MOST = 3  # differences told of an arm


class Paragraph(NamedTuple):
    """A heading with its sentences."""

    heading: str
    sentences: list[str]


def story(result: RunResult, summary: Mapping[str, Any]) -> list[Paragraph]:
    """summary: as `results.summary` makes it; peaks and their times are read from there."""
    arms = drawn_arms(result)
    parts = [Paragraph("How the run ended", list(_ends(result)))]
    if arms:
        parts.append(Paragraph(f"What happened: {arms[0].arm.title}", list(_course(result, summary, arms[0]))))
    if len(arms) > 1:
        parts.append(Paragraph(f"How the others differ from: {arms[0].arm.title}", list(_others(result, summary))))
    parts.append(Paragraph("What the sources expect", list(_judged(result))))
    return [part for part in parts if part.sentences]


def _ends(result: RunResult) -> Iterator[str]:
    """Only what a reader must know before trusting the rest."""
    if result.interrupted:
        missing = [arm.title for arm in result.scenario.arms if arm.name not in result.arms]
        yield f"The run was interrupted: {_list(missing) or 'nothing'} is missing."
    for arm in result.arms.values():
        if not arm.trajectory.outcome.ok:
            count = len(arm.trajectory.times)
            yield f"{_upper(arm.arm.title)} failed: {arm.trajectory.outcome.message}; {count} saved times before it are kept."
    for each in result.scenario.left_out:
        yield f"Left out, since the run was cut short: {each}."


def _course(result: RunResult, summary: Mapping[str, Any], arm: ArmResult) -> Iterator[str]:
    names = dict.fromkeys(name for group in result.scenario.plots for name in group)
    clock = clock_of(result.scenario)
    for name in names:
        values = arm.trajectory[name]
        found = summary["arms"][arm.arm.name]["measures"].get(name) or {}
        if not len(values) or any(found.get(key) is None for key in ("peak", "time_of_peak", "lowest", "final")):
            continue
        low_at = float(arm.trajectory.times[int(values.argmin())])
        shape = shape_of(float(values[0]), found, low_at, clock, result.scenario.model.unit_text(name))
        yield f"{_upper(label_of(result.scenario, name))}: {shape}."


def shape_of(start: float, found: Mapping[str, float], low_at: float, clock: Clock, unit: str) -> str:
    """A curve in words: where it starts and ends, and its peak and its low if they lie beyond both.

    found: peak, time_of_peak, lowest and final; times in the model's unit.
    """
    peak, low, end = found["peak"], found["lowest"], found["final"]
    span = peak - low
    if span <= STEADY * max(abs(peak), abs(low)):
        return f"steady at {with_unit(end, unit)}"
    high_end, low_end = max(start, end), min(start, end)
    up = peak - high_end > TURN * span
    down = low_end - low > TURN * span or (low > 0 and low_end / low > FAR)
    top = f"a peak of {with_unit(peak, unit)} at {_at(found['time_of_peak'], clock)}"
    bottom = f"a low of {with_unit(low, unit)} at {_at(low_at, clock)}"
    last = f"{with_unit(end, unit)} at the end"
    turns = [text for _, text in sorted([(found["time_of_peak"], top)] * up + [(low_at, bottom)] * down)]
    if turns:
        return f"from {with_unit(start, unit)} to {', then '.join(turns)}, and {last}"
    return f"a {'rise' if end > start else 'fall'} from {with_unit(start, unit)} to {with_unit(end, unit)}" + _fold(
        start, end
    )


def _fold(start: float, end: float) -> str:
    if start <= 0 or end <= 0:
        return ""
    ratio = max(start / end, end / start)
    return f" ({short(ratio)}-fold)" if ratio >= 1.5 else f" ({100 * (end / start - 1):+.2g} %)".replace("-", "−")


def _at(time: float, clock: Clock) -> str:
    return f"{short(time * clock.long)} {clock.unit}"


class _Difference(NamedTuple):
    size: float
    text: str


def _others(result: RunResult, summary: Mapping[str, Any]) -> Iterator[str]:
    """For each arm the largest differences from the first, in peak, lowest value and end."""
    base, *others = drawn_arms(result)
    names = list(dict.fromkeys(name for group in result.scenario.plots for name in group))
    for arm in others:
        found = [each for name in names if (each := _difference(result, summary, name, base, arm)) is not None]
        found = sorted(found, key=lambda each: -each.size)[:MOST]
        said = "; ".join(each.text for each in found) or "nothing shown differs by a tenth"
        yield f"{_upper(arm.arm.title)}: {said}."


def _difference(
    result: RunResult, summary: Mapping[str, Any], name: str, base: ArmResult, arm: ArmResult
) -> _Difference | None:
    """Where `arm` is farthest from `base`; None if nowhere by a tenth."""
    unit, label = result.scenario.model.unit_text(name), label_of(result.scenario, name)
    of = [summary["arms"][each.arm.name]["measures"].get(name) or {} for each in (base, arm)]
    top = max((abs(each.get("peak") or 0.0) for each in of), default=0.0)
    worst: _Difference | None = None
    for key, words in (("peak", "peaks at"), ("final", "ends at"), ("lowest", "is lowest at")):
        there, here = (each.get(key) for each in of)
        if there is None or here is None:
            continue
        floor = 1e-6 * top  # of two values that are next to nothing neither is larger
        ratio = (here + floor) / (there + floor) if there + floor > 0 and here + floor > 0 else math.nan
        if math.isnan(ratio) or not max(ratio, 1 / ratio) > DIFFERENT:
            continue
        size = abs(math.log(ratio))
        if worst is None or size > worst.size * 1.2:  # the peak is told unless another says more
            told = times(here / there) if here > 0 and there > 0 else "and"
            against = f"against {with_unit(there, unit)}"
            how = f"{told}, {against}" if told != "and" else against
            worst = _Difference(size, f"{label} {words} {with_unit(here, unit)}, {how}")
    return worst


def _judged(result: RunResult) -> Iterator[str]:
    verdicts = result.verdicts
    if verdicts:
        met = sum(verdict.met for verdict in verdicts)
        count = len(verdicts)
        yield (
            f"All {count} expectations are met."
            if met == count > 1
            else f"{met} of {count} expectation{'s' * (count > 1)} {'is' if count == 1 else 'are'} met."
        )
    for verdict in verdicts:
        expectation = verdict.expectation
        if not verdict.met:
            found = "never" if math.isnan(verdict.simulated) else with_unit(verdict.simulated, expectation.unit_text)
            known = f"; known: {expectation.missed}" if expectation.missed else ""
            yield f"Missed: {expectation.that} ({found}, expected {expectation.interval_text}{known})."
        elif verdict.objection:
            yield f"Met, and yet in doubt: {expectation.that} ({verdict.objection})."
    skipped = len(result.scenario.expectations) - len(verdicts)
    if skipped:
        what = "expectation is" if skipped == 1 else "expectations are"
        yield f"{skipped} {what} not judged, since arms that they need were not run."



def _list(words: list[str]) -> str:
    return ", ".join(words)


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
