"""A number with its unit."""

from __future__ import annotations

from typing import Any

from ..views.text.numbers import with_unit


class Measured(float):
    """A number with its unit: computes as a float, prints as ``12.3 pM``.

    Attributes:
        unit: as text.
        reason: why there is no value and the number is NaN, such as ``never``; else empty.
    """

    unit: str
    reason: str

    def __new__(cls, value: float, unit: str, reason: str = "") -> Measured:
        made = super().__new__(cls, value)
        made.unit, made.reason = unit, reason
        return made

    def __repr__(self) -> str:
        return self.reason or with_unit(float(self), self.unit, 4)

    __str__ = __repr__

    def __reduce__(self) -> tuple[Any, ...]:
        return Measured, (float(self), self.unit, self.reason)
