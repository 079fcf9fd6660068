"""The lessons of a gallery: those on its scenarios, each with its page, its handout and the answers for the teacher."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import NamedTuple

from .lesson import LessonRequest, lesson, lessons

LESSONS = "lessons"  # the folder of their pages in a gallery


class LessonCard(NamedTuple):
    """A lesson in a gallery: its pages, from the folder of the gallery. reason: why there are none."""

    name: str
    title: str
    scenario: str
    page: str = ""
    handout: str = ""
    answers: str = ""
    reason: str = ""


def gallery_lessons(scenarios: Collection[str], gallery: Path, stop: Callable[[], bool]) -> list[LessonCard]:
    """Writes the bundled lessons on these bundled scenarios into the folder `gallery`.

    Whatever goes wrong is a reason on the card. After `stop()` no further one is made.
    """
    return [
        _made(LessonCard(row["name"], row["title"], row["scenario"]), gallery / LESSONS)
        for row in lessons()
        if row["scenario"] in scenarios and not stop()
    ]


def _made(card: LessonCard, folder: Path) -> LessonCard:
    page, handout, answers = (f"{card.name}{end}.html" for end in ("", "_handout", "_answers"))
    try:
        lesson(LessonRequest(card.name, folder / page, folder / handout, folder / answers))
    except Exception as error:
        return card._replace(reason=f"{type(error).__name__}: {error}")
    return card._replace(page=f"{LESSONS}/{page}", handout=f"{LESSONS}/{handout}", answers=f"{LESSONS}/{answers}")
