"""Published facts as values: a number with its interval and source, looked up before the mechanism was written."""

from __future__ import annotations

from typing import NamedTuple

KINDS = ("number", "dose-response", "time course")


class Fact(NamedTuple):
    """A published number that an expectation may ask.

    that: in words. setting: who was given what. quantity: what was measured, and how it was reckoned. observable: what
    a model would call it. low, high: in the unit `unit_text`; infinite where there is no bound. rule: how the interval
    follows from the published number. kind: one of `KINDS`. topic: the field it is a fact of. source: ``KEY, place``.
    status: how well the number is verified. log10: the quantity is a decimal logarithm. set_aside: never used for
    fitting, and counted apart.
    """

    id: str
    that: str
    setting: str
    quantity: str
    observable: str
    low: float
    high: float
    unit_text: str
    rule: str
    kind: str
    topic: str
    source: str
    status: str
    log10: bool
    set_aside: bool
