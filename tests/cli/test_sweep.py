"""`sweep` on the command line: words in, exit codes, and nothing but JSON on stdout when that is asked for."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from immunesim import cli
from immunesim.experiments.sweeps.workers import Threads

from tests.slow import thinned
from tests.toys import SCENARIO

VARY = ("--vary", "k_clear=0.25 1/h:1 1/h:3:log", "--measure", "peak=max(drug)", "--no-plots")


class Said(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str], folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Said]:
    """``say("--workers", "1")``: a sweep of the toy in its folder, on threads; never a traceback."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr("immunesim.tasks.sweep_members.Processes", Threads)
    (folder / "toy.toml").write_text(SCENARIO)

    def call(*words: str) -> Said:
        try:
            code = cli.main(["sweep", "toy.toml", *words])
        except SystemExit as stop:
            code = int(stop.code or 0)
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err + captured.out
        return Said(code, captured.out, captured.err)

    return call


def test_a_sweep_says_what_came_out_and_goes_to_the_same_folder_again(say) -> None:
    said = say(*VARY)
    assert said.code == 0
    assert "3 members (grid of k_clear): 3 computed in " in said.out
    assert "results in results/toy-sweep" in said.out
    assert "3 members (grid of k_clear): 0 computed, 3 reused" in say(*VARY).out
    assert [path.name for path in Path("results").iterdir()] == ["toy-sweep"]


def test_json_is_all_that_is_on_stdout(say, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("immunesim.runtime.progress.QUIET", 0.0)
    said = say(*VARY, "--out", "out", "--json")
    assert said.code == 0
    found = json.loads(said.out, parse_constant=pytest.fail)
    assert found == json.loads(Path("out/summary.json").read_text())
    assert found["command"][:2] == ["sweep", "toy.toml"]
    assert "3 of 3 members" in said.err


def test_members_that_fail_exit_with_1_and_all_is_written(say) -> None:
    text = Path("toy_model.toml").read_text()
    rate = "k_clear * drug * (1 - drug / K_drug * 200)"  # the drug makes itself
    Path("toy_model.toml").write_text(text.replace('rate = "k_clear * drug"', f'rate = "{rate}"'))
    said = say(*VARY, "--out", "out", "--json")
    found = json.loads(said.out)
    assert 0 < found["members"]["failed"] <= 3
    assert said.code == 1
    assert len(Path("out/members.csv").read_text().splitlines()) == 4


def test_a_dry_run_writes_nothing(say) -> None:
    said = say(*VARY, "--dry-run")
    assert said.code == 0
    assert said.out.startswith("3 members (grid); 0 are stored in results/toy-sweep\n3 to compute: about ")
    found = json.loads(say(*VARY, "--dry-run", "--json").out)
    assert (found["members"], found["stored"]) == (3, 0)
    assert sorted(path.name for path in Path().iterdir()) == ["toy.toml", "toy_model.toml"]


def test_shards_and_their_merge(say) -> None:
    for part in "12":
        assert say(*VARY, "--shard", f"{part}/2").code == 0
    parts = ["results/toy-sweep-1-of-2", "results/toy-sweep-2-of-2"]
    said = say(*VARY, "--merge", parts[0], "--out", "whole")
    assert said.code == 1
    assert said.err.endswith("2 of 3 members kept in whole; continue with\n  " + said.err.split("continue with\n  ")[1])
    said = say(*VARY, "--merge", *parts, "--out", "whole")
    assert said.code == 0
    assert "3 members (grid of k_clear), none missing" in said.out
    assert say(*VARY, "--out", "alone").code == 0
    assert Path("whole/members.csv").read_bytes() == Path("alone/members.csv").read_bytes()


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ([], 2, "error: command line: nothing to vary in toy: add a [sweep] table, or --vary NAME=VALUES"),
        ([*VARY, "--shard", "3/2"], 2, "a shard is I/N, such as 3/16, with I from 1 to N\n    --shard 3/2"),
        ([*VARY, "--shard", "0/2"], 2, "a shard is I/N"),
        ([*VARY, "--shard", "x"], 2, "a shard is I/N"),
        ([*VARY, "--workers", "0"], 2, "a number of 1 or more, found '0'"),
        ([*VARY, "--workers", "2", "--dask", "local"], 2, "not allowed with"),
        ([*VARY, "--shard", "1/2", "--merge", "a"], 2, "not allowed with"),
        (["--merge", "nowhere"], 3, "error: nowhere is no folder of a sweep\n"),
        ([*VARY, "--merge", ".", "--out", "o"], 3, "error: . holds toy.toml and no sweep; choose another folder\n"),
        ([*VARY, "--out", "toy.toml"], 3, "error: toy.toml is a file, not a folder"),
        ([*VARY, "--out", "."], 3, "error: . holds toy.toml and no sweep; choose another folder"),
    ],
)
def test_what_cannot_be_done_is_said(say, words: list[str], code: int, message: str) -> None:
    said = say(*words)
    assert (said.code, said.out) == (code, "")
    assert message in said.err


