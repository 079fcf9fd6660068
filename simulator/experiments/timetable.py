"""When doses are given and changes hold in an arm. Times are compared exactly, in ticks, and need no NumPy."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

from ..model.instants import converted, ticks_of, time_of
from ..model.model import Model
from ..model.units import ONE, Unit
from .scenario import Arm, Dose, Rate

CLOSEST = 1e-12  # of the time: two instants nearer than a few thousand floats leave the solver no room for steps

# For each change of an arm whether it holds, then for each of its inputs how many of the knots have passed
Active = tuple[int, ...]


class TimetableError(ValueError):
    """What an arm asks for cannot be: an infusion that overlaps the next, or instants that floats cannot tell apart."""


class DoseEvent(NamedTuple):
    """One time at which a dose enters its target before the end of the run.

    dose: its index among the arm's doses. number: which of its times, from 0; one before the run is below that.
    first, last: a bolus at the start of segment `first` if they are equal, else an infusion through the segments
    `first` to ``last - 1``.
    share: how much of what should enter does so before the end, from 0 to 1; less where a rule gives a part.
    """

    dose: int
    number: int
    first: int
    last: int
    share: float


class Timetable(NamedTuple):
    """When things happen in an arm, without how much.

    bounds: where segments begin, from 0, and the end of the run; (segments + 1,), in the model's time unit.
    active: the changes that hold in each segment, and the pieces of inputs. events: every dose given, in the order of
    the arm's doses. settings: for each of the arm's settings before the end the segment that it begins.
    """

    bounds: tuple[float, ...]
    active: tuple[Active, ...]
    events: tuple[DoseEvent, ...]
    settings: tuple[int, ...] = ()

    def share_given(self, event: DoseEvent, reached: float) -> float:
        """How much of what enters by a dose had entered by the time `reached`, from 0 to 1."""
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
    unit, arm = model.time_unit, settled_arm(arm, model)
    for dose in arm.doses:
        if problem := dose_problem(dose, model):
            raise TimetableError(problem)
    last = ticks_of(end, unit)
    series = [(_entries(dose, last, unit), ticks_of(dose.over, unit)) for dose in arm.doses]
    windows = [
        (ticks_of(change.start, unit), None if change.end is None else ticks_of(change.end, unit))
        for change in arm.changes
    ]
    inputs = [[ticks_of(time, unit) for time in each.times] for each in arm.inputs]
    instants = {0, *(tick for window in windows for tick in window if tick is not None)}
    instants.update(*inputs)
    set_at = [ticks_of(each.time, unit) for each in arm.settings]
    instants.update(set_at)
    for entries, length in series:
        instants.update([max(0, tick) for _, tick in entries])
        instants.update([tick + length for _, tick in entries] if length else ())
    marks = sorted(tick for tick in instants if tick < last)
    bounds = tuple([time_of(tick, unit) for tick in (*marks, last)])
    for number, (before, after) in enumerate(pairwise(bounds)):
        if after - before < CLOSEST * after:
            raise TimetableError(_too_close(arm, [*marks, last][number : number + 2], last, model))
    place = {tick: number for number, tick in enumerate(marks)}
    events = []
    for index, (entries, length) in enumerate(series):
        for number, begins in entries:
            share = (min(last, begins + length) - max(0, begins)) / length if length else 1.0
            share *= arm.doses[index].part(number)
            until = place.get(begins + length, len(marks))  # an infusion that is cut lasts until the end
            events.append(DoseEvent(index, number, place[max(0, begins)], until, share))
    active = [
        (
            *(start <= tick and (stop is None or tick < stop) for start, stop in windows),
            *(bisect_right(knots, tick) for knots in inputs),
        )
        for tick in marks
    ]
    return Timetable(bounds, tuple(active), tuple(events), tuple([place[tick] for tick in set_at if tick < last]))


def settled_arm(arm: Arm, model: Model) -> Arm:
    """`arm` with doses that have what they take from its parameters; raises as `settled`."""
    if not any(dose.named or dose.rate for dose in arm.doses):
        return arm
    values = {**{name: item.value for name, item in model.parameters.items()}, **arm.parameters}
    return arm._replace(doses=tuple([settled(dose, values, model) for dose in arm.doses]))


def settled(dose: Dose, parameters: Mapping[str, float], model: Model) -> Dose:
    """`dose` with what it takes from parameters: values of every parameter of an arm, by name.

    Raises `TimetableError` for an infusion at a rate of zero, which never ends.
    """
    new: dict[str, object] = {}
    for key, name in dose.named:
        value, given = parameters[name], model.parameters[name].unit
        if key in ("over", "lag"):
            new[key] = converted(value, given, model.time_unit)
        elif key == "rate" and dose.rate is not None:
            new[key] = dose.rate._replace(number=value)
        else:
            new[key] = value * given.to(ONE) if key == "share" else value
    dose = replace(dose, **new) if new else dose  # type: ignore[arg-type]
    return dose if dose.rate is None else replace(dose, over=_length(dose, dose.rate, parameters))


def _length(dose: Dose, rate: Rate, parameters: Mapping[str, float]) -> float:
    """How long the amount of a dose takes at a rate, in the model's time unit."""
    shared = {*dose.body} & {*rate.body}
    amount = dose.amount * math.prod([dose.factor, *(parameters[name] for name in dose.body if name not in shared)])
    speed = rate.number * math.prod([rate.factor, *(parameters[name] for name in rate.body if name not in shared)])
    if not amount:
        return 0.0
    if not speed > 0 or math.isinf(amount / speed):
        raise TimetableError(f"an infusion of '{dose.name}' at a rate of {rate.number:g} {rate.unit_text} never ends")
    return amount / speed


