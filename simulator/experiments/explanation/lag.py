"""By how much one curve lags behind another."""

from __future__ import annotations

import numpy as np

from ...numerics.trajectory import Array
from .phases import scaled

EVEN = 1024  # points, even in time, at which curves are compared
CLEAR = 0.5  # of a perfect match: a weaker one shows no delay


def lag(times: Array, first: Array, second: Array, sign: int) -> float | None:
    """The time by which `second` follows `first`: where their cross-correlation is largest.

    Both are taken from their means, on a logarithmic scale where they span decades (`scaled`), at `EVEN` even times, up
    to half the run apart; sign: 1 if they should move alike, -1 if against each other. What lies behind the end counts
    as no match. None where the largest correlation is below `CLEAR`, at the longest lag, or where `second` moves
    first; or sign is 0.
    """
    if sign == 0:
        return None
    even = np.linspace(times[0], times[-1], EVEN)
    one, other = (np.interp(even, times, scaled(values)[0]) for values in (first, second))
    one, other = one - one.mean(), other - other.mean()
    size = float(np.sqrt((one @ one) * (other @ other)))
    if size == 0:
        return None
    match = sign * np.correlate(other, one, mode="full")[EVEN // 2 : -EVEN // 2] / size
    best = int(match.argmax())
    if match[best] < CLEAR or not EVEN // 2 - 1 <= best < len(match) - 1:
        return None
    return float(even[best - EVEN // 2 + 1] - even[0])
