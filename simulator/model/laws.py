"""From declarations to laws: every formula of a model with its dimensions checked and unit factors written in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from .checks import UNUSED, check_declarations
from .declarations import Declarations, ModelError, ModelFault, Species
from .expression import TIME, Apply, Expression, Name, Number, names, scaled, with_units
from .units import Unit, UnitError, dimension_text, in_moles


class Laws(NamedTuple):
    """A model's formulas in one consistent set of units.

    initial: of each species, in its unit. rates: of each reaction, in `rate_units`. observables: each in its unit.
    changes: for each species, the reactions that change it with the coefficient that turns their rate into the
    species' unit per time unit.
    """

    initial: Mapping[str, Expression]
    rates: Mapping[str, Expression]
    rate_units: Mapping[str, Unit]
    observables: Mapping[str, Expression]
    changes: Mapping[str, tuple[tuple[str, Expression], ...]]


def write_laws(model: Declarations) -> Laws:
    """The laws of `model`. Raises `ModelError` with everything that is wrong."""
    faults = list(check_declarations(model))
    if any(fault.message != UNUSED for fault in faults):
        raise ModelError(faults)  # the unit of an unknown name, or of names in a circle, cannot be found
    units = {TIME: model.time_unit}
    for group in (model.species, model.parameters, model.observables):
        units.update({name: declared.unit for name, declared in group.items()})
    initial = _initial_values(model, units, faults)
    observables = _observables(model, units, faults)
    rates, rate_units = _rates(model, units, faults)
    changes = _changes(model, rate_units, faults)
    if faults:
        raise ModelError(faults)
    return Laws(initial, rates, rate_units, observables, changes)


def _initial_values(model: Declarations, units: Mapping[str, Unit], faults: list[ModelFault]) -> dict[str, Expression]:
    values: dict[str, Expression] = {}
    for species in model.species.values():
        if isinstance(species.initial, Number):
            values[species.id] = species.initial
            continue
        tree = _in_unit(species.initial, species.unit, units, ("species", species.id, "initial"), faults)
        values[species.id] = tree
    return values


def _observables(model: Declarations, units: Mapping[str, Unit], faults: list[ModelFault]) -> dict[str, Expression]:
    return {
        item.id: _in_unit(item.value, item.unit, units, ("observables", item.id, "value"), faults)
        for item in model.observables.values()
    }


def _in_unit(
    tree: Expression, wanted: Unit, units: Mapping[str, Unit], path: tuple[str, ...], faults: list[ModelFault]
) -> Expression:
    try:
        converted, found = with_units(tree, units)
        return scaled(converted, found.to(wanted))
    except UnitError as error:
        faults.append(ModelFault(path, str(error)))
        return Number(0.0)


def _rates(
    model: Declarations, units: Mapping[str, Unit], faults: list[ModelFault]
) -> tuple[dict[str, Expression], dict[str, Unit]]:
    rates, rate_units = {}, {}
    for reaction in model.reactions.values():
        try:
            rates[reaction.id], rate_units[reaction.id] = with_units(reaction.rate, units)
        except UnitError as error:
            faults.append(ModelFault(("reactions", reaction.id, "rate"), str(error)))
    return rates, rate_units


def _changes(
    model: Declarations, rate_units: Mapping[str, Unit], faults: list[ModelFault]
) -> dict[str, tuple[tuple[str, Expression], ...]]:
    changes: dict[str, list[tuple[str, Expression]]] = {name: [] for name in model.species}
    for reaction in model.reactions.values():
        if reaction.id not in rate_units:
            continue
        factors: dict[str, Expression] = {}
        for name, coefficient in reaction.stoichiometry:
            try:
                factors[name] = _change_factor(model, model.species[name], rate_units[reaction.id])
            except UnitError as error:
                faults.append(ModelFault(("reactions", reaction.id, "rate"), str(error)))
            else:
                changes[name].append((reaction.id, _times(coefficient, factors[name])))
        _check_volumes(model, reaction.id, factors, faults)
    return {name: tuple(found) for name, found in changes.items()}


def _check_volumes(
    model: Declarations, reaction: str, factors: Mapping[str, Expression], faults: list[ModelFault]
) -> None:
    """A fault where a rate per volume joins two volumes: only an amount per time, which each side divides by its own
    volume, conserves matter."""
    volumes = {name: model.species[name].volume for name in factors}
    undivided = any(isinstance(factor, Number) for factor in factors.values())
    if undivided and len(set(volumes.values()) - {None}) > 1:
        between = ", ".join(f"{name} in {volume}" for name, volume in volumes.items())
        message = f"a rate per volume between different volumes ({between}) does not conserve matter; "
        faults.append(ModelFault(("reactions", reaction, "rate"), message + "give the rate as an amount per time"))


def _change_factor(model: Declarations, species: Species, rate: Unit) -> Expression:
    """The coefficient from a rate to the change of `species`: divides by its volume if the rate is an amount per time
    and the species a concentration."""
    wanted = species.unit / model.time_unit
    for unit in (rate, in_moles(rate, model.substance_of(species.id))):
        if unit.same_dimension(wanted):
            return Number(unit.to(wanted))
        if species.volume is not None:
            volume = model.unit(species.volume)
            if unit.same_dimension(wanted * volume):
                return Apply("div", (Number(unit.to(wanted * volume)), Name(species.volume)))
    changes = f"{species.id} [{species.unit_text}] changes by {dimension_text(wanted)}"
    message = f"the rate is {dimension_text(rate)}, but {changes}"
    if species.volume is None:
        message += " (or give the species a volume, if the rate is an amount per time)"
    raise UnitError(message)


def _times(coefficient: float, factor: Expression) -> Expression:
    if isinstance(factor, Number):
        return Number(coefficient * factor.value)
    return factor if coefficient == 1.0 else Apply("mul", (Number(coefficient), factor))


def in_order(model: Declarations) -> list[str]:
    """Observables, each after those it refers to."""
    order: list[str] = []

    def visit(name: str) -> None:
        if name not in order:
            for inner in names(model.observables[name].value):
                if inner in model.observables:
                    visit(inner)
            order.append(name)

    for name in model.observables:
        visit(name)
    return order
