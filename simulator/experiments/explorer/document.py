"""Everything that the engine of a page is told of a scenario, as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ...model.expression import Apply, Expression, Name, Number, Quoted
from ...model.instants import PER_SECOND, ticks_of
from ...model.units import ONE, Unit, quantity
from ...numerics.compiled.memory_layout import ARGUMENTS, CLOCKS, COUNTERS, ProgramDescription
from ...numerics.fluxes import chain_rule
from ...numerics.noise import LOWER_FLOORS
from ...numerics.system import SMALLEST_ATOL, System
from ...numerics.trajectory import ATOL_OF_SCALE
from ...runtime.errors import InputError, InputFault, request_fault
from ..clock import clock_of
from ..measures import arguments, arm_of, arms_of, curve_names, functions_in, unit_given
from ..scenario import Arm, Dose, Expectation, Scenario, switches_of
from .patients import patients_of

if TYPE_CHECKING:
    from ...numerics.compiled.programs import WebProgram

RTOL_MOVING, RTOL_AT_REST = 1e-4, 1e-6
TWIN = "nothing_given"
MOST_ATTEMPTS = 100_000  # steps of one arm, rejected ones included: so that no setting hangs
MEASURES = (
    "at", "final", "max", "min", "mean", "auc", "time_of_max", "time_of_min", "half_life", "time_above", "time_below",
    "first_above", "first_below",
)  # that the page reads at saved times  # fmt: skip
OPERATIONS = ("add", "sub", "mul", "div", "neg", "exp", "log", "log10", "sqrt")  # that the page can compute


class Shown(NamedTuple):
    """The curves that a page shows, by name, and those that it cannot show."""

    names: tuple[str, ...]
    left_out: tuple[str, ...]


def obstacles(scenario: Scenario, system: System) -> list[str]:
    """Why a scenario can have no page that simulates by itself; nothing if it can."""
    reasons = []
    for arm in scenario.arms:
        name = f"arm '{arm.name}'"
        if switches := switches_of(arm):
            reasons.append(f"{switches[0].name} jumps while a run goes on, which a page does not follow")
        elif arm.rules:
            reasons.append(f"{name} has rules, such as '{arm.rules[0].name}', which a page does not follow")
        if arm.inputs:
            reasons.append(f"{name} has an input, '{arm.inputs[0].parameter}', and a page cannot follow a table")
        steady = [dose.name for dose in arm.doses if dose.steady]
        if steady:
            reasons.append(f"{name} starts in the steady state of the dose '{steady[0]}', which a page cannot find")
        changed = {each for change in arm.changes for each in change.parameters} & fixed_parameters(system)
        if changed:
            reasons.append(f"{name} changes '{min(changed)}', on which a formula of time depends")
    if not reasons and not shown_curves(scenario).names:
        reasons.append("it plots nothing that a page can compute")
    return list(dict.fromkeys(reasons))


def refusals(scenario: Scenario, system: System) -> list[InputFault]:
    """`obstacles` as faults."""
    return [request_fault(f"{scenario.id}: no page can be made: {each}") for each in obstacles(scenario, system)]


def check(scenario: Scenario, system: System) -> None:
    """Raises `InputError` with all of `refusals`."""
    if faults := refusals(scenario, system):
        raise InputError(faults)


def with_twin(scenario: Scenario) -> Scenario:
    """The scenario with one more arm, the same patient to whom nothing is given, if its main arm has doses and no arm
    is that already: it follows every slider of the patient."""
    main = scenario.arms[0]
    twin = main._replace(name=TWIN, label="the same patient, nothing given", doses=(), own=frozenset())
    same = [arm for arm in scenario.arms if arm._replace(name=TWIN, label=twin.label, own=twin.own) == twin]
    if not main.doses or same or TWIN in [arm.name for arm in scenario.arms]:
        return scenario
    return replace(scenario, arms=(*scenario.arms, twin))


def fixed_parameters(system: System) -> set[str]:
    """Parameters that a page cannot move: formulas of time alone depend on them, along which steps have to end."""
    curves = system.time_curves
    return {system.parameters[place] for place in curves.parameters} if curves else set()


def shown_curves(scenario: Scenario) -> Shown:
    """What a page shows of what the scenario plots: every species and observable, and formulas of plain arithmetic and
    of values at saved times."""
    names = [name for name in scenario.drawn if _is_plain(scenario, scenario.curve(name).tree)]
    return Shown(tuple(names), tuple(name for name in scenario.drawn if name not in names))


def _is_plain(scenario: Scenario, tree: Expression) -> bool:
    if isinstance(tree, Apply) and tree.op == "at":
        time, unit = arguments(tree, scenario.model).time, scenario.model.time_unit
        return time is not None and ticks_of(time, unit) % ticks_of(scenario.every, unit) == 0
    if isinstance(tree, Apply):
        return tree.op in OPERATIONS and all(_is_plain(scenario, each) for each in tree.args)
    return isinstance(tree, Name | Number)


def document(scenario: Scenario, system: System, compiled: WebProgram) -> dict[str, Any]:
    """What the engine is told. Indices are those of `System`; times are in the model's unit."""
    program, volumes = compiled.description, compiled.volumes
    place = {name: index for index, name in enumerate(system.parameters)}
    unit, model = scenario.model.time_unit, scenario.model
    main, clock = scenario.parameters(scenario.arms[0]), clock_of(scenario)
    shown, reactions = shown_curves(scenario).names, list(model.reactions)
    read = [name for each in judged(scenario) for name in curve_names(each.measure, model)]
    names = list(dict.fromkeys([*shown, *read]))
    return {
        "ticks": {"perSecond": str(PER_SECOND), "factor": unit.factor, "size": str(ticks_of(1.0, unit))},
        "clock": {"unit": clock.unit, "factor": clock.factor, "model": model.time_unit_text},
        "end": scenario.end,
        "every": scenario.every,
        "rtol": {"moving": RTOL_MOVING, "rest": RTOL_AT_REST},
        "floors": [ATOL_OF_SCALE, *LOWER_FLOORS],
        "normalFloor": ATOL_OF_SCALE,
        "smallest": SMALLEST_ATOL,
        "attempts": MOST_ATTEMPTS,
        "arguments": list(ARGUMENTS),
        "clocks": list(CLOCKS),
        "counters": list(COUNTERS),
        "offsets": dict(program.offsets),
        "lanes": program.lanes,
        "species": list(system.species),
        "scales": system.scales.tolist(),
        "lower": [None if value == float("-inf") else value for value in system.lower_bounds.tolist()],
        "dissolved": [_index(volumes, each.dissolved_in) for each in model.species.values()],
        "volumes": len(volumes),
        "parameters": place,
        "values": [main[name] for name in system.parameters],
        "defaults": {  # of the model, where they are others: for the rest that explanations compare with
            place[name]: item.value for name, item in model.parameters.items() if item.value != main[name]
        },
        "read": [place[name] for name in program.parameters],
        "infused": [system.species.index(name) for name in program.infused],
        "observed": len(program.observed),
        "fluxes": [[system.species.index(name), reactions.index(each)] for name, each in compiled.fluxes],
        "reactions": [_label(each.label, each.id) for each in model.reactions.values()],
        "labels": [_label(each.label, each.id) for each in model.species.values()],
        "arms": [_arm(scenario, arm, system, place, volumes) for arm in scenario.arms],
        "curves": [_curve(scenario, name, system, program) for name in names],
        "shown": len(shown),
        "patients": patients_of(scenario, system, fixed_parameters(system)),
        "expectations": [_expectation(scenario, each, names) for each in judged(scenario)],
    }


