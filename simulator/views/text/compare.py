"""The large differences between curves and their reference, in one sentence each, from the rows of a comparison."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from ...experiments.comparison import SAME_END, ComparisonRow, negligible, same_length
from ...experiments.explanation.phases import TURN
from ...numerics.thresholds import NEGLIGIBLE
from .curve import FLAT, at_time
from .english import counted
from .numbers import number, percent, with_unit

FACTOR = 1.5  # between two levels or areas
SMALL = 0.01  # of the highest level compared: a lower level counts as this one
SPAN = 0.2  # of the excursion of the curves: a difference that is smaller is hardly seen next to them
SEEN = 0.005  # of the highest level: a fifth of a degree of body temperature; curves that differ by less are alike
STILL = 1e-3  # of where a curve starts: it does not leave it
PLAIN = 10.0  # a factor beyond which differences are equally plain, and what is shown first is told first
SHIFT = 0.1  # of the run: a peak that comes so much earlier or later
MOST = 8  # sentences
LEAST_FOLD = 1e-3  # a smaller ratio is written as a fraction: ``1/310,000 of that described``
RULE = (
    f"what comes or goes; a factor of {number(FACTOR)} in peak, lowest or final value or area, levels below "
    f"{percent(SMALL)} of the highest are treated as {percent(SMALL)}; the same factor in how far a level is from "
    f"where its curve starts, if the levels differ by {percent(SPAN)} of the excursion of the curves and "
    f"{number(100 * SEEN)} % of the highest; a peak {percent(SHIFT)} of the run earlier or later, unless the curve is "
    "nearly as high in between"
)


class Difference(NamedTuple):
    """A difference as text. size: the logarithm of a factor, or a number that is comparable with one."""

    size: float
    text: str


def sentences(rows: Sequence[ComparisonRow], most: int = MOST) -> list[str]:
    """The largest differences between curves and their reference, the largest first, and of those beyond a factor of
    `PLAIN` the curves that are shown first; how many more there are."""
    found = []
    for name in dict.fromkeys(row.name for row in rows):
        group = [row for row in rows if row.name == name]
        base = next((row for row in group if row.reference), None)
        if base is None:
            continue
        for row in group:
            if row is not base and row.ok and base.ok:
                found += _most_telling(list(_differences(row, base, group)))
    found.sort(key=lambda each: -each.size if math.isinf(each.size) else -min(each.size, math.log(PLAIN)))
    shown = [f"{each.text}." for each in found[:most]]
    return [*shown, f"And {counted(len(found) - most, 'more difference')}."] if len(found) > most else shown


def not_compared_lines(rows: Sequence[ComparisonRow]) -> list[str]:
    """A line for each run that failed, with when and why, which is why it is not compared."""
    failed = {row.label: row for row in rows if not row.ok}.values()
    return [
        f"{row.label}: FAILED, {row.reason}; "
        f"{'nothing can be compared with it' if row.reference else 'it is not compared'}"
        for row in failed
    ]


def _most_telling(found: list[Difference]) -> list[Difference]:
    """The first that is nearly as large as the largest, if there is any: a higher peak says more than the area."""
    largest = max((each.size for each in found), default=0.0)
    return [each for each in found if each.size >= largest - math.log(FACTOR)][:1]


def _differences(row: ComparisonRow, base: ComparisonRow, group: Sequence[ComparisonRow]) -> Iterator[Difference]:
    """Every large difference between two curves, the most telling first where two are alike."""
    high = negligible(group) / NEGLIGIBLE
    subject, than = f"{row.label}, {row.name}", _than(base)
    least = NEGLIGIBLE * high
    present, base_present = (max(abs(each.value("peak")), abs(each.value("lowest"))) > least for each in (row, base))
    if present != base_present:
        course = f"{_top(row)}; {than.as_is} there is none" if present else f"none; {than.as_is}: {_top(base)}"
        yield Difference(math.inf, f"{subject}: {course}")
        return
    if not present:
        return
    same_end = same_length(row, base)
    phrases: dict[str, Callable[[ComparisonRow], str]] = {"peak": _top, "lowest": _bottom}
    phrases |= {"final": _final} if same_end else {}
    levels = []
    for key, phrase in phrases.items():
        size = _size(row, base, key, high)
        if size and abs(base.value(key)) <= least:
            levels.append(Difference(size, f"{subject}: {phrase(row)}; {than.as_is} there is none"))
        elif size and abs(row.value(key)) <= least:
            gone = "none at the end" if key == "final" else "fall to nothing"
            levels.append(Difference(size, f"{subject}: {gone}; {than.as_is} there is {_known(base, key)}"))
        elif size:
            by = f"{_by(row.value(key), base.value(key), than, row)} ({_known(base, key)})"
            levels.append(Difference(size, f"{subject}: {phrase(row)}, {by}"))
    yield from levels
    if levels or not same_end:
        return
    if row.area_ratio and abs(math.log(row.area_ratio)) >= math.log(FACTOR):
        area = with_unit(row.value("area"), row.area_unit)
        by = _times(row.area_ratio, than, "large", "smaller")
        text = f"{subject}: area under the curve of {area}, {by} ({number(base.value('area'))})"
        yield Difference(abs(math.log(row.area_ratio)), text)
    if all(_stands_out(each) for each in (row, base)):
        shift = row.value("time_of_peak") - base.value("time_of_peak")
        flat = max((each.top_width or 0.0) for each in (row, base))
        if abs(shift) >= max(SHIFT * base.end, flat):
            later = f"{number(abs(shift))} {row.time_unit} {'later' if shift > 0 else 'earlier'} {than.than}"
            size = math.log(FACTOR) * abs(shift) / (SHIFT * base.end)
            before = _when(base, base.value("time_of_peak"))
            yield Difference(size, f"{subject}: {_top(row)}, {later} ({before})")


def _size(row: ComparisonRow, base: ComparisonRow, key: str, high: float) -> float:
    """How large the difference of two levels is: the logarithm of their ratio, or of the ratio of how far each is from
    where its own curve starts, which is what a figure shows of a curve that never comes near zero, such as a body
    temperature; 0 where the difference is not large."""
    value, other = row.value(key), base.value(key)
    least, large = SMALL * high, math.log(FACTOR)
    if value >= -least and other >= -least:
        factor = abs(math.log(max(value, least) / max(other, least)))
        if factor >= large:
            return factor
    apart = abs(value - other)
    span = max(each.value("peak") - each.value("lowest") for each in (row, base))
    if apart < SPAN * span or apart < SEEN * high:
        return 0.0
    gone, other_gone = (each.value(key) - each.value("start") for each in (row, base))
    near = SMALL * span
    if gone * other_gone <= 0 or near == 0.0:  # to different sides, or flat at another level
        return large * apart / (SPAN * span) if span else large
    factor = abs(math.log(max(abs(gone), near) / max(abs(other_gone), near)))
    return factor if factor >= large else 0.0


class _Than(NamedTuple):
    """How a sentence calls the reference: ``than described``, ``as described``, ``as described``, ``described``; or
    ``than in NAME``, ``as in NAME``, ``in NAME``, ``in NAME``."""

    than: str
    as_much: str
    as_is: str
    of_that: str


def _than(base: ComparisonRow) -> _Than:
    if base.label == "as described":
        return _Than("than described", "as described", "as described", "described")
    name = base.label if base.label == base.scenario else f"'{base.label}'"
    return _Than(f"than in {name}", f"as in {name}", f"in {name}", f"in {name}")


def _by(value: float, base: float, than: _Than, row: ComparisonRow) -> str:
    """By how much a level is higher or lower, as a factor where that is large, else as a difference."""
    if base > 0 and value > 0 and not 1 / FACTOR < value / base < FACTOR:
        return _times(value / base, than, "high", "lower")
    return f"{_level(row, abs(value - base))} {'higher' if value > base else 'lower'} {than.than}"


def _times(ratio: float, than: _Than, much: str, less: str) -> str:
    if ratio >= 1:
        return f"{number(ratio, 2)} times as {much} {than.as_much}"
    if ratio < LEAST_FOLD:
        return f"1/{number(1 / ratio, 2)} of that {than.of_that}"
    return f"{number(1 / ratio, 2)}-fold {less} {than.than}"


def _top(row: ComparisonRow) -> str:
    if _at_start(row, "peak"):
        return f"no rise above {_level(row, row.value('peak'))}"
    if row.value("time_of_peak") >= row.end * (1 - SAME_END):
        return f"rise to {_level(row, row.value('peak'))} at the end"
    return f"peak of {_level(row, row.value('peak'))} {_when(row, row.value('time_of_peak'))}"


def _bottom(row: ComparisonRow) -> str:
    if _at_start(row, "lowest"):
        return f"no fall below {_level(row, row.value('lowest'))}"
    if row.value("time_of_lowest") >= row.end * (1 - SAME_END):
        return f"fall to {_level(row, row.value('lowest'))} at the end"
    return f"low of {_level(row, row.value('lowest'))} {_when(row, row.value('time_of_lowest'))}"


def _final(row: ComparisonRow) -> str:
    return f"final value of {_level(row, row.value('final'))}"


def _known(base: ComparisonRow, key: str) -> str:
    if key == "final":
        return _level(base, base.value("final"))
    when = "at the start" if _at_start(base, key) else _when(base, base.value(f"time_of_{key}"))
    return f"{_level(base, base.value(key))} {when}"


def _at_start(row: ComparisonRow, key: str) -> bool:
    """Whether a curve never rises above its start (`key` is ``peak``), or never falls below it (``lowest``)."""
    still = max(FLAT * (row.value("peak") - row.value("lowest")), STILL * abs(row.value("start")))
    return bool(abs(row.value(key) - row.value("start")) <= still)


def _stands_out(row: ComparisonRow) -> bool:
    """Whether the highest value is a peak, clearly above both ends."""
    above = row.value("peak") - max(row.value("start"), row.value("final"))
    return bool(above > TURN * (row.value("peak") - row.value("lowest")))


def _level(row: ComparisonRow, value: float) -> str:
    return with_unit(value, row.unit)


def _when(row: ComparisonRow, time: float) -> str:
    return at_time(time, row.time_unit)
