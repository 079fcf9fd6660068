"""``report.html`` of a sweep: question, what was found, the map, ranked tables and the certificate, as one file."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from ...experiments.certificate import rounded_down
from ...experiments.sweeps.acceptance import acceptance
from ...experiments.sweeps.compute import SweepResult
from ...experiments.sweeps.designs import SweepMeasure
from ...experiments.sweeps.outcome import SweepOutcome
from ...experiments.sweeps.responders import who_responds
from ...experiments.sweeps.sensitivity import sensitivities
from ...experiments.sweeps.statistics import measure_values, varied_axes
from ...numerics.trajectory import Array
from ...runtime.versions import versions
from ..figures.sweep.pictures import pictures
from ..text import sweep_measures as texts
from ..text.acceptance import acceptance_table
from ..text.acceptance import sentence as accepted_words
from ..text.answers import SpokenSentence
from ..text.commands.sweep import certificate_text, measure_table, unreliable_members
from ..text.english import capital, counted
from ..text.numbers import with_unit
from ..text.sensitivity import effect_table, index_table, responders_sentence, sentence_of
from .figures import Image, svg_address
from .html import render

MOST_FOUND = 4  # sentences at the head of the page
MOST_NAMED = 3  # varied parameters whose values an extreme is told with


class Ranked(NamedTuple):
    """A ranked table of the page: what it is of, a sentence, and its rows as HTML."""

    title: str
    sentence: str
    html: str


def sweep_report(
    outcome: SweepOutcome,
    run: str,
    command: Sequence[str],
    scenario_text: str,
    answer: Sequence[SpokenSentence],
    home: str,
) -> str:
    """The page as HTML, which needs no other file.

    run: the id of the sweep. command: the arguments that ask for it. scenario_text: the resolved scenario as TOML.
    answer: of the scenario as it is described, to its question. home: in a gallery the name of the scenario, whose
    report and index the page links to.
    """
    result = outcome.result
    images = [
        Image(each.title or each.text.split(";")[0].split(". ")[0], each.text, svg_address(each.figure, run))
        for each in pictures(result)
    ]
    ranked = list(_ranked(result)) if not outcome.missing else []
    return render(
        "sweep.html.jinja",
        scenario=result.scenario,
        answer=answer,
        members=texts.members_text(result),
        found=[each.sentence for each in ranked][:MOST_FOUND] or list(_found(result)),
        certificate=capital(certificate_text(outcome)),
        digits=_digits(outcome),
        warnings=unreliable_members(outcome),
        missing=counted(outcome.missing, "member") if outcome.missing else "",
        failures=[f"member {number}, arm {arm}: {why}" for number, arm, why in outcome.first_failures],
        failed=counted(outcome.failed, "member") if outcome.failed else "",
        images=images,
        measures=measure_table(result)._repr_html_() if len(result.numbers) else "",
        ranked=ranked,
        run=run,
        command=shlex.join(["immunesim", *command]) if command else "",
        scenario_text=scenario_text,
        home=home,
        versions=versions(),
    )


def _digits(outcome: SweepOutcome) -> str:
    """The certificate in a few words."""
    found = outcome.certificate
    if found.least is None:
        return "digits not certified"
    return f"{rounded_down(found.least)} digits in the worst of {counted(len(found.numbers), 'member')} computed twice"


def _found(result: SweepResult) -> Iterator[str]:
    """Of each measure and arm the range among the members; of the first, that of the first figure, also where its ends
    are."""
    if not len(result.numbers):
        return
    several, titles = len(result.sweep.arms) > 1, texts.arm_titles(result)
    rows = [(j, a) for j in range(len(result.sweep.measures)) for a in range(len(titles))]
    for j, a in rows[:MOST_FOUND]:
        item, values = result.sweep.measures[j], measure_values(result, a, j)
        head = capital(texts.title(item)) + (f" ({titles[a]})" if several else "")
        if np.isnan(values).all():
            yield f"{head}: no value in any member."
            continue
        low, top = (_end(result, values, at, item, (j, a) == rows[0]) for at in (np.nanargmin, np.nanargmax))
        middle = with_unit(float(np.nanmedian(values)), item.unit_text)
        inside = texts.inside_text(result, a, j)
        yield f"{head}: from {low} to {top}, median {middle}{'; ' + inside if inside else ''}."


def _end(result: SweepResult, values: Array, at: Callable[[Array], Any], item: SweepMeasure, with_place: bool) -> str:
    """The lowest or highest value, and the values of what varies there, if these are few."""
    place, axes = int(at(values)), varied_axes(result)
    text = with_unit(float(values[place]), item.unit_text)
    if not with_place or not 0 < len(axes) <= MOST_NAMED:
        return text
    found = [(result.sweep.design.axes[i], float(result.values[place, i])) for i in axes]
    return f"{text} ({'; '.join(f'{axis.label}: {with_unit(value, axis.unit_text)}' for axis, value in found)})"


def _ranked(result: SweepResult) -> Iterator[Ranked]:
    """What matters, or who responds, for each measure and arm of designs that are made for it."""
    several, titles = len(result.sweep.arms) > 1, texts.arm_titles(result)

    def head(arm: int, measure: int) -> str:
        return texts.title(result.sweep.measures[measure]) + (f", {titles[arm]}" if several else "")

    for each in sensitivities(result):
        table = index_table(result, each)
        yield Ranked(head(each.arm, each.measure), sentence_of(result, each, names=False), table._repr_html_())
    for found in who_responds(result):
        title, table = head(found.arm, found.measure), effect_table(result, found)
        sentence = f"{capital(title)}: {responders_sentence(result, found, names=False)}"
        yield Ranked(title, sentence, table._repr_html_())
    if (kept := acceptance(result)) is not None:
        yield Ranked("accepted patients", accepted_words(kept), acceptance_table(result, kept)._repr_html_())
