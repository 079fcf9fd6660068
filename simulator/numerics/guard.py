"""What stands between a solver and a model: no NaN passes, no run is endless, no amount falls below zero unseen."""

from __future__ import annotations

import time as clock
from typing import Any

import numpy as np

from .system import Rhs, System
from .trajectory import DEADLINE, NEGATIVE, NO_PROGRESS, NOT_FINITE, Array

CALLS_PER_STEP = 20_000  # a healthy step takes fewer than a hundred
TINY = 1e-13  # a step of this fraction of the time reached, or of the segment, gets nowhere ...
TINY_STEPS = 1_000  # ... and so many of them in a row never will
CHATTER_STEPS = 8_192  # so many steps ...
CHATTER_PROGRESS = 1e-5  # ... that come no further than this part of the segment will not come to its end


class IntegrationError(Exception):
    """Raised inside a solver to end it.

    Attributes:
        kind: as in `Outcome`.
        time: when, in the model's time unit.
        states: the states there, shape (species,).
    """

    def __init__(self, kind: str, time: float, states: Array) -> None:
        super().__init__(kind)
        self.kind, self.time, self.states = kind, time, np.array(states)


class Guard:
    """The functions of one segment as a solver calls them: counted, timed, and refused where they are not finite.

    Every method raises `IntegrationError` where it has to end the run.
    """

    def __init__(self, system: System, parameters: Array, infusion: Array, span: float, deadline: float) -> None:
        """parameters: shape (parameters,). infusion: shape (species,), in species units per time unit.
        span: the length of the segment. deadline: in the seconds of `time.thread_time`, which counts the work of this
        thread, so that a busy machine decides nothing."""
        self.system, self.parameters, self.span, self.deadline = system, parameters, span, deadline
        self.infusion = infusion if infusion.any() else None
        self.calls = self._calls_before_step = self._tiny_steps = self._steps = 0
        self._mark: float | None = None  # the time before the last CHATTER_STEPS steps

    def bind(self, time: float, states: Array) -> None:
        """Computes what depends on parameters alone, and tries the right-hand side at the start."""
        self._rhs, self._jacobian, self._time_derivative = self.system.bind(self.parameters.tolist())
        self(time, states)

    def __call__(self, time: float, states: Array) -> Any:
        """The derivative with the infusion, shape (species,): a list where nothing is infused, else an array."""
        self.calls += 1
        if self.calls - self._calls_before_step > CALLS_PER_STEP:
            raise IntegrationError(NO_PROGRESS, time, states)
        if not self.calls & 255 and clock.thread_time() > self.deadline:
            raise IntegrationError(DEADLINE, time, states)
        derivative = self._rhs(time, states)
        total = sum(derivative)
        if total - total != 0.0:
            raise IntegrationError(NOT_FINITE, time, states)
        return derivative if self.infusion is None else derivative + self.infusion

    def jacobian(self, time: float, states: Array) -> Array:
        """The Jacobian, shape (species, species)."""
        matrix = self._jacobian(time, states)
        if not np.isfinite(matrix).all():
            raise IntegrationError(NOT_FINITE, time, states)
        return matrix

    @property
    def time_derivative(self) -> Rhs | None:
        """df/dt as a function of time and states, or None where no formula names time."""
        return None if self._time_derivative is None else self._checked_time_derivative

    def _checked_time_derivative(self, time: float, states: Array) -> list[float]:
        derivative = self._time_derivative(time, states) if self._time_derivative else []
        if not np.isfinite(derivative).all():
            raise IntegrationError(NOT_FINITE, time, states)
        return derivative

    def after_step(self, time: float, length: float, states: Array) -> None:
        """To be called with every accepted step: its end, its length and the states there.

        The count of calls starts again. Too many tiny steps in a row end the run, and so does a state that is no
        longer an amount: noise below zero that has grown.
        """
        self._calls_before_step = self.calls
        self._tiny_steps = self._tiny_steps + 1 if length < TINY * max(abs(time), self.span) else 0
        if (states < self.system.lower_bounds).any():
            raise IntegrationError(NEGATIVE, time, states)
        if self._tiny_steps > TINY_STEPS:
            raise IntegrationError(NO_PROGRESS, time, states)
        if self._steps % CHATTER_STEPS == 0:
            if self._mark is not None and time - self._mark < CHATTER_PROGRESS * self.span:
                raise IntegrationError(NO_PROGRESS, time, states)
            self._mark = time
        self._steps += 1
