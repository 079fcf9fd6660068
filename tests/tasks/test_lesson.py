"""Lessons whose steps need more than a run: steady states, virtual patients, and steps about other scenarios."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from immunesim.cli import main
from immunesim.experiments.lessons import EvidencePicture
from immunesim.files.toml.lesson_file import read_lesson
from immunesim.runtime.errors import InputError
from immunesim.runtime.exit_codes import BAD_FILE, DONE, USAGE
from immunesim.tasks.lesson import LessonRequest, lesson, lessons
from immunesim.views.report.lesson_pictures import evidence_picture

BRANCH = """title = "Two models"
scenario = "toy.toml"
[branch.path]
scenario = "baker"
follow = "alpha2=0.5:20"
of = "p"
label = "how strongly"
[branch.up]
scenario = "baker"
follow = "alpha2=0.5:20"
of = "p"
way_up = true
[[step]]
title = "Draw"
asks = "Draw it."
picture = "up"
draw = { judge = "jump", within = "10 %" }
why = { says = "Lost at {path_lost}, back at {path_regained}.", if = "path_regained < path_lost" }
[[step]]
title = "Choose"
asks = "Where is it regained?"
picture = "path"
[[step.choice]]
says = "earlier"
if = "path_regained >= path_lost"
[[step.choice]]
says = "later"
if = "path_regained < path_lost"
[[step]]
title = "Elsewhere"
scenario = "baker"
says = "At rest: {final(p)}."
if = "final(p) < 0.1"
show = ["p"]
labels = { main = "as in health" }
expect = ["health, p"]
"""

PATIENTS = """
[sweep.measures.top]
measure = "max(drug)"
above = 120
[population]
count = 40
seed = 9
[[population.vary]]
parameter = "body_weight"
distribution = "lognormal"
median = "70 kg"
cv = 0.2
[[population.vary]]
parameter = "plasma_volume"
distribution = "lognormal"
median = "3500 mL"
cv = 0.5
"""
TRIAL = """title = "Patients"
scenario = "toy.toml"
[sweep.trial]
measure = "top"
[[step]]
title = "Draw"
asks = "Draw them."
picture = "trial"
draw = { judge = "share", within = "10 %" }
why = { says = "{trial_share_main as percent} of {trial_patients}.", if = "trial_patients >= 40" }
[[step]]
title = "Who?"
asks = "What sets them apart?"
picture = "trial"
[[step.choice]]
says = "weight"
if = "trial_effect_body_weight > trial_effect_plasma_volume"
[[step.choice]]
says = "plasma"
if = "trial_effect_body_weight <= trial_effect_plasma_volume"
"""


def steps_of(page: Path) -> list[dict[str, Any]]:
    """What the page knows of its steps."""
    found = re.search(r'id="data">(.*?)</script>', page.read_text(encoding="utf-8"), re.S)
    assert found is not None
    steps: list[dict[str, Any]] = json.loads(found[1])["steps"]
    return steps


def test_branches_and_other_scenarios(toy_file: Path, tmp_path: Path) -> None:
    path = toy_file.parent / "lesson.toml"
    path.write_text(BRANCH)
    made = lesson(LessonRequest(path, tmp_path / "page.html", None, tmp_path / "teacher.html"))
    assert made.faults == ()
    draw, choose, elsewhere = steps_of(tmp_path / "page.html")
    assert "Lost at 16, back at 7.3." in draw["why"]
    assert draw["judge"]["value"] == pytest.approx(15.666, rel=1e-3)
    assert "Computed when this page was made" in draw["computed"]
    assert choose["charts"][0]["axis"] == "how strongly"
    assert [each["right"] for each in choose["choices"]] == [False, True]
    whole, up = choose["charts"][0], draw["charts"][0]
    assert (len(whole["marks"]), len(up["marks"])) == (2, 0)
    assert any(line["dash"] for line in whole["lines"])
    assert [line["label"] for line in up["lines"] if line["dash"]] == ["the jump"]
    ends = [line["points"][-1][0] for line in up["lines"]] + [line["points"][0][0] for line in up["lines"]]
    assert any(abs(end - 15.666) < 0.2 for end in ends)
    assert elsewhere["facts"][0]["met"] is True
    assert [line["label"] for line in elsewhere["charts"][0]["lines"]] == ["as in health"]
    assert "Note for the teacher" in (tmp_path / "teacher.html").read_text(encoding="utf-8")


def test_virtual_patients(toy_file: Path, tmp_path: Path) -> None:
    toy_file.write_text(toy_file.read_text() + PATIENTS)
    path = toy_file.parent / "lesson.toml"
    path.write_text(TRIAL)
    assert lesson(LessonRequest(path, tmp_path / "page.html")).faults == ()
    draw, who = steps_of(tmp_path / "page.html")
    chart = draw["charts"][0]
    values = [y for _, y in chart["lines"][0]["points"]]
    assert values == sorted(values)
    assert draw["judge"]["absolute"] is True
    assert draw["judge"]["unit"] == "%"
    assert "40 virtual patients" in draw["computed"]
    assert sum(each["right"] for each in who["choices"]) == 1


def test_the_record_of_facts_shows_what_is_set_aside_only_if_asked() -> None:
    counts = {"facts": 10, "met": 7, "missed": 3, "announced": 2, "aside": 4, "aside_met": 1}
    for aside, rows in ((False, 3), (True, 4)):
        drawn = evidence_picture(EvidencePicture("record", (), aside), counts, 5)
        assert [(each["value"], each["of"]) for each in drawn.charts[0]["bars"]] == [(7, 10), (2, 10), (1, 10), (1, 4)][
            :rows
        ]
        assert drawn.numbers["record_aside_met"] == 1


FAULTS = """title = "Wrong"
scenario = "toy.toml"
sliders = ["dose.nobody.amount"]
[branch.one]
scenario = "baker"
follow = "alpha99=1:2"
of = "p"
[sweep.two]
measure = "m"
[evidence.three]
topics = ["Immunologie"]
[[step]]
title = "One"
asks = "?"
show = ["drgu"]
colour = "red"
[[step]]
title = "Two"
asks = "?"
picture = "four"
scenario = "bakery"
[[step]]
title = "Three"
asks = "?"
show = ["drug"]
expect = ["nothing"]
sliders = ["nothing"]
[[step.choice]]
says = "a"
if = "max(drug) > one_lost"
[[step.choice]]
says = "b"
"""


def test_all_faults_are_told_at_once_with_their_lines(toy_file: Path) -> None:
    path = toy_file.parent / "lesson.toml"
    path.write_text(FAULTS)
    with pytest.raises(InputError) as error:
        read_lesson(path)
    told = {each.line: each.message for each in error.value.faults}
    for line, part in {
        3: "no slider",
        6: "alpha99",
        8: "no [population]",
        11: "there is no topic 'Immunologie'",
        15: "'drgu'",
        16: "has no key 'colour'",
        21: "'bakery'",
        26: "no expectation 'nothing'",
        27: "no slider",
        31: "one of if = CONDITION and misses = EXPECTATION",
    }.items():
        assert part in told.get(line, ""), (line, told)


def test_a_handout_and_a_note_for_the_teacher_from_the_terminal(toy_file: Path, tmp_path: Path, capsys) -> None:
    path = toy_file.parent / "lesson.toml"
    path.write_text(BRANCH[: BRANCH.index("[branch.path]")] + BRANCH[BRANCH.index('[[step]]\ntitle = "Elsewhere"') :])
    files = [str(tmp_path / name) for name in ("page.html", "paper.html", "teacher.html")]
    assert main(["lesson", str(path), "--out", files[0], "--handout", files[1], "--teacher", files[2]]) == DONE
    said = capsys.readouterr().out
    assert all(f"open {name}" in said for name in files)


def test_a_course_is_a_folder_with_a_page_that_links_everything(toy_file: Path, tmp_path: Path, capsys) -> None:
    path = toy_file.parent / "lesson.toml"
    path.write_text(BRANCH[: BRANCH.index("[branch.path]")] + BRANCH[BRANCH.index('[[step]]\ntitle = "Elsewhere"') :])
    other = path.with_name("other.toml")
    other.write_text("minutes = 15\n" + path.read_text())
    folder = tmp_path / "class"
    assert main(["lesson", str(other), str(path), "--course", str(folder)]) == DONE
    assert f"open {folder / 'index.html'}" in capsys.readouterr().out
    index = (folder / "index.html").read_text(encoding="utf-8")
    assert index.index("other.html") < index.index("lesson.html")
    linked = re.findall(r'href="([a-z_]+[.]html)"', index)
    assert len(linked) == 6
    assert all((folder / name).is_file() for name in linked)
    assert "From minute 0, for 15 minutes" in index


@pytest.mark.parametrize(
    ("words", "said", "times"),
    [
        (["memory", "dose"], "give --course DIR", 1),
        (["memory", "--course", "class", "--out", "x.html"], "a course names its own pages", 1),
        (["memry", "dse", "--course", "class"], "no such lesson", 2),
        (["memory.toml", "--course", "class"], "no such file; did you mean 'memory'?", 1),
    ],
)
def test_what_a_course_cannot_be(words: list[str], said: str, times: int, tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["lesson", *words]) in (USAGE, BAD_FILE)
    assert capsys.readouterr().err.count(said) == times
    assert list(tmp_path.iterdir()) == []


def test_a_course_is_not_written_over_a_folder(tmp_path: Path, capsys) -> None:
    assert main(["lesson", "memory", "--course", str(tmp_path)]) == BAD_FILE
    assert "choose another --course, or --force" in capsys.readouterr().err


def test_bundled_lessons_are_listed_as_they_are_taught() -> None:
    names = [row["name"] for row in lessons()]
    assert names[0] == "interleukin"
    assert names[-1] == "trust"
    assert len(names) == 12
