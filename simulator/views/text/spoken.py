"""Numbers as they are read aloud in a sentence: ``2.1 billion cells``, ``34 days``, ``38.6 °C``, ``62 %``."""

from __future__ import annotations

import math
import re

from ...model.units import UnitError, unit
from .numbers import number, unit_text

DIGITS = 2  # that count, of a number below 100 and of a large one; between, all that stand before the point
LARGE = ((1e12, "trillion"), (1e9, "billion"), (1e6, "million"))
LARGEST = 1e15
TIMES = (
    ("seconds", 90.0),
    ("minutes", 2.0 * 3600),
    ("hours", 2.0 * 86400),
    ("days", 2.0 * 365.25 * 86400),
    ("years", math.inf),
)
WORDS = {"s": "seconds", "min": "minutes", "h": "hours", "d": "days", "wk": "weeks", "week": "weeks", "y": "years",
         "year": "years", "day": "days", "hour": "hours"}  # fmt: skip
_POWER = re.compile(r"10\^(\d+) ")
PERCENT = ("percent", "%")


def spoken_measure(value: float, unit_name: str) -> str:
    """A value in the unit of its measure; a time in the unit that suits its size.

    >>> spoken_measure(0.05, "d"), spoken_measure(34.2, "d"), spoken_measure(5110.0, "d"), spoken_measure(0.25, "d/h")
    ('72 minutes', '34 days', '14 years', '6')
    """
    if not _is_time(unit_name):
        plain = unit_name not in PERCENT and unit(unit_name).dimensionless  # such as d/h
        return spoken(value * unit(unit_name).factor, "1") if plain else spoken(value, unit_name)
    seconds = value * unit(unit_name).to(unit("s"))
    name = next(name for name, most in TIMES if abs(seconds) < most or math.isnan(seconds) or name == "years")
    return spoken(seconds * unit("s").to(unit(name)), name)


def spoken(value: float, unit_name: str) -> str:
    """A value in this unit, which may be ``percent``.

    >>> [spoken(x, u) for x, u in ((2.07, "10^9 cells"), (1.0, "d"), (117.3, "mmHg"), (61.8, "percent"), (0.034, "%"))]
    ['2.1 billion cells', '1 day', '117 mmHg', '62 %', '0.034 %']
    """
    if unit_name in PERCENT:
        return f"{_percentage(value)} %"
    powers = _POWER.match(unit_name)
    if powers:  # of a unit such as 10^9 cells/L
        value, unit_name = value * 10.0 ** int(powers[1]), unit_name[powers.end() :]
    if unit_name == "degC":
        return f"{value:.1f} °C".replace("-", "−")
    text = rounded(value)
    word = WORDS.get(unit_name, unit_name)
    if word.endswith("s") and _is_time(unit_name):
        return f"{text} {word.removesuffix('s') if text == '1' else word}"
    return f"{text} {unit_text(word)}".rstrip()


def rounded(value: float) -> str:
    """A number with the digits that a listener keeps.

    >>> [rounded(x) for x in (0.01234, 5.14, 34.2, 365.2, 46213.0, 1.24e6, 3e-7)]
    ['0.012', '5.1', '34', '365', '46,000', '1.2 million', '3 × 10⁻⁷']
    """  # noqa: RUF002
    size = abs(value)
    for least, name in LARGE:
        if least * 0.9995 <= size < LARGEST:
            return f"{number(value / least, _digits(size / least))} {name}"
    return number(value, _digits(size))


def _digits(size: float) -> int:
    return 3 if 99.5 <= size < 1000 else DIGITS


def _percentage(value: float) -> str:
    """A percentage in which only everything is 100 and only nothing is 0."""
    if 99.5 <= value < 100 * (1 - 1e-6):
        return "over 99"
    return "under 0.01" if 0 < value < 0.01 else rounded(value)


def _is_time(unit_name: str) -> bool:
    try:
        return unit(unit_name).same_dimension(unit("s"))
    except UnitError:
        return False
