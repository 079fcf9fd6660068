"""The marks of a linear axis."""

from __future__ import annotations

import math

DIGITS = 6  # of the distance between two marks


def axis_marks(low: float, high: float) -> list[float]:
    """Round numbers from `low` to `high` at even distances, seven at most.

    >>> axis_marks(0, 30)
    [0.0, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0]
    """
    step: float = 10.0 ** math.floor(math.log10(high - low))
    step *= next(part for part in (0.2, 0.5, 1.0, 2.0) if high - low <= 6 * part * step * (1 + 1e-9) or part == 2.0)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(place * step, DIGITS - math.floor(math.log10(step))) for place in range(first, last + 1)]
