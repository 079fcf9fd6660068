"""The compiled engine at any tolerance: the numbers of a tight run in milliseconds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from immunesim.experiments.scenario import Arm, Scenario
from immunesim.experiments.sweeps.compiled import reduced_system_for
from immunesim.experiments.sweeps.members import ArmMembers
from immunesim.numerics.compiled.engine import Engine
from immunesim.numerics.compiled.programs import program_for
from immunesim.numerics.system import System
from immunesim.numerics.trajectory import Array


def engine_of(scenario: Scenario, arms: Sequence[Arm]) -> Engine:
    """Machine code for these arms that gives every state that moves."""
    reduced = reduced_system_for(scenario, arms, ())
    return Engine(program_for(reduced, reduced.species, ()), reduced.system)


def states(engine: Engine, scenario: Scenario, arm: Arm, system: System, times: Array, rtol: float) -> Array:
    """All species of `system` at `times`, shape (times, species); those that sleep are zero."""
    [(_, batch)] = ArmMembers(scenario, arm, system, ()).batches(np.empty((1, 0)))
    found = engine.run(batch, times, rtol)
    assert found.done.all()
    everything = np.zeros((len(times), len(system.species)))
    everything[:, [system.species.index(name) for name in engine.description.grid]] = found.grid[0]
    return everything
