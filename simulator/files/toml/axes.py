"""What may vary from member to member of a sweep: names such as ``dose.push.amount``, and their values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from ...experiments.scenario import Arm, Change, Dose
from ...experiments.sweeps.designs import Axis, Design
from ...experiments.sweeps.paths import split_path
from ...experiments.sweeps.timing import time_remarks
from ...model.model import Model
from ...model.units import ONE
from ...runtime.names import nearest
from .doses import MAX_DOSES, read_amount, read_rate
from .layers import KeyPath
from .quantities import Context, declared_value, parameter_problem, read_quantity
from .source import Table

DOSE_KEYS = {
    "amount": "amount of '{}'",
    "at": "start of '{}'",
    "every": "interval of '{}'",
    "over": "duration of '{}'",
    "count": "number of doses of '{}'",
    "rate": "rate of '{}'",
    "lag": "lag of '{}'",
    "share": "share of '{}' that is absorbed",
}
_NAMES = "a parameter, initial.SPECIES, dose.NAME.amount|at|every|over|count|rate|lag|share, change.NUMBER.PARAMETER|at"
_ABOVE_ZERO = math.ulp(0.0)


class NotVariableError(ValueError):
    """A name that cannot be varied. The message is empty where its reason is a fault already."""


class SweepVariable(NamedTuple):
    """Something that may vary. low, high: what is possible at all. own: the range that is published.

    kind: "parameter", "initial", "dose" or "change"; name: of the parameter, species or dose, or the
    number of the change; key: of the dose or change. default is in the unit of `unit_text`.
    dose: of the scenario, if it is one of its doses that varies.
    """

    path: str
    kind: str
    name: str
    key: str
    label: str
    unit_text: str
    default: float | None
    low: float
    high: float
    own: tuple[float, float] | None = None
    dose: Dose | None = None

    @property
    def is_count(self) -> bool:
        """Whether only whole numbers are possible."""
        return (self.kind, self.key) == ("dose", "count")

    @property
    def parameter(self) -> str:
        """The parameter whose value varies, or an empty text."""
        return {"parameter": self.name, "change": self.key}.get(self.kind, "") if self.key != "at" else ""

    @property
    def is_time(self) -> bool:
        """Whether it is when something happens, or for how long."""
        return self.kind in ("dose", "change") and self.key in ("at", "every", "over", "lag")

    def axis(self, low: float, high: float, log: bool) -> Axis:
        """The axis of a design that covers `low` to `high`."""
        return Axis(self.path, self.label, self.unit_text, self.default, low, high, log)

    def limits(self, time_unit: str) -> str:
        """The possible values in words."""
        unit_text = "" if self.unit_text == "1" else f" {self.unit_text}"
        if self.key == "at":
            return f"from 0 to before the end of the run, in {time_unit}"
        if self.low == _ABOVE_ZERO:
            return "above 0"
        if self.high == math.inf:
            return f"at least {self.low:g}{unit_text}"
        return f"from {self.low:g} to {self.high:g}{unit_text}"


class Varied(NamedTuple):
    """A variable of a sweep: where it is written, and the lowest and highest value that it takes."""

    path: KeyPath
    variable: SweepVariable
    low: float
    high: float


def read_variable(
    context: Context, main: Arm, path: KeyPath, word: object, label: str | None = None
) -> SweepVariable | None:
    """What `word` names, or None and a fault at `path`.

    Args:
        main: the scenario as it stands, which has the default.
        label: what figures call it, instead of the label in the model.
    """
    try:
        found = find_variable(context, main, word)
    except NotVariableError as error:
        if str(error):
            context.fault(path, str(error))
        return None
    return found._replace(label=label) if label else found


def find_variable(context: Context, main: Arm, word: object) -> SweepVariable:
    """What `word` names in a scenario whose main arm is `main`, or `NotVariableError`."""
    model = context.model
    parts = [part.strip() for part in str(word).split(".")]
    if parts[0] == "parameters" and len(parts) == 2:
        parts = parts[1:]
    kind, name, key = split_path(".".join(parts))
    if kind == "initial":
        return _initial(model, main, name)
    if kind == "dose":
        return _dose(context, main, str(word), name, key)
    if kind == "change":
        return _change(context, main, str(word), name, key)
    found = model.find(name, "parameters")
    if found is None:
        doses = [f"dose.{dose.name}.{key}" for dose in main.doses for key in DOSE_KEYS]
        known = [*model.parameters, *(f"initial.{species}" for species in model.species), *doses]
        message = f"nothing called '{word}' can vary{nearest(str(word), known)}; what can: {_NAMES}"
        raise NotVariableError(message)
    if any(found == each.parameter for each in main.inputs):
        raise NotVariableError(f"{found} follows an input, so that it cannot vary between members")
    value = main.parameters.get(found, model.parameters[found].value)
    variable = SweepVariable(found, "parameter", found, "", model.parameters[found].label, "", value, 0.0, math.inf)
    return _with_parameter(model, variable)


def _with_parameter(model: Model, variable: SweepVariable) -> SweepVariable:
    """`variable` with the unit and the possible values of its parameter."""
    parameter = model.parameters[variable.parameter]
    signed = parameter.value < 0 or bool(parameter.range and parameter.range[0] < 0)
    share = parameter.range == (0.0, 1.0) and parameter.unit == ONE
    low, high = (-math.inf if signed else 0.0, 1.0 if share else math.inf)
    return variable._replace(unit_text=parameter.unit_text, low=low, high=high, own=parameter.range)


def _initial(model: Model, main: Arm, word: str) -> SweepVariable:
    name = model.find(word, "species")
    if name is None:
        raise NotVariableError(model.unknown(word, "species"))
    species = model.species[name]
    value = main.initial.get(name)
    if value is None:
        from ...numerics.parameter_formulas import initial_values  # needs numpy, which most checks do without

        values = {each: item.value for each, item in model.parameters.items()} | dict(main.parameters)
        value = initial_values(model, values)[name]
    low = -math.inf if species.signed else 0.0
    label = f"{species.label} at the start"
    return SweepVariable(f"initial.{name}", "initial", name, "", label, species.unit_text, value, low, math.inf)


def _dose(context: Context, main: Arm, word: str, name: str, key: str) -> SweepVariable:
    known = context.tables.get("dose", {})
    if name not in known and f"dose {name}" in context.left_out.starts:
        raise NotVariableError(_left_out(context, f"dose {name}", word))
    if name not in known or key not in DOSE_KEYS:
        words = [f"dose.{each}.{key}" for each in known for key in DOSE_KEYS]
        arms = context.tables.get("arms", {}) if name not in known else {}
        own = [arm for arm, table in arms.items() if name in table.get("dose", {})]
        hint = f"; only arm {', '.join(own)} has it, and what an arm sets itself does not vary" if own else ""
        keys = ", ".join(DOSE_KEYS)
        raise NotVariableError(f"no dose and key '{word}'{hint or nearest(word, words)}; keys are {keys}")
    dose = next((each for each in main.doses if each.name == name), None)
    if dose is None:
        raise NotVariableError  # the dose itself is wrong
    if problem := _not_of(dose, key):
        raise NotVariableError(f"'{word}' cannot vary: {problem}")
    defaults = {"amount": dose.amount, "at": dose.at, "count": float(dose.count), "lag": dose.lag, "share": dose.share}
    defaults |= {"rate": dose.rate.number} if dose.rate else {}
    default = defaults.get(key, getattr(dose, key) or None)
    time_unit = context.model.time_unit_text
    rate_text = dose.rate.unit_text if dose.rate else ""
    unit_text = {"amount": dose.unit_text, "count": "1", "share": "1", "rate": rate_text}.get(key, time_unit)
    low = {"count": 1.0, "every": _ABOVE_ZERO, "over": _ABOVE_ZERO, "rate": _ABOVE_ZERO}.get(key, 0.0)
    high = {"count": float(MAX_DOSES), "at": _last_start(context), "share": 1.0}.get(key, math.inf)
    label = DOSE_KEYS[key].format(name)
    return SweepVariable(f"dose.{name}.{key}", "dose", name, key, label, unit_text, default, low, high, dose=dose)


def _not_of(dose: Dose, key: str) -> str:
    """Why a dose has no such key that could vary; empty if it has."""
    if dose.by_rule and key == "at":
        return "a rule gives it"
    if dose.times and key in ("at", "every", "count"):
        return "its times are a list"
    if key == "over" and dose.rate is not None:
        return "the length of the infusion follows from its rate"
    return "the dose has no rate" if key == "rate" and dose.rate is None else ""


def _left_out(context: Context, what: str, word: str) -> str:
    """Why a dose or a change cannot vary: the end of the run was moved to before it."""
    end = f"{context.latest:g} {context.model.time_unit_text}"
    return (
        f"{what} starts at {context.left_out.starts[what]}, not before the end of the run, {end}, and was left out, so "
        f"'{word}' cannot vary; move the end, or set an earlier start in the file"
    )


def _last_start(context: Context) -> float:
    """The latest time at which something may begin: just before the end."""
    return math.nextafter(context.latest, 0.0)


def _change(context: Context, main: Arm, word: str, number: str, key: str) -> SweepVariable:
    number, change = _numbered_change(context, main, word, number)
    path, model = f"change.{number}", context.model
    if key == "at":
        label, unit_text = f"start of change {number}", model.time_unit_text
        high = _last_start(context)
        return SweepVariable(f"{path}.at", "change", number, "at", label, unit_text, change.start, 0.0, high)
    name = model.find(key, "parameters")
    if name not in change.parameters or name is None:
        own = list(change.parameters)
        hint = nearest(key, own) or f"; it sets {', '.join(own)}"
        raise NotVariableError(f"change {number} does not set '{key}'{hint}")
    label, value = f"{model.parameters[name].label}, in change {number}", change.parameters[name]
    variable = SweepVariable(f"{path}.{name}", "change", number, name, label, "", value, 0.0, math.inf)
    return _with_parameter(model, variable)


def _numbered_change(context: Context, main: Arm, word: str, number: str) -> tuple[str, Change]:
    """A change by its number in the file, with its number among those that are before the end of the run."""
    tables = context.tables.get("change", [])
    if f"change {number}" in context.left_out.starts:
        raise NotVariableError(_left_out(context, f"change {number}", word))
    if not number.isdecimal() or not 1 <= int(number) <= len(tables) or not tables[int(number) - 1]:
        count = f"changes are numbered from 1 to {len(tables)}" if tables else "the scenario has no [[change]]"
        raise NotVariableError(f"no change '{number}' in '{word}'; {count}")
    present = [table for table in tables if table]
    place = sum(bool(table) for table in tables[: int(number)]) - 1
    change = main.changes[place] if len(main.changes) == len(present) else None
    if change is None or len(change.parameters) < len(present[place]["parameters"]):
        raise NotVariableError  # a change itself is wrong
    return str(place + 1), change


def read_numbers(
    context: Context, variable: SweepVariable, given: Sequence[tuple[KeyPath, Any]]
) -> tuple[SweepVariable, list[float]] | None:
    """Values at some paths, in one unit: that of the variable, or of the first amount of a dose.

    They need not be possible, as a standard deviation is not. None, and faults, if one cannot be read.
    """
    if variable.dose is not None and variable.key == "amount":
        return _amounts(context, variable, variable.dose, given)
    if variable.dose is not None and variable.key == "rate":
        return _rates(context, variable, variable.dose, given)
    found = [_number(context, variable, path, value) for path, value in given]
    numbers = [number for number in found if number is not None]
    return (variable, numbers) if len(numbers) == len(given) else None


def _number(context: Context, variable: SweepVariable, path: KeyPath, given: Any) -> float | None:
    if variable.parameter or variable.kind == "initial":
        return declared_value(context, path, given, variable.parameter or variable.name, variable.unit_text)
    if variable.is_count:
        return read_quantity(context, path, given, ONE, "a number of doses", "3")
    if variable.key == "share":
        return read_quantity(context, path, given, ONE, "a share", "0.7")
    time_unit = context.model.time_unit
    return read_quantity(context, path, given, time_unit, "a time", f"10 {context.model.time_unit_text}")


def _rates(
    context: Context, variable: SweepVariable, dose: Dose, given: Sequence[tuple[KeyPath, Any]]
) -> tuple[SweepVariable, list[float]] | None:
    """Rates in the unit of the dose's own."""
    values, own = [], dose.rate
    for path, text in given:
        found = read_rate(context, path, text, dose.target)
        if found is None or own is None:
            continue
        rate, volume = found
        if (rate.body, volume) != (own.body, dose.volume):
            context.fault(path, f"{text!r} is another kind of rate than one in {own.unit_text}; write it in that unit")
            continue
        values.append(rate.number if rate.unit_text == own.unit_text else rate.number * (rate.factor / own.factor))
    return (variable, values) if len(values) == len(given) else None


