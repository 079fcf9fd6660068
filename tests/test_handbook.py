"""The handbook: every example runs, every link leads somewhere, and the reference names everything there is."""

from __future__ import annotations

import contextlib
import doctest
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from immunesim.cli import COMMANDS, main
from immunesim.cli.program import parser_of
from immunesim.experiments.measures import FUNCTIONS as MEASURES
from immunesim.files.handbook import Chapter, chapters, meanings, sections
from immunesim.files.toml.keys import LESSON_TABLES, MODEL_TABLES, SCENARIO_TABLES
from immunesim.files.toml.lesson_file import read_lesson
from immunesim.model.expression import FUNCTIONS
from immunesim.model.units import known_units
from immunesim.runtime import exit_codes
from immunesim.tasks.check import CheckRequest, check
from immunesim.views.report.handbook import handbook_pages
from immunesim.views.text.markdown import WIDTH, on_terminal
from immunesim.views.text.reference import entries, reference

from tests.pages import Page

CHAPTERS = {chapter.name: chapter for chapter in chapters()}
QUICK = ("adding-a-cytokine",)  # chapters whose commands the quick set runs too


class Block(NamedTuple):
    """A block of code: its language, and the name of the file that it is, if it is one."""

    language: str
    file: str
    text: str


def blocks(chapter: Chapter) -> list[Block]:
    return [
        Block(*found) for found in re.findall(r"^```(\w+) ?(\S*)\n(.*?)^```$", chapter.text, re.DOTALL | re.MULTILINE)
    ]


def commands(chapter: Chapter) -> Iterator[list[str]]:
    for block in blocks(chapter):
        if block.language == "sh":
            for line in block.text.splitlines():
                program, *arguments = shlex.split(line)
                assert program == "immunesim"
                yield arguments


def with_its_files(chapter: Chapter, folder: Path) -> Path:
    for block in blocks(chapter):
        if block.file:
            (folder / block.file).write_text(block.text, encoding="utf-8")
    return folder


@pytest.mark.parametrize("name", CHAPTERS)
def test_every_block_is_something_that_is_tried(name: str) -> None:
    for block in blocks(CHAPTERS[name]):
        assert block.language in ("sh", "toml", "csv", "python", "text")
        assert bool(block.file) is (block.language in ("toml", "csv"))


@pytest.mark.parametrize("name", [name for name in CHAPTERS if "```toml" in CHAPTERS[name].text])
def test_every_file_is_right(name: str, tmp_path: Path) -> None:
    folder = with_its_files(CHAPTERS[name], tmp_path)
    files = sorted(folder.glob("*.toml"))
    taught = [path for path in files if "[[step]]" in path.read_text(encoding="utf-8")]
    assert all(read_lesson(path).steps for path in taught)
    checked = check(CheckRequest(tuple(path for path in files if path not in taught)))
    assert checked.ok, str(checked)


