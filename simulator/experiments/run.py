"""A run: every arm of a scenario simulated, its digits certified, its expectations judged.

The steps: scenario -> schedule -> solve -> ledger and certificate -> measures -> verdicts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..numerics.solve import solve
from ..numerics.system import System
from ..numerics.trajectory import ATOL_OF_SCALE, RTOL, Trajectory
from .expectations import Verdict, judge
from .memory import check_run_memory
from .scenario import Arm, Scenario, chosen_arms
from .schedule import LedgerLine, Prepared, ledger, prepare

SECOND_SOLVER = "Rodas5P"
SECOND_RTOL = RTOL / 2
CALLS_TO_CERTIFY = 20_000  # of the first solver: the second then takes about a second
FIRST_SHARE = 0.3  # of the time that both solvers take, as measured on the scenarios of the human model
MOST_DIGITS = 16.0  # of a float

OnProgress = Callable[[float], object]  # called with the share of the work that is done, from 0 to 1


@dataclass(frozen=True)
class Certificate:
    """How far two solvers agree, over all saved values of all species of one arm.

    digits: -log10 of the largest difference relative to |value| + ATOL_OF_SCALE * scale; None where no second solver
    was asked. species, time: where that difference is. solver: the second one. reason: why there are no digits.
    """

    digits: float | None
    species: str | None
    time: float | None
    solver: str
    reason: str = ""


@dataclass(frozen=True)
class ArmResult:
    """One arm: its time course, its doses, the times at which something jumped, and how certain its digits are."""

    arm: Arm
    trajectory: Trajectory
    ledger: Sequence[LedgerLine]
    edges: Sequence[float]
    certificate: Certificate


@dataclass(frozen=True)
class RunResult:
    """A scenario with everything that was computed for it.

    arms: by name, in the order of the scenario. verdicts: on those expectations whose arms are all there.
    interrupted: whether it was stopped from the keyboard, so that arms are missing.
    """

    scenario: Scenario
    arms: Mapping[str, ArmResult]
    verdicts: Sequence[Verdict]
    interrupted: bool = False

    @property
    def ok(self) -> bool:
        """Whether every arm was simulated to its end."""
        return all(result.trajectory.outcome.ok for result in self.arms.values())


def run(
    scenario: Scenario,
    certify: bool | None = None,
    arms: Sequence[str] | None = None,
    on_progress: OnProgress = lambda share: None,
) -> RunResult:
    """Simulates the arms of a scenario.

    An interruption from the keyboard ends the run with the arms that were finished before; they are complete.

    Args:
        certify: whether a second solver checks the digits; None: where that takes under a second an arm.
        arms: only these; None for every arm.
        on_progress: called often with the share that is done.

    Raises:
        InputError: one of `arms` is no arm of the scenario, or its curves will not fit into memory.
        KeyboardInterrupt: no arm was finished.
    """
    chosen = chosen_arms(scenario, arms)
    check_run_memory(scenario, chosen)
    system = System(scenario.model)
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


def _part(on_progress: OnProgress, start: float, end: float) -> OnProgress:
    """`on_progress` of a part of the work, which goes from the share `start` of the whole to the share `end`."""
    return lambda share: on_progress(start + share * (end - start))


def _run_arm(scenario: Scenario, arm: Arm, system: System, certify: bool | None, on_progress: OnProgress) -> ArmResult:
    prepared = prepare(scenario, arm, system)
    first = _part(on_progress, 0.0, FIRST_SHARE)

    def on_solver_progress(share: float, calls: int) -> None:
        (first if _certifies(certify, calls) else on_progress)(share)

    trajectory = solve(
        system, prepared.initial, prepared.schedule.segments, prepared.times, on_progress=on_solver_progress
    )
    lines = ledger(scenario, arm, trajectory)
    certificate = _certificate(system, prepared, trajectory, certify, _part(on_progress, FIRST_SHARE, 1.0))
    return ArmResult(arm, trajectory, lines, prepared.schedule.edges, certificate)


def _certifies(certify: bool | None, calls: int) -> bool:
    """Whether the second solver runs too, after so many calls of the right-hand side by the first."""
    return calls <= CALLS_TO_CERTIFY if certify is None else certify


def _certificate(
    system: System, prepared: Prepared, first: Trajectory, certify: bool | None, on_progress: OnProgress
) -> Certificate:
    """Solves an arm a second time, with another solver, and compares."""
    solver = f"{SECOND_SOLVER}, rtol {SECOND_RTOL:g}"
    if not first.outcome.ok:
        return Certificate(None, None, None, solver, "the run failed")
    if not _certifies(certify, first.calls):
        reason = "switched off" if certify is False else "would take more than a second; --certify does it"
        return Certificate(None, None, None, solver, reason)
    second = solve(
        system,
        prepared.initial,
        prepared.schedule.segments,
        prepared.times,
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
            worst, where, when = float(error[at]), name, float(prepared.times[at])
    return Certificate(min(MOST_DIGITS, -math.log10(worst)) if worst else MOST_DIGITS, where, when, solver)
