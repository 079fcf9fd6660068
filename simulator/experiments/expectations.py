"""Expectations compared with simulations: a verdict on each."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ..model.expression import Expression
from ..numerics.trajectory import Trajectory
from .measured import bind, curves_of
from .measures import arms_of
from .scenario import MAIN, Expectation, Scenario, check_arms


@dataclass(frozen=True)
class Verdict:
    """An expectation compared with a simulation.

    simulated: in the unit of the expectation; NaN where there is no value. within: whether it lies in the interval.
    without_mechanism: by arm, what an arm that lacks the mechanism gives instead. reason: why there is no value.
    unreliable: the arms that the numbers come from and whose digits are too few to be relied on.
    """

    expectation: Expectation
    simulated: float
    within: bool
    without_mechanism: Mapping[str, float] = field(default_factory=dict)
    reason: str = ""
    unreliable: tuple[str, ...] = ()

    @property
    def met(self) -> bool:
        """Whether a number that can be relied on lies in the interval."""
        return self.within and not self.unreliable

    @property
    def known_miss(self) -> bool:
        """Whether it is missed, as the scenario says."""
        return not self.within and not self.unreliable and bool(self.expectation.missed)

    @property
    def passes_without_mechanism(self) -> list[str]:
        """Arms that meet the expectation although they lack the mechanism that it is to show."""
        return [arm for arm, value in self.without_mechanism.items() if self.expectation.met_by(value)]

    @property
    def in_doubt(self) -> bool:
        """Whether it is met but proves nothing: it is known as a miss, or holds without the mechanism too."""
        return self.met and bool(self.expectation.missed or self.passes_without_mechanism)

    @property
    def holds(self) -> bool:
        """Whether the numbers, reliable or not, are as the scenario says: met, or a known miss, and missed by the arms
        without its mechanism. Of a fact that is set aside nothing is said beforehand."""
        if self.expectation.set_aside:
            return True
        return self.within != bool(self.expectation.missed) and not self.passes_without_mechanism


def asked(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Those on facts that are not set aside: what a scenario counts."""
    return [verdict for verdict in verdicts if not verdict.expectation.set_aside]


def set_aside(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Those on facts that are set aside: counted apart."""
    return [verdict for verdict in verdicts if verdict.expectation.set_aside]


def replaced_arm(measures: Sequence[Expression]) -> str:
    """The arm in whose place those without the mechanism are read: the main one, or the first where none reads it."""
    named = [arm for tree in measures for arm in arms_of(tree)]
    return MAIN if MAIN in named or not named else named[0]


def judge(
    scenario: Scenario, trajectories: Mapping[str, Trajectory], unreliable: Collection[str] = ()
) -> list[Verdict]:
    """Every expectation of `scenario` that can be judged from `trajectories`, one for each arm that was run.

    unreliable: the arms whose digits are too few.
    Raises `InputError` if one of their names is no arm of the scenario.
    """
    check_arms([scenario], trajectories)
    curves = {arm: curves_of(each.dense, each.outcome.ok) for arm, each in trajectories.items()}
    verdicts = []
    for expectation in scenario.expectations:
        read = dict.fromkeys([*arms_of(expectation.measure), *expectation.breaks_in])
        if not read.keys() <= trajectories.keys():
            continue
        bound = bind(expectation.measure, scenario.model)
        factor = bound.unit.to(expectation.unit)
        found = bound.of(curves)
        simulated, reason = (
            found.number() * factor,
            bound.why(found.missing, cause_of=lambda arm, curve, time: trajectories[arm].dense.cause(curve, time)),
        )
        replaced = replaced_arm([expectation.measure])
        without = {arm: bound.of({**curves, replaced: curves[arm]}).number() * factor for arm in expectation.breaks_in}
        doubted = tuple(arm for arm in read if arm in unreliable)
        verdicts.append(Verdict(expectation, simulated, expectation.met_by(simulated), without, reason, doubted))
    return verdicts
