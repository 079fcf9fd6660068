"""What the rules of an arm decide about its doses: which are skipped, halved, delayed or stopped, and when.

An arm is simulated with what is decided so far. The doses that a rule looks at are taken in order of time: until one is
decided otherwise, everything before the next one is as it was simulated. So an arm is simulated once, and again for
each decision that changes it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

from ..model.instants import ticks_of, time_of
from ..model.model import Model
from ..numerics.trajectory import Trajectory
from .conditions import comparisons, decided
from .measured import BoundMeasure, MemberCurves, bind, curves_of
from .scenario import Arm, Compared, Condition, Dose, Rule

MOST_DECISIONS = 1_000  # that change an arm: more is a rule that goes on for ever

Simulate = Callable[[Sequence[Arm]], Sequence[Trajectory | None]]  # None: it cannot be simulated


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


class Decided(NamedTuple):
    """An arm without rules, whose doses are those that are given; what its rules did; closest: the smallest margin of
    any look at a dose, also of those that changed nothing, as rule, time and margin; problem: a rule that would decide
    for ever, in words."""

    arm: Arm
    decisions: tuple[Decision, ...] = ()
    closest: tuple[str, float, float] | None = None
    problem: str = ""


def decided_arms(arms: Sequence[Arm], model: Model, end: float, simulate: Simulate) -> list[Decided]:
    """What the rules of each arm decide until `end`, in the model's time unit."""
    found = [_Deciding(arm, model, end) for arm in arms]
    left = [each for each in found if each.arm.rules]
    while left:
        trajectories = simulate([each.current() for each in left])
        left = [
            each
            for each, trajectory in zip(left, trajectories, strict=True)
            if trajectory is not None and each.changes(trajectory)
        ]
    return [Decided(each.current(), tuple(each.decisions), each.closest, each.problem) for each in found]


class _Course:
    """The times of one dose, in ticks, and how much of each is given; `next` is the first that is not decided."""

    def __init__(self, dose: Dose) -> None:
        self.dose = dose
        self.ticks = [dose.ticks(number) for number in range(dose.count)]
        self.parts = [1.0] * dose.count
        self.next, self.changed = 0, False

    def current(self) -> Dose:
        if not self.changed:
            return self.dose
        unit = self.dose.time_unit
        return replace(self.dose, times=tuple([time_of(tick, unit) for tick in self.ticks]), parts=tuple(self.parts))


class _Deciding:
    """An arm while its rules decide."""

    def __init__(self, arm: Arm, model: Model, end: float) -> None:
        self.arm, self.model = arm, model
        self.end = ticks_of(end, model.time_unit)
        self.courses = {dose.name: _Course(dose) for dose in arm.doses}
        self.conditions = {rule.name: _BoundCondition(rule.condition, model) for rule in arm.rules}
        self.decisions: list[Decision] = []
        self.closest: tuple[str, float, float] | None = None
        self.problem = ""

    def current(self) -> Arm:
        """The arm with what is decided so far."""
        doses = tuple([self.courses[dose.name].current() for dose in self.arm.doses])
        return self.arm._replace(doses=doses, rules=())

    def changes(self, trajectory: Trajectory) -> bool:
        """Looks at the doses in order of time; whether one is decided otherwise, so that what follows is another."""
        curves = curves_of(trajectory.dense, trajectory.outcome.ok)
        reached = ticks_of(float(trajectory.times[-1]), self.model.time_unit) if len(trajectory.times) else 0
        looked_at = [name for rule in self.arm.rules for name in rule.doses if name in self.courses]
        while True:
            waiting = [each for name in dict.fromkeys(looked_at) if (each := self.courses[name]).next < each.dose.count]
            course = min(waiting, key=lambda each: each.ticks[each.next], default=None)
            if course is None or course.ticks[course.next] >= min(self.end, reached):
                return False
            if course.ticks[course.next] > 0 and self._decide(course, curves):  # nothing comes before time 0
                if len(self.decisions) > MOST_DECISIONS:
                    rule = self.decisions[-1].rule
                    self.problem = f"the rule '{rule}' decided {MOST_DECISIONS:,} times, as if for ever: say 'at_most'"
                    return False
                return True
            course.next += 1

    def _decide(self, course: _Course, curves: MemberCurves) -> bool:
        time = time_of(course.ticks[course.next], self.model.time_unit)
        for rule in self.arm.rules:
            if course.dose.name not in rule.doses:
                continue
            done = sum(each.rule == rule.name for each in self.decisions)
            if rule.at_most is not None and done >= rule.at_most:
                continue
            holds, margin = self.conditions[rule.name].at(curves, time)
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
                for number in range(each.next, each.dose.count):
                    each.parts[number] = 0.0
                each.next, each.changed = each.dose.count, True
        elif rule.action == "delay":
            shift = ticks_of(rule.size, self.model.time_unit)
            course.ticks[course.next :] = [tick + shift for tick in course.ticks[course.next :]]
        else:
            course.parts[course.next] = rule.size
            course.next += 1


class _BoundCondition:
    """A condition, ready to be computed."""

    def __init__(self, condition: Condition, model: Model) -> None:
        self.condition = condition
        self.sides = {id(each): (bind(each.left, model), bind(each.right, model)) for each in comparisons(condition)}

    def at(self, curves: MemberCurves, time: float) -> tuple[bool, float]:
        """Whether it holds just before a time, and how clearly: the margin of the comparison that decides."""

        def values(compared: Compared) -> tuple[float, float]:
            left, right = self.sides[id(compared)]
            return _value(left, curves, time), _value(right, curves, time)

        return decided(self.condition, values)


def _value(bound: BoundMeasure, curves: MemberCurves, time: float) -> float:
    """One side of a comparison just before a time; NaN where it is not defined, and then no comparison holds."""
    moved = [each._replace(arguments=each.arguments._replace(time=time)) for each in bound.functions]
    return bound.combined([curves.value(each, number) for number, each in enumerate(moved)]).number()
