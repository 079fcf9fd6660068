"""Rules as frozen values: conditions of curves, and what is done where they hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ..model.expression import Expression


class Compared(NamedTuple):
    """A comparison: two sides and the sign between them. factor: turns the right one into the unit of the left one."""

    left: Expression
    sign: str
    right: Expression
    factor: float


class Joined(NamedTuple):
    """``and``, ``or`` or ``not`` of conditions."""

    op: str
    parts: tuple[Condition, ...]


Condition = Compared | Joined


class Rule(NamedTuple):
    """What is looked at before doses are given, and what then happens to them.

    doses: their names. condition: read from `condition_text`. action: ``skip`` and ``part`` act on the dose that is
    looked at, ``stop`` on it and on all later ones of `doses`, ``delay`` moves it and the later ones of its own. size:
    the part that is given (0 where it is skipped or stopped), or the delay in the model's time unit. at_most: how often
    it acts; None: always.
    """

    name: str
    doses: tuple[str, ...]
    condition: Condition
    condition_text: str
    action: str
    size: float
    at_most: int | None = None


class Crossing(NamedTuple):
    """What is done when a condition becomes true.

    condition: read from `condition_text`. gives: the doses whose courses begin then. parameters: the values that hold
    from then on, or for the time `lasting`, in the model's time unit, if that is above zero. sets: the levels that
    species then have. at_most: how often it fires; None: every time.
    """

    name: str
    condition: Condition
    condition_text: str
    gives: tuple[str, ...]
    parameters: Mapping[str, float]
    lasting: float
    sets: Mapping[str, float]
    at_most: int | None = 1


class Switching(NamedTuple):
    """A parameter that follows a condition, so that a rate jumps where this is crossed.

    name: in words, whose formula it stands in. condition: while it holds the parameter is 1, elsewhere 0. floor: the
    parameter is the floor of the left side of `condition` instead. in_time: whether it depends on nothing that the
    solver computes, nor on what a rule sets.
    """

    name: str
    parameter: str
    condition: Condition
    floor: bool
    in_time: bool


AnyRule = Rule | Crossing | Switching


class Setting(NamedTuple):
    """Levels that species are given at one instant, whatever they were.

    time: in the model's time unit. values: by species, in its unit. later: the doses at that instant that come after
    it, as name and number; the others come before.
    """

    time: float
    values: Mapping[str, float]
    later: frozenset[tuple[str, int]] = frozenset()
