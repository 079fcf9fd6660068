"""The command line: exit codes, words for people, JSON for programs, and nothing slow where nothing is computed."""

from __future__ import annotations

import ast
import errno
import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from immunesim import cli
from immunesim.files.toml.catalogue import builtin_scenarios, topics

from tests.toys import SCENARIO

ROOT = Path(cli.__file__).resolve().parents[2]
COMMANDS = [
    "run", "sweep", "check", "list", "show", "describe", "compare", "explain", "evidence", "gallery", "influence",
    "export", "steady", "fit", "explore", "slides",
    "replay", "lesson", "help",
]  # fmt: skip


class Said(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str], folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Said]:
    """``say("run", "toy.toml")`` in a folder with the toy; never a traceback."""
    monkeypatch.chdir(folder)
    (folder / "toy.toml").write_text(SCENARIO)

    def call(*words: str) -> Said:
        try:
            code = cli.main(list(words))
        except SystemExit as stop:
            code = int(stop.code or 0)
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err + captured.out
        return Said(code, captured.out, captured.err)

    return call


def document(said: Said):
    """The one JSON document on stdout."""
    found, end = json.JSONDecoder().raw_decode(said.out)
    assert said.out[end:].strip() == ""
    json.loads(said.out, parse_constant=lambda text: pytest.fail(f"{text} is no JSON"))
    return found


def edit(old: str, new: str, name: str = "toy.toml") -> None:
    text = Path(name).read_text()
    assert old in text
    Path(name).write_text(text.replace(old, new))


FAILING = 'rate = "k_clear * drug * (1 - drug / K_drug * 200)"'  # the drug makes itself


ERRORS = {  # each with its exit code
    "no such scenario": (("run", "nothing", "--json"), 3),
    "no such option": (("run", "toy.toml", "--jsonn", "--json"), 2),
    "no argument": (("check", "--json"), 2),
    "no such parameter": (("run", "toy.toml", "--json", "--set", "nothing=1"), 2),
    "a folder that is there": (("run", "toy.toml", "--json", "--out", "."), 3),
    "a file with faults": (("check", "/dev/null", "--json"), 3),
    "no folder of a run": (("replay", ".", "--json"), 3),
}


@pytest.mark.parametrize("name", ERRORS)
def test_every_error_is_json_where_that_was_asked_for(say, name: str) -> None:
    words, code = ERRORS[name]
    said = say(*words)
    assert said.code == code
    found = document(said)
    assert found["ok"] is False
    assert all(fault["message"] for fault in found["faults"])


@pytest.mark.parametrize("command", ["check", "run", "show", "describe"])
def test_control_characters_of_files_and_options_never_reach_the_terminal(say, command: str) -> None:
    edit("k_clear =", '"k\\u001b[2J\\u202e" =')
    Path("e\x1b]0;x\x07.toml").write_text("title")
    for words in (("toy.toml",), ("e\x1b]0;x\x07.toml",), ("nothing\x1b[2J\x9b",), ("toy.toml", "--set", "\x1b[2J=1")):
        said = say(command, *words)
        assert not set("\x1b\x07\x9b\u202e") & set(said.out + said.err)


# help


def test_help_lists_every_command(say) -> None:
    said = say("--help")
    assert said.code == 0
    assert all(f"\n    {command} " in said.out for command in COMMANDS)
    assert set(COMMANDS) == set(cli.COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_with_examples(say, command: str) -> None:
    said = say(command, "--help")
    assert said.code == 0
    assert "examples:\n  immunesim " in said.out
    assert f"immunesim {command}" in said.out
    assert "--json" in said.out


def test_no_command_shows_the_help_and_is_a_usage_error(say) -> None:
    said = say()
    assert said.code == 2
    assert "COMMAND" in said.out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["rnu", "toy.toml"], "no command 'rnu'; did you mean 'run'?"),
        (["lst"], "no command 'lst'; did you mean 'list'?"),
        (["qqqqqq"], "no command 'qqqqqq'"),
        (["run"], "SCENARIO"),
        (["run", "toy.toml", "--block", "IL1"], "expected 2 arguments, such as --block IL1 90%"),
        (["run", "toy.toml", "--nonsense"], "--nonsense"),
        (["run", "toy.toml", "--certify", "--no-certify"], "not allowed with"),
        (["check"], "FILE"),
        (["replay"], "RUN_DIR"),
        (["export", "toy.toml"], "--to"),
        (["export", "toy.toml", "--to", "sbm"], "invalid choice: 'sbm'"),
        (["show", "a", "b"], "unrecognized arguments: b"),
    ],
)
def test_a_usage_error_exits_with_2(say, words: list[str], message: str) -> None:
    said = say(*words)
    assert said.code == 2
    assert message in said.err
    assert said.out == ""


