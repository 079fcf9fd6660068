"""What happened, in sentences made from the numbers of the run."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ...experiments.run import ArmResult, RunResult
from .curves import Clock, clock_of, drawn_arms, label_of
from .words import short, times, with_unit

STEADY = 0.01  # of a curve's largest value: what moves less stays as it is
TURN = 0.05  # of its range: how far a peak or a low must lie beyond both ends to be one
FAR = 2.0  # a low that many times below both ends is one too
NOTHING = 1e-9  # of the peak: there a number would only tell of the solver's noise
DIFFERENT = 1.1  # two arms that differ by less are alike
HUGE = 1e4  # a ratio beyond it says no more than the two numbers
MOST = 3  # differences told of an arm


class Sentence(NamedTuple):
    """What it is about, and what is said of it."""

    about: str
    text: str


class Paragraph(NamedTuple):
    """A heading with its sentences."""

    heading: str
    sentences: list[Sentence]


def story(result: RunResult, summary: Mapping[str, Any]) -> list[Paragraph]:
    """summary: as `results.summary` makes it; peaks and their times are read from there."""
    parts = [Paragraph("How the run ended", list(_ends(result)))]
    arms = drawn_arms(result)
    if arms:
        base, *others = arms
        parts.append(Paragraph(f"What happens: {base.arm.title}", list(_course(result, summary, base))))
        differences = [_differences(result, summary, base, arm) for arm in others]
        parts.append(Paragraph(f"What is otherwise, against: {base.arm.title}", differences))
    parts.append(Paragraph("What the sources expect", list(_judged(result))))
    return [part for part in parts if part.sentences]


def shown_names(result: RunResult) -> list[str]:
    return list(dict.fromkeys(name for group in result.scenario.plots for name in group))


def _ends(result: RunResult) -> Iterator[Sentence]:
    """Only what a reader must know before trusting the rest."""
    if result.interrupted:
        missing = [arm.title for arm in result.scenario.arms if arm.name not in result.arms]
        yield Sentence("Interrupted", f"not simulated: {', '.join(missing) or 'nothing'}.")
    for arm in result.arms.values():
        outcome, count = arm.trajectory.outcome, len(arm.trajectory.times)
        if not outcome.ok:
            text = f"failed: {outcome.message}; {count} saved times before it are kept."
            yield Sentence(_upper(arm.arm.title), text)
    for each in result.scenario.left_out:
        yield Sentence("Cut short", f"{each} is left out.")


def _course(result: RunResult, summary: Mapping[str, Any], arm: ArmResult) -> Iterator[Sentence]:
    clock = clock_of(result.scenario)
    for name in shown_names(result):
        values = arm.trajectory[name]
        found = summary["arms"][arm.arm.name]["measures"].get(name) or {}
        if any(found.get(key) is None for key in ("peak", "time_of_peak", "lowest", "final")):
            continue
        low_at = float(arm.trajectory.times[int(values.argmin())])
        shape = shape_of(float(values[0]), found, low_at, clock, result.scenario.model.unit_text(name))
        yield Sentence(_upper(label_of(result.scenario, name)), f"{shape}.")


def shape_of(start: float, found: Mapping[str, float], low_at: float, clock: Clock, unit: str) -> str:
    """A curve in words: where it starts and ends, and its peak and its low if they lie beyond both.

    found: peak, time_of_peak, lowest and final; times in the model's unit.
    """
    peak, low, end = found["peak"], found["lowest"], found["final"]
    span = peak - low
    if span <= STEADY * max(abs(peak), abs(low)):
        return f"steady at {with_unit(end, unit)}"
    up = peak - max(start, end) > TURN * span
    down = min(start, end) - low > TURN * span or (low > 0 and min(start, end) / low > FAR)
    top = (found["time_of_peak"], f"a peak of {short(peak)} at {_at(found['time_of_peak'], clock)}")
    bottom = (low_at, f"a low of {_level(low, peak)} at {_at(low_at, clock)}")
    turns = [text for _, text in sorted([top] * up + [bottom] * down)]
    if turns:
        return f"from {_level(start, peak)} to {', then '.join(turns)}; {_level(end, peak, unit)} at the end"
    way = "rises" if end > start else "falls"
    return f"{way} from {_level(start, peak)} to {_level(end, peak, unit)}{_fold(start, end)}"


def _level(value: float, peak: float, unit: str = "1") -> str:
    if value != 0 and abs(value) < NOTHING * abs(peak):
        return "nearly 0"
    return with_unit(value, unit)


def _fold(start: float, end: float) -> str:
    if start <= 0 or end <= 0 or (ratio := max(start / end, end / start)) > HUGE:
        return ""
    share = f"{100 * (end / start - 1):+.2g}".replace("-", "−")
    return f", {short(ratio)}-fold" if ratio >= 1.5 else f", by {share} %"


def _at(time: float, clock: Clock) -> str:
    return f"{short(time * clock.long)} {clock.unit}"


def _differences(result: RunResult, summary: Mapping[str, Any], base: ArmResult, arm: ArmResult) -> Sentence:
    """The largest differences of `arm` from `base`: in peak, end and lowest value of what is shown."""
    found = [_difference(result, summary, name, base, arm) for name in shown_names(result)]
    # beyond a factor of five what is shown first is told first, and not what is next to nothing in one of the two
    told = sorted(filter(None, found), key=lambda each: -min(each[0], math.log(5)))[:MOST]
    said = "; ".join(text for _, text in told) or "nothing that is shown differs by a tenth"
    return Sentence(_upper(arm.arm.title), said + ".")


def _difference(
    result: RunResult, summary: Mapping[str, Any], name: str, base: ArmResult, arm: ArmResult
) -> tuple[float, str] | None:
    """How far `arm` is from `base`, as the logarithm of a ratio, and where that is; None if by less than a tenth."""
    unit, label = result.scenario.model.unit_text(name), label_of(result.scenario, name)
    of = [summary["arms"][each.arm.name]["measures"].get(name) or {} for each in (base, arm)]
    floor = 1e-6 * max(abs(each.get("peak") or 0.0) for each in of)  # of two that are next to nothing neither is larger
    worst: tuple[float, str] | None = None
    for key, words in (("peak", "peak of "), ("final", ""), ("lowest", "lowest ")):
        there, here = (each.get(key) for each in of)
        if there is None or here is None or min(there, here) + floor <= 0:
            continue
        size = abs(math.log((here + floor) / (there + floor)))
        if size > math.log(DIFFERENT) and (worst is None or size > 1.2 * worst[0]):  # the peak, if it says as much
            when = " at the end" if key == "final" else ""
            much = f" ({times(here / there)})" if here > 0 and there > 0 and size < math.log(HUGE) else ""
            worst = size, f"{words}{label}{when} {with_unit(here, unit)} against {short(there)}{much}"
    return worst


def _judged(result: RunResult) -> Iterator[Sentence]:
    verdicts = result.verdicts
    if verdicts:
        met, count = sum(verdict.met for verdict in verdicts), len(verdicts)
        verb = "is" if met == 1 else "are"
        yield Sentence(f"{met} of {count}", f"expectation{'s' * (count > 1)} {verb} met.")
    for verdict in verdicts:
        expectation = verdict.expectation
        if not verdict.met:
            found = "never" if math.isnan(verdict.simulated) else with_unit(verdict.simulated, expectation.unit_text)
            known = f"; known: {expectation.missed}" if expectation.missed else ""
            yield Sentence("Missed", f"{expectation.that} ({found}, expected {expectation.interval_text}{known}).")
        elif verdict.objection:
            yield Sentence("In doubt", f"{expectation.that} ({verdict.objection}).")
    skipped = len(result.scenario.expectations) - len(verdicts)
    if skipped:
        yield Sentence("Not judged", f"{skipped} of the scenario's expectations, which need arms that were not run.")


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
