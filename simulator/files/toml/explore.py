"""``[explore]``: what the page of ``explore`` shows first, how far its sliders go, and where it can start from.

::

    [[explore.slider]]                      # at most eight, in this order; without any the page chooses
    parameter = "dose.first cycle.amount"   # a parameter, initial.SPECIES or dose.NAME.amount|at|every|count|over
    from = "0 IU/kg"                        # left out: the published range, or what the page finds
    to = "1200000 IU/kg"
    scale = "linear"                        # or "log"; left out: what suits the range
    label = "size of each dose"             # left out: that of the model

    [[explore.preset]]                      # before those that the arms of the scenario give
    label = "half the dose"
    set = { "dose.first cycle.amount" = "300000 IU/kg", IL2_block = 0.5 }

It is not inherited by scenarios that extend this one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...experiments.explorer.choices import MOST_SHOWN, ChosenPreset, ChosenSlider, Explore
from ...experiments.scenario import Arm
from .axes import SweepVariable, impossible, read_numbers, read_variable
from .layers import KeyPath
from .quantities import Context
from .source import LINE, LIST, QUANTITY, REQUIRED_LINE, REQUIRED_TEXT, TEXT, Field, Table

EXPLORE = {"slider": LIST, "preset": LIST}
SLIDER = {"parameter": REQUIRED_TEXT, "from": QUANTITY, "to": QUANTITY, "scale": TEXT, "label": LINE}
PRESET = {"label": REQUIRED_LINE, "set": Field((dict,), True)}
DOSE_KEYS = ("amount", "at", "every", "count", "over")  # that a page can move
MOVED = f"a parameter, initial.SPECIES or dose.NAME.{'|'.join(DOSE_KEYS)}"
SCALES = ("linear", "log")


def read_explore(context: Context, main: Arm) -> Explore | None:
    """What ``[explore]`` says of the page; None where something is wrong."""
    table = context.tables["explore"]
    before = len(context.faults)
    found = [
        _slider(context, main, ("explore", "slider", number), item)
        for number, item in enumerate(table.get("slider", []))
    ]
    sliders = [each for each in found if each is not None]
    if len(found) > MOST_SHOWN:
        message = f"{len(found)} sliders; at most {MOST_SHOWN} are shown first, and every other is found by its name"
        context.fault(("explore", "slider", MOST_SHOWN), message)
    paths = [each.path if each else "" for each in found]
    for number, each in enumerate(paths):
        if each and each in paths[:number]:
            context.fault(("explore", "slider", number, "parameter"), f"two sliders move '{each}'")
    presets = [
        _preset(context, main, ("explore", "preset", number), item)
        for number, item in enumerate(table.get("preset", []))
    ]
    context.check_labels(("explore", "preset"), enumerate(table.get("preset", [])), "presets")
    return Explore(tuple(sliders), tuple(presets)) if len(context.faults) == before else None


def _variable(context: Context, main: Arm, path: KeyPath, word: str) -> SweepVariable | None:
    """What a slider moves; None, and a fault, where that cannot be."""
    if word.startswith("dose.") and f"dose {word[5:].rpartition('.')[0]}" in context.left_out.starts:
        return None  # it starts after an end that was moved
    variable = read_variable(context, main, path, word)
    if variable is None:
        return None
    if variable.kind == "change" or (variable.kind == "dose" and variable.key not in DOSE_KEYS):
        context.fault(path, f"a page has no slider for '{word}'; what can move: {MOVED}")
        return None
    named = dict(variable.dose.named).get(variable.key) if variable.dose is not None else None
    if named is not None:
        context.fault(path, f"'{word}' is the value of {named}; name that parameter instead")
        return None
    return variable


def _slider(context: Context, main: Arm, path: KeyPath, item: Table) -> ChosenSlider | None:
    variable = _variable(context, main, (*path, "parameter"), item["parameter"])
    scale = item.get("scale")
    if scale is not None and scale not in SCALES:
        context.fault((*path, "scale"), f"expected a scale of {' or '.join(SCALES)}, found {scale!r}")
    if variable is None:
        return None
    given = {key: _number(context, variable, (*path, key), item[key]) for key in ("from", "to") if key in item}
    if None in given.values():
        return None
    low, high = given.get("from"), given.get("to")
    if low is not None and high is not None and not low < high:
        context.fault((*path, "to"), f"expected more than from, {item['from']!r}, found {item['to']!r}")
    if scale == "log" and low is not None and low < 0:
        context.fault((*path, "from"), f"a logarithmic slider cannot go below zero, found {item['from']!r}")
    if not variable.default and (low is None or high is None) and variable.kind != "parameter":
        context.fault(path, f"'{item['parameter']}' has no value here that a range could follow from: give from and to")
        return None
    log = None if scale is None else scale == "log"
    unit_text = (
        variable.dose.unit_text if variable.dose is not None and variable.key == "amount" else variable.unit_text
    )
    value = _value(variable)
    return ChosenSlider(variable.path, unit_text, value, low, high, log, item.get("label", ""))


def _value(variable: SweepVariable) -> float:
    """Of the main arm; an amount in the unit of its dose."""
    if variable.dose is not None:
        return float(getattr(variable.dose, variable.key))
    return variable.default or 0.0


def _number(context: Context, variable: SweepVariable, path: KeyPath, given: Any) -> float | None:
    """A value as it is written, which must be possible; an amount in the unit of its dose."""
    before = len(context.faults)
    read = read_numbers(context, variable, [(path, given)])
    if read is None:
        return None
    measured_in, [value] = read
    if variable.is_time and variable.key == "at" and context.left_out.words:
        value = min(value, variable.high)  # the end was moved on purpose
    dose = variable.dose
    if dose is not None and variable.key == "amount" and measured_in.unit_text != dose.unit_text:
        if not measured_in.default:
            context.fault(path, f"write it in the unit of the dose, {dose.unit_text}, found {given!r}")
            return None
        value *= dose.amount / measured_in.default
    problem = impossible(context, variable, value, given)
    if problem:
        context.fault(path, problem)
    return value if len(context.faults) == before else None


def _preset(context: Context, main: Arm, path: KeyPath, item: Table) -> ChosenPreset:
    sliders: list[ChosenSlider] = []
    if not item["set"]:
        context.fault((*path, "set"), f"the preset '{item['label']}' sets nothing")
    for at, given in _leaves(item["set"], (*path, "set")):
        word = ".".join(str(key) for key in at[len(path) + 1 :])
        variable = _variable(context, main, at, word)
        value = None if variable is None else _number(context, variable, at, given)
        if variable is None or value is None:
            continue
        unit_text = variable.unit_text if variable.dose is None or variable.key != "amount" else variable.dose.unit_text
        if variable.path in [each.path for each in sliders]:
            context.fault(at, f"the preset sets '{variable.path}' twice, in two spellings")
        sliders.append(ChosenSlider(variable.path, unit_text, value))
    return ChosenPreset(item["label"], tuple(sliders))


def _leaves(table: Table, path: KeyPath) -> Iterator[tuple[KeyPath, Any]]:
    """The values in a table and its tables, so that ``dose.push.amount`` may be written with quotes or without."""
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _leaves(value, (*path, key))
        else:
            yield (*path, key), value