def _amounts(
    context: Context, variable: SweepVariable, dose: Dose, given: Sequence[tuple[KeyPath, Any]]
) -> tuple[SweepVariable, list[float]] | None:
    """Amounts in the unit of the first of them; the default too, where it can be had in that unit."""
    values, first = [], None
    for path, text in given:
        amount = read_amount(context, path, text, dose.target)
        if amount is None:
            continue
        if first is None:
            first = amount
            same = (amount.body, amount.volume) == (dose.body, dose.volume)
            default = dose.amount * (dose.factor / amount.factor) if same else None
            variable = variable._replace(unit_text=amount.unit_text, default=default)
        if (amount.body, amount.volume) != (first.body, first.volume):
            message = f"{text!r} is another kind of amount than one in {first.unit_text}; write all in one unit"
            context.fault(path, message)
            continue
        same_unit = amount.unit_text == first.unit_text
        values.append(amount.number if same_unit else amount.number * (amount.factor / first.factor))
    return (variable, values) if len(values) == len(given) else None


def impossible(context: Context, variable: SweepVariable, value: float, text: object) -> str:
    """Why no member can have a value, which was written as `text`; empty if one can."""
    if variable.is_count and value != int(value):
        return f"doses are counted in whole numbers, found {text!r}"
    if not variable.low <= value <= variable.high:
        limits = variable.limits(context.model.time_unit_text)
        return f"{variable.path} must be {limits}, found {text!r}"
    if variable.parameter:
        return parameter_problem(context.model.parameters[variable.parameter], value, text)
    return ""


