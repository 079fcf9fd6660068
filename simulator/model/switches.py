"""Rates that jump: ``if(x > K, a, b)`` becomes ``if(switch >= 0.5, a, b)``, and ``floor(x)`` a number of its own.

Between two jumps the solver then sees smooth formulas. A run finds when the condition is crossed, and sets the
parameter there, so that each jump is the end of a step.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

from .checks import parameter_only
from .declarations import Observable, Parameter
from .expression import TIME, Apply, Expression, Name, Number, names, with_units
from .laws import in_order
from .model import Model
from .units import ONE, Unit

HALF = Number(0.5)
ZERO = Number(0.0)


class Switch(NamedTuple):
    """A condition, or a floor, on which rates depend and which changes while a run goes on.

    parameter: is 1 while `condition` holds and 0 elsewhere; of a floor its value. where: whose formula it stands in
    first, in words. condition: of observables and numbers, each in the same unit on both sides; None of a floor.
    floor: the observable whose floor it is; '' of a condition. reads: the parameters and species that it depends on,
    and `TIME`.
    """

    parameter: str
    where: str
    condition: Apply | None
    floor: str
    reads: frozenset[str]


def with_switches(model: Model) -> tuple[Model, tuple[Switch, ...]]:
    """`model` with a parameter in place of every condition and floor in a rate that changes with time, and these
    switches; `model` itself where there are none. The same object each time that it is asked of one model."""
    if model.switched is None:
        object.__setattr__(model, "switched", _switched(model))
    found: tuple[Model, tuple[Switch, ...]] = model.switched or (model, ())
    return found


def _switched(model: Model) -> tuple[Model, tuple[Switch, ...]]:
    writer = _Writer(model)
    read = _read_by_rates(model)
    observables = dict(model.observables)
    for name in in_order(model):
        if name in read:
            own = model.observables[name]
            observables[name] = own._replace(value=writer.rewritten(own.value, f"'{name}', {own.text}"))
    reactions = {
        name: each._replace(rate=writer.rewritten(each.rate, f"the rate of '{name}', {each.rate_text}"))
        for name, each in model.reactions.items()
    }
    if not writer.switches:
        return model, ()
    parameters = {**model.parameters, **writer.parameters}
    observables |= writer.observables
    made = replace(model, parameters=parameters, reactions=reactions, observables=observables)
    object.__setattr__(made, "as_written", model)
    return made, tuple(writer.switches)


def _read_by_rates(model: Model) -> set[str]:
    """The observables on which rates depend."""
    found: set[str] = set()
    waiting: list[Expression] = [each.rate for each in model.reactions.values()]
    while waiting:
        new = {name for name in names(waiting.pop()) if name in model.observables} - found
        found |= new
        waiting += [model.observables[name].value for name in new]
    return found


class _Writer:
    def __init__(self, model: Model) -> None:
        self.model = model
        self.switches: list[Switch] = []
        self.parameters: dict[str, Parameter] = {}
        self.observables: dict[str, Observable] = {}
        self._constant = {*model.parameters, *parameter_only(model)}
        self._taken = {*model.species, *model.parameters, *model.observables}
        self._known: dict[Expression, str] = {}  # a condition, or the argument of a floor: its parameter
        self._units: dict[str, Unit] = {TIME: model.time_unit}
        for group in (model.species, model.parameters, model.observables):
            self._units.update({name: each.unit for name, each in group.items()})

    def rewritten(self, tree: Expression, where: str) -> Expression:
        """`tree` with parameters in place of what jumps; where: whose formula it is, in words."""
        if not isinstance(tree, Apply):
            return tree
        args = tuple([self.rewritten(arg, where) for arg in tree.args])
        if tree.op == "if" and self._moves(args[0]):
            return Apply("if", (Apply("not_below", (Name(self._switch(args[0], where)), HALF)), *args[1:]))
        if tree.op == "floor" and self._moves(args[0]):
            return Name(self._switch(args[0], where, floor=True))
        return tree._replace(args=args)

    def _moves(self, tree: Expression) -> bool:
        return any(name not in self._constant for name in names(tree))

    def _switch(self, tree: Expression, where: str, floor: bool = False) -> str:
        if tree not in self._known:
            name = self._known[tree] = self._free(f"switch_{len(self.switches) + 1}")
            status = "assumed: made of a formula that jumps"
            self.parameters[name] = Parameter(name, f"switch in {where}", 0.0, "1", ONE, "assumed", status, made=True)
            self._units[name] = ONE
            self._constant.add(name)  # between jumps
            reads = frozenset(self._leaves(names(tree)))
            condition = None if floor else self._compared(tree, name)
            self.switches.append(
                Switch(name, where, condition, self._observable(f"{name}_of", tree, ONE) if floor else "", reads)
            )
        return self._known[tree]

    def _leaves(self, found: Iterable[str]) -> Iterator[str]:
        for name in found:
            if name in self.model.observables:
                yield from self._leaves(names(self.model.observables[name].value))
            else:
                yield name

    def _compared(self, tree: Expression, name: str) -> Apply:
        """A condition with observables in place of the sides of its comparisons."""
        if not isinstance(tree, Apply):
            raise TypeError(f"{tree!r} is no condition")
        if tree.op not in ("above", "not_below"):
            return tree._replace(args=tuple([self._compared(arg, name) for arg in tree.args]))
        left, right = tree.args
        _, unit = with_units(right if left == ZERO else left, self._units)
        sides = [each if each == ZERO else self._side(name, each, unit) for each in (left, right)]
        return tree._replace(args=tuple(sides))

    def _side(self, name: str, tree: Expression, unit: Unit) -> Expression:
        return Name(self._observable(f"{name}_side_{len(self.observables) + 1}", tree, unit))

    def _observable(self, word: str, tree: Expression, unit: Unit) -> str:
        name = self._free(word)
        self.observables[name] = Observable(name, name, "", unit, "", tree, made=True)
        return name

    def _free(self, word: str) -> str:
        while word in self._taken:
            word += "_"
        self._taken.add(word)
        return word
