"""A deck: for each run a title page with question and answer, its figures one a page, and its sources in full."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ...experiments.run import RunResult
from ..text.answers import spoken_answer
from ..text.english import unbroken
from ..text.verdicts import verdict_counts
from .page import Page, Picture, text_height, wrap
from .run import cited_in_full, pictures
from .style import DARK, MARGIN, SLIDES

WARNING = "For teaching and research only. It is not medical advice: do not use it to treat patients."
QUESTION, ANSWER, SOURCE = 22.0, 20.0, 13.0  # points
LEAST = 11.0  # points: long texts are made smaller, to no less
BETWEEN = 0.5  # of the height of a line, free between two paragraphs
SIDE = 0.7  # inches free at both sides of a page of words


class Words(NamedTuple):
    """A page of words: a heading, below it a line in another colour, paragraphs of `size` points, and a foot."""

    title: str
    lead: str
    paragraphs: tuple[str, ...]
    foot: str
    size: float


Slide = Words | Picture


def deck(result: RunResult, run: str) -> Iterator[Slide]:
    """The pages of one run, one at a time to save memory. run: its id, for the foot of the first page."""
    scenario = result.scenario
    counts = verdict_counts(result.verdicts)
    answer = tuple(unbroken(each.text).replace("\N{WORD JOINER}", "") for each in spoken_answer(result))
    paragraphs = (*answer, f"{counts.text[0].upper()}{counts.text[1:]}.") if counts.text else answer
    foot = f"Simulated by immunesim: {scenario.model.title}; scenario {scenario.id}, run {run}. {WARNING}"
    yield Words(scenario.title, scenario.question, paragraphs, foot, ANSWER)
    yield from pictures(result, SLIDES)
    texts = [each.expectation.source for each in result.verdicts] + [each.data.source for each in result.data]
    rest = cited_in_full(scenario, texts)
    while rest:
        count = next(
            (n for n in range(len(rest), 1, -1) if _fits(Words("Sources", "", tuple(rest[:n]), "", SOURCE))), 1
        )
        yield Words("Sources", scenario.title, tuple(rest[:count]), "", SOURCE)
        rest = rest[count:]


def picture_of(words: Words) -> Picture:
    """A page of words as a figure, in type as large as fits."""
    size = words.size
    while size > LEAST and not _fits(words._replace(size=size)):
        size -= 0.5
    page = Page("", [], medium=SLIDES)
    page.foot(words.foot, LEAST, most=3)
    width = SLIDES.width - 2 * SIDE
    page.y = SIDE
    page.down(page.put(words.title, SIDE, width, _heading(words), "#000000") + 0.1)
    if words.lead:
        page.down(page.put(words.lead, SIDE, width, QUESTION * size / words.size, "#0072B2"))
    page.down(0.3)
    for text in words.paragraphs:
        page.down(page.put(text, SIDE, width, size, DARK) + BETWEEN * text_height("", size))
    text_of_page = " ".join(filter(None, [words.title + ".", words.lead, *words.paragraphs, words.foot]))
    return Picture("words", page.finish(), text_of_page, words.title)


def _heading(words: Words) -> float:
    """The size of the heading: as on figures, and larger on a title page."""
    return SLIDES.large * (1.2 if words.size == ANSWER else 1.0)


def _fits(words: Words) -> bool:
    """Whether a page of words fits at its size."""
    width, size = SLIDES.width - 2 * SIDE, words.size
    tall = SIDE + 0.4 + text_height(wrap(words.title, width, _heading(words)), _heading(words))
    tall += text_height(wrap(words.lead or " ", width, QUESTION), QUESTION)
    for text in words.paragraphs:
        tall += text_height(wrap(text, width, size, most=99), size) + BETWEEN * text_height("", size)
    tall += text_height(wrap(words.foot, width, LEAST, most=3), LEAST) + 2 * MARGIN
    return tall <= float(SLIDES.height or tall)
