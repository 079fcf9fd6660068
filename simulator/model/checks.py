"""Checks of declarations against each other: names, substances, volumes and interventions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .declarations import BODY, Declarations, Intervention, ModelFault, Parameter
from .expression import TIME, names
from .units import ONE

UNUSED = "the parameter is used nowhere; one that doses of scenarios name says for_doses = true"
SHARE = (0.0, 1.0)

Keys = tuple[str, ...]


def check_declarations(model: Declarations) -> Iterator[ModelFault]:
    """Everything that is wrong with the names in `model`; dimensions are checked where laws are written."""
    checks = (_formulas, _equations, _substances, _volumes, _unused, _circle, _interventions)
    for check in checks:
        yield from (ModelFault(path, message) for path, message in check(model))


def _used(model: Declarations) -> Iterator[tuple[Keys, Iterable[str]]]:
    """The names in every formula and volume, with the place of each."""
    for species in model.species.values():
        yield ("species", species.id, "initial"), names(species.initial)
        yield ("species", species.id, "volume"), [species.volume] if species.volume is not None else []
    for observable in model.observables.values():
        yield ("observables", observable.id, "value"), names(observable.value)
    for reaction in model.reactions.values():
        yield ("reactions", reaction.id, "rate"), names(reaction.rate)


def _formulas(model: Declarations) -> Iterator[tuple[Keys, str]]:
    known = {*model.species, *model.parameters, *model.observables, TIME}
    constant = set(model.parameters) | parameter_only(model)
    reasons = {"initial": "an initial value is made of parameters", "volume": "a volume is a parameter"}
    for path, found in _used(model):
        for name in dict.fromkeys(found):
            if name not in known:
                yield path, model.unknown(name, "species", "parameters", "observables")
            elif path[-1] in reasons and name not in constant:
                yield path, f"'{name}' changes with time; {reasons[path[-1]]}"


def _equations(model: Declarations) -> Iterator[tuple[Keys, str]]:
    for reaction in model.reactions.values():
        for name, _ in reaction.stoichiometry:
            if name not in model.species:
                yield ("reactions", reaction.id, "equation"), model.unknown(name, "species")
    if not model.species:
        yield (), "the model has no species"


def _substances(model: Declarations) -> Iterator[tuple[Keys, str]]:
    for group in ("species", "parameters"):
        for item in getattr(model, group).values():
            if item.substance is not None and item.substance not in model.substances:
                yield (group, item.id, "substance"), model.unknown(item.substance, "substances")


def _volumes(model: Declarations) -> Iterator[tuple[Keys, str]]:
    for species in model.species.values():
        volume = model.parameters.get(species.volume or "")
        if volume is not None and volume.value <= 0:
            yield ("parameters", volume.id, "value"), "a volume must be above zero"


def _unused(model: Declarations) -> Iterator[tuple[Keys, str]]:
    used = {*BODY, *(name for _, found in _used(model) for name in found)}
    for name, parameter in model.parameters.items():
        if name not in used and not parameter.for_doses:
            yield ("parameters", name), UNUSED


def _circle(model: Declarations) -> Iterator[tuple[Keys, str]]:
    circle = _observable_circle(model)
    if circle:
        yield ("observables", circle[0], "value"), f"observables refer to each other: {' -> '.join(circle)}"


def parameter_only(model: Declarations) -> set[str]:
    """Observables that depend on parameters alone."""
    waiting = {name: set(names(each.value)) - model.parameters.keys() for name, each in model.observables.items()}
    found: set[str] = set()
    while new := {name for name, read in waiting.items() if read <= found}:
        found |= new
        waiting = {name: read for name, read in waiting.items() if name not in new}
    return found


def _observable_circle(model: Declarations) -> list[str]:
    done: set[str] = set()

    def visit(name: str, trail: list[str]) -> list[str]:
        if name in trail:
            return [*trail[trail.index(name) :], name]
        if name in done:
            return []
        for inner in names(model.observables[name].value):
            if inner in model.observables:
                circle = visit(inner, [*trail, name])
                if circle:
                    return circle
        done.add(name)
        return []

    return next((circle for name in model.observables if (circle := visit(name, []))), [])


def _interventions(model: Declarations) -> Iterator[tuple[Keys, str]]:
    for each in model.interventions.values():
        for path, message in (*_nothing(each), *_knockout(model, each), *_shares(model, each), *_doses(model, each)):
            yield ("interventions", each.id, *path), message


def _nothing(each: Intervention) -> Iterator[tuple[Keys, str]]:
    if not (each.knockout or each.block or each.remaining or each.dose):
        yield (), "an intervention has knockout, block or remaining, or dose"
    if each.block and each.remaining:
        yield ("remaining",), "block is the share that is blocked, remaining the share that is left: give one of them"


def _knockout(model: Declarations, each: Intervention) -> Iterator[tuple[Keys, str]]:
    for name, value in each.knockout.items():
        parameter = model.parameters.get(name)
        if parameter is None:
            yield ("knockout", name), model.unknown(name, "parameters")
        elif _is_share(parameter) and not SHARE[0] <= value <= SHARE[1]:
            yield ("knockout", name), f"{name} is a share, from 0 to 1, found {value:g}"
        elif value < 0 <= min((parameter.value, *(parameter.range or ()))):
            yield ("knockout", name), f"{name} cannot be negative, found {value:g}"


def _shares(model: Declarations, each: Intervention) -> Iterator[tuple[Keys, str]]:
    for key, name in (("block", each.block), ("remaining", each.remaining)):
        if name is None:
            continue
        parameter = model.parameters.get(name)
        if parameter is None:
            yield (key,), model.unknown(name, "parameters")
        elif not _is_share(parameter):
            yield (key,), f"{key} needs a share: a parameter with unit '1' and range [0, 1], which {name} is not"


def _doses(model: Declarations, each: Intervention) -> Iterator[tuple[Keys, str]]:
    for route, name in each.dose.items():
        if name not in model.species:
            path = ("dose", route) if route else ("dose",)
            yield path, model.unknown(name, "species", purpose=f" to give {each.id} to")


def _is_share(parameter: Parameter) -> bool:
    return parameter.range == SHARE and parameter.unit == ONE
