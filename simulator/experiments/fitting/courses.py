"""The curves of a fit over time, before and after, with how far the estimates leave them open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ...numerics.trajectory import Array
from ..scenario import Data, ErrorModel
from ..schedule import saved_times
from .design import Prediction
from .fit import FitResult

LEAST_TIMES = 400


class Course(NamedTuple):
    """The curve that `data` were measured of, in their unit, at `times` of the model's unit, all of shape (times,).

    before: with the values of the scenario, if their ranges hold them. low, high: the 95 % interval of the fitted
    curve, as the covariance of the estimates gives it; None where the data do not tell all of them.
    """

    data: Data
    times: Array
    before: Array | None
    fitted: Array
    low: Array | None
    high: Array | None


class Predicted(NamedTuple):
    """A predicted curve at one time, in its unit, with its 95 % interval; None where the data do not tell all of the
    estimates."""

    prediction: Prediction
    value: float
    low: float | None
    high: float | None


def predicted(result: FitResult) -> list[Predicted]:
    """Each prediction of the fit at its time; nothing is simulated where there is none."""
    found = []
    predictions = result.problem.fit.predictions
    for each, course in zip(predictions, _courses(result, as_data(predictions)), strict=True):
        place = int(np.searchsorted(course.times, each.time))
        ends = (None, None) if course.low is None or course.high is None else (course.low[place], course.high[place])
        found.append(Predicted(each, float(course.fitted[place]), *ends))
    return found


def courses(result: FitResult) -> list[Course]:
    """The curve of each data, then that of each prediction, as of data without points."""
    return _courses(result, [*result.problem.data, *as_data(result.problem.fit.predictions)])


def as_data(predictions: Sequence[Prediction]) -> list[Data]:
    """Predictions as data without points; above zero, their intervals are factors."""
    error = ErrorModel("lognormal")
    return [
        Data("predicted", each.curve, each.arm, each.curve.unit, each.curve.unit_text, error, "", "SD", ())
        for each in predictions
    ]


def _courses(result: FitResult, shown: Sequence[Data]) -> list[Course]:
    problem, place, uncertainty = result.problem, result.best.place, result.uncertainty
    if not shown:
        return []
    times = saved_times(result.scenario)
    if len(times) < LEAST_TIMES:
        times = np.linspace(0.0, result.scenario.end, LEAST_TIMES)
    times = np.unique([*times, *(each.time for each in problem.fit.predictions)])
    default = problem.default()
    own = place if default is None else default
    steps = problem.steps(place, range(problem.size))
    owners = np.array([0, *[1] * (1 + len(steps))])
    found = problem.courses(shown, np.concatenate([[own], [place], steps]), times, owners)
    made = []
    for data, rows in zip(shown, found.values, strict=True):
        low = high = None
        if uncertainty is not None and (np.isfinite(uncertainty.errors) | uncertainty.held).all():
            size = steps[0::2] - steps[1::2]
            slopes = (rows[2::2] - rows[3::2]) / size[range(problem.size), range(problem.size)][:, None]
            half = uncertainty.quantile * np.sqrt(
                np.einsum("it,ij,jt->t", slopes, uncertainty.covariance, slopes).clip(min=0.0)
            )
            low, high = _around(data, rows[1], half)
        made.append(Course(data, times, None if default is None else rows[0], rows[1], low, high))
    return made


def _around(data: Data, middle: Array, half: Array) -> tuple[Array, Array]:
    """An interval about a curve: by factors where its errors are, and it is above zero."""
    if data.error.kind in ("proportional", "lognormal") and bool((middle > 0.0).any()):
        with np.errstate(all="ignore"):
            factor = np.where(middle > 0.0, np.exp(half / middle), 1.0)
        return middle / factor, middle * factor
    least = 0.0 if not (middle < 0.0).any() else -np.inf
    return np.maximum(middle - half, least), middle + half
