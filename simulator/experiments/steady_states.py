"""The steady states of a scenario: where one arm can rest without its doses, and which of these states are stable."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..numerics.steady_equations import ConservedSum, SteadyEquations, steady_equations
from ..numerics.system import System
from ..numerics.trajectory import Array
from .scenario import Arm, Scenario
from .schedule import Prepared, prepare
from .solving import Certify, OnProgress, solve_arms, system_of

SAME = 1e-4  # relative difference of two states that are one
THERE = 1e-2  # of states at the end of a run from the steady state that they are at
DECADES = (-2.0, 2.5)  # how far random starts lie from what was seen, in powers of ten
NOTHING = 1e-14  # of its scale: a state that has faded
SEED = 1
START, UNDOSED = "", "without doses"  # states that no arm of the scenario ends in
MOST_SLOW, SLOW_PART = 3, 0.5  # species that are named as slow, and how much they take part against the slowest
RUN_SHARE = 0.4  # of the progress: the runs of the arms


@dataclass(frozen=True, eq=False)
class SteadyState:
    """A state in which nothing changes.

    Attributes:
        states: of each species of the equations, shape (n,), in its unit.
        parameter: the value of the parameter that varies; NaN if none does.
        eigenvalues: of the Jacobian without conserved sums, per time unit of the model, the slowest first.
        slow_species: those that take most part in the slowest change, at most `MOST_SLOW`.
        arms: those arms of the same parameters that end in it.
    """

    states: Array
    parameter: float
    eigenvalues: NDArray[np.complex128]
    slow_species: tuple[str, ...]
    arms: tuple[str, ...] = ()

    @property
    def unstable(self) -> int:
        """In how many independent directions it is left."""
        return int((self.eigenvalues.real > 0).sum())

    @property
    def stable(self) -> bool | None:
        """Whether what is near comes back; None where its slowest direction neither grows nor fades."""
        slowest = self.slowest.real
        return None if slowest == 0 else slowest < 0

    @property
    def slowest(self) -> complex:
        """The eigenvalue that decides, per time unit of the model."""
        return complex(self.eigenvalues[0]) if len(self.eigenvalues) else complex(-math.inf)

    @property
    def time(self) -> float:
        """In which time a small disturbance falls to 1/e of itself, or grows to e times that, in the model's unit."""
        return 1.0 / abs(self.slowest.real) if self.slowest.real else math.inf

    @property
    def period(self) -> float | None:
        """Of the waves in which it comes back or is left slowest; None where there are none."""
        return 2.0 * math.pi / abs(self.slowest.imag) if self.slowest.imag else None


class Rest(NamedTuple):
    """What the arm without doses does.

    place: of the steady state in which it comes to rest, among those found; None where it does not.
    fastest: the species that changes fastest at the end of the run, or at its start where it failed, and by what share
    of itself per time unit.
    waves: whether it goes round a state that is not stable. grows: a species that grows without end, if one does.
    failed: when and why its run failed, so that nothing else is known of it; empty where it did not.
    """

    place: int | None
    fastest: tuple[str, float]
    waves: bool
    grows: str | None = None
    failed: str = ""


@dataclass(frozen=True, eq=False)
class SteadyStates:
    """All steady states that were found for one arm.

    Attributes:
        arm: the arm; its doses are left out, and its parameters are those at the end of the run.
        parameters: by name.
        equations: of the species that are there without doses.
        found: the states, in which the arm rests first, then stable ones.
        rest: where the arm itself goes.
        conserved: sums that do not change.
        start: of the arm, shape (n,).
        starts: how many states were tried.
        left_out: names of doses.
        changed: parameters whose value at the end is not that of the start.
        failed: of arms that failed, so that their ends were not tried, when and why, by name.
    """

    scenario: Scenario
    arm: Arm
    parameters: Mapping[str, float]
    equations: SteadyEquations
    found: tuple[SteadyState, ...]
    rest: Rest
    conserved: tuple[ConservedSum, ...]
    start: Array
    starts: int
    left_out: tuple[str, ...]
    changed: tuple[str, ...]
    failed: Mapping[str, str]

    @property
    def resting(self) -> SteadyState | None:
        """The state in which the arm comes to rest, if it does."""
        return None if self.rest.place is None else self.found[self.rest.place]

    def values(self, states: Array, q: float = math.nan) -> dict[str, float]:
        """Every species and observable at `states`, shape (n,), by name, each in its unit; what only counts is where
        it starts. NaN where an observable has no value."""
        return {name: float(row[0]) for name, row in self.values_along(states[None, :], np.array([q])).items()}

    def values_along(self, states: Array, q: Array) -> dict[str, Array]:
        """The same at m points: states of shape (m, n), q of shape (m,); each value has shape (m,)."""
        system, equations = system_of(self.scenario.model), self.equations
        every = np.tile(_start(system, self.arm, self.parameters), (len(states), 1))
        every[:, [system.species.index(name) for name in equations.absent]] = 0.0
        nothing = np.abs(states) < NOTHING * equations.scales
        every[:, [system.species.index(name) for name in equations.species]] = np.where(nothing, 0.0, states)
        values = np.array([np.full(len(states), self.parameters[name]) for name in system.parameters])
        if equations.parameter is not None:
            values[system.parameters.index(equations.parameter)] = q
        with np.errstate(all="ignore"):
            observed = system.observe(np.full(len(states), self.scenario.end), every, values)
        return dict(zip((*system.species, *system.observables), [*every.T, *observed], strict=True))


