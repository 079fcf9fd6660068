"""The compiled engine against SciPy at a tight tolerance, for every scenario that comes with the simulator."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from simulator.experiments.compiled import core_for
from simulator.experiments.members import batches
from simulator.experiments.run import prepare
from simulator.experiments.scenario import Arm, Scenario
from simulator.io.catalogue import builtin_scenarios
from simulator.io.scenario_file import read_scenario
from simulator.numerics.ensemble import Engine
from simulator.numerics.segment import ATOL_OF_SCALE
from simulator.numerics.solve import solve
from simulator.numerics.system import System

SCENARIOS = sorted(builtin_scenarios().values())
TIGHT, TIGHTER = 1e-8, 1e-10
WITHIN = 3e-5  # a few scenarios pass so near a threshold that an error of 1e-8 grows to this
POINTS = 61


def difference(engine: Engine, scenario: Scenario, arm: Arm, system: System) -> tuple[float, str]:
    """The largest over all states and times, relative to the value or, where that is more, to what the
    absolute tolerance makes of its scale; and the state."""
    schedule, times, start = prepare(scenario, arm, system)
    times = times[:: max(1, len(times) // POINTS)]
    [(_, batch)] = batches(scenario, arm, system, (), np.empty((1, 0)))
    found = engine.run(batch, times, TIGHT)
    assert found.done.all()
    wanted = solve(system, start, schedule.segments, times, rtol=TIGHTER, fine=False)
    assert wanted.outcome.ok
    worst = (0.0, "")
    moving = dict(zip(engine.plan.grid, found.grid[0].T, strict=True))
    for name, scale in zip(system.species, system.scales, strict=True):
        values = moving.get(name, np.zeros(len(times)))
        floor = np.abs(wanted[name]) + ATOL_OF_SCALE * scale
        worst = max(worst, (float((np.abs(values - wanted[name]) / floor).max()), name))
    return worst


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_a_scenario_runs_as_it_does_on_scipy(path: Path) -> None:
    scenario = read_scenario(path)
    system = System(scenario.model)
    core = core_for(scenario, scenario.arms, ())
    engine = Engine(core, core.species, ())
    for arm in {scenario.arms[0].name: scenario.arms[0], scenario.arms[-1].name: scenario.arms[-1]}.values():
        worst, name = difference(engine, scenario, arm, system)
        assert worst < WITHIN, f"{name} in {arm.name}: {worst:.2g}"


def test_there_are_scenarios() -> None:
    assert len(SCENARIOS) >= 70