def _label(label: str, name: str) -> str:
    return label or name.replace("_", " ")


def judged(scenario: Scenario) -> list[Expectation]:
    """The expectations that a page can judge: of measures that it can read at saved times, and not set aside."""
    return [
        each
        for each in scenario.expectations
        if not each.set_aside and all(found.op in MEASURES for found in functions_in(each.measure))
    ]


def _expectation(scenario: Scenario, asked: Expectation, names: Sequence[str]) -> dict[str, Any]:
    """An expectation with its measure as a tree of numbers, in the unit of the expectation."""
    tree, unit = _measure(scenario, asked.measure, names)
    arms = [arm.name for arm in scenario.arms]
    return {
        "id": asked.id,
        "that": asked.that,
        "interval": asked.interval_text,
        "low": None if asked.low == -np.inf else asked.low,
        "high": None if asked.high == np.inf else asked.high,
        "unit": asked.unit_text,
        "source": asked.source,
        "arms": sorted({arms.index(name) for name in arms_of(asked.measure)}),
        "tree": ["mul", tree, unit.to(asked.unit)],
    }


def _measure(scenario: Scenario, tree: Expression, names: Sequence[str]) -> tuple[Any, Unit]:
    """A measure as `measured.bind` reads it, and its unit."""
    model = scenario.model
    if isinstance(tree, Number):
        return tree.value, ONE
    if isinstance(tree, Quoted):
        number, given, _ = quantity(tree.text)
        return number, given
    if not isinstance(tree, Apply):
        raise TypeError(f"{tree!r} is no measure")
    if tree.op in MEASURES:
        found, arms = arguments(tree, model), [arm.name for arm in scenario.arms]
        given_here = found.time if found.level is None else found.level
        window = list(found.window) if found.window else None
        place = names.index(found.curve)
        return (
            ["measure", tree.op, arms.index(arm_of(tree)), place, given_here, window],
            unit_given(tree.op, found.curve, model),
        )
    (left, unit), *rest = [_measure(scenario, arg, names) for arg in tree.args]
    if not rest:
        return ["neg", left], unit
    [(right, other)] = rest
    if tree.op in ("add", "sub"):
        return [tree.op, left, ["mul", right, other.to(unit)]], unit
    return [tree.op, left, right], unit * other if tree.op == "mul" else unit / other


