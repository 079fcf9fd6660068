"""Arms in, trajectories and certificates out: by machine code where it can be had, else by SciPy.

Every arm is computed twice, and again more tightly as long as the two agree in too few digits.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from functools import partial
from itertools import repeat
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..model.model import Model
from ..numerics.compiled.availability import available
from ..numerics.compiled.engine import COMPILED_RTOL
from ..numerics.dense_output import DenseOutput
from ..numerics.noise import LOWER_FLOORS, RTOL_SHARE
from ..numerics.system import System
from ..numerics.trajectory import ATOL_OF_SCALE, RTOL, Array, Outcome, Problem, Trajectory, by_parameters
from ..runtime.interrupt import interrupts_remembered
from .awake import awake_species, zero_parameters
from .certificate import WANTED, Certificate, compare
from .decisions import Decided, decided_arms
from .periodic import Many, NoPeriodicStateError, has_steady_dose, periodic_start
from .scenario import Arm, Scenario
from .schedule import Prepared, prepare

if TYPE_CHECKING:
    from ..numerics.compiled.arms import ModelEngine

OnProgress = Callable[[float], object]  # called with the share of the work that is done, from 0 to 1

TRIES = 4  # of an arm, each a tenth of the relative tolerance of the one before ...
FLOORS = (*(ATOL_OF_SCALE,) * 3, LOWER_FLOORS[0])  # ... with these floors of the absolute tolerance
FLOORS_ABOVE_NOISE = (ATOL_OF_SCALE, *LOWER_FLOORS)  # or these, once a state rose out of noise
DIFFERENCE = 5e-6  # of two computations by the engine: each species is then right to 1e-5 of |value| + 1e-3 scale
TIGHTER = 0.1  # the relative tolerance of an arm's second computation, in terms of the first
INDEPENDENT, INDEPENDENT_RTOL = "LSODA", 1e-9
FIRST_OF_SCIPY, SECOND_OF_SCIPY = "LSODA", "Rodas5P"
FIRST_SHARE = 0.3  # of the time that SciPy's two solvers take, as measured on the scenarios of the human model
MOST_HELD = 4  # models of which a thread keeps systems
CALLS_TO_CERTIFY = 20_000  # of SciPy's first solver: the second then takes about a second


class Certify(StrEnum):
    """How the digits of a run are checked.

    OFF: not at all. AGAIN: by a tighter tolerance, and so other steps. INDEPENDENT: by LSODA, a method of another kind
    that shares no code with the compiled engine.
    """

    OFF = "off"
    AGAIN = "again"
    INDEPENDENT = "independent"


class SolvedArm(NamedTuple):
    """The time course of an arm, and how far it can be trusted."""

    trajectory: Trajectory
    certificate: Certificate


def failed_before_start(system: System, outcome: Outcome) -> Trajectory:
    """The trajectory of an arm that cannot be computed: without any time."""
    none = {name: np.empty(0) for name in (*system.species, *system.observables)}
    return Trajectory(np.empty(0), none, DenseOutput(system, []), outcome, dict.fromkeys(system.species, 0.0), "")


class Solved(NamedTuple):
    """Arms by name; interrupted: whether the user pressed Ctrl-C, so that some are missing."""

    arms: dict[str, SolvedArm]
    interrupted: bool


class _Recent(threading.local):
    """The systems of the last models of this thread, each with its engine once that was asked for. Threads have their
    own, since the formulas of a system grow while they are used."""

    def __init__(self) -> None:
        self.systems: list[System] = []
        # By the id of a system in `systems`, species that start above zero or are dosed, parameters that are zero, and
        # whether it is for one arm
        self.engines: dict[tuple[int, frozenset[str], frozenset[str], bool], ModelEngine] = {}
        # The last model and its arms: what these wake, and the parameters that are zero in all of them
        self.woken: tuple[Model, Sequence[Arm], set[str], set[str]] | None = None


_recent = _Recent()


def system_of(model: Model) -> System:
    """The system of `model`: the same as before, if this thread used the same object not long ago."""
    found = next((each for each in _recent.systems if each.model is model), None) or System(model)
    _recent.systems = [found, *(each for each in _recent.systems if each is not found)][:MOST_HELD]
    held = {id(each) for each in _recent.systems}
    _recent.engines = {key: engine for key, engine in _recent.engines.items() if key[0] in held}
    return found


def _engine_of(scenario: Scenario, system: System, arms: Collection[Prepared]) -> ModelEngine:
    """The engine for all arms of a scenario, so that a number does not depend on which of them are computed; `arms`
    may be changed ones."""
    known = _recent.woken
    if known is None or known[0] is not scenario.model or known[1] is not scenario.arms:
        woken = awake_species(scenario, scenario.arms, system.parameter_formulas)
        known = _recent.woken = scenario.model, scenario.arms, woken, zero_parameters(scenario)
    awake, zeros = set(known[2]), set(known[3])
    for arm in arms:
        awake |= {system.species[index] for index in np.flatnonzero(arm.initial).tolist()}
        for parameters, _ in by_parameters(arm.schedule.segments):
            zeros -= {system.parameters[index] for index in np.flatnonzero(parameters).tolist()}
    return _engine_with(system, awake, zeros, alone=len(arms) == 1)


def _engine_with(
    system: System, awake: Collection[str], zeros: Collection[str] = (), alone: bool = False
) -> ModelEngine:
    """The engine where these species may start above zero or be dosed, and these parameters are zero all the time;
    alone: as fast as can be for one arm, which makes it slower for many."""
    from ..numerics.compiled.arms import ModelEngine  # needs llvmlite
    from ..numerics.compiled.programs import LANES_OF_ARM, LANES_OF_ARMS

    key = id(system), frozenset(awake), frozenset(zeros), alone
    found = _recent.engines.get(key)
    if found is None:
        found = ModelEngine(system, awake, zeros, LANES_OF_ARM if alone else LANES_OF_ARMS)
    if system in _recent.systems:
        _recent.engines[key] = found
    return found


def prepared_arm(scenario: Scenario, arm: Arm, system: System) -> Prepared:
    """Everything that `solve_arms` needs for `arm`, which may start in the steady state of a regimen.

    Raises `NoPeriodicStateError` and `TimetableError`.
    """
    prepared = prepare(scenario, arm, system)
    if not has_steady_dose(arm):
        return prepared
    awake = awake_species(scenario, (*scenario.arms, arm), system.parameter_formulas)
    return prepared._replace(initial=periodic_start(scenario, arm, system, states_of_model(system, awake)))


def decided_of(scenario: Scenario, arms: Sequence[Arm], system: System, again: bool = False) -> list[Decided]:
    """`arms` with what their rules decide, as often simulated as that takes; again: with the tolerance of a second
    computation. Raises as `prepared_arm`."""

    def simulate(some: Sequence[Arm], numbers: Sequence[int]) -> list[Trajectory | None]:
        prepared = {str(number): prepared_arm(scenario, arm, system) for number, arm in enumerate(some)}
        share = TIGHTER if again else 1.0
        solved, interrupted = solve_arms(scenario, system, prepared, Certify.OFF, share=share)
        if interrupted:
            raise KeyboardInterrupt
        return [solved[name].trajectory for name in prepared]

    return decided_arms(arms, scenario.model, scenario.end, simulate)


def as_simulated(scenario: Scenario, arm: Arm, system: System) -> Arm:
    """`arm` with the doses that its rules let through and, where it starts in a steady state, the states of that, so
    that others can simulate it too. Raises as `prepared_arm`, and `NoPeriodicStateError` for a rule without end."""
    (decided,) = decided_of(scenario, [arm], system)
    if decided.problem:
        raise NoPeriodicStateError(decided.problem)
    if not has_steady_dose(arm):
        return decided.arm
    states = prepared_arm(scenario, decided.arm, system).initial.tolist()
    return decided.arm._replace(initial=dict(zip(system.species, states, strict=True)))


def states_of_model(system: System, awake: Collection[str]) -> Many:
    """What finds the states at the ends of problems of a model; several threads may use it.

    awake: species that may start above zero or be dosed.
    """
    if not available():
        return partial(_states_by_scipy, system)
    engine = _engine_with(system, awake)

    def states(problems: Sequence[Problem]) -> list[Array | str]:
        names = engine.system.species
        found = _uninterrupted(engine, problems)
        return [each if isinstance(each, str) else np.array([each[name][-1] for name in names]) for each in found]

    return states


def trajectories_of_model(
    system: System, awake: Collection[str]
) -> Callable[[Sequence[Problem]], list[Trajectory | None]]:
    """What solves problems of a model by machine code, None for those that it cannot; several threads may use it.

    awake: as in `states_of_model`.
    """
    engine = _engine_with(system, awake)
    return lambda problems: [None if isinstance(each, str) else each for each in _uninterrupted(engine, problems)]


def _uninterrupted(engine: ModelEngine, problems: Sequence[Problem]) -> list[Trajectory | str]:
    found, interrupted = engine.solve(problems)
    if interrupted:
        raise KeyboardInterrupt
    return found


def problem_of(arm: Prepared, rtol: float) -> Problem:
    """An arm as the engine takes it; the curves along its steps are not wanted."""
    return Problem(arm.initial, arm.schedule.segments, arm.times, rtol, ATOL_OF_SCALE, dense=False)


def _states_by_scipy(system: System, problems: Sequence[Problem]) -> list[Array | str]:
    from ..numerics.solve import solve  # SciPy takes a third of a second to import

    found: list[Array | str] = []
    for each in problems:
        one = solve(system, each.initial, each.segments, each.times, rtol=each.rtol, floor=each.floor, dense=False)
        failed = f"failed: {one.outcome.message}"
        found.append(np.array([one[name][-1] for name in system.species]) if one.outcome.ok else failed)
    return found


@interrupts_remembered()
def solve_arms(
    scenario: Scenario,
    system: System,
    arms: Mapping[str, Prepared],
    certify: Certify | None = None,
    on_progress: OnProgress = lambda share: None,
    share: float = 1.0,
) -> Solved:
    """Computes every arm. Where it fails, its trajectory ends before the end and says why.

    certify: None for AGAIN, but on SciPy only where that takes about a second. share: of the usual tolerance.
    """
    if not available():
        return _by_scipy(scenario, system, arms, certify, on_progress, share)
    engine = _engine_of(scenario, system, arms.values())
    failed: dict[str, str] = {}
    found, interrupted = _by_engine(scenario, engine, arms, certify or Certify.AGAIN, on_progress, failed, share)
    checked = [each.trajectory for each in found.values()] if certify is not Certify.OFF else []
    wrong = engine.disagreement(checked)
    left = {name: arm for name, arm in arms.items() if wrong or name not in found}
    if interrupted or not left:
        return Solved(found, interrupted)
    again, interrupted = _by_scipy(scenario, system, left, certify, on_progress, share)
    for name, (trajectory, certificate) in again.items():
        cause = f"machine code and formulas differ: {wrong}" if wrong else f"the compiled engine {failed[name]}"
        why = f"computed by SciPy, since {cause}" if trajectory.outcome.ok or wrong else ""
        reason = "; ".join(filter(None, (certificate.reason, why)))
        found[name] = SolvedArm(trajectory, replace(certificate, reason=reason))
    return Solved({name: found[name] for name in arms if name in found}, interrupted)


def _by_engine(
    scenario: Scenario,
    engine: ModelEngine,
    arms: Mapping[str, Prepared],
    certify: Certify,
    on_progress: OnProgress,
    failed: dict[str, str],
    share: float,
) -> Solved:
    """Those arms that the engine can compute: all in one call, and again those with too few digits. failed: is filled
    with why it cannot compute others, by name."""
    found: dict[str, SolvedArm] = {}
    left = dict(arms)
    try:
        for number in range(TRIES):
            floors = [_floor(number, found.get(name)) for name in left]
            rtol = share * COMPILED_RTOL * RTOL_SHARE**number
            problems = [_problem(arm, rtol, floor) for arm, floor in zip(left.values(), floors, strict=True)]
            if certify is Certify.AGAIN:
                tighter = rtol * TIGHTER
                problems += [_problem(*each, second=True) for each in zip(left.values(), repeat(tighter), floors)]
            trajectories, interrupted = engine.solve(problems, on_progress)
            seconds = trajectories[len(left) :] or [""] * len(left)
            typical = _typical_sizes(engine.system, left, certify)
            for (name, arm), first, again in zip(left.items(), trajectories, seconds, strict=False):
                if isinstance(first, str):
                    failed[name] = first
                    continue
                second = None if isinstance(again, str) else again
                if certify is Certify.INDEPENDENT and not interrupted:
                    second = _second_opinion(engine.system, arm, INDEPENDENT, INDEPENDENT_RTOL)
                usual = typical[name]
                certificate = _certificate(scenario, engine.system, arm, usual, first, second, certify, interrupted)
                found[name] = _better(found.get(name), SolvedArm(first, certificate))
            left = {
                name: arm for name, arm in left.items() if name in found and not _is_enough(found[name], DIFFERENCE)
            }
            if interrupted or not left:
                return Solved(found, interrupted)
    except KeyboardInterrupt:
        return Solved(found, True)
    return Solved({name: _judged(each) for name, each in found.items()}, False)


def _by_scipy(
    scenario: Scenario,
    system: System,
    arms: Mapping[str, Prepared],
    certify: Certify | None,
    on_progress: OnProgress,
    share: float,
) -> Solved:
    """Every arm, one after the other."""
    found: dict[str, SolvedArm] = {}
    try:
        for number, (name, arm) in enumerate(arms.items()):
            part = _part(on_progress, number / len(arms), (number + 1) / len(arms))
            for attempt in range(TRIES):
                rtol, floor = share * RTOL * RTOL_SHARE**attempt, _floor(attempt, found.get(name))
                solved = _once_by_scipy(scenario, system, arm, (rtol, floor), certify, part)
                found[name] = _better(found.get(name), solved)
                if _is_enough(found[name]):
                    break
            found[name] = _judged(found[name])
            part(1.0)
    except KeyboardInterrupt:
        return Solved(found, True)
    return Solved(found, False)


def _once_by_scipy(
    scenario: Scenario,
    system: System,
    arm: Prepared,
    tolerances: tuple[float, float],
    certify: Certify | None,
    on_progress: OnProgress,
) -> SolvedArm:
    from ..numerics.solve import solve  # SciPy takes a third of a second to import

    of_first = _part(on_progress, 0.0, 1.0 if certify is Certify.OFF else FIRST_SHARE)
    rtol, floor = tolerances
    first = solve(
        system,
        arm.initial,
        arm.schedule.segments,
        arm.times,
        rtol=rtol,
        floor=floor,
        on_progress=lambda share, calls: of_first(share),
    )
    too_long = certify is None and first.calls > CALLS_TO_CERTIFY
    if too_long or certify is Certify.OFF or not first.outcome.ok:
        reason = "the run failed" if not first.outcome.ok else "switched off"
        reason = "would take more than a second; --certify does it" if too_long and first.outcome.ok else reason
        return SolvedArm(first, Certificate(None, reason=reason))
    method = INDEPENDENT if certify is Certify.INDEPENDENT else SECOND_OF_SCIPY
    second = _second_opinion(system, arm, method, rtol * TIGHTER, _part(on_progress, FIRST_SHARE, 1.0))
    usual = _typical_sizes(system, {"": arm}, Certify.AGAIN)[""]
    return SolvedArm(first, _certificate(scenario, system, arm, usual, first, second, Certify.AGAIN))


def _second_opinion(
    system: System, arm: Prepared, method: str, rtol: float, on_progress: OnProgress = lambda share: None
) -> Trajectory:
    """An arm by one of SciPy's methods, to be compared with."""
    from ..numerics.solve import solve  # SciPy takes a third of a second to import

    return solve(
        system,
        arm.initial,
        arm.second.segments,
        arm.times,
        method=method,
        rtol=rtol,
        dense=False,
        on_progress=lambda share, calls: on_progress(share),
    )


