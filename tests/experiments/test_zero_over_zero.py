"""A state that stays at zero is left out of what is computed, and hides no 0/0: runs and sweeps say what they would say
with it."""

from __future__ import annotations

from pathlib import Path

import immunesim as sim
import numpy as np
import pytest

MODEL = """
title = "Nothing over what is not there yet"
time_unit = "d"
[species]
A = { label = "a state that the scenario leaves out", unit = "mg", initial = 1, scale = 1 }
B = { label = "a drug", unit = "mg", initial = 0, scale = 1 }
C = { label = "a third state", unit = "mg", initial = 1, scale = 1 }
[parameters]
k = { label = "loss", value = 0.2, unit = "1/d", source = "assumed", status = "assumed: a toy" }
[reactions]
growth = { label = "A grows", equation = "-> A", rate = "k * A", source = "assumed" }
filling = { label = "C is made", equation = "-> C", rate = "RATE", source = "assumed" }
loss = { label = "C is lost", equation = "C ->", rate = "k * C", source = "assumed" }
leaving = { label = "B is lost", equation = "B ->", rate = "k * B", source = "assumed" }
[observables]
ratio = { label = "A over B", unit = "1", value = "A / B" }
"""
SCENARIO = """
schema = 1
title = "A drug on the first day"
model = "model.toml"
[time]
end = "10 d"
every = "1 d"
[initial]
A = "0 mg"
[[dose]]
name = "drug"
target = "B"
amount = "1 mg"
at = "1 d"
"""
VARY = {"k": ["0.1 1/d", "0.2 1/d"]}


@pytest.fixture(params=["compiled", "scipy"])
def scenario(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("IMMUNESIM_ENGINE", request.param)
    (tmp_path / "model.toml").write_text(MODEL, encoding="utf-8")
    path = tmp_path / "scenario.toml"
    path.write_text(SCENARIO, encoding="utf-8")
    return path


def with_rate(scenario: Path, rate: str) -> Path:
    scenario.with_name("model.toml").write_text(MODEL.replace("RATE", rate), encoding="utf-8")
    return scenario


def test_a_rate_that_is_zero_over_zero_at_the_start_fails_in_runs_and_sweeps(scenario: Path) -> None:
    with_rate(scenario, "k * C * A / B")
    outcome = sim.run(scenario).result.arms["main"].trajectory.outcome
    assert "filling (0/0)" in outcome.message
    swept = sim.sweep(scenario, vary=VARY, measures="final(C)")
    assert swept.to_pandas()["failed"].all()


def test_an_observable_that_is_zero_over_zero_has_no_value_until_the_dose(scenario: Path) -> None:
    found = sim.run(with_rate(scenario, "k * C * A / (B + A + C)"))
    assert [each.name for each in found.result.arms["main"].trajectory.undefined] == ["ratio"]
    ratio = np.asarray(found["ratio"])
    assert np.isnan(ratio[found.times < 1.0]).all()
    assert (ratio[found.times > 1.0] == 0.0).all()