def test_the_version_is_said(say) -> None:
    said = say("--version")
    assert said.code == 0
    assert said.out.startswith("immunesim ")


# run


def test_run_writes_a_folder_and_says_what_happened(say) -> None:
    said = say("run", "toy.toml", "--no-plots", "--out", "out")
    assert said.code == 0
    assert said.err == ""
    for text in (
        "A toy question",
        "arm main",
        "arm untreated",
        "push → drug: 3 of 3 doses",
        "1 of 1 met",
        "results in out",
    ):
        assert text in said.out
    assert Path("out/summary.json").exists()


def test_figures_come_in_the_formats_asked_for_and_as_slides(say) -> None:
    assert say("run", "toy.toml", "--slides", "--format", "pdf, PNG,pdf", "--out", "out").code == 0
    assert {path.suffix for path in Path("out").glob("0*")} == {".pdf", ".png"}
    assert say("compare", "toy.toml", "--of", "drug", "--format", "pdf", "--out", "compared").code == 0
    assert [path.name for path in Path("compared").glob("drug.*")] == ["drug.pdf"]


@pytest.mark.parametrize("command", ["run", "compare"])
@pytest.mark.parametrize(("word", "fault"), [("gif", "no format 'gif'"), ("svgg", "did you mean"), (" ", "expected a")])
def test_an_unknown_format_is_refused_before_anything_is_simulated(say, command: str, word: str, fault: str) -> None:
    said = say(command, "toy.toml", "--format", word, "--out", "out")
    assert said.code == 2
    assert fault in said.err
    assert "formats are svg, png, pdf" in said.err
    assert not Path("out").exists()


def test_run_without_out_finds_a_free_folder(say) -> None:
    assert say("run", "toy.toml", "--no-plots").code == 0
    assert say("run", "toy.toml", "--no-plots").code == 0
    assert Path("results/toy/summary.json").exists()
    assert Path("results/toy-2/summary.json").exists()


def test_run_of_two_scenarios_makes_a_folder_for_each(say) -> None:
    Path("other.toml").write_text(SCENARIO)
    assert say("run", "toy.toml", "other.toml", "--no-plots", "--out", "both").code == 0
    assert Path("both/toy/summary.json").exists()
    assert Path("both/other/summary.json").exists()


def test_run_as_json_is_one_document(say) -> None:
    summary = document(say("run", "toy.toml", "--no-plots", "--out", "out", "--json"))
    assert summary["scenario"] == "toy"
    assert summary == json.loads(Path("out/summary.json").read_text())
    assert summary["command"][:2] == ["run", "toy.toml"]


def test_run_of_two_scenarios_as_json_is_one_document(say) -> None:
    Path("other.toml").write_text(SCENARIO)
    found = document(say("run", "toy.toml", "other.toml", "--no-plots", "--json"))
    assert [each["scenario"] for each in found] == ["toy", "other"]


def test_run_with_settings(say) -> None:
    words = ["--set", "k_clear=0.3 1/h", "--set", "dose.push.amount = 3 nmol"]
    said = say("run", "toy.toml", "--no-plots", "--out", "out", "--json", *words)
    assert said.code == 1  # 3 nmol in 4 L are above the 500 pM that are expected
    ledger = document(said)["arms"]["main"]["ledger"][0]
    assert (ledger["ordered"], ledger["unit"]) == (9.0, "nmol")
    assert 'k_clear = "0.3 1/h"' in Path("out/scenario.toml").read_text()


@pytest.mark.parametrize(
    "text", ["k_clear", "=3", "nothing=3 1/h", "k_clear=", "k_clear=3 pM", "dose.nothing.amount=3 pM"]
)
def test_a_setting_that_means_nothing_exits_with_2(say, text: str) -> None:
    said = say("run", "toy.toml", "--no-plots", "--set", text)
    assert said.code == 2
    assert said.err.startswith("error: command line: ")
    assert f"--set {text.strip()}" in said.err
    assert not Path("out").exists()


def test_run_of_one_arm(say) -> None:
    found = document(say("run", "toy.toml", "--no-plots", "--arm", "half", "--arm", "main", "--json"))
    assert sorted(found["arms"]) == ["half", "main"]


