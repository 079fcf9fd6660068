"""Rates that jump, as other simulators find them in our SBML."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
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