def read_log(context: Context, item: Table, path: KeyPath) -> bool:
    """Whether the scale of an axis or a measure is logarithmic."""
    scale = item.get("scale", "linear")
    if scale not in ("linear", "log"):
        context.fault((*path, "scale"), f"a scale is linear or log, found '{scale}'")
    return bool(scale == "log")


def check_volumes(context: Context, varied: Sequence[Varied], arms: Sequence[Arm]) -> None:
    """Faults of volumes that would be zero at the lower end of an axis."""
    volumes = {species.volume for species in context.model.species.values()}
    for path, variable, low, _ in varied:
        moved = any(variable.path not in arm.own for arm in arms)
        if moved and variable.parameter in volumes and not low > 0:
            context.fault(path, f"{variable.parameter} would be {low:g}; a volume must be above zero")


def check_times(context: Context, varied: Sequence[Varied], design: Design, arms: Sequence[Arm]) -> tuple[str, ...]:
    """What some members cannot do in time, in words; what none of them can is a fault."""
    paths = {variable.path: path for path, variable, _, _ in varied}
    for path, variable, _, high in varied:
        dose = variable.dose
        if dose and variable.key == "count" and high > 1 and not dose.every and f"dose.{dose.name}.every" not in paths:
            context.fault(path, f"{high:g} doses of '{dose.name}' need 'every', the interval between them")
    remarks = time_remarks(design, arms, context.model, context.latest)
    for remark in remarks:
        if remark.all_fail:
            context.fault(paths.get(remark.path, ("sweep",)), remark.text)
    return tuple([remark.text for remark in remarks])
