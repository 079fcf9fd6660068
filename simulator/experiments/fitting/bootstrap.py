"""Parametric bootstrap: data drawn anew about the fitted curves with the errors of the fit, and fitted again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from ...numerics.trajectory import Array
from .problem import FitProblem, Residuals, Simulated
from .search import Search, search
from .together import Ask, Together
from .uncertainty import LEVEL

MOST_STEPS = 60  # of each search


@dataclass(frozen=True, eq=False)
class Bootstrap:
    """asked: how many samples. values: of those that could be fitted, in the units of the axes, shape (n, p)."""

    asked: int
    values: Array

    @property
    def ends(self) -> Array:
        """The ends of the interval that holds the middle 95 % of each value, shape (2, p); NaN of no sample."""
        if not len(self.values):
            return np.full((2, self.values.shape[1]), np.nan)
        found: Array = np.quantile(self.values, [0.5 - LEVEL / 2, 0.5 + LEVEL / 2], axis=0)
        return found


def bootstrap(
    problem: FitProblem,
    residuals: Residuals,
    fitted: Simulated,
    place: Array,
    count: int,
    seed: int,
    on_share: Callable[[float], object],
) -> tuple[Bootstrap, bool]:
    """Fits `count` samples, each from the best fit, whose one member is `fitted`; and whether that was interrupted."""
    jobs = [
        partial(search, problem, _drawn(residuals, fitted, [seed, i]), place, most=MOST_STEPS) for i in range(count)
    ]
    together = Together(jobs)
    together.run(problem.simulate, lambda ended: on_share(ended / count))
    ended = [each for _, each in sorted(together.found.items()) if each.ended in ("converged", "limit")]
    places = np.array([each.place for each in ended]).reshape(len(ended), problem.size)
    return Bootstrap(count, problem.values(places)), together.interrupted


def _sample(residuals: Residuals, fitted: Simulated, place: Array, seed: list[int], ask: Ask) -> Search:
    return search(residuals.problem, _drawn(residuals, fitted, seed), place, ask, most=MOST_STEPS)


def _drawn(residuals: Residuals, fitted: Simulated, seed: list[int]) -> Residuals:
    """Data that could have been measured, if the fit were true. What was below a limit may be so again."""
    random = np.random.default_rng(seed)
    values, censored = [], []
    known = zip(
        residuals.problem.data, fitted.values, residuals.values, residuals.censored, residuals.errors, strict=True
    )
    for data, curves, old, limits, errors in known:
        noise = errors * random.standard_normal(len(errors))
        drawn = curves[0] * np.exp(noise) if data.error.kind == "lognormal" else curves[0] + noise
        below = limits & (drawn < old)
        values.append(np.where(below, old, drawn))
        censored.append(below)
    return replace(residuals, values=values, censored=censored)
