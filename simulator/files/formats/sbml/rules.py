"""Rules as SBML: what is looked at before a dose is part of its event, and a crossing is the trigger of an event.

Another simulator with other parameters so decides, and fires, at its own times. Rules act in the order of the file, by
the priorities of their events, which are persistent: what has become true at one instant acts, whatever acts before it.
A crossing fires again as soon as its condition was false, by however little.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ....experiments.rules import Compared, Condition, Crossing, Rule, Switching
from ....experiments.scenario import Arm, Dose, Scenario
from ....model.expression import Apply, Expression, Name, Number, Quoted, names
from ....model.model import Model
from ....model.units import ONE, Unit, quantity
from .formulas import Formulas, Ids, Node, joined, libsbml

NEVER = 1e300  # a time that does not come


def unwritten(scenario: Scenario, arm: Arm) -> str:
    """Which rule of `arm` cannot be written as it is, and why; empty where all can."""
    by_rules = {name for rule in arm.rules if isinstance(rule, Crossing) for name in rule.gives}
    for rule in arm.rules:
        if isinstance(rule, Switching):
            continue
        why = _of_crossing(scenario, arm, rule) if isinstance(rule, Crossing) else _of_check(rule, by_rules)
        if why:
            return f"the rule '{rule.name}' {why}"
    return ""


def _of_check(rule: Rule, by_rules: set[str]) -> str:
    if rule.action == "delay":
        return "delays doses"
    if by_rules & set(rule.doses):
        return "looks at a dose that another rule gives"
    return "counts over several doses" if rule.at_most is not None and len(rule.doses) > 1 else ""


def _of_crossing(scenario: Scenario, arm: Arm, rule: Crossing) -> str:
    model = scenario.model
    others = [each for each in arm.rules if isinstance(each, Crossing) and each is not rule]
    sizes = {name for dose in arm.doses for name in (*dose.body, dose.volume) if name}
    sizes |= {each.dissolved_in for each in model.species.values() if each.dissolved_in}
    for name in rule.parameters:
        if any(name in change.parameters for change in arm.changes):
            return f"sets {name}, which also changes at times"
        if any(name in other.parameters for other in others if rule.lasting or other.lasting):
            return f"sets {name} for a time, as another rule does"
        if any(_depends(model, size, name) for size in sizes):
            return f"sets {name}, on which a volume or the size of a dose depends"
    moving = {name for change in arm.changes for name in change.parameters}
    moving |= {each.parameter for each in arm.inputs}
    for dose in arm.doses:
        factors = [each for each in (*dose.body, dose.volume) if each and dose.over and dose.name in rule.gives]
        for name in moving:
            if any(_depends(model, factor, name) for factor in factors):
                return f"gives the infusion '{dose.name}', whose rate depends on {name}, which changes at times"
    return ""


def _depends(model: Model, name: str, on: str) -> bool:
    if name == on or name not in model.observables:
        return name == on
    return any(_depends(model, each, on) for each in set(names(model.observables[name].value)))


class RuleWriter:
    """Writes the rules of an arm, of which none is `unwritten`."""

    def __init__(self, arm: Arm, ids: Ids) -> None:
        self.arm, self._ids = arm, ids
        self.checks = [rule for rule in arm.rules if isinstance(rule, Rule)]
        self.crossings = [rule for rule in arm.rules if isinstance(rule, Crossing)]
        counted = [rule.name for rule in self.checks if rule.at_most is not None]
        counted += [rule.name for rule in self.crossings if rule.at_most is not None]
        stopping = dict.fromkeys(name for rule in self.checks if rule.action == "stop" for name in rule.doses)
        known = {dose.name for dose in arm.doses}
        looked_at = dict.fromkeys(name for rule in self.checks for name in rule.doses if name in known)
        self._counts = {name: ids.free("fired", name) for name in counted}
        self._stopped = {name: ids.free("stopped", name) for name in stopping if name in known}
        self._shares = {name: ids.free("share", name) for name in looked_at}
        self._until = {rule.name: ids.free("until", rule.name) for rule in self.crossings if rule.lasting}
        self.first = len(arm.rules) + 2  # the priority of what comes before all rules

    @property
    def changed(self) -> dict[str, None]:
        """The parameters that rules set."""
        return dict.fromkeys(name for rule in self.crossings for name in rule.parameters)

    @property
    def infused(self) -> list[Dose]:
        """The infusions that rules give."""
        given = {name for rule in self.crossings for name in rule.gives}
        return [dose for dose in self.arm.doses if dose.name in given and dose.over]

    def starts(self, formulas: Formulas) -> dict[str, Any]:
        """What the rules' own parameters are at time 0, by name; written where they are new."""
        found = {}
        for group, value in ((self._counts, 0.0), (self._stopped, 0.0), (self._shares, 1.0)):
            for of, name in group.items():
                found[name] = self._parameter(formulas, name, ONE, value, f"{_WHAT[value]} {of}")
        for of, name in self._until.items():
            unit = formulas.model.time_unit
            found[name] = self._parameter(formulas, name, unit, NEVER, f"until when what {of} set holds")
        return found

    def _parameter(self, formulas: Formulas, name: str, unit: Any, value: float, label: str) -> Any:
        if name not in formulas.units:
            formulas.units[name] = unit
            parameter = formulas.out.createParameter()
            parameter.setId(name)
            parameter.setName(label)
            parameter.setUnits(formulas.unit_id(unit))
            parameter.setConstant(False)
        return formulas.number(value, unit)

    # before doses

    def share(self, formulas: Formulas, dose: Dose, begins: bool) -> Any | None:
        """How much of a dose is given, None where no rule looks at it. begins: it is decided now, not before."""
        if dose.name not in self._shares:
            return None
        if not begins:
            return formulas.name(self._shares[dose.name])[0]
        cases = [(formulas.number(0.0, ONE), self._has_stopped(formulas, dose.name))]
        for rule in self._of(dose):
            cases.append((formulas.number(rule.size, ONE), self._acts(formulas, rule)))
        return _piecewise(cases, formulas.number(1.0, ONE))

    def decisions(self, formulas: Formulas, doses: Sequence[Dose]) -> dict[str, Any]:
        """What the event of these doses notes about rules, by parameter."""
        found: dict[str, Any] = {}
        for dose in doses:
            share = self.share(formulas, dose, begins=True)
            if share is None:
                continue
            found[self._shares[dose.name]] = share
            before = [(formulas.number(0.0, ONE), self._has_stopped(formulas, dose.name))]
            for rule in self._of(dose):
                acts = self._acts(formulas, rule)
                own = _piecewise(_copied([*before, (formulas.number(1.0, ONE), acts)]), formulas.number(0.0, ONE))
                if rule.name in self._counts:
                    count = self._counts[rule.name]
                    found[count] = joined("add", formulas.name(count)[0], own)
                for name in rule.doses if rule.action == "stop" else ():
                    if name in self._stopped:
                        stopped = self._stopped[name]
                        before_it = found.get(stopped, formulas.name(stopped)[0])
                        found[stopped] = joined("max", before_it, own.deepCopy())
                before.append((formulas.number(0.0, ONE), acts))
        return found

    def _of(self, dose: Dose) -> list[Rule]:
        return [rule for rule in self.checks if dose.name in rule.doses]

    def _has_stopped(self, formulas: Formulas, name: str) -> Any | None:
        if name not in self._stopped:
            return None
        return joined("above", formulas.name(self._stopped[name])[0], formulas.number(0.5, ONE))

    def _acts(self, formulas: Formulas, rule: Rule | Crossing) -> Any:
        """The condition of a rule that has not acted as often as it may."""
        condition = _condition(formulas, rule.condition)
        if rule.name not in self._counts:
            return condition
        most = formulas.number(float(rule.at_most or 0) - 0.5, ONE)
        return joined("and", condition, joined("above", most, formulas.name(self._counts[rule.name])[0]))

    # crossings

    def write(self, formulas: Formulas, size: Any, rates: Mapping[str, str], now: Mapping[str, str]) -> None:
        """Writes the events of crossings.

        size: what enters by a dose, as a formula of now. rates: by dose the parameter that is its current rate. now:
        for each parameter that a rule sets the name of the one that has its current value.
        """
        doses = {dose.name: dose for dose in self.arm.doses}
        for place, rule in enumerate(self.arm.rules):
            if not isinstance(rule, Crossing):
                continue
            priority = len(self.arm.rules) - place
            event = _Event(formulas, self._ids.free("rule", rule.name), rule.name, priority)
            event.trigger(self._acts(formulas, rule))
            assigned = {name: formulas.number(level, formulas.units[name]) for name, level in rule.sets.items()}
            for name, value in rule.parameters.items():
                assigned[now[name]] = formulas.number(value, formulas.units[name])
            if rule.name in self._until:
                lasting = formulas.number(rule.lasting, formulas.model.time_unit)
                assigned[self._until[rule.name]] = joined("add", formulas.name("time")[0], lasting)
            if rule.name in self._counts:
                count = self._counts[rule.name]
                assigned[count] = joined("add", formulas.name(count)[0], formulas.number(1.0, ONE))
            for dose in (doses[name] for name in rule.gives):
                for delay, symbol, step in _steps(formulas, dose, size, rates):
                    if not delay:
                        assigned[symbol] = joined("add", assigned.get(symbol, formulas.name(symbol)[0]), step)
                        continue
                    later = _Event(formulas, self._ids.free("rule", rule.name, dose.name), dose.name, self.first)
                    later.trigger(self._acts(formulas, rule))
                    later.delay(formulas.number(delay, formulas.model.time_unit))
                    later.assign(symbol, joined("add", formulas.name(symbol)[0], step))
            for symbol, math in assigned.items():
                event.assign(symbol, math)
            self._ends(formulas, rule, now)

    def _ends(self, formulas: Formulas, rule: Crossing, now: Mapping[str, str]) -> None:
        """The event after which what a rule set for a time no longer holds."""
        if rule.name not in self._until:
            return
        event = _Event(formulas, self._ids.free("end_of", rule.name), f"end of {rule.name}", self.first)
        event.trigger(joined("not_below", formulas.name("time")[0], formulas.name(self._until[rule.name])[0]))
        for name in rule.parameters:
            event.assign(now[name], formulas.name(name, {name: name})[0])


