"""Parameters that change along straight lines: ``x`` becomes ``x + x_slope * (time - x_since)`` in every formula.

A run then sets the three at each knot of a table, and its formulas stay the same from knot to knot.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from .declarations import Parameter
from .expression import TIME, Apply, Expression, Name, names
from .model import Model
from .units import ONE


def ramp_names(model: Model, parameter: str) -> tuple[str, str]:
    """The names of the slope of a parameter, and of the time since when it rises."""
    taken = {*model.species, *model.parameters, *model.observables}
    found = []
    for word in ("slope", "since"):
        name = f"{parameter}_{word}"
        while name in taken:
            name += "_"
        found.append(name)
    return found[0], found[1]


def with_ramps(model: Model, parameters: Sequence[str]) -> Model:
    """`model` with formulas in which these parameters may change along a line. Raises `ModelError` where one is part of
    a volume, which then changes with time."""
    lines: dict[str, Expression] = {}
    added: dict[str, Parameter] = {}
    for name in parameters:
        slope, since = ramp_names(model, name)
        item = model.parameters[name]
        per_time = f"{item.unit_text}/{model.time_unit_text}" if item.unit != ONE else f"1/{model.time_unit_text}"
        unit = item.unit / model.time_unit
        made = item._replace(value=0.0, range=None, made=True, for_doses=False)
        added[slope] = made._replace(id=slope, label=f"slope of {name}", unit_text=per_time, unit=unit)
        added[since] = made._replace(
            id=since,
            label=f"time of the last knot of {name}",
            unit_text=model.time_unit_text,
            unit=model.time_unit,
            substance=None,
        )
        passed = Apply("sub", (Name(TIME), Name(since)))
        lines[name] = Apply("add", (Name(name), Apply("mul", (Name(slope), passed))))
    reactions = {key: each._replace(rate=_with(each.rate, lines)) for key, each in model.reactions.items()}
    observables = {key: each._replace(value=_with(each.value, lines)) for key, each in model.observables.items()}
    return replace(model, parameters={**model.parameters, **added}, reactions=reactions, observables=observables)


def in_formulas(model: Model, parameter: str) -> bool:
    """Whether a rate law or an observable reads a parameter."""
    trees = [*(each.rate for each in model.reactions.values()), *(each.value for each in model.observables.values())]
    return any(parameter in names(tree) for tree in trees)


def _with(tree: Expression, lines: Mapping[str, Expression]) -> Expression:
    """`tree` with formulas in place of names."""
    if isinstance(tree, Name):
        return lines.get(tree.id, tree)
    if isinstance(tree, Apply):
        return tree._replace(args=tuple([_with(arg, lines) for arg in tree.args]))
    return tree
