"""`lesson`: a page that teaches by predictions, and its handout for paper."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..experiments.lessons import Lesson, Step
from ..experiments.run import RunResult, run
from ..files.results.folder import check_file, write_text
from ..files.toml.catalogue import builtin_lessons
from ..files.toml.lesson_file import find_lesson, read_lesson
from ..files.toml.source import TomlSource
from ..views.report.lesson_page import SimulatedLesson, handout_page, is_right, lesson_page
from ..views.text.answers import spoken_answer
from ..views.text.explain import sentences
from ..views.text.reliability import failed_lines
from .answer import Answer
from .explain import ExplainRequest, explain
from .explore import page_of, why_no_page
from .lesson_pictures import drawn_pictures
from .request import OnNote, ignore_note, say_engine

if TYPE_CHECKING:
    from pandas import DataFrame

MOST_REASONS = 4  # sentences of an explanation that a step shows


@dataclass(frozen=True)
class LessonRequest:
    """lesson: a file, or the name of a bundled lesson. out: its page. handout: the page to print. teacher: the same
    with the answers, behind a note of one page. force: replace these files."""

    lesson: str | Path
    out: Path | None = None
    handout: Path | None = None
    teacher: Path | None = None
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
    """Simulates the scenarios of a lesson, finds what is right, and writes the pages that are asked for.

    Raises `InputError` with everything that is wrong with the lesson or its scenarios, and `OutputError`, both before
    anything is simulated; and KeyboardInterrupt after an interruption from the keyboard, when nothing is written.
    """
    for path, flag in ((request.out, "--out"), (request.handout, "--handout"), (request.teacher, "--teacher")):
        if path is not None:
            check_file(path, request.force, flag)
    file = find_lesson(str(request.lesson))
    found = read_lesson(file)
    say_engine(on_note)
    pictures = drawn_pictures(found)
    if pictures:  # their numbers stand in its sentences
        found = read_lesson(file, {name: value for each in pictures.values() for name, value in each.numbers.items()})
    results = {key: run(scenario) for key, scenario in found.scenarios.items()}
    if any(result.interrupted for result in results.values()):
        raise KeyboardInterrupt  # half of a lesson is none
    simulated = SimulatedLesson(found, results, pictures)
    pages = []
    if request.out is not None:
        reasons = {i: _reasons(step, results[step.scenario]) for i, step in enumerate(found.steps) if step.explain}
        write_text(request.out, lesson_page(simulated, reasons, _free_page(found)))
        pages.append(request.out)
    for path, answers in ((request.handout, False), (request.teacher, True)):
        if path is not None:
            write_text(path, handout_page(simulated, answers))
            pages.append(path)
    return LessonMade(found, tuple(pages), tuple(_faults(simulated)))


def _free_page(found: Lesson) -> str:
    """The page with sliders of the lesson's scenario; empty where it can have none."""
    scenario = found.scenario
    if why_no_page(scenario):
        return ""
    own = [step for step in found.steps if found.scenarios[step.scenario].id == scenario.id]
    seen = {(name,): None for step in own for name in step.show}
    plots = (*seen, *(plot for plot in scenario.plots if plot not in seen))  # what the lesson shows comes first
    return page_of(replace(scenario, plots=plots), ["run", scenario.id], found.every_slider).text


def _faults(simulated: SimulatedLesson) -> list[str]:
    """What the simulation contradicts: an arm that fails, a sentence, or a question of which not exactly one choice is
    right."""
    wrong = [line for result in simulated.results.values() for line in failed_lines(result, named=True)]
    for step in simulated.lesson.steps:
        result = simulated.results[step.scenario]
        holds, words = [said.holds for said in result.answer], [each.text for each in spoken_answer(result)]
        wrong += [f"{step.title}: {words[i]}" for i in (step.spoken, step.why) if i is not None and not holds[i]]
        right = sum(is_right(choice, result) for choice in step.choices)
        wrong += [f"{step.title}: {right} choices are right"] if step.choices and right != 1 else []
    return wrong


def _reasons(step: Step, result: RunResult) -> list[str]:
    """Why the first curve of a step moves, in its first arm; first how it differs from the arm it is compared with.
    Nothing where one of these fails."""
    if not all(result.arms[name].trajectory.outcome.ok for name in (step.arms[0], step.against) if name is not None):
        return []
    request = ExplainRequest(result, step.show[0], arm=step.arms[0], against=step.against)
    explanation = explain(request).explanation
    story = sentences(replace(explanation, against=None), names=False)
    compared = [each for each in sentences(explanation, names=False) if each not in story]
    return [*compared, *story][:MOST_REASONS]
