"""`lesson --course`: lessons as a folder for a class, each with page, handout and note, and a page that links them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from ..files.results.folder import check_folder, new_folder
from ..files.toml.catalogue import builtin_lessons
from ..files.toml.lesson_file import find_lesson, read_lesson
from ..runtime.errors import InputError, InputFault
from ..runtime.progress import Progress
from ..runtime.versions import versions
from ..views.report.html import render
from .answer import Answer
from .lesson import LessonRequest, lesson
from .request import OnNote, ignore_note

INDEX = "index.html"


@dataclass(frozen=True)
class CourseRequest:
    """lessons: files or names of bundled lessons, in the order of the class; all bundled ones if there are none. out: a
    new folder. force: replace it."""

    lessons: tuple[str | Path, ...]
    out: Path
    force: bool = False


class CourseLesson(NamedTuple):
    """A lesson of a course, its files from the folder of the course, and at which minute of the course it begins."""

    name: str
    title: str
    minutes: int
    begins: int
    aims: tuple[str, ...]
    page: str
    handout: str
    teacher: str


@dataclass(frozen=True, repr=False)
class Course(Answer):
    """A course that was written. faults: what no longer holds in its lessons, in words."""

    folder: Path
    lessons: tuple[CourseLesson, ...]
    faults: tuple[str, ...]

    @property
    def document(self) -> dict[str, Any]:
        """The same, ready for JSON."""
        return {
            "folder": str(self.folder),
            "lessons": [each._asdict() for each in self.lessons],
            "no_longer_holds": list(self.faults),
        }

    def __str__(self) -> str:
        minutes = sum(each.minutes for each in self.lessons)
        lines = [
            f"{len(self.lessons)} lessons, {minutes} minutes",
            *(f"no longer holds: {each}" for each in self.faults),
        ]
        return "\n".join([*lines, "", f"open {self.folder / INDEX}"])


def course(request: CourseRequest, on_note: OnNote = ignore_note) -> Course:
    """Makes the lessons one after the other, and the page that links them.

    Raises `InputError` with all faults of all lessons, and `OutputError`, both before anything is simulated.
    """
    check_folder(request.out, request.force, "--course")
    files = _files([str(each) for each in request.lessons] or list(builtin_lessons()))
    found, faults, begins = list[CourseLesson](), list[str](), 0
    with new_folder(request.out, request.force) as folder, Progress("lessons", len(files)) as progress:
        for name, file in files.items():
            page, handout, teacher = (f"{name}{end}.html" for end in ("", "_handout", "_teacher"))
            made = lesson(LessonRequest(file, folder / page, folder / handout, folder / teacher), on_note)
            said = made.lesson
            found.append(CourseLesson(name, said.title, said.minutes, begins, said.aims, page, handout, teacher))
            faults += [f"{name}: {each}" for each in made.faults]
            begins += said.minutes
            progress.add()
        text = render("course.html.jinja", lessons=found, minutes=begins, versions=versions())
        (folder / INDEX).write_text(text, encoding="utf-8")
    return Course(request.out, tuple(found), tuple(faults))


def _files(words: list[str]) -> dict[str, Path]:
    """The file of each lesson by the name of its pages. Raises `InputError` with the faults of all of them."""
    found: dict[str, Path] = {}
    faults: list[InputFault] = []
    for word in dict.fromkeys(words):
        try:
            file = find_lesson(word)
            if file.stem in found:
                raise InputError([InputFault(word, 0, f"two lessons are called {file.stem}", "")])
            read_lesson(file)
            found[file.stem] = file
        except InputError as error:
            faults += error.faults
    if faults:
        raise InputError(faults)
    return found
