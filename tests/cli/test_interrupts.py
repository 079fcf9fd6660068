"""Ctrl-C on a real process: it ends within two seconds with 130, says what is kept, keeps that, shows no traceback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from immunesim import cli

from tests.slow import thinned
from tests.toys import SCENARIO

ROOT = Path(cli.__file__).resolve().parents[2]
SLOW = '\n[arms.slow]\ndose.push.every = "0.0005 h"\ndose.push.count = 90000\n'  # half a minute of restarts on SciPy
SLOWER = 'dose.drip.every = "0.00045 h"\ndose.drip.over = "0.0002 h"\ndose.drip.count = 90000\n'
NOTHING = "interrupted; nothing was written\n"


class Ended(NamedTuple):
    code: int
    seconds: float
    err: str


Ready = Callable[[str], bool]


def interrupted(
    words: list[str],
    folder: Path,
    ready: Ready,
    again: float | None = None,
    number: int = signal.SIGINT,
    program: Path = ROOT / "run_sim.py",
    engine: str = "scipy",
) -> Ended:
    """Sends Ctrl-C to all processes, as a terminal does, once `ready` of a line on stderr, and `again` s later.
    number: another signal, which a scheduler sends to the first process alone. engine: the fast one has done the slow
    arm before a signal arrives."""
    process = subprocess.Popen(
        [sys.executable, str(program), *words],
        cwd=folder,
        env={**os.environ, "IMMUNESIM_ENGINE": engine},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if ready(line):
                break
        began = time.monotonic()
        if number == signal.SIGINT:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
        if again is not None:
            time.sleep(again)
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=30)
        return Ended(process.returncode, time.monotonic() - began, err)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


@pytest.fixture
def slow(folder: Path) -> Path:
    (folder / "slow.toml").write_text(SCENARIO + SLOW)
    (folder / "other.toml").write_text(SCENARIO + SLOW)
    return folder


def check(ended: Ended) -> None:
    assert ended.code in (130, -signal.SIGINT), ended  # the latter, which shells call 130, while Python ends
    assert ended.seconds < 2, ended
    assert "Traceback" not in ended.err
    assert "Error" not in ended.err


WORDS = [
    ["run", "slow.toml", "--arm", "slow", "--no-plots", "--out", "out"],
    ["evidence", "slow.toml"],
    ["compare", "slow.toml", "--of", "drug", "--out", "out"],
    ["evidence", "slow.toml", "other.toml"],
    ["explain", "slow.toml", "--of", "drug", "--arm", "slow", "--out", "out"],
    ["steady", "slow.toml", "--out", "out"],
]


@pytest.mark.parametrize("words", thinned(WORDS[::-1], every=6), ids=" ".join)
def test_what_is_not_finished_is_not_kept(slow: Path, words: list[str]) -> None:
    ended = interrupted(words, slow, lambda line: "%" in line)
    check(ended)
    assert ended.err.endswith(NOTHING)
    assert not (slow / "out").exists()
    assert not list(slow.glob(".out*"))


@pytest.mark.slow
@pytest.mark.parametrize("words", [WORDS[0], WORDS[3]], ids=" ".join)
def test_a_termination_is_an_interruption_that_ends_with_143(slow: Path, words: list[str]) -> None:
    ended = interrupted(words, slow, lambda line: "%" in line, number=signal.SIGTERM)
    assert (ended.code, ended.seconds < 2) == (143, True), ended
    assert ended.err.endswith(NOTHING)
    assert not list(slow.glob(".out*"))


FROM_PYTHON = """
import sys, warnings
import immunesim as sim
warnings.simplefilter("ignore")
getattr(sim, sys.argv[1])(*sys.argv[2:])
"""


@pytest.mark.slow
@pytest.mark.parametrize("words", thinned([["run", "slow.toml"], ["evidence", "slow.toml"]], every=2), ids=" ".join)
def test_from_python_an_interruption_is_short(slow: Path, words: list[str]) -> None:
    (slow / "script.py").write_text(FROM_PYTHON)
    ended = interrupted(words, slow, lambda line: "%" in line, program=slow / "script.py")
    assert ended.code in (130, -signal.SIGINT)
    assert ended.err.rstrip().endswith("KeyboardInterrupt")
    assert ended.err.count("Traceback") == 1
    assert ended.err.count("  File ") <= 6, ended.err


@pytest.mark.slow
@pytest.mark.parametrize("words", thinned(WORDS[:3], every=3), ids=" ".join)
def test_a_second_one_shows_no_traceback(slow: Path, words: list[str]) -> None:
    check(interrupted(words, slow, lambda line: "%" in line, again=0.1))
    assert not (slow / "out").exists()


@pytest.mark.parametrize("engine", ["scipy", pytest.param("compiled", marks=pytest.mark.slow)])
def test_a_run_keeps_the_arms_that_were_finished_and_says_so(slow: Path, engine: str) -> None:
    (slow / "slow.toml").write_text(SCENARIO + SLOW + SLOWER)
    words = ["run", "slow.toml", "--report", "--out", "out"]
    ended = interrupted(words, slow, lambda line: "3 of 4 arms" in line, engine=engine)
    check(ended)
    assert ended.err.endswith("interrupted; kept in out, without figures, are the arms main, untreated, half\n")
    kept = json.loads((slow / "out" / "summary.json").read_text())
    assert list(kept["arms"]) == ["main", "untreated", "half"]
    assert (slow / "out" / "trajectory.half.csv").exists()
    assert not list((slow / "out").glob("*.svg"))


@pytest.mark.slow
def test_a_run_of_several_keeps_those_that_were_written(slow: Path) -> None:
    (slow / "quick.toml").write_text(SCENARIO + "[arms.slow]\n")
    words = ["run", "quick.toml", "slow.toml", "--arm", "slow", "--no-plots", "--out", "out"]
    ended = interrupted(words, slow, lambda line: "%" in line)
    check(ended)
    assert ended.err.endswith("interrupted; kept are out/quick\n")
    assert [path.name for path in (slow / "out").iterdir()] == ["quick"]


@pytest.mark.slow
def test_the_evidence_is_written_with_what_is_done(slow: Path) -> None:
    (slow / "quick.toml").write_text(SCENARIO)

    ended = interrupted(["evidence", "quick.toml", "slow.toml", "--out", "out"], slow, lambda line: "1 of 2" in line)
    check(ended)
    assert ended.err.endswith("interrupted; out holds the scenarios that are done; not simulated: slow\n")
    assert json.loads((slow / "out" / "evidence.json").read_text())["not_simulated"] == ["slow"]
    assert (slow / "out" / "evidence.csv").exists()


@pytest.mark.slow
def test_a_gallery_is_written_with_what_is_done(slow: Path) -> None:
    (slow / "quick.toml").write_text(SCENARIO)

    def quick_is_done(line: str) -> bool:
        return bool(list(slow.glob(".out*/quick.png")))

    ended = interrupted(["gallery", "quick.toml", "slow.toml", "--out", "out"], slow, quick_is_done)
    check(ended)
    assert "the gallery is written with the scenarios that are done" in ended.err
    cards = json.loads((slow / "out" / "summary.json").read_text())["gallery"]
    assert {card["name"]: card["status"] for card in cards} == {"quick": "done", "slow": "not simulated"}
    assert (slow / "out" / "quick" / "report.html").exists()
