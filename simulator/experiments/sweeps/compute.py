"""Computes members of a sweep: their numbers in, a block of values, measures and failures out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, repeat
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from ...numerics.dense_output import DenseOutput
from ...numerics.system import System
from ...numerics.trajectory import ATOL_OF_SCALE, NOT_FINITE, RTOL, Array, Outcome, Trajectory
from ..measures import arms_of, measure
from ..scenario import MAIN, Arm, Scenario
from ..schedule import prepare, saved_times
from . import compiled
from .designs import Design, Sweep
from .members import arm_with

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
KILLED = "killed"
LARGEST_GAP = 1_000  # members: drawing those between costs less than another call
MOST_DRAWN = 65_536  # members at once, for their memory

Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Block:
    """A few members, with everything of them that is stored.

    numbers: the members' numbers, shape (members,). values: shape (members, axes). measures: shape (members, arms,
    measures), NaN where there is no value. failed: shape (members, arms). outcomes: by (number, arm), of those that
    failed. curves: shape (members, arms, curves, times), or None where none is kept.
    """

    numbers: Numbers
    values: Array
    measures: Array
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
            self.failed[rows],
            {key: outcome for key, outcome in self.outcomes.items() if key[0] in kept},
            None if self.curves is None else self.curves[rows],
        )


@dataclass(frozen=True)
class SweepResult:
    """All members of a sweep that are available, in the order of their numbers.

    numbers, values, measures and failed are as in `Block`: `measures[:, a, j]` is measure j with arm a read as the
    main one. bands: by (arm, curve) the `QUANTILES` over members that did not fail, shape (quantiles, times).
    times: those of bands and curves, in the model's time unit. curves: by (arm, curve), shape (members, times); only
    where there are few members.
    """

    scenario: Scenario
    numbers: Numbers
    values: Array
    measures: Array
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
    if compiled.available():
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
    reads = {arm: _arms_read(sweep, arm) for arm in sweep.arms}
    runs = zip(*(trajectories(prepared, arm, block.values, stop) for arm in prepared.arms), strict=True)
    for row, runs_of_member in enumerate(runs):
        known = {arm.name: run for arm, run in zip(prepared.arms, runs_of_member, strict=True)}
        _measure_member(scenario, block, row, known, reads, outcomes)
    return block


def trajectories(prepared: PreparedSweep, arm: Arm, values: Array, stop: Callable[[], bool]) -> Iterator[Trajectory]:
    """Simulates `arm` for each row of `values`, shape (members, axes); yields a trajectory each, in order.

    A member that does not reach its end on the compiled engine is simulated by SciPy, whose outcome says why.
    """
    times = saved_times(prepared.scenario)
    fast = repeat(None) if prepared.compiled is None else prepared.compiled.trajectories(arm, values, times, stop)
    for row, run in zip(values, fast, strict=False):
        yield run or _simulate_with_scipy(prepared, arm, row, times)


def _simulate_with_scipy(prepared: PreparedSweep, arm: Arm, row: Array, times: Array) -> Trajectory:
    """Simulates one member with SciPy."""
    from ...numerics.solve import solve  # SciPy, which the compiled engine seldom needs

    scenario, system = prepared.scenario, prepared.system
    try:
        member = arm_with(scenario, arm, sweep_of(scenario).design.axes, row)
        schedule, _, initial = prepare(scenario, member, system)
    except (ArithmeticError, ValueError) as error:
        return _failed_before_start(system, f"doses or initial values cannot be computed: {error}")
    with _prepare_lock:  # code is generated from one graph, which grows meanwhile
        system.prepare()
    times = times if sweep_of(scenario).keep else times[:1]
    return solve(system, initial, schedule.segments, times)


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
    return Block(numbers, values_of(sweep.design, numbers), measures, np.zeros(size, dtype=bool), outcomes, curves)


def _measure_member(
    scenario: Scenario,
    block: Block,
    row: int,
    known: Mapping[str, Trajectory],
    reads: Mapping[str, Sequence[str]],
    outcomes: dict[tuple[int, str], Outcome],
) -> None:
    sweep = sweep_of(scenario)
    for place, arm in enumerate(sweep.arms):
        wrong = [name for name in reads[arm] if not known[name].outcome.ok]
        if wrong:
            block.failed[row, place] = True
            outcomes[int(block.numbers[row]), arm] = known[wrong[0]].outcome
            continue
        as_main = {**known, MAIN: known[arm]}
        for column, each in enumerate(sweep.measures):
            value, unit = measure(each.tree, scenario.model, as_main)
            block.measures[row, place, column] = value * unit.to(each.unit)
        if block.curves is not None:
            block.curves[row, place] = [known[arm][name] for name in sweep.keep]
    for run in known.values():
        run.dense.clear_cache()


def _arms_read(sweep: Sweep, arm: str) -> list[str]:
    """The arms that must be simulated to measure with `arm` read as the main one; `arm` itself first."""
    read = [name for each in sweep.measures for name in arms_of(each.tree)]
    return list(dict.fromkeys([arm, *(arm if name == MAIN else name for name in read)]))


def _failed_before_start(system: System, message: str) -> Trajectory:
    outcome = Outcome(NOT_FINITE, message, 0.0)
    return Trajectory(np.empty(0), {}, DenseOutput(system, []), outcome, {}, "")


@dataclass(frozen=True)
class PreparedSweep:
    """What all blocks of a sweep share. arms: those that must be simulated."""

    scenario: Scenario
    system: System
    arms: Sequence[Arm]
    compiled: compiled.CompiledSweep | None


_last_prepared: list[PreparedSweep] = []  # for one scenario: blocks of one sweep follow each other
_prepare_lock = Lock()


def _prepared(scenario: Scenario) -> PreparedSweep:
    with _prepare_lock:
        known = (
            _last_prepared
            and _last_prepared[0].scenario is scenario
            and (_last_prepared[0].compiled is not None) == compiled.available()
        )
        if not known:
            sweep, system = sweep_of(scenario), System(scenario.model)
            names = {name for arm in sweep.arms for name in _arms_read(sweep, arm)}
            arms = [arm for arm in scenario.arms if arm.name in names]
            fast = compiled.CompiledSweep(scenario, sweep, arms, system) if compiled.available() else None
            _last_prepared[:] = [PreparedSweep(scenario, system, arms, fast)]
        return _last_prepared[0]
