"""libRoadRunner on our SBML: a simulator of another house, which shares no code with ours."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import numpy as np

os.environ.setdefault("SUNLOGGER_WARNING_FILENAME", os.devnull)  # CVODE warns on stdout of short steps; it reads this
import roadrunner
from immunesim.experiments.scenario import Scenario
from immunesim.numerics.trajectory import ATOL_OF_SCALE, Array


def loaded(text: str, settable: bool = True) -> Any:
    """The document in libRoadRunner; models of a hundred species are compiled faster where nothing can be set."""
    options = roadrunner.LoadSBMLOptions()
    options.setLLVMBackend(roadrunner.LoadSBMLOptions.LLJIT)
    options.setLLJitOptimizationLevel(roadrunner.LoadSBMLOptions.NONE)
    options.readOnly = not settable
    options.mutableInitialConditions = settable
    return roadrunner.RoadRunner(text, options)


def simulated(
    runner: Any, scenario: Scenario, times: Array, names: Iterable[str], rtol: float, floor: float = ATOL_OF_SCALE
) -> Array:
    """What libRoadRunner computes, shape (times, names); floor: as in `System.absolute_tolerances`."""
    scales = {name: each.scale for name, each in scenario.model.species.items()}
    runner.integrator.setValue("relative_tolerance", rtol)
    tolerances = [rtol * floor * scales[name] for name in runner.model.getFloatingSpeciesIds()]
    runner.integrator.setValue("absolute_tolerance", tolerances)
    runner.integrator.setValue("maximum_num_steps", 1_000_000)
    return np.asarray(runner.simulate(times=times.tolist(), selections=["time", *names]))[:, 1:]