_WHAT = {0.0: "whether, or how often, it happened:", 1.0: "how much is given of each dose of"}


class _Event:
    """An event that computes what it assigns when it does so: after those that come before it at the same instant."""

    def __init__(self, formulas: Formulas, name: str, label: str, priority: int) -> None:
        self._event = formulas.out.createEvent()
        self._event.setId(name)
        self._event.setName(label)
        self._event.setUseValuesFromTriggerTime(False)
        self._event.createPriority().setMath(formulas.number(float(priority), ONE))

    def trigger(self, math: Any) -> None:
        trigger = self._event.createTrigger()
        trigger.setPersistent(True)
        trigger.setInitialValue(False)
        trigger.setMath(math)

    def delay(self, math: Any) -> None:
        """How much later it assigns."""
        self._event.createDelay().setMath(math)

    def assign(self, symbol: str, math: Any) -> None:
        assignment = self._event.createEventAssignment()
        assignment.setVariable(symbol)
        assignment.setMath(math)


def followed(formulas: Formulas, switch: Switching) -> Any:
    """The value of the parameter of a rate that jumps."""
    if switch.floor and isinstance(switch.condition, Compared):
        return joined("floor", _side(formulas, switch.condition.left)[0])
    condition = _condition(formulas, switch.condition)
    return _piecewise([(formulas.number(1.0, ONE), condition)], formulas.number(0.0, ONE))


