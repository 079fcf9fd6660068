"""A resolved scenario as text: every value with its origin."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ....experiments.clock import clock_of
from ....experiments.scenario import Scenario
from ..doses import ordered_words


def show_text(scenario: Scenario) -> str:
    """The scenario with every default, one value per line with the file and line it came from; then the parameters
    of the model that an arm overrides, and the doses in words."""
    rows = list(_values(scenario.document, ()))
    width = min(60, max(len(f"{'.'.join(map(str, path))} = {value!r}") for path, value in rows))
    lines = []
    for path, value in rows:
        text = f"{'.'.join(map(str, path))} = {value!r}"
        lines.append(f"{text:{width}}  # {_origin(scenario, path)}")
    for name, parameter in scenario.model.parameters.items():
        for arm in scenario.arms:
            if name in arm.parameters and arm.parameters[name] != parameter.value:
                unit = "" if parameter.unit_text == "1" else f" {parameter.unit_text}"
                change = f"{parameter.value:g} -> {arm.parameters[name]:g}{unit}"
                lines.append(f"# overrides the model in arm {arm.name}: {name}, {change}")
    for name, replaced in scenario.model.replaced.items():
        lines.append(f"# {replaced.by} replaces {name} of {replaced.module}: {replaced.text}")
    return "\n".join([*lines, *_doses(scenario)])


def _doses(scenario: Scenario) -> Iterator[str]:
    """Every dose in words, with the arms that have it where not all do."""
    clock, time_factor = clock_of(scenario)
    found: dict[str, list[str]] = {}
    for arm in scenario.arms:
        for dose in arm.doses:
            found.setdefault(f"{dose.name}: {ordered_words(scenario.model, dose, time_factor, clock)}", []).append(
                arm.name
            )
    for words, names in found.items():
        who = "" if len(names) == len(scenario.arms) else f" (arm {', '.join(names)})"
        yield f"# {words}{who}"


def _values(value: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _values(inner, (*path, key))
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for number, inner in enumerate(value):
            key = inner.get("name", number) if path and path[-1] == "dose" else number
            yield from _values({k: v for k, v in inner.items() if k != "name" or path[-1] != "dose"}, (*path, key))
    elif value != "":
        yield path, value


def _origin(scenario: Scenario, path: tuple[str | int, ...]) -> str:
    found = scenario.origins.get(path)
    return found if found is not None else "default"
