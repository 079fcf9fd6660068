"""States that fall below what their tolerance can tell from zero, and what may grow out of them.

A pathogen that is cleared to 1e-36 per millilitre and comes back does so from a number that an absolute tolerance of
1e-9 does not compute: how high it comes back, and when, is then made of rounding. What is watched here is told apart
from a state that is fed by others (a drug that is given again), whose own value below the noise does not matter.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from .trajectory import Array

CLEARLY_ABOVE = 1e3  # times the absolute tolerance: a state there is no noise
FED_BY_NOISE = 0.1  # of its rise: a state that gets more of it from noise grows out of noise
FED = 0.5  # of its rise: a state that gets more of it from states that are no noise is fed by them
LONGEST_CHAIN = 10  # of states that feed one another, from the one that is no noise to the one that rises
LONGEST_GROWTH = 1.25  # h times the rate at which a state below its tolerance grows by itself
SMALLEST = 1e-307  # so small an amount stays, since zero would not grow again
LOWER_FLOORS = 1e-12, 1e-60, 1e-290  # with which a run is repeated until nothing rises out of noise
RTOL_SHARE = 0.1  # of the relative tolerance, in such repeats
LEFT_OVER = 1e-3  # of the state, or of its absolute tolerance: what is left of an amount that rounding takes below zero


class Level(IntEnum):
    """Where a state is, or has been."""

    UNKNOWN = 0  # not yet clearly above its tolerance since the start or the last dose
    ABOVE = 1  # clearly above its tolerance
    NOISE = 2  # was above, fell below its tolerance, and has not been clearly above it since


_UNKNOWN, _ABOVE, _NOISE = map(int, Level)  # names of an enumeration are looked up slowly, at every step


class Watch:
    """Follows the states of one run.

    Attributes:
        revived: the index of the first species that rose out of noise, from below its absolute tolerance to clearly
            above it, and when; None where none did. A species with a sign is not watched: it passes through zero.
    """

    def __init__(self, atol: Array, watched: NDArray[np.bool_]) -> None:
        """atol: absolute tolerances, shape (species,). watched: which species are amounts, booleans of that shape."""
        self.atol, self.watched = atol, watched
        self.levels = np.zeros(len(atol), dtype=np.int8)
        self.revived: tuple[int, float] | None = None

    def begin_segment(self, jump: Array, infusion: Array) -> None:
        """To be called with what doses add and what is infused, each of shape (species,): that is no noise."""
        self.levels[(jump != 0.0) | (infusion != 0.0)] = _UNKNOWN

    def after_step(
        self, before: Array, after: Array, length: float, time: float, jacobian: Callable[[], Array]
    ) -> None:
        """To be called with every accepted step.

        Args:
            before: states before it, shape (species,).
            after: states after it.
            length: of the step.
            time: at its end.
            jacobian: gives the Jacobian at either end, shape (species, species); asked where a state is noise.
        """
        levels, size = self.levels, np.abs(after)
        noise = np.flatnonzero(levels == _NOISE)
        if len(noise):
            matrix = jacobian()
            unseen = noise[matrix[noise, noise] * length > LONGEST_GROWTH]  # an implicit method damps such growth
            self._judge(noise[size[noise] > CLEARLY_ABOVE * self.atol[noise]], before, after, length, time, matrix)
            if len(unseen):
                self.revived = self.revived or (int(unseen[0]), time)
        above = (size > CLEARLY_ABOVE * self.atol) & self.watched
        levels[(levels == _ABOVE) & (size < self.atol)] = _NOISE
        levels[(levels == _UNKNOWN) & above] = _ABOVE

    def _judge(
        self, rising: NDArray[np.intp], before: Array, after: Array, length: float, time: float, jacobian: Array
    ) -> None:
        """Of states that rise out of their noise, to either side of zero: whether they grow out of it, or are fed by
        what is no noise, perhaps through states that do not yet stand out of theirs."""
        if not len(rising):
            return
        rise = np.abs(after) - np.abs(before)
        gains = np.maximum(jacobian * after * np.sign(after)[:, None], 0.0) * length

        def by_noise() -> NDArray[np.bool_]:
            found: NDArray[np.bool_] = gains[:, self.levels == _NOISE].sum(axis=1) > FED_BY_NOISE * rise
            return found

        for _ in range(LONGEST_CHAIN):
            is_noise = self.levels == _NOISE
            by_others = gains[:, ~is_noise].sum(axis=1) >= FED * rise
            fed = is_noise & (rise > 0.0) & by_others & ~by_noise()
            if not fed.any():
                break
            self.levels[fed] = _UNKNOWN
        grown = rising[(self.levels[rising] == _NOISE) & by_noise()[rising]]
        self.levels[rising] = _ABOVE
        if len(grown):
            self.revived = self.revived or (int(grown[0]), time)
