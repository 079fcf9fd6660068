"""Rates that jump while a run goes on: each arm follows them, as it follows its rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ...experiments.conditions import condition_of_curves
from ...experiments.rules import Switching
from ...experiments.scenario import Arm, crossings_of
from ...model.expression import Apply, Name, Number
from ...model.switches import Switch, with_switches
from .quantities import Context


def with_jumps(context: Context) -> tuple[Context, tuple[Switch, ...]]:
    """The context with the model in which rates that jump can be followed, and what is followed."""
    model, switches = with_switches(context.model)
    return replace(context, model=model), switches


def arm_with_switches(context: Context, arm: Arm, switches: Sequence[Switch]) -> Arm:
    """`arm` with what makes its rates jump. A fault where it starts in the steady state of a regimen."""
    for dose in arm.doses:
        if switches and dose.steady:
            message = f"no state is known to recur with the doses of '{dose.name}' where {switches[0].where} jumps"
            context.fault(("dose", dose.name), message)
    set_by_rules = {name for rule in crossings_of(arm) for name in rule.parameters}
    states = {*context.model.species, *set_by_rules}
    followed = []
    for each in switches:
        tree = each.condition or Apply("not_below", (Name(each.floor), Number(0.0)))
        condition = condition_of_curves(tree, context.model)
        followed.append(
            Switching(each.where, each.parameter, condition, each.condition is None, not each.reads & states)
        )
    return arm._replace(rules=(*arm.rules, *followed))