@pytest.mark.parametrize("name", CHAPTERS)
def test_every_command_is_one(name: str) -> None:
    for arguments in commands(CHAPTERS[name]):
        assert parser_of(arguments).parse_args(arguments).command == arguments[0]


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", [pytest.param(n, marks=[] if n in QUICK else pytest.mark.slow) for n in CHAPTERS])
def test_every_command_does_what_it_says(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(with_its_files(CHAPTERS[name], tmp_path))
    ended = {" ".join(arguments): main(arguments) for arguments in commands(CHAPTERS[name])}
    missed = {
        text for text, code in ended.items() if code == exit_codes.MISSED and re.search("--(set|add|knockout)", text)
    }
    assert {text: code for text, code in ended.items() if code != exit_codes.DONE and text not in missed} == {}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", [name for name in CHAPTERS if ">>> " in CHAPTERS[name].text])
def test_python_prints_what_stands_there(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    said: list[str] = []
    for block in blocks(CHAPTERS[name]):
        if block.language == "python":
            runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
            runner.run(doctest.DocTestParser().get_doctest(block.text, {}, name, name, 0), out=said.append)
            assert runner.summarize(verbose=False).failed == 0, "".join(said)


def test_each_of_five_questions_is_a_short_file_and_one_command() -> None:
    chapter = CHAPTERS["five-questions"]
    assert all(len(block.text.splitlines()) <= 40 for block in blocks(chapter) if block.file)
    assert [arguments[0] for arguments in commands(chapter)] == ["fit", "run", "run", "sweep", "steady"]


def test_every_command_is_in_the_handbook() -> None:
    used = {arguments[0] for chapter in CHAPTERS.values() for arguments in commands(chapter)}
    assert set(COMMANDS) - used - {"help"} == set()


def test_every_link_leads_somewhere() -> None:
    pages = {name: Page(text) for name, text in handbook_pages([*CHAPTERS.values(), reference()]).items()}
    ids = {name: {a["id"] for _, a in page.elements if a.get("id")} for name, page in pages.items()}
    wrong = []
    for name, page in pages.items():
        for target in [a["href"] or "" for tag, a in page.elements if tag == "a"]:
            file, _, part = target.partition("#")
            if not target.startswith("https://") and (
                (file and file not in pages) or (part and part not in ids[file or name])
            ):
                wrong.append((name, target))
    assert wrong == []
    with pytest.raises(ValueError, match="no chapter 'nowhere'"):
        handbook_pages([Chapter("one", "# One\n\n[Two](nowhere)")])


def test_the_reference_says_what_everything_means_and_nothing_else() -> None:
    said = meanings()
    tables = {title: set(fields) for title, fields in {**SCENARIO_TABLES, **MODEL_TABLES, **LESSON_TABLES}.items()}
    assert {title: set(keys) for title, keys in said["keys"].items()} == tables
    assert set(said["measures"]) == set(MEASURES)
    assert set(said["functions"]) == set(said["function_arguments"]) == set(FUNCTIONS)
    assert all(len(said["function_arguments"][name].split(",")) == count for name, count in FUNCTIONS.items())
    codes = {value for name, value in vars(exit_codes).items() if name.isupper() and isinstance(value, int)}
    assert set(exit_codes.MEANINGS) == codes
    listed = reference().text
    assert all(f"`{name}`" in listed for name in known_units())
    assert all(entry.meaning and entry.meaning in listed for entry in entries() if entry.of != "a unit")


@pytest.mark.parametrize("chapter", [*CHAPTERS.values(), reference()], ids=lambda chapter: chapter.name)
def test_a_chapter_fits_a_terminal(chapter: Chapter) -> None:
    text = on_terminal(chapter.text)
    prose = [line for line in text.splitlines() if not line.startswith("    ")]
    assert max(map(len, prose)) <= WIDTH + 4
    assert "```" not in text
    assert "](" not in text
    assert chapter.title
    assert chapter.summary.endswith(".")
    assert all(part.text.startswith("#") for part in sections(chapter))


@pytest.mark.parametrize(
    ("topic", "found"),
    [
        ("first-steps", "Install the program"),
        ("first steps", "Install the program"),
        ("half_life", "of the fall between two times"),
        ("at_most", "how often it may act"),
        ("Trial", "A trial's table"),
        ("mcg", "a mass (kg)"),
        ("130", "interrupted"),
        ("ALAG1", "for-pharmacometricians"),
        ("gallery", "usage: immunesim gallery"),
    ],
)
def test_help_finds_chapters_headings_names_and_words(topic: str, found: str, capsys) -> None:
    with contextlib.suppress(SystemExit):  # argparse, once it has printed the help of a command
        assert main(["help", *topic.split()]) == exit_codes.DONE
    assert found in capsys.readouterr().out


def test_help_names_the_nearest_word(capsys) -> None:
    assert main(["help", "halflife2"]) == exit_codes.USAGE
    assert "the handbook says nothing of 'halflife2'; did you mean 'half_life'?" in capsys.readouterr().err


def test_help_lists_the_chapters_and_writes_them_as_pages(tmp_path: Path, capsys) -> None:
    assert main(["help"]) == exit_codes.DONE
    listed = capsys.readouterr().out
    assert all(f"help {name} " in listed for name in CHAPTERS)
    assert main(["help", "--out", str(tmp_path / "book"), "--json"]) == exit_codes.DONE
    page = Path(json.loads(capsys.readouterr().out)["page"])
    assert page == tmp_path / "book" / "index.html"
    assert {path.stem for path in page.parent.glob("*.html")} == {"index", "reference", *CHAPTERS}
    assert main(["help", "--out", str(tmp_path / "book")]) == exit_codes.BAD_FILE


def test_the_reference_shows_each_measure_as_it_can_be_copied() -> None:
    forms = {each.name: each.form for each in entries() if each.of == "a measure"}
    assert forms["max"] == "max(x) or max(x, '1 d', '9 d')"
    assert "`time_above(x, '5 pM')` or `time_above(x, '5 pM', '1 d', '9 d')`" in reference().text
    assert not any("[" in form for form in forms.values())
