"""What happened, in sentences made from the numbers of the run."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ...experiments.clock import clock_of
from ...experiments.comparison import Reference, table
from ...experiments.explanation.explain import NoStepsError, explain
from ...experiments.run import ArmResult, RunResult
from ..text.compare import sentences
from ..text.explain import sentences as explained
from ..text.explain_format import capital
from ..text.figure import label_of
from ..text.numbers import interval, number, with_unit
from .curves import drawn_arms

STEADY = 0.01  # of a curve's largest value: what moves less stays as it is
TURN = 0.05  # of its range: how far a peak or a low must lie beyond both ends to be one
FAR = 2.0  # a low that many times below both ends is one too
NOTHING = 1e-9  # of the peak: there a number would only tell of the solver's noise
HUGE = 1e4  # a ratio beyond it says no more than the two numbers
TOLD = 3  # differences of each arm
EXPLAINED = 3  # figures whose first curve is explained


class Sentence(NamedTuple):
    """What it is about, and what is said of it."""

    about: str
    text: str


class Paragraph(NamedTuple):
    """A heading with its sentences; folded: to be opened by who wants to know."""

    heading: str
    sentences: list[Sentence]
    folded: bool = False


def story(result: RunResult, summary: Mapping[str, Any]) -> list[Paragraph]:
    """summary: as `results.summary` makes it; peaks and their times are read from there."""
    parts = [Paragraph("How the run ended", list(_ends(result)))]
    arms = drawn_arms(result)
    if arms:
        base, *others = arms
        parts.append(Paragraph(f"What happens: {base.arm.title}", list(_course(result, summary, base))))
        parts.append(Paragraph("Why", list(_why(result, base)), folded=True))
        if others:
            heading = f"How the other arms differ from: {base.arm.title}"
            parts.append(Paragraph(heading, list(_differences(result, base))))
    parts.append(Paragraph("What the sources expect", list(_judged(result))))
    return [part for part in parts if part.sentences]


def _ends(result: RunResult) -> Iterator[Sentence]:
    """Only what a reader must know before trusting the rest."""
    if result.interrupted:
        missing = [arm.title for arm in result.scenario.arms if arm.name not in result.arms]
        yield Sentence("Interrupted", f"not simulated: {', '.join(missing) or 'nothing'}.")
    for arm in result.arms.values():
        outcome, count = arm.trajectory.outcome, len(arm.trajectory.times)
        if not outcome.ok:
            text = f"failed: {outcome.message}; {count} saved times before it are kept."
            yield Sentence(capital(arm.arm.title), text)
    for each in result.scenario.truncated:
        yield Sentence("Cut short", f"{each} is left out.")


def _course(result: RunResult, summary: Mapping[str, Any], arm: ArmResult) -> Iterator[Sentence]:
    clock = clock_of(result.scenario)
    for name in result.scenario.shown:
        values = arm.trajectory[name]
        found = summary["arms"][arm.arm.name]["measures"].get(name) or {}
        if any(found.get(key) is None for key in ("peak", "time_of_peak", "lowest", "final")):
            continue
        low_at = float(arm.trajectory.times[int(values.argmin())])
        shape = shape_of(float(values[0]), found, low_at, clock, result.scenario.model.unit_text(name))
        yield Sentence(capital(label_of(result.scenario, name)), f"{shape}.")


def shape_of(start: float, found: Mapping[str, float], low_at: float, clock: tuple[str, float], unit: str) -> str:
    """A curve in words: where it starts and ends, and its peak and its low if they lie beyond both.

    found: peak, time_of_peak, lowest and final; times in the model's unit.
    """
    peak, low, end = found["peak"], found["lowest"], found["final"]
    span = peak - low
    if span <= STEADY * max(abs(peak), abs(low)):
        return f"steady at {with_unit(end, unit)}"
    up = peak - max(start, end) > TURN * span
    down = min(start, end) - low > TURN * span or (low > 0 and min(start, end) / low > FAR)
    top = (found["time_of_peak"], f"a peak of {number(peak)} at {_at(found['time_of_peak'], clock)}")
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
    return f", {number(ratio)}-fold" if ratio >= 1.5 else f", by {share} %"


def _at(time: float, clock: tuple[str, float]) -> str:
    return f"{number(time * clock[1])} {clock[0]}"


def _differences(result: RunResult, base: ArmResult) -> Iterator[Sentence]:
    """How each other arm differs from `base`, the largest differences first."""
    rows = table([result], result.scenario.shown, against=Reference(0, base.arm.name))
    for arm in result.arms:
        for text in sentences([row for row in rows if row["reference"] or row["arm"] == arm], TOLD):
            yield Sentence("", text)


def _why(result: RunResult, arm: ArmResult) -> Iterator[Sentence]:
    """What made the curves that are shown first do what they do, from the fluxes of the run."""
    for name in dict.fromkeys(group[0] for group in result.scenario.plots[:EXPLAINED]):
        try:
            found = explain(result.scenario, arm.arm.name, name, known=result.arms)
        except NoStepsError:
            continue
        told = explained(found)[1:]  # where it begins and ends has been said
        if told:
            yield Sentence(capital(label_of(result.scenario, name)), " ".join(told))


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
            expected = interval(expectation.low, expectation.high, expectation.unit_text, 4)
            known = f"; known: {expectation.missed}" if expectation.missed else ""
            yield Sentence("Missed", f"{expectation.that} ({found}, expected {expected}{known}).")
        elif verdict.objection:
            yield Sentence("In doubt", f"{expectation.that} ({verdict.objection}).")
    skipped = len(result.scenario.expectations) - len(verdicts)
    if skipped:
        yield Sentence("Not judged", f"{skipped} of the scenario's expectations, which need arms that were not run.")
