"""libRoadRunner on our SBML: a simulator of another house, which shares no code with ours.

It runs an arm in two ways: `simulated_apart` from the export of the arm, whose doses are events, and `through_segments`
from an export of the model alone, which is loaded once for all arms of all its scenarios: at each dose and change the
states and parameters are set, and its integrator starts again. It has no part in what happens between.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from functools import cache
from itertools import pairwise
from multiprocessing import get_context
from typing import Any, NamedTuple

import numpy as np

os.environ.setdefault("SUNLOGGER_WARNING_FILENAME", os.devnull)  # CVODE warns on stdout of short steps; it reads this
import libsbml
import roadrunner
from immunesim.experiments.scenario import MAIN, Scenario
from immunesim.experiments.schedule import Prepared
from immunesim.files.formats.sbml.document import sbml_text
from immunesim.numerics.system import System
from immunesim.numerics.trajectory import ATOL_OF_SCALE, Array, Segment

INFLOW = "inflow_into_"  # what is infused into a species: a parameter and a reaction that `sbml_of_model` adds
LOADS = 3  # libRoadRunner 2.10 can end its process while it compiles a model of a hundred species


class Course(NamedTuple):
    """An arm as libRoadRunner runs through it.

    species, parameters: their names, in the order of the arrays. initial: states before the first jump, shape
    (species,). segments: in order. stops: of each segment the times within at which a step has to end. times: which
    are saved, shape (times,). rtol, atol: tolerances, atol of shape (species,).
    """

    species: tuple[str, ...]
    parameters: tuple[str, ...]
    initial: Array
    segments: tuple[Segment, ...]
    stops: tuple[tuple[float, ...], ...]
    times: Array
    rtol: float
    atol: Array


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
    _set_tolerances(runner, rtol, {name: rtol * floor * scale for name, scale in scales.items()})
    return np.asarray(runner.simulate(times=times.tolist(), selections=["time", *names]))[:, 1:]


def simulated_apart(text: str, scenario: Scenario, times: Array, names: Iterable[str], rtol: float) -> Array:
    """What libRoadRunner computes from the document `text`, in a process of its own, shape (times, names): it keeps a
    gigabyte for a model of a hundred species."""
    with _process() as process:
        return process.submit(_load_and_simulate, text, scenario, times, names, rtol).result()


def _load_and_simulate(text: str, scenario: Scenario, times: Array, names: Iterable[str], rtol: float) -> Array:
    return simulated(loaded(text), scenario, times, names, rtol)


def sbml_of_model(scenario: Scenario) -> str:
    """The export of the scenario's model with no dose, no change and no rule, and for each species X what an infusion
    adds in a unit of time: the parameter `inflow_into_X`, zero until it is set."""
    bare = scenario.arm(MAIN)._replace(
        name=MAIN, initial={}, parameters={}, doses=(), changes=(), inputs=(), rules=(), settings=()
    )
    document = libsbml.readSBMLFromString(sbml_text(replace(scenario, arms=(bare,))))
    model = document.getModel()
    assert not model.getNumEvents()
    for name in scenario.model.species:
        inflow = model.createParameter()
        inflow.setId(INFLOW + name)
        inflow.setConstant(True)
        inflow.setValue(0.0)
        reaction = model.createReaction()
        reaction.setId(f"{INFLOW}{name}_")
        reaction.setReversible(False)
        product = reaction.createProduct()
        product.setSpecies(name)
        product.setStoichiometry(1.0)
        product.setConstant(True)
        reaction.createKineticLaw().setMath(libsbml.parseL3Formula(INFLOW + name))
    return str(libsbml.writeSBMLToString(document))


def course(system: System, prepared: Prepared, rtol: float, floor: float = ATOL_OF_SCALE) -> Course:
    """An arm of a scenario on the model of `system`; floor: as in `System.absolute_tolerances`."""
    segments = prepared.schedule.segments
    start, end = segments[0].start, segments[-1].end
    stops = [
        tuple(time for time in system.time_curves.stops(each.parameters, start, end) if each.start < time < each.end)
        for each in segments
    ]
    return Course(
        tuple(system.species),
        tuple(system.parameters),
        prepared.initial,
        segments,
        tuple(stops),
        prepared.times,
        rtol,
        system.absolute_tolerances(rtol, floor),
    )


def through_segments(text: str, asked: Course) -> Array:
    """What libRoadRunner computes from `sbml_of_model`, shape (species, times): the model is compiled where the one
    before was another. In a process of its own, which goes on to the next arm."""
    for load in range(LOADS):
        try:
            return _lasting().submit(_through_segments, text, asked).result()
        except BrokenProcessPool:
            _lasting.cache_clear()
            if load == LOADS - 1:
                raise
    raise AssertionError


@cache
def _lasting() -> ProcessPoolExecutor:
    return _process()


def _process() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, mp_context=get_context("spawn"))


_last: dict[str, Any] = {}  # of this process: the document that was loaded last, and its model in libRoadRunner


def _through_segments(text: str, asked: Course) -> Array:
    if text not in _last:
        _last.clear()
        _last[text] = loaded(text)
    return run_through(_last[text], asked)


def run_through(runner: Any, asked: Course) -> Array:
    """What `runner`, which holds `sbml_of_model`, computes: shape (species, times)."""
    model, species = runner.model, asked.species
    _set_tolerances(runner, asked.rtol, dict(zip(species, asked.atol.tolist(), strict=True)))
    runner.timeCourseSelections = ["time", *species]
    known, amounts = model.getGlobalParameterIds(), model.getFloatingSpeciesIds()
    places = [known.index(name) for name in (*asked.parameters, *(INFLOW + name for name in species))]
    rows = [amounts.index(name) for name in species]
    saved = np.full((len(species), len(asked.times)), np.nan)
    states = asked.initial
    for segment, stops in zip(asked.segments, asked.stops, strict=True):
        states = segment.enter(states)
        model.setGlobalParameterValues(places, [*segment.parameters.tolist(), *segment.infusion.tolist()])
        bounds = segment.start, *stops, segment.end
        for start, end in pairwise(bounds):
            model.setFloatingSpeciesAmounts(rows, states.tolist())
            own = np.flatnonzero((asked.times >= start) & (asked.times <= end))
            times = np.union1d(asked.times[own], [start, end])
            found = np.asarray(runner.simulate(times=times.tolist()))[:, 1:]
            saved[:, own] = found[np.searchsorted(times, asked.times[own])].T  # at a dose the next segment does again
            states = found[-1]
    return saved


def _set_tolerances(runner: Any, rtol: float, atol: dict[str, float]) -> None:
    runner.integrator.setValue("relative_tolerance", rtol)
    tolerances = [atol[name] for name in runner.model.getFloatingSpeciesIds()]
    runner.integrator.setValue("absolute_tolerance", tolerances)
    runner.integrator.setValue("maximum_num_steps", 1_000_000)