def _steps(formulas: Formulas, dose: Dose, size: Any, rates: Mapping[str, str]) -> list[tuple[float, str, Any]]:
    """What a course of a dose adds: how long after its start, to which symbol, and how much."""
    found = []
    for number in range(dose.count):
        begins = dose.lag + number * dose.every
        if not dose.over:
            found.append((begins, dose.target, size(dose)))
            continue
        rate = joined("div", size(dose), formulas.number(dose.over, formulas.model.time_unit))
        found.append((begins, rates[dose.name], rate))
        found.append((begins + dose.over, rates[dose.name], joined("neg", rate.deepCopy())))
    return found


def _condition(formulas: Formulas, condition: Condition) -> Any:
    if not isinstance(condition, Compared):
        return joined(condition.op, *(_condition(formulas, each) for each in condition.parts))
    (a, unit), (b, other) = _side(formulas, condition.left), _side(formulas, condition.right)
    if condition.left == Number(0.0):
        a, unit = formulas.number(0.0, other), other
    elif condition.right == Number(0.0):
        b, other = formulas.number(0.0, unit), unit
    b = _converted(formulas, b, unit / other, condition.factor)
    return joined("not_below" if "=" in condition.sign else "above", *((a, b) if ">" in condition.sign else (b, a)))


def _side(formulas: Formulas, tree: Expression) -> Node:
    """One side of a comparison; its curves are those of now."""
    if isinstance(tree, Number):
        return formulas.number(tree.value, ONE), ONE
    if isinstance(tree, Quoted):
        value, unit, text = quantity(tree.text)
        return formulas.number(value, unit, text), unit
    if isinstance(tree, Apply) and isinstance(tree.args[0], Name):
        return formulas.name(tree.args[0].id)
    if not isinstance(tree, Apply):
        raise TypeError(f"{tree!r} stands in no condition")
    (a, unit), *rest = (_side(formulas, each) for each in tree.args)
    if not rest:
        return joined(tree.op, a), unit
    ((b, other),) = rest
    if tree.op in ("mul", "div"):
        return joined(tree.op, a, b), unit * other if tree.op == "mul" else unit / other
    return joined(tree.op, a, _converted(formulas, b, unit / other, other.to(unit))), unit


def _converted(formulas: Formulas, math: Any, unit: Unit, factor: float) -> Any:
    return math if factor == 1.0 else joined("mul", formulas.number(factor, unit), math)


def _piecewise(cases: Sequence[tuple[Any, Any | None]], otherwise: Any) -> Any:
    """The value of the first case whose condition holds."""
    node = libsbml.ASTNode(libsbml.AST_FUNCTION_PIECEWISE)
    for value, condition in cases:
        if condition is not None:
            node.addChild(value)
            node.addChild(condition)
    if not node.getNumChildren():
        return otherwise
    node.addChild(otherwise)
    return node


def _copied(cases: Sequence[tuple[Any, Any | None]]) -> list[tuple[Any, Any | None]]:
    """libSBML gives a node to one parent only."""
    return [(value.deepCopy(), None if condition is None else condition.deepCopy()) for value, condition in cases]
