"""``[[answer]]``: the answer to the question of a scenario, a sentence each, with numbers that are computed.

::

    [[answer]]
    says = "The tumour falls to {at(tumour, '55 d') / at(tumour, '0 d') as percent} of its size."
    if = "at(tumour, '55 d') < 0.5 * at(tumour, '0 d')"
    breaks_in = ["untreated"]

A number in braces is a measure. ``as percent`` or ``as UNIT`` (``as h``, ``as pg/mL``) says in what it is told; without
that it is the unit of the measure, and a time is told in minutes, hours, days or years by its size. The sentence may be
said only ``if`` a condition holds: comparisons of measures by < <= > >=, joined by and, or, not. A measure without a
value, such as a level that is never reached, makes its comparison fail. ``breaks_in`` names arms in which the condition
fails, each read in place of the main one, as in ``[[expect]]``; ``breaks_with`` describes such an arm, which is not
simulated by `run`, as a table of ``[arms]`` does: ``breaks_with.parameters.IL2_made = 0``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from ...experiments.conditions import read_measures_condition, sides_of
from ...experiments.measures import curve_names, functions_in, read_measure, until_the_end
from ...experiments.scenario import MAIN, AnswerNumber, AnswerSentence, Arm
from ...model.expression import Expression, FormulaError
from ...model.units import ONE, Unit, UnitError, dimension_text, in_moles, unit
from ...runtime.names import unknown_name
from .layers import KeyPath
from .quantities import Context
from .source import LIST, REQUIRED_TEXT, TABLE, Table

ANSWER = {"says": REQUIRED_TEXT, "if": REQUIRED_TEXT, "breaks_in": LIST, "breaks_with": TABLE}
CHANGED = "changed"  # the name of the arm that `breaks_with` describes
PERCENT = "percent"
NUMBER = re.compile(r"\{([^{}]*)\}")
_AS = re.compile(r"\bas\b([^'\"]*)\Z")


class AnswerFound(NamedTuple):
    """The sentences that may be said, and in words those that an end that was moved left out."""

    sentences: tuple[AnswerSentence, ...]
    left_out: tuple[str, ...]


def read_answer(context: Context, arms: Sequence[str], arm_of: Callable[[Table, KeyPath], Arm]) -> AnswerFound:
    """The sentences of the answer, without those that are wrong.

    arms: the names of all arms. arm_of: reads the arm that a table at a path describes.
    """
    items = enumerate(context.tables.get("answer", []))
    found = [_sentence(context, ("answer", number), table, arms, arm_of) for number, table in items if table]
    right = [sentence for sentence in found if sentence is not None]
    kept = [sentence for sentence in right if not (context.left_out.shorter and _of_the_whole(sentence))]
    gone = len(right) - len(kept)
    words = (f"{counted_sentences(gone)} about the whole run, which is shorter",) if gone else ()
    return AnswerFound(tuple(kept), words)


def counted_sentences(count: int) -> str:
    """How many sentences are left out, in words."""
    return f"{count} sentence{'s' * (count > 1)} of the answer"


def _of_the_whole(sentence: AnswerSentence) -> bool:
    """Whether a sentence depends on when the run ends."""
    trees = [*sides_of(sentence.condition), *(each.measure for each in sentence.numbers)]
    return any(until_the_end(each) for tree in trees for each in functions_in(tree))


def _sentence(
    context: Context, path: KeyPath, table: Table, arms: Sequence[str], arm_of: Callable[[Table, KeyPath], Arm]
) -> AnswerSentence | None:
    before = len(context.faults)
    says = " ".join(table["says"].split())
    parts = _parts(context, (*path, "says"), says, arms)
    breaks_in = table.get("breaks_in", [])
    for arm in breaks_in:
        if arm not in arms or arm == MAIN:
            others = [each for each in arms if each != MAIN]
            message = unknown_name("no arm", str(arm), others, " in which it could break")
            context.fault((*path, "breaks_in"), message)
    changed = arm_of(table["breaks_with"], (*path, "breaks_with")) if "breaks_with" in table else None
    try:
        condition = read_measures_condition(table["if"], context.model, arms, context.latest, context.numbers)
    except (FormulaError, UnitError) as error:
        context.fault((*path, "if"), str(error))
        return None
    if len(context.faults) > before:
        return None
    return AnswerSentence(says, parts, condition, " ".join(table["if"].split()), tuple(breaks_in), changed)


def _parts(context: Context, path: KeyPath, says: str, arms: Sequence[str]) -> tuple[str | AnswerNumber, ...]:
    """The words and numbers of a sentence, with a fault for each that is wrong."""
    parts: list[str | AnswerNumber] = []
    for place, text in enumerate(NUMBER.split(says)):  # words and what stands in braces take turns
        if place % 2 == 0:
            parts += [text] if text else []
            stray = next((brace for brace in "{}" if brace in text), "")
            if stray:
                near = text[max(text.index(stray) - 20, 0) :][:40].strip()
                message = f"the brace {stray} has no counterpart, in '{near}': a number stands in one pair of braces"
                context.fault(path, message)
            continue
        try:
            parts.append(_number(context, text, arms))
        except (FormulaError, UnitError) as error:
            context.fault(path, f"in {{{text}}}: {error}")
    return tuple(parts)


def _number(context: Context, text: str, arms: Sequence[str]) -> AnswerNumber:
    """A number in braces. Raises `FormulaError` or `UnitError`."""
    found = _AS.search(text)
    formula, unit_text = (text[: found.start()], found[1].strip()) if found else (text, "")
    if found and not unit_text:
        raise UnitError(f"'as' what? a unit, or {PERCENT}")
    tree, given = read_measure(formula, context.model, arms, context.latest, context.numbers)
    if not unit_text:
        return AnswerNumber(text.strip(), tree, "", 1.0)
    factor = 100.0 * given.to(ONE) if unit_text == PERCENT and given.same_dimension(ONE) else 0.0
    return AnswerNumber(text.strip(), tree, unit_text, factor or given.to(_wanted(context, tree, given, unit_text)))


def _wanted(context: Context, tree: Expression, given: Unit, unit_text: str) -> Unit:
    """The unit that a number is told in, in moles where one substance is measured."""
    substance = context.model.shared_substance(curve_names(tree, context.model))
    wanted = ONE if unit_text == PERCENT else in_moles(unit(unit_text), substance)
    if not given.same_dimension(wanted):
        raise UnitError(f"the measure gives {dimension_text(given)}, which cannot be told as {unit_text}")
    return wanted
