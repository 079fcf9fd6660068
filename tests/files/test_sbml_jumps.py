"""Rates that jump, as other simulators find them in our SBML."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from immunesim.experiments.run import run
from immunesim.experiments.solving import Certify, as_simulated, system_of
from immunesim.files.formats import FORMATS
from immunesim.files.formats.sbml.document import sbml_text
from immunesim.files.toml.scenario_file import read_scenario

from tests.experiments.test_rates_that_jump import CASES, TIMES, swings, there_and_back, written
from tests.libroadrunner import loaded, simulated

AGREE = 1e-5  # as the other simulator computes at its tolerance


@pytest.mark.parametrize("case", CASES)
def test_libroadrunner_finds_the_same_course(case: str, tmp_path: Path) -> None:
    rates, signed, start, exact = CASES[case]
    y = 2.0 if exact in (there_and_back, swings) else 0.0
    scenario = read_scenario(written(tmp_path, rates, signed=signed, start=start, y=y))
    theirs = simulated(loaded(sbml_text(scenario)), scenario, TIMES, ["x"], 1e-10)[:, 0]
    np.testing.assert_allclose(theirs, [exact(t) for t in TIMES], rtol=AGREE, atol=AGREE)


def test_what_is_written_as_decided_has_the_jumps_as_events(tmp_path: Path) -> None:
    """A rule that delays doses cannot be written: then what it did is, and where the rates jumped."""
    dose = '[[dose]]\nname = "more"\ntarget = "x"\namount = "3 pM"\nat = "5 h"\n'
    late = (
        dose
        + '[[rule]]\nname = "late"\ncheck_before = "more"\nif = "x > \'0.2 pM\'"\nthen = "delay 2 h"\nat_most = 1\n'
    )
    scenario = read_scenario(written(tmp_path, {"x": "-k * if(x > K, x, 0.5 * x)"}, late, start=4.0))
    ours = run(scenario, Certify.OFF).arms["main"]
    decided = replace(scenario, arms=(as_simulated(scenario, scenario.arm("main"), system_of(scenario.model)),))
    theirs = simulated(loaded(sbml_text(decided)), decided, TIMES, ["x"], 1e-10)[:, 0]
    at_times = np.interp(TIMES, ours.trajectory.times, ours.trajectory["x"])
    between = TIMES != 7.0  # the dose
    np.testing.assert_allclose(theirs[between], at_times[between], rtol=AGREE)
    assert at_times[TIMES == 7.5][0] > 2.5


def test_a_table_of_doses_needs_no_jumps(tmp_path: Path) -> None:
    scenario = read_scenario(written(tmp_path, {"x": "if(x < K, two, one)"}))
    assert FORMATS["nonmem"].decides(scenario, "main") == ""
