"""Numbers and times as the page writes them."""

from __future__ import annotations

import math

_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def short(value: float | None, digits: int = 3) -> str:
    """
    >>> short(0.012345), short(4), short(12345.6), short(2.1e9), short(-3e-7), short(None)
    ('0.0123', '4', '12,300', '2.1 × 10⁹', '−3 × 10⁻⁷', 'none')
    """  # noqa: RUF002
    if value is None or math.isnan(value):
        return "none"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    sign, size = ("−" if value < 0 else ""), abs(value)
    rounded = float(f"{size:.{digits - 1}e}")
    if rounded == 0:
        return "0"
    if 1e-3 <= rounded < 1e6:
        return sign + (f"{rounded:,.0f}" if rounded >= 10 ** (digits - 1) else f"{rounded:.{digits}g}")
    mantissa, exponent = f"{rounded:.{digits - 1}e}".split("e")
    mantissa = mantissa.rstrip("0").rstrip(".")
    power = "10" + str(int(exponent)).translate(_RAISED)
    return sign + (power if mantissa == "1" else f"{mantissa} × {power}")


def with_unit(value: float | None, unit: str) -> str:
    return short(value) if unit == "1" or value is None else f"{short(value)} {unit}"
