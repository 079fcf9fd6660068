"""What the evidence rests on: each parameter turned by a factor, and the expectations that then fail.

An arm is simulated again only where the parameter acts: where the initial values, the doses, the
slopes or the observables that are measured differ along the time course that is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..model.expression import names
from ..model.words import Parameter
from ..numerics.constants import initial_values
from ..numerics.solve import Segment, solve
from ..numerics.system import System
from ..numerics.trajectory import Array, Trajectory
from .run import judge, output_times
from .scenario import Arm, Scenario
from .schedule import compile_schedule

FACTOR = 3.0
RTOL = 1e-5  # an expectation that this decides was met by a hair
SEEN = 1e-3  # a change of this share of a state, over the whole run, is none
POINTS = 60  # of a known time course at which slopes are compared


@dataclass(frozen=True)
class _Known:
    """An arm as it runs with every parameter as it is, and points along it."""

    arm: Arm
    trajectory: Trajectory
    initial: Array
    segments: Sequence[Segment]
    points: Sequence[tuple[Array, Array, Array]]  # times, states, parameters


class Influence:
    """One scenario, asked again and again with another value of a parameter."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario, self.system = scenario, System(scenario.model)
        self.measured = sorted(
            {name for each in scenario.expectations for name in names(each.measure)} & set(scenario.model.observables)
        )
        self.known = {arm.name: self._known(arm) for arm in scenario.arms}
        self.met = self._met({name: known.trajectory for name, known in self.known.items()})

    def broken_by(self, name: str, factor: float) -> set[str]:
        """The expectations, met as the model stands, that are missed with parameter `name` times `factor`.

        A share stays below 1. Nothing is said of a parameter that is 0, nor of runs that fail.
        """
        trajectories = {}
        for arm, known in self.known.items():
            turned = self._turned(known.arm, name, factor)
            again = turned is not None and self._acts(known, turned, name)
            trajectories[arm] = self._run(turned)[0] if turned is not None and again else known.trajectory
        if not all(trajectory.outcome.ok for trajectory in trajectories.values()):
            return set()
        return self.met - self._met(trajectories)

    def _met(self, trajectories: Mapping[str, Trajectory]) -> set[str]:
        return {each.expectation.id for each in judge(self.scenario, trajectories) if each.met and not each.unbroken}

    def _turned(self, arm: Arm, name: str, factor: float) -> Arm | None:
        parameter = self.scenario.model.parameters[name]
        before = self.scenario.parameters(arm)[name]
        after = turned(parameter, before, factor)
        return None if after == before else arm._replace(parameters={**arm.parameters, name: after})

    def _known(self, arm: Arm) -> _Known:
        trajectory, initial, segments = self._run(arm)
        states = np.array([trajectory[name] for name in self.system.species]).T
        points = []
        for segment in segments:
            inside = np.flatnonzero((trajectory.times >= segment.start) & (trajectory.times < segment.end))
            some = inside[:: max(1, len(inside) * len(segments) // POINTS)]
            if len(some):
                points.append((trajectory.times[some], states[some], segment.parameters))
        return _Known(arm, trajectory, initial, segments, points)

    def _run(self, arm: Arm) -> tuple[Trajectory, Array, Sequence[Segment]]:
        schedule = compile_schedule(self.scenario, arm, self.system)
        start = self._initial(arm)
        times = output_times(self.scenario, schedule)
        return solve(self.system, start, schedule.segments, times, rtol=RTOL), start, schedule.segments

    def _initial(self, arm: Arm) -> Array:
        initial = initial_values(self.scenario.model, self.scenario.parameters(arm)) | dict(arm.initial)
        return np.array([initial[name] for name in self.system.species])

    def _acts(self, known: _Known, arm: Arm, name: str) -> bool:
        """Whether the parameter, as it is in `arm`, changes anything along the known time course."""
        scales = self.system.scales
        if np.any(np.abs(self._initial(arm) - known.initial) > SEEN * (np.abs(known.initial) + SEEN * scales)):
            return True
        again = compile_schedule(self.scenario, arm, self.system).segments
        for one, other in zip(known.segments, again, strict=True):
            if not (np.allclose(one.jump, other.jump, SEEN, 0) and np.allclose(one.infusion, other.infusion, SEEN, 0)):
                return True
        place, value = self.system.parameters.index(name), self.scenario.parameters(arm)[name]
        rows = [self.system.observables.index(each) for each in self.measured]
        for times, states, parameters in known.points:
            changed = np.array(parameters)
            changed[place] = value
            before, after = (self.system.slopes_along(times, states, each).T for each in (parameters, changed))
            size = np.abs(states) + SEEN * scales
            if not np.all(np.abs(after - before) * self.scenario.end <= SEEN * size):
                return True
            before, after = (self.system.observe(times, states, each)[rows] for each in (parameters, changed))
            if not np.all(np.abs(after - before) <= SEEN * np.abs(before)):
                return True
        return False


def turned(parameter: Parameter, value: float, factor: float) -> float:
    """`value` times `factor`, a share of something at most 1."""
    share = parameter.unit_text == "1" and parameter.range is not None and parameter.range[1] <= 1.0
    return min(value * factor, 1.0) if share else value * factor


def influence(
    scenario: Scenario, first: Sequence[str], then: Iterable[str]
) -> tuple[list[str], list[tuple[str, float, list[str]]]]:
    """The expectations that are met, and (parameter, factor, those that then fail): of every parameter in
    `first`, both ways, and of those in `then` until each expectation is broken, or is by an arm of its own."""
    asked = Influence(scenario)
    left = asked.met - {each.id for each in scenario.expectations if each.breaks_in}
    found: list[tuple[str, float, list[str]]] = []

    def ask(name: str) -> None:
        for factor in (FACTOR, 1 / FACTOR):
            broken = asked.broken_by(name, factor)
            left.difference_update(broken)
            if broken:
                found.append((name, factor, sorted(broken)))

    for name in first:
        ask(name)
    others = iter(then)
    while left and (other := next(others, None)) is not None:
        ask(other)
    return sorted(asked.met), found
