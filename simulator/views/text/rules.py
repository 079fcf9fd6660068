"""What the rules of an arm did, in words."""

from __future__ import annotations

from collections.abc import Sequence

from ...experiments.decisions import Decision
from .english import counted, listed
from .numbers import number, with_unit

NAMED = 8  # doses that are named one by one


def decision_lines(decisions: Sequence[Decision], time_unit: str, time_factor: float = 1.0) -> list[str]:
    """A line for each rule, dose and kind of decision: ``hold for toxicity: skipped 2 doses of drug (3 at 5 d, ...)``.

    time_factor: the model's time unit in units of `time_unit`, in which times are told.
    """
    found: dict[tuple[str, str, str], list[Decision]] = {}
    for each in decisions:
        found.setdefault((each.rule, each.dose, _done(each, time_unit, time_factor)), []).append(each)
    lines = []
    for (rule, dose, done), some in found.items():
        named = [f"{each.number} at {with_unit(each.time * time_factor, time_unit)}" for each in some[:NAMED]]
        if len(some) > NAMED:
            named.append(f"{len(some) - NAMED} more")
        if some[0].action == "stop":
            lines.append(f"{rule}: {done} {dose}, from dose {named[0]} on")
        else:
            lines.append(f"{rule}: {done} {counted(len(some), 'dose')} of {dose} ({listed(named)})")
    return lines


def _done(decision: Decision, time_unit: str, time_factor: float) -> str:
    if decision.action == "delay":
        return f"delayed by {with_unit(decision.size * time_factor, time_unit)}"
    if decision.action == "part":
        return f"gave {number(100 * decision.size)} % of"
    return {"skip": "skipped", "stop": "stopped"}[decision.action]
