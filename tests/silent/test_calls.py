"""A call leaves nothing behind for the next one, nor for one in another thread; order changes nothing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import immunesim as sim
import numpy as np
import pytest

from tests.silent.tables import GROWING
from tests.toys import SCENARIO


def bits(run: sim.Run) -> dict[tuple[str, str], bytes]:
    return {(name, arm): run[name, arm].tobytes() for arm in run.arms for name in ("time", *run.names)}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("engine", ["compiled", pytest.param("scipy", marks=pytest.mark.slow)])
def test_a_run_is_the_same_whatever_ran_before(toy: str, engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMMUNESIM_ENGINE", engine)
    Path("growing.toml").write_text(Path("toy_model.toml").read_text().replace('rate = "k_clear * drug"', GROWING))
    Path("failing.toml").write_text(SCENARIO.replace("toy_model.toml", "growing.toml"))
    first = bits(sim.run(toy))
    others: list[Callable[[], object]] = [
        lambda: sim.run(toy, set={"k_clear": "0.9 1/h", "dose.push.count": "1"}),
        lambda: sim.run("failing.toml"),
        lambda: sim.run(toy, arms="half", certify=False),
        lambda: sim.sweep(toy, vary={"k_clear": "0.25 1/h:1 1/h:3"}, measures="max(drug)"),
        lambda: sim.check("failing.toml"),
        lambda: sim.run("friberg", certify=False),
    ]
    for other in others:
        other()
        assert bits(sim.run(toy)) == first


def test_threads_do_not_share_anything(toy: str) -> None:
    """Each run and sweep alone, and all of them at once on four threads: the same bits."""

    def job(number: int) -> bytes:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if number % 3 == 2:
                found = sim.sweep(toy, vary={"k_clear": f"0.25 1/h:{0.5 + number / 100} 1/h:9"}, measures="auc(drug)")
                return found["auc(drug)"].tobytes()
            scenario = sim.read_scenario(toy, set={"k_clear": f"{0.3 + number / 100} 1/h"})
            return sim.run(scenario)["drug"].tobytes()

    alone = [job(number) for number in range(12)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(job, range(12))) == alone
    assert len(set(alone)) == 12


def test_the_order_of_tables_in_a_file_changes_nothing(toy: str) -> None:
    head, *parts = re.split(r"\n(?=\[)", SCENARIO)
    Path("turned.toml").write_text("\n".join([head, *reversed(parts)]))
    one, other = sim.run(toy), sim.run("turned.toml")
    assert set(one.arms) == set(other.arms)
    for arm in one.arms:
        for name in one.names:
            assert np.array_equal(one[name, arm], other[name, arm])


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_the_order_of_changes_and_members_changes_nothing(toy: str) -> None:
    settings = ["k_clear=0.3 1/h", "body_weight=90 kg", "dose.push.count=2"]
    assert bits(sim.run(toy, set=settings)) == bits(sim.run(toy, set=settings[::-1]))
    values = ["0.3 1/h", "0.9 1/h", "0.5 1/h", "0.7 1/h", "0.4 1/h"]
    one = sim.sweep(toy, vary={"k_clear": values}, measures="auc(drug)")
    other = sim.sweep(toy, vary={"k_clear": values[::-1]}, measures="auc(drug)")
    assert one["auc(drug)"].tobytes() == other["auc(drug)"][::-1].tobytes()


def test_what_python_leaves_to_chance_changes_no_file(toy: str) -> None:
    """Sets of texts have another order in every process, by PYTHONHASHSEED."""
    script = """
import sys
from immunesim import cli
for words in (
    ["run", "toy.toml", "--no-plots"],
    ["sweep", "toy.toml", "--vary", "k_clear=0.3 1/h,0.9 1/h", "--measure", "auc(drug)", "--no-plots"],
    ["export", "toy.toml", "--to", "sbml"],
):
    assert cli.main([*words, "--out", f"{words[0]}{sys.argv[1]}"]) == 0
"""
    started = [
        subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", script, seed],
            env={**os.environ, "PYTHONHASHSEED": seed},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for seed in "12"
    ]
    assert [each.wait() for each in started] == [0, 0]
    for name in (
        "run{}/trajectory.csv",
        "run{}/trajectory.half.csv",
        "run{}/model.toml",
        "sweep{}/members.csv",
        "export{}",
    ):
        assert Path(name.format(1)).read_bytes() == Path(name.format(2)).read_bytes()