def dose_problem(dose: Dose, model: Model) -> str:
    """Why a dose cannot be given at its times; or ''."""
    unit, text = model.time_unit, model.time_unit_text
    if dose.times:
        length = ticks_of(dose.over, unit)
        numbers = [number for number in range(dose.count) if dose.part(number)]
        ticks = [dose.ticks(number) for number in numbers]
        for number, (before, after) in enumerate(pairwise(ticks)):
            if after - before < length:
                return (
                    f"an infusion of '{dose.name}' of {dose.over:g} {text} is longer than the interval between its "
                    f"doses at {dose.starts[number]:g} and {dose.starts[number + 1]:g} {text}"
                )
        return ""
    return series_problem(dose.name, dose.over, dose.every, model) if dose.count > 1 else ""


def series_problem(dose: str, over: float, every: float, model: Model) -> str:
    """Why a dose cannot be repeated `every` so often, each time `over` so long, in the model's time unit; or ''."""
    unit, text = model.time_unit, model.time_unit_text
    if not every > 0:
        return f"doses of '{dose}' that repeat need 'every', the interval between them"
    if ticks_of(over, unit) > ticks_of(every, unit):
        return f"an infusion of '{dose}' of {over:g} {text} is longer than its interval, {every:g} {text}"
    return ""


def given_share(dose: Dose, number: int, reached: float) -> float:
    """How much of dose `number`, counted from 0, was given by the time `reached`, from 0 to 1; whether it has entered
    its target, after a lag, or not."""
    unit = dose.time_unit
    past, length = ticks_of(reached, unit) - dose.ticks(number), ticks_of(dose.over, unit)
    begun = min(1.0, past / length) if past > 0 and length else float(past > 0)
    return begun * dose.part(number)


def _entries(dose: Dose, end: int, unit: Unit) -> list[tuple[int, int]]:
    """The numbers of the times at which a dose begins to enter its target before `end`, and their ticks. In a steady
    state also of those before the run that are still under way at its start: their numbers and ticks are negative."""
    lag = ticks_of(dose.lag, unit)
    if dose.waiting:
        return []
    if dose.times:
        listed = [(number, lag + dose.ticks(number)) for number in range(dose.count) if dose.part(number)]
        return [each for each in listed if each[1] < end]
    begins, every = lag + ticks_of(dose.at, unit), ticks_of(dose.every, unit)
    length = ticks_of(dose.over, unit)
    earlier = (begins + length - 1 if length else begins) // every if dose.steady and every else 0
    if begins >= end and not earlier:
        return []
    count = min(dose.count, -((begins - end) // every)) if dose.count > 1 else 1
    found = [(number, begins + number * every) for number in range(-max(0, earlier), count)]
    return [each for each in found if each[1] < end]


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
        for number, begins in _entries(dose, end, unit):
            which = f"dose '{dose.name}'" + (f", number {number + 1} of {dose.count}," if dose.count > 1 else "")
            yield begins, f"{which} begins" if length else f"{which} is given"
            if length and begins + length < end:
                yield begins + length, f"{which} ends"
    for each in arm.inputs:
        for knot in each.times:
            yield ticks_of(knot, unit), f"the input {each.parameter} has a knot"
    for setting in arm.settings:
        yield ticks_of(setting.time, unit), f"a rule sets {' and '.join(setting.values)}"
    for number, change in enumerate(arm.changes, 1):
        for time, what in ((change.start, "begins"), (change.end, "ends")):
            if time is not None:
                yield ticks_of(time, unit), f"change {number} {what}"
