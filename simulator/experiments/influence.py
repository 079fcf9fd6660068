"""Parameter influence: each parameter multiplied and divided by a factor, and the expectations that then fail.

An arm is simulated again only where the parameter acts: where initial values, doses, the right-hand side or the
observables that are measured differ along the time course that is known.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..model.declarations import BODY, Parameter
from ..model.expression import names
from ..model.model import Model
from ..numerics.trajectory import Array, Segment, Trajectory
from .certificate import Certificate
from .expectations import judge
from .measures import arms_of, curve_names
from .run import OnProgress
from .scenario import Arm, Expectation, Scenario
from .solving import Certify, SolvedArm, decided_of, prepared_arm, solve_arms, system_of

FACTOR = 3.0
SEEN = 1e-3  # relative change of a state over the whole run: a parameter that changes less does not act
POINTS = 60  # of a known time course, at which right-hand sides are compared
TINY = 1e-300  # keeps 0 / 0 from being NaN: an observable of 0 that stays 0 has not changed
OTHERS = 25  # further parameters tried for an expectation that no other made fail


@dataclass(frozen=True)
class _Points:
    """Points of an arm at which its parameters are the same, and what the model gives there.

    times: (n,). states, rhs: (n, species). parameters: (parameters,). measured: (observables measured, n).
    """

    times: Array
    states: Array
    parameters: Array
    rhs: Array
    measured: Array


@dataclass(frozen=True)
class _KnownArm:
    """An arm simulated with every parameter unchanged."""

    arm: Arm
    trajectory: Trajectory
    certificate: Certificate
    points: Sequence[_Points]


class ParameterEffect(NamedTuple):
    """The expectations that fail with a parameter times `factor`, in alphabetical order."""

    parameter: str
    factor: float
    failed: list[str]


class InfluenceResult(NamedTuple):
    """met: the expectations that are met as the model stands. effects: those parameters that make some of them fail.

    unreliable: by arm whose digits are too few as the model stands, its certificate; what reads it is not met.
    no_answer: parameters, each with its factor, with which an arm cannot be simulated to its end.
    """

    met: list[str]
    effects: list[ParameterEffect]
    unreliable: dict[str, Certificate]
    no_answer: list[tuple[str, float]]


class VariedScenario:
    """A scenario that is simulated repeatedly, each time with one parameter changed.

    known: its arms as they are, with certified digits; the others are computed once, uncertified.
    unreliable: by arm that an expectation reads and whose digits are too few, its certificate.
    met: the expectations that are met there, and read no such arm.
    no_answer: the parameters, each with its factor, with which an arm could not be simulated to its end.
    """

    def __init__(self, scenario: Scenario) -> None:
        self.scenario, self.system = scenario, system_of(scenario.model)
        measured = {name for each in scenario.expectations for name in names(each.measure)}
        self._rows = [index for index, name in enumerate(self.system.observables) if name in measured]
        self._at_start = _parameters_of_start(scenario)
        self.known = {arm.name: self._known(arm) for arm in scenario.arms}
        read = self._arms_of(each.id for each in scenario.expectations)
        certificates = {name: known.certificate for name, known in self.known.items() if name in read}
        self.unreliable = {name: found for name, found in certificates.items() if not found.is_reliable}
        self.no_answer: list[tuple[str, float]] = []
        self.met = {each.id for each, met in self._judged({n: k.trajectory for n, k in self.known.items()}) if met}

    def failed_expectations(self, name: str, factor: float, of: Iterable[str] | None = None) -> set[str]:
        """The expectations, met as the model stands, that are missed with parameter `name` times `factor`.

        of: only these are tried; by default all that are met. A share stays at most 1. Empty for a parameter that
        is 0, and where a run fails.
        """
        asked = self.met if of is None else set(of)
        trajectories = {}
        for arm in self._arms_of(asked):
            known = self.known[arm]
            varied = self._varied(known.arm, name, factor)
            acts = varied is not None and self._change(known, varied, name) > SEEN
            trajectories[arm] = self._run(varied)[0].trajectory if varied is not None and acts else known.trajectory
        if not all(trajectory.outcome.ok for trajectory in trajectories.values()):
            self.no_answer.append((name, factor))
            return set()
        failed = {each.id for each, met in self._judged(trajectories) if each.id in asked and not met}
        for arm, trajectory in trajectories.items():
            if trajectory is not self.known[arm].trajectory:
                trajectory.dense.clear_cache()
        return failed

    def _judged(self, trajectories: Mapping[str, Trajectory]) -> list[tuple[Expectation, bool]]:
        verdicts = judge(self.scenario, trajectories, self.unreliable)
        return [(each.expectation, each.met and not each.passes_without_mechanism) for each in verdicts]

    def _arms_of(self, ids: Iterable[str]) -> set[str]:
        wanted = set(ids)
        chosen = [each for each in self.scenario.expectations if each.id in wanted]
        return {arm for each in chosen for arm in (*arms_of(each.measure), *each.breaks_in)}

    def _varied(self, arm: Arm, name: str, factor: float) -> Arm | None:
        before = self.scenario.parameters(arm)[name]
        after = scaled_value(self.scenario.model.parameters[name], before, factor)
        return None if after == before else arm._replace(parameters={**arm.parameters, name: after})

    def _known(self, arm: Arm) -> _KnownArm:
        solved, segments = self._run(arm, None)
        trajectory = solved.trajectory
        states = np.array([trajectory[name] for name in self.system.species]).T
        groups: dict[bytes, list[Segment]] = {}
        for segment in segments:
            groups.setdefault(segment.parameters.tobytes(), []).append(segment)
        points = []
        for group in groups.values():
            inside = np.zeros(len(trajectory.times), dtype=bool)
            for segment in group:
                inside |= (trajectory.times >= segment.start) & (trajectory.times < segment.end)
            some = np.flatnonzero(inside)
            some = some[:: max(1, len(some) // POINTS)]
            points.append(self._points(trajectory.times[some], states[some], group[0].parameters))
        return _KnownArm(arm, trajectory, solved.certificate, points)

    def _points(self, times: Array, states: Array, parameters: Array) -> _Points:
        rhs = self.system.rhs_along(times, states, parameters).T
        return _Points(times, states, parameters, rhs, self.system.observe(times, states, parameters)[self._rows])

    def _run(self, arm: Arm, certify: Certify | None = Certify.OFF) -> tuple[SolvedArm, Sequence[Segment]]:
        (decided,) = decided_of(self.scenario, [arm], self.system)
        prepared = prepared_arm(self.scenario, decided.arm, self.system)
        solved, _ = solve_arms(self.scenario, self.system, {arm.name: prepared}, certify)
        if arm.name not in solved:
            raise KeyboardInterrupt
        return solved[arm.name], prepared.schedule.segments

    def _change(self, known: _KnownArm, arm: Arm, name: str) -> float:
        """The largest relative change of a state over the whole run, or of a measured observable, that parameter
        `name` as it is in `arm` would cause along the known time course; infinite where it acts before the start."""
        if name in self._at_start:
            return math.inf
        index, value = self.system.parameters.index(name), self.scenario.parameters(arm)[name]
        most = 0.0
        for then in known.points:
            parameters = np.array(then.parameters)
            parameters[index] = value
            now = self._points(then.times, then.states, parameters)
            size = np.abs(then.states) + SEEN * self.system.scales
            change = np.abs(now.rhs - then.rhs) * self.scenario.end / size
            seen = np.abs(now.measured - then.measured) / (np.abs(then.measured) + TINY)
            most = max([most, *(float(np.nan_to_num(each, nan=math.inf).max(initial=0.0)) for each in (change, seen))])
        return most


def _parameters_of_start(scenario: Scenario) -> set[str]:
    """The parameters that initial values and the amounts of doses are computed from."""
    model = scenario.model
    volumes = [species.volume for species in model.species.values() if species.volume is not None]
    doses = [name for arm in scenario.arms for dose in arm.doses for _, name in dose.named]
    start = [*BODY, *doses, *volumes, *(name for each in model.species.values() for name in names(each.initial))]

    def inner(name: str) -> Iterable[str]:
        return names(model.observables[name].value) if name in model.observables else ()

    return set(_reached(start, inner)) & set(model.parameters)


def _reached(start: Iterable[str], inner: Callable[[str], Iterable[str]]) -> list[str]:
    """All names that can be reached from `start`, the nearest first; inner(name) are the names it depends on."""
    found = dict.fromkeys(start)
    queue = list(found)
    for name in queue:
        new = [each for each in dict.fromkeys(inner(name)) if each not in found]
        found.update(dict.fromkeys(new))
        queue += new
    return queue


def scaled_value(parameter: Parameter, value: float, factor: float) -> float:
    """`value` times `factor`; at most 1 for a parameter that is a share of something."""
    share = parameter.unit_text == "1" and parameter.range is not None and parameter.range[1] <= 1.0
    return min(value * factor, 1.0) if share else value * factor


def parameters_behind(model: Model, curves: Iterable[str]) -> list[str]:
    """The parameters that `curves` depend on: those of their own reactions first, then those of what these reactions
    depend on, and so on."""

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
) -> InfluenceResult:
    """Which parameters make which expectations fail, each multiplied and divided by `FACTOR`.

    Args:
        first: parameters that are all tried, on every expectation that is met.
        then: parameters of which, for an expectation that neither `first` nor an arm of its own makes fail, the
            `OTHERS` nearest are tried, until one does.
        on_progress: called with the share of the parameters and expectations that is done.
    """
    varied, model = VariedScenario(scenario), scenario.model
    left = varied.met - {each.id for each in scenario.expectations if each.breaks_in}
    effects: list[ParameterEffect] = []

    def try_both_ways(name: str, of: Iterable[str]) -> None:
        for factor in (FACTOR, 1 / FACTOR):
            failed = varied.failed_expectations(name, factor, of)
            left.difference_update(failed)
            if failed:
                effects.append(ParameterEffect(name, factor, sorted(failed)))

    steps = len(first) + len(scenario.expectations)
    for number, name in enumerate(first):
        try_both_ways(name, varied.met)
        on_progress((number + 1) / steps)
    done = set(first)
    for number, expectation in enumerate(scenario.expectations, len(first)):
        curves = curve_names(expectation.measure, model)
        near = parameters_behind(model, curves) if expectation.id in left else []
        for name in [name for name in near if name in then][:OTHERS]:
            if expectation.id in left and name not in done:
                done.add(name)
                try_both_ways(name, tuple(left))
        on_progress((number + 1) / steps)
    return InfluenceResult(sorted(varied.met), effects, varied.unreliable, sorted(set(varied.no_answer)))