def steady_states(
    scenario: Scenario,
    arm: Arm,
    starts: int,
    parameter: str | None,
    on_progress: OnProgress,
) -> SteadyStates:
    """The steady states of `arm`, from the ends of all arms, and from `starts` random states.

    Args:
        parameter: one that the equations keep as a variable, to follow the states along it.

    Raises:
        TimeNamedError: derivatives depend on time itself.
        KeyboardInterrupt: it was interrupted.
    """
    system, quiet = system_of(scenario.model), undosed(scenario, arm)
    parameters = _at_end(system, prepare(scenario, arm, system))
    active = [name for name, value in zip(system.species, _start(system, quiet, parameters), strict=True) if value > 0]
    active += [name for name in arm.initial if scenario.model.species[name].signed]
    equations = steady_equations(scenario.model, active, parameters, arm.initial, parameter)
    q = parameters[parameter] if parameter is not None else math.nan
    ends, failed = _ends(scenario, quiet, parameters, system, lambda share: on_progress(RUN_SHARE * share))
    places = [system.species.index(name) for name in equations.species]
    tried = {name: equations.possible(states[places]) for name, (states, _) in ends.items()}
    search = _Search(equations, q)
    own = tried.get(UNDOSED, tried[START])
    rest = search.add(equations.relaxed(own, q))
    why = failed.pop(UNDOSED, "")
    rest = None if why else rest
    waves = rest is not None and not search.is_end(rest, own)  # letting go damps waves
    rest = None if waves else rest
    reached: dict[int, list[str]] = {}
    for name, states in tried.items():
        search.add(equations.newton(states, q))
        index = search.add(equations.relaxed(states, q))
        if name not in (START, UNDOSED) and index is not None and ends[name][1] and search.is_end(index, states):
            reached.setdefault(index, []).append(name)
    seen = np.max([np.abs(each) for each in (*tried.values(), *search.found)], axis=0)
    for number, states in enumerate(random_states(equations, seen, own, starts)):
        search.add(equations.newton(states, q))
        search.add(equations.relaxed(states, q))
        on_progress(RUN_SHARE + (1 - RUN_SHARE) * (number + 1) / starts)
    states_found = [
        steady_state(equations, states, q, reached.get(index, ())) for index, states in enumerate(search.found)
    ]
    order = sorted(
        range(len(states_found)),
        key=lambda each: (each != rest, states_found[each].unstable, -len(states_found[each].arms)),
    )
    return SteadyStates(
        scenario,
        quiet,
        parameters,
        equations,
        tuple(states_found[each] for each in order),
        Rest(
            order.index(rest) if rest is not None else None,
            _fastest(equations, own, q),
            waves,
            None if rest is not None or waves or why else equations.without_end(own, q),
            why,
        ),
        _sums(equations, own, q),
        tried[START],
        len(tried) + starts,
        tuple(dict.fromkeys(dose.name for dose in arm.doses)),
        _changed(scenario, arm, parameters),
        failed,
    )


def undosed(scenario: Scenario, arm: Arm) -> Arm:
    """The arm without doses, with the parameters that hold at the end of the run from its start."""
    system = system_of(scenario.model)
    parameters = _at_end(system, prepare(scenario, arm, system))
    usual = {name: item.value for name, item in scenario.model.parameters.items()}
    own = {name: value for name, value in parameters.items() if value != usual[name]}
    return arm._replace(parameters=own, doses=(), changes=(), inputs=(), rules=())


def steady_state(equations: SteadyEquations, states: Array, q: float, arms: Sequence[str]) -> SteadyState:
    """A steady state with its eigenvalues."""
    eigenvalues, part = equations.eigenvalues(states, q), equations.slowest_parts(states, q)
    slow = [equations.species[each] for each in np.argsort(-part, kind="stable")[:MOST_SLOW] if part[each] >= SLOW_PART]
    return SteadyState(states, q, eigenvalues, tuple(slow), tuple(arms))


