"""What the rules of an arm decide: which doses are skipped, halved, delayed or stopped, and what is done at crossings;
and when its rates jump.

An arm is simulated with what is decided so far. What its rules look at is taken in order of time: until something is
decided otherwise, everything before it is as it was simulated. So an arm is simulated once, and again for each decision
that changes it.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import zip_longest
from operator import itemgetter
from typing import NamedTuple

from ..model.expression import Number
from ..model.instants import ticks_of, time_of
from ..model.model import Model
from ..numerics.trajectory import Trajectory
from .condition_values import BoundCondition, ConditionCourse
from .conditions import curves_of_condition
from .measured import MemberCurves, curves_of
from .rules import Compared, Condition, Crossing, Joined, Rule, Setting, Switching
from .scenario import Arm, Change, Dose
from .timetable import CLOSEST, timetable

MOST_DECISIONS = 1_000  # that change an arm: more is a rule that goes on for ever
MOST_FIRED = 300  # times that a rule fires that may do so every time, or a rate jumps: more goes on for ever
CHATTERING, NEAR = 30, 1e-4  # so many firings within this part of the run are one too
MOST_JUMPS = 2_000  # of one rate that jumps with time alone, as many as an input may have knots
SLIDING, AT_ONCE = 8, 1e-6  # so many jumps of one rate within this part of the run are pushed back from both sides
BESIDE = 1e-6  # of a whole number: so near to it a curve crosses it, and does not leap past it
SAME_TIME = 1e-3  # of the run: two computations that find a crossing further apart decide differently

# Arms, and their numbers among those that were given; None: it cannot be simulated
Simulate = Callable[[Sequence[Arm], Sequence[int]], Sequence[Trajectory | None]]


class Decision(NamedTuple):
    """What a rule did to a dose.

    rule, dose: their names. number: which of its times, counted from 1. time: when it was looked at, in the model's
    time unit. action, size: as in `Rule`. margin: how far the sides of the comparison that decided were apart, in terms
    of the larger one.
    """

    rule: str
    dose: str
    number: int
    time: float
    action: str
    size: float
    margin: float


class Fired(NamedTuple):
    """What a rule did at a crossing.

    rule: its name. number: how often it had fired then, this time included. time: in the model's time unit. gives,
    parameters, lasting, sets: as in `Crossing`.
    """

    rule: str
    number: int
    time: float
    gives: tuple[str, ...]
    parameters: Mapping[str, float]
    lasting: float
    sets: Mapping[str, float]


class Decided(NamedTuple):
    """An arm without rules, with what these gave and set; what its rules did to doses, and at crossings; closest: the
    smallest margin of any look at a dose, also of those that changed nothing, as rule, time and margin; problem: a rule
    that would decide for ever, in words; jumps: of rates, in order of time, as the name of what jumps and when."""

    arm: Arm
    decisions: tuple[Decision, ...] = ()
    fired: tuple[Fired, ...] = ()
    closest: tuple[str, float, float] | None = None
    problem: str = ""
    jumps: tuple[tuple[str, float], ...] = ()


def decided_arms(arms: Sequence[Arm], model: Model, end: float, simulate: Simulate) -> list[Decided]:
    """What the rules of each arm decide until `end`, in the model's time unit."""
    found = [_Deciding(arm, model, end) for arm in arms]
    left = [(number, each) for number, each in enumerate(found) if each.arm.rules]
    while left:
        trajectories = simulate([each.current() for _, each in left], [number for number, _ in left])
        left = [
            (number, each)
            for (number, each), trajectory in zip(left, trajectories, strict=True)
            if trajectory is not None and each.changes(trajectory)
        ]
    return [each.decided() for each in found]


def first_difference(one: Decided, other: Decided, end: float) -> tuple[str, float] | None:
    """The rule and the time of the first decision that is not the same in both; None where all are. end: of the run."""

    def steps(of: Decided) -> list[tuple[float, str, tuple[object, ...]]]:
        found: list[tuple[float, str, tuple[object, ...]]] = [
            (each.time, each.rule, (each.dose, each.number)) for each in of.decisions
        ]
        found += [(time, name, ()) for name, time in of.jumps]
        return sorted([*found, *((each.time, each.rule, (each.number,)) for each in of.fired)])

    for a, b in zip_longest(steps(one), steps(other)):
        if a is None or b is None or a[1:] != b[1:] or abs(a[0] - b[0]) > SAME_TIME * end:
            time, rule, _ = min(each for each in (a, b) if each is not None)
            return rule, time
    return None


