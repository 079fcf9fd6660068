"""From a model's words to its laws: names resolved, dimensions checked, unit factors written in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from .declarations import BODY, Declarations, Fault, ModelError, Species
from .expression import TIME, Apply, Expression, Name, Number, names, scaled, with_units
from .interventions import check_interventions
from .units import Unit, UnitError, dimension_text, in_moles

UNUSED = "the parameter is used nowhere"


class Laws(NamedTuple):
    """A model's formulas in one consistent set of units.

    rates: each reaction's rate, in its own unit. changes: for each species, the reactions that
    change it with the coefficient that turns their rate into the species' unit per time unit.
    """

    initial: Mapping[str, Expression]
    rates: Mapping[str, Expression]
    rate_units: Mapping[str, Unit]
    observables: Mapping[str, Expression]
    changes: Mapping[str, tuple[tuple[str, Expression], ...]]


def write_laws(model: Declarations) -> Laws:
    """The laws of `model`, or a `ModelError` with everything that is wrong."""
    faults: list[Fault] = []
    _check_names(model, faults)
    check_interventions(model, faults)
    if any(fault.message != UNUSED for fault in faults):
        raise ModelError(faults)  # with names unknown or in a circle, units cannot be found
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


def _check_names(model: Declarations, faults: list[Fault]) -> None:
    known = {**model.species, **model.parameters, **model.observables, TIME: None}
    fixed = set(model.parameters) | _parameter_only(model)
    used: set[str] = set(BODY)

    def check(path: tuple[str, ...], found: Iterable[str], allowed: Iterable[str] = known, why: str = "") -> None:
        for name in dict.fromkeys(found):
            used.add(name)
            if name not in known:
                faults.append(Fault(path, model.unknown(name, "species", "parameters", "observables")))
            elif name not in allowed:
                faults.append(Fault(path, f"'{name}' changes with time; {why}"))

    for species in model.species.values():
        check(
            ("species", species.id, "initial"), names(species.initial), fixed, "an initial value is made of parameters"
        )
        if species.volume is not None:
            check(("species", species.id, "volume"), [species.volume], fixed, "a volume is a parameter")
        _check_substance(model, ("species", species.id, "substance"), species.substance, faults)
    for parameter in model.parameters.values():
        _check_substance(model, ("parameters", parameter.id, "substance"), parameter.substance, faults)
    for observable in model.observables.values():
        check(("observables", observable.id, "value"), names(observable.value))
    for reaction in model.reactions.values():
        check(("reactions", reaction.id, "rate"), names(reaction.rate))
        for name, _ in reaction.stoichiometry:
            if name not in model.species:
                path = ("reactions", reaction.id, "equation")
                faults.append(Fault(path, model.unknown(name, "species")))
    if not model.species:
        faults.append(Fault((), "the model has no species"))
    for species in model.species.values():
        volume = model.parameters.get(species.volume or "")
        if volume is not None and volume.value <= 0:
            faults.append(Fault(("parameters", volume.id, "value"), "a volume must be above zero"))
    for name in model.parameters:
        if name not in used:
            faults.append(Fault(("parameters", name), UNUSED))
    loop = _observable_loop(model)
    if loop:
        faults.append(Fault(("observables", loop[0], "value"), f"observables refer to each other: {' -> '.join(loop)}"))


def _check_substance(model: Declarations, path: tuple[str, ...], name: str | None, faults: list[Fault]) -> None:
    if name is not None and name not in model.substances:
        faults.append(Fault(path, model.unknown(name, "substances")))


def _parameter_only(model: Declarations) -> set[str]:
    """Observables that depend on parameters alone."""
    found: set[str] = set()
    for _ in model.observables:
        grown = {
            observable.id
            for observable in model.observables.values()
            if all(name in model.parameters or name in found for name in names(observable.value))
        }
        if grown == found:
            break
        found = grown
    return found


def _observable_loop(model: Declarations) -> list[str]:
    done: set[str] = set()

    def visit(name: str, trail: list[str]) -> list[str]:
        if name in trail:
            return [*trail[trail.index(name) :], name]
        if name in done:
            return []
        for inner in names(model.observables[name].value):
            if inner in model.observables:
                loop = visit(inner, [*trail, name])
                if loop:
                    return loop
        done.add(name)
        return []

    return next((loop for name in model.observables if (loop := visit(name, []))), [])


def _initial_values(model: Declarations, units: Mapping[str, Unit], faults: list[Fault]) -> dict[str, Expression]:
    values: dict[str, Expression] = {}
    for species in model.species.values():
        if isinstance(species.initial, Number):
            values[species.id] = species.initial
            continue
        tree = _in_unit(species.initial, species.unit, units, ("species", species.id, "initial"), faults)
        values[species.id] = tree
    return values


def _observables(model: Declarations, units: Mapping[str, Unit], faults: list[Fault]) -> dict[str, Expression]:
    return {
        item.id: _in_unit(item.value, item.unit, units, ("observables", item.id, "value"), faults)
        for item in model.observables.values()
    }


def _in_unit(
    tree: Expression, wanted: Unit, units: Mapping[str, Unit], path: tuple[str, ...], faults: list[Fault]
) -> Expression:
    try:
        converted, found = with_units(tree, units)
        return scaled(converted, found.to(wanted))
    except UnitError as error:
        faults.append(Fault(path, str(error)))
        return Number(0.0)


def _rates(
    model: Declarations, units: Mapping[str, Unit], faults: list[Fault]
) -> tuple[dict[str, Expression], dict[str, Unit]]:
    rates, rate_units = {}, {}
    for reaction in model.reactions.values():
        try:
            rates[reaction.id], rate_units[reaction.id] = with_units(reaction.rate, units)
        except UnitError as error:
            faults.append(Fault(("reactions", reaction.id, "rate"), str(error)))
    return rates, rate_units


def _changes(
    model: Declarations, rate_units: Mapping[str, Unit], faults: list[Fault]
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
                faults.append(Fault(("reactions", reaction.id, "rate"), str(error)))
            else:
                changes[name].append((reaction.id, _times(coefficient, factors[name])))
        _check_volumes(model, reaction.id, factors, faults)
    return {name: tuple(found) for name, found in changes.items()}


def _check_volumes(model: Declarations, reaction: str, factors: Mapping[str, Expression], faults: list[Fault]) -> None:
    """Between two volumes only an amount per time, which each side divides by its own, keeps matter."""
    volumes = {name: model.species[name].volume for name in factors}
    undivided = any(isinstance(factor, Number) for factor in factors.values())
    if undivided and len(set(volumes.values()) - {None}) > 1:
        between = ", ".join(f"{name} in {volume}" for name, volume in volumes.items())
        message = f"a rate per volume between different volumes ({between}) makes or loses matter; "
        faults.append(Fault(("reactions", reaction, "rate"), message + "give the rate as an amount per time"))


def _change_factor(model: Declarations, species: Species, rate: Unit) -> Expression:
    """The coefficient from a rate to the change of `species`, dividing by its volume if the
    rate is an amount per time and the species a concentration."""
    wanted = species.unit / model.time_unit
    substance = model.substance_of(species.id)
    for unit in (rate, in_moles(rate, substance) if substance else rate):
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
