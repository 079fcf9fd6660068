"""What is no fault in a scenario, and yet worth a line: said beside the results, never instead of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..experiments.axis_paths import reaches, split
from ..experiments.design import Product
from ..experiments.scenario import Scenario
from ..model.words import Parameter

ROUNDING = 1e-9  # in units converted from what was written


def notes(scenario: Scenario, settings: Sequence[str] = ()) -> list[str]:
    """Values outside their range, values that are the same in everybody, and settings of the command line or
    axes of a sweep that an arm overrides; each is said once."""
    found = [*_overridden(scenario, settings), *_still(scenario), *_turned(scenario), *_beyond(scenario)]
    return list(dict.fromkeys(found))


def _overridden(scenario: Scenario, settings: Sequence[str]) -> Iterator[str]:
    for name in settings:
        path = tuple(part.strip() for part in name.split("."))
        path = ("parameters", *path) if len(path) == 1 else path
        for arm, table in scenario.document.get("arms", {}).items():
            if path[0] != "time" and _holds(table, path):
                yield f"arm {arm} sets {name} itself, and --set does not change it there"


def _still(scenario: Scenario) -> Iterator[str]:
    if scenario.sweep is None:
        return
    for axis in scenario.sweep.design.axes:
        for arm in scenario.sweep.arms:
            if axis.path in scenario.arm(arm).own:
                yield f"arm {arm} sets {axis.path} itself, and the sweep does not vary it there"
            elif not reaches(axis.path, scenario.arm(arm)):
                yield f"arm {arm} leaves out the dose of {axis.path}, which does not vary there"


def _holds(table: Any, path: Sequence[str]) -> bool:
    for key in path:
        if not isinstance(table, Mapping) or key not in table:
            return False
        table = table[key]
    return True


def _turned(scenario: Scenario) -> Iterator[str]:
    model = scenario.model
    has_knobs = any(each.knob for each in model.parameters.values())
    for arm in scenario.arms:
        changes = [pair for change in arm.changes for pair in change.parameters.items()]
        for name, value in (*arm.parameters.items(), *changes):
            parameter = model.parameters[name]
            if _outside(parameter, value):
                yield f"{name} = {value:g}{_unit(parameter)} is outside its range, {_range(parameter)}"
            if has_knobs and not parameter.knob and value != parameter.value:
                yield f"{name} is no knob of patient, disease or treatment: the scenarios that come with us leave it"


def _beyond(scenario: Scenario) -> Iterator[str]:
    """Axes that leave the range of their parameter at one end or both; patients vary as their distributions say."""
    design = scenario.sweep.design if scenario.sweep else None
    swept = design.outer if isinstance(design, Product) else design
    for axis in swept.axes if swept and swept.kind != "population" else ():
        kind, name, key = split(axis.path)
        parameter = scenario.model.parameters.get({"parameter": name, "change": key}.get(kind, ""))
        if parameter is not None and (_outside(parameter, axis.low) or _outside(parameter, axis.high)):
            covered = f"{axis.low:g} to {axis.high:g}{_unit(parameter)}"
            yield f"{axis.path}, which varies from {covered}, leaves its range, {_range(parameter)}"


def _outside(parameter: Parameter, value: float) -> bool:
    low, high = parameter.range or (value, value)
    return not low - ROUNDING * abs(low) <= value <= high + ROUNDING * abs(high)


def _range(parameter: Parameter) -> str:
    low, high = parameter.range or (parameter.value, parameter.value)
    return f"{low:g} to {high:g}{_unit(parameter)}"


def _unit(parameter: Parameter) -> str:
    return "" if parameter.unit_text == "1" else f" {parameter.unit_text}"
