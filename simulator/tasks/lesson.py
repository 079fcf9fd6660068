"""`lesson`: a page that teaches by predictions, and its handout for paper."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..experiments.lessons import Lesson, Step
from ..experiments.run import RunResult, run
from ..files.results.folder import check_file, write_text
from ..files.toml.catalogue import builtin_lessons
from ..files.toml.lesson_file import find_lesson, read_lesson
from ..files.toml.source import TomlSource
from ..views.report.lesson_page import handout_page, lesson_page
from ..views.text.answers import spoken_answer
from ..views.text.explain import sentences
from .answer import Answer
from .explain import ExplainRequest, explain
from .explore import page_of, why_no_page
from .request import OnNote, ignore_note, say_engine

if TYPE_CHECKING:
    from pandas import DataFrame

MOST_REASONS = 4  # sentences of an explanation that a step shows


@dataclass(frozen=True)
class LessonRequest:
    """lesson: a file, or the name of a bundled lesson. out: its page. handout: the page to print, with the answers and
    the note for the teacher if `answers`. force: replace these files."""

    lesson: str | Path
    out: Path | None = None
    handout: Path | None = None
    answers: bool = False
    force: bool = False


@dataclass(frozen=True, repr=False)
class LessonMade(Answer):
    """A lesson that was simulated and written. faults: what no longer holds, in words."""

    lesson: Lesson
    pages: tuple[Path, ...]
    faults: tuple[str, ...]

    @property
    def document(self) -> dict[str, Any]:
        """The same, ready for JSON."""
        steps = [step.title for step in self.lesson.steps]
        pages = [str(page) for page in self.pages]
        return {"lesson": self.lesson.id, "title": self.lesson.title, "steps": steps, "pages": pages,
                "no_longer_holds": list(self.faults)}  # fmt: skip

    def to_pandas(self) -> DataFrame:
        """A row for each step."""
        from ..views.text.tables import Table

        return Table([{"step": step.title, "asks": step.asks} for step in self.lesson.steps], {}).to_pandas()

    def __str__(self) -> str:
        lines = [
            f"{self.lesson.title}: {len(self.lesson.steps)} steps",
            *(f"no longer holds: {each}" for each in self.faults),
        ]
        return "\n".join([*lines, "", *(f"open {page}" for page in self.pages)])


def lessons() -> list[dict[str, str]]:
    """Name, title and scenario of every bundled lesson."""
    found = {name: TomlSource(path).data for name, path in builtin_lessons().items()}
    return [{"name": name, "title": data["title"], "scenario": data["scenario"]} for name, data in found.items()]


def lesson(request: LessonRequest, on_note: OnNote = ignore_note) -> LessonMade:
    """Simulates the scenario of a lesson, finds what is right, and writes the pages that are asked for.

    Raises `InputError` with everything that is wrong with the lesson or its scenario, and `OutputError`, both before
    anything is simulated.
    """
    for path, flag in ((request.out, "--out"), (request.handout, "--handout")):
        if path is not None:
            check_file(path, request.force, flag)
    found = read_lesson(find_lesson(str(request.lesson)))
    say_engine(on_note)
    result = run(found.scenario)
    faults = tuple(_faults(found, result))
    pages = []
    if request.out is not None:
        reasons = {i: _reasons(step, result) for i, step in enumerate(found.steps) if step.explain}
        free = (
            "" if why_no_page(found.scenario) else page_of(found.scenario, ["run", found.scenario.id], found.sliders)[0]
        )
        write_text(request.out, lesson_page(found, result, reasons, free))
        pages.append(request.out)
    if request.handout is not None:
        write_text(request.handout, handout_page(found, result, request.answers))
        pages.append(request.handout)
    return LessonMade(found, tuple(pages), faults)


def _faults(found: Lesson, result: RunResult) -> list[str]:
    """What the simulation contradicts: a sentence, or a question of which not exactly one choice is right."""
    holds, words = [said.holds for said in result.answer], [each.text for each in spoken_answer(result)]
    wrong = []
    for step in found.steps:
        wrong += [f"{step.title}: {words[i]}" for i in (step.spoken, step.why) if i is not None and not holds[i]]
        right = sum(holds[i] for _, i in step.choices)
        wrong += [f"{step.title}: {right} choices are right"] if step.choices and right != 1 else []
    return wrong


def _reasons(step: Step, result: RunResult) -> list[str]:
    """Why the first curve of a step moves, in its first arm."""
    request = ExplainRequest(result, step.show[0], arm=step.arms[0], against=step.against)
    return sentences(explain(request).explanation, names=False)[:MOST_REASONS]
