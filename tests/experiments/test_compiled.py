"""The compiled engine against SciPy at a tight tolerance, for every scenario that comes with the simulator."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from immunesim.experiments.scenario import Arm, Scenario
from immunesim.experiments.schedule import prepare
from immunesim.files.toml.catalogue import builtin_scenarios
from immunesim.files.toml.scenario_file import read_scenario
from immunesim.numerics.compiled.engine import Engine
from immunesim.numerics.solve import solve
from immunesim.numerics.system import System
from immunesim.numerics.trajectory import ATOL_OF_SCALE

from tests.slow import thinned
from tests.tight import engine_of, states

SCENARIOS = sorted(builtin_scenarios().values(), key=lambda path: (not path.stem.startswith("core_"), path.stem))
TIGHT, TIGHTER = 1e-8, 1e-10
WITHIN = 3e-5  # a few scenarios pass so near a threshold that an error of 1e-8 grows to this
POINTS = 61
SEGMENTS = 20  # from the start: a hundred doses more show nothing new, and SciPy takes ten seconds for them
ALL_ARMS = {"acute_infection", "friberg", "perelson", "transient_stop"}  # of the others the main arm


def difference(engine: Engine, scenario: Scenario, arm: Arm, system: System) -> tuple[float, str]:
    """The largest over all states and times, relative to the value or, where that is more, to what the
    absolute tolerance makes of its scale; and the state."""
    schedule, times, start, _ = prepare(scenario, arm, system)
    segments = schedule.segments[:SEGMENTS]
    times = times[times < segments[-1].end][:: max(1, len(times) // POINTS)]  # at its end a dose may follow
    found = states(engine, scenario, arm, system, times, TIGHT)
    wanted = solve(system, start, segments, times, rtol=TIGHTER, dense=False)
    assert wanted.outcome.ok
    worst = (0.0, "")
    for name, values, scale in zip(system.species, found.T, system.scales, strict=True):
        floor = np.abs(wanted[name]) + ATOL_OF_SCALE * scale
        worst = max(worst, (float((np.abs(values - wanted[name]) / floor).max()), name))
    return worst


@pytest.mark.parametrize("path", thinned(SCENARIOS, every=200), ids=lambda path: path.stem)
def test_a_scenario_runs_as_it_does_on_scipy(path: Path) -> None:
    scenario = read_scenario(path)
    system, arms = System(scenario.model), scenario.arms
    chosen = arms if path.stem in ALL_ARMS else arms[:1]
    engine = engine_of(scenario, arms)
    for arm in chosen:
        worst, name = difference(engine, scenario, arm, system)
        assert worst < WITHIN, f"{name} in {arm.name}: {worst:.2g}"


def test_there_are_scenarios() -> None:
    assert len(SCENARIOS) >= 70
    assert {path.stem for path in SCENARIOS} >= ALL_ARMS
