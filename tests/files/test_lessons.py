"""Lesson files: what is wrong is said with its line, and what the simulation contradicts is no longer right."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import immunesim
import pytest
from immunesim.cli import main
from immunesim.files.toml.catalogue import builtin_lessons
from immunesim.files.toml.lesson_file import read_lesson
from immunesim.runtime.errors import InputError
from immunesim.runtime.exit_codes import DONE, MISSED
from immunesim.tasks.check import CheckRequest, check
from immunesim.tasks.lesson import LessonRequest, lesson

LESSON = """title = "A toy lesson"
scenario = "toy.toml"
[[step]]
title = "See"
says = "The drug peaks at {max(drug)}."
if = "max(drug) > '1 pM'"
show = ["drug"]
[[step]]
title = "Choose"
asks = "Half the dose gives"
show = ["drug"]
arms = ["main", "half"]
[[step.choice]]
says = "less"
if = "max(drug, arm='half') < max(drug)"
[[step.choice]]
says = "more"
if = "max(drug, arm='half') > max(drug)"
[[step]]
title = "Draw"
asks = "Draw it."
show = ["drug"]
draw = { judge = "max", within = "20 %" }
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "lesson.toml"
    path.write_text(text)
    return path


def test_a_lesson_is_read_and_its_pages_are_written(toy_file: Path, tmp_path: Path) -> None:
    made = lesson(LessonRequest(written(toy_file.parent, LESSON), tmp_path / "page.html", tmp_path / "paper.html"))
    assert made.faults == ()
    assert made.lesson.steps[2].judge is not None
    assert made.lesson.steps[2].judge.within == pytest.approx(0.2)
    page, paper = (path.read_text(encoding="utf-8") for path in made.pages)
    assert "The drug peaks at" in page
    assert "Draw it." in paper
    assert "Note for the teacher" not in paper


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("asks = \"Draw it.\"\n", "", "lesson.toml:19: what is asked is missing"),
        ('judge = "max"', 'judge = "peak"', "a drawing is not judged by 'peak'"),
        ('"20 %"', '"lots"', "or an amount in the unit of what is judged, found 'lots'"),
        ('"half"]', '"quarter"]', "lesson.toml:12: the scenario has no arm 'quarter'; there are main"),
        ('show = ["drug"]\narms', 'show = ["drgu"]\narms', "'drgu'"),
        ('if = "max(drug) > \'1 pM\'"\n', "", "numbers in braces need an 'if'"),
        ("max(drug) > '1", "maxi(drug) > '1", "lesson.toml:6: no function 'maxi'"),
        ("{max(drug)}", "{max(drg)}", "lesson.toml:5: in {max(drg)}"),
        ('says = "more"', 'say = "more"', "has no key 'say'; did you mean 'says'?"),
        ('scenario = "toy.toml"', 'scenario = "toy.toml"\nminutes = 0', "a lesson takes a minute or more, found 0"),
        ('scenario = "toy.toml"', 'scenario = "toy.toml"\nminutes = -9', "or more, found -9"),
        ('scenario = "toy.toml"', 'scenario = "tory.toml"', "no such file"),
        ('"half"]\n', '"half"]\nfrom = "1 h"\nspan = "3000 d"\n', "expected a part of the run, which ends at "),
        ('"half"]\n', '"half"]\nspan = "3 mg"\n', "lesson.toml:13: expected a part of the run"),
        ('"half"]\n', '"half"]\nfrom = "1 h"\n', "such as from = '1 h' and span = '30 min'"),
        ("draw =", "span = \"1 h\"\ndraw =", "the whole curve is drawn and judged, without 'from' and 'span'"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_line(toy_file: Path, old: str, new: str, message: str) -> None:
    assert old in LESSON
    with pytest.raises(InputError) as error:
        read_lesson(written(toy_file.parent, LESSON.replace(old, new)))
    assert message in str(error.value)


def test_a_scenario_is_no_lesson_and_a_lesson_no_scenario(toy_file: Path) -> None:
    with pytest.raises(InputError) as error:
        read_lesson(toy_file)
    (fault,) = error.value.faults
    assert fault.message == "this is a scenario; a lesson names it in scenario = '...' and has [[step]]"
    (fault,) = check(CheckRequest((written(toy_file.parent, LESSON),))).faults
    assert fault.message == f"a lesson, no scenario; 'lesson {fault.file}' checks it and makes its page"


def test_the_note_of_the_teacher_is_titled_so(toy_file: Path, tmp_path: Path) -> None:
    paper, note = tmp_path / "paper.html", tmp_path / "note.html"
    lesson(LessonRequest(written(toy_file.parent, LESSON), handout=paper, teacher=note))
    assert ": handout</title>" in paper.read_text(encoding="utf-8")
    assert all(f": teacher's note</{tag}>" in note.read_text(encoding="utf-8") for tag in ("title", "h1"))


def charts_of(page: Path) -> list[list[dict[str, Any]]]:
    """The charts of each step."""
    text = page.read_text(encoding="utf-8").split('id="data">')[1].split("</script>")[0]
    return [step["charts"] for step in json.loads(text)["steps"]]


def test_a_part_of_a_run_is_shown_with_its_peak_in_its_own_unit(toy_file: Path, tmp_path: Path) -> None:
    slow = (
        toy_file.read_text().replace('target = "drug"', 'target = "depot"', 1).replace('every = "1 h"', 'every = "4 h"')
    )
    toy_file.write_text(slow)  # its peaks lie between saved times
    words = LESSON.replace('"half"]\n', '"half"]\nfrom = "1 h"\nspan = "90 min"\n')
    lesson(LessonRequest(written(toy_file.parent, words), tmp_path / "page.html"))
    whole, part, _ = charts_of(tmp_path / "page.html")
    peak = float(immunesim.run(toy_file).measure("max(drug)"))
    assert max(value for _, value in whole[0]["lines"][0]["points"]) == pytest.approx(peak, rel=1e-4)
    assert "time after" in part[0]["axis"]
    assert "[min]" in part[0]["axis"]
    times = [time for time, _ in part[0]["lines"][0]["points"]]
    assert (times[0], times[-1]) == (0.0, 90.0)


def test_what_the_simulation_contradicts_no_longer_holds(toy_file: Path, tmp_path: Path, capsys) -> None:
    text = LESSON.replace('< max(drug)"', '< 0 * max(drug)"').replace("max(drug) > '1 pM", "max(drug) > '1e9 pM")
    path = written(toy_file.parent, text)
    assert main(["lesson", str(path), "--out", str(tmp_path / "page.html")]) == MISSED
    said = capsys.readouterr().out
    assert "no longer holds: Choose: 0 choices are right" in said
    assert "no longer holds: See: No longer holds" in said


def test_the_bundled_lessons_are_listed(capsys) -> None:
    assert main(["lesson"]) == DONE
    said = capsys.readouterr().out
    assert "memory" in said
    assert "core_three_failures" in said


@pytest.mark.parametrize("name", builtin_lessons())
def test_a_bundled_lesson_is_right_as_a_file(name: str) -> None:
    found = read_lesson(builtin_lessons()[name])
    assert found.minutes > 0
    assert found.aims
    assert found.wrong
    assert found.note
    assert any(step.choices for step in found.steps)
    assert any(step.judge for step in found.steps)
    assert any(step.sliders for step in found.steps) or name in ("interleukin", "allergy", "trust")
