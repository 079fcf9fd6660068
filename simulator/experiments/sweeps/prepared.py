"""Many members of some arms of a scenario, simulated and measured: values of axes in, arrays out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from ...model.expression import Apply
from ...numerics.compiled.availability import available
from ...numerics.compiled.engine import StoppedError
from ...numerics.system import System
from ...numerics.trajectory import IMPOSSIBLE, NOT_FINITE, RTOL, Array, Outcome, Segment, Trajectory
from ..curve_values import BoundFormula
from ..decisions import Simulate, decided_arms
from ..measured import BoundMeasure, CurveFunction, MemberCurves, Missing, Values, bind, curves_of
from ..periodic import NoPeriodicStateError
from ..scenario import MAIN, Arm, Scenario
from ..solving import FIRST_OF_SCIPY, SECOND_OF_SCIPY, TIGHTER, failed_before_start, prepared_arm
from ..timetable import TimetableError
from . import compiled
from .designs import Axis, SweepMeasure
from .members import arm_with

NO_NEIGHBOUR = Outcome(NOT_FINITE, "cannot be computed with the steps of the member beside it", 0.0)
RETRY_SECONDS = 5.0  # of CPU time, for SciPy to find out why a member fails

Causes = NDArray[np.int8]
Stop = Callable[[], bool]


@dataclass(frozen=True)
class ArmMembersResult:
    """Members with one arm read as the main one.

    measures: shape (members, measures), NaN where there is no value. causes: why there is none, a `Cause`, of the same
    shape. curves: shape (members, curves, times). failures: by row, of those that failed in this arm or in another
    that their measures read; everything of them is NaN.
    """

    measures: Array
    causes: Causes
    curves: Array
    failures: Mapping[int, Outcome]


@dataclass(frozen=True)
class PreparedMembers:
    """What all members share. Threads may share it too.

    axes: what varies. main: the arms that are read as the main one. keep: the curves wanted at `times`, and read: the
    species and observables that stand alone in them. measures: each with the factor to its unit. functions: by arm that
    is simulated, the functions of its curves that they read, without the name of the arm. again: whether members are
    computed more tightly, on SciPy by its second solver.
    """

    scenario: Scenario
    system: System
    axes: Sequence[Axis]
    main: Sequence[str]
    keep: Sequence[BoundFormula]
    read: Sequence[str]
    times: Array
    measures: Sequence[tuple[BoundMeasure, float]]
    functions: Mapping[str, Collection[CurveFunction]]
    compiled: compiled.CompiledArms | None
    again: bool = False
    _lock: Lock = field(default_factory=Lock)

    def compute(
        self, values: Array, stop: Stop = lambda: False, owners: NDArray[np.intp] | None = None
    ) -> dict[str, ArmMembersResult]:
        """Each of `main`, for the members whose values are the rows of `values`, shape (members, axes). owners: for
        each row the row whose steps it takes, where members were prepared for that.

        Raises `StoppedError` once `stop()` is true.
        """
        runs = {arm: self._run_arm(arm, values, stop, owners) for arm in self.functions}
        return {arm: self._with_main(arm, runs) for arm in self.main}

    def _with_main(self, arm: str, runs: Mapping[str, _ArmRun]) -> ArmMembersResult:
        failures: dict[int, Outcome] = {}
        for name in reversed(_arms_read([bound for bound, _ in self.measures], arm)):
            failures |= runs[name].failures
        curves = self._curves(runs[arm])
        curves[list(failures)] = np.nan
        known = np.ones(len(curves), dtype=bool)
        known[list(failures)] = False
        measures = np.full((len(curves), len(self.measures)), np.nan)
        causes = np.zeros(measures.shape, dtype=np.int8)
        for column, (bound, factor) in enumerate(self.measures):
            found = bound.combined([runs[_read(each, arm)].values[each._replace(arm="")] for each in bound.functions])
            measures[known, column] = np.broadcast_to(found.values * factor, known.shape)[known]
            if found.missing is not None:
                causes[known, column] = np.broadcast_to(found.missing.causes, known.shape)[known]
        return ArmMembersResult(measures, causes, curves, failures)

    def _curves(self, run: _ArmRun) -> Array:
        """The curves that are kept, shape (members, curves, times)."""
        if not any(each.formula.is_formula for each in self.keep):
            return run.kept
        by_name = {name: run.kept[:, place] for place, name in enumerate(self.read)}
        found = np.empty((len(run.kept), len(self.keep), len(self.times)))
        for place, each in enumerate(self.keep):
            measured = [run.values[_function(tree, self.scenario)].values for tree in each.measures]
            found[:, place] = each.of(by_name, measured)
        return found

    def _run_arm(self, arm: str, values: Array, stop: Stop, owners: NDArray[np.intp] | None) -> _ArmRun:
        """Simulates an arm for each row of `values`.

        A member that does not reach its end on the compiled engine is simulated by SciPy, whose outcome says why.
        """
        functions = list(self.functions[arm])
        shape = len(functions), len(values)
        numbers, causes = np.full(shape, np.nan), np.zeros(shape, np.int64)
        kept = np.full((len(values), len(self.read), len(self.times) if self.keep else 0), np.nan)
        failures: dict[int, Outcome] = {}

        def take(rows: NDArray[np.intp], curves: MemberCurves) -> None:
            for i, each in enumerate(functions):
                found = curves.value(each)
                numbers[i, rows] = found.values
                if found.missing is not None:
                    causes[i, rows] = found.missing.causes

        todo = np.ones(len(values), dtype=bool)
        if self.compiled is not None:
            endless: dict[int, str] = {}
            for rows, found in self.compiled.run(arm, values, self.times, endless, stop, owners):
                todo[rows] = False
                if found.curves is not None:
                    take(rows, curves_of(found.curves))
                kept[rows] = found.kept
            todo[list(endless)] = False
            failures |= {row: Outcome(IMPOSSIBLE, problem, 0.0) for row, problem in endless.items()}
        for row in np.flatnonzero(todo).tolist():
            if stop():
                raise StoppedError
            owner = row if owners is None else int(owners[row])
            if owner in failures or (owner != row and not todo[owner]):  # SciPy would take long, and other steps
                failures[row] = failures.get(owner, NO_NEIGHBOUR)
                continue
            trajectory = self._simulate_with_scipy(arm, values[row], stop)
            if not trajectory.outcome.ok:
                failures[row] = trajectory.outcome
                continue
            take(np.array([row]), curves_of(trajectory.dense))
            if self.keep:
                kept[row] = [trajectory[name] for name in self.read]
        none = np.zeros(len(values))
        found_values = {
            each: Values(numbers[i], Missing(causes[i], causes[i], none, none) if causes[i].any() else None)
            for i, each in enumerate(functions)
        }
        return _ArmRun(found_values, kept, failures)

    def _simulate_with_scipy(self, arm: str, row: Array, stop: Stop) -> Trajectory:
        """Simulates one member with SciPy; for a short time only where the compiled engine has failed with it before.

        Raises `StoppedError` once `stop()` is true.
        """
        try:
            member = arm_with(self.scenario, self.scenario.arm(arm), self.axes, row)
            (decided,) = decided_arms([member], self.scenario.model, self.scenario.end, self._by_scipy(stop))
            if decided.problem:
                raise TimetableError(decided.problem)
            prepared = prepared_arm(self.scenario, decided.arm, self.system)
        except (TimetableError, NoPeriodicStateError) as error:
            return failed_before_start(self.system, Outcome(IMPOSSIBLE, str(error), 0.0))
        except (ArithmeticError, ValueError) as error:
            message = f"doses or initial values cannot be computed: {error}"
            return failed_before_start(self.system, Outcome(NOT_FINITE, message, 0.0))
        times = self.times if self.keep else self.times[:1]
        return self._integrated(prepared.schedule.segments, prepared.initial, times, stop)

    def _by_scipy(self, stop: Stop) -> Simulate:
        """Simulates arms one by one, for their rules."""

        def simulate(arms: Sequence[Arm], numbers: Sequence[int]) -> list[Trajectory | None]:
            prepared = [prepared_arm(self.scenario, arm, self.system) for arm in arms]
            return [self._integrated(each.schedule.segments, each.initial, each.times, stop) for each in prepared]

        return simulate

    def _integrated(self, segments: Sequence[Segment], initial: Array, times: Array, stop: Stop) -> Trajectory:
        from ...numerics.solve import SECONDS, solve_above_noise  # SciPy, which the compiled engine seldom needs

        with self._lock:  # code is generated from one graph, which grows meanwhile
            self.system.prepare()

        def on_progress(share: float, calls: int) -> None:
            if stop():
                raise StoppedError

        seconds = SECONDS if self.compiled is None else RETRY_SECONDS
        method, rtol = scipy_solver(self.again)
        return solve_above_noise(
            self.system, initial, segments, times, rtol=rtol, method=method, seconds=seconds, on_progress=on_progress
        )


def scipy_solver(again: bool) -> tuple[str, float]:
    """The method of SciPy's and its relative tolerance, for members or for members that are computed `again`."""
    return (SECOND_OF_SCIPY, RTOL * TIGHTER) if again else (FIRST_OF_SCIPY, RTOL)


