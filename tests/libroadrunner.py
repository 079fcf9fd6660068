"""libRoadRunner on our SBML: a simulator of another house, which shares no code with ours."""

from __future__ import annotations

import os
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import numpy as np

os.environ.setdefault("SUNLOGGER_WARNING_FILENAME", os.devnull)  # CVODE warns on stdout of short steps; it reads this
import roadrunner
from immunesim.experiments.scenario import Scenario
from immunesim.numerics.trajectory import ATOL_OF_SCALE, Array


def loaded(text: str) -> Any:
    """The document in libRoadRunner, compiled in the faster of its two ways."""
    options = roadrunner.LoadSBMLOptions()
    options.setLLVMBackend(roadrunner.LoadSBMLOptions.LLJIT)
    options.setLLJitOptimizationLevel(roadrunner.LoadSBMLOptions.NONE)
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


def simulated_apart(text: str, scenario: Scenario, times: Array, names: Iterable[str], rtol: float) -> Array:
    """What libRoadRunner computes from the document `text`, in a process of its own, shape (times, names).

    libRoadRunner 2.10 can end its process while it compiles a model of a hundred species, and keeps a gigabyte for it.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(_load_and_simulate, text, scenario, times, names, rtol).result()


def _load_and_simulate(text: str, scenario: Scenario, times: Array, names: Iterable[str], rtol: float) -> Array:
    return simulated(loaded(text), scenario, times, names, rtol)
