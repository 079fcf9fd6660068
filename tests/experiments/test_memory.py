"""What will not fit into memory is refused before anything is allocated."""

from __future__ import annotations

from pathlib import Path

import immunesim as sim
import pytest
from immunesim.experiments.memory import check_memory
from immunesim.experiments.run import run
from immunesim.files.toml.scenario_file import read_scenario
from immunesim.runtime.errors import InputError
from immunesim.runtime.memory import available_memory

from tests.toys import SCENARIO


def test_free_memory_is_known_and_limits_what_may_be_taken() -> None:
    assert available_memory() > 2**20
    check_memory(2**20, "things", "take fewer")
    with pytest.raises(InputError, match=r"things take about 1e\+06 GB, and .* GB are free: take fewer"):
        check_memory(1e15, "things", "take fewer")


def test_a_run_of_many_arms_and_times_is_refused_with_its_size_and_the_way_out(toy_file: Path) -> None:
    arms = "".join(f"[arms.a{number}]\nwithout = ['drip']\n" for number in range(5_000))
    toy_file.write_text(SCENARIO.replace('every = "1 h"', 'every = "0.00005 h"') + arms)
    scenario = read_scenario(toy_file)
    expected = r"5,003 arms of 960,00\d saved times and \d+ curves take about .*: save less often \(\[time\] every"
    with pytest.raises(InputError, match=expected):
        run(scenario)


def test_a_sweep_that_keeps_too_many_curves_is_refused(toy_file: Path) -> None:
    with pytest.raises(InputError, match=r"9,000,000 members with 1 curve of 960,000 times take about .*: keep fewer"):
        sim.sweep(
            toy_file,
            vary=["k_clear=0.3 1/h:0.6 1/h:3000", "initial.drug=1 pM:2 pM:3000"],
            keep=["drug"],
            measures=["max(drug)"],
            set={"time.every": "0.00005 h"},
        )