def _changed(scenario: Scenario, arm: Arm, parameters: Mapping[str, float]) -> tuple[str, ...]:
    """The parameters that are not what they were at the start; those that inputs are made of are not named."""
    made = {name for name, each in scenario.model.parameters.items() if each.made}
    start = scenario.parameters(arm)
    return tuple(name for name, value in parameters.items() if value != start[name] and name not in made)


def _fastest(equations: SteadyEquations, states: Array, q: float) -> tuple[str, float]:
    if not len(states):
        return "", 0.0
    speed = np.nan_to_num(equations.evaluate(states, q).rhs / equations.weights(states))
    fastest = int(np.abs(speed).argmax())
    return equations.species[fastest], float(speed[fastest])


class _Search:
    """Steady states, each once."""

    def __init__(self, equations: SteadyEquations, q: float) -> None:
        self.equations, self.q = equations, q
        self.found: list[Array] = []

    def add(self, states: Array | None) -> int | None:
        """The place of a steady state among those found; None for None."""
        if states is None:
            return None
        for index, known in enumerate(self.found):
            if same_state(self.equations, known, states):
                return index
        self.found.append(states)
        return len(self.found) - 1

    def is_end(self, place: int, states: Array) -> bool:
        """Whether what is let go from `states` stays at the steady state that it was drawn to: it is stable, or the
        states are there already."""
        found = self.found[place]
        unstable = (self.equations.eigenvalues(found, self.q).real > 0).any()
        return bool(not unstable or same_state(self.equations, found, states, THERE))


def same_state(equations: SteadyEquations, one: Array, other: Array, most: float = SAME) -> bool:
    """Whether two states, shape (n,), are one but for rounding."""
    size = np.maximum(equations.weights(one), equations.weights(other))
    return bool((np.abs(one - other) <= most * size).all())


def random_states(equations: SteadyEquations, seen: Array, own: Array, count: int) -> list[Array]:
    """Starts with the conserved sums of `own`, always the same ones. seen: the largest size of each species so far,
    shape (n,)."""
    generator, size = np.random.default_rng(SEED), np.maximum(seen, equations.scales)
    found = []
    for _ in range(count):
        states = size * 10.0 ** generator.uniform(*DECADES, len(size))
        states *= np.where(equations.signed, generator.choice([-1.0, 1.0], len(size)), 1.0)
        for weights in equations.conserved:
            sum_now, inside = float(weights @ states), weights != 0
            if sum_now and (weights >= 0).all():
                states[inside] *= float(weights @ own) / sum_now
            else:
                states[inside] = own[inside]
        found.append(states)
    return found


def _start(system: System, arm: Arm, parameters: Mapping[str, float]) -> Array:
    """The states at the start of an arm, shape (species,)."""
    initial = system.parameter_formulas.initial_values(parameters) | dict(arm.initial)
    return np.array([initial[name] for name in system.species], dtype=float)


def _at_end(system: System, prepared: Prepared) -> dict[str, float]:
    """The parameters that hold at the end of a run."""
    return dict(zip(system.parameters, prepared.schedule.segments[-1].parameters.tolist(), strict=True))


def _ends(
    scenario: Scenario, quiet: Arm, parameters: Mapping[str, float], system: System, on_progress: OnProgress
) -> tuple[dict[str, tuple[Array, bool]], dict[str, str]]:
    """By arm, its last states, shape (species,), and whether its parameters are those asked for: the start comes first,
    then the end of the arm without doses. And of those that failed, when and why."""
    prepared = {UNDOSED: prepare(scenario, quiet, system)}
    prepared |= {each.name: prepare(scenario, each, system) for each in scenario.arms}
    solved, interrupted = solve_arms(scenario, system, prepared, Certify.OFF, on_progress)
    if interrupted:
        raise KeyboardInterrupt
    found, failed = {START: (prepared[UNDOSED].initial, True)}, dict[str, str]()
    for name, each in prepared.items():
        trajectory = solved[name].trajectory
        if trajectory.outcome.ok:
            last = np.array([trajectory[species][-1] for species in system.species])
            found[name] = (last, _at_end(system, each) == dict(parameters))
        else:
            failed[name] = trajectory.outcome.message
    return found, failed


def _sums(equations: SteadyEquations, states: Array, q: float) -> tuple[ConservedSum, ...]:
    totals = equations.evaluate(states, q).totals
    return tuple(
        ConservedSum(
            {name: float(each) for name, each in zip(equations.species, weights, strict=True) if each}, float(total)
        )
        for weights, total in zip(equations.conserved, totals, strict=True)
    )
