"""Numbers of fewer than three digits: said first, kept in what is written, and an exit code of their own."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import immunesim as sim
import pytest
from immunesim import cli

from tests.slow import thinned
from tests.toys import CHAOS, CHAOS_MODEL, PATHOGEN

WARNING = "NOT RELIABLE: arm main: two computations agree in fewer than 3 digits"


@pytest.fixture
def chaos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with a scenario of which no digit is left."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(CHAOS_MODEL, tmp_path)
    (tmp_path / "chaos.toml").write_text(CHAOS)
    return tmp_path


@pytest.fixture
def say(chaos: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """``say("run", ...)``: exit code and stdout; never a traceback."""

    def call(*words: str) -> tuple[int, str]:
        code = cli.main(list(words))
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err + captured.out
        return code, captured.out

    return call


def test_a_run_that_is_not_reliable_says_so_first_and_ends_with_6(say, chaos: Path) -> None:
    code, out = say("run", "chaos.toml", "--no-plots", "--report", "--out", "out")
    assert code == 6
    assert out.startswith(f"{WARNING}; 0.")
    assert re.search(r"digits agree; the fewest in x at \d+ h; worst state [xyz], 0\.\d digits\n", out)
    assert "expectations: 1 of 2 met, 1 not reliable" in out
    assert "  not reliable (arm main) the first state is above zero once: " in out
    assert [line for line in out.split("\n") if "certified" in line and "arm calm" not in line] == []
    found = json.loads((chaos / "out/summary.json").read_text())
    assert found["reliable"] is False
    (each,) = found["unreliable"]
    assert each["arm"] == "main"
    assert each["curve"] == "x"
    assert 0 <= each["time"] <= 60
    assert 0 <= each["state_digits"] <= each["digits"] < 3
    assert each["reason"] == "two computations agree in fewer than 3 digits"
    main, calm = found["arms"]["main"], found["arms"]["calm"]
    assert (main["reliable"], main["digits_certified"]) == (False, None)
    assert calm["reliable"]
    assert calm["digits_certified"] > 4
    assert [each["unreliable"] for each in found["expectations"]] == [["main"], []]
    assert [each["met"] for each in found["expectations"]] == [False, True]
    page = (chaos / "out/report.html").read_text()
    assert page.index(WARNING) < page.index("<h1>")
    assert "not reliable</span>" in page


def test_accepted_or_not_shown_it_ends_with_0(say) -> None:
    code, out = say("run", "chaos.toml", "--no-plots", "--out", "accepted", "--accept-unreliable")
    assert (code, out.startswith(WARNING)) == (0, True)
    code, out = say("run", "chaos.toml", "--no-plots", "--out", "calm", "--arm", "calm")
    assert (code, "NOT RELIABLE" in out) == (0, False)
    assert re.search(
        r"\d\.\d digits certified by .* \(the fewest in x at \d+ h; worst state [xyz], \d\.\d digits\)", out
    )
    code, out = say("run", "chaos.toml", "--no-plots", "--out", "unchecked", "--no-certify")
    assert code == 0
    assert "digits not certified (switched off)" in out


def test_a_missed_expectation_of_an_unreliable_arm_counts_only_where_it_is_accepted(say, chaos: Path) -> None:
    (chaos / "chaos.toml").write_text(CHAOS.replace("above = 0", "below = 0"))
    assert say("run", "chaos.toml", "--no-plots", "--out", "out")[0] == 6
    assert say("run", "chaos.toml", "--no-plots", "--out", "again", "--accept-unreliable")[0] == 1


def test_json_says_it_too_and_has_no_colour(say) -> None:
    code, out = say("run", "chaos.toml", "--no-plots", "--out", "out", "--json")
    assert (code, json.loads(out)["reliable"]) == (6, False)


def test_python_warns_once(chaos: Path) -> None:
    with pytest.warns(UserWarning, match=WARNING) as warned:
        found = sim.run("chaos.toml")
    assert len(warned) == 1
    assert warned[0].filename == __file__
    assert (found.reliable, found.unreliable) == (False, ("main",))
    assert str(found).startswith(WARNING)
    assert "NOT RELIABLE (arm main)" in repr(found)
    assert found._repr_html_().startswith(f'<p style="color:#b00020"><strong>{WARNING}')
    assert sim.run("chaos.toml", arms="calm").reliable is True
    assert sim.run("chaos.toml", certify=False).reliable is None


COMMANDS = {
    "compare": ["chaos.toml"],
    "explain": ["chaos.toml", "--of", "x"],
    "evidence": ["chaos.toml", "--out", "facts"],
    "gallery": ["chaos.toml", "--out", "gallery"],
    "influence": ["chaos.toml"],
    "replay": ["done"],
}


@pytest.mark.parametrize("command", thinned(COMMANDS, every=6))
def test_every_command_that_shows_such_a_number_says_so_first(say, chaos: Path, command: str) -> None:
    if command == "replay":
        say("run", "chaos.toml", "--no-plots", "--out", "done")
    code, out = say(command, *COMMANDS[command])
    assert (code, out.startswith("NOT RELIABLE: ")) == (6, True)
    assert "arm main" in out.split("\n")[0]
    words = [word.replace("gallery", "accepted") for word in COMMANDS[command]]
    code, out = say(command, *words, "--accept-unreliable", "--json")
    assert code == 0
    assert "not reliable" in out.lower() or '"unreliable"' in out


def test_calm_arms_and_unchecked_ones_are_no_error(say) -> None:
    assert say("explain", "chaos.toml", "--of", "x", "--arm", "calm")[0] == 0
    assert say("compare", "chaos.toml", "--no-certify")[0] == 0


def test_a_fact_that_an_unreliable_number_meets_is_not_met(say, chaos: Path) -> None:
    out = say("evidence", "chaos.toml", "--out", "facts")[1]
    assert "UNSURE  chaos/1" in out
    assert "1 of 2 expectations met, 1 not reliable" in out
    found = json.loads((chaos / "facts/evidence.json").read_text())
    assert [row["verdict"] for row in found["rows"]] == ["not reliable", "met"]
    assert found["totals"]["all"] == {"met": 1, "of": 2}
    assert "met     chaos/1" in say("evidence", "chaos.toml", "--accept-unreliable")[1]


def test_digits_are_those_of_the_curve_that_is_asked_for(say, chaos: Path) -> None:
    """w follows x, but is not among the curves that the scenario shows: a flat one is."""
    model = chaos / "chaos_model.toml"
    flat = '[observables.flat]\nlabel = "flat"\nunit = "1"\nvalue = "0 * x"\n'
    model.write_text(f"{model.read_text()}\n{flat}")
    (chaos / "chaos.toml").write_text(CHAOS[: CHAOS.index("[[expect]]")].replace('[["x"]]', '[["flat"]]'))
    assert say("compare", "chaos.toml")[0] == 0
    assert say("compare", "chaos.toml", "--of", "y")[0] == 6
    assert say("explain", "chaos.toml", "--of", "z")[0] == 6


@pytest.mark.parametrize("most", [1, pytest.param(7, marks=pytest.mark.slow)], ids=["run", "every command"])
def test_without_llvmlite_every_command_says_once_that_scipy_computes(chaos: Path, most: int) -> None:
    (chaos / "broken/llvmlite").mkdir(parents=True)
    (chaos / "broken/llvmlite/__init__.py").write_text("raise ImportError('cannot open\\nlibLLVM')\n")
    (chaos / "calm.toml").write_text(CHAOS.replace("[arms.calm]\n", "[parameters]\nrho = 0.5\n[arms.calm]\n"))
    shutil.copy("calm.toml", "calm2.toml")
    note = "note: llvmlite cannot be used (ImportError: cannot open libLLVM): SciPy computes everything"
    commands = [
        ["run", "calm.toml", "calm2.toml", "--no-plots", "--out", "out"],
        ["compare", "calm.toml"],
        ["explain", "calm.toml", "--of", "x"],
        ["evidence", "calm.toml"],
        ["gallery", "calm.toml", "--out", "gallery"],
        ["replay", "out/calm"],
        ["sweep", "calm.toml", "--vary", "rho=0.5,0.6", "--measure", "max(x)", "--out", "sweep", "--no-plots"],
    ][:most]
    program = f"""
