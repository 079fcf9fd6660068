"""What is no fault in a scenario, and yet worth a line: said beside the results, never instead of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..experiments.axis_paths import reaches
from ..experiments.scenario import Scenario

ROUNDING = 1e-9  # in units converted from what was written


def notes(scenario: Scenario, settings: Sequence[str] = ()) -> list[str]:
    """Values outside their range, values that are the same in everybody, and settings of the command line or
    axes of a sweep that an arm overrides; each is said once."""
    return list(dict.fromkeys([*_overridden(scenario, settings), *_still(scenario), *_turned(scenario)]))


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
            unit = "" if parameter.unit_text == "1" else f" {parameter.unit_text}"
            low, high = parameter.range or (value, value)
            if not low - ROUNDING * abs(low) <= value <= high + ROUNDING * abs(high):
                yield f"{name} = {value:g}{unit} is outside its range, {low:g} to {high:g}{unit}"
            if has_knobs and not parameter.knob and value != parameter.value:
                yield f"{name} is no knob of patient, disease or treatment: the scenarios that come with us leave it"
