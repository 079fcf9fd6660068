"""Which virtual patients are accepted, so that as many as are accepted have published means, spreads and correlations.

Plausible patients are drawn from wide distributions and simulated; then each has a weight, and is accepted with a
probability in proportion to it (Allen, Rieger, Musante 2016, CPT Pharmacometrics Syst Pharmacol 5:140; weights that
meet moments: Schmidt 2013, BMC Bioinformatics 14:221). Of all weights that meet the published numbers exactly those are
taken that differ least from equal ones, in the sense of relative entropy: they are exponentials of the measures, their
squares and their products, and there is one set of them at most. No density has to be estimated.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...numerics.trajectory import Array
from .compute import SweepResult
from .designs import Wanted
from .population import Population
from .sampling import uniform_numbers
from .statistics import Flags, measure_values

MOST_STEPS = 200
EXACT = 1e-8  # of standard deviations: as near weighted moments come to those that are wanted
ENOUGH = 1e-4  # of the fall that the slope promises: Armijo's rule
LEAST = 1e-12  # of a Newton step, in terms of the largest curvature
STREAM = "acceptance of patients"  # names the random numbers by which they are accepted


class Met(NamedTuple):
    """One published number: among all patients, among all by their weights, and among those that are accepted."""

    wanted: Wanted
    kind: str  # mean, sd or correlation
    published: float
    before: float
    weighted: float
    accepted: float


class Acceptance(NamedTuple):
    """What became of the patients of a sweep.

    Attributes:
        numbers: of the patients that have every measure that is published, shape (n,).
        weights: of these, the largest is 1, shape (n,); empty where there are none that meet the numbers.
        accepted: which of these are accepted, shape (n,).
        met: a row for each published number; empty where there are no weights.
        reason: why there are none, in words.
    """

    numbers: NDArray[np.int64]
    weights: Array
    accepted: Flags
    met: tuple[Met, ...]
    reason: str = ""

    @property
    def rate(self) -> float:
        """The share of patients that a weight accepts on average."""
        return float(self.weights.mean()) if len(self.weights) else 0.0

    @property
    def worth(self) -> float:
        """How many patients of equal weight tell as much."""
        return float(self.weights.sum() ** 2 / (self.weights**2).sum()) if len(self.weights) else 0.0


def acceptance(result: SweepResult) -> Acceptance | None:
    """The acceptance of a population for which something is published; None for other sweeps."""
    wanted, design = result.sweep.wanted, result.sweep.design
    if not wanted or not isinstance(design, Population):
        return None
    places = {each.id: i for i, each in enumerate(result.sweep.measures)}
    arms = {name: i for i, name in enumerate(result.sweep.arms)}
    names = list(dict.fromkeys((each.arm, name) for each in wanted for name in (each.measure, each.other) if name))
    values = np.stack([measure_values(result, arms[arm], places[name]) for arm, name in names], axis=1)
    known = ~np.isnan(values).any(axis=1)
    numbers, values = result.numbers[known], values[known]
    none = np.empty(0)
    if len(values) < 2:
        return Acceptance(numbers, none, np.zeros(0, dtype=bool), (), "too few patients have a value of every measure")
    columns = {name: values[:, i] for i, name in enumerate(names)}
    features, goals, said = _features(wanted, columns)
    found = tilted(features, goals)
    if found is None:
        why = _why(wanted, said, features, goals)
        return Acceptance(numbers, none, np.zeros(0, dtype=bool), (), why)
    draws = uniform_numbers(design.seed, STREAM, 0, design.count)[numbers]
    accepted = draws < found
    rows = tuple([row for each in wanted for row in _met(each, columns, found, accepted)])
    return Acceptance(numbers, found, accepted, rows)


def tilted(features: Array, goals: Array) -> Array | None:
    """Weights, the largest 1, of the least relative entropy with which mean features are the goals; None without any.

    features: shape (n, k), goals: shape (k,). The weights are exponentials of a sum of features, whose k factors make a
    convex function least: Newton's method, with steps halved until it falls.
    """
    centred = features - goals
    factors = np.zeros(len(goals))
    value, weights = _potential(centred, factors)
    for _ in range(MOST_STEPS):
        slope = weights @ centred
        if np.abs(slope).max(initial=0.0) < EXACT:
            return np.asarray(weights / weights.max())
        spread = (centred * weights[:, None]).T @ centred - np.outer(slope, slope)
        ridge = LEAST * max(float(np.trace(spread)), LEAST)
        step = -np.linalg.solve(spread + ridge * np.eye(len(goals)), slope)
        share, fall = 1.0, float(slope @ step)
        trial, new = _potential(centred, factors + step)
        while trial > value + ENOUGH * share * fall:
            share /= 2.0
            if share < LEAST:
                return None
            trial, new = _potential(centred, factors + share * step)
        factors, value, weights = factors + share * step, trial, new
        if (weights > 0.5).any() and len(weights) > 2:  # one patient alone: the goals are at the edge of what there is
            return None
    return None


def _potential(centred: Array, factors: Array) -> tuple[float, Array]:
    """The logarithm of the mean exponential, and the weights, whose sum is 1."""
    exponents = centred @ factors
    top = float(exponents.max())
    parts = np.exp(exponents - top)
    return top + math.log(float(parts.mean())), parts / parts.sum()


def _features(
    wanted: tuple[Wanted, ...], columns: dict[tuple[str, str], Array]
) -> tuple[Array, Array, list[tuple[Wanted, str]]]:
    """What has to have which mean, shapes (n, k) and (k,), and of which published number each is."""
    found, goals, texts = [], [], []
    scaled = {}
    for each in wanted:
        if each.mean is None:
            continue
        own = columns[each.arm, each.measure]
        size = each.sd or float(own.std()) or 1.0
        scaled[each.arm, each.measure] = z = (own - each.mean) / size
        found.append(z)
        goals.append(0.0)
        texts.append((each, "mean"))
        if each.sd is not None:
            found.append(z**2)
            goals.append(1.0)
            texts.append((each, "sd"))
    for each in wanted:
        if each.correlation is not None:
            found.append(scaled[each.arm, each.measure] * scaled[each.arm, each.other])
            goals.append(each.correlation)
            texts.append((each, "correlation"))
    return np.stack(found, axis=1), np.array(goals), texts


def _why(wanted: tuple[Wanted, ...], texts: list[tuple[Wanted, str]], features: Array, goals: Array) -> str:
    """Which published number no weights can meet alone, or that they cannot be met together."""
    for i, (each, kind) in enumerate(texts):
        own = features[:, [i]] if kind == "mean" else features[:, [j for j, (w, _) in enumerate(texts) if w is each]]
        goal = goals[[i]] if kind == "mean" else goals[[j for j, (w, _) in enumerate(texts) if w is each]]
        if kind != "correlation" and tilted(own, goal) is None:
            return f"no weights of these patients give {each.measure} the published {kind}: draw them from wider ones"
    return "no weights of these patients meet all published numbers together: draw more of them, from wider ones"


def _met(each: Wanted, columns: dict[tuple[str, str], Array], weights: Array, accepted: Flags) -> list[Met]:
    """The rows of one table of published numbers."""
    own, equal = columns[each.arm, each.measure], np.ones(len(weights))
    every = (equal, weights, accepted.astype(float))
    rows = []
    if each.mean is not None:
        rows.append(Met(each, "mean", each.mean, *(_moments(own, own, w)[0] for w in every)))
    if each.sd is not None:
        rows.append(Met(each, "sd", each.sd, *(_moments(own, own, w)[1] for w in every)))
    if each.correlation is not None:
        other = columns[each.arm, each.other]
        rows.append(Met(each, "correlation", each.correlation, *(_moments(own, other, w)[2] for w in every)))
    return rows


def _moments(one: Array, other: Array, weights: Array) -> tuple[float, float, float]:
    """Weighted mean and standard deviation of `one`, and its correlation with `other`; NaN of none."""
    if not weights.sum() > 0:
        return math.nan, math.nan, math.nan
    share = weights / weights.sum()
    a, b = one - share @ one, other - share @ other
    with np.errstate(all="ignore"):
        return (
            float(share @ one),
            float(np.sqrt(share @ a**2)),
            float(share @ (a * b) / np.sqrt((share @ a**2) * (share @ b**2))),
        )
