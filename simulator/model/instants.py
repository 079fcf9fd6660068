"""Times as whole numbers of ticks, so that equal instants are equal floats.

184 h is 7 d 16 h, and the third of doses each 0.1 h is at 0.3 h; in binary fractions of a day or an hour neither is
so. Every time that is computed from others is therefore computed in ticks, and becomes a float of the model's time
unit by `time_of` alone, which rounds correctly.
"""

from __future__ import annotations

import functools
import math

from .units import Unit

PER_SECOND = 10**30  # ticks: the smallest unit of time, fs, keeps all `DIGITS`
DIGITS = 15  # that a float can always tell apart
WRITTEN = 12  # digits of times that people write
ROUNDING = 16  # floats that sums and products of such times may be away from them


def ticks_of(time: float, unit: Unit) -> int:
    """The ticks of a finite time in `unit`.

    What was written as decimal text, in any unit of time, is that to the last digit: the decimal number of seconds of
    15 digits that the float stands for. So is what a program computed from such times, as 3 * 0.1, if few floats lie
    between it and a number of seconds of 12 digits. Any other float, such as one drawn at random, is taken as it is.

    >>> from .units import unit
    >>> ticks_of(184 / 24, unit("d")) == ticks_of(184.0, unit("h")) == 23 * ticks_of(8.0, unit("h"))
    True
    >>> ticks_of(3 * 0.1, unit("h")) == ticks_of(0.3, unit("h"))
    True
    """
    size, seconds = _size(unit.factor), time * unit.factor
    if math.isfinite(seconds):
        written = _decimal(seconds, WRITTEN)
        if abs(written / size - time) <= ROUNDING * math.ulp(time):
            return written
        if (decimal := _decimal(seconds, DIGITS)) / size == time:
            return decimal
    return _exact(time, size)


def time_of(ticks: int, unit: Unit) -> float:
    """The float nearest to a time, in `unit`; infinite beyond all floats. Nothing else makes a float of an instant."""
    try:
        return ticks / _size(unit.factor)
    except OverflowError:
        return math.inf


def converted(time: float, given: Unit, wanted: Unit) -> float:
    """A finite time in `given` as one in `wanted`, correctly rounded; infinite beyond all floats."""
    return time_of(ticks_of(time, given), wanted)


@functools.lru_cache(maxsize=64)
def _size(factor: float) -> int:
    """The ticks in a unit of time of so many seconds."""
    decimal = _decimal(factor, DIGITS)
    return max(1, decimal if decimal / PER_SECOND == factor else _exact(factor, PER_SECOND))


@functools.lru_cache(maxsize=4096)
def _decimal(seconds: float, count: int) -> int:
    """The ticks of the decimal number of `count` digits that is nearest to `seconds`."""
    digits, _, power = f"{seconds:.{count - 1}e}".partition("e")
    number, exponent = int(digits.replace(".", "")), int(power) - (count - 1)
    above, below = PER_SECOND * int(10 ** max(exponent, 0)), int(10 ** max(-exponent, 0))
    return (2 * number * above + below) // (2 * below)


def _exact(time: float, size: int) -> int:
    """The ticks nearest to `time` in a unit of `size` ticks."""
    numerator, denominator = time.as_integer_ratio()
    return (2 * numerator * size + denominator) // (2 * denominator)