def _index(names: Sequence[str], name: str | None) -> int:
    return -1 if name is None else names.index(name)


def _arm(
    scenario: Scenario, arm: Arm, system: System, place: Mapping[str, int], volumes: Sequence[str]
) -> dict[str, Any]:
    """An arm: its values of all parameters that differ from those of the main one, and what moves them not."""
    main, own = scenario.parameters(scenario.arms[0]), scenario.parameters(arm)
    curves, stops = system.time_curves, []
    if curves:
        values = [own[name] for name in system.parameters]
        stops = curves.stops(np.array(values), 0.0, scenario.end).tolist()
    return {
        "name": arm.name,
        "title": arm.title,
        "own": sorted(arm.own),
        "parameters": {place[name]: value for name, value in own.items() if value != main[name]},
        "initial": {system.species.index(name): value for name, value in arm.initial.items()},
        "doses": [_dose(scenario, dose, system, place, volumes) for dose in arm.doses],
        "changes": [
            {
                "start": each.start,
                "end": each.end,
                "parameters": {place[name]: value for name, value in each.parameters.items()},
            }
            for each in arm.changes
        ],
        "stops": stops,
    }


def _dose(
    scenario: Scenario, dose: Dose, system: System, place: Mapping[str, int], volumes: Sequence[str]
) -> dict[str, Any]:
    def ticks(given: Unit) -> dict[str, Any]:
        return {"factor": given.factor, "size": str(ticks_of(1.0, given))}

    named = []
    for key, name in dose.named:
        given = scenario.model.parameters[name].unit
        scale: Any = ticks(given) if key in ("over", "lag") else given.to(ONE) if key == "share" else 1.0
        named.append([key, place[name], scale])
    rate = dose.rate
    return {
        "name": dose.name,
        "target": system.species.index(dose.target),
        "amount": dose.amount,
        "factor": dose.factor,
        "body": [place[name] for name in dose.body],
        "volume": _index(volumes, dose.volume),
        "at": dose.at,
        "every": dose.every,
        "count": dose.count,
        "over": dose.over,
        "times": list(dose.times),
        "lag": dose.lag,
        "share": dose.share,
        "named": named,
        "rate": rate and {"number": rate.number, "factor": rate.factor, "body": [place[name] for name in rate.body]},
    }


def _curve(scenario: Scenario, name: str, system: System, program: ProgramDescription) -> dict[str, Any]:
    curve = scenario.curve(name)

    def read(tree: Expression) -> Any:
        if isinstance(tree, Number):
            return tree.value
        if isinstance(tree, Name):
            if tree.id in system.species:
                return ["species", system.species.index(tree.id)]
            return ["observed", program.observed.index(tree.id)]
        if isinstance(tree, Apply) and tree.op == "at":
            found = arguments(tree, scenario.model)
            return ["at", read(Name(found.curve)), found.time]
        if isinstance(tree, Apply):
            return [tree.op, *map(read, tree.args)]
        raise TypeError(f"{tree!r} is no part of a curve")

    reads = None  # of a formula of curves there is no balance in Python either
    if isinstance(curve.tree, Name):
        reads = [system.species.index(each) for each in chain_rule(system, curve.tree.id).by_species]
    tree = read(curve.tree)
    return {"name": name, "label": scenario.label(name), "unit": curve.unit_text, "tree": tree, "reads": reads}