def prepare_members(
    scenario: Scenario,
    axes: Sequence[Axis],
    main: Sequence[str],
    measures: Sequence[SweepMeasure],
    keep: Sequence[str],
    times: Array,
    again: bool = False,
    follows: bool = False,
    rtol: float | None = None,
) -> PreparedMembers:
    """Everything that members share; arguments as in `PreparedMembers`, but `keep` by name or text. It may compile a
    program, which takes some seconds. follows: whether members may take the steps of others. rtol: the relative
    tolerance of the compiled engine, if it is not that of sweeps."""
    system = System(scenario.model)
    bound = [bind(each.tree, scenario.model) for each in measures]
    names = {name for arm in main for name in _arms_read(bound, arm)}
    arms = [arm for arm in scenario.arms if arm.name in names]
    functions: dict[str, dict[CurveFunction, None]] = {arm.name: {} for arm in arms}
    for arm, each in product(main, [function for own in bound for function in own.functions]):
        functions[_read(each, arm)][each._replace(arm="")] = None
    kept = [BoundFormula(scenario.curve(each)) for each in keep]
    for arm, tree in product(main, [tree for each in kept for tree in each.measures]):
        functions[arm][_function(tree, scenario)] = None
    read = tuple(dict.fromkeys(name for each in kept for name in each.curves))
    measured = tuple(dict.fromkeys(each.arguments.curve for own in functions.values() for each in own))
    fast = (
        compiled.CompiledArms(scenario, arms, axes, system, read, measured, again, follows, rtol)
        if available()
        else None
    )
    factors = [each.unit.to(own.unit) for each, own in zip(bound, measures, strict=True)]
    with_factors = list(zip(bound, factors, strict=True))
    return PreparedMembers(scenario, system, axes, main, kept, read, times, with_factors, functions, fast, again)


@dataclass(frozen=True)
class _ArmRun:
    """One arm of all members: the functions of its curves, the curves that are read, shape (members, curves, times),
    and of those that failed how, by row."""

    values: Mapping[CurveFunction, Values]
    kept: Array
    failures: Mapping[int, Outcome]


def _function(tree: Apply, scenario: Scenario) -> CurveFunction:
    """The one function of a curve that stands in a formula of curves, without the name of the arm."""
    [found] = bind(tree, scenario.model).functions
    return found._replace(arm="")


def _read(function: CurveFunction, arm: str) -> str:
    """The arm that a function reads where `arm` is read as the main one."""
    return arm if function.arm == MAIN else function.arm


def _arms_read(measures: Sequence[BoundMeasure], arm: str) -> list[str]:
    """The arms that must be simulated to measure with `arm` read as the main one; `arm` itself first."""
    return list(dict.fromkeys([arm, *(_read(each, arm) for bound in measures for each in bound.functions)]))
