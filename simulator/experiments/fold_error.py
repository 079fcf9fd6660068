"""How far a simulated value lies from the published one, as a factor."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..model.units import unit
from .scenario import Expectation

FACTOR = 1.5  # within it of the published value a number counts as near

_DEGREES = unit("degC")  # its zero is a convention, so ratios mean nothing


def central_value(expectation: Expectation) -> float | None:
    """The published value that an interval stands for; None where it has none.

    It is the middle by the rule "two SD" and of a range of logarithms, and otherwise the geometric mean of the ends,
    which is the published number itself by the rules "a third", "factor 2" and "factor 3". An interval with one bound,
    with an end at zero or ends of both signs, or of temperatures, has none.
    """
    low, high = expectation.low, expectation.high
    if math.isinf(low) or math.isinf(high) or low * high <= 0 or expectation.unit.same_dimension(_DEGREES):
        return None
    middle = expectation.rule == "two SD" or (expectation.log10 and expectation.rule == "published range")
    return (low + high) / 2 if middle else math.copysign(math.sqrt(low * high), low)


def fold_error(expectation: Expectation, simulated: float) -> float | None:
    """The simulated over the published value, or the other way round, so that it is at least 1.

    simulated: in the unit of the expectation. Of decimal logarithms it is ten to the power of their difference. None
    where there is no central value, or where nothing, zero or a value of the other sign was simulated.
    """
    centre = central_value(expectation)
    return None if centre is None else _fold(simulated, centre, expectation.log10)


def is_near(expectation: Expectation, simulated: float) -> bool:
    """Whether `simulated` is within `FACTOR` of the published value; where an interval has no central value, whether
    it lies in the interval or within `FACTOR` of one of its ends."""
    centre = central_value(expectation)
    if centre is None and expectation.met_by(simulated):
        return True
    ends = [] if expectation.unit.same_dimension(_DEGREES) else [expectation.low, expectation.high]
    found = [_fold(simulated, each, expectation.log10) for each in (ends if centre is None else [centre])]
    return any(fold is not None and fold <= FACTOR for fold in found)


def geometric_mean(folds: Sequence[float]) -> float | None:
    """The geometric mean of fold errors; None of none."""
    return math.exp(math.fsum(map(math.log, folds)) / len(folds)) if folds else None


def _fold(one: float, other: float, log10: bool) -> float | None:
    if log10 and math.isfinite(one) and math.isfinite(other):
        return 10 ** min(abs(one - other), 300.0)
    if not (math.isfinite(one) and math.isfinite(other) and one * other > 0):
        return None
    return max(one / other, other / one)
