"""The sign of an effect or a feedback loop, the same code everywhere."""

from __future__ import annotations

from enum import IntFlag


class Sign(IntFlag):
    """Which way one quantity moves another. As flags: `RAISES | LOWERS` is `EITHER`, and `NONE` is false.

    Of a feedback loop: RAISES amplifies a disturbance (positive feedback), LOWERS damps it (negative feedback).
    """

    NONE = 0
    RAISES = 1
    LOWERS = 2
    EITHER = RAISES | LOWERS


def chained(one: Sign, other: Sign) -> Sign:
    """The sign of two effects in series, which is that of the product of their derivatives."""
    return _CHAINED[one][other]


def _product(one: Sign, other: Sign) -> Sign:
    flipped = Sign((one & Sign.RAISES) << 1 | (one & Sign.LOWERS) >> 1)
    return (one if other & Sign.RAISES else Sign.NONE) | (flipped if other & Sign.LOWERS else Sign.NONE)


_ALL = (Sign.NONE, Sign.RAISES, Sign.LOWERS, Sign.EITHER)
_CHAINED = tuple(tuple(_product(one, other) for other in _ALL) for one in _ALL)
