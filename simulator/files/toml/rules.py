"""``[[rule]]``: what is looked at before doses are given, and what then happens to them.

::

    [[rule]]
    name = "hold for toxicity"
    check_before = "aldesleukin"  # a dose, or a list of doses
    if = "blood_pressure < '70 mmHg' or toxicity_grade >= 3"
    then = "skip"                 # this dose; "50 %": so much of it; "stop": it and all later ones of check_before;
                                  # "delay 8 h": it and the later ones of the same dose, and it is looked at again then
    at_most = 3                   # how often it acts; always if left out

A condition compares species and observables, and sums, products and quotients of them, by < <= > >=, joined by and, or,
not; quantities stand in quotes. Its values are those just before the dose; where one is undefined no comparison holds.
A dose at time 0 is not looked at, as nothing comes before it. Of several rules that hold the first one acts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ...experiments.conditions import read_condition
from ...experiments.scenario import Arm, Rule
from ...model.expression import FormulaError
from ...model.units import ONE, UnitError, quantity
from ...runtime.names import nearest
from .layers import KeyPath
from .quantities import Context, read_time
from .source import INTEGER, REQUIRED_LINE, REQUIRED_TEXT, Field, Table

RULE = {
    "name": REQUIRED_LINE,
    "check_before": Field((str, list), True),
    "if": REQUIRED_TEXT,
    "then": REQUIRED_TEXT,
    "at_most": INTEGER,
}
ACTIONS = "'skip', 'stop', a delay such as 'delay 8 h', or a part such as '50 %'"
_DELAY = re.compile(r"delay\s+(.*)\Z", re.DOTALL)


def read_rules(context: Context) -> tuple[Rule, ...]:
    """The rules of a scenario, without those that are wrong."""
    found: list[Rule] = []
    names: set[str] = set()
    for number, table in enumerate(context.tables.get("rule", [])):
        path: KeyPath = ("rule", number)
        rule = _rule(context, table, path)
        if table["name"] in names:
            context.fault((*path, "name"), f"two rules are named '{table['name']}'")
        elif table["name"] in context.tables.get("dose", {}):
            context.fault((*path, "name"), f"'{table['name']}' is the name of a dose; give the rule another")
        names.add(table["name"])
        found += [rule] if rule is not None else []
    return tuple(found)


def arm_with_rules(context: Context, arm: Arm, rules: Sequence[Rule], without: Sequence[object]) -> Arm:
    """`arm` with the rules about its doses, but those that it leaves out."""
    given = {dose.name: dose for dose in arm.doses}
    kept = tuple([rule for rule in rules if rule.name not in without and given.keys() & set(rule.doses)])
    for rule in kept:
        steady = [name for name in rule.doses if name in given and given[name].steady]
        if steady:
            message = f"the rule '{rule.name}' looks at '{steady[0]}', which was given for ever before: leave out one"
            context.fault(("rule",), f"{message} of rule and steady_state")
    return arm._replace(rules=kept)


def _rule(context: Context, table: Table, path: KeyPath) -> Rule | None:
    before = len(context.faults)
    doses = _doses(context, table["check_before"], (*path, "check_before"))
    action = _action(context, table["then"], (*path, "then"))
    at_most = table.get("at_most")
    if at_most is not None and at_most < 1:
        context.fault((*path, "at_most"), f"expected how often the rule acts at most, from 1, found {at_most}")
    try:
        condition = read_condition(table["if"], context.model)
    except (FormulaError, UnitError) as error:
        context.fault((*path, "if"), str(error))
        return None
    if action is None or len(context.faults) > before:
        return None
    return Rule(table["name"], doses, condition, " ".join(table["if"].split()), *action, at_most)


def _doses(context: Context, given: Any, path: KeyPath) -> tuple[str, ...]:
    """The doses that a rule looks at."""
    known = dict.fromkeys(context.tables.get("dose", {}))
    for arm in context.tables.get("arms", {}).values():
        known |= dict.fromkeys(arm.get("dose", {}))
    known |= dict.fromkeys(key.removeprefix("dose ") for key in context.left_out.starts if key.startswith("dose "))
    words = given if isinstance(given, list) else [given]
    if not words:
        context.fault(path, "the rule looks at no dose")
    for word in words:
        if word not in known:
            context.fault(path, f"no dose '{word}' to look at{nearest(str(word), known)}")
    return tuple(dict.fromkeys(words))


def _action(context: Context, given: str, path: KeyPath) -> tuple[str, float] | None:
    """What happens, and its size: as in `Rule`."""
    text = " ".join(given.split())
    if text in ("skip", "stop"):
        return text, 0.0
    delay = _DELAY.match(text)
    if delay is not None:
        time = read_time(context, path, delay[1], positive=True)
        return None if time is None else ("delay", time)
    try:
        number, unit, _ = quantity(text)
        part = number * unit.to(ONE) if unit.same_dimension(ONE) else -1.0
    except UnitError:
        part = -1.0
    if not 0.0 < part < 1.0:
        hint = nearest(text, ["skip", "stop", "delay"])
        context.fault(path, f"expected {ACTIONS}, found '{text}'{hint}")
        return None
    return "part", part
