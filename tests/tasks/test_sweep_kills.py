"""Real processes that sweep: killed, interrupted, locked out, and computed in other ways, to the same last bit."""

from __future__ import annotations

import importlib.util
import json
import random
import signal
import time
from pathlib import Path

import pytest

from tests.kills import MEMBERS, blocks, finished, kill, start, tables, write_question


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sweeps")
    write_question(folder)
    return folder


@pytest.fixture(scope="module")
def whole(place: Path) -> tuple[dict[str, bytes], float]:
    """The tables of a sweep that nobody interrupts, and its seconds."""
    began = time.monotonic()
    code, out, err = finished(start(place, "whole", "--workers", "2"))
    assert code == 0, err
    assert f"{MEMBERS:,} members (grid of k_clear, dose.push.amount): {MEMBERS:,} computed" in out
    return tables(place, "whole"), time.monotonic() - began


def until_a_block_is_there(place: Path, out: str) -> None:
    for _ in range(600):
        if (place / out / "blocks").is_dir() and blocks(place, out):
            return
        time.sleep(0.05)
    raise AssertionError("no block in half a minute")


@pytest.mark.parametrize("kills", [1, pytest.param(4, marks=pytest.mark.slow)])
def test_a_sweep_killed_at_any_moment_goes_on_to_the_same_last_bit(
    place: Path, whole: tuple[dict[str, bytes], float], kills: int
) -> None:
    moments, killed, out = random.Random(4), 0, f"killed-{kills}"
    for _ in range(kills):
        killed += kill(start(place, out, "--workers", "2"), whole[1] * moments.uniform(0.2, 0.7))
    assert killed > 0
    code, _, err = finished(start(place, out))
    assert code == 0, err
    assert tables(place, out) == whole[0]


@pytest.mark.slow  # shortened: experiments/test_sweep.py
def test_one_worker_and_small_blocks_give_the_same_last_bit(place: Path, whole: tuple[dict[str, bytes], float]) -> None:
    code, _, err = finished(start(place, "small", "--workers", "1", program="small_blocks.py"))
    assert code == 0, err
    assert blocks(place, "small") > 50
    assert tables(place, "small") == whole[0]


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_an_interrupted_sweep_keeps_what_is_done_and_says_how_to_go_on(
    place: Path, whole: tuple[dict[str, bytes], float], number: signal.Signals
) -> None:
    out = number.name.lower()
    process = start(place, out, "--workers", "1", program="small_blocks.py")
    until_a_block_is_there(place, out)
    process.send_signal(number)
    asked = time.monotonic()
    code, _, err = finished(process)
    assert code == 128 + number
    assert time.monotonic() - asked < 2.0
    assert "Traceback" not in err
    said = err.splitlines()
    assert f" of {MEMBERS:,} members kept in {out}; continue with" in said[-2]
    assert said[-1].endswith(f"small_blocks.py sweep toy.toml --out {out} --no-plots --workers 1")
    members = json.loads((place / out / "summary.json").read_text())["members"]
    assert 0 < members["present"] < MEMBERS
    assert len((place / out / "members.csv").read_text().splitlines()) == members["present"] + 1
    code, _, err = finished(start(place, out))
    assert code == 0, err
    assert json.loads((place / out / "summary.json").read_text())["members"]["computed"] == MEMBERS - members["present"]
    assert tables(place, out) == whole[0]


def test_a_second_process_in_the_same_folder_is_refused(place: Path) -> None:
    first = start(place, "shared", "--workers", "1", program="small_blocks.py")
    until_a_block_is_there(place, "shared")
    first.send_signal(signal.SIGSTOP)  # it is at work for as long as it takes to see
    code, out, err = finished(start(place, "shared"))
    assert (code, out) == (3, "")
    assert "error: another process is at work in shared; wait for it, or choose another --out\n" in err
    kill(first, 0.0)


@pytest.mark.slow  # shortened: experiments/test_dask.py
@pytest.mark.skipif(importlib.util.find_spec("distributed") is None, reason="the extra 'dask' is not installed")
def test_a_dask_cluster_gives_the_same_last_bit(place: Path, whole: tuple[dict[str, bytes], float]) -> None:
    code, _, err = finished(start(place, "dask", "--dask", "local"))
    assert code == 0, err
    assert tables(place, "dask") == whole[0]
