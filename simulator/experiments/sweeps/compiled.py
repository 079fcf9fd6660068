"""Members of a sweep on the compiled engine, as curves that can be measured like those of SciPy."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from ...numerics.compiled.engine import COMPILED_RTOL, Batch, BatchResult, StoppedError
from ...numerics.dense_output import RecordedCurves
from ...numerics.parameter_formulas import ParameterFormulas
from ...numerics.reduced_system import ReducedSystem, reduce_system
from ...numerics.system import System
from ...numerics.trajectory import ATOL_OF_SCALE, Array, Outcome, Trajectory
from ..awake import awake_species
from ..conditions import curves_of_condition
from ..decisions import Decided, decided_arms
from ..periodic import has_steady_dose, periodic_starts
from ..scenario import Arm, Scenario, crossings_of, switches_of
from ..schedule import prepare
from ..solving import TIGHTER, problem_of, states_of_model
from ..timetable import TimetableError
from .designs import Axis
from .members import ArmMembers, Rows, arm_with
from .paths import split_path
from .recorder import Recorder

MEMBERS_AT_ONCE = 128  # members whose curves are in memory at once: few enough that the memory is reused
MEMBERS_WITHOUT_MEASURES = 1_024  # the same where only values at the output times are wanted


def rtol_of(again: bool) -> float:
    """The relative tolerance of members, or of members that are computed `again`."""
    return COMPILED_RTOL * TIGHTER if again else COMPILED_RTOL


def solver(again: bool) -> str:
    """The solver that computes members, or computes them `again`."""
    return f"Rodas5P, compiled, rtol {rtol_of(again):g}, atol rtol * {ATOL_OF_SCALE:g} * scale"


class CompiledMembers(NamedTuple):
    """Members that reached their end. curves: None where none are measured. kept: the curves at the output times, shape
    (members, curves, times)."""

    curves: RecordedCurves | None
    kept: Array


class CompiledArms:
    """Some arms of a scenario as machine code: one program for all of them and all their members."""

    def __init__(
        self,
        scenario: Scenario,
        arms: Sequence[Arm],
        axes: Sequence[Axis],
        system: System,
        keep: Sequence[str],
        measured: Sequence[str],
        again: bool,
        follows: bool,
        rtol: float | None,
    ) -> None:
        """keep: the species and observables wanted at the output times. measured: those of which measures are. again:
        see `rtol_of`. follows: whether members may take the steps of others. rtol: another relative
        tolerance."""
        self.system, self._rtol = system, rtol or rtol_of(again)
        self._scenario, self._axes = scenario, axes
        self._members = {arm.name: ArmMembers(scenario, arm, system, axes) for arm in arms}
        self._steady = {arm.name: arm for arm in arms if has_steady_dose(arm)}
        self._ruled = {arm.name: arm for arm in arms if arm.rules}
        awake = _awake(scenario, arms, axes) if self._steady else ()
        self._many = states_of_model(system, awake) if self._steady else None
        reduced = reduced_system_for(scenario, arms, axes)
        self._measures = bool(measured)
        self._recorder = Recorder(reduced, system, keep, measured, self._rtol, follows)
        looked_at = {name for arm in arms for rule in arm.rules for name in curves_of_condition(rule.condition)}
        self._of_rules = Recorder(reduced, system, (), sorted(looked_at), self._rtol, follows) if looked_at else None
        self._at_once = MEMBERS_AT_ONCE if measured else MEMBERS_WITHOUT_MEASURES

    def run(
        self,
        arm: str,
        values: Array,
        times: Array,
        endless: dict[int, str],
        stop: Callable[[], bool] = lambda: False,
        owners: Rows | None = None,
    ) -> Iterator[tuple[Rows, CompiledMembers]]:
        """Simulates an arm for many members.

        Args:
            arm: Its name.
            values: A row for each member, shape (members, axes).
            times: When the curves that are kept are saved, in the model's time unit.
            endless: Is filled with the rows of members with a rule that goes on for ever, and what it does.
            stop: Asked while members are computed.
            owners: For each row the row whose steps it takes, as `run_beside` says, which comes first of all that take
                them; None: each takes its own. It needs a program that `follows`.

        Yields:
            Some rows, and their members; the rows of members that do not reach their end are in none.

        Raises:
            StoppedError: Soon after `stop()` is true.
        """
        if arm in self._ruled and arm in self._steady:
            return  # rules decide after the steady state is found: SciPy does both, one member after the other
        for first, last in parts_of(len(values), self._at_once, owners):
            some, own = values[first:last], None if owners is None else owners[first:last] - first
            if arm in self._ruled:
                batches, problems = self._decided(arm, some, stop, own)
                endless |= {first + row: problem for row, problem in problems.items()}
            else:
                batches = self._members[arm].batches(some)
            for all_rows, given in batches:
                rows, batch = self._in_steady_state(arm, some, all_rows, given, stop)
                lanes, steps = self._recorder.run(batch, owners_among(rows, own), times, stop)
                done = np.flatnonzero(lanes.done)
                if len(done):
                    curves = self._recorder.curves(lanes, batch, done, steps) if self._measures else None
                    yield first + rows[done], CompiledMembers(curves, self._kept(lanes, done))

    def _decided(
        self, arm: str, values: Array, stop: Callable[[], bool], owners: Rows | None
    ) -> tuple[list[tuple[Rows, Batch]], dict[int, str]]:
        """Members with what their rules decide; and by row what rules do that go on for ever. Of those that are in
        neither SciPy will say why."""
        from ...numerics.compiled.arms import batch_of  # needs llvmlite

        rows, arms = [], []
        for row in range(len(values)):
            try:
                arms.append(arm_with(self._scenario, self._ruled[arm], self._axes, values[row]))
                rows.append(row)
            except TimetableError:
                continue
        problems, kept, endless = [], [], {}
        of_rows = owners_among(np.array(rows, dtype=np.intp), owners)
        for row, decided in zip(rows, self._decisions(arms, stop, of_rows), strict=True):
            if decided.problem:
                endless[row] = decided.problem
                continue
            try:
                prepared = prepare(self._scenario, decided.arm, self.system)
            except TimetableError:
                continue
            problems.append(problem_of(prepared, self._rtol))
            kept.append(row)
        return ([(np.array(kept, dtype=np.intp), batch_of(problems))] if problems else []), endless

    def _decisions(self, arms: Sequence[Arm], stop: Callable[[], bool], owners: Rows | None) -> list[Decided]:
        from ...numerics.compiled.arms import batch_of  # needs llvmlite

        end = self._scenario.end

        def simulate(some: Sequence[Arm], numbers: Sequence[int]) -> list[Trajectory | None]:
            if stop():
                raise StoppedError
            found: list[Trajectory | None] = [None] * len(some)
            problems = {}
            for number, each in enumerate(some):
                try:
                    problems[number] = problem_of(prepare(self._scenario, each, self.system), self._rtol)
                except TimetableError:
                    continue  # a delay brought two things too near to each other
            if self._of_rules is not None and problems:
                batch = batch_of(list(problems.values()))
                own = owners_among(np.array([numbers[place] for place in problems], dtype=np.intp), owners)
                lanes, steps = self._of_rules.run(batch, own, np.empty(0), stop)
                for row, number in enumerate(problems):
                    if lanes.done[row]:
                        curves = self._of_rules.curves(lanes, batch, np.array([row]), steps)
                        found[number] = Trajectory(np.array([0.0, end]), {}, curves, Outcome(), {}, "")
            return found

        return decided_arms(arms, self._scenario.model, end, simulate)

    def _in_steady_state(
        self, arm: str, values: Array, rows: Rows, batch: Batch, stop: Callable[[], bool]
    ) -> tuple[Rows, Batch]:
        """Members that start in the steady state of their regimen, without those that have none."""
        if arm not in self._steady or self._many is None:
            return rows, batch
        if stop():
            raise StoppedError
        arms = [arm_with(self._scenario, self._steady[arm], self._axes, values[row]) for row in rows.tolist()]
        found_starts = periodic_starts(self._scenario, arms, self.system, self._many)
        # Of the others SciPy will say why they have none
        starts = {place: each for place, each in enumerate(found_starts) if not isinstance(each, ValueError)}
        found = np.array(list(starts), dtype=np.intp)
        initial = np.array(list(starts.values())).reshape(len(found), batch.initial.shape[1])
        return rows[found], replace(batch.take(found), initial=initial)

    def _kept(self, lanes: BatchResult, done: Rows) -> Array:
        return lanes.grid[done].transpose(0, 2, 1)


def parts_of(count: int, most: int, owners: Rows | None) -> list[tuple[int, int]]:
    """The first row of each part and the one after its last, about `most` in each; those of one owner stay together."""
    starts = np.arange(count) if owners is None else np.flatnonzero(owners == np.arange(count))
    wanted = np.arange(0, count, most)
    bounds = np.unique([*starts[np.searchsorted(starts, wanted, side="right") - 1], count]).tolist()
    return list(pairwise(bounds))


def owners_among(rows: Rows, owners: Rows | None) -> Rows | None:
    """By their places the owners of some members; one whose owner is not among them takes its own steps."""
    if owners is None:
        return None
    places = {row: place for place, row in enumerate(rows.tolist())}
    found = [places.get(owner, place) for place, owner in enumerate(owners[rows].tolist())]
    return np.array(found, dtype=np.intp)


def reduced_system_for(scenario: Scenario, arms: Sequence[Arm], axes: Sequence[Axis]) -> ReducedSystem:
    """The system reduced to what can be nonzero in any member of any of `arms`."""
    kinds = [split_path(axis.path) for axis in axes]
    varied = {name for kind, name, _ in kinds if kind == "parameter"}
    changed = {key for kind, _, key in kinds if kind == "change"}
    changed |= {name for arm in arms for change in arm.changes for name in change.parameters}
    changed |= {name for arm in arms for each in arm.inputs for name in each.piece(0)}
    changed |= {name for arm in arms for rule in crossings_of(arm) for name in rule.parameters}
    changed |= {rule.parameter for arm in arms for rule in switches_of(arm)}
    values = [scenario.parameters(arm) for arm in arms]
    fixed = {
        name: value
        for name, value in values[0].items()
        if name not in varied | changed and all(each[name] == value for each in values)
    }
    over = {name for kind, name, key in kinds if kind == "dose" and key == "over"}
    infused = {dose.target for arm in arms for dose in arm.doses if dose.infused or dose.name in over}
    return reduce_system(scenario.model, _awake(scenario, arms, axes), infused, fixed)


def _awake(scenario: Scenario, arms: Sequence[Arm], axes: Sequence[Axis]) -> set[str]:
    """The species that may start above zero, or are dosed, in some member of `arms`."""
    kinds = [split_path(axis.path) for axis in axes]
    varied = {name for kind, name, _ in kinds if kind == "parameter"}
    initial = {name for kind, name, _ in kinds if kind == "initial"}
    return initial | awake_species(scenario, arms, ParameterFormulas(scenario.model), varied)
