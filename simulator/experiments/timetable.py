"""When doses and changes of an arm happen, without how much: stretches of time, and which dose falls in which."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from .scenario import Arm, Dose

SAME_TIME = 1e-9  # two edges closer than this (relative to the horizon) are one

Active = tuple[bool, ...]  # which of an arm's changes hold


@dataclass(frozen=True, slots=True)
class DoseEvent:
    """What is given of one dose before the end of the run.

    dose: its place among the arm's doses. number: which of its times, from 0. first, last: a jump at the
    start of stretch `first` if both are the same, else an infusion from there to the end of stretch
    ``last - 1``. share: how much of the dose it is. active: the changes that hold when it begins.
    """

    dose: int
    number: int
    first: int
    last: int
    share: float
    active: Active


@dataclass(frozen=True)
class Timetable:
    """bounds: the edges, from 0, and the end of the run. active: the changes that hold in each stretch."""

    bounds: tuple[float, ...]
    active: tuple[Active, ...]
    portions: tuple[DoseEvent, ...]


def timetable(arm: Arm, end: float) -> Timetable:
    """Everything that happens in `arm` before `end`, doses in the order of the arm."""
    edges = _edges(arm, end)
    portions = []
    for place, dose in enumerate(arm.doses):
        for number in range(dose.count):
            begins = dose.time(number)
            share = fraction(dose, number, end, end)
            if not share:
                continue
            # an edge is never later than what it stands for, so that the last one before is meant
            first, last = bisect_right(edges, begins) - 1, bisect_right(edges, begins + dose.over) - 1
            if begins + dose.over >= end * (1 - SAME_TIME):
                last = len(edges)
            portions.append(DoseEvent(place, number, first, last, share, active(arm, begins, end)))
    return Timetable((*edges, end), tuple([active(arm, edge, end) for edge in edges]), tuple(portions))


def active(arm: Arm, time: float, end: float) -> Active:
    """Which changes hold from `time` on."""
    return tuple([change.active(time + SAME_TIME * end) for change in arm.changes])


def fraction(dose: Dose, number: int, reached: float, end: float) -> float:
    """How much of one dose was given by the time `reached`, from 0 to 1."""
    begins = dose.time(number)
    if begins >= end * (1 - SAME_TIME) or begins > reached:
        return 0.0
    return 1.0 if dose.over == 0.0 else min(1.0, (reached - begins) / dose.over)


def _edges(arm: Arm, end: float) -> list[float]:
    """0 and every time before the end at which a dose or change starts or stops."""
    times = [0.0]
    for dose in arm.doses:
        for number in range(dose.count):
            begins = dose.time(number)
            times += [begins, begins + dose.over]
    for change in arm.changes:
        times += [change.start] if change.end is None else [change.start, change.end]
    edges: list[float] = []
    for time in sorted(times):
        if time < end * (1 - SAME_TIME) and not (edges and time - edges[-1] <= SAME_TIME * end):
            edges.append(time)
    return edges
