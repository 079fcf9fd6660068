"""Data next to the curves of many members at once: what a search makes small.

A place is the values that are estimated, each from 0 at the lower end of its range to 1 at the upper one, on its scale.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from threading import Event

import numpy as np
from scipy.special import log_ndtr

from ...numerics.compiled.engine import COMPILED_RTOL, StoppedError
from ...numerics.trajectory import Array, Outcome
from ..residuals import DataResult, data_result
from ..scenario import Data, Scenario
from ..sweeps.compiled import parts_of
from ..sweeps.members import Rows
from ..sweeps.prepared import ArmMembersResult, PreparedMembers, prepare_members
from .weighing import weighing

STEP = 3e-5  # of derivatives: in logarithms, or of the value; members take the same steps, and differ smoothly
ROUGH_STEP = 2e-3  # the same where they do not: on SciPy
LEAST_STEP = 0.05  # of the step, times the range, where the value is near zero
NEARLY_ZERO = 1e-12  # of the largest value of its data
ROUGH_SHARE, ROUGHEST = 3e-3, 1e-4  # of the smallest error of the data; relative tolerance
LEAST_ROWS = 16  # of members for one thread
LEAST_ERROR = 1e-9  # of the largest value of its data: a perfect fit has errors too


@dataclass(frozen=True)
class Simulated:
    """Some members.

    values: of each data, shape (members, points), in its unit; NaN where a curve has none. failures: by row, of those
    that did not reach their end; everything of them is NaN.
    """

    values: Sequence[Array]
    failures: Mapping[int, Outcome]

    def rows(self, first: int, last: int) -> Simulated:
        """Members `first` to `last`, without `last`."""
        failures = {row - first: each for row, each in self.failures.items() if first <= row < last}
        return Simulated([each[first:last] for each in self.values], failures)


class FitProblem:
    """A scenario with a fit, ready to be computed at many places.

    Attributes:
        scenario, fit: what is fitted. data: those with points, and of them those that have an error.
        low, width: ends and widths of the ranges on their scales, shape (p,).
    """

    def __init__(self, scenario: Scenario) -> None:
        if scenario.fit is None:
            raise ValueError(f"scenario {scenario.id} has no fit")
        self.scenario, self.fit = scenario, scenario.fit
        self.data = tuple([each for each in map(weighing, scenario.data) if each.points])
        ends = np.array([each.ends for each in self.fit.estimates])
        self.low, self.width = ends[:, 0], ends[:, 1] - ends[:, 0]
        self._curves = list(dict.fromkeys(each.curve.text for each in self.data))
        arms = tuple(dict.fromkeys(each.arm for each in self.data))
        axes = [each.axis for each in self.fit.estimates]
        times = np.unique([point.time for each in self.data for point in each.points])
        prepare = partial(prepare_members, scenario, axes, arms, (), self._curves, times, follows=True)
        self._members = prepare(again=True)
        self._rough_members = prepare(rtol=_rough_tolerance(first_errors(self), self.data))
        self._step = STEP if self._members.compiled is not None else ROUGH_STEP
        self._at = [np.array([point.time for point in each.points]) for each in self.data]

    def __reduce__(self) -> tuple[type[FitProblem], tuple[Scenario]]:
        """A pickle holds the scenario; machine code cannot be copied, and is made again."""
        return FitProblem, (self.scenario,)

    @property
    def names(self) -> list[str]:
        """What is estimated: the paths, as of a sweep."""
        return [each.axis.path for each in self.fit.estimates]

    @property
    def size(self) -> int:
        """How many values are estimated."""
        return len(self.fit.estimates)

    @property
    def points(self) -> int:
        """How many points the data have."""
        return sum(len(each.points) for each in self.data)

    @property
    def spare(self) -> int:
        """Degrees of freedom: how many more points and priors there are than values."""
        return self.points + sum(each.prior is not None for each in self.fit.estimates) - self.size

    def values(self, places: Array) -> Array:
        """The values at places, both of shape (members, p), in the units of the axes."""
        scaled = self.low + np.clip(places, 0.0, 1.0) * self.width
        columns = []
        for column, each in zip(scaled.T, self.fit.estimates, strict=True):
            found = np.exp(column) if each.axis.log else column
            columns.append(np.clip(found, each.axis.low, each.axis.high))
        return np.stack(columns, axis=1)

    def places(self, values: Array) -> Array:
        """The places of values, both of shape (members, p)."""
        logs = np.array([each.axis.log for each in self.fit.estimates])
        with np.errstate(all="ignore"):
            scaled = np.where(logs, np.log(np.where(logs, values, 1.0)), values)
        return np.asarray((scaled - self.low) / self.width)

    def default(self) -> Array | None:
        """The place of the values that the scenario has, shape (p,); None if one of them is outside its range."""
        values = [each.axis.default for each in self.fit.estimates]
        if any(value is None for value in values):
            return None
        place = self.places(np.array([values], dtype=float))[0]
        return place if bool(((place >= 0.0) & (place <= 1.0)).all()) else None

    def simulate(self, places: Array, owners: Rows | None = None) -> Simulated:
        """The curves at the points of all data, for each row of `places`, shape (members, p).

        owners: for each the row whose steps it takes, which comes first of all that take them, shape (members,); None:
        each takes its own. Raises KeyboardInterrupt after Ctrl-C.
        """
        return self._simulated(self._members, places, self._at, owners)

    def roughly(self, places: Array, owners: Rows | None = None) -> Simulated:
        """The same at a tolerance that is far below the errors of the data, which is enough to find the way."""
        return self._simulated(self._rough_members, places, self._at, owners)

    def courses(self, shown: Sequence[Data], places: Array, times: Array, owners: Rows) -> Simulated:
        """The curves of `shown` at `times`, which rise."""
        arms = tuple(dict.fromkeys(each.arm for each in shown))
        curves = list(dict.fromkeys(each.curve.text for each in shown))
        axes = [each.axis for each in self.fit.estimates]
        members = prepare_members(self.scenario, axes, arms, (), curves, times, again=True, follows=True)
        parts = _in_threads(members, self.values(places), owners)
        return _of_parts(shown, curves, parts, [np.arange(len(times))] * len(shown))

    def _simulated(
        self, members: PreparedMembers, places: Array, at: Sequence[Array], owners: Rows | None
    ) -> Simulated:
        parts = _in_threads(members, self.values(places), owners)
        where = [np.searchsorted(members.times, times) for times in at]
        return _of_parts(self.data, self._curves, parts, where)

    def steps(self, place: Array, which: Sequence[int], sides: int = 2) -> Array:
        """The places from which the derivatives by the values `which` follow: shape (sides * which, p). With two sides
        each a little above and then a little below, where the range has room; with one, to where there is more."""
        rows = np.repeat(place[None, :], sides * len(which), axis=0)
        for i, each in enumerate(which):
            estimate = self.fit.estimates[each]
            here = self.low[each] + place[each] * self.width[each]
            size = self._step
            size *= 1.0 if estimate.axis.log else max(abs(here), LEAST_STEP * self.width[each])
            above = min(place[each] + size / self.width[each], 1.0)
            below = max(place[each] - size / self.width[each], 0.0)
            ends = (above, below) if sides == 2 else (above if place[each] < 0.5 else below,)
            rows[sides * i : sides * (i + 1), each] = ends
        return rows


def _of_parts(
    data: Sequence[Data], curves: Sequence[str], parts: Sequence[Mapping[str, ArmMembersResult]], at: Sequence[Rows]
) -> Simulated:
    """The curve of each data, in its unit; at: the numbers of the times that are wanted of each."""
    values, failures = [], dict[int, Outcome]()
    for each, where in zip(data, at, strict=True):
        column, first = curves.index(each.curve.text), 0
        own = np.concatenate([part[each.arm].curves[:, column][:, where] for part in parts])
        values.append(np.where(np.isfinite(own), own, np.nan) * each.curve.unit.to(each.unit))
        for part in parts:
            failures |= {first + row: outcome for row, outcome in part[each.arm].failures.items()}
            first += len(part[each.arm].curves)
    for own in values:
        own[list(failures)] = np.nan
    return Simulated(values, failures)


def _rough_tolerance(errors: Sequence[Array], data: Sequence[Data]) -> float:
    """The relative tolerance of searches that find the way: of the smallest error, in terms of its value."""
    shares = [1.0]
    for each, own in zip(data, errors, strict=True):
        values = np.array([abs(point.value) for point in each.points])
        shares += [float(own.min())] if each.error.kind == "lognormal" else (own / np.maximum(values, own)).tolist()
    return min(max(ROUGH_SHARE * min(shares), COMPILED_RTOL), ROUGHEST)


def _in_threads(members: PreparedMembers, values: Array, owners: Rows | None) -> list[dict[str, ArmMembersResult]]:
    """The members whose values are the rows of `values`, in parts that follow each other, one for each processor. Every
    row is the same in any part. Raises KeyboardInterrupt after Ctrl-C."""
    count = min(os.cpu_count() or 1, len(values) // LEAST_ROWS) if members.compiled is not None else 1
    try:
        if count < 2:
            return [members.compute(values, owners=owners)]
        bounds = parts_of(len(values), -(-len(values) // count), owners)
        stopped = Event()
        with ThreadPoolExecutor(count) as pool:
            parts = [
                pool.submit(
                    members.compute,
                    values[first:last],
                    stopped.is_set,
                    None if owners is None else owners[first:last] - first,
                )
                for first, last in bounds
            ]
            try:
                return [each.result() for each in parts]
            except BaseException:
                stopped.set()  # the pool waits for the others, which end soon
                raise
    except StoppedError:
        raise KeyboardInterrupt from None


@dataclass(frozen=True)
class Residuals:
    """Measured less simulated, in units of errors that are the same for all members, and what priors add.

    values: what was measured, of each data, shape (points,). censored: which of them are limits. errors: of each data,
    shape (points,), on the scale of its residuals.
    """

    problem: FitProblem
    values: Sequence[Array]
    censored: Sequence[Array]
    errors: Sequence[Array]

    def of(self, simulated: Simulated, places: Array) -> Array:
        """Shape (members, points + priors); NaN where a curve has no value. Half the sum of their squares is, but for
        a constant, minus the logarithm of the likelihood."""
        columns = []
        known = zip(self.problem.data, simulated.values, self.values, self.censored, self.errors, strict=True)
        for data, curves, values, censored, errors in known:
            with np.errstate(all="ignore"):
                log = data.error.kind == "lognormal"
                found = (_log_ratio(values, curves) if log else values - curves) / errors
                found = np.where(np.isfinite(found), found, np.nan)
                below = np.where(censored, np.sqrt(-2.0 * log_ndtr(found)), found)
            columns.append(below)
        return np.concatenate([*columns, self._priors(places)], axis=1)

    def _priors(self, places: Array) -> Array:
        values = self.problem.values(places)
        columns = []
        for column, each in zip(values.T, self.problem.fit.estimates, strict=True):
            prior = each.prior
            if prior is not None:
                off = np.log(column / prior.value) if prior.log else column - prior.value
                columns.append(off / prior.size)
        return np.stack(columns, axis=1) if columns else np.empty((len(places), 0))

    def minus_log_likelihood(self, simulated: Simulated) -> float:
        """Twice minus the logarithm of the likelihood of the data at the one member of `simulated`, without priors."""
        total = 0.0
        known = zip(self.problem.data, simulated.values, self.values, self.censored, self.errors, strict=True)
        for data, curves, values, censored, errors in known:
            log = data.error.kind == "lognormal"
            found = (_log_ratio(values, curves[0]) if log else values - curves[0]) / errors
            size = np.log(2.0 * np.pi * errors**2) + (2.0 * np.log(values) if log else 0.0)
            total += float(np.where(censored, -2.0 * log_ndtr(found), found**2 + size).sum())
        return total


def _log_ratio(values: Array, curves: Array) -> Array:
    """The logarithm of measured over simulated; of a curve that has come to zero it is large and not infinite, so that
    a search finds back."""
    return np.asarray(np.log(values / np.maximum(curves, NEARLY_ZERO * float(values.max()))))


def measured(problem: FitProblem, errors: Sequence[Array]) -> Residuals:
    """The residuals of what was measured, with these errors."""
    values = [np.array([point.value for point in each.points]) for each in problem.data]
    censored = [np.array([point.censored for point in each.points], dtype=bool) for each in problem.data]
    return Residuals(problem, values, censored, errors)


def next_to(data: Data, curve: Array) -> DataResult:
    """Data next to a curve at their points, shape (points,), which is in the unit of the data."""
    return data_result(data, curve / data.curve.unit.to(data.unit))


def first_errors(problem: FitProblem) -> list[Array]:
    """The errors that a search begins with: those of the measured values. Where nothing says how large they are, the
    data of one block weigh alike."""
    found = []
    for data in problem.data:
        values = np.array([point.value for point in data.points])
        if not data.says_errors:
            spread = float(np.abs(values).max()) or 1.0
            size = {"additive": np.full(len(values), spread), "proportional": np.abs(values)}
            roots = np.sqrt([max(point.n, 1) for point in data.points])
            found.append(size.get(data.error.kind, np.ones(len(values))) / roots)
        else:
            found.append(_of_means(data, next_to(data, values).errors))
    return [_above_zero(data, errors) for data, errors in zip(problem.data, found, strict=True)]


def errors_at(problem: FitProblem, simulated: Simulated, before: Sequence[Array]) -> list[Array]:
    """The errors for the curves of the one member of `simulated`, where they depend on curves; else those `before`.

    Of data whose errors are not known they follow from the residuals, for as many degrees of freedom as are left.
    """
    found = []
    for data, curves, old in zip(problem.data, simulated.values, before, strict=True):
        errors = _of_means(data, next_to(data, curves[0]).errors)
        if not data.says_errors:
            errors = errors * math.sqrt(problem.points / max(problem.spare, 1))
        known = np.isfinite(errors) & (errors > 0.0)
        found.append(_above_zero(data, np.where(known, errors, old if data.says_errors else 0.0)))
    return found


def _of_means(data: Data, errors: Array) -> Array:
    """Errors of points that are means: of a mean whose SD is given its standard error."""
    if data.bars != "SD":
        return errors
    roots = np.sqrt([max(point.n, 1) if point.sd is not None else 1 for point in data.points])
    return np.asarray(errors / roots)


def _above_zero(data: Data, errors: Array) -> Array:
    scale = 1.0 if data.error.kind == "lognormal" else max(abs(point.value) for point in data.points) or 1.0
    return np.maximum(errors, LEAST_ERROR * scale)
