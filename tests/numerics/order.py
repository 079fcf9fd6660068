"""The order of convergence of a method, measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from immunesim.numerics.trajectory import Array


class Run(NamedTuple):
    """steps it took, and its largest error at the end."""

    steps: int
    error: float


def slope(sizes: Sequence[float] | Array, errors: Sequence[float] | Array) -> float:
    """The power of size that errors follow, by least squares in logarithms."""
    return float(np.polyfit(np.log(sizes), np.log(errors), 1)[0])


def order_of(run: Callable[[float], Run], rtols: Sequence[float] | Array) -> float:
    """The order of an engine that chooses its own steps: the power of the mean step that its error follows as the
    tolerance falls. ``run(rtol)`` is to be smooth, not stiff, and above rounding at every one of `rtols`."""
    runs = [run(rtol) for rtol in rtols]
    return slope([1.0 / each.steps for each in runs], [each.error for each in runs])
