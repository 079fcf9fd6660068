"""What stands between a solver and a model: no NaN passes, nothing runs without end, and no
amount falls below zero unseen."""

from __future__ import annotations

import time as clock
from typing import Any

import numpy as np

from .system import Derivative, System
from .trajectory import DEADLINE, NEGATIVE, NO_PROGRESS, NOT_FINITE, Array

CALLS_PER_STEP = 20_000  # a healthy step takes fewer than a hundred
TINY = 1e-13  # a step of this fraction of the time reached, or of the segment, gets nowhere ...
TINY_STEPS = 1_000  # ... and so many of them in a row never will


class StopError(Exception):
    """Raised inside a solver to end it; carries when, and the states there."""

    def __init__(self, kind: str, time: float, states: Array) -> None:
        super().__init__(kind)
        self.kind, self.time, self.states = kind, time, np.array(states)


class Guard:
    """The functions of one segment: counted, timed, and refused where they are not finite.

    span is the length of the segment; deadline is in the seconds of `time.perf_counter`.
    """

    def __init__(self, system: System, parameters: Array, infusion: Array, span: float, deadline: float) -> None:
        self.system, self.parameters, self.span, self.deadline = system, parameters, span, deadline
        self.infusion = infusion if infusion.any() else None
        self.calls = self._calls_before_step = self._tiny_steps = 0

    def bind(self, time: float, states: Array) -> None:
        """Computes what depends on parameters alone, and tries the derivative at the start."""
        try:
            self._derivative, self._jacobian, slope = self.system.bind(self.parameters.tolist())
        except (ArithmeticError, ValueError):
            raise StopError(NOT_FINITE, time, states) from None
        self._slope = slope
        self(time, states)

    def __call__(self, time: float, states: Array) -> Any:
        """The derivative with the infusion, shape (species,)."""
        self.calls += 1
        if self.calls - self._calls_before_step > CALLS_PER_STEP:
            raise StopError(NO_PROGRESS, time, states)
        if not self.calls & 255 and clock.perf_counter() > self.deadline:
            raise StopError(DEADLINE, time, states)
        try:
            slopes = self._derivative(time, states)
        except (ArithmeticError, ValueError):
            raise StopError(NOT_FINITE, time, states) from None
        total = sum(slopes)
        if total - total != 0.0:
            raise StopError(NOT_FINITE, time, states)
        return slopes if self.infusion is None else slopes + self.infusion

    def jacobian(self, time: float, states: Array) -> Array:
        """The Jacobian, shape (species, species)."""
        try:
            matrix = self._jacobian(time, states)
        except (ArithmeticError, ValueError):
            raise StopError(NOT_FINITE, time, states) from None
        if not np.isfinite(matrix).all():
            raise StopError(NOT_FINITE, time, states)
        return matrix

    @property
    def slope(self) -> Derivative | None:
        """df/dt, or None where no formula names time."""
        return None if self._slope is None else self._checked_slope

    def _checked_slope(self, time: float, states: Array) -> list[float]:
        try:
            return self._slope(time, states) if self._slope else []
        except (ArithmeticError, ValueError):
            raise StopError(NOT_FINITE, time, states) from None

    def after_step(self, time: float, length: float, states: Array) -> None:
        """Called once a step is accepted: the count of calls starts again, tiny steps add up, and
        a state that is no longer an amount (noise below zero that has grown) ends the run."""
        self._calls_before_step = self.calls
        self._tiny_steps = self._tiny_steps + 1 if length < TINY * max(abs(time), self.span) else 0
        if (states < self.system.lower_bounds).any():
            raise StopError(NEGATIVE, time, states)
        if self._tiny_steps > TINY_STEPS:
            raise StopError(NO_PROGRESS, time, states)
