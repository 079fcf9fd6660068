"""Expectations held against simulations: verdicts, and rows of the evidence."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..numerics.trajectory import Trajectory
from .measures import arms_of, measure
from .scenario import MAIN, Expectation, Scenario, check_arms

MET, KNOWN_MISS, MISSED, UNBROKEN, FAILED = "met", "known miss", "missed", "met without its mechanism", "not simulated"


@dataclass(frozen=True)
class Verdict:
    """An expectation held against a simulation; `simulated` is in the expectation's unit.

    met: it lies in the interval. broken: what each arm without the mechanism gives instead.
    """

    expectation: Expectation
    simulated: float
    met: bool
    broken: Mapping[str, float] = field(default_factory=dict)

    @property
    def passes_without_mechanism(self) -> list[str]:
        """Arms that meet the expectation although they lack the mechanism it is there to show."""
        return [arm for arm, value in self.broken.items() if self.expectation.met_by(value)]

    @property
    def objection(self) -> str:
        """Why the expectation does not hold although it is met, in words; empty if it does hold or is not met."""
        if self.met and self.expectation.missed:
            return "said to be missed, and is not"
        arms = [f"{arm} ({self.broken[arm]:.4g})" for arm in self.passes_without_mechanism]
        return f"proves nothing: it also holds in arm {', '.join(arms)}" if self.met and arms else ""

    @property
    def holds(self) -> bool:
        """Whether all is as the scenario says: met, or missed as announced, and broken where it must be."""
        return self.met != bool(self.expectation.missed) and not self.passes_without_mechanism


def judge(scenario: Scenario, trajectories: Mapping[str, Trajectory]) -> list[Verdict]:
    """Every expectation of `scenario` that can be judged from `trajectories`, one for each arm that was run.

    Raises `InputError` if one of their names is no arm of the scenario.
    """
    check_arms([scenario], trajectories)
    verdicts = []
    for expectation in scenario.expectations:
        if not {*arms_of(expectation.measure), *expectation.breaks_in} <= set(trajectories):
            continue
        simulated = _simulated(expectation, scenario, trajectories)
        broken = {
            arm: _simulated(expectation, scenario, {**trajectories, MAIN: trajectories[arm]})
            for arm in expectation.breaks_in
        }
        verdicts.append(Verdict(expectation, simulated, expectation.met_by(simulated), broken))
    return verdicts


def _simulated(expectation: Expectation, scenario: Scenario, trajectories: Mapping[str, Trajectory]) -> float:
    value, unit = measure(expectation.measure, scenario.model, trajectories)
    return value * unit.to(expectation.unit)


def row_of(verdict: Verdict, scenario: str, ran: bool) -> dict[str, Any]:
    """The line of the table for one expectation of `scenario`, whose runs all succeeded if `ran`."""
    expectation = verdict.expectation
    known = math.isfinite(verdict.simulated)
    return {
        "id": f"{scenario}/{expectation.id}",
        "that": expectation.that,
        "expected": expectation.interval_text,
        "simulated": verdict.simulated if known else None,
        "unit": expectation.unit_text,
        "verdict": _verdict(verdict) if known or ran else FAILED,
        "source": expectation.source,
        "status": expectation.status,
        "rule": expectation.rule,
        "topic": expectation.topic,
        "claim": expectation.claim,
        "missed": expectation.missed,
        "objection": verdict.objection,
        "broken": {arm: value if math.isfinite(value) else None for arm, value in verdict.broken.items()},
    }


def _verdict(verdict: Verdict) -> str:
    if not verdict.met:
        return KNOWN_MISS if verdict.expectation.missed else MISSED
    return UNBROKEN if verdict.passes_without_mechanism else MET
