"""The first section of a report: what happened and why, in sentences made from the numbers of the run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ...experiments.clock import clock_of
from ...experiments.comparison import Reference, table
from ...experiments.evidence import evidence_row, totals
from ...experiments.expectations import asked
from ...experiments.explanation.explain import NoStepsError, explain
from ...experiments.run import ArmResult, RunResult
from ...experiments.scenario import Arm
from ..text.compare import sentences
from ..text.data import data_lines
from ..text.doses import input_words, ordered_words
from ..text.english import capital, counted, quoted
from ..text.evidence_totals import totals_lines
from ..text.explain import sentences as explained
from ..text.figure import course_of
from ..text.rules import decision_lines, fired_lines, jump_lines
from ..text.undefined import undefined_lines
from ..text.verdicts import doubt_text, expected_text, simulated_text
from .curves import drawn_arms

MOST_DIFFERENCES = 3  # differences of each arm
EXPLAINED = 3  # figures whose first curve is explained


class Sentence(NamedTuple):
    """A sentence, and in a few words what it is about."""

    about: str
    text: str


class Paragraph(NamedTuple):
    """A heading with its sentences. folded: the reader opens it."""

    heading: str
    sentences: list[Sentence]
    folded: bool = False


def story(result: RunResult) -> list[Paragraph]:
    """The most important facts, in paragraphs: failures, what happens and why, other arms, expectations."""
    parts = [Paragraph("Before you read on", list(_ends(result)))]
    arms = drawn_arms(result)
    if arms:
        base, *others = arms
        parts.append(Paragraph("What is given", list(_given(result, [arm.arm for arm in arms]))))
        parts.append(Paragraph(f"What happens ({base.arm.title})", list(_course(result, base))))
        parts.append(Paragraph("Why", list(_why(result, base)), folded=True))
        if others:
            heading = f"Other arms compared with “{base.arm.title}”"
            parts.append(Paragraph(heading, list(_differences(result, base))))
    parts.append(Paragraph("Data", [_sentence_of(line) for line in data_lines(result.scenario, result.data)]))
    parts.append(Paragraph("Expectations", list(_judged(result))))
    return [part for part in parts if part.sentences]


def _ends(result: RunResult) -> Iterator[Sentence]:
    """What a reader must know before trusting the rest: interruption, failed arms, truncated results."""
    if result.interrupted:
        missing = [arm.title for arm in result.scenario.arms if arm.name not in result.arms]
        yield Sentence("Interrupted", f"not simulated: {', '.join(missing) or 'nothing'}.")
    for arm in result.arms.values():
        outcome, count = arm.trajectory.outcome, counted(len(arm.trajectory.times), "saved time")
        if not outcome.ok:
            text = f"failed: {outcome.message}; {count} before it kept."
            yield Sentence(capital(arm.arm.title), text)
        for line in undefined_lines(arm.trajectory, result.scenario.model.time_unit_text):
            yield Sentence(capital(arm.arm.title), f"{line}.")
    for each in result.scenario.truncated:
        yield Sentence("Cut short", f"left out: {each}.")


def _given(result: RunResult, arms: Sequence[Arm]) -> Iterator[Sentence]:
    """Every dose and input in words, with the arms that have it where not all do."""
    clock, time_factor = clock_of(result.scenario)
    found: dict[tuple[str, str], list[str]] = {}
    for arm in arms:
        for dose in arm.doses:
            found.setdefault((dose.name, ordered_words(result.scenario.model, dose, time_factor, clock)), []).append(
                arm.title
            )
        for each in arm.inputs:
            words = input_words(result.scenario.model, each, time_factor, clock)
            label = result.scenario.model.parameters[each.parameter].label
            found.setdefault((label, words), []).append(arm.title)
    for (name, words), titles in found.items():
        who = "" if len(titles) == len(arms) else f" ({quoted(titles)})"
        yield Sentence(capital(name.replace("_", " ")), f"{words}{who}.")
    for arm in arms:
        own = result.arms[arm.name]
        lines = decision_lines(own.decisions, clock, time_factor)
        lines += fired_lines(own.fired, result.scenario.model, clock, time_factor)
        for line in [*lines, *jump_lines(own.jumps, clock, time_factor)]:
            about, _, text = line.partition(": ")
            yield Sentence(capital(about), f"{text} ({arm.title}).")


def _course(result: RunResult, arm: ArmResult) -> Iterator[Sentence]:
    """Each curve that the scenario shows, in one sentence."""
    for name in result.scenario.drawn:
        yield Sentence(capital(result.scenario.label(name)), f"{course_of(result.scenario, arm.drawn, name)}.")


def _differences(result: RunResult, base: ArmResult) -> Iterator[Sentence]:
    """How each other arm differs from `base`, the largest differences first."""
    rows = [
        row._replace(name=result.scenario.label(row.name))
        for row in table([result], result.scenario.shown, against=Reference(0, base.arm.name))
    ]
    for arm in result.arms:
        for text in sentences([row for row in rows if row.reference or row.arm == arm], MOST_DIFFERENCES):
            yield Sentence("", text)


def _why(result: RunResult, arm: ArmResult) -> Iterator[Sentence]:
    """Why the curves that are shown first rise and fall, from the rates of the run."""
    first = dict.fromkeys(group[0] for group in result.scenario.plots[:EXPLAINED])
    for name in [each for each in first if each not in result.scenario.formulas]:
        try:
            found = explain(result.scenario, arm.arm.name, name, known=result.arms)
        except NoStepsError:
            continue
        reasons = explained(found, names=False)[
            1:
        ]  # the first says where the curve begins and ends, as other parts of the page do
        if reasons:
            yield Sentence(capital(result.scenario.label(name)), " ".join(reasons))


def _sentence_of(line: str) -> Sentence:
    name, _, text = line.partition(": ")
    return Sentence(capital(name), f"{text}.") if text else Sentence("", f"{capital(name)}.")


def _judged(result: RunResult) -> Iterator[Sentence]:
    verdicts = asked(result.verdicts)
    if verdicts:
        met, count = sum(verdict.met for verdict in verdicts), len(verdicts)
        verb = "is" if met == 1 else "are"
        yield Sentence(f"{met} of {count}", f"{'expectation' if count == 1 else 'expectations'} {verb} met.")
    rows = [evidence_row(verdict, result.scenario.id, result.ok) for verdict in result.verdicts]
    for line in totals_lines(totals(rows)):
        what, _, found = line.partition(": ")
        yield Sentence(capital(what), f"{found}.")
    for verdict in verdicts:
        expectation = verdict.expectation
        if verdict.unreliable:
            arms = ", ".join(verdict.unreliable)
            yield Sentence("Not reliable", f"{expectation.that} (arm {arms}; {simulated_text(verdict)} is not judged).")
        elif not verdict.met:
            known = f"; known miss: {expectation.missed}" if expectation.missed else ""
            judged = (
                f"{verdict.reason or f'simulated {simulated_text(verdict)}'}, expected {expected_text(verdict)}{known}"
            )
            yield Sentence("Missed", f"{expectation.that} ({judged}).")
        elif verdict.in_doubt:
            yield Sentence("In doubt", f"{expectation.that} ({doubt_text(verdict)}).")
    skipped = len(result.scenario.expectations) - len(result.verdicts)
    if skipped:
        yield Sentence("Not judged", f"{skipped} of the expectations, because they need arms that were not run.")
