"""How far the members of a sweep can be trusted: some are computed again, more tightly, and their measures compared."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...numerics.system import System
from ...numerics.trajectory import ATOL_OF_SCALE, Array
from ..certificate import MOST_DIGITS, RELIABLE, SMALL
from ..measures import curve_names
from ..scenario import Scenario
from .compute import Block, Numbers, SweepResult, sweep_of
from .statistics import outer_axes, varied_axes

LEAST = 16  # members that are computed again, if there are as many
NOISE = 1e-3  # of the median size of a measure over all members: what is so much smaller counts as nothing

Rows = NDArray[np.intp]


class CertifyMembers(StrEnum):
    """Which members of a sweep are computed again: none, some (see `members_to_repeat`), or all."""

    OFF = "off"
    SOME = "some"
    ALL = "all"


class WorstMeasure(NamedTuple):
    """The measure of a member that differs most between its two computations."""

    number: int
    arm: str
    measure: str
    first: float
    second: float


@dataclass(frozen=True)
class SweepCertificate:
    """How far two computations of some members agree.

    numbers: of the members that were computed twice, shape (members,). digits: of each the digits of its worst
    measure, of the same shape. worst: the measure with the fewest digits of all, and both of its values; None where
    all agree. solver: of the second computation. reason: why no member was computed twice.
    """

    numbers: Numbers
    digits: Array
    worst: WorstMeasure | None = None
    solver: str = ""
    reason: str = ""

    @property
    def median(self) -> float | None:
        """The median of the digits; None without any."""
        return float(np.median(self.digits)) if len(self.digits) else None

    @property
    def least(self) -> float | None:
        """The fewest digits; None without any."""
        return float(self.digits.min()) if len(self.digits) else None

    @property
    def unreliable(self) -> dict[int, float]:
        """The members with fewer than `RELIABLE` digits, and how many they have."""
        few = self.digits < RELIABLE
        return dict(zip(self.numbers[few].tolist(), self.digits[few].tolist(), strict=True))

    @property
    def reliable(self) -> bool | None:
        """Whether every member that was computed twice has enough digits; None where none was."""
        return not self.unreliable if len(self.numbers) else None


def not_certified(reason: str) -> SweepCertificate:
    """The certificate of a sweep of which no member was computed twice."""
    return SweepCertificate(np.empty(0, dtype=np.int64), np.empty(0), reason=reason)


def again(scenario: Scenario) -> Scenario:
    """The same sweep, whose members are computed more tightly, and on SciPy by another method."""
    return replace(scenario, sweep=replace(sweep_of(scenario), again=True))


def members_to_repeat(result: SweepResult, known: Numbers) -> Numbers:
    """The numbers, increasing, of the members to compute twice; members that failed in every arm are left out.

    Those are the members at the lowest and the highest value of each axis, and others at random until there are `LEAST`
    with those in `known`, which have been computed twice; of a population without axes those at the lowest and the
    highest value of each measure, and `LEAST` others.
    """
    good = np.flatnonzero(~result.failed.all(axis=1))
    if not len(good):
        return np.empty(0, dtype=np.int64)
    axes = _axes(result)
    columns = [result.values[:, axis] for axis in axes]
    if not axes:
        columns = [result.measures[:, arm, measure] for arm, measure in np.ndindex(result.measures.shape[1:])]
    rows = {row for column in columns for row in _extremes(column, good)}
    chosen = set(result.numbers[sorted(rows)].tolist())
    others = np.random.default_rng(0).permutation(result.numbers[good]).tolist()  # the same each time
    taken = chosen | set(known.tolist())
    wanted = LEAST - len(taken if axes else taken - chosen)
    chosen |= set([number for number in others if number not in taken][: max(0, wanted)])
    return np.array(sorted(chosen), dtype=np.int64)


def _axes(result: SweepResult) -> list[int]:
    """The columns of the axes that vary, but for those in which patients differ."""
    kind = result.sweep.design.kind
    return outer_axes(result) if kind == "product" else [] if kind == "population" else varied_axes(result)


def _extremes(column: Array, good: Rows) -> list[int]:
    """The rows among `good` with the lowest and the highest finite value, the first where several have it."""
    known = good[np.isfinite(column[good])]
    return [int(known[column[known].argmin()]), int(known[column[known].argmax()])] if len(known) else []


def compare_members(result: SweepResult, second: Block, solver: str) -> SweepCertificate:
    """The certificate of `result` by the second computation of some of its members, by `solver`."""
    if not result.measures.shape[2]:
        return not_certified("nothing is measured")
    rows = np.searchsorted(result.numbers, second.numbers)
    a, b = result.measures[rows], second.measures
    with np.errstate(all="ignore"):
        error = np.abs(a - b) / (np.abs(b) + np.maximum(NOISE * _typical(result), _floors(result.scenario)))
    error[np.isnan(error)] = np.inf  # one of the two has no value
    error[(a == b) | (np.isnan(a) & np.isnan(b))] = 0.0
    error[result.failed[rows]] = 0.0  # there is nothing to be trusted
    error[second.failed & ~result.failed[rows]] = np.inf
    with np.errstate(divide="ignore"):
        digits = np.clip(-np.log10(error.max(axis=(1, 2))), 0.0, MOST_DIGITS)
    worst = None
    if error.any():
        member, arm, measure = (int(i) for i in np.unravel_index(error.argmax(), error.shape))
        sweep, values = result.sweep, (float(a[member, arm, measure]), float(b[member, arm, measure]))
        worst = WorstMeasure(int(second.numbers[member]), sweep.arms[arm], sweep.measures[measure].id, *values)
    return SweepCertificate(second.numbers, digits, worst, solver)


def _typical(result: SweepResult) -> Array:
    """The median size of each measure where it is not zero, shape (arms, measures); 0 where it always is."""
    found = np.zeros(result.measures.shape[1:])
    for arm, measure in np.ndindex(found.shape):
        sizes = np.abs(result.measures[:, arm, measure])
        sizes = sizes[np.isfinite(sizes) & (sizes > 0)]
        found[arm, measure] = np.median(sizes) if len(sizes) else 0.0
    return found


def _floors(scenario: Scenario) -> Array:
    """The size below which each measure counts as nothing, shape (measures,): that of its curves, where it has their
    unit, and 0 where it has another."""
    model, arm = scenario.model, scenario.arm(sweep_of(scenario).arms[0])
    system, values = System(model), scenario.parameters(arm)
    [typical] = system.typical_sizes(np.array([[values[name] for name in system.parameters]]))
    found = []
    for each in sweep_of(scenario).measures:
        names = [name for name in curve_names(each.tree, model) if model.unit(name).same_dimension(each.unit)]
        sizes = [typical[name] * model.unit(name).to(each.unit) for name in names]
        found.append(ATOL_OF_SCALE * SMALL * max(sizes, default=0.0))
    return np.array(found)
