"""Computes members of a sweep: their numbers in, a block of values, measures and failures out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from ...numerics.compiled.availability import available
from ...numerics.trajectory import ATOL_OF_SCALE, Array, Outcome
from ..scenario import Scenario
from ..schedule import saved_times
from . import compiled
from .designs import Design, Sweep
from .prepared import Causes, PreparedMembers, prepare_members, scipy_solver

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
KILLED = "killed"
LARGEST_GAP = 1_000  # members: drawing those between costs less than another call
MOST_DRAWN = 65_536  # members at once, for their memory

Numbers = NDArray[np.int64]


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
    where there are few members. reasons: why members have no value, by arm and measure, as far as that was asked.
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
    reasons: dict[tuple[int, int], str] = field(default_factory=dict, compare=False, repr=False)

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


def solver(again: bool = False) -> str:
    """The solver that computes members here, or computes them `again`, with its tolerances, as the store records it."""
    if available():
        return compiled.solver(again)
    method, rtol = scipy_solver(again)
    return f"{method}, rtol {rtol:g}, atol rtol * {ATOL_OF_SCALE:g} * scale"


def compute(scenario: Scenario, numbers: Numbers, stop: Callable[[], bool] = lambda: False) -> Block:
    """Computes the members with these numbers, which increase: a pure function of scenario and numbers.

    Where an arm fails, or another arm that its measures read, the member's measures and curves are NaN.
    Raises `StoppedError` once `stop()` is true.
    """
    sweep, prepared = sweep_of(scenario), _prepared(scenario)
    outcomes: dict[tuple[int, str], Outcome] = {}
    block = _empty(scenario, numbers, outcomes)
    found = prepared.compute(block.values, stop)
    for place, arm in enumerate(sweep.arms):
        block.measures[:, place], block.causes[:, place] = found[arm].measures, found[arm].causes
        if block.curves is not None:
            block.curves[:, place] = found[arm].curves
        for row, outcome in found[arm].failures.items():
            block.failed[row, place] = True
            outcomes[int(numbers[row]), arm] = outcome
    return block


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


_last_prepared: list[PreparedMembers] = []  # for one scenario: blocks of one sweep follow each other
_prepare_lock = Lock()


def _prepared(scenario: Scenario) -> PreparedMembers:
    with _prepare_lock:
        known = (
            _last_prepared
            and _last_prepared[0].scenario is scenario
            and (_last_prepared[0].compiled is not None) == available()
        )
        if not known:
            sweep = sweep_of(scenario)
            axes, times = sweep.design.axes, saved_times(scenario)
            _last_prepared[:] = [
                prepare_members(scenario, axes, sweep.arms, sweep.measures, sweep.keep, times, sweep.again)
            ]
        return _last_prepared[0]
