"""Axes with round numbers: limits, ticks and tick labels, linear or logarithmic."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator, NullLocator

from ...experiments.sweeps.designs import SweepMeasure
from ...numerics.trajectory import Array
from ..text.numbers import number, with_unit
from ..text.sweep_measures import sampled
from .page import text_width
from .style import SMALL

DECADES = 2.0  # positive values that span more than this are drawn on a logarithmic axis
MOST_DECADES = 6  # of a logarithmic axis, below all but the largest values
ABOVE = 3  # decades above these
ENOUGH = 0.25  # of the values: a frame with fewer is moved to where most are
MOST_MARKS = 400  # at one end
FLAT = 0.005  # of the size: values that differ by less are drawn nearly flat, lest nothing looks like much
SAME = 1e-6  # of the size: values that differ by less are drawn as one: the solver is no more precise


def wants_log(values: Array) -> bool:
    """Whether all known values are positive and span more than `DECADES`."""
    known = values[np.isfinite(values)]
    return len(known) > 1 and bool(known.min() > 0) and math.log10(known.max()) - math.log10(known.min()) > DECADES


def is_log(item: SweepMeasure, values: Array) -> bool:
    """Whether a measure is drawn on a logarithmic axis: as its definition says, or as its values suggest."""
    if item.log is None:
        return wants_log(values)
    return item.log and not bool((values <= 0).any())


def frame(values: Array) -> tuple[float, float]:
    """The part of positive values that a logarithmic axis shows: all of them if they span few decades, else
    `MOST_DECADES` below their 95th percentile and `ABOVE` above it, cut at a power of ten."""
    whole = values[np.isfinite(values)]
    known = np.sort(np.log10(whole))
    low, high = float(known[0]), float(known[-1])
    if high - low > MOST_DECADES:
        upper = float(np.quantile(known, 0.95, method="lower"))
        if ((known >= upper - MOST_DECADES) & (known <= upper + ABOVE)).mean() < ENOUGH:
            inside = np.searchsorted(known, known, "right") - np.searchsorted(known, known - MOST_DECADES)
            upper = float(known[len(known) - 1 - inside[::-1].argmax()])
        low, high = math.floor(upper - MOST_DECADES), math.ceil(upper + ABOVE)
        return max(float(whole.min()), 10.0**low), min(float(whole.max()), 10.0**high)
    return float(whole.min()), float(whole.max())


def frame_of_ratios(values: Array) -> tuple[float, float]:
    """The same for ratios: `ABOVE` decades below and above one and their median."""
    known = values[np.isfinite(values)]
    middle = float(np.median(np.log10(known)))
    low, high = math.floor(min(middle, 0.0) - ABOVE), math.ceil(max(middle, 0.0) + ABOVE)
    return max(float(known.min()), 10.0**low), min(float(known.max()), 10.0**high)


def limits(
    values: Array, log: bool, head: float = 0.0, always: Sequence[float] = (),
    framed: Callable[[Array], tuple[float, float]] = frame,
) -> tuple[float, float]:  # fmt: skip
    """The ends of an axis that shows the known values, of a logarithmic one those in their frame, and `always`;
    it keeps this fraction of it free above them."""
    known = values[np.isfinite(values)]
    levels = np.array([level for level in always if level > 0 or not log])
    if not len(known):
        known = levels
    if not len(known):
        return (0.1, 1.0) if log else (0.0, 1.0)
    ends = framed(known) if log else (known.min(), known.max())
    low, high = float(min(ends[0], *levels, ends[0])), float(max(ends[1], *levels, ends[1]))
    cut_low, cut_high = bool(known.min() < low * (1 - SAME)), bool(known.max() > high * (1 + SAME))
    if log:
        low, high = math.log10(low), math.log10(high)
    same = high - low <= (1e-3 if log else SAME * max(abs(low), abs(high)))
    if same:
        middle, half = (low + high) / 2, (0.5 if log else 0.1 * abs(high) or 1.0)
        low, high = middle - half, middle + half
    elif not log and high - low < FLAT * max(abs(low), abs(high)):
        middle, half = (low + high) / 2, FLAT * max(abs(low), abs(high))
        low, high = middle - half, middle + half
    elif not log and 0 <= low < 0.5 * high:
        low = 0.0
    span = (high - low) / (1 - head - 0.08)
    low -= 0.0 if log and cut_low else 0.04 * span
    high += (head if log and cut_high else head + 0.04) * span
    return (10**low, 10**high) if log else (low, high)


def outside_text(values: Array, ends: tuple[float, float], unit: str = "1") -> str:
    """How many values are outside an axis: ``12 below 0.001 pM, 1 above 10⁶ pM``."""
    counts = (("below", int((values < ends[0]).sum()), ends[0]), ("above", int((values > ends[1]).sum()), ends[1]))
    return ", ".join(f"{count} {word} {with_unit(end, unit, 2)}" for word, count, end in counts if count)


def mark_outside(panel: Axes, which: str, along: Array, values: Array, ends: tuple[float, float], color: str) -> None:
    """Draws a triangle at the end of an axis for each value outside it. along: their positions on the other axis."""
    markers = "<>" if which == "x" else "v^"
    for marker, chosen, end in zip(markers, (values < ends[0], values > ends[1]), ends, strict=True):
        at = along[chosen][sampled(int(chosen.sum()), MOST_MARKS)]
        if len(at):
            places = (np.full(len(at), end), at) if which == "x" else (at, np.full(len(at), end))
            panel.plot(
                *places, marker, color=color, ms=4, mec="white", mew=0.4, zorder=4, clip_on=False, label="outside"
            )


def round_numbers(low: float, high: float, log: bool, most: int) -> list[float]:
    """At most `most` round numbers from low to high."""
    found: list[float] = []
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
    """Tick labels with as many digits as are needed to tell them apart."""
    step = min((abs(b - a) for a, b in pairwise(values)), default=0.0)
    for digits in range(1, 16):
        if all(abs(float(f"{v:.{digits}g}") - v) <= 1e-6 * (step or abs(v)) for v in values):
            break
    return [number(value, digits) for value in values]


def set_scale(axis: Axes, which: str, ends: tuple[float, float], log: bool, inches: float, size: float = SMALL) -> None:
    """Sets limits, scale and ticks of the x or y axis, with as many ticks as fit `inches` at this type size."""
    scaled = axis.xaxis if which == "x" else axis.yaxis
    (axis.set_xscale if which == "x" else axis.set_yscale)("log" if log else "linear")
    (axis.set_xlim if which == "x" else axis.set_ylim)(*ends)
    ticks, texts = ticks_of(which, ends, log, inches, size)
    scaled.set_major_locator(FixedLocator(ticks))
    scaled.set_major_formatter(FixedFormatter(texts))
    scaled.set_minor_locator(NullLocator())


def ticks_of(
    which: str, ends: tuple[float, float], log: bool, inches: float, size: float = SMALL
) -> tuple[list[float], list[str]]:
    """As many round numbers as fit on an axis of this length in inches, and their tick labels."""
    low, high = ends
    ticks: list[float] = []
    texts: list[str] = []
    between, line = 0.12 * size / SMALL, 0.2 * size / SMALL
    for most in (7, 6, 5, 4, 3, 2):
        ticks = round_numbers(low, high, log, most)
        texts = in_words(ticks)
        sizes = [text_width(text, size) + between for text in texts] if which == "x" else [line] * len(texts)
        places = [fraction(value, low, high, log) * inches for value in ticks]
        if all(b - a >= (p + q) / 2 for a, b, p, q in zip(places, places[1:], sizes, sizes[1:], strict=False)):
            break
    return ticks, texts


def fraction(value: float, low: float, high: float, log: bool) -> float:
    """How far along an axis a value stands, from 0 at its low end to 1 at its high end."""
    if log:
        if value <= 0:
            return 0.0
        return (math.log10(value) - math.log10(low)) / (math.log10(high) - math.log10(low))
    return (value - low) / (high - low)