class _Course:
    """The times of one dose, in ticks, and how much of each is given; `next` is the first that is not decided."""

    def __init__(self, dose: Dose) -> None:
        self.dose = dose
        self.ticks = [] if dose.waiting else [dose.ticks(number) for number in range(dose.count)]
        self.parts = [1.0] * len(self.ticks)
        self.next, self.changed, self.stopped = 0, dose.waiting, False

    def current(self) -> Dose:
        if not self.changed:
            return self.dose
        times = tuple([time_of(tick, self.dose.time_unit) for tick in self.ticks])
        parts = () if self.dose.by_rule and all(part == 1.0 for part in self.parts) else tuple(self.parts)
        at = times[0] if self.dose.by_rule and times else self.dose.at
        return replace(self.dose, at=at, count=len(times), times=times, parts=parts)

    def begin(self, tick: int) -> int:
        """Adds a course that begins at a time; the number of its first dose."""
        first = bisect_right(self.ticks, tick)
        every = ticks_of(self.dose.every, self.dose.time_unit)
        for number in range(self.dose.count):
            place = bisect_right(self.ticks, tick + number * every)
            self.ticks.insert(place, tick + number * every)
            self.parts.insert(place, 0.0 if self.stopped else 1.0)
        self.changed = True
        self.next = len(self.ticks) if self.stopped else self.next
        return first


class _Watched:
    """A rule about a crossing while it is looked for: whether it is armed, and how often it fired."""

    def __init__(self, rule: Crossing, model: Model) -> None:
        self.rule, self.condition = rule, BoundCondition(rule.condition, model)
        self.armed, self.count = True, 0

    @property
    def waits(self) -> bool:
        return self.rule.at_most is None or self.count < self.rule.at_most


class _Followed:
    """A switch while its jumps are looked for: the value that holds from the last one on, and when they were."""

    def __init__(self, rule: Switching, model: Model) -> None:
        self.rule, self.model = rule, model
        self.value, self.ticks = 0.0, list[int]()

    @property
    def wrong(self) -> Condition:
        """What holds where the value is no longer right."""
        found = self.rule.condition
        if self.rule.floor and isinstance(found, Compared):
            value, above = Number(self.value), Number(self.value + 1.0)
            return Joined("or", (found._replace(right=above), found._replace(sign="<", right=value)))
        return Joined("not", (found,)) if self.value else found

    def next(self, curves: MemberCurves) -> tuple[int, float] | None:
        """When its value is next wrong, in ticks, and the value that is right from then on; None if never."""
        unit = self.model.time_unit
        since = time_of(self.ticks[-1], unit) if self.ticks else 0.0
        course = ConditionCourse(BoundCondition(self.wrong, self.model), curves, since)
        found = course.next_wrong(since) if self.ticks else course.next_true(since, armed=True)
        if found is None:
            return None
        return ticks_of(found, unit), self._floor(course, found) if self.rule.floor else 1.0 - self.value

    def _floor(self, course: ConditionCourse, time: float) -> float:
        (curve,) = curves_of_condition(self.rule.condition)
        value = course.value(curve, time)
        near = [each for each in (self.value + 1.0, self.value) if abs(value - each) <= BESIDE]
        if not near:  # it is another one at once, as after a dose
            return float(math.floor(value))
        return near[0] if near[0] != self.value else self.value - 1.0


