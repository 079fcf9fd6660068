"""What a fit leaves open, as samples: emcee's ensemble of walkers on the likelihood of the data and the priors.

Without a prior every place in a range is as likely as any other, on its scale. Errors are those of the fit.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ...numerics.trajectory import Array
from ...runtime.packages import package
from .problem import FitProblem, Residuals
from .uncertainty import LEVEL, Uncertainty

LEAST_WALKERS, WALKERS_PER_VALUE = 32, 4
LARGEST_SPREAD = 0.1  # of the range, of the walkers at their start
ENOUGH = 50  # autocorrelation times: emcee's advice for the length of a chain


@dataclass(frozen=True, eq=False)
class Posterior:
    """walkers, steps: how many. values: those after the first part, in the units of the axes, shape (n, p).
    accepted: the share of moves. autocorrelation: of the slowest value, in steps; NaN where it is not known."""

    walkers: int
    steps: int
    values: Array
    accepted: float
    autocorrelation: float

    @property
    def enough(self) -> bool:
        """Whether the chain is long enough to be trusted."""
        return self.steps >= ENOUGH * self.autocorrelation

    @property
    def ends(self) -> Array:
        """The ends of the interval that holds the middle 95 % of each value, shape (2, p)."""
        found: Array = np.quantile(self.values, [0.5 - LEVEL / 2, 0.5 + LEVEL / 2], axis=0)
        return found


def posterior(
    problem: FitProblem,
    residuals: Residuals,
    place: Array,
    uncertainty: Uncertainty | None,
    steps: int,
    seed: int,
    on_share: Callable[[float], object],
) -> tuple[Posterior | None, bool]:
    """Samples from walkers that start about the best fit at `place`; and whether that was interrupted, before which at
    least one step is needed for any sample.

    Raises ModuleNotFoundError where emcee is missing.
    """
    emcee = package("emcee")
    walkers = 2 * (max(LEAST_WALKERS, WALKERS_PER_VALUE * problem.size) // 2)
    random = np.random.default_rng([seed, walkers])
    known = uncertainty.steps if uncertainty is not None else np.full(problem.size, np.inf)
    spread = np.clip(known, 1e-3, LARGEST_SPREAD)
    start = np.clip(place + spread * random.standard_normal((walkers, problem.size)), 1e-6, 1 - 1e-6)

    def density(places: Array) -> Array:
        found = np.full(len(places), -np.inf)
        inside = np.flatnonzero(((places >= 0.0) & (places <= 1.0)).all(axis=1))
        if len(inside):
            off = residuals.of(problem.roughly(places[inside]), places[inside])
            squares = (off**2).sum(axis=1)
            found[inside] = np.where(np.isfinite(squares), -0.5 * squares, -np.inf)
        return found

    sampler = emcee.EnsembleSampler(walkers, problem.size, density, vectorize=True)
    sampler.random_state = np.random.RandomState(seed % 2**32).get_state()
    interrupted = False
    try:
        for number, _ in enumerate(sampler.sample(start, iterations=steps), 1):
            on_share(number / steps)
    except KeyboardInterrupt:
        interrupted = True
    done = int(sampler.iteration)
    return (_samples(problem, sampler, walkers, done) if done else None), interrupted


def _samples(problem: FitProblem, sampler: object, walkers: int, done: int) -> Posterior:
    """What is left without the first part, in which the walkers spread."""
    chain = np.asarray(sampler.get_chain())[:done]  # type: ignore[attr-defined]
    with np.errstate(all="ignore"):
        times = np.atleast_1d(sampler.get_autocorr_time(tol=0, quiet=True)) if done > 1 else np.array([np.nan])  # type: ignore[attr-defined]
    slowest = float(np.max(times)) if np.isfinite(times).all() else math.nan
    first = done // 2 if math.isnan(slowest) else min(math.ceil(5 * slowest), done // 2)
    kept = chain[first:].reshape(-1, problem.size)
    share = float(np.mean(sampler.acceptance_fraction))  # type: ignore[attr-defined]
    return Posterior(walkers, done, problem.values(kept), share, slowest)
