"""What a simulation returns: a time course, and how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

SUCCESS = "success"
NOT_FINITE = "not finite"
NEGATIVE = "negative"
NO_PROGRESS = "no progress"
DEADLINE = "deadline"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended. Unless `kind` is success: when (model time), in which state, and the
    reaction that drove it there."""

    kind: str = SUCCESS
    message: str = ""
    time: float | None = None
    state: str | None = None
    reaction: str | None = None

    @property
    def ok(self) -> bool:
        return self.kind == SUCCESS


class Curves(Protocol):
    """Curves that can be read between the saved points."""

    def times(self) -> Array: ...

    def values(self, name: str) -> Array: ...

    def forget(self) -> None: ...


@dataclass(frozen=True)
class Trajectory:
    """A time course: `times`, shape (n,), and one array of shape (n,) for every species and
    observable. A value saved at the time of a dose is the value after the dose.

    dense: the same curves between the saved points, for measures. added: what doses and infusions put
    into each species over the whole run, counted by the solver while it ran. A failed run
    holds all times before the failure.
    """

    times: Array
    values: Mapping[str, Array]
    dense: Curves
    outcome: Outcome
    added: Mapping[str, float]
    solver: str
    calls: int = 0
    steps: int = 0
    seconds: float = 0.0

    def __getitem__(self, name: str) -> Array:
        return self.values[name]
