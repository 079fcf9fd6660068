"""How far a result can be trusted: every arm is computed twice, and its digits are those in which the two agree."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..numerics.trajectory import ATOL_OF_SCALE, Array, Trajectory
from .conditions import sides_of
from .measures import curve_names
from .scenario import Scenario

RELIABLE = 3.0  # digits: with fewer a result is not to be relied on
WANTED = 4.0  # digits: with fewer an arm is computed again, more tightly
SMALL = 1e-2  # of the usual size of a curve
MOST_DIGITS = 16.0  # of a float


@dataclass(frozen=True)
class Certificate:
    """How far two computations of one arm agree.

    Attributes:
        digits: -log10 of the largest difference of the curves that are shown, measured or expected, at their saved
            times, relative to |value| + `noise_floor`; from 0 to `MOST_DIGITS`. None where an arm was computed once.
        curve: the one with that difference, and its time.
        time: see `curve`.
        state: the species that differs most of all, shown or not, and its digits.
        state_digits: see `state`.
        difference: the largest of any species, relative to |value| + `ATOL_OF_SCALE` of its scale.
        solver: of the second computation, with its tolerance.
        reason: why there are no digits, or too few, or why SciPy computed the arm.
    """

    digits: float | None
    curve: str | None = None
    time: float | None = None
    state: str | None = None
    state_digits: float | None = None
    difference: float | None = None
    solver: str = ""
    reason: str = ""

    @property
    def reliable(self) -> bool | None:
        """Whether there are at least `RELIABLE` digits; None where they were not checked."""
        return None if self.digits is None else self.digits >= RELIABLE

    @property
    def is_reliable(self) -> bool:
        """Whether nothing speaks against the arm: at least `RELIABLE` digits, or none asked for."""
        return self.reliable is not False


def shown_curves(scenario: Scenario) -> tuple[str, ...]:
    """The species and observables that a scenario shows, or measures in its answer, expectations or sweep."""
    measured = [each.measure for each in scenario.expectations]
    measured += [each.measure for sentence in scenario.answer for each in sentence.numbers]
    measured += [side for sentence in scenario.answer for side in sides_of(sentence.condition)]
    measured += [each.tree for each in scenario.sweep.measures] if scenario.sweep is not None else []
    read = [name for tree in measured for name in curve_names(tree, scenario.model)]
    return tuple(dict.fromkeys([*scenario.shown, *read]))


def compare(
    scenario: Scenario,
    first: Trajectory,
    second: Trajectory,
    typical: Mapping[str, float],
    floors: Mapping[str, float] | None = None,
    alike: NDArray[np.bool_] | None = None,
) -> Certificate:
    """The certificate of the trajectory `first` of one arm, by `second`, which has the same times.

    typical: by name of species and observable, its usual size: the declared scale of a species, and what an observable
    is where all species have that size. floors: by name, the noise floor of curves for which it is known otherwise.
    alike: the times that are compared; None for all.
    """
    species, floors = scenario.model.species, floors or {}
    at = np.ones(len(first.times), dtype=bool) if alike is None else alike
    shown = shown_curves(scenario)
    differences = _Differences([*species, *(name for name in shown if name not in species)], first, second, at)
    curve, time, worst = differences.largest(shown, typical, floors)
    state, _, worst_state = differences.largest(species, typical, floors)
    digits, state_digits = digits_of(worst), digits_of(worst_state)
    reason = f"two computations agree in fewer than {RELIABLE:g} digits" if digits < RELIABLE else ""
    scales = {name: ATOL_OF_SCALE * each.scale for name, each in species.items()}
    _, _, difference = differences.largest(species, {}, scales)
    return Certificate(digits, curve, time, state, state_digits, difference, second.solver, reason)


class _Differences:
    """Curves of two computations of one arm, and how far they differ at the times that are compared."""

    def __init__(self, names: Sequence[str], first: Trajectory, second: Trajectory, alike: NDArray[np.bool_]) -> None:
        self._rows = {name: row for row, name in enumerate(names)}
        self._times, self._alike = first.times, alike
        a, b = (np.array([each[name] for name in names]) for each in (first, second))
        with np.errstate(all="ignore"):
            self._sizes, self._differences = np.abs(b), np.abs(a - b)
        self._same = (a == b) | (np.isnan(a) & np.isnan(b)) | ~alike

    def largest(
        self, names: Iterable[str], typical: Mapping[str, float], floors: Mapping[str, float]
    ) -> tuple[str | None, float | None, float]:
        """The curve that differs most, where, and by how much relative to its value and noise floor."""
        known = list(names)
        if not known or not len(self._times):
            return None, None, 0.0
        rows = [self._rows[name] for name in known]
        sizes, same = self._sizes[rows], self._same[rows]
        with np.errstate(all="ignore"):
            usual = noise_floor(sizes, np.array([typical.get(name, 0.0) for name in known]))
            floor = np.array([floors.get(name, size) for name, size in zip(known, usual.tolist(), strict=True)])
            error = self._differences[rows] / (sizes + floor[:, None])
        error[same] = 0.0
        error[np.isnan(error)] = np.inf
        row, place = divmod(int(error.argmax()), error.shape[1])
        worst = float(error[row, place])
        return (known[row], float(self._times[place]), worst) if worst > 0.0 else (None, None, 0.0)


def noise_floor(values: Array, typical: Array) -> Array:
    """The size below which a curve counts as nothing: `ATOL_OF_SCALE` of its largest value, but not less than `SMALL`
    of what is usual: a curve that stays so far below it is not there.

    values: shape (curves, times); typical and what is returned: shape (curves,).
    """
    floor: Array = ATOL_OF_SCALE * np.maximum(np.abs(values).max(axis=1, initial=0.0), SMALL * typical)
    return floor


def rounded_down(digits: float) -> str:
    """Digits with one decimal, never more than there are.

    >>> rounded_down(2.96), rounded_down(7.0)
    ('2.9', '7.0')
    """
    return f"{math.floor(10 * digits) / 10:.1f}"


def digits_of(difference: float) -> float:
    """The digits that a relative difference leaves: from 0 to `MOST_DIGITS`."""
    if not difference < 1.0:
        return 0.0
    return min(MOST_DIGITS, -math.log10(difference)) if difference else MOST_DIGITS
