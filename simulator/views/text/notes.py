"""Notes on a scenario: what is not an error but may be a surprise, such as a value outside its range."""

from __future__ import annotations

from collections.abc import Iterator

from ...experiments.scenario import MAIN, Arm, Change, Scenario, crossings_of
from ...experiments.sweeps.paths import split_path, varies_in
from ...files.toml.interventions import Interventions, knocked_out, notes_of
from ...model.declarations import Parameter
from ...model.ramps import in_formulas
from ...model.units import LENGTH, unit
from .numbers import interval, number, unit_text, with_unit

ROUNDING = 1e-9  # in units converted from what was written
OPTIONS = ("set", "knockout", "block", "add")  # with which an origin begins that is not a file


def notes(scenario: Scenario, asked: Interventions | None = None) -> list[str]:
    """The notes on a scenario, each once.

    They name values outside their range, changed constants, what interventions do not affect, and settings of the
    command line or axes of a sweep that an arm or a timed change overrides.

    Args:
        scenario: As read, with the settings of the command line.
        asked: The interventions that were asked for on the command line.
    """
    reach = notes_of(scenario.model, asked or Interventions())
    found = [
        *reach,
        *_overridden(scenario),
        *_not_varied(scenario),
        *_unusual_values(scenario),
        *_named_by_no_dose(scenario),
        *_thousandths(scenario),
        *_axes_outside_ranges(scenario),
        *(scenario.sweep.remarks if scenario.sweep else ()),
    ]
    return list(dict.fromkeys(found))


def _overridden(scenario: Scenario) -> Iterator[str]:
    """Settings of the command line that an arm or a timed change overrides."""
    for name, option in _from_command_line(scenario):
        for arm in scenario.arms:
            if name in arm.own:
                yield f"arm {arm.name} sets {name} itself, so {option} does not change it there"
            for change in arm.changes:
                if name in change.parameters and change.parameters[name] != arm.parameters.get(name):
                    yield f"{_when(scenario, arm, change)} sets {name}, so {option} has no effect during that time"


def _from_command_line(scenario: Scenario) -> Iterator[tuple[str, str]]:
    """What the command line sets, by the names of `Arm.own`, with the option that sets it."""
    document, model = scenario.document, scenario.model
    parameters = [(("parameters", key), model.find(key, "parameters")) for key in document.get("parameters", {})]
    initial = [(("initial", key), f"initial.{model.find(key, 'species')}") for key in document.get("initial", {})]
    doses = [
        (("dose", dose["name"], key), f"dose.{dose['name']}.{key}") for dose in document.get("dose", []) for key in dose
    ]
    for path, name in (*parameters, *initial, *doses):
        option = scenario.origins.get(path, "").partition(" ")[0]
        if name and option.removeprefix("--") in OPTIONS:
            yield name, option if option.startswith("--") else f"{option}="  # from Python it is an argument


def _when(scenario: Scenario, arm: Arm, change: Change) -> str:
    unit = scenario.model.time_unit_text
    until = f"{unit_text(unit)} on" if change.end is None else f"to {with_unit(change.end, unit)}"
    whose = "" if change in scenario.arm(MAIN).changes else f" of arm {arm.name}"
    return f"the change{whose} from {number(change.start)} {until}"


def _not_varied(scenario: Scenario) -> Iterator[str]:
    if scenario.sweep is None:
        return
    for axis in scenario.sweep.design.axes:
        for arm in scenario.sweep.arms:
            if axis.path in scenario.arm(arm).own:
                yield f"arm {arm} sets {axis.path} itself, so the sweep does not vary it there"
            elif not varies_in(axis.path, scenario.arm(arm)):
                yield f"arm {arm} does not give the dose of {axis.path}, so the sweep does not vary it there"


def _unusual_values(scenario: Scenario) -> Iterator[str]:
    model = scenario.model
    has_knobs = any(each.knob for each in model.parameters.values())
    for arm in scenario.arms:
        changes = [pair for change in arm.changes for pair in change.parameters.items()]
        changes += [pair for rule in crossings_of(arm) for pair in rule.parameters.items()]
        known = knocked_out(model, arm.parameters)
        for name, value in (*arm.parameters.items(), *changes):
            if name in known:
                continue  # a knockout by its name is not an unusual value
            parameter = model.parameters[name]
            if _outside(parameter, value):
                yield f"{name} = {with_unit(value, parameter.unit_text)} is outside its range, {_range(parameter)}"
            if has_knobs and not parameter.knob and value != parameter.value:
                yield f"{name} is a fixed constant of the model: the bundled scenarios never change it"


def _named_by_no_dose(scenario: Scenario) -> Iterator[str]:
    """Parameters for doses that an arm sets or a sweep varies, though no dose takes them."""
    axes = {axis.path for axis in scenario.sweep.design.axes} if scenario.sweep else set()
    for arm in scenario.arms:
        named = {name for dose in arm.doses for _, name in dose.named}
        for name in dict.fromkeys([*arm.parameters, *axes]):
            parameter = scenario.model.parameters.get(name)
            unread = parameter is not None and parameter.for_doses and not in_formulas(scenario.model, name)
            if unread and name not in named:
                yield f"{name} is for doses, and no dose of arm {arm.name} names it, so that it has no effect there"


def _thousandths(scenario: Scenario) -> Iterator[str]:
    """Amounts of doses in mIU, which is easily taken for MIU; a concentration in mIU/mL is usual."""
    for arm in scenario.arms:
        for dose in arm.doses:
            if "mIU" in dose.unit_text and unit(dose.unit_text).powers[LENGTH] != -3:
                given = f"{number(dose.amount)} {dose.unit_text}"
                yield f"the dose '{dose.name}', {given}, is in thousandths of a unit (mIU); a million units is MIU"


def _axes_outside_ranges(scenario: Scenario) -> Iterator[str]:
    """Axes that leave the range of their parameter. Populations are left out: their distributions have long tails."""
    if scenario.sweep is None:
        return
    from ...experiments.sweeps.designs import Product  # few scenarios have a sweep, and `check` starts fast

    design = scenario.sweep.design
    swept = design.outer if isinstance(design, Product) else design
    for axis in swept.axes if swept.kind != "population" else ():
        kind, name, key = split_path(axis.path)
        parameter = scenario.model.parameters.get({"parameter": name, "change": key}.get(kind, ""))
        if parameter is not None and (_outside(parameter, axis.low) or _outside(parameter, axis.high)):
            covered = interval(axis.low, axis.high, parameter.unit_text)
            yield f"{axis.path} varies from {covered}, outside its range, {_range(parameter)}"


def _outside(parameter: Parameter, value: float) -> bool:
    low, high = parameter.range or (value, value)
    return not low - ROUNDING * abs(low) <= value <= high + ROUNDING * abs(high)


def _range(parameter: Parameter) -> str:
    low, high = parameter.range or (parameter.value, parameter.value)
    return interval(low, high, parameter.unit_text)