def test_an_unknown_arm_exits_with_2_and_the_nearest_name(say) -> None:
    said = say("run", "toy.toml", "--no-plots", "--arm", "hlaf")
    assert said.code == 2
    assert "toy has no arm 'hlaf'; did you mean 'half'?" in said.err
    assert "there are main, untreated, half" in say("run", "toy.toml", "--no-plots", "--arm", "zzz").err


def test_a_missed_expectation_exits_with_1(say) -> None:
    edit("between = [50, 500]", "above = 500")
    said = say("run", "toy.toml", "--no-plots")
    assert said.code == 1
    assert "MISSED the drug peaks after a dose" in said.out
    assert "expected above 500 pM; Toy2020, p. 1" in said.out


def test_a_solver_that_fails_exits_with_4_and_keeps_what_was_computed(say) -> None:
    edit('rate = "k_clear * drug"', FAILING, "toy_model.toml")
    said = say("run", "toy.toml", "--no-plots", "--out", "out")
    assert said.code == 4
    assert "arm main: FAILED, " in said.out
    assert "in reaction clearance" in said.out
    assert "arm untreated: " in said.out
    assert len(Path("out/trajectory.csv").read_text().splitlines()) > 3


def test_a_wrong_file_exits_with_3_and_all_its_faults(say) -> None:
    edit("[parameters]\nk_clear", "[parameters]\nk_cler")
    edit('amount = "400 pmol"', 'amount = "-400 pmol"')
    for command in ("run", "show", "check", "evidence", "influence", "compare"):
        said = say(command, "toy.toml")
        assert said.code == 3
        assert "error: toy.toml:11: no parameter 'k_cler'; did you mean 'k_clear'?\n    k_cler = " in said.err
        assert "error: toy.toml:16: a dose cannot be negative, found '-400 pmol'" in said.err
        assert said.out == ""
    assert not Path("out").exists()


@pytest.mark.parametrize("command", ["run", "show", "check", "compare", "evidence", "influence"])
def test_a_file_that_is_not_there_exits_with_3(say, command: str) -> None:
    said = say(command, "nowhere.toml")
    assert said.code == 3
    assert said.err.startswith("error: nowhere.toml: no such file")