import sys
from immunesim import cli
for words in {commands!r}:
    print("command", words[0], file=sys.stderr)
    assert cli.main(words) in (0, 1)
"""
    for engine, times in (("", 1), ("scipy", 0)):
        shutil.rmtree(chaos / "out", ignore_errors=True)
        shutil.rmtree(chaos / "gallery", ignore_errors=True)
        environment = {**os.environ, "PYTHONPATH": str(chaos / "broken"), "IMMUNESIM_ENGINE": engine}
        command = [sys.executable, "-c", program]
        done = subprocess.run(command, cwd=chaos, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        said = [(part.split()[0], part.count(note)) for part in done.stderr.split("command ")[1:]]
        assert said == [(words[0], times) for words in commands]


SWEEP = ["sweep", "chaos.toml", "--no-plots", "--measure", "end=final(x)"]
GRID = [*SWEEP, "--vary", "rho=2:28:27"]


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "members.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_sweep_repeats_sixteen_members_and_marks_those_of_few_digits(say, chaos: Path) -> None:
    code, out = say(*GRID, "--out", "sweep")
    assert code == 6
    assert re.match(r"NOT RELIABLE: \d of 16 members computed twice have under 3 digits; the fewest, [0-2]\.\d", out)
    found = json.loads((chaos / "sweep/summary.json").read_text())
    assert found["reliable"] is False
    certificate = found["certificate"]
    assert (certificate["members"], certificate["worst"]["measure"]) == (16, "end")
    assert certificate["median_digits"] > 5
    assert 0 <= certificate["worst_digits"] < 3
    marked = [int(row["number"]) for row in rows_of(chaos / "sweep") if row["outcome"].startswith("not reliable: ")]
    assert marked == certificate["unreliable_members"]
    assert len(marked) == certificate["unreliable"]
    assert 26 in marked  # the end of the axis is always repeated
    assert all(number > 18 for number in marked)  # below rho = 24 the states settle
    assert say(*GRID, "--out", "sweep", "--accept-unreliable")[0] == 0  # continued: nothing is computed again
    assert json.loads((chaos / "sweep/summary.json").read_text())["certificate"] == certificate
    assert len(list((chaos / "sweep/certificate/blocks").glob("*.nc"))) == 4


def test_all_members_or_none_are_repeated_where_that_is_asked_for(say, chaos: Path) -> None:
    code, out = say(*GRID, "--out", "off", "--no-certify")
    assert (code, "digits not certified (switched off)" in out) == (0, True)
    assert not (chaos / "off/certificate").exists()
    assert json.loads((chaos / "off/summary.json").read_text())["reliable"] is None
    before = [row["end [1]"] for row in rows_of(chaos / "off")]
    assert say(*GRID, "--out", "off", "--certify", "all")[0] == 6  # the certificate of members that are stored
    assert json.loads((chaos / "off/summary.json").read_text())["certificate"]["members"] == 27
    assert [row["end [1]"] for row in rows_of(chaos / "off")] == before


def test_merged_sweeps_keep_what_their_parts_repeated(say, chaos: Path) -> None:
    for part in (1, 2):
        say(*GRID, "--out", f"part-{part}", "--shard", f"{part}/2")
    assert say(*GRID, "--out", "whole", "--merge", "part-1", "part-2")[0] == 6
    merged = json.loads((chaos / "whole/summary.json").read_text())["certificate"]
    parts = [json.loads((chaos / f"part-{part}/summary.json").read_text())["certificate"] for part in (1, 2)]
    assert merged["members"] == sum(part["members"] for part in parts) == 27
    assert merged["unreliable"] == sum(part["unreliable"] for part in parts)


def test_calm_members_are_certified(say, chaos: Path) -> None:
    code, out = say(*SWEEP, "--vary", "rho=0.5:0.9:3", "--out", "calm")
    assert code == 0
    assert re.search(
        r"computed twice, by Rodas5P, compiled, rtol 1e-07.*: 3 members; \d+\.\d digits certified in the", out
    )


def test_a_sweep_by_scipy_is_repeated_by_its_second_solver(say, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMMUNESIM_ENGINE", "scipy")
    code, out = say(*SWEEP, "--vary", "rho=0.5:0.9:3", "--out", "calm", "--workers", "1")
    assert (code, "computed twice, by Rodas5P, rtol 1e-08" in out) == (0, True)


def test_python_has_the_certificate_of_a_sweep_and_warns(chaos: Path) -> None:
    with pytest.warns(UserWarning, match="NOT RELIABLE: .* computed twice"):
        found = sim.sweep("chaos.toml", vary={"rho": "26:28:3"}, measures={"end": "final(x)"})
    assert (found.reliable, found.unreliable) == (False, (0, 1, 2))
    assert list(found.certificate.numbers) == [0, 1, 2]
    assert "3 NOT RELIABLE" in repr(found)
    assert found._repr_html_().startswith('<p style="color:#b00020">')
    assert sim.sweep("chaos.toml", vary={"rho": [0.6, 0.7]}, measures="final(x)", certify="all").reliable


def test_a_fault_of_the_code_generator_is_told_with_the_numbers(
    say, chaos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No model is known whose machine code is wrong, so that the comparison itself is made to find a difference."""
    wrong = "the derivative of x at 3 h"
    monkeypatch.setattr("immunesim.numerics.compiled.arms.ModelEngine.disagreement", lambda *_: wrong)
    code, out = say("run", "chaos.toml", "--arm", "calm", "--no-plots", "--report", "--out", "out")
    why = f"computed by SciPy, since machine code and formulas differ: {wrong}"
    assert code == 0
    assert re.search(rf"digits certified by Rodas5P, rtol 1e-08 \(.*; {why}\)", out)
    arm = json.loads((chaos / "out/summary.json").read_text())["arms"]["calm"]
    assert (arm["certificate"]["reason"], arm["reliable"]) == (why, True)
    assert arm["solver"]["method"].startswith("LSODA")
    assert why in (chaos / "out/report.html").read_text()


