"""A scenario asked of another model than its own, as far as that model has the names that it uses."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

from ...experiments.conditions import curves_of_condition
from ...experiments.measures import arms_of, curve_names
from ...experiments.rules import Switching
from ...experiments.scenario import MAIN, Expectation, Scenario
from ...model.model import Model
from .scenario_file import read_again, reading_of

SHARED = 0.5  # of the names of the smaller of two models: then they are taken to mean the same by them


def asked_of(scenario: Scenario, model: Model, name: str) -> Scenario | None:
    """What `scenario` asks, asked of `model`, which is called `name`.

    Arms that set what the model lacks are left out, and so are expectations that read such an arm or a curve that it
    lacks, and curves that are only drawn. `missed`, which is about the scenario's own model, is left out too.
    None where the model lacks what the main arm sets, or what doses, inputs or rules read, where no expectation is
    left, or where the two have little in common: names that models share by chance mean different things.
    Raises `InputError` as `reading_of`, and where a name of both has other units.
    """
    if not _alike(scenario.model, model):
        return None
    reading = reading_of(scenario)
    layers = reading.layers.copy()
    data = layers.data
    curves = {*model.species, *model.observables}
    if not _has_what_is_set(model, data) or not _read_by_doses(scenario) <= curves | model.parameters.keys():
        return None
    arms = {arm: table for arm, table in data.get("arms", {}).items() if _has_what_is_set(model, table)}
    kept = [
        _without_what_is_gone(table, arms) | {"id": each.id}  # which may be its number among all
        for table, each in zip(data.get("expect", []), scenario.expectations, strict=True)
        if _reads_only(each, scenario.model, curves, {MAIN, *arms})
    ]
    if not kept:
        return None
    plots = ([curve for curve in plot if curve in curves] for plot in data.get("show", {}).get("plots", []))
    data |= {"model": name, "arms": arms, "expect": kept, "show": {"plots": [plot for plot in plots if plot]}}
    for key in ("sweep", "population", "explore", "answer"):
        data.pop(key, None)
    sources = {**scenario.model.sources, **model.sources}
    return read_again(reading._replace(layers=layers, model=replace(model, sources=sources)))


def _alike(one: Model, other: Model) -> bool:
    """Whether two models share half of the names of the one that has fewer."""
    first, second = ({*each.species, *each.observables, *each.parameters} for each in (one, other))
    return len(first & second) >= SHARED * min(len(first), len(second))


def _has_what_is_set(model: Model, table: Mapping[str, Any]) -> bool:
    """Whether the model has the names that an arm, or the scenario itself, sets, and the targets of its doses."""
    known = {*model.parameters, *model.species}
    targets = {dose["target"] for dose in table.get("dose", {}).values() if "target" in dose}
    return known.issuperset(_names_set(table)) and targets <= model.species.keys()


def _read_by_doses(scenario: Scenario) -> set[str]:
    """The parameters that follow inputs or that doses name, and the curves that rules look at."""
    found: set[str] = set()
    for arm in scenario.arms:
        found |= {each.parameter for each in arm.inputs}
        found |= {name for dose in arm.doses for _, name in dose.named}
        rules = [rule for rule in arm.rules if not isinstance(rule, Switching)]
        found |= {name for rule in rules for name in curves_of_condition(rule.condition)}
    return found


def _names_set(table: Mapping[str, Any]) -> Iterator[str]:
    yield from table.get("parameters", {})
    yield from table.get("initial", {})
    for change in table.get("change", []):
        yield from change.get("parameters", {})


def _reads_only(expectation: Expectation, own: Model, curves: Collection[str], arms: Collection[str]) -> bool:
    tree = expectation.measure
    return set(arms_of(tree)) <= set(arms) and set(curve_names(tree, own)) <= set(curves)


def _without_what_is_gone(table: Mapping[str, Any], arms: Collection[str]) -> dict[str, Any]:
    found = {key: value for key, value in table.items() if key not in ("missed", "breaks_in")}
    breaks = [arm for arm in table.get("breaks_in", []) if arm in arms]
    return {**found, "breaks_in": breaks} if breaks else found