def test_a_store_of_another_question_exits_with_3(say) -> None:
    assert say(*VARY, "--out", "out").code == 0
    said = say(*VARY, "--out", "out", "--set", "k_absorb=0.3 1/h", "--json")
    assert said.code == 3
    assert "out is a sweep of something else, and stays as it is: scenario.parameters.k_absorb is new" in said.err
    assert json.loads(said.out)["ok"] is False


def test_a_missing_package_exits_with_5(say, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.delitem(sys.modules, "pyarrow.parquet", raising=False)
    assert say(*VARY, "--parquet").code == 5
    for name in [each for each in sys.modules if each.partition(".")[0] == "distributed"]:
        monkeypatch.delitem(sys.modules, name)  # of an earlier test
    monkeypatch.delitem(sys.modules, "immunesim.experiments.sweeps.dask_cluster", raising=False)
    monkeypatch.setitem(sys.modules, "distributed", None)
    said = say(*VARY, "--dask", "local")
    assert said.code == 5
    assert "the package 'distributed' is missing: pip install distributed" in said.err


def test_no_scheduler_at_that_address_exits_with_4(say, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr("immunesim.experiments.sweeps.dask_cluster.SECONDS_TO_CONNECT", 0.2)
    said = say(*VARY, "--dask", "tcp://127.0.0.1:9")
    assert said.code == 4
    assert said.err.startswith("error: no Dask scheduler at tcp://127.0.0.1:9: ")


@pytest.mark.parametrize("address", ["nowhere", "tcp://nowhere", "tcp://127.0.0.1:port", "carrier-pigeon://a:1"])
def test_what_is_no_address_exits_with_4(say, address: str) -> None:
    pytest.importorskip("distributed")
    said = say(*VARY, "--dask", address)
    assert said.code == 4
    assert said.err.startswith(f"error: no Dask scheduler at {address}: ")


def test_damage_is_noted(say) -> None:
    say(*VARY, "--out", "out")
    path = next(Path("out/blocks").iterdir())
    path.write_bytes(b"")
    said = say(*VARY, "--out", "out")
    assert said.code == 0
    assert f"note: {path.name} is damaged (" in said.err


EXAMPLES = [line.strip() for line in cli.command_file("sweep").EXAMPLES.splitlines()[1:4]]


@pytest.mark.parametrize("line", thinned(EXAMPLES, every=3))
def test_a_shell_example_of_the_help_is_understood(say, capsys: pytest.CaptureFixture[str], line: str) -> None:
    words = [word for word in shlex.split(line)[2:] if word != "--dry-run"]
    assert cli.main(["sweep", *words, "--shard", "x"]) == 2  # all is well but the shard
    assert cli.main(["sweep", *words, "--dry-run", "--out", "new"]) == 0
    assert "outside its range" not in capsys.readouterr().err


def test_an_axis_that_leaves_its_range_is_noted_by_sweep_and_check(say, capsys: pytest.CaptureFixture[str]) -> None:
    told = "k_clear varies from 0.1 to 9 1/h, outside its range, 0.25 to 1 1/h"
    words = ("--vary", "k_clear=0.1 1/h:9 1/h", "--dry-run")
    assert f"note: {told}\n" in say(*words).err
    assert "outside its range" not in say("--vary", "k_clear", "--dry-run").err
    values = '[sweep]\n[[sweep.vary]]\nparameter = "k_clear"\nvalues = ["9 1/h", "0.1 1/h"]\n'
    Path("wide.toml").write_text(f'title = "t"\nextends = "toy.toml"\n{values}')
    assert cli.main(["check", "wide.toml"]) == 0
    assert f"\n  note: {told}\n" in capsys.readouterr().out


LATE = ("--vary", "k_clear", "--measure", "at(drug, '5 h')", "--measure", "at(drug, '9 h')")
PATIENTS = """
[population]
count = 5
[[population.vary]]
parameter = "k_clear"
distribution = "uniform"
from = "0.3 1/h"
to = "0.9 1/h"
"""


@pytest.mark.parametrize(
    ("more", "words", "message"),
    [
        (PATIENTS, ["--sample", "lhs:10"], "'lhs' has no axes to combine: only patients vary"),
        (PATIENTS, ["--set", "k_clear=0.5 1/h"], "k_clear varies from member to member, so that --set has no effect"),
        ("", [*VARY, "--set", "k_clear=0.5 1/h"], "k_clear varies from member to member, so that --set has no effect"),
        ("", ["--vary", "initial.depot=0 pmol:9 pmol", "--set", "initial.depot=1 pmol"], "initial.depot varies from"),
        ("", ["--vary", "dose.push.at=0 h:9 h", "--set", "dose.push.at=1 h"], "dose.push.at varies from"),
        ("", [*VARY, "--merge", "a", "--dry-run"], "--merge computes nothing that could be estimated"),
        ("", ["--members", "m.csv", "--sample", "lhs:9"], "a file of members has all members"),
        ("", ["--vary", "k_clear=0.3 1/h:0.9 1/h:5.5"], "expected a whole number of points after FROM:TO"),
        (PATIENTS, ["--vary", "k_clear=1:2:5.5", "--sample", "lhs:9"], "expected a whole number of points"),
        ("", [*LATE, "--set", "time.end=60"], "the unit is missing: expected a time such as '10 h', found '60'"),
    ],
)
def test_words_that_contradict_each_other_are_refused_with_one_message(say, more, words, message) -> None:
    with Path("toy.toml").open("a", encoding="utf-8") as file:
        file.write(more)
    said = say(*words)
    assert (said.code, said.out) == (2, "")
    assert message in said.err
    assert said.err.count("error: ") == 1


def test_one_at_a_time_a_setting_is_where_the_others_stay(say) -> None:
    assert say("--vary", "k_clear", "--set", "k_clear=0.5 1/h", "--sample", "one_at_a_time", "--dry-run").code == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["--vary", "dose.push.amnt=0 pmol:9 pmol"],
            "no dose and key 'dose.push.amnt'; did you mean 'dose.push.amount'?",
        ),
        (["--vary", "k_clear", "--measure", "at(drug, '5')"], "'5' is no time: expected a time such as '5 h'"),
        (["--vary", "k_clear", "--measure", "at(drug, '99 h')"], "'99 h' lies after the end of the run, 48 h"),
        (["--vary", "k_clear", "--measure", "max(drug, '9 h', '3 h')"], "before the last, found '9 h' and '3 h'"),
        (
            ["--vary", "body_weight=150 lb:180 kg"],
            "no unit 'lb'; expected body_weight in kg such as '1 kg', found '150",
        ),
        (["--members", "m.csv"], "column patient: nothing called 'patient' can vary; what can: a parameter"),
    ],
)
def test_a_message_says_what_was_expected_and_what_was_found(say, words: list[str], message: str) -> None:
    Path("m.csv").write_text("patient,k_clear [1/h]\nA,0.5\nB,0.6\n")
    with Path("toy.toml").open("a", encoding="utf-8") as file:
        file.write('\n[arms.less]\ndose.push.amount = "4 pmol"\n')
    said = say(*words)
    assert (said.code, said.err.count("error: ")) == (2, 1)
    assert message in said.err
    assert "only arm" not in said.err
    assert say("--members", "m.csv", "--vary", "k_clear", "--dry-run").code == 0


