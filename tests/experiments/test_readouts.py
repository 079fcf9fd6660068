"""Measures of readouts that no polynomial follows: kinked, steep, functions of time; in runs and in sweeps."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from immunesim.experiments.measured import measure
from immunesim.experiments.measures import read_measure
from immunesim.experiments.run import run
from immunesim.experiments.scenario import Scenario
from immunesim.experiments.sweeps.compute import compute
from immunesim.experiments.sweeps.designs import Axis, Sweep, SweepMeasure
from immunesim.files.toml.scenario_file import read_scenario

from tests.sweeps import Members

MODEL = """
title = "A store that fills at a constant rate"
time_unit = "h"
[species]
S = { label = "store", unit = "mg", initial = 0, scale = 1 }
[parameters]
k = { label = "k", value = 1, unit = "mg/h", source = "assumed", status = "assumed: an example" }
T = { label = "T", value = 4.3, unit = "h", source = "assumed", status = "assumed: an example" }
EC = { label = "EC", value = 3.7, unit = "mg", source = "assumed", status = "assumed: an example" }
w = { label = "w", value = 0.15, unit = "h", source = "assumed", status = "assumed: an example" }
M = { label = "M", value = 1, unit = "mg", source = "assumed", status = "assumed: an example" }
[reactions]
fill = { equation = "-> S", rate = "k", source = "assumed" }
[observables]
tent = { label = "tent", unit = "h", value = "min(time, 2*T - time)" }
spike = { label = "spike", unit = "1", value = "exp(-((time - T)/w)^2)" }
effect = { label = "effect", unit = "1", value = "hill(S, EC, 50)" }
excess = { label = "excess", unit = "mg", value = "max(S - EC, 0)" }
over = { label = "over", unit = "1", value = "if(S > EC, 1, 0)" }
stairs = { label = "stairs", unit = "1", value = "floor(S/EC*2.7)" }
gate = { label = "gate", unit = "1", value = "S/M + if(S > EC and S < EC + k*w, 5, 0)" }
tooth = { label = "tooth", unit = "1", value = "max(0, 1 - max(S - EC, EC - S)/(k*w))" }
bell = { label = "bell", unit = "1", value = "S/M + 5*exp(-((S - EC)/(k*w))^2)" }
wave = { label = "wave", unit = "1", value = "sin(S/EC*5000)" }
"""
SCENARIO = """
schema = 1
title = "Filling a store"
model = "model.toml"
[time]
end = "9 h"
every = "1 h"
"""
SPIKE = 0.15 * math.sqrt(math.pi)
EFFECT = sum((x**50 / (1 + x**50)) * 3.7e-5 for x in (np.arange(0, 9 / 3.7, 1e-5) + 0.5e-5).tolist())
READOUTS = {  # measure: value, range
    "max(tent)": (4.3, 4.3),
    "time_of_max(tent)": (4.3, 9.0),
    "final(tent)": (-0.4, 4.7),
    "time_above(tent, '2 h')": (4.6, 9.0),
    "auc(tent)": (4.3**2 - 0.4**2 / 2, 9 * 4.7),
    "auc(spike)": (SPIKE, 1.0),
    "max(spike)": (1.0, 1.0),
    "time_of_max(spike)": (4.3, 9.0),
    "first_above(spike, '0.5')": (4.3 - 0.15 * math.sqrt(math.log(2)), 9.0),
    "max(over)": (1.0, 1.0),
    "min(over)": (0.0, 1.0),
    "auc(over)": (9 - 3.7, 9.0),
    "first_above(over, '0.5')": (3.7, 9.0),
    "max(stairs, '1 h', '7 h')": (5.0, 6.0),
    "min(stairs, '1 h', '7 h')": (0.0, 6.0),
    "max(wave)": (1.0, 2.0),  # swings too fast to be followed, but goes no farther than they do
    "min(wave)": (-1.0, 2.0),
    "auc(effect)": (EFFECT, 9.0),
    "first_above(effect, '0.9')": (3.7 * 9 ** (1 / 50), 9.0),
    "at(effect, '3.8 h')": ((3.8 / 3.7) ** 50 / (1 + (3.8 / 3.7) ** 50), 1.0),
    "first_above(excess, '0.01 mg')": (3.71, 9.0),
    "auc(excess)": (5.3**2 / 2, 9 * 5.3),
    "mean(excess, '3.5 h', '3.9 h')": (0.2**2 / 2 / 0.4, 5.3),
}


@pytest.fixture(scope="module")
def filling(tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    folder = tmp_path_factory.mktemp("filling")
    (folder / "model.toml").write_text(MODEL, encoding="utf-8")
    (folder / "scenario.toml").write_text(SCENARIO, encoding="utf-8")
    return read_scenario(Path(folder / "scenario.toml"))


def test_a_readout_of_a_run_is_right_between_the_steps(filling: Scenario) -> None:
    trajectories = {"main": run(filling, certify=False).arms["main"].trajectory}
    for text, (exact, span) in READOUTS.items():
        found = measure(read_measure(text, filling.model, ["main"])[0], filling.model, trajectories)
        assert abs(found.value - exact) < 1e-5 * span, text


@pytest.mark.parametrize("engine", ["compiled", pytest.param("scipy", marks=pytest.mark.slow)])
def test_a_readout_of_a_sweep_is_right_between_the_steps(
    filling: Scenario, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMMUNESIM_ENGINE", engine)
    measures = []
    for text in READOUTS:
        tree, unit = read_measure(text, filling.model, ["main"], filling.end)
        measures.append(SweepMeasure(text, text, text, tree, unit, ""))
    axis = Axis("k", "k", "mg/h", 1.0, 0.5, 2.0, True)
    design = Members(((1.0,), (0.5,), (1.0,)), (axis,))
    block = compute(replace(filling, sweep=Sweep(design, tuple(measures), ("main",), (), {})), np.arange(3))
    for (text, (exact, span)), values in zip(READOUTS.items(), block.measures[:, 0].T, strict=True):
        assert abs(values[0] - exact) < 1e-5 * span, text
        assert values[0] == values[2], text
    half = dict(zip(READOUTS, block.measures[1, 0], strict=True))
    assert abs(half["first_above(effect, '0.9')"] - 2 * READOUTS["first_above(effect, '0.9')"][0]) < 1e-4
    assert abs(half["auc(spike)"] - SPIKE) < 1e-5


@pytest.mark.parametrize("engine", ["compiled", "scipy"])
def test_no_readout_of_a_run_that_fails_at_its_start_has_a_value(
    engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMMUNESIM_ENGINE", engine)
    (tmp_path / "model.toml").write_text(MODEL.replace('rate = "k"', 'rate = "k * M / M"'), encoding="utf-8")
    (tmp_path / "scenario.toml").write_text(SCENARIO + "[parameters]\nM = '0 mg'\n", encoding="utf-8")
    scenario = read_scenario(tmp_path / "scenario.toml")
    trajectory = run(scenario, certify=False).arms["main"].trajectory
    assert "fill (0/0)" in trajectory.outcome.message
    for text in READOUTS:
        found = measure(read_measure(text, scenario.model, ["main"])[0], scenario.model, {"main": trajectory})
        assert math.isnan(found.value), text


@pytest.mark.parametrize("engine", ["compiled", pytest.param("scipy", marks=pytest.mark.slow)])
def test_a_pulse_in_time_of_a_ten_thousandth_of_the_run_is_measured_wherever_it_is(
    filling: Scenario, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMMUNESIM_ENGINE", engine)
    width = 1e-4 * filling.end
    times = np.random.default_rng(5).uniform(0.01, 8.99, 12)
    axes = (Axis("T", "T", "h", 4.0, 0.0, 9.0, False), Axis("w", "w", "h", width, width, 1.0, True))
    tree, unit = read_measure("auc(spike)", filling.model, ["main"], filling.end)
    highest = read_measure("time_of_max(spike)", filling.model, ["main"], filling.end)
    measures = (
        SweepMeasure("area", "area", "auc(spike)", tree, unit, "h"),
        SweepMeasure("when", "when", "time_of_max(spike)", *highest, "h"),
    )
    design = Members(tuple((float(time), width) for time in times), axes)
    block = compute(replace(filling, sweep=Sweep(design, measures, ("main",), (), {})), np.arange(len(times)))
    np.testing.assert_allclose(block.measures[:, 0, 0], width * math.sqrt(math.pi), rtol=1e-5)
    np.testing.assert_allclose(block.measures[:, 0, 1], times, atol=1e-4 * width)


@pytest.mark.parametrize("engine", ["compiled", pytest.param("scipy", marks=pytest.mark.slow)])
@pytest.mark.parametrize(("curve", "highest"), [("gate", 8.7), ("tooth", 1.0), ("bell", 8.7)])
def test_a_peak_of_a_state_of_a_thousandth_of_the_run_is_measured(
    filling: Scenario, curve: str, highest: float, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMMUNESIM_ENGINE", engine)
    text, width = f"max({curve}, '2 h', '6 h')", 1e-3 * filling.end
    tree, unit = read_measure(text, filling.model, ["main"], filling.end)
    places = np.random.default_rng(7).uniform(3.6, 3.8, 8)
    axes = (Axis("EC", "EC", "mg", 3.7, 3.0, 4.0, False), Axis("w", "w", "h", width, width, 1.0, True))
    rows = tuple((float(place), width) for place in places)
    measures = (SweepMeasure("highest", "highest", text, tree, unit, "1"),)
    sweep = Sweep(Members(rows, axes), measures, ("main",), (), {})
    block = compute(replace(filling, sweep=sweep), np.arange(len(rows)))
    expected = highest - (0.0 if curve == "tooth" else 3.7 - places)
    np.testing.assert_allclose(block.measures[:, 0, 0], expected, rtol=2e-3)


def test_what_has_no_value_says_why(filling: Scenario) -> None:
    trajectories = {"main": run(filling, certify=False).arms["main"].trajectory}
    for text, why in {
        "first_above(S, '20 mg')": "never",
        "max(S) / first_above(S, '20 mg')": "never",
        "half_life(S, '0 h', '5 h')": "undefined: the level is 0 at 0 h",
        "half_life(tent, '8 h', '9 h')": "undefined: the level is 0 at 8.6 h",
        "half_life(S, '1 h', '5 h')": "undefined: no exponential fall",
        "max(S) / min(S)": "undefined: a division by zero",
        "max(S)": "",
    }.items():
        found = measure(read_measure(text, filling.model, ["main"])[0], filling.model, trajectories)
        assert found.why == why, text
        assert math.isnan(found.value) == bool(why)


def test_a_member_that_needs_more_points_changes_no_other(filling: Scenario) -> None:
    axes = (Axis("w", "w", "h", 50.0, 0.01, 50.0, True), Axis("k", "k", "mg/h", 1.0, 0.5, 2.0, True))
    measures = []
    for text in ("auc(spike)", "max(effect)", "time_of_max(spike)", "min(tent)"):
        tree, unit = read_measure(text, filling.model, ["main"], filling.end)
        measures.append(SweepMeasure(text, text, text, tree, unit, ""))
    rows = ((50.0, 1.0), (0.15, 1.0), (40.0, 2.0), (0.01, 0.5), (50.0, 0.7))
    sweep = Sweep(Members(rows, axes), tuple(measures), ("main",), (), {})
    together = compute(replace(filling, sweep=sweep), np.arange(len(rows)))
    for number in range(len(rows)):
        alone = compute(replace(filling, sweep=sweep), np.array([number]))
        np.testing.assert_array_equal(alone.measures[0], together.measures[number])
    areas = [w * math.sqrt(math.pi) / 2 * (math.erf(4.7 / w) + math.erf(4.3 / w)) for w, _ in rows]
    np.testing.assert_allclose(together.measures[:, 0, 0], areas, rtol=1e-5)
