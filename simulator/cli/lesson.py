"""`lesson`: a page that asks for a prediction before it shows the curve, and its handout."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..runtime.errors import InputError, request_fault
from ..runtime.exit_codes import DONE, MISSED
from .options import print_answer, print_json, print_note

EXAMPLES = """examples:
  immunesim lesson
  immunesim lesson memory --out memory.html
  immunesim lesson memory --out memory.html --handout paper.html --teacher teacher.html
  immunesim lesson interleukin memory stop_signal --course class"""


def arguments(command: argparse.ArgumentParser) -> None:
    """Adds the options of the command."""
    text = "a file, or the name of a bundled lesson; without one these are listed"
    command.add_argument("lessons", nargs="*", metavar="LESSON", help=text)
    text = "the page (default, where none of these pages is named: LESSON.html in the current folder)"
    command.add_argument("--out", metavar="FILE", help=text)
    command.add_argument("--handout", metavar="FILE", help="a page to print for students")
    command.add_argument("--teacher", metavar="FILE", help="the same with the answers, behind a note of one page")
    text = (
        "a new folder with the pages, handouts and notes of the lessons, or of all of them, and a page that links them"
    )
    command.add_argument("--course", metavar="DIR", help=text)
    command.add_argument("--force", action="store_true", help="replace what is there")


def execute(options: argparse.Namespace) -> int:
    """Runs the command; returns its exit code."""
    from ..tasks.lesson import LessonRequest, lesson, lessons

    given = (options.out, options.handout, options.teacher)
    if options.course or len(options.lessons) > 1:
        return _course(options, any(given))
    if not options.lessons:
        found = lessons()
        width = max(len(row["name"]) for row in found)
        text = "\n".join(f"{row['name']:{width}}  {row['title']}  ({row['scenario']})" for row in found)
        print_json({"lessons": found}) if options.json else print(text)
        return DONE
    out, handout, teacher = (Path(each) if each else None for each in given)
    if not any(given):
        out = Path(f"{Path(options.lessons[0]).stem}.html")
    made = lesson(LessonRequest(options.lessons[0], out, handout, teacher, options.force), print_note)
    print_json(made.document) if options.json else print_answer(made)
    return MISSED if made.faults else DONE


def _course(options: argparse.Namespace, pages: bool) -> int:
    from ..tasks.course import CourseRequest, course

    if not options.course:
        raise InputError([request_fault("several lessons are written into a folder: give --course DIR")])
    if pages:
        raise InputError([request_fault("a course names its own pages", "--out, --handout or --teacher")])
    made = course(CourseRequest(tuple(options.lessons), Path(options.course), options.force), print_note)
    print_json(made.document) if options.json else print_answer(made)
    return MISSED if made.faults else DONE