def test_an_existing_folder_exits_with_3_before_anything_is_computed(say, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("out").mkdir()
    monkeypatch.setattr("immunesim.experiments.run.run", lambda *_: pytest.fail("it was computed"))
    said = say("run", "toy.toml", "--no-plots", "--out", "out")
    assert said.code == 3
    assert said.err == "error: out exists; choose another --out, or --force to replace it\n"


def test_force_replaces_a_run_and_nothing_else(say) -> None:
    assert say("run", "toy.toml", "--no-plots", "--out", "out").code == 0
    assert say("run", "toy.toml", "--no-plots", "--out", "out").code == 3
    assert say("run", "toy.toml", "--no-plots", "--out", "out", "--force").code == 0
    Path("mine").mkdir()
    Path("mine/thesis.txt").write_text("years")
    said = say("run", "toy.toml", "--no-plots", "--out", "mine", "--force")
    assert said.code == 3
    assert "mine holds no run of this program, so it is not replaced" in said.err
    assert Path("mine/thesis.txt").read_text() == "years"


def test_an_interrupted_run_exits_with_130_and_leaves_nothing(say, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("immunesim.tasks.run.write", interrupt)
    said = say("run", "toy.toml", "--no-plots", "--out", "out")
    assert said.code == 130
    assert said.err.startswith("interrupted")
    assert not Path("out").exists()


def test_a_missing_package_exits_with_5_and_its_name(say, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [each for each in sys.modules if each.startswith(("immunesim.views.figures", "matplotlib"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    said = say("run", "toy.toml")
    assert said.code == 5
    assert said.err.endswith("the package 'matplotlib' is missing: pip install matplotlib\n")


def test_certify_and_no_certify(say) -> None:
    assert "digits certified by" in say("run", "toy.toml", "--no-plots", "--certify").out
    assert "digits not certified (switched off)" in say("run", "toy.toml", "--no-plots", "--no-certify").out


# export


def test_export_writes_a_file_beside_and_says_so(say) -> None:
    said = say("export", "toy.toml", "--to", "sbml")
    assert (said.code, said.out, said.err) == (0, "toy, arm main: toy.xml\n", "")
    assert (
        Path("toy.xml").read_text().count("<event ") == 8
    )  # the start, 3 pushes, the drip on and off, the change on and off
    assert sorted(path.name for path in Path().iterdir()) == ["toy.toml", "toy.xml", "toy_model.toml"]


def test_export_takes_an_arm_and_settings(say) -> None:
    said = say(
        "export", "toy.toml", "--to", "sbml", "--arm", "half", "--set", "k_absorb=0.7 1/h", "--out", "a/b.xml", "--json"
    )
    assert document(said) == {"scenario": "toy", "arm": "half", "format": "sbml", "file": "a/b.xml", "decided": ""}
    text = Path("a/b.xml").read_text()
    assert 'id="dose_push" name="amount of each dose of push" value="200"' in text
    assert 'value="0.7"' in text


def test_export_replaces_a_file_only_by_force(say) -> None:
    Path("toy.xml").write_text("mine")
    said = say("export", "toy.toml", "--to", "sbml")
    assert said.code == 3
    assert said.err == "error: toy.xml exists; choose another --out, or --force to replace it\n"
    assert Path("toy.xml").read_text() == "mine"
    assert say("export", "toy.toml", "--to", "sbml", "--force").code == 0
    assert Path("toy.xml").read_text().startswith("<?xml")


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["toy.toml", "--arm", "haf"], 2, "toy has no arm 'haf'; did you mean 'half'?"),
        (["nowhere"], 3, "no such scenario"),
        (["toy.toml", "--set", "k_clear"], 2, "expected NAME=VALUE"),
        (["toy.toml", "--out", "."], 3, "is a folder; --out names a file here"),
        (["toy.toml", "--out", "toy.toml/toy.xml"], 3, "is a file, not a folder"),
    ],
)
def test_export_refuses_what_it_cannot_do(say, words: list[str], code: int, message: str) -> None:
    said = say("export", "--to", "sbml", *words)
    assert said.code == code
    assert message in said.err
    assert not Path("toy.xml").exists()


def test_export_to_a_full_disk_leaves_nothing(say, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, text: str, **options: object) -> int:
        path.touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    said = say("export", "toy.toml", "--to", "sbml")
    assert said.code == 3
    assert said.err == "error: toy.xml cannot be written: No space left on device\n"
    assert sorted(path.name for path in Path().iterdir()) == ["toy.toml", "toy_model.toml"]


def test_export_without_libsbml_names_the_package(say, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in [name for name in sys.modules if name.startswith("immunesim.files.formats.sbml")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "libsbml", None)
    said = say("export", "toy.toml", "--to", "sbml")
    assert said.code == 5
    assert said.err == "the package 'python-libsbml' is missing: pip install python-libsbml\n"


# check


def test_check_says_that_all_is_well(say) -> None:
    said = say("check", "toy.toml", "toy_model.toml")
    assert said.code == 0
    assert "toy.toml: scenario of 3 arms over 48 h, 1 expectation, model toy_model.toml: no faults" in said.out
    assert "toy_model.toml: model of 4 species, 4 reactions and 8 parameters: no faults" in said.out


def test_check_names_the_faults_of_all_files(say) -> None:
    edit('unit = "L"', 'unit = "LL"', "toy_model.toml")
    Path("bad.toml").write_text("a = ")
    said = say("check", "toy_model.toml", "bad.toml", "nowhere.toml")
    assert said.code == 3
    for text in ("no unit 'LL'", "bad.toml:1: not TOML", "nowhere.toml: no such file"):
        assert text in said.err


def test_check_as_json(say) -> None:
    assert document(say("check", "toy.toml", "--json")) == {"ok": True, "faults": []}
    edit('amount = "400 pmol"', 'amount = "-400 pmol"')
    said = say("check", "toy.toml", "--json")
    assert said.code == 3
    found = document(said)
    assert found["ok"] is False
    assert found["faults"] == [
        {
            "file": "toy.toml",
            "line": 16,
            "message": "a dose cannot be negative, found '-400 pmol'",
            "text": 'amount = "-400 pmol"',
        }
    ]


# the rest


def test_list_names_every_scenario_and_model(say) -> None:
    said = say("list")
    assert said.code == 0
    found = document(say("list", "--json"))
    named = [row["name"] for row in found["scenarios"]]
    assert sorted(named) == sorted(builtin_scenarios())
    assert named[:5] == list(topics()[0].scenarios)[:5]  # in teaching order
    assert "immune" in [row["name"] for row in found["models"]]
    for row in [*found["scenarios"], *found["models"]]:
        assert row["title"]
        assert f"  {row['name']} " in said.out
        assert row["title"] in said.out


def test_show_says_where_every_value_came_from(say) -> None:
    said = say("show", "toy.toml", "--set", "k_absorb=0.9 1/h")
    assert said.code == 0
    lines = {line.split("  #")[0].strip(): line.split("# ")[-1] for line in said.out.splitlines()}
    assert lines["time.end = '48 h'"] == "toy.toml:7"
    assert lines["dose.push.amount = '400 pmol'"] == "toy.toml:16"
    assert lines["dose.drip.count = 1"] == "default"
    assert lines["parameters.k_absorb = '0.9 1/h'"] == "--set k_absorb=0.9 1/h"
    assert "overrides the model in arm main: k_clear, 0.5 -> 0.25 1/h" in said.out


def test_show_as_json(say) -> None:
    found = document(say("show", "toy.toml", "--json"))
    assert found["scenario"]["time"] == {"end": "48 h", "every": "1 h"}
    assert found["origins"]["time.end"] == "toy.toml:7"


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ([], "A toy: one drug"),
        (["drug"], "drug in plasma"),
        (["DRUG"], "drug in plasma"),
        (["k_clear"], "clearance of the drug"),
        (["leaving"], "k_leave * cells * saturation(drug, K_drug)"),
        (["total_cells"], "cells + cells_away"),
        (["Toy2020"], "Journal of Toys"),
    ],
)
def test_describe_explains_whatever_the_model_declares(say, words: list[str], text: str) -> None:
    said = say("describe", *words, "--model", "toy_model.toml")
    assert said.code == 0
    assert text in said.out
    assert text in json.dumps(document(say("describe", *words, "--model", "toy_model.toml", "--json")))


def test_describe_of_nothing_exits_with_3_and_the_nearest_name(say) -> None:
    said = say("describe", "k_cler", "--model", "toy_model.toml")
    assert said.code == 3
    assert "nothing is called 'k_cler'; did you mean 'k_clear'?" in said.err
    assert say("describe", "--model", "nowhere.toml").code == 2
    assert "no model 'nowhere'" in say("describe", "--model", "nowhere").err


def test_describe_knows_our_own_model(say) -> None:
    said = say("describe", "il-2")
    assert said.code == 0
    assert "interleukin 2" in said.out


def test_evidence_holds_expectations_against_the_simulation(say) -> None:
    said = say("evidence", "toy.toml")
    assert said.code == 0
    assert "met     toy/1" in said.out
    assert "1 of 1 expectation met" in said.out
    (row,) = document(say("evidence", "toy.toml", "--json"))["rows"]
    assert (row["id"], row["verdict"], row["source"]) == ("toy/1", "met", "Toy2020, p. 1")
    edit("between = [50, 500]", "above = 500")
    said = say("evidence", "toy.toml")
    assert said.code == 1
    assert "MISSED  toy/1" in said.out


def test_evidence_of_a_run_that_fails_stays_in_the_table(say) -> None:
    edit('rate = "k_clear * drug"', FAILING, "toy_model.toml")
    edit('"max(drug)"', "\"at(drug, '40 h')\"")
    said = say("evidence", "toy.toml", "--json")
    assert said.code == 1
    (row,) = document(said)["rows"]
    assert (row["verdict"], row["simulated"]) == ("not simulated", None)


@pytest.mark.parametrize("command", ["evidence", "influence"])
def test_what_cannot_be_written_is_said_before_anything_is_computed(
    say, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"immunesim.tasks.{command}.parallel_map", lambda *_: pytest.fail("it was computed"))
    said = say(command, "toy.toml", "--out", "toy.toml" if command == "evidence" else "toy.toml/inside")
    assert said.code == 3
    assert said.err == "error: {} is a file, not a folder\n".format(
        "toy.toml" if command == "evidence" else Path("toy.toml").absolute()
    )


def test_evidence_is_written(say) -> None:
    assert say("evidence", "toy.toml", "--out", "table").code == 0
    assert Path("table/evidence.csv").read_text().splitlines()[1].startswith("toy/1,")
    assert json.loads(Path("table/evidence.json").read_text())["totals"]["all"] == {"met": 1, "of": 1}


@pytest.mark.parametrize("command", ["evidence", "influence"])
def test_an_interrupted_table_leaves_no_empty_folder(say, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        assert Path("new/folder").is_dir()
        raise KeyboardInterrupt

    monkeypatch.setattr(f"immunesim.tasks.{command}.parallel_map", interrupt)
    assert say(command, "toy.toml", "--out", f"new/folder{'' if command == 'evidence' else '/table.json'}").code == 130
    assert not Path("new").exists()


def test_influence_says_what_breaks_an_expectation(say) -> None:
    said = say("influence", "toy.toml", "--out", "influence.json")
    assert said.code == 0
    assert "breaks 1: toy/1" in said.out
    assert said.err == ""
    assert json.loads(Path("influence.json").read_text()) == document(say("influence", "toy.toml", "--json"))
    assert say("influence", "toy.toml", "--out", ".").err == "error: . is a folder; --out names a file here\n"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no pipes of this kind")
@pytest.mark.parametrize(
    "words",
    [
        "influence toy.toml --out PIPE",
        "export toy.toml --to nonmem --force --out PIPE",
        "explore toy.toml --force --out PIPE",
        "slides toy.toml --force --out PIPE.pdf",
        "lesson interleukin --force --out PIPE",
        "describe drug --model toy_model.toml --force --wiring PIPE.svg",
    ],
)
def test_what_is_no_file_is_never_replaced_by_one(say, words: str) -> None:
    path = next(word for word in words.split() if "PIPE" in word)
    os.mkfifo(path)
    said = say(*words.split())
    option = "--wiring" if "--wiring" in words else "--out"
    assert (said.code, said.err) == (3, f"error: {path} is a device or a pipe; {option} names a file here\n")
    assert stat.S_ISFIFO(os.stat(path).st_mode)


def test_describe_lists_assumptions(say) -> None:
    said = say("describe", "--assumed")
    assert said.code == 0
    assert "parameters (knobs not counted) are assumed" in said.out
    row = document(say("describe", "--assumed", "--json"))[0]
    assert {"name", "value", "why", "breaks"} <= set(row)


def test_a_run_says_why_it_does_not_hold_what_it_met(say) -> None:
    edit('source = "Toy2020, p. 1"', 'source = "Toy2020, p. 1"\nbreaks_in = ["half"]')
    said = say("run", "toy.toml", "--no-plots", "--out", "out")
    assert said.code == 1
    assert "proves nothing: it also holds in arm half (" in said.out
    assert "proves nothing: it also holds in arm half (" in say("evidence", "toy.toml").out
    edit('breaks_in = ["half"]', 'missed = "so"')
    assert "a known miss, but it is met" in say("run", "toy.toml", "--no-plots", "--out", "again").out


def test_a_run_notes_what_is_no_fault(say) -> None:
    said = say("run", "toy.toml", "--no-plots", "--set", "dose.push.amount=300 pmol", "--set", "k_clear=2 1/h")
    assert said.code in (0, 1)
    assert said.err.splitlines() == [
        "note: the change from 20 to 30 h sets k_clear, so --set has no effect during that time",
        "note: arm half sets dose.push.amount itself, so --set does not change it there",
        "note: k_clear = 2 1/h is outside its range, 0.25 to 1 1/h",
    ]
    edit('k_clear = "0.25 1/h"', 'k_clear = "2 1/h"')
    assert "  note: k_clear = 2 1/h is outside its range" in say("check", "toy.toml").out


def test_describe_finds_models_modules_labels_and_points_to_scenarios(say) -> None:
    assert say("describe", "immune").out == say("describe").out
    assert document(say("describe", "allergy", "--json"))["knobs"]["atopy"].startswith("0 (0 to 1): ")
    assert document(say("describe", "regulatory T cells", "--json"))["name"] == "T_regulatory"
    assert "T_regulatory_tired" in document(say("describe", "regulatory T", "--json"))["labels with 'regulatory T'"]
    said = say("describe", "il2_therapy")
    assert said.code == 2
    assert "'il2_therapy' is a scenario; 'show il2_therapy' prints it" in said.err


def test_describe_prefers_what_is_in_the_model_to_a_scenario_of_that_name(say) -> None:
    assert document(say("describe", "dupilumab", "--json"))["kind"] == "species"


def test_assumptions_of_one_module_or_word(say) -> None:
    every = {row["name"] for row in document(say("describe", "--assumed", "--json"))}
    module = {row["name"] for row in document(say("describe", "--assumed", "stop_signal", "--json"))}
    assert "K_stop" in module
    assert module < every
    assert all(
        "tumour" in row["name"] + row["label"] for row in document(say("describe", "--assumed", "tumour", "--json"))
    )


def test_replay_says_whether_the_numbers_match(say) -> None:
    say("run", "toy.toml", "--no-plots", "--out", "out")
    said = say("replay", "out")
    assert said.code == 0
    assert said.out.endswith("the numbers match to within 10⁻⁵\n")
    assert document(say("replay", "out", "--json"))["match"] is True
    rows = Path("out/trajectory.csv").read_text().splitlines()
    cells = rows[5].split(",")
    rows[5] = ",".join([cells[0], repr(float(cells[1]) * 1.01), *cells[2:]])
    Path("out/trajectory.csv").write_text("\n".join(rows) + "\n")
    said = say("replay", "out")
    assert said.code == 1
    assert said.out.endswith("the numbers do NOT match\n")


def test_replay_of_nothing_exits_with_3(say) -> None:
    said = say("replay", "nowhere")
    assert said.code == 3
    assert said.err == "error: nowhere: no results folder: it has no scenario.toml\n"


def test_compare_puts_scenarios_side_by_side(say) -> None:
    Path("other.toml").write_text(SCENARIO.replace("400 pmol", "800 pmol"))
    said = say("compare", "toy.toml", "other.toml", "--of", "drug")
    assert said.code == 0
    assert "toy" in said.out
    assert "other" in said.out
    told = document(say("compare", "toy.toml", "other.toml", "--of", "drug", "--json"))
    assert {row["label"]: row["reference"] for row in told["comparison"]} == {"toy": True, "other": False}
    assert all(sentence in said.out for sentence in told["sentences"])
    said = say("compare", "toy.toml", "other.toml", "--of", "drgu")
    assert said.code == 2
    assert "drgu" in said.err


WORDS = ("--block", "IL2", "90%", "--knockout", "il-4", "--add", "IL-2 18 MIU at 3 d")


def test_compare_with_words_is_of_a_scenario_with_and_without_them(say) -> None:
    said = say("compare", "acute_infection", *WORDS, "--of", "IL4", "--out", "out")
    assert said.code == 0
    words = "without interleukin 4, interleukin 2 blocked by 90 %, with IL-2 18 MIU at 3 d into skin"
    assert re.search(
        rf"{re.escape(words)}, interleukin 4[^:]*: none; as described: peak of [0-9.]+ pM on day [0-9.]+\.", said.out
    )
    assert f"as described{' ' * (len(words) - 12)}  " in said.out
    assert said.err.splitlines() == [
        "note: IL4: IL-13 still acts in its place, blocked or knocked out, but for the nitric oxide in breath, which "
        "follows the level of IL-4; knocked out, IgE starts as in health and falls over a year",
        "note: IL2: knocked out, the body has none from the start of the run; cells that IL-2 has kept until then "
        "dwindle after it",
        "note: arm without_IL2 sets IL2_block itself, so --block does not change it there",
        "note: arm without_both sets IL2_block itself, so --block does not change it there",
    ]
    assert "comparison.csv" in {path.name for path in Path("out").iterdir()}


def test_compare_of_nothing_and_against_nothing_is_a_usage_error(say) -> None:
    assert say("compare", "toy.toml", "--arm", "main").code == 2
    said = say("compare", "toy.toml", "--against", "untreatd")
    assert (said.code, "did you mean 'untreated'?" in said.err) == (2, True)
    assert "twice that of 'untreated'" in say("compare", "toy.toml", "--against", "untreated").out


def test_a_run_with_words_is_replayed_without_them(say) -> None:
    text = "IL-2 18 MIU into skin at 3 d every 1 d x 2"
    said = say(
        "run", "acute_infection", "--arm", "main", "--no-plots", "--out", "out", "--knockout", "IL1", "--add", text
    )
    assert said.code in (0, 1)
    assert "An acute infection in a healthy adult: without interleukin 1, with IL-2 18 MIU into skin at 3 d" in said.out
    assert "added IL2 → IL2_depot: 2 of 2 doses, ordered 36 MIU" in said.out
    resolved = Path("out/scenario.toml").read_text()
    assert 'IL1_made = "0"' in resolved
    assert 'name = "added IL2"' in resolved
    again = say("replay", "out")
    assert (again.code, again.out.splitlines()[0]) == (0, "arm main: identical to the last digit")


def test_show_says_which_word_a_value_comes_from(say) -> None:
    said = say("show", "acute_infection", *WORDS)
    assert "parameters.IL4_made = '0' " in said.out
    assert "  # --knockout il-4\n" in said.out
    assert "  # --block IL2 90%\n" in said.out
    assert '  # --add "IL-2 18 MIU at 3 d"\n' in said.out
    origins = document(say("show", "acute_infection", *WORDS, "--json"))["origins"]
    assert origins["parameters.IL2_block"] == "--block IL2 90%"


@pytest.mark.parametrize("command", ["run", "show", "compare"])
def test_wrong_words_are_a_usage_error_in_a_line(say, command: str) -> None:
    said = say(command, "acute_infection", "--knockout", "macrophage")
    assert said.code == 2
    message = "nothing called 'macrophage' can be knocked out in this model; did you mean 'macrophages'?"
    assert said.err == f"error: command line: {message}\n    --knockout macrophage\n"


# what is imported


QUICK = [
    "--help",
    "run --help",
    "sweep --help",
    "explain --help",
    "list",
    "list --json",
    "check toy.toml",
    "describe",
    "describe IL2",
    "describe allergy",
    "show toy.toml",
]


@pytest.mark.parametrize("words", QUICK)
def test_what_computes_nothing_imports_nothing_slow(toy_file: Path, words: str) -> None:
    code = (
        "import sys\nfrom immunesim.cli import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        "slow = ('numpy', 'scipy', 'matplotlib', 'pint', 'tomli_w', 'pygraphviz')\n"
        "print([m for m in slow if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words.split()],
        cwd=toy_file.parent,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == "[]\n"
    assert done.stdout


def test_a_reader_that_closes_early_is_no_error(toy_file: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "run_sim.py"), "list"],
        cwd=toy_file.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    process.stdout.close()
    error = process.stderr.read().decode()
    process.stderr.close()
    assert process.wait() == 0
    assert error == ""


@pytest.mark.parametrize(
    "words",
    [
        ("run", "toy.toml", "--out", "out", "--no-plots"),
        ("compare", "toy.toml", "again.toml"),
        ("evidence", "toy.toml"),
        ("evidence", "toy.toml", "again.toml"),
        ("influence", "toy.toml"),
        ("sweep", "toy.toml", "--vary", "k_clear=0.1 1/h:0.2 1/h:3", "--no-plots"),
        ("replay", "ran"),
    ],
)
def test_what_takes_long_tells_how_far_it_is_and_leaves_stdout_alone(
    say, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("again.toml").write_text(SCENARIO)
    say("run", "toy.toml", "--out", "ran", "--no-plots")
    monkeypatch.setattr("immunesim.runtime.progress.QUIET", 0.0)
    said = say(*words, "--json")
    document(said)
    assert said.err.count("100 %") == (
        2 if words[0] in ("run", "sweep") else 1
    )  # simulated, then measured or certified


def test_the_public_names_are_there() -> None:
    import immunesim

    assert all(getattr(immunesim, name) is not None for name in immunesim.__all__)
    with pytest.raises(AttributeError, match="module 'immunesim' has no public name 'nothing'"):
        _ = immunesim.nothing


# an old Python


@pytest.mark.parametrize("file", ["run_sim.py", "simulator/__init__.py", "simulator/__main__.py"])
def test_an_old_python_gets_one_sentence_with_its_version(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    source = (ROOT / file).read_text(encoding="utf-8")
    ast.parse(source, feature_version=(3, 7))
    if file == "simulator/__main__.py":
        return  # loads the package, and so simulator/__init__.py, before anything else
    monkeypatch.setattr(sys, "version_info", (3, 9, 2, "final", 0))
    with pytest.raises(SystemExit) as stopped:
        exec(compile(source, file, "exec"), {"__name__": "immunesim", "__file__": str(ROOT / file)})
    assert stopped.value.code == "immunesim needs Python 3.11 or newer; this is Python 3.9.2"


@pytest.mark.parametrize(
    "words",
    [
        ("run", "toy.toml", "--no-plots", "--out", "a" * 240),
        ("run", "toy.toml", "--no-plots", "--out", f"{'é' * 150}/out"),
        ("sweep", "toy.toml", "--vary", "k_clear=0.1 1/h,0.2 1/h", "--measure", "max(drug)", "--out", "a" * 240),
        ("explore", "toy.toml", "--out", "a" * 240 + ".html"),
        ("slides", "toy.toml", "--out", "a" * 240 + ".pdf"),
    ],
)
def test_an_output_of_too_long_a_name_is_refused_before_anything_is_simulated(
    say, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("immunesim.runtime.progress.QUIET", 0.0)
    said = say(*words)
    assert said.code == 3
    assert "the name of a folder or file may have 200 bytes, found" in said.err
    assert "100 %" not in said.err  # of progress