def _problem(arm: Prepared, rtol: float, floor: float, second: bool = False) -> Problem:
    segments = (arm.second if second else arm.schedule).segments
    return Problem(arm.initial, segments, arm.times, rtol, floor, dense=not second)


def _typical_sizes(system: System, arms: Mapping[str, Prepared], certify: Certify) -> dict[str, dict[str, float]]:
    """`System.typical_sizes` of each arm, by name: empty where nothing is certified."""
    if certify is Certify.OFF:
        return {name: {} for name in arms}
    parameters = np.array([arm.schedule.segments[0].parameters for arm in arms.values()])
    return dict(zip(arms, system.typical_sizes(parameters), strict=True))


def _certificate(
    scenario: Scenario,
    system: System,
    arm: Prepared,
    usual: Mapping[str, float],
    first: Trajectory,
    second: Trajectory | None,
    certify: Certify,
    interrupted: bool = False,
) -> Certificate:
    if certify is Certify.OFF:
        return Certificate(None, reason="switched off")
    if second is None:
        reason = "interrupted" if interrupted else "the second computation did not reach the end"
        return Certificate(None if interrupted else 0.0, reason=reason)
    if not second.outcome.ok:
        return Certificate(0.0, solver=second.solver, reason=f"the second computation failed: {second.outcome.message}")
    alike = arm.alike()
    found = compare(scenario, first, second, usual, alike=alike)
    if found.digits is None or found.digits >= WANTED or found.curve not in system.observables:
        return found
    # A difference of two species that are nearly equal is made of their rounding: what is smaller is not there
    states = np.column_stack([first[name] for name in system.species])
    responses = system.responses(first.times, states, arm.schedule.segments[0].parameters, ATOL_OF_SCALE)
    nothing = {name: size for name, size in responses.items() if np.abs(first[name]).max(initial=0.0) <= size}
    return compare(scenario, first, second, usual, nothing, alike)


