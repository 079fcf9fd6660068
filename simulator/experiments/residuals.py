"""How far data lie from the curves that were simulated: residuals, in the size of their errors and as folds.

Of a point that was measured below a limit the residual is zero where the curve is below it too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..numerics.trajectory import Array, Trajectory
from .curve_values import BoundFormula
from .measured import curves_of
from .scenario import Data, Scenario

WITHIN = 1.0 + 1e-9  # of its error: a point that is no farther from the curve is within its bar


@dataclass(frozen=True, eq=False)
class DataResult:
    """Data next to the curve that was simulated at exactly their times.

    Attributes:
        data: what was measured.
        simulated: at each point, shape (points,), in the unit of the data; NaN where the curve has no value.
        residuals: measured less simulated, shape (points,), in the unit of the data; of a lognormal error the
            logarithm of measured over simulated.
        errors: the size of the error of each point, on the scale of its residual; NaN where it is not known.
        estimated: whether the errors follow from the residuals, as nothing else says how large they are.

    Of many members every array has the shape (members, points).
    """

    data: Data
    simulated: Array
    residuals: Array
    errors: Array
    estimated: bool

    @property
    def weighted(self) -> Array:
        """The residuals in units of their errors, shape (points,): what least squares takes."""
        with np.errstate(all="ignore"):
            return np.asarray(self.residuals / self.errors)

    @property
    def within(self) -> NDArray[np.bool_]:
        """Which points lie within one error of the curve, or have it within their interval where that is given."""
        near = (np.abs(self.weighted) <= WITHIN) | (self.residuals == 0.0)
        if self.data.bars != "interval":
            return np.asarray(near)
        low = np.array([np.nan if point.low is None else point.low for point in self.data.points])
        high = np.array([np.nan if point.high is None else point.high for point in self.data.points])
        inside = (self.simulated >= low) & (self.simulated <= high)
        return np.asarray(np.where(np.isnan(low) | _censored(self.data), near, inside))

    @property
    def judged(self) -> NDArray[np.bool_]:
        """Which points are met or missed: those whose error is known, and those below a limit."""
        return np.asarray(np.isfinite(self.residuals) & (np.isfinite(self.errors) | _censored(self.data)))

    @property
    def folds(self) -> Array:
        """Simulated over measured, shape (points,); NaN where that says nothing: below a limit, or not above zero."""
        with np.errstate(all="ignore"):
            ratio = self.simulated / _values(self.data)
        known = (ratio > 0.0) & np.isfinite(ratio) & (_values(self.data) > 0.0) & ~_censored(self.data)
        return np.where(known, ratio, np.nan)

    @property
    def fold_error(self) -> float | None:
        """The typical factor between simulated and measured, at least 1: the geometric mean; None where none says."""
        logs = np.abs(np.log(self.folds[np.isfinite(self.folds)]))
        return float(np.exp(logs.mean())) if len(logs) else None


def compare_with_data(scenario: Scenario, trajectories: Mapping[str, Trajectory]) -> list[DataResult]:
    """The data of a scenario whose arms are among `trajectories`, each next to its curve."""
    found = []
    arms = {arm: curves_of(each.dense, each.outcome.ok) for arm, each in trajectories.items()}
    for data in scenario.data:
        curves = arms.get(data.arm)
        if curves is not None and data.points:
            times = np.array([point.time for point in data.points])
            simulated = BoundFormula(data.curve).at_times(curves, scenario.model, times)[0]
            found.append(data_result(data, np.broadcast_to(simulated, times.shape)))
    return found


def data_result(data: Data, simulated: Array, estimate: bool = True) -> DataResult:
    """Data next to what was simulated at their times, in the unit of the curve.

    Args:
        data: what was measured.
        simulated: shape (points,) or (members, points).
        estimate: what is done where nothing says how large the errors are: whether they follow from the residuals, or
            are all as large, one unit or as large as the value, so that least squares has the same solution.
    """
    simulated = np.where(np.isfinite(simulated), simulated, np.nan) * data.curve.unit.to(data.unit)
    values, log = _values(data), data.error.kind == "lognormal"
    with np.errstate(all="ignore"):
        residuals = np.log(values / simulated) if log else values - simulated
    below = np.asarray(_censored(data) & (simulated <= values))
    residuals = np.where(below, 0.0, np.where(np.isfinite(residuals), residuals, np.nan))
    errors = _errors(data, simulated)
    estimated = not data.says_errors
    if estimated:
        errors = (np.abs(simulated) if data.error.kind == "proportional" else np.ones(simulated.shape)) / _root_n(data)
        if estimate:
            errors = errors * _typical(np.where(_censored(data), np.nan, residuals) / errors)
    return DataResult(data, simulated, residuals, errors, estimated)


def _typical(shares: Array) -> Array:
    """The root of the mean square of what is known of each member, shape (..., 1)."""
    known = np.isfinite(shares)
    squares = np.where(known, shares, 0.0) ** 2
    with np.errstate(all="ignore"):
        return np.asarray(np.sqrt(squares.sum(axis=-1, keepdims=True) / known.sum(axis=-1, keepdims=True)))


def _errors(data: Data, simulated: Array) -> Array:
    """The error of each point: its own, or else as the error model says; NaN where neither is known."""
    own = np.array([np.nan if point.sd is None else point.sd for point in data.points])
    sd = np.nan if data.error.sd is None else data.error.sd
    cv = np.nan if data.error.cv is None else data.error.cv
    made = {
        "additive": np.full(simulated.shape, sd),
        "proportional": cv * np.abs(simulated),
        "combined": np.hypot(sd, cv * simulated),
        "lognormal": np.full(simulated.shape, np.sqrt(np.log1p(cv**2))),
    }[data.error.kind]
    return np.where(np.isnan(own), made / _root_n(data), own)


def _root_n(data: Data) -> Array:
    """The root of how many measurements each point is the mean of."""
    return np.sqrt([float(max(point.n, 1)) for point in data.points])


def _values(data: Data) -> Array:
    return np.array([point.value for point in data.points])


def _censored(data: Data) -> NDArray[np.bool_]:
    return np.array([point.censored for point in data.points], dtype=bool)
