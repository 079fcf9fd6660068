"""Axes with round numbers: limits, ticks and their words, linear or logarithmic."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator, NullLocator

from ..experiments.design import SweepMeasure
from ..numerics.trajectory import Array
from .page import SMALL, wide
from .sweep_words import number

DECADES = 2.0  # positive values that span more than this are drawn on a logarithmic axis
MOST_DECADES = 24.0
SAME = 1e-6  # of the size: values that differ by less are drawn as one, for a solver knows no more


def wants_log(values: Array) -> bool:
    """Whether all known values are positive and span more than `DECADES`."""
    known = values[np.isfinite(values)]
    return len(known) > 1 and bool(known.min() > 0) and math.log10(known.max()) - math.log10(known.min()) > DECADES


def is_log(item: SweepMeasure, values: Array) -> bool:
    """Whether these values of a measure are drawn on a logarithmic axis: as it says, or as they ask for."""
    if item.log is None:
        return wants_log(values)
    return item.log and not bool((values <= 0).any())


def limits(values: Array, log: bool, head: float = 0.0) -> tuple[float, float]:
    """The ends of an axis that shows all known values and keeps this fraction of it free above them."""
    known = values[np.isfinite(values)]
    if not len(known):
        return (0.1, 1.0) if log else (0.0, 1.0)
    low, high = float(known.min()), float(known.max())
    if log:
        low, high = math.log10(low), math.log10(high)
        low = max(low, high - MOST_DECADES)
    same = high - low <= (1e-3 if log else SAME * max(abs(low), abs(high)))
    if same:
        middle, half = (low + high) / 2, (0.5 if log else 0.1 * abs(high) or 1.0)
        low, high = middle - half, middle + half
    elif not log and 0 <= low < 0.5 * high:
        low = 0.0
    span = (high - low) / (1 - head - 0.08)
    low, high = low - 0.04 * span, high + (head + 0.04) * span
    return (10**low, 10**high) if log else (low, high)


def round_numbers(low: float, high: float, log: bool, most: int) -> list[float]:
    """At most `most` round numbers from low to high."""
    if log:
        decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        for digits in ((1, 2, 5), (1, 3), (1,)):
            found = [float(f"{digit}e{power}") for power in decades for digit in digits]
            found = [value for value in found if low * (1 - 1e-9) <= value <= high * (1 + 1e-9)]
            if len(found) < 2:
                break
            if len(found) <= most:
                return found
        if len(found) > most:
            return found[:: math.ceil(len(found) / most)]
    for count in range(max(most, 2), 0, -1):
        found = [float(v) for v in MaxNLocator(count, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)]
        slack = 1e-9 * (high - low)
        found = [0.0 if abs(v) < slack else v for v in found if low - slack <= v <= high + slack]
        if len(found) <= most:
            return found
    return found[:most]


def in_words(values: Sequence[float]) -> list[str]:
    """Numbers with as many digits as tell them apart."""
    step = min((abs(b - a) for a, b in pairwise(values)), default=0.0)
    for digits in range(1, 16):
        if all(abs(float(f"{v:.{digits}g}") - v) <= 1e-6 * (step or abs(v)) for v in values):
            break
    return [number(value, digits) for value in values]


def set_scale(axis: Axes, which: str, ends: tuple[float, float], log: bool, inches: float) -> None:
    """The x or y axis from end to end with as many round ticks as its length in inches holds."""
    low, high = ends
    scaled = axis.xaxis if which == "x" else axis.yaxis
    (axis.set_xscale if which == "x" else axis.set_yscale)("log" if log else "linear")
    (axis.set_xlim if which == "x" else axis.set_ylim)(low, high)
    for most in (7, 6, 5, 4, 3, 2):
        ticks = round_numbers(low, high, log, most)
        texts = in_words(ticks)
        size = [wide(text, SMALL) + 0.12 for text in texts] if which == "x" else [0.2] * len(texts)
        places = [fraction(value, low, high, log) * inches for value in ticks]
        if all(b - a >= (p + q) / 2 for a, b, p, q in zip(places, places[1:], size, size[1:], strict=False)):
            break
    scaled.set_major_locator(FixedLocator(ticks))
    scaled.set_major_formatter(FixedFormatter(texts))
    scaled.set_minor_locator(NullLocator())


def fraction(value: float, low: float, high: float, log: bool) -> float:
    """How far along an axis a value stands, from 0 at its low end to 1 at its high end."""
    if log:
        if value <= 0:
            return 0.0
        return (math.log10(value) - math.log10(low)) / (math.log10(high) - math.log10(low))
    return (value - low) / (high - low)