REVIVED = """\
title = "It comes back"
model = "model.toml"

[time]
end = "700 d"

[show]
plots = [["P"]]
"""
# Cells that die ten times as slowly hold it down until it is less than numbers can hold
REVIVED_MODEL = PATHOGEN.replace("value = 0.1,", "value = 0.01,")


def test_a_state_that_rises_again_from_nothing_is_not_reliable(say, chaos: Path) -> None:
    (chaos / "back.toml").write_text(REVIVED)
    (chaos / "model.toml").write_text(REVIVED_MODEL)
    code, out = say("run", "back.toml", "--no-plots", "--out", "out")
    assert code == 6
    first = r"NOT RELIABLE: arm main: P rises again out of rounding; 0\.0 digits agree; the fewest in P at \d+ d"
    assert re.match(first, out)
    assert "certified" not in out


@pytest.mark.parametrize(
    "ask",
    [
        lambda **how: sim.compare("chaos.toml", **how),
        lambda **how: sim.explain("chaos.toml", "x", **how),
        lambda **how: sim.evidence("chaos.toml", **how),
    ],
    ids=["compare", "explain", "evidence"],
)
def test_every_question_from_python_warns_once(chaos: Path, ask: Callable[..., object]) -> None:
    with pytest.warns(UserWarning, match="NOT RELIABLE: arm main") as warned:
        found = ask()
    assert [each.filename for each in warned] == [__file__]
    assert str(found).startswith("NOT RELIABLE")
    assert found._repr_html_().startswith('<p style="color:#b00020">')  # type: ignore[attr-defined]
    assert "NOT RELIABLE" not in str(ask(certify=False))