class _Deciding:
    """An arm while its rules decide."""

    def __init__(self, arm: Arm, model: Model, end: float) -> None:
        self.arm, self.model, self.until = arm, model, end
        self.end = ticks_of(end, model.time_unit)
        self.courses = {dose.name: _Course(dose) for dose in arm.doses}
        self.checks = [rule for rule in arm.rules if isinstance(rule, Rule)]
        self.watched = [_Watched(rule, model) for rule in arm.rules if isinstance(rule, Crossing)]
        self.followed = [_Followed(rule, model) for rule in arm.rules if isinstance(rule, Switching)]
        self.conditions = {rule.name: BoundCondition(rule.condition, model) for rule in self.checks}
        self.now = 0  # in ticks: what crosses before has been dealt with
        self.settings: list[Setting] = []
        self.since: list[Change] = []
        self.decisions: list[Decision] = []
        self.fired: list[Fired] = []
        self.jumps: list[tuple[str, float]] = []
        self.closest: tuple[str, float, float] | None = None
        self.problem = ""

    def current(self) -> Arm:
        """The arm with what is decided so far."""
        doses = tuple([self.courses[dose.name].current() for dose in self.arm.doses])
        changes, settings = (*self.arm.changes, *self.since), tuple(self.settings)
        return self.arm._replace(doses=doses, rules=(), changes=changes, settings=settings)

    def decided(self) -> Decided:
        """What was decided in all."""
        jumps = tuple(sorted(self.jumps, key=itemgetter(1)))
        return Decided(self.current(), tuple(self.decisions), tuple(self.fired), self.closest, self.problem, jumps)

    def changes(self, trajectory: Trajectory) -> bool:
        """Looks at doses and crossings in order of time; whether something is decided so that what follows is another.

        At one instant doses are looked at first, as their conditions are those just before.
        """
        curves = curves_of(trajectory.dense, trajectory.outcome.ok)
        reached = ticks_of(float(trajectory.times[-1]), self.model.time_unit) if len(trajectory.times) else 0
        last = min(self.end, reached)
        if self._jump_in_time(curves, last):
            return not self.problem
        jump = min(self._next_jumps(curves), key=lambda each: each.tick, default=None)
        crossing = self._next_crossing(curves)
        looked_at = [name for rule in self.checks for name in rule.doses if name in self.courses]
        while True:
            waiting = [each for name in dict.fromkeys(looked_at) if (each := self.courses[name]).next < len(each.ticks)]
            course = min(waiting, key=lambda each: each.ticks[each.next], default=None)
            tick = course.ticks[course.next] if course is not None else last
            first = min([each.tick for each in (jump, crossing) if each is not None], default=last)
            if jump is not None and jump.tick == first < min(tick, last):
                self._jump(jump)
                return not self.problem
            if crossing is not None and first < min(tick, last):
                self._fire(crossing)
                return not self.problem
            if course is None or tick >= last:
                return False
            if tick > 0 and self._decide(course, curves):  # nothing comes before time 0
                if len(self.decisions) > MOST_DECISIONS:
                    rule = self.decisions[-1].rule
                    self.problem = f"the rule '{rule}' decided {MOST_DECISIONS:,} times, as if for ever: say 'at_most'"
                return not self.problem
            course.next += 1

    def _jump_in_time(self, curves: MemberCurves, last: int) -> bool:
        """Takes all jumps of rates that depend on time alone: no other simulation moves them; whether there are any."""
        count = len(self.jumps)
        for each in self.followed:
            while each.rule.in_time and not self.problem and (found := each.next(curves)) is not None:
                tick = self._at_an_edge(found[0])
                if tick >= last:
                    break
                self._jump(_NextJump(tick, each, found[1]))
        return len(self.jumps) > count

    def _next_jumps(self, curves: MemberCurves) -> Iterator[_NextJump]:
        """The next jump of each rate that depends on states."""
        for each in self.followed:
            found = None if each.rule.in_time else each.next(curves)
            if found is not None:
                yield _NextJump(self._at_an_edge(found[0]), each, found[1])

    def _jump(self, jump: _NextJump) -> None:
        """Sets the parameter of a switch."""
        each, time, unit = jump.followed, time_of(jump.tick, self.model.time_unit), self.model.time_unit_text
        each.value = jump.value
        each.ticks.append(jump.tick)
        self.since.append(Change(time, None, {each.rule.parameter: jump.value}))
        self.jumps.append((each.rule.name, time))
        recent = each.ticks[-SLIDING:]
        if len(recent) == SLIDING and recent[-1] - recent[0] <= AT_ONCE * self.end:
            self.problem = (
                f"{each.rule.name} switches to and fro at {time:.6g} {unit}: on both sides of where it jumps the rates "
                "push back to there (sliding); let it switch back at another level than it switches at, or write a "
                "smooth rate such as hill()"
            )
            return
        most = MOST_JUMPS if each.rule.in_time else MOST_FIRED
        if len(each.ticks) >= most:
            self.problem = f"{each.rule.name} switches {most:,} times until {time:.6g} {unit}, as if for ever"

    def _next_crossing(self, curves: MemberCurves) -> _NextCrossing | None:
        """The first crossing of any rule from now on."""
        unit, since = self.model.time_unit, time_of(self.now, self.model.time_unit)
        courses = {id(each): ConditionCourse(each.condition, curves) for each in self.watched if each.waits}
        found: dict[int, list[_Watched]] = {}
        for each in self.watched:
            time = courses[id(each)].next_true(since, each.armed) if each.waits else None
            if time is not None:
                found.setdefault(ticks_of(time, unit), []).append(each)
        if not found:
            return None
        tick = min(found)
        time = time_of(tick, unit)
        own = [(each, course) for each in self.watched if (course := courses.get(id(each))) is not None]
        armed = {id(each): course.is_armed(since, time, each.armed) for each, course in own}
        return _NextCrossing(self._at_an_edge(tick), found[tick], armed)

    def _at_an_edge(self, tick: int) -> int:
        """A time, or the instant so near to it at which something happens that a solver cannot tell the two apart."""
        unit, time = self.model.time_unit, time_of(tick, self.model.time_unit)
        bounds = timetable(self.current(), self.until, self.model).bounds
        place = bisect_left(bounds, time)
        for bound in bounds[max(place - 1, 0) : place + 1]:
            if abs(bound - time) < 4 * CLOSEST * bound:
                return ticks_of(bound, unit)
        return tick

    def _fire(self, crossing: _NextCrossing) -> None:
        """Does what rules ask for at a crossing, in the order of the file; of one rule levels are set first."""
        tick, time = crossing.tick, time_of(crossing.tick, self.model.time_unit)
        self.now = tick
        for each in self.watched:
            each.armed = crossing.armed.get(id(each), each.armed)
        for each in crossing.watched:
            rule = each.rule
            each.armed, each.count = False, each.count + 1
            if rule.parameters:
                ends = time_of(tick + ticks_of(rule.lasting, self.model.time_unit), self.model.time_unit)
                self.since.append(Change(time, ends if rule.lasting else None, rule.parameters))
            if rule.sets:
                self.settings.append(Setting(time, rule.sets))
            for name in rule.gives:
                number = self.courses[name].begin(tick)
                self.settings = [
                    setting._replace(later=setting.later | {(name, number)}) if setting.time == time else setting
                    for setting in self.settings
                ]
            self.fired.append(Fired(rule.name, each.count, time, rule.gives, rule.parameters, rule.lasting, rule.sets))
            self._check_for_ever(each, time)

    def _check_for_ever(self, watched: _Watched, time: float) -> None:
        """Notes the problem of a rule that seems to fire for ever."""
        name, unit = watched.rule.name, self.model.time_unit_text
        if watched.rule.at_most is not None or self.problem:
            return
        recent = self.fired[-CHATTERING:]
        if len(recent) == CHATTERING and time - recent[0].time <= NEAR * self.until:
            self.problem = (
                f"the rule '{name}' fires for ever (chattering): rules fired {CHATTERING} times at about {time:.6g} "
                f"{unit}; let what makes its condition false lie further from what makes it true, or say 'at_most'"
            )
        elif watched.count >= MOST_FIRED:
            self.problem = (
                f"the rule '{name}' fired {MOST_FIRED} times until {time:.6g} {unit}, as if for ever: say 'at_most'"
            )

    def _decide(self, course: _Course, curves: MemberCurves) -> bool:
        time = time_of(course.ticks[course.next], self.model.time_unit)
        for rule in self.checks:
            if course.dose.name not in rule.doses:
                continue
            done = sum(each.rule == rule.name for each in self.decisions)
            if rule.at_most is not None and done >= rule.at_most:
                continue
            holds, margin = self.conditions[rule.name].before(curves, time)
            if self.closest is None or margin < self.closest[2]:
                self.closest = rule.name, time, margin
            if holds:
                number = course.next + 1
                self._act(rule, course)
                self.decisions.append(
                    Decision(rule.name, course.dose.name, number, time, rule.action, rule.size, margin)
                )
                return True
        return False

    def _act(self, rule: Rule, course: _Course) -> None:
        course.changed = True
        if rule.action == "stop":
            for each in (self.courses[name] for name in rule.doses if name in self.courses):
                for number in range(each.next, len(each.ticks)):
                    each.parts[number] = 0.0
                each.next, each.changed, each.stopped = len(each.ticks), True, True
        elif rule.action == "delay":
            shift = ticks_of(rule.size, self.model.time_unit)
            course.ticks[course.next :] = [tick + shift for tick in course.ticks[course.next :]]
        else:
            course.parts[course.next] = rule.size
            course.next += 1


class _NextJump(NamedTuple):
    """The next jump of a rate: its time, and the value that its switch then has."""

    tick: int
    followed: _Followed
    value: float


class _NextCrossing(NamedTuple):
    """The next crossing: its time, the rules that fire then, and which rules are armed just before, by their id."""

    tick: int
    watched: Sequence[_Watched]
    armed: Mapping[int, bool]
