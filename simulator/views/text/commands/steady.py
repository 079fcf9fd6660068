"""Steady states in words and as tables."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ....experiments.steady_states import SteadyState, SteadyStates
from ..english import counted, listed
from ..numbers import axis_title, number, with_unit
from ..tables import Table

MOST_LISTED = 12  # names in a sentence


def steady_text(found: SteadyStates, curves: Sequence[str]) -> str:
    """The states with these curves, and sentences about them."""
    arm, clock = found.arm.name, found.scenario.model.time_unit_text
    count = counted(len(found.found), "steady state")
    lines = [f"{found.scenario.id}, arm {arm}: {count} found from {counted(found.starts, 'start')}"]
    if found.found:
        lines += ["", str(states_table(found, curves)), ""]
    lines.append(rest_sentence(found))
    for index, state in enumerate(found.found, 1):
        lines.append(f"State {index}: {stability_words(state, clock)}.")
    return "\n".join([*lines, *_notes(found)])


def states_table(found: SteadyStates, curves: Sequence[str]) -> Table:
    """A row for each state: whether it is stable, what comes to rest in it, the time of return, and curves."""
    clock, model = found.scenario.model.time_unit_text, found.scenario.model
    rows = []
    for index, state in enumerate(found.found, 1):
        values = found.values(state.states, state.parameter)
        rows.append(
            {
                "state": str(index),
                "stability": stability(state),
                "reached_by": ", ".join(state.arms) or ("this arm" if found.resting is state else "none"),
                "time": state.time,
                "time_unit": clock,
                **{name: values[name] for name in curves},
            }
        )
    shown: dict[str, tuple[str, ...]] = {
        "state": ("state",),
        "stability": ("stability",),
        "reached by": ("reached_by",),
    }
    shown |= {"slowest time": ("time", "time_unit")}
    shown |= {axis_title(name, model.unit_text(name)): (name,) for name in curves}
    return Table(rows, shown)


def stability(state: SteadyState) -> str:
    """``stable``, ``unstable`` or ``neutral``."""
    return {True: "stable", False: "unstable", None: "neutral"}[state.stable]


def stability_words(state: SteadyState, clock: str) -> str:
    """What becomes of a small disturbance: "a small disturbance fades to 1/e in 82 d, in waves of 13 d (a, p)"."""
    if not len(state.eigenvalues):
        return "nothing is left that changes"
    names = f", slowest in {listed(state.slow_species)}" if state.slow_species else ""
    if state.stable is None:
        return f"neutral: a small disturbance neither grows nor fades{names}"
    waves = f", in waves of {with_unit(state.period, clock)}" if state.period else ""
    if state.stable:
        return f"stable: a small disturbance fades to 1/e in {with_unit(state.time, clock)}{waves}{names}"
    names = f", first in {listed(state.slow_species)}" if state.slow_species else ""
    ways = counted(state.unstable, "direction")
    return f"unstable in {ways}: a small disturbance grows e-fold in {with_unit(state.time, clock)}{waves}{names}"


def rest_sentence(found: SteadyStates) -> str:
    """Where the arm itself goes without its doses."""
    clock = found.scenario.model.time_unit_text
    name, speed = found.rest.fastest
    without = " without its doses" if found.left_out else ""
    resting = found.resting
    if found.rest.failed:
        return f"Arm {found.arm.name}{without}: FAILED, {found.rest.failed}; whether it comes to rest is not known."
    if resting is None:
        change = f"{number(100 * speed, 2)} % per {clock}"
        how = "; it goes round a state that is not stable" if found.rest.waves else ""
        how = f"; {found.rest.grows} grows without end" if found.rest.grows else how
        text = f"Arm {found.arm.name}{without} does not come to rest: at the end of its run {name} changes by {change}"
        return f"{text}{how}."
    if resting.stable is False:
        return (
            f"Arm {found.arm.name}{without} is at state {found.found.index(resting) + 1}, which is not stable: "
            f"the least disturbance leads away from it."
        )
    return f"Arm {found.arm.name}{without} comes to rest in state {found.found.index(resting) + 1}."


def _notes(found: SteadyStates) -> list[str]:
    """What was left out, and what does not change."""
    model, lines = found.scenario.model, []
    for each in found.conserved:
        signs = [
            "" if w > 0 and not place else "- " if w < 0 else "+ " for place, w in enumerate(each.weights.values())
        ]
        sizes = ["" if abs(w) == 1 else f"{number(abs(w))} " for w in each.weights.values()]
        text = " ".join(f"{sign}{size}{name}" for sign, size, name in zip(signs, sizes, each.weights, strict=True))
        first = next(iter(each.weights))
        lines.append(f"Conserved: {text} = {with_unit(each.total, model.unit_text(first))}.")
    if found.left_out:
        lines.append(f"Doses are left out: {listed(found.left_out)}.")
    if found.changed:
        lines.append(f"Parameters are those of the end of the run: {listed(found.changed)} changed before.")
    lines += [f"Arm {name}: FAILED, {why}; no state was looked for from its end." for name, why in found.failed.items()]
    equations = found.equations
    if equations.absent:
        lines.append(f"Without doses {_some(equations.absent, 'species')} stay at zero, and are left out.")
    if equations.counters:
        lines.append(f"Left out because nothing depends on them, and they only count: {listed(equations.counters)}.")
    return ["", *lines] if lines else []


def _some(names: Sequence[str], kind: str) -> str:
    return listed(names) if len(names) <= MOST_LISTED else f"{len(names)} {kind}"


def steady_document(found: SteadyStates) -> dict[str, Any]:
    """Everything, ready for JSON: values in the units of the model, times in its time unit."""
    equations = found.equations
    return {
        "scenario": found.scenario.id,
        "arm": found.arm.name,
        "time_unit": found.scenario.model.time_unit_text,
        "rests_in": None if found.rest.place is None else found.rest.place + 1,
        "goes_in_waves": found.rest.waves,
        "grows_without_end": found.rest.grows,
        "fastest_at_end": None
        if found.rest.failed
        else {"species": found.rest.fastest[0], "share_per_time": found.rest.fastest[1]},
        "failed": found.rest.failed or None,
        "failed_arms": dict(found.failed),
        "starts": found.starts,
        "states": [_state_document(found, state, index) for index, state in enumerate(found.found, 1)],
        "conserved": [{"weights": dict(each.weights), "total": each.total} for each in found.conserved],
        "doses_left_out": list(found.left_out),
        "parameters_of_the_end": {name: found.parameters[name] for name in found.changed},
        "absent": list(equations.absent),
        "only_count": list(equations.counters),
    }


def _state_document(found: SteadyStates, state: SteadyState, index: int) -> dict[str, Any]:
    values = found.values(state.states, state.parameter)
    return {
        "state": index,
        "stability": stability(state),
        "unstable_directions": state.unstable,
        "time": state.time if math.isfinite(state.time) else None,
        "period": state.period,
        "slowest_in": list(state.slow_species),
        "arms": list(state.arms),
        "eigenvalues": [[float(each.real), float(each.imag)] for each in state.eigenvalues],
        "values": {name: value if math.isfinite(value) else None for name, value in values.items()},
    }
