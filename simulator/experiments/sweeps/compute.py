"""Computes members of a sweep: their numbers in, a block of values, measures and failures out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, product
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from ...numerics.compiled.availability import available
from ...numerics.compiled.engine import StoppedError
from ...numerics.dense_output import DenseOutput
from ...numerics.system import System
from ...numerics.trajectory import ATOL_OF_SCALE, IMPOSSIBLE, NOT_FINITE, RTOL, Array, Outcome, Trajectory
from ..measured import BoundMeasure, CurveFunction, MemberCurves, Missing, Values, bind, curves_of
from ..measures import arms_of
from ..scenario import MAIN, Arm, Scenario
from ..schedule import prepare, saved_times
from ..timetable import TimetableError
from . import compiled
from .designs import Design, Sweep
from .members import arm_with

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
KILLED = "killed"
LARGEST_GAP = 1_000  # members: drawing those between costs less than another call
RETRY_SECONDS = 5.0  # of CPU time, for SciPy to find out why a member fails
MOST_DRAWN = 65_536  # members at once, for their memory

Numbers = NDArray[np.int64]
Causes = NDArray[np.int8]


@dataclass(frozen=True)
class Block:
    """A few members, with everything of them that is stored.

    numbers: the members' numbers, shape (members,). values: shape (members, axes). measures: shape (members, arms,
    measures), NaN where there is no value. causes: why there is none, a `Cause`, of the same shape. failed: shape
    (members, arms). outcomes: by (number, arm), of those that failed. curves: shape (members, arms, curves, times), or
    None where none is kept.
    """

    numbers: Numbers
    values: Array
    measures: Array
    causes: Causes
    failed: NDArray[np.bool_]
    outcomes: Mapping[tuple[int, str], Outcome]
    curves: Array | None

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> Block:
        """The block of some of its rows."""
        numbers = self.numbers[rows]
        kept = set(numbers.tolist())
        return Block(
            numbers,
            self.values[rows],
            self.measures[rows],
            self.causes[rows],
            self.failed[rows],
            {key: outcome for key, outcome in self.outcomes.items() if key[0] in kept},
            None if self.curves is None else self.curves[rows],
        )


@dataclass(frozen=True)
class SweepResult:
    """All members of a sweep that are available, in the order of their numbers.

    numbers, values, measures, causes and failed are as in `Block`: `measures[:, a, j]` is measure j with arm a read as
    the main one. bands: by (arm, curve) the `QUANTILES` over members that did not fail, shape (quantiles, times).
    times: those of bands and curves, in the model's time unit. curves: by (arm, curve), shape (members, times); only
    where there are few members.
    """

    scenario: Scenario
    numbers: Numbers
    values: Array
    measures: Array
    causes: Causes
    failed: NDArray[np.bool_]
    bands: Mapping[tuple[str, str], Array]
    times: Array
    curves: Mapping[tuple[str, str], Array] = field(default_factory=dict)

    @property
    def sweep(self) -> Sweep:
        """The sweep that was computed."""
        return sweep_of(self.scenario)


def sweep_of(scenario: Scenario) -> Sweep:
    """The sweep of `scenario`; ValueError if it has none."""
    if scenario.sweep is None:
        raise ValueError(f"scenario {scenario.id} has no sweep")
    return scenario.sweep


def values_of(design: Design, numbers: Numbers) -> Array:
    """The values of the members with these numbers, which increase; shape (members, axes)."""
    apart = (np.diff(numbers) > LARGEST_GAP) | (np.diff(numbers // MOST_DRAWN) > 0)
    cuts = [0, *(np.flatnonzero(apart) + 1).tolist(), len(numbers)]
    parts = [numbers[a:b] for a, b in pairwise(cuts) if b > a]
    rows = [design.values(int(part[0]), int(part[-1]) + 1)[part - part[0]] for part in parts]
    return np.concatenate(rows) if rows else np.empty((0, len(design.axes)))


def solver() -> str:
    """The solver that computes the members here, with its tolerances, as the store records it."""
    if available():
        return compiled.SOLVER
    return f"LSODA, rtol {RTOL:g}, atol rtol * {ATOL_OF_SCALE:g} * scale"


def compute(scenario: Scenario, numbers: Numbers, stop: Callable[[], bool] = lambda: False) -> Block:
    """Computes the members with these numbers, which increase: a pure function of scenario and numbers.

    Where an arm fails, or another arm that its measures read, the member's measures and curves are NaN.
    Raises `StoppedError` once `stop()` is true.
    """
    sweep, prepared = sweep_of(scenario), _prepared(scenario)
    outcomes: dict[tuple[int, str], Outcome] = {}
    block = _empty(scenario, numbers, outcomes)
    runs = {arm.name: _run_arm(prepared, arm, block.values, stop) for arm in prepared.arms}
    for place, arm in enumerate(sweep.arms):
        for name in reversed(_arms_read(sweep, arm)):
            for row, outcome in runs[name].failures.items():
                block.failed[row, place] = True
                outcomes[int(numbers[row]), arm] = outcome
        known = ~block.failed[:, place]
        for column, (bound, factor) in enumerate(prepared.measures):
            found = bound.combined([runs[_read(each, arm)].values[each._replace(arm="")] for each in bound.functions])
            block.measures[known, place, column] = np.broadcast_to(found.values * factor, known.shape)[known]
            if found.missing is not None:
                block.causes[known, place, column] = np.broadcast_to(found.missing.causes, known.shape)[known]
        if block.curves is not None:
            block.curves[known, place] = runs[arm].kept[known]
    return block


@dataclass(frozen=True)
class _ArmRun:
    """One arm of all members: the functions of its curves, the curves that are kept, shape (members, curves, times),
    and of those that failed how, by row."""

    values: Mapping[CurveFunction, Values]
    kept: Array
    failures: Mapping[int, Outcome]


def _run_arm(prepared: PreparedSweep, arm: Arm, values: Array, stop: Callable[[], bool]) -> _ArmRun:
    """Simulates `arm` for each row of `values`, shape (members, axes).

    A member that does not reach its end on the compiled engine is simulated by SciPy, whose outcome says why.
    """
    sweep, times = sweep_of(prepared.scenario), saved_times(prepared.scenario)
    functions = list(prepared.functions[arm.name])
    numbers, causes = np.full((len(functions), len(values)), np.nan), np.zeros((len(functions), len(values)), np.int64)
    kept = np.full((len(values), len(sweep.keep), len(times) if sweep.keep else 0), np.nan)
    failures: dict[int, Outcome] = {}

    def take(rows: NDArray[np.intp], curves: MemberCurves) -> None:
        for i, each in enumerate(functions):
            found = curves.value(each)
            numbers[i, rows] = found.values
            if found.missing is not None:
                causes[i, rows] = found.missing.causes

    todo = np.ones(len(values), dtype=bool)
    if prepared.compiled is not None:
        for rows, found in prepared.compiled.run(arm, values, times, stop):
            todo[rows] = False
            take(rows, curves_of(found.curves))
            kept[rows] = found.kept
    for row in np.flatnonzero(todo).tolist():
        if stop():
            raise StoppedError
        trajectory = _simulate_with_scipy(prepared, arm, values[row], times, stop)
        if not trajectory.outcome.ok:
            failures[row] = trajectory.outcome
            continue
        take(np.array([row]), curves_of(trajectory.dense))
        if sweep.keep:
            kept[row] = [trajectory[name] for name in sweep.keep]
    none = np.zeros(len(values))
    found_values = {
        each: Values(numbers[i], Missing(causes[i], causes[i], none, none) if causes[i].any() else None)
        for i, each in enumerate(functions)
    }
    return _ArmRun(found_values, kept, failures)


def _read(function: CurveFunction, arm: str) -> str:
    """The arm that a function reads where `arm` is read as the main one."""
    return arm if function.arm == MAIN else function.arm


def _simulate_with_scipy(
    prepared: PreparedSweep, arm: Arm, row: Array, times: Array, stop: Callable[[], bool]
) -> Trajectory:
    """Simulates one member with SciPy; for a short time only where the compiled engine has failed with it before.

    Raises `StoppedError` once `stop()` is true.
    """
    from ...numerics.solve import SECONDS, solve_above_noise  # SciPy, which the compiled engine seldom needs

    scenario, system = prepared.scenario, prepared.system
    try:
        member = arm_with(scenario, arm, sweep_of(scenario).design.axes, row)
        schedule, _, initial = prepare(scenario, member, system)
    except TimetableError as error:
        return _failed_before_start(system, Outcome(IMPOSSIBLE, str(error), 0.0))
    except (ArithmeticError, ValueError) as error:
        message = f"doses or initial values cannot be computed: {error}"
        return _failed_before_start(system, Outcome(NOT_FINITE, message, 0.0))
    with _prepare_lock:  # code is generated from one graph, which grows meanwhile
        system.prepare()
    times = times if sweep_of(scenario).keep else times[:1]

    def on_progress(share: float, calls: int) -> None:
        if stop():
            raise StoppedError

    seconds = SECONDS if prepared.compiled is None else RETRY_SECONDS
    return solve_above_noise(system, initial, schedule.segments, times, seconds=seconds, on_progress=on_progress)


def killed_member(scenario: Scenario, number: int, message: str) -> Block:
    """The block of a member that ends every process that computes it: failed in all arms, with this message."""
    outcomes = {(number, arm): Outcome(KILLED, message) for arm in sweep_of(scenario).arms}
    block = _empty(scenario, np.array([number], dtype=np.int64), outcomes)
    block.failed[:] = True
    return block


def _empty(scenario: Scenario, numbers: Numbers, outcomes: Mapping[tuple[int, str], Outcome]) -> Block:
    sweep = sweep_of(scenario)
    size = len(numbers), len(sweep.arms)
    curves = np.full((*size, len(sweep.keep), len(saved_times(scenario))), np.nan) if sweep.keep else None
    measures = np.full((*size, len(sweep.measures)), np.nan)
    causes, failed = np.zeros(measures.shape, dtype=np.int8), np.zeros(size, dtype=bool)
    return Block(numbers, values_of(sweep.design, numbers), measures, causes, failed, outcomes, curves)


def _arms_read(sweep: Sweep, arm: str) -> list[str]:
    """The arms that must be simulated to measure with `arm` read as the main one; `arm` itself first."""
    read = [name for each in sweep.measures for name in arms_of(each.tree)]
    return list(dict.fromkeys([arm, *(arm if name == MAIN else name for name in read)]))


def _failed_before_start(system: System, outcome: Outcome) -> Trajectory:
    return Trajectory(np.empty(0), {}, DenseOutput(system, []), outcome, {}, "")


@dataclass(frozen=True)
class PreparedSweep:
    """What all blocks of a sweep share.

    arms: those that must be simulated. measures: each with the factor to its unit. functions: by arm, the functions of
    its curves that they read, without the name of the arm.
    """

    scenario: Scenario
    system: System
    arms: Sequence[Arm]
    measures: Sequence[tuple[BoundMeasure, float]]
    functions: Mapping[str, Collection[CurveFunction]]
    compiled: compiled.CompiledSweep | None


_last_prepared: list[PreparedSweep] = []  # for one scenario: blocks of one sweep follow each other
_prepare_lock = Lock()


def _prepared(scenario: Scenario) -> PreparedSweep:
    with _prepare_lock:
        known = (
            _last_prepared
            and _last_prepared[0].scenario is scenario
            and (_last_prepared[0].compiled is not None) == available()
        )
        if not known:
            sweep, system = sweep_of(scenario), System(scenario.model)
            names = {name for arm in sweep.arms for name in _arms_read(sweep, arm)}
            arms = [arm for arm in scenario.arms if arm.name in names]
            bound = [bind(each.tree, scenario.model) for each in sweep.measures]
            measures = [(each, each.unit.to(own.unit)) for each, own in zip(bound, sweep.measures, strict=True)]
            functions: dict[str, dict[CurveFunction, None]] = {arm.name: {} for arm in arms}
            for place, each in product(sweep.arms, [function for own in bound for function in own.functions]):
                functions[_read(each, place)][each._replace(arm="")] = None
            fast = compiled.CompiledSweep(scenario, sweep, arms, system) if available() else None
            _last_prepared[:] = [PreparedSweep(scenario, system, arms, measures, functions, fast)]
        return _last_prepared[0]
