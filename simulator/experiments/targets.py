"""Where published values say that a curve should go: the expectations that can be drawn next to it.

An expectation whose measure is one value or one time of one curve is an interval in the curve's own plane: the rows
of `measures.FUNCTIONS` with a `drawn`. Differences, ratios and areas are not.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import NamedTuple

from ..model.expression import Apply
from .expectations import Verdict
from .measures import FUNCTIONS, arguments, arm_of
from .scenario import Scenario

ASSUMED = "assumed"


class Target(NamedTuple):
    """An interval in which a curve of an arm must be.

    drawn: what must be there, as texts name it: `drawn` in `measures.FUNCTIONS`. is_time: whether it is a time and
    not a value. t0, t1: the times between which it is measured, equal for a value at one time. low, high: in the unit
    of the curve, or of time if it is a time; infinite where it has no bound. Times are in the model's unit.
    simulated: what the run gives, in the same unit as low and high. source: the key of the source, such as
    Konrad1990, or ``assumed``. that: the expectation in words. reason: why the run gives nothing.
    """

    name: str
    arm: str
    drawn: str
    is_time: bool
    t0: float
    t1: float
    low: float
    high: float
    simulated: float
    met: bool
    source: str
    that: str
    reason: str = ""

    @property
    def published(self) -> str:
        """Who says so: ``published: Konrad1990``."""
        return "our own expectation" if self.source == ASSUMED else f"published: {self.source}"


def targets(scenario: Scenario, verdicts: Sequence[Verdict], names: Collection[str]) -> list[Target]:
    """The targets of those verdicts that can be drawn next to the curves of `names`."""
    found = [target_of(scenario, verdict) for verdict in verdicts]
    return [target for target in found if target is not None and target.name in names]


def target_of(scenario: Scenario, verdict: Verdict) -> Target | None:
    """The target of one expectation; None where its measure is not one value or time of one curve."""
    expectation, model = verdict.expectation, scenario.model
    tree = expectation.measure
    if not isinstance(tree, Apply) or tree.op not in FUNCTIONS or not FUNCTIONS[tree.op].drawn:
        return None
    row, found = FUNCTIONS[tree.op], arguments(tree, model)
    at = scenario.end if row.window == "none" else None  # a value at one time: that given, or the end
    at = at if found.time is None else found.time
    t0, t1 = (at, at) if at is not None else found.window or (0.0, scenario.end)
    is_time = row.gives == "time"
    factor = expectation.unit.to(model.time_unit if is_time else model.unit(found.curve))
    low, high, simulated = (x * factor for x in (expectation.low, expectation.high, verdict.simulated))
    met = verdict.within and not math.isnan(simulated)
    source = expectation.source.split(",")[0].split(";")[0].strip()
    bounds = (low, high, simulated, met)
    return Target(
        found.curve, arm_of(tree), row.drawn, is_time, t0, t1, *bounds, source, expectation.that, verdict.reason
    )
