"""``[[rule]]``: what is looked at before doses are given, or what is done when something crosses a level.

::

    [[rule]]
    name = "hold for toxicity"
    check_before = "aldesleukin"  # a dose, or a list of doses
    if = "blood_pressure < '70 mmHg' or toxicity_grade >= 3"
    then = "skip"                 # this dose; "50 %": so much of it; "stop": it and all later ones of check_before;
                                  # "delay 8 h": it and the later ones of the same dose, and it is looked at again then
    at_most = 3                   # how often it acts; always if left out

    [[rule]]
    name = "rescue"
    when = "temperature > '40 degC'"             # does something at the moment at which this becomes true
    give = "anakinra"                            # a dose, or a list of doses, that have no time of their own: no 'at'
    parameters = { antibiotic = 1 }              # from then on; with lasting = "5 d" for so long
    set = { pathogen = "0 PFU/mL" }              # levels, whatever they were
    fires = "every time"                         # or "once", as where it is left out
    at_most = 3                                  # of every time

A condition compares species and observables, and sums, products and quotients of them, by < <= > >=, joined by and, or,
not; quantities stand in quotes. Where a value is undefined no comparison holds.

Before doses: its values are those just before the dose. A dose at time 0 is not looked at, as nothing comes before it.
Of several rules that hold the first one acts.

At crossings: the time is found on the curves within the solver's steps to the last digit, and all rules that become
true then act, in the order of the file; of one rule levels are set before its doses are given. A dose that a rule
gives has no 'at': its 'every' and 'count' are those of a course that begins at the crossing, and 'lag' follows it. A
rule that is true at the start fires then, at time 0. It fires again only after its condition was false, by more than a
hundred thousandth of the larger side: less may be the error of the solver. What several rules set holds until another
sets it, and goes before timed changes. A rule that fires for ever is an error.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ...experiments.conditions import read_condition
from ...experiments.rules import Condition, Crossing, Joined, Rule
from ...experiments.scenario import MAIN, Arm
from ...model.expression import FormulaError
from ...model.units import ONE, UnitError, quantity
from ...runtime.names import nearest
from .layers import KeyPath
from .quantities import Context, initial_value, parameter_value, read_time, read_values
from .source import INTEGER, QUANTITY, REQUIRED_LINE, TABLE, TEXT, Field, Table

RULE = {
    "name": REQUIRED_LINE,
    "check_before": Field((str, list)),
    "if": TEXT,
    "then": TEXT,
    "when": TEXT,
    "give": Field((str, list)),
    "parameters": TABLE,
    "lasting": QUANTITY,
    "set": TABLE,
    "fires": TEXT,
    "at_most": INTEGER,
}
OF_CHECKS, OF_CROSSINGS = ("check_before", "if", "then"), ("when", "give", "parameters", "lasting", "set", "fires")
TWO_KINDS = "it says check_before, if and then; or when, and what is done then"
ONCE, EVERY_TIME = "once", "every time"
ACTIONS = "'skip', 'stop', a delay such as 'delay 8 h', or a part such as '50 %'"
NOTHING = Joined("or", ())  # a condition that is still to come
ACTS = {"give", "parameters", "set"}  # what a rule does at a crossing
_DELAY = re.compile(r"delay\s+(.*)\Z", re.DOTALL)


def read_rules(context: Context) -> tuple[Rule | Crossing, ...]:
    """The rules of a scenario, without those that are wrong."""
    found: list[Rule | Crossing] = []
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
    given = _given_by_rules(context)
    for name, dose in context.tables.get("dose", {}).items():
        if "at" not in dose and name not in given:
            context.fault(("dose", name), f"the dose '{name}' has no at, and no rule gives it")
    return tuple(found)


def arm_with_rules(context: Context, arm: Arm, rules: Sequence[Rule | Crossing], without: Sequence[object]) -> Arm:
    """`arm` with the rules about its doses and about crossings, but those that it leaves out."""
    given = {dose.name: dose for dose in arm.doses}
    base, by_rules = context.tables.get("dose", {}), _given_by_rules(context)
    for dose in arm.doses:
        if dose.by_rule and dose.name not in base and dose.name not in by_rules:
            context.fault(
                ("arms", arm.name, "dose", dose.name), f"the dose '{dose.name}' has no at, and no rule gives it"
            )
    kept: list[Rule | Crossing] = []
    for rule in rules:
        if rule.name in without:
            continue
        if isinstance(rule, Crossing):
            own = rule._replace(gives=tuple([name for name in rule.gives if name in given]))
            kept += [own] if own.gives or own.parameters or own.sets else []
            _check_crossing(context, arm, own)
        elif given.keys() & set(rule.doses):
            kept.append(rule)
    for rule in kept:
        if isinstance(rule, Crossing):
            continue
        steady = [name for name in rule.doses if name in given and given[name].steady]
        if steady:
            message = f"the rule '{rule.name}' looks at '{steady[0]}', which was given for ever before: leave out one"
            context.fault(("rule",), f"{message} of rule and steady_state")
    return arm._replace(rules=tuple(kept))


def _check_crossing(context: Context, arm: Arm, rule: Crossing) -> None:
    """Faults of what a rule would do to an arm."""
    at: KeyPath = ("rule",) if arm.name == MAIN else ("arms", arm.name)
    scheduled = [dose.name for dose in arm.doses if dose.name in rule.gives and not dose.by_rule]
    for name in scheduled:
        message = f"the rule '{rule.name}' gives the dose '{name}', which is given at times of its own"
        context.fault(at, f"{message}: leave out its 'at', or declare another dose")
    for name in rule.parameters:
        if any(each.parameter == name for each in arm.inputs):
            context.fault(at, f"{name} follows an input, so that the rule '{rule.name}' cannot set it")
        for dose in arm.doses:
            if name in dose.timed_by or any(name == other for _, other in dose.named):
                message = f"the dose '{dose.name}' depends on {name}, which the rule '{rule.name}' sets"
                context.fault(at, f"{message}; give the dose a number, or set something else")


def _rule(context: Context, table: Table, path: KeyPath) -> Rule | Crossing | None:
    before = len(context.faults)
    crossing = bool(set(OF_CROSSINGS) & table.keys())
    if crossing and set(OF_CHECKS) & table.keys():
        context.fault(path, f"the rule '{table['name']}' has keys of two kinds: {TWO_KINDS}")
        return None
    missing = [key for key in (("when",) if crossing else OF_CHECKS) if key not in table]
    if missing:
        context.fault(path, f"the rule '{table['name']}' has no '{missing[0]}': {TWO_KINDS}")
    at_most = table.get("at_most")
    if at_most is not None and at_most < 1:
        context.fault((*path, "at_most"), f"expected how often the rule acts at most, from 1, found {at_most}")
    key = "when" if crossing else "if"
    text = " ".join(table.get(key, "").split())
    condition = _condition(context, text, (*path, key)) if key in table else None
    rule = _crossing(context, table, path) if crossing else _check(context, table, path)
    if rule is None or condition is None or len(context.faults) > before:
        return None
    return rule._replace(condition=condition, condition_text=text)


def _condition(context: Context, text: str, path: KeyPath) -> Condition | None:
    try:
        return read_condition(text, context.model)
    except (FormulaError, UnitError) as error:
        context.fault(path, str(error))
        return None


def _check(context: Context, table: Table, path: KeyPath) -> Rule | None:
    """A rule about doses, its condition still to come."""
    doses = _doses(context, table["check_before"], (*path, "check_before")) if "check_before" in table else ()
    action = _action(context, table["then"], (*path, "then")) if "then" in table else None
    return None if action is None else Rule(table["name"], doses, NOTHING, "", *action, table.get("at_most"))


def _crossing(context: Context, table: Table, path: KeyPath) -> Crossing | None:
    """A rule about a crossing, its condition still to come."""
    if not any(table.get(key) for key in ACTS):
        context.fault(path, f"the rule '{table['name']}' does nothing: expected 'give', 'parameters' or 'set'")
    fires = table.get("fires", ONCE)
    if fires not in (ONCE, EVERY_TIME):
        hint = nearest(fires, [ONCE, EVERY_TIME])
        context.fault((*path, "fires"), f"expected '{ONCE}' or '{EVERY_TIME}', found '{fires}'{hint}")
    elif fires == ONCE and table.get("at_most", 1) > 1:
        context.fault((*path, "at_most"), f"it fires once; for more often say fires = '{EVERY_TIME}'")
    gives = _doses(context, table["give"], (*path, "give"), "to give") if "give" in table else ()
    parameters = read_values(context, table.get("parameters", {}), (*path, "parameters"), parameter_value)
    sets = read_values(context, table.get("set", {}), (*path, "set"), initial_value)
    lasting = 0.0
    if "lasting" in table and "parameters" not in table:
        context.fault((*path, "lasting"), "only 'parameters' last for a time; a dose says 'over' or 'count'")
    elif "lasting" in table:
        lasting = read_time(context, (*path, "lasting"), table["lasting"], positive=True) or 0.0
    at_most = table.get("at_most") if fires == EVERY_TIME else 1
    return Crossing(table["name"], NOTHING, "", gives, parameters, lasting, sets, at_most)


def _given_by_rules(context: Context) -> set[str]:
    """The doses that rules give."""
    return {str(name) for table in context.tables.get("rule", []) for name in _listed(table.get("give", []))}


def _listed(given: Any) -> list[Any]:
    return given if isinstance(given, list) else [given]


def _doses(context: Context, given: Any, path: KeyPath, purpose: str = "to look at") -> tuple[str, ...]:
    """The doses that a rule looks at or gives."""
    known = dict.fromkeys(context.tables.get("dose", {}))
    for arm in context.tables.get("arms", {}).values():
        known |= dict.fromkeys(arm.get("dose", {}))
    known |= dict.fromkeys(key.removeprefix("dose ") for key in context.left_out.starts if key.startswith("dose "))
    words = _listed(given)
    if not words:
        context.fault(path, f"no dose {purpose}")
    for word in words:
        if not isinstance(word, str) or word not in known:
            context.fault(path, f"no dose '{word}' {purpose}{nearest(str(word), known)}")
    return tuple(dict.fromkeys(word for word in words if isinstance(word, str)))


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
