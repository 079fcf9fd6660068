"""Where published values say that a curve should go: what of the expectations can be drawn beside it.

An expectation whose measure is one value of one curve (at a time, the largest, the smallest, the mean, the
end, the time of the largest) is an interval in the curve's own plane. Differences, ratios and areas are not.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import NamedTuple

from ..model.expression import Apply
from .expectations import Verdict
from .measure_formula import arguments, arm_of, curve_name, time_value
from .scenario import Scenario

KINDS = ("at", "final", "max", "min", "mean", "time_of_max")
ASSUMED = "assumed"


class Target(NamedTuple):
    """An interval in which a curve of an arm must be.

    kind: how it is read: the value ``at`` t0 or ``final``; the ``max``, ``min`` or ``mean`` between t0 and t1;
    or the ``time_of_max`` there. low, high: in the unit of the curve, or of time if it is a time; infinite
    where it has no bound. Times are in the model's unit. simulated: what the run gives, in the same unit.
    source: the key of the source, such as Konrad1990, or ``assumed``. that: the expectation in words.
    """

    name: str
    arm: str
    kind: str
    t0: float
    t1: float
    low: float
    high: float
    simulated: float
    met: bool
    source: str
    that: str

    @property
    def published(self) -> str:
        """Who says so: ``published: Konrad1990``."""
        return "our own expectation" if self.source == ASSUMED else f"published: {self.source}"


def targets(scenario: Scenario, verdicts: Sequence[Verdict], names: Collection[str]) -> list[Target]:
    """What of the verdicts can be drawn beside the curves of `names`."""
    found = [target_of(scenario, verdict) for verdict in verdicts]
    return [target for target in found if target is not None and target.name in names]


def target_of(scenario: Scenario, verdict: Verdict) -> Target | None:
    """The target of one expectation; None where its measure is not one value of one curve."""
    expectation, model = verdict.expectation, scenario.model
    tree = expectation.measure
    if not isinstance(tree, Apply) or tree.op not in KINDS:
        return None
    name = curve_name(tree, model)
    times = [time_value(text, model) for kind, text in arguments(tree) if kind == "t"]
    if tree.op == "final":
        times = [scenario.end]
    t0, t1 = (times[0], times[-1]) if times else (0.0, scenario.end)
    unit = model.time_unit if tree.op == "time_of_max" else model.unit(name)
    factor = expectation.unit.to(unit)
    low, high, simulated = (x * factor for x in (expectation.low, expectation.high, verdict.simulated))
    met = verdict.met and not math.isnan(simulated)
    source = expectation.source.split(",")[0].split(";")[0].strip()
    return Target(name, arm_of(tree), tree.op, t0, t1, low, high, simulated, met, source, expectation.that)
