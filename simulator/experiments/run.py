"""The main job: every arm of a scenario simulated, and its digits certified."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..numerics.solve import solve
from ..numerics.system import System
from ..numerics.trajectory import ATOL_OF_SCALE, RTOL, Array, Trajectory
from .expectations import Verdict, judge
from .scenario import Arm, Scenario, chosen_arms
from .schedule import SAME_TIME, LedgerLine, Schedule, compile_schedule, ledger

SECOND_SOLVER = "Rodas5P"
SECOND_RTOL = RTOL / 2
CALLS_TO_CERTIFY = 20_000  # of the first solver: the second then takes about a second
FIRST_SHARE = 0.3  # of the time that both solvers take, as measured on the scenarios of the human model

OnProgress = Callable[[float], object]  # hears which share of the work is done


@dataclass(frozen=True)
class Certificate:
    """How far two solvers agree, over all saved values of all species of one arm.

    digits is -log10 of the largest difference relative to |value| + ATOL_OF_SCALE * scale.
    """

    digits: float | None
    species: str | None
    time: float | None
    solver: str
    reason: str = ""


@dataclass(frozen=True)
class ArmResult:
    """One arm: its time course, what was dosed, when something jumped, and how sure the digits are."""

    arm: Arm
    trajectory: Trajectory
    ledger: Sequence[LedgerLine]
    edges: Sequence[float]
    certificate: Certificate


@dataclass(frozen=True)
class RunResult:
    """A scenario with everything that was computed for it."""

    scenario: Scenario
    arms: Mapping[str, ArmResult]
    verdicts: Sequence[Verdict]
    interrupted: bool = False

    @property
    def ok(self) -> bool:
        return all(result.trajectory.outcome.ok for result in self.arms.values())


def run(
    scenario: Scenario,
    certify: bool | None = None,
    arms: Sequence[str] | None = None,
    on_progress: OnProgress = lambda share: None,
) -> RunResult:
    """Simulates every arm of `scenario`, or only those named in `arms`.

    certify: True always, False never, None where the second solver takes under a second an arm.
    on_progress: hears often which share of the whole is done.
    An interruption from the keyboard ends the run with the arms that were finished, if any.
    Raises `InputError` if one of `arms` is no arm of the scenario.
    """
    system = System(scenario.model)
    chosen = chosen_arms(scenario, arms)
    results: dict[str, ArmResult] = {}
    interrupted = False
    try:
        for number, arm in enumerate(chosen):
            part = _part(on_progress, number / len(chosen), (number + 1) / len(chosen))
            results[arm.name] = _run_arm(scenario, arm, system, certify, part)
            part(1.0)
    except KeyboardInterrupt:
        if not results:
            raise
        interrupted = True
    verdicts = judge(scenario, {name: result.trajectory for name, result in results.items()})
    for result in results.values():
        result.trajectory.dense.clear_cache()
    return RunResult(scenario, results, verdicts, interrupted)


def output_times(scenario: Scenario, schedule: Schedule) -> Array:
    """Every multiple of `every` up to the end, and every edge between."""
    count = math.floor(scenario.end / scenario.every * (1 + 1e-12))
    grid = np.arange(count + 1) * scenario.every
    marks = np.unique([0.0, *schedule.edges, scenario.end])
    after = np.searchsorted(marks, grid).clip(1, len(marks) - 1)
    distance = np.minimum(np.abs(grid - marks[after - 1]), np.abs(grid - marks[after]))
    return np.union1d(grid[distance > SAME_TIME * scenario.end], marks)


def prepare(scenario: Scenario, arm: Arm, system: System) -> tuple[Schedule, Array, Array]:
    """What happens in `arm` and when, the times to save, and the states at the start, shape (species,)."""
    schedule = compile_schedule(scenario, arm, system)
    initial = system.parameter_formulas.initial_values(scenario.parameters(arm)) | dict(arm.initial)
    return schedule, output_times(scenario, schedule), np.array([initial[name] for name in system.species])


def _part(on_progress: OnProgress, start: float, end: float) -> OnProgress:
    """Hears which share of a part of the work is done, and tells the share of the whole."""
    return lambda share: on_progress(start + share * (end - start))


def _run_arm(scenario: Scenario, arm: Arm, system: System, certify: bool | None, on_progress: OnProgress) -> ArmResult:
    schedule, times, start = prepare(scenario, arm, system)
    alone, first = on_progress, _part(on_progress, 0.0, FIRST_SHARE)

    def solved(share: float, calls: int) -> None:
        (first if _certifies(certify, calls) else alone)(share)

    trajectory = solve(system, start, schedule.segments, times, on_progress=solved)
    lines = ledger(scenario, arm, trajectory)
    certificate = _certificate(
        system, start, schedule, times, trajectory, certify, _part(on_progress, FIRST_SHARE, 1.0)
    )
    return ArmResult(arm, trajectory, lines, schedule.edges, certificate)


def _certifies(certify: bool | None, calls: int) -> bool:
    """Whether a second solver is asked too, after so many calls of the first."""
    return calls <= CALLS_TO_CERTIFY if certify is None else certify


def _certificate(
    system: System,
    start: Array,
    schedule: Schedule,
    times: Array,
    first: Trajectory,
    certify: bool | None,
    on_progress: OnProgress,
) -> Certificate:
    solver = f"{SECOND_SOLVER}, rtol {SECOND_RTOL:g}"
    if not first.outcome.ok:
        return Certificate(None, None, None, solver, "the run failed")
    if not _certifies(certify, first.calls):
        reason = "switched off" if certify is False else "would take more than a second; --certify does it"
        return Certificate(None, None, None, solver, reason)
    second = solve(
        system,
        start,
        schedule.segments,
        times,
        method=SECOND_SOLVER,
        rtol=SECOND_RTOL,
        dense=False,
        on_progress=lambda share, calls: on_progress(share),
    )
    if not second.outcome.ok:
        return Certificate(0.0, second.outcome.state, second.outcome.time, solver, second.outcome.message)
    worst, where, when = 0.0, None, None
    for name, scale in zip(system.species, system.scales, strict=True):
        error = np.abs(first[name] - second[name]) / (np.abs(second[name]) + ATOL_OF_SCALE * scale)
        at = int(error.argmax())
        if error[at] > worst:
            worst, where, when = float(error[at]), name, float(times[at])
    return Certificate(min(16.0, -math.log10(worst)) if worst else 16.0, where, when, solver)
