"""The answer to a scenario's question in words: what `run`, reports and galleries lead with."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

from ...experiments.answers import AnsweredSentence, Failing, Found
from ...experiments.clock import clock_of
from ...experiments.measures import FUNCTIONS, arguments, arm_of, unit_text_of
from ...experiments.run import RunResult
from ...experiments.scenario import MAIN, AnswerNumber, Scenario
from ...model.expression import Apply, Expression, Number, Quoted
from .english import capital, listed, sentence
from .numbers import number
from .spoken import spoken, spoken_measure

NO_LONGER = "No longer holds"
SIGNS = {"<": "below", "<=": "at most", ">": "above", ">=": "at least"}
NOT = {"below": "at least", "at most": "above", "above": "at most", "at least": "below"}
IN_WORDS = {
    "at": "{curve} at {given}",
    "before": "{curve} just before {given}",
    "final": "{curve} at the end",
    "max": "the highest {curve}",
    "min": "the lowest {curve}",
    "mean": "the average {curve}",
    "auc": "the area under {curve}",
    "auc_inf": "the area under {curve} for ever",
    "time_of_max": "the time of the highest {curve}",
    "time_of_min": "the time of the lowest {curve}",
    "half_life": "the half-life of {curve}",
    "terminal_half_life": "the last half-life of {curve}",
    "time_above": "the time with {curve} above {given}",
    "time_below": "the time with {curve} below {given}",
    "first_above": "the first time with {curve} above {given}",
    "first_below": "the first time with {curve} below {given}",
}


class SpokenSentence(NamedTuple):
    """A sentence of the answer as it is read: with its numbers, or, where it does not hold, with what was found."""

    text: str
    holds: bool


def spoken_answer(result: RunResult) -> list[SpokenSentence]:
    """The answer, sentence by sentence, of those whose arms were run; empty where the scenario gives none."""
    return [SpokenSentence(_text(result.scenario, each), each.holds and not each.unreliable) for each in result.answer]


def answer_lines(result: RunResult) -> list[str]:
    """The answer for the terminal: a line for each sentence, and below it where its condition proves nothing."""
    lines = []
    for answer, words in zip(result.answer, spoken_answer(result), strict=True):
        lines.append(words.text)
        if answer.holds and answer.passes_without_mechanism:
            arms = [result.scenario.arm(arm).title for arm in answer.passes_without_mechanism]
            lines.append(f"  proves nothing: the same holds for {listed(arms)}")
    skipped = len(result.scenario.answer) - len(result.answer)
    if skipped:
        lines.append(
            f"({skipped} of {len(result.scenario.answer)} sentences of the answer need arms that were not run)"
        )
    return lines


def _text(scenario: Scenario, answer: AnsweredSentence) -> str:
    if answer.unreliable:
        arms = listed([f"“{scenario.arm(arm).title}”" for arm in answer.unreliable])
        return f"Not reliable, as too few digits are certain of {arms}: {_filled(scenario, answer)}"
    if answer.holds:
        return _filled(scenario, answer)
    return f"{NO_LONGER}: {'; '.join(_reasons(scenario, answer))}."


def _filled(scenario: Scenario, answer: AnsweredSentence) -> str:
    """The sentence with its numbers."""
    found = iter(answer.numbers)
    parts = [part if isinstance(part, str) else _number(scenario, part, next(found)) for part in answer.sentence.parts]
    return sentence(capital("".join(parts)))


def _number(scenario: Scenario, asked: AnswerNumber, found: Found) -> str:
    if asked.unit_text:
        return spoken(found.value * asked.factor, asked.unit_text)
    return spoken_measure(found.value, unit_text_of(found.measure, scenario.model))


def _reasons(scenario: Scenario, answer: AnsweredSentence) -> Iterator[str]:
    """What was found in place of what the sentence says."""
    if not answer.failing:
        for each in answer.numbers:
            if each.why:
                yield f"{measure_words(scenario, each.measure)} has no value ({each.why})"
    for failing in answer.failing:
        yield _reason(scenario, failing)


def _reason(scenario: Scenario, failing: Failing) -> str:
    left, right, compared = failing.left, failing.right, failing.compared
    unit = unit_text_of(left.measure, scenario.model)
    what = measure_words(scenario, left.measure)
    if math.isnan(left.value):
        return f"{what} has no value ({left.why})"
    if math.isnan(right.value):
        return f"{measure_words(scenario, right.measure)} has no value ({right.why})"
    sign = SIGNS[compared.sign] if failing.wanted else NOT[SIGNS[compared.sign]]
    limit = spoken_measure(right.value, unit)
    if not _is_number(right.measure):
        limit = f"{limit} ({measure_words(scenario, right.measure)})"
    return f"{what} is {spoken_measure(left.value, unit)}, not {sign} {limit}"


def _is_number(tree: Expression) -> bool:
    return not isinstance(tree, Apply)


def measure_words(scenario: Scenario, tree: Expression) -> str:
    """A measure in words, with the labels of the model: ``the highest body temperature (untreated)``."""
    if isinstance(tree, Number):
        return number(tree.value)
    if isinstance(tree, Quoted):
        return tree.text
    if not isinstance(tree, Apply):
        raise TypeError(f"{tree!r} is no measure")
    if tree.op in FUNCTIONS:
        return _function_words(scenario, tree)
    parts = [measure_words(scenario, each) for each in tree.args]
    if tree.op == "neg":
        return f"minus {parts[0]}"
    return f" {({'add': '+', 'sub': '−', 'mul': '×', 'div': '÷'})[tree.op]} ".join(parts)


def _function_words(scenario: Scenario, tree: Apply) -> str:
    clock, factor = clock_of(scenario)
    found, row = arguments(tree, scenario.model), FUNCTIONS[tree.op]
    given = ""
    if row.argument == "time" and found.time is not None:
        given = spoken(found.time * factor, clock)
    elif found.level is not None:
        given = spoken_measure(found.level, scenario.model.unit_text(found.curve))
    words = IN_WORDS[tree.op].format(curve=scenario.label(found.curve), given=given)
    if found.window is not None:
        first, last = (spoken(time * factor, clock) for time in found.window)
        words += f" between {first} and {last}"
    arm = arm_of(tree)
    return words if arm == MAIN else f"{words} ({scenario.arm(arm).title})"
