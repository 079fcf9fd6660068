"""What the evidence rests on: each parameter turned by a factor, and the expectations that then fail.

An arm is simulated again only where the parameter acts: where the initial values, the doses, the
slopes or the observables that are measured differ along the time course that is known.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..model.declarations import BODY, Parameter
from ..model.expression import names
from ..model.model import Model
from ..numerics.solve import solve
from ..numerics.system import System
from ..numerics.trajectory import Array, Segment, Trajectory
from .expectations import judge
from .measures import arms_of, curve_names
from .run import OnProgress, prepare
from .scenario import Arm, Expectation, Scenario

FACTOR = 3.0
RTOL = 1e-5  # an expectation that this decides was met by a hair
SEEN = 1e-3  # a change of this share of a state, over the whole run, is none
POINTS = 60  # of a known time course at which slopes are compared
TINY = 1e-300  # an observable of 0 that stays 0 has not changed
OTHERS = 25  # parameters that are asked, beside those that must be, for what nothing broke yet


@dataclass(frozen=True)
class _Along:
    """Points of an arm at which its parameters are the same, and what the model says there."""

    times: Array
    states: Array
    parameters: Array
    slopes: Array
    measured: Array


@dataclass(frozen=True)
class _Known:
    """An arm as it runs with every parameter as it is."""

    arm: Arm
    trajectory: Trajectory
    along: Sequence[_Along]


class Influence:
    """One scenario, asked again and again with another value of a parameter."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario, self.system = scenario, System(scenario.model)
        measured = {name for each in scenario.expectations for name in names(each.measure)}
        self._rows = [place for place, name in enumerate(self.system.observables) if name in measured]
        self._before = _parameters_of_start(scenario)
        self.known = {arm.name: self._known(arm) for arm in scenario.arms}
        self.met = {each.id for each, met in self._judged({n: k.trajectory for n, k in self.known.items()}) if met}

    def failed_expectations(self, name: str, factor: float, of: Iterable[str] | None = None) -> set[str]:
        """The expectations, met as the model stands, that are missed with parameter `name` times `factor`.

        of: only these are asked. A share stays below 1. Nothing is said of a parameter that is 0,
        nor of runs that fail.
        """
        asked = self.met if of is None else set(of)
        trajectories = {}
        for arm in self._arms_of(asked):
            known = self.known[arm]
            turned = self._turned(known.arm, name, factor)
            acts = turned is not None and self._change(known, turned, name) > SEEN
            trajectories[arm] = self._run(turned)[0] if turned is not None and acts else known.trajectory
        if not all(trajectory.outcome.ok for trajectory in trajectories.values()):
            return set()
        broken = {each.id for each, met in self._judged(trajectories) if each.id in asked and not met}
        for arm, trajectory in trajectories.items():
            if trajectory is not self.known[arm].trajectory:
                trajectory.dense.clear_cache()
        return broken

    def _judged(self, trajectories: Mapping[str, Trajectory]) -> list[tuple[Expectation, bool]]:
        verdicts = judge(self.scenario, trajectories)
        return [(each.expectation, each.met and not each.passes_without_mechanism) for each in verdicts]

    def _arms_of(self, ids: Iterable[str]) -> set[str]:
        wanted = set(ids)
        chosen = [each for each in self.scenario.expectations if each.id in wanted]
        return {arm for each in chosen for arm in (*arms_of(each.measure), *each.breaks_in)}

    def _turned(self, arm: Arm, name: str, factor: float) -> Arm | None:
        before = self.scenario.parameters(arm)[name]
        after = turned(self.scenario.model.parameters[name], before, factor)
        return None if after == before else arm._replace(parameters={**arm.parameters, name: after})

    def _known(self, arm: Arm) -> _Known:
        trajectory, segments = self._run(arm)
        states = np.array([trajectory[name] for name in self.system.species]).T
        groups: dict[bytes, list[Segment]] = {}
        for segment in segments:
            groups.setdefault(segment.parameters.tobytes(), []).append(segment)
        along = []
        for group in groups.values():
            inside = np.zeros(len(trajectory.times), dtype=bool)
            for segment in group:
                inside |= (trajectory.times >= segment.start) & (trajectory.times < segment.end)
            some = np.flatnonzero(inside)
            some = some[:: max(1, len(some) // POINTS)]
            along.append(self._along(trajectory.times[some], states[some], group[0].parameters))
        return _Known(arm, trajectory, along)

    def _along(self, times: Array, states: Array, parameters: Array) -> _Along:
        slopes = self.system.rhs_along(times, states, parameters).T
        return _Along(times, states, parameters, slopes, self.system.observe(times, states, parameters)[self._rows])

    def _run(self, arm: Arm) -> tuple[Trajectory, Sequence[Segment]]:
        schedule, times, start = prepare(self.scenario, arm, self.system)
        return solve(self.system, start, schedule.segments, times, rtol=RTOL), schedule.segments

    def _change(self, known: _Known, arm: Arm, name: str) -> float:
        """By how much of its size the parameter, as it is in `arm`, would change a state over the whole run
        along the known time course; infinite where it enters before the run."""
        if name in self._before:
            return math.inf
        place, value = self.system.parameters.index(name), self.scenario.parameters(arm)[name]
        most = 0.0
        for then in known.along:
            parameters = np.array(then.parameters)
            parameters[place] = value
            now = self._along(then.times, then.states, parameters)
            size = np.abs(then.states) + SEEN * self.system.scales
            change = np.abs(now.slopes - then.slopes) * self.scenario.end / size
            seen = np.abs(now.measured - then.measured) / (np.abs(then.measured) + TINY)
            most = max([most, *(float(np.nan_to_num(each, nan=math.inf).max(initial=0.0)) for each in (change, seen))])
        return most


def _parameters_of_start(scenario: Scenario) -> set[str]:
    """The parameters that initial values and the sizes of doses are computed from."""
    model = scenario.model
    volumes = [species.volume for species in model.species.values() if species.volume is not None]
    ahead = [*BODY, *volumes, *(name for each in model.species.values() for name in names(each.initial))]

    def inner(name: str) -> Iterable[str]:
        return names(model.observables[name].value) if name in model.observables else ()

    return set(_reached(ahead, inner)) & set(model.parameters)


def _reached(ahead: Iterable[str], inner: Callable[[str], Iterable[str]]) -> list[str]:
    """All names that `ahead` leads to, the nearest first; inner gives what a name rests on."""
    found = dict.fromkeys(ahead)
    queue = list(found)
    for name in queue:
        new = [each for each in dict.fromkeys(inner(name)) if each not in found]
        found.update(dict.fromkeys(new))
        queue += new
    return queue


def turned(parameter: Parameter, value: float, factor: float) -> float:
    """`value` times `factor`, a share of something at most 1."""
    share = parameter.unit_text == "1" and parameter.range is not None and parameter.range[1] <= 1.0
    return min(value * factor, 1.0) if share else value * factor


def nearest(model: Model, curves: Iterable[str]) -> list[str]:
    """The parameters that `curves` rest on, those of their own reactions first, then those of what these
    reactions depend on, and so on."""

    def inner(name: str) -> list[str]:
        if name in model.observables:
            return list(names(model.observables[name].value))
        if name not in model.species:
            return []
        species = model.species[name]
        changes = [each.rate for each in model.reactions.values() if name in dict(each.stoichiometry)]
        volume = [] if species.volume is None else [species.volume]
        return [each for rate in (*changes, species.initial) for each in names(rate)] + volume

    return [name for name in _reached(curves, inner) if name in model.parameters]


def influence(
    scenario: Scenario, first: Sequence[str], then: Sequence[str], on_progress: OnProgress = lambda share: None
) -> tuple[list[str], list[tuple[str, float, list[str]]]]:
    """The expectations that are met, and (parameter, factor, those that then fail): of every parameter in
    `first`, both ways. For an expectation that neither these nor an arm of its own broke, the `OTHERS`
    nearest in `then` are asked too, until one does. on_progress: hears which share of the parameters and
    expectations is done."""
    asked, model = Influence(scenario), scenario.model
    left = asked.met - {each.id for each in scenario.expectations if each.breaks_in}
    found: list[tuple[str, float, list[str]]] = []

    def ask(name: str, of: Iterable[str]) -> None:
        for factor in (FACTOR, 1 / FACTOR):
            broken = asked.failed_expectations(name, factor, of)
            left.difference_update(broken)
            if broken:
                found.append((name, factor, sorted(broken)))

    steps = len(first) + len(scenario.expectations)
    for number, name in enumerate(first):
        ask(name, asked.met)
        on_progress((number + 1) / steps)
    done = set(first)
    for number, expectation in enumerate(scenario.expectations, len(first)):
        near = nearest(model, curve_names(expectation.measure, model)) if expectation.id in left else []
        for name in [name for name in near if name in then][:OTHERS]:
            if expectation.id in left and name not in done:
                done.add(name)
                ask(name, tuple(left))
        on_progress((number + 1) / steps)
    return sorted(asked.met), found
