"""A run: every arm of a scenario simulated, its digits certified, its expectations judged.

The steps: scenario -> schedule -> solve -> ledger and certificate -> measures -> verdicts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..model.model import Model
from ..numerics.system import System
from ..numerics.trajectory import IMPOSSIBLE, Array, Outcome, Trajectory
from ..runtime.errors import InputError, request_fault
from .answers import AnsweredSentence, answered
from .certificate import Certificate
from .conditions import curves_of_condition
from .curve_values import BoundFormula
from .decisions import Decided, Decision, Fired, first_difference
from .expectations import Verdict, judge
from .memory import check_run_memory
from .periodic import NoPeriodicStateError
from .residuals import DataResult, compare_with_data
from .rules import Switching
from .scenario import Arm, CurveFormula, Scenario, chosen_arms, crossings_of, switches_of
from .schedule import LedgerLine, Prepared, ledger
from .solving import Certify, Solved, SolvedArm, decided_of, failed_before_start, prepared_arm, solve_arms, system_of
from .solving import OnProgress as OnProgress
from .timetable import TimetableError


@dataclass(frozen=True)
class ArmResult:
    """One arm: its time course, its doses, the times at which something jumped, and how certain its digits are.

    formulas: by text, the values of the scenario's formulas of curves at the saved times. decisions: what its rules did
    to the doses, and fired: what they did at crossings; `arm` has the doses that were given, and what was set. jumps:
    of its rates, as what jumps and when.
    """

    arm: Arm
    trajectory: Trajectory
    ledger: Sequence[LedgerLine]
    edges: Sequence[float]
    certificate: Certificate
    formulas: Mapping[str, Array] = field(default_factory=dict)
    decisions: Sequence[Decision] = ()
    fired: Sequence[Fired] = ()
    jumps: Sequence[tuple[str, float]] = ()

    @property
    def drawn(self) -> Trajectory:
        """The trajectory with the formulas that the scenario plots among its values."""
        if not self.formulas:
            return self.trajectory
        return replace(self.trajectory, values={**self.trajectory.values, **self.formulas})


@dataclass(frozen=True)
class RunResult:
    """A scenario with everything that was computed for it.

    answer: the sentences to its question whose arms are all there.
    arms: by name, in the order of the scenario. verdicts: on those expectations whose arms are all there. data: what
    was measured, next to what was simulated, where the arm was run.
    interrupted: whether it was stopped from the keyboard, so that arms are missing.
    """

    scenario: Scenario
    arms: Mapping[str, ArmResult]
    verdicts: Sequence[Verdict]
    data: Sequence[DataResult] = ()
    interrupted: bool = False
    answer: Sequence[AnsweredSentence] = ()

    @property
    def ok(self) -> bool:
        """Whether every arm was simulated to its end."""
        return all(result.trajectory.outcome.ok for result in self.arms.values())

    @property
    def unreliable(self) -> list[str]:
        """The arms whose digits are too few to be relied on."""
        return [name for name, result in self.arms.items() if not result.certificate.is_reliable]

    @property
    def reliable(self) -> bool | None:
        """Whether every arm has enough digits; None where none has too few but some were not checked."""
        if self.unreliable:
            return False
        return None if any(result.certificate.reliable is None for result in self.arms.values()) else True


def run(
    scenario: Scenario,
    certify: Certify | None = None,
    arms: Sequence[str] | None = None,
    on_progress: OnProgress = lambda share: None,
    curves: Sequence[str] = (),
) -> RunResult:
    """Simulates the arms of a scenario.

    An interruption from the keyboard ends the run with the arms that were finished before; they are complete.

    Args:
        certify: how the digits are checked; None: as usual.
        arms: only these; None for every arm.
        on_progress: called often with the share that is done.
        curves: species and observables whose digits count, beside those that the scenario shows, measures or expects.

    Raises:
        InputError: one of `arms` is no arm of the scenario, its curves will not fit into memory, or a regimen has no
            steady state to start in.
        KeyboardInterrupt: no arm was finished.
    """
    chosen = chosen_arms(scenario, arms)
    check_run_memory(scenario, chosen)
    system = system_of(scenario.model)
    decided, prepared, doubts = _prepared(scenario, chosen, system, certify)
    rules = [rule for arm in chosen for rule in arm.rules if not isinstance(rule, Switching)]
    looked_at = [name for rule in rules for name in curves_of_condition(rule.condition)]
    shown = replace(scenario, plots=(*scenario.plots, (*curves, *looked_at)))  # digits are those of what is shown
    endless = {name: each.problem for name, each in decided.items() if each.problem}
    finite = {name: each for name, each in prepared.items() if name not in endless}
    solved, interrupted = solve_arms(shown, system, finite, certify, on_progress) if finite else Solved({}, False)
    if interrupted and not solved:
        raise KeyboardInterrupt
    for name, problem in endless.items():
        failed = failed_before_start(system, Outcome(IMPOSSIBLE, problem, 0.0))
        solved[name] = SolvedArm(failed, Certificate(None, reason="the run failed"))
    results = {
        arm.name: ArmResult(
            decided[arm.name].arm,
            solved[arm.name].trajectory,
            ledger(scenario, decided[arm.name].arm, solved[arm.name].trajectory, system),
            prepared[arm.name].schedule.edges,
            _doubted(solved[arm.name].certificate, decided[arm.name], doubts.get(arm.name), scenario.model),
            _formulas(scenario, solved[arm.name].trajectory),
            decided[arm.name].decisions,
            decided[arm.name].fired,
            [(name, time) for name, time in decided[arm.name].jumps if time > 0.0],  # at 0 it only begins
        )
        for arm in chosen
        if arm.name in solved
    }
    unreliable = [name for name, result in results.items() if not result.certificate.is_reliable]
    trajectories = {name: result.trajectory for name, result in results.items()}
    verdicts, data = judge(scenario, trajectories, unreliable), compare_with_data(scenario, trajectories)
    answer = answered(scenario, trajectories, unreliable)
    for result in results.values():
        result.trajectory.dense.clear_cache()
    return RunResult(scenario, results, verdicts, data, interrupted, answer)


def _prepared(
    scenario: Scenario, arms: Sequence[Arm], system: System, certify: Certify | None
) -> tuple[dict[str, Decided], dict[str, Prepared], dict[str, tuple[str, float]]]:
    """By name, what the rules of each arm decide, and what is to be solved; and of those arms in which a second
    computation decides otherwise the rule and the time. Raises `InputError` for what cannot be."""
    try:
        decided = {each.arm.name: each for each in decided_of(scenario, arms, system)}
        prepared = {name: prepared_arm(scenario, each.arm, system) for name, each in decided.items()}
        finite = [arm for arm in arms if not decided[arm.name].problem]
        crossing = [arm for arm in finite if crossings_of(arm) or switches_of(arm)]
        doubts: dict[str, tuple[str, float]] = {}
        for again in decided_of(scenario, crossing if certify is not Certify.OFF else [], system, again=True):
            name = again.arm.name
            difference = first_difference(decided[name], again, scenario.end)
            if difference is not None:
                doubts[name] = difference
            else:
                second = prepared_arm(scenario, again.arm, system).schedule
                prepared[name] = prepared[name]._replace(again=second)
        return decided, prepared, doubts
    except (NoPeriodicStateError, TimetableError) as error:
        raise InputError([request_fault(f"{scenario.id}: {error}")]) from None


def with_formulas(result: RunResult, formulas: Sequence[CurveFormula]) -> RunResult:
    """A run in which these formulas of curves can be drawn too."""
    scenario = result.scenario
    added = {each.text: each for each in formulas if each.is_formula and each.text not in scenario.formulas}
    if not added:
        return result
    scenario = replace(scenario, formulas={**scenario.formulas, **added})
    arms = {name: replace(arm, formulas=_formulas(scenario, arm.trajectory)) for name, arm in result.arms.items()}
    return replace(result, scenario=scenario, arms=arms)


def _formulas(scenario: Scenario, trajectory: Trajectory) -> dict[str, Array]:
    """The formulas of curves of a scenario at the saved times of one arm, by text."""
    if not len(trajectory.times):
        return {}
    bound = {text: BoundFormula(each) for text, each in scenario.formulas.items()}
    return {text: each.along(trajectory, scenario.model) for text, each in bound.items()}


def _doubted(
    certificate: Certificate, decided: Decided, difference: tuple[str, float] | None, model: Model
) -> Certificate:
    """A certificate without digits where the two computations decide a rule differently, or could have, as it was
    decided by less than they are sure of."""
    if difference is not None:
        rule, time = difference
        reason = f"the two computations decide the rule '{rule}' differently at {time:g} {model.time_unit_text}"
        return replace(certificate, digits=0.0, reason=reason)
    if decided.closest is None or certificate.digits is None:
        return certificate
    rule, time, margin = decided.closest
    if margin >= 10.0**-certificate.digits:
        return certificate
    when = f"{time:g} {model.time_unit_text}"
    reason = f"the rule '{rule}' is decided at {when} within the error of its curves"
    return replace(certificate, digits=0.0, reason=reason)
