"""When doses are given and changes hold in an arm. Times are compared exactly, in ticks, and need no NumPy."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from ..model.instants import ticks_of, time_of
from ..model.model import Model
from ..model.units import Unit
from .scenario import Arm, Dose

CLOSEST = 1e-12  # of the time: two instants nearer than a few thousand floats leave the solver no room for steps

Active = tuple[bool, ...]  # for each change of an arm, whether it holds


class TimetableError(ValueError):
    """What an arm asks for cannot be: an infusion that overlaps the next, or instants that floats cannot tell apart."""


class DoseEvent(NamedTuple):
    """One time at which a dose is given before the end of the run.

    dose: its index among the arm's doses. number: which of its times, from 0. first, last: a bolus at the start of
    segment `first` if they are equal, else an infusion through the segments `first` to ``last - 1``.
    share: how much of the dose is given before the end, from 0 to 1.
    """

    dose: int
    number: int
    first: int
    last: int
    share: float


class Timetable(NamedTuple):
    """When things happen in an arm, without how much.

    bounds: where segments begin, from 0, and the end of the run; (segments + 1,), in the model's time unit.
    active: the changes that hold in each segment. events: every dose given, in the order of the arm's doses.
    """

    bounds: tuple[float, ...]
    active: tuple[Active, ...]
    events: tuple[DoseEvent, ...]

    def share_given(self, event: DoseEvent, reached: float) -> float:
        """How much of a dose was given by the time `reached`, from 0 to 1."""
        begins, ends = self.bounds[event.first], self.bounds[event.last]
        if reached >= ends:
            return event.share
        return event.share * max(0.0, (reached - begins) / (ends - begins)) if begins < ends else 0.0


def timetable(arm: Arm, end: float, model: Model) -> Timetable:
    """When everything in `arm` happens before `end`, in the model's time unit.

    Raises:
        TimetableError: an infusion is longer than its interval, doses that repeat have none, or two things that are not
            at the same time, or one and the end, are nearer than `CLOSEST`.
    """
    unit = model.time_unit
    for dose in arm.doses:
        if dose.count > 1 and (problem := series_problem(dose.name, dose.over, dose.every, model)):
            raise TimetableError(problem)
    last = ticks_of(end, unit)
    series = [(_starts(dose, last, unit), ticks_of(dose.over, unit)) for dose in arm.doses]
    windows = [
        (ticks_of(change.start, unit), None if change.end is None else ticks_of(change.end, unit))
        for change in arm.changes
    ]
    instants = {0, *(tick for window in windows for tick in window if tick is not None)}
    for starts, length in series:
        instants.update(starts)
        instants.update([tick + length for tick in starts] if length else ())
    marks = sorted(tick for tick in instants if tick < last)
    bounds = tuple([time_of(tick, unit) for tick in (*marks, last)])
    for number, (before, after) in enumerate(pairwise(bounds)):
        if after - before < CLOSEST * after:
            raise TimetableError(_too_close(arm, [*marks, last][number : number + 2], last, model))
    place = {tick: number for number, tick in enumerate(marks)}
    events = []
    for index, (starts, length) in enumerate(series):
        for number, begins in enumerate(starts):
            share = min(1.0, (last - begins) / length) if length else 1.0
            until = place.get(begins + length, len(marks))  # an infusion that is cut lasts until the end
            events.append(DoseEvent(index, number, place[begins], until, share))
    active = [tuple([start <= tick and (stop is None or tick < stop) for start, stop in windows]) for tick in marks]
    return Timetable(bounds, tuple(active), tuple(events))


def series_problem(dose: str, over: float, every: float, model: Model) -> str:
    """Why a dose cannot be repeated `every` so often, each time `over` so long, in the model's time unit; or ''."""
    unit, text = model.time_unit, model.time_unit_text
    if not every > 0:
        return f"doses of '{dose}' that repeat need 'every', the interval between them"
    if ticks_of(over, unit) > ticks_of(every, unit):
        return f"an infusion of '{dose}' of {over:g} {text} is longer than its interval, {every:g} {text}"
    return ""


def _starts(dose: Dose, end: int, unit: Unit) -> list[int]:
    """The ticks before `end` at which a dose is given."""
    begins, every = ticks_of(dose.at, unit), ticks_of(dose.every, unit)
    if begins >= end or dose.count == 1:
        return [begins] if begins < end else []
    return [begins + number * every for number in range(min(dose.count, -((begins - end) // every)))]


def _too_close(arm: Arm, ticks: list[int], end: int, model: Model) -> str:
    """What happens at two instants, and how far apart they are."""
    unit, unit_text = model.time_unit, model.time_unit_text
    found = dict(reversed([(0, "the run begins"), *_events(arm, end, unit)]))
    first, second = (found.get(tick, "the run ends") for tick in ticks)
    apart, after = (ticks[1] - ticks[0]) / ticks_of(1.0, unit), time_of(ticks[0], unit)
    return (
        f"{first} at {after:.12g} {unit_text}, and {second} {apart:.2g} {unit_text} later: too close for the solver "
        "to tell apart; let both happen at the same time, or further apart"
    )


def _events(arm: Arm, end: int, unit: Unit) -> Iterator[tuple[int, str]]:
    """What happens in an arm before `end`, in words, each with its ticks."""
    for dose in arm.doses:
        length = ticks_of(dose.over, unit)
        for number, begins in enumerate(_starts(dose, end, unit), 1):
            which = f"dose '{dose.name}'" + (f", number {number} of {dose.count}," if dose.count > 1 else "")
            yield begins, f"{which} begins" if length else f"{which} is given"
            if length and begins + length < end:
                yield begins + length, f"{which} ends"
    for number, change in enumerate(arm.changes, 1):
        for time, what in ((change.start, "begins"), (change.end, "ends")):
            if time is not None:
                yield ticks_of(time, unit), f"change {number} {what}"
