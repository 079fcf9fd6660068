"""The answer to a scenario's question: its sentences with their numbers, and whether each still holds."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from ..model.expression import Expression
from ..numerics.trajectory import Trajectory
from .condition_values import decided
from .conditions import comparisons, sides_of
from .expectations import replaced_arm
from .measured import BoundMeasure, MemberCurves, bind, curves_of, of_trajectories
from .measures import arms_of
from .rules import Compared, Condition
from .scenario import AnswerSentence, Scenario


@dataclass(frozen=True)
class Found:
    """A number that was computed: of `measure`, in the unit of that measure; NaN where there is none, and then why."""

    measure: Expression
    value: float
    why: str = ""


@dataclass(frozen=True)
class Failing:
    """A comparison that speaks against a sentence, and its two sides, the right one in the unit of the left one.

    wanted: whether it had to hold; not so below ``not``.
    """

    compared: Compared
    left: Found
    right: Found
    wanted: bool


@dataclass(frozen=True)
class AnsweredSentence:
    """A sentence of the answer with what was computed.

    numbers: of the sentence, in its order. failing: what is not as the condition wants it; empty if it `holds`, or if
    only a number has no value. without_mechanism: by arm that lacks the mechanism, whether the condition holds there.
    unreliable: the arms that the sentence comes from and whose digits are too few.
    """

    sentence: AnswerSentence
    numbers: Sequence[Found]
    holds: bool
    failing: Sequence[Failing] = ()
    without_mechanism: Mapping[str, bool] = field(default_factory=dict)
    unreliable: tuple[str, ...] = ()

    @property
    def passes_without_mechanism(self) -> list[str]:
        """Arms in which the condition holds although they lack the mechanism that the sentence is about."""
        return [arm for arm, holds in self.without_mechanism.items() if holds]


def answered(
    scenario: Scenario, trajectories: Mapping[str, Trajectory], unreliable: Collection[str]
) -> list[AnsweredSentence]:
    """Every sentence of the answer whose arms are all among `trajectories`.

    unreliable: the arms whose digits are too few.
    """
    curves = {arm: curves_of(each.dense, each.outcome.ok) for arm, each in trajectories.items()}
    answer = []
    for sentence in scenario.answer:
        read = dict.fromkeys([*arms_read(sentence), *sentence.breaks_in])
        if not read.keys() <= trajectories.keys():
            continue
        numbers = [_number(scenario, each.measure, trajectories) for each in sentence.numbers]
        holds = condition_holds(scenario, sentence.condition, curves)
        found = partial(_number, scenario, trajectories=trajectories)
        failing = [] if holds else list(_failing(sentence.condition, True, found))
        replaced = replaced_arm(list(sides_of(sentence.condition)))
        without = {
            arm: condition_holds(scenario, sentence.condition, {**curves, replaced: curves[arm]})
            for arm in sentence.breaks_in
        }
        doubted = tuple([arm for arm in read if arm in unreliable])
        holds_with_values = holds and not any(each.why for each in numbers)
        answer.append(AnsweredSentence(sentence, numbers, holds_with_values, failing, without, doubted))
    return answer


def arms_read(sentence: AnswerSentence) -> list[str]:
    """The arms that the condition and the numbers of a sentence read."""
    trees = [*sides_of(sentence.condition), *(each.measure for each in sentence.numbers)]
    return list(dict.fromkeys(arm for tree in trees for arm in arms_of(tree)))


def condition_holds(scenario: Scenario, condition: Condition, curves: Mapping[str, MemberCurves]) -> bool:
    """Whether a condition of measures holds; curves: by arm, of one run each."""
    bound = {id(each): (bind(each.left, scenario.model), bind(each.right, scenario.model))
             for each in comparisons(condition)}  # fmt: skip

    def values(compared: Compared) -> tuple[float, float]:
        left, right = bound[id(compared)]
        return _value(left, curves), _value(right, curves)

    return bool(decided(condition, values)[0])


def _value(bound: BoundMeasure, curves: Mapping[str, MemberCurves]) -> float:
    return bound.of(curves).number()


def _number(scenario: Scenario, tree: Expression, trajectories: Mapping[str, Trajectory]) -> Found:
    value, _, why = of_trajectories(bind(tree, scenario.model), trajectories)
    return Found(tree, value, why)


def _failing(condition: Condition, wanted: bool, found: partial[Found]) -> Iterator[Failing]:
    """The comparisons that make a condition fail, or hold where it is not wanted."""
    if isinstance(condition, Compared):
        left, right = found(condition.left), found(condition.right)
        holds, _ = decided(condition, lambda each: (left.value, right.value))
        if bool(holds) is not wanted:
            right = Found(right.measure, right.value * condition.factor, right.why)
            yield Failing(condition, left, right, wanted)
        return
    for part in condition.parts:
        yield from _failing(part, wanted is not (condition.op == "not"), found)
