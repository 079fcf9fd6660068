"""What the rules of an arm did, in words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ...experiments.decisions import Decision, Fired
from ...experiments.scenario import Arm
from ...model.model import Model
from .english import counted, listed
from .numbers import number, with_unit

NAMED = 8  # doses that are named one by one


def decision_lines(decisions: Sequence[Decision], time_unit: str, time_factor: float) -> list[str]:
    """A line for each rule, dose and kind of decision: ``hold for toxicity: skipped 2 doses of drug (3 at 5 d, ...)``.

    time_factor: the model's time unit in units of `time_unit`, in which times are told.
    """
    found: dict[tuple[str, str, str], list[Decision]] = {}
    for each in decisions:
        found.setdefault((each.rule, each.dose, _done(each, time_unit, time_factor)), []).append(each)
    lines = []
    for (rule, dose, done), some in found.items():
        named = [f"{each.number} at {with_unit(each.time * time_factor, time_unit)}" for each in some[:NAMED]]
        if len(some) > NAMED:
            named.append(f"{len(some) - NAMED} more")
        if some[0].action == "stop":
            lines.append(f"{rule}: {done} {dose}, from dose {named[0]} on")
        else:
            lines.append(f"{rule}: {done} {counted(len(some), 'dose')} of {dose} ({listed(named)})")
    return lines


def fired_lines(fired: Sequence[Fired], model: Model, time_unit: str, time_factor: float) -> list[str]:
    """A line for each rule that fired: ``rescue: fired 2 times (at 3.1 d and 5.4 d): gave anakinra``; arguments as of
    `decision_lines`."""
    found: dict[str, list[Fired]] = {}
    for each in fired:
        found.setdefault(each.rule, []).append(each)
    lines = []
    for rule, some in found.items():
        when = _when([each.time * time_factor for each in some], time_unit)
        lines.append(f"{rule}: fired {when}: {_acts(some[0], model, time_unit, time_factor)}")
    return lines


def jump_lines(jumps: Sequence[tuple[str, float]], time_unit: str, time_factor: float) -> list[str]:
    """A line for each rate that jumped: ``the rate of 'loss', if(x > K, a, b): jumped 2 times (at 3 d and 5 d)``;
    arguments as of `decision_lines`."""
    found: dict[str, list[float]] = {}
    for name, time in jumps:
        found.setdefault(name, []).append(time)
    return [f"{name}: jumped {_when([time * time_factor for time in some], time_unit)}" for name, some in found.items()]


def _when(times: Sequence[float], time_unit: str) -> str:
    """``at 3 d``, or how often and the first times: ``2 times (at 3 d and 5 d)``."""
    named = [f"at {with_unit(time, time_unit)}" for time in times[:NAMED]]
    if len(times) > NAMED:
        named.append(f"{len(times) - NAMED} more")
    return named[0] if len(times) == 1 else f"{len(times)} times ({listed(named)})"


def settings_words(arm: Arm, model: Model) -> list[tuple[float, str]]:
    """What rules set in an arm, each with its time in the model's unit: ``virus in tissue = 0 PFU/mL``."""
    return [(each.time, _levels(each.values, model)) for each in arm.settings]


def _acts(fired: Fired, model: Model, time_unit: str, time_factor: float) -> str:
    """What a rule does where it fires: ``set virus in tissue to 0 PFU/mL, gave anakinra``."""
    done = [f"set {_levels(fired.sets, model, ' to ')}"] if fired.sets else []
    if fired.parameters:
        lasting = f" for {with_unit(fired.lasting * time_factor, time_unit)}" if fired.lasting else ""
        done.append(f"set {_levels(fired.parameters, model, ' to ')}{lasting}")
    done += [f"gave {listed(fired.gives)}"] if fired.gives else []
    return ", ".join(done)


def _levels(values: Mapping[str, float], model: Model, joint: str = " = ") -> str:
    return listed(
        [f"{_label(name, model)}{joint}{with_unit(value, model.unit_text(name))}" for name, value in values.items()]
    )


def _label(name: str, model: Model) -> str:
    """The label of a species or parameter, up to what explains it."""
    item = model.species[name] if name in model.species else model.parameters[name]
    return re.split(r"[,:;(]", item.label)[0].strip()


def _done(decision: Decision, time_unit: str, time_factor: float) -> str:
    if decision.action == "delay":
        return f"delayed by {with_unit(decision.size * time_factor, time_unit)}"
    if decision.action == "part":
        return f"gave {number(100 * decision.size)} % of"
    return {"skip": "skipped", "stop": "stopped"}[decision.action]