def _floor(number: int, before: SolvedArm | None) -> float:
    """The floor of a try, counted from 0, by what came out before."""
    revived = before is not None and before.trajectory.revived is not None
    return (FLOORS_ABOVE_NOISE if revived else FLOORS)[number]


def _is_enough(solved: SolvedArm, difference: float = math.inf) -> bool:
    """Whether an arm need not be computed again; difference: the largest that its species may have."""
    digits, found = solved.certificate.digits, solved.certificate.difference
    enough = digits is None or (digits >= WANTED and (found is None or found <= difference))
    return enough and solved.trajectory.revived is None


def _judged(solved: SolvedArm) -> SolvedArm:
    """The same, without digits where a state rises out of noise even with the lowest floor."""
    revived = solved.trajectory.revived
    if revived is None:
        return solved
    name, time = revived
    reason = f"{name} rises again out of rounding"
    none = replace(solved.certificate, digits=0.0, curve=name, time=time, state=name, state_digits=0.0, reason=reason)
    return SolvedArm(solved.trajectory, none)


def _better(old: SolvedArm | None, new: SolvedArm) -> SolvedArm:
    """The one that was computed to its end, does not rise out of noise, and has more digits."""
    if old is None or not old.trajectory.outcome.ok:
        return new
    if not new.trajectory.outcome.ok:
        return old
    if old.trajectory.revived and not new.trajectory.revived:
        return new
    return new if (new.certificate.digits or 0.0) >= (old.certificate.digits or 0.0) else old


def _part(on_progress: OnProgress, start: float, end: float) -> OnProgress:
    """`on_progress` of a part of the work, which goes from the share `start` of the whole to the share `end`."""
    return lambda share: on_progress(start + share * (end - start))
