"""What is compared: the same members on each engine, every state at the same times."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from immunesim.experiments.scenario import MAIN, Scenario
from immunesim.experiments.schedule import compile_schedule
from immunesim.experiments.sweeps.compiled import MEMBERS_AT_ONCE, reduced_system_for
from immunesim.experiments.sweeps.designs import Axis
from immunesim.experiments.sweeps.members import ArmMembers, arm_with
from immunesim.files.formats.sbml.document import sbml_text
from immunesim.numerics.compiled.engine import Engine
from immunesim.numerics.compiled.programs import program_for
from immunesim.numerics.parameter_formulas import initial_values
from immunesim.numerics.solve import solve
from immunesim.numerics.system import System
from immunesim.numerics.trajectory import ATOL_OF_SCALE

Array = np.ndarray
TIMES = 301


class Question:
    """The main arm of a scenario with parameters log-uniform within a factor 3 of their values."""

    def __init__(self, scenario: Scenario, parameters: Sequence[str], members: int, seed: int = 1) -> None:
        self.scenario, self.arm, self.system = scenario, scenario.arm(MAIN), System(scenario.model)
        values = scenario.parameters(self.arm)
        self.axes = tuple(
            Axis(
                name,
                name,
                scenario.model.parameters[name].unit_text,
                values[name],
                values[name] / 3,
                values[name] * 3,
                True,
            )
            for name in parameters
        )
        draws = 3.0 ** np.random.default_rng(seed).uniform(-1, 1, (members, len(parameters)))
        self.values = draws * np.array([values[name] for name in parameters])
        self.times = np.linspace(0.0, scenario.end, TIMES)


class Ours:
    """The compiled engine, from values of parameters to states at all times."""

    name = "immunesim"

    def __init__(self, question: Question, lanes: int | None = None) -> None:
        self.question = question
        reduced = reduced_system_for(question.scenario, [question.arm], question.axes)
        self.engine = Engine(program_for(reduced, question.system.species, (), lanes), reduced.system)
        self.members = ArmMembers(question.scenario, question.arm, question.system, question.axes)

    def run(self, rows: slice, rtol: float, keep: int = 0) -> Array:
        """States of the first `keep` members, (members, times, species); the others are handed on in blocks."""
        q, kept = self.question, []
        values = q.values[rows]
        for first in range(0, len(values), MEMBERS_AT_ONCE):
            for _, batch in self.members.batches(values[first : first + MEMBERS_AT_ONCE]):
                found = self.engine.run(batch, q.times, rtol)
                if first < keep:
                    kept.append(found.grid[: keep - first])
        return np.concatenate(kept) if kept else np.empty((0, 0, 0))


class Scipy:
    """SciPy's LSODA with our generated Python."""

    name = "immunesim on SciPy"

    def __init__(self, question: Question) -> None:
        self.question = question
        question.system.prepare()

    def run(self, rows: slice, rtol: float) -> Array:
        q, found = self.question, []
        for row in q.values[rows]:
            arm = arm_with(q.scenario, q.arm, q.axes, row)
            schedule = compile_schedule(q.scenario, arm, q.system)
            initial = initial_values(q.scenario.model, q.scenario.parameters(arm)) | dict(arm.initial)
            start = np.array([initial[name] for name in q.system.species])
            trajectory = solve(q.system, start, schedule.segments, q.times, rtol=rtol, dense=False)
            found.append(np.array([trajectory[name] for name in q.system.species]).T)
        return np.array(found)


class RoadRunner:
    """libRoadRunner on our export, as its optimising compiler makes it, which takes 40 s with the human model: doses as
    events, a tolerance for each state, CVODE's stiff method."""

    name = "libRoadRunner"

    def __init__(self, question: Question) -> None:
        self.question = question

    @cached_property
    def runner(self):
        import roadrunner

        roadrunner.Logger.setLevel(roadrunner.Logger.LOG_ERROR)
        q = self.question
        found = roadrunner.RoadRunner(sbml_text(q.scenario))
        ids = list(found.model.getFloatingSpeciesIds())
        scale = dict(zip(q.system.species, q.system.scales, strict=True))
        self.scales = [float(scale[name]) for name in ids]
        self.order = [ids.index(name) for name in q.system.species]
        dissolved = set(found.model.getFloatingSpeciesConcentrationIds())
        found.timeCourseSelections = [f"[{name}]" if f"[{name}]" in dissolved else name for name in ids]
        found.integrator.setValue("stiff", True)
        found.integrator.setValue("maximum_num_steps", 1_000_000)
        self.places = [list(found.model.getGlobalParameterIds()).index(axis.path) for axis in q.axes]
        return found

    def run(self, rows: slice, rtol: float) -> Array:
        q, runner, found = self.question, self.runner, []
        runner.integrator.setValue("relative_tolerance", rtol)
        runner.integrator.setValue("absolute_tolerance", [rtol * ATOL_OF_SCALE * scale for scale in self.scales])
        for row in q.values[rows]:
            runner.model.setGlobalParameterValues(self.places, row)
            runner.reset()
            found.append(np.array(runner.simulate(0.0, q.scenario.end, TIMES))[:, self.order])
        return np.array(found)


def errors(found: Array, truth: Array, scales: Array) -> Array:
    """Of each member the largest over times and states, shape (members,): |x - truth| / (|truth| + 1e-3 of the
    state's largest value), a state that hardly leaves zero in terms of its scale being held against that."""
    size = np.abs(truth)
    floor = 1e-3 * np.maximum(size.max(axis=1, keepdims=True), 1e-6 * scales)
    return (np.abs(found - truth) / (size + floor)).max(axis=(1, 2))
