"""What may be done to a messenger or a cell in one word: checked against the rest of the model."""

from __future__ import annotations

from collections.abc import Iterable

from .declarations import Declarations, Fault, Intervention, Parameter
from .units import ONE

SHARE = (0.0, 1.0)


def check_interventions(model: Declarations, faults: list[Fault]) -> None:
    """Appends what is wrong with the interventions of `model` to `faults`."""
    for each in model.interventions.values():
        found = [*_nothing(each), *_knockout(model, each), *_shares(model, each), *_doses(model, each)]
        faults += [Fault(("interventions", each.id, *path), message) for path, message in found]


def _nothing(each: Intervention) -> Iterable[tuple[tuple[str, ...], str]]:
    if not (each.knockout or each.block or each.heard or each.dose):
        yield (), "an intervention has knockout, block or heard, or dose"
    if each.block and each.heard:
        yield ("heard",), "block is the share that is blocked, heard the share that is left: give one of them"


def _knockout(model: Declarations, each: Intervention) -> Iterable[tuple[tuple[str, ...], str]]:
    for name, value in each.knockout.items():
        parameter = model.parameters.get(name)
        if parameter is None:
            yield ("knockout", name), model.unknown(name, "parameters")
        elif _is_share(parameter) and not SHARE[0] <= value <= SHARE[1]:
            yield ("knockout", name), f"{name} is a share, from 0 to 1, found {value:g}"
        elif value < 0 <= min((parameter.value, *(parameter.range or ()))):
            yield ("knockout", name), f"{name} cannot be negative, found {value:g}"


def _shares(model: Declarations, each: Intervention) -> Iterable[tuple[tuple[str, ...], str]]:
    for key, name in (("block", each.block), ("heard", each.heard)):
        if name is None:
            continue
        parameter = model.parameters.get(name)
        if parameter is None:
            yield (key,), model.unknown(name, "parameters")
        elif not _is_share(parameter):
            yield (key,), f"{key} needs a share: a parameter with unit '1' and range [0, 1], which {name} is not"


def _doses(model: Declarations, each: Intervention) -> Iterable[tuple[tuple[str, ...], str]]:
    for route, name in each.dose.items():
        if name not in model.species:
            path = ("dose", route) if route else ("dose",)
            yield path, model.unknown(name, "species", purpose=f" to give {each.id} to")


def _is_share(parameter: Parameter) -> bool:
    return parameter.range == SHARE and parameter.unit == ONE
