"""Members of a sweep computed: some numbers in, a block of values, measures and failures out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, repeat
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from ...numerics.dense_output import DenseOutput
from ...numerics.parameter_formulas import initial_values
from ...numerics.system import System
from ...numerics.trajectory import ATOL_OF_SCALE, NOT_FINITE, RTOL, Array, Outcome, Trajectory
from ..measures import arms_of, measure
from ..scenario import MAIN, Arm, Scenario
from ..schedule import SAME_TIME, compile_schedule
from . import compiled
from .designs import Design, Sweep
from .members import arm_with

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
KILLED = "killed"
FAR = 1_000  # members that are drawn in the time of a call: a wider gap is left out
DRAWN = 65_536  # members drawn at once, at most: for their memory

Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Block:
    """What a few members gave; everything that is stored.

    numbers: (m,) the members' numbers. values: (m, axes). measures: (m, arms, measures), NaN where it
    cannot be had. failed: (m, arms), with the outcome of each in `outcomes` by (number, arm).
    curves: (m, arms, keep, times), or None where none is kept.
    """

    numbers: Numbers
    values: Array
    measures: Array
    failed: NDArray[np.bool_]
    outcomes: Mapping[tuple[int, str], Outcome]
    curves: Array | None

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> Block:
        """The same for some rows."""
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
    """A sweep, in the order of the members' numbers: all members that are there.

    numbers, values, measures and failed are as in `Block`: `measures[:, a, j]` is measure j with arm a read
    as main. bands: by (arm, curve), the `QUANTILES` over members that did not fail, (quantiles, times).
    times: of bands, in the model's time unit. curves: by (arm, curve), (members, times), of few members only.
    """

    scenario: Scenario
    numbers: Numbers
    values: Array
    measures: Array
    failed: NDArray[np.bool_]
    bands: Mapping[tuple[str, str], Array]
    times: Array
    curves: Mapping[tuple[str, str], Array] = field(default_factory=dict)


def sweep_of(scenario: Scenario) -> Sweep:
    """The sweep of `scenario`; ValueError if it has none."""
    if scenario.sweep is None:
        raise ValueError(f"scenario {scenario.id} has no sweep")
    return scenario.sweep


def curve_times(scenario: Scenario) -> Array:
    """Every multiple of `every` up to the end, at which curves are kept."""
    count = math.floor(scenario.end / scenario.every * (1 + 1e-12))
    times: Array = np.minimum(np.arange(count + 1) * scenario.every, scenario.end)
    return times


def values_of(design: Design, numbers: Numbers) -> Array:
    """The values of some members, (m, axes); numbers increase."""
    apart = (np.diff(numbers) > FAR) | (np.diff(numbers // DRAWN) > 0)
    cuts = [0, *(np.flatnonzero(apart) + 1).tolist(), len(numbers)]
    parts = [numbers[a:b] for a, b in pairwise(cuts) if b > a]
    rows = [design.values(int(part[0]), int(part[-1]) + 1)[part - part[0]] for part in parts]
    return np.concatenate(rows) if rows else np.empty((0, len(design.axes)))


def solver() -> str:
    """What computes the members here, as the store knows it."""
    if compiled.available():
        return compiled.SOLVER
    return f"LSODA, rtol {RTOL:g}, atol rtol * {ATOL_OF_SCALE:g} * scale"


def compute(scenario: Scenario, numbers: Numbers, stop: Callable[[], bool] = lambda: False) -> Block:
    """The members with these numbers, which increase; a pure function, or `StoppedError` once `stop()` is true.

    A member whose run fails, or in which an arm that its measures read fails, is missing there (NaN).
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


def trajectories(prepared: Prepared, arm: Arm, values: Array, stop: Callable[[], bool]) -> Iterator[Trajectory]:
    """One run of `arm` for each row of `values` (m, axes), in order: of the compiled engine where there is one.
    A member that does not reach its end there is tried again by SciPy, whose outcome says why."""
    times = curve_times(prepared.scenario)
    fast = repeat(None) if prepared.compiled is None else prepared.compiled.runs(arm, values, times, stop)
    for row, run in zip(values, fast, strict=False):
        yield run or _alone(prepared, arm, row, times)


def _alone(prepared: Prepared, arm: Arm, row: Array, times: Array) -> Trajectory:
    """One run by SciPy."""
    from ...numerics.solve import solve  # slow to import, and seldom needed beside the compiled engine

    scenario, system = prepared.scenario, prepared.system
    try:
        member = arm_with(scenario, arm, sweep_of(scenario).design.axes, row)
        schedule = compile_schedule(scenario, member, system)
        initial = initial_values(scenario.model, scenario.parameters(member)) | dict(member.initial)
    except (ArithmeticError, ValueError) as error:
        return _never_begun(system, f"doses or initial values cannot be computed: {error}")
    with _one_prepares:  # code is written from one graph, which grows
        system.prepare()
    start = np.array([initial[name] for name in system.species])
    times = times if sweep_of(scenario).keep else times[:1]
    return solve(system, start, schedule.segments, _after_edges(times, schedule.edges, scenario.end))


def killed(scenario: Scenario, number: int, message: str) -> Block:
    """The block of a member that ends every process that computes it."""
    outcomes = {(number, arm): Outcome(KILLED, message) for arm in sweep_of(scenario).arms}
    block = _empty(scenario, np.array([number], dtype=np.int64), outcomes)
    block.failed[:] = True
    return block


def _empty(scenario: Scenario, numbers: Numbers, outcomes: Mapping[tuple[int, str], Outcome]) -> Block:
    sweep = sweep_of(scenario)
    size = len(numbers), len(sweep.arms)
    curves = np.full((*size, len(sweep.keep), len(curve_times(scenario))), np.nan) if sweep.keep else None
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
    """The arms that must run to measure with `arm` read as main, itself first."""
    read = [name for each in sweep.measures for name in arms_of(each.tree)]
    return list(dict.fromkeys([arm, *(arm if name == MAIN else name for name in read)]))


def _after_edges(times: Array, edges: Sequence[float], end: float) -> Array:
    """`times`, each moved to the edge that it means, so that what is saved there is the value after it."""
    if not edges:
        return times
    marks = np.array(edges)
    near = np.searchsorted(marks, times - SAME_TIME * end).clip(max=len(marks) - 1)
    return np.where(np.abs(marks[near] - times) <= SAME_TIME * end, marks[near], times)


def _never_begun(system: System, message: str) -> Trajectory:
    outcome = Outcome(NOT_FINITE, message, 0.0)
    return Trajectory(np.empty(0), {}, DenseOutput(system, []), outcome, {}, "")


@dataclass(frozen=True)
class Prepared:
    """What all blocks of a sweep share. arms: those that must run."""

    scenario: Scenario
    system: System
    arms: Sequence[Arm]
    compiled: compiled.CompiledSweep | None


_ready: list[Prepared] = []  # of the last scenario: blocks of one sweep follow each other
_one_prepares = Lock()


def _prepared(scenario: Scenario) -> Prepared:
    with _one_prepares:
        known = _ready and _ready[0].scenario is scenario and (_ready[0].compiled is not None) == compiled.available()
        if not known:
            sweep, system = sweep_of(scenario), System(scenario.model)
            names = {name for arm in sweep.arms for name in _arms_read(sweep, arm)}
            arms = [arm for arm in scenario.arms if arm.name in names]
            fast = compiled.CompiledSweep(scenario, sweep, arms, system) if compiled.available() else None
            _ready[:] = [Prepared(scenario, system, arms, fast)]
        return _ready[0]