def test_replay_of_the_folder_of_a_sweep_says_how_to_go_on(say, capsys: pytest.CaptureFixture[str]) -> None:
    assert say(*VARY, "--out", "out").code == 0
    assert cli.main(["replay", "out"]) == 3
    assert "out: the folder of a sweep, not of a run: the same 'sweep' command continues it" in capsys.readouterr().err


def test_the_help_shows_every_form_of_an_axis_and_each_is_understood(say) -> None:
    shown = " ".join(say("--help").out.split())
    for form in ("NAME=FROM:TO:COUNT[:log]", "NAME=V1,V2", "NAME=FROM:TO[:log]", "values with their units"):
        assert form in shown
    forms = {"0.3 1/h:0.9 1/h:4:log": "4 members (grid)", "0.3 1/h,0.9 1/h": "2 members (grid)"}
    forms["0.3 1/h:0.9 1/h"] = "11 members (grid)"
    for values, found in forms.items():
        assert say("--vary", f"k_clear={values}", "--dry-run").out.startswith(found)
    for sample, found in {"lhs:9": "9 members", "sobol:8": "8 members", "one_at_a_time": "3 members"}.items():
        said = say("--vary", "k_clear=0.3 1/h:0.9 1/h:log", "--sample", sample, "--dry-run")
        assert said.out.startswith(found)
