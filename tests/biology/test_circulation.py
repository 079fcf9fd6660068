"""Pressure, resistance and output of the human model: they fit together, and no dose makes them jump."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from immunesim import read_scenario
from immunesim.experiments.run import ArmResult, run
from immunesim.files.toml.catalogue import builtin_scenarios

NORMAL = 95.0  # mmHg, MAP_normal
OUTPUT = 6.0  # L/min, cardiac_output_70kg
DOSES = [0.06, 0.4, 4, 40, 400, 14000, 140000]  # ng/kg of endotoxin


def simulated(**settings: Any) -> ArmResult:
    result = run(read_scenario(builtin_scenarios()["shock"], set=settings), certify=False, arms=["main"])
    assert result.ok
    return result.arms["main"]


def lowest(**settings: Any) -> float:
    return float(simulated(**settings).trajectory["blood_pressure"].min())


def test_pressure_is_output_times_resistance() -> None:
    found = simulated().trajectory
    product = found["cardiac_output"] / OUTPUT * found["vascular_resistance"] * NORMAL
    assert np.allclose(found["blood_pressure"], product, rtol=1e-9)
    assert found["vascular_resistance"][0] == pytest.approx(1, abs=1e-9)


def test_more_endotoxin_never_raises_the_pressure_nor_drops_it_at_once() -> None:
    falls = [NORMAL - lowest(**{"dose.endotoxin.amount": f"{dose} ng/kg"}) for dose in DOSES]
    assert all(0 < less < more for less, more in pairwise(falls))
    assert max(more - less for less, more in pairwise(falls)) < 15


def test_a_pressor_an_inhibitor_and_fluids_each_raise_a_low_pressure() -> None:
    alone = lowest()
    assert lowest(pressor="0.5") > alone + 5
    assert lowest(NO_block="1") > alone + 5
    assert lowest(fluids="0") < alone < lowest(fluids="1")
