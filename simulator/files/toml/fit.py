"""``[fit]``: which values are estimated from the data of a scenario."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from typing import Any

from ...experiments.fitting.design import SEED, STARTS, Estimate, Fit, Prediction, Prior
from ...experiments.fitting.weighing import shortfall
from ...experiments.scenario import MAIN, Arm, Data
from ...experiments.sweeps.paths import varies_in
from ...runtime.names import unknown_name
from .axes import SweepVariable, Varied, check_volumes, impossible, read_numbers, read_variable
from .layers import KeyPath
from .quantities import Context, read_curve_in, read_time
from .source import INTEGER, LINE, LIST, NUMBER, QUANTITY, REQUIRED_TEXT, TABLE, TEXT, Field, Table

FIT = {"estimate": LIST, "predict": LIST, "starts": INTEGER, "seed": INTEGER}
ESTIMATE = {
    "parameter": REQUIRED_TEXT,
    "from": QUANTITY,
    "to": QUANTITY,
    "scale": TEXT,
    "label": LINE,
    "prior": TABLE,
}
PRIOR = {"value": Field(QUANTITY.types, True), "sd": QUANTITY, "fold": NUMBER}
PREDICT = {"curve": REQUIRED_TEXT, "arm": TEXT, "at": QUANTITY}
MOST_ESTIMATES, MOST_STARTS = 50, 10_000


def read_fit(context: Context, arms: Sequence[Arm], data: Sequence[Data]) -> Fit | None:
    """The fit of a scenario, or None and faults. arms: the main arm first."""
    table: Table = context.tables["fit"]
    before = len(context.faults)
    items = table.get("estimate", [])
    if not items:
        context.fault(("fit",), "nothing is estimated: add [[fit.estimate]], with its parameter, from and to")
    if len(items) > MOST_ESTIMATES:
        context.fault(("fit", "estimate"), f"{len(items)} values to estimate; at most {MOST_ESTIMATES}")
        return None
    starts, seed = table.get("starts", STARTS), table.get("seed", SEED)
    if not 1 <= starts <= MOST_STARTS:
        context.fault(("fit", "starts"), f"expected 1 to {MOST_STARTS:,} starts, found {starts}")
    if seed < 0:
        context.fault(("fit", "seed"), f"expected a seed of 0 or more, found {seed}")
    found = [_estimate(context, arms[0], ("fit", "estimate", number), item) for number, item in enumerate(items)]
    right = [each for each in found if each is not None]
    fitted = [arm for arm in arms if any(each.arm == arm.name for each in data)]
    _check_once(context, right)
    context.check_labels(("fit", "estimate"), enumerate(items), "estimates")
    if fitted and not before:  # else what varies may be in data that are wrong
        _check_reached(context, right, fitted)
    if len(context.faults) == before:
        check_volumes(context, [varied for varied, _ in right], fitted)
    estimates = tuple([estimate for _, estimate in right])
    predictions = _predictions(context, [arm.name for arm in arms], table.get("predict", []))
    if len(right) == len(items):
        _check_data(context, estimates, data, right=not before)
    if len(context.faults) > before:
        return None
    document = {**copy.deepcopy(table), "starts": starts, "seed": seed}
    for item, each in zip(document["estimate"], estimates, strict=True):
        item["parameter"], item["scale"] = each.axis.path, "log" if each.axis.log else "linear"
        item.setdefault("from", _written(each.axis.low, each.axis.unit_text))
        item.setdefault("to", _written(each.axis.high, each.axis.unit_text))
    return Fit(estimates, starts, seed, {"fit": document}, predictions)


def _predictions(context: Context, arms: Sequence[str], items: Sequence[Table]) -> tuple[Prediction, ...]:
    """The curves that are told beside those of the data; faults for what is wrong with them."""
    found = []
    for number, item in enumerate(items):
        path: KeyPath = ("fit", "predict", number)
        arm = item.get("arm", MAIN)
        if arm not in arms:
            context.fault((*path, "arm"), unknown_name("no arm", str(arm), arms))
        curve = read_curve_in(context, (*path, "curve"), item["curve"])
        time = read_time(context, (*path, "at"), item["at"]) if "at" in item else context.latest
        if time is not None and time > context.latest:
            context.fault((*path, "at"), f"{item['at']} is after the end of the run")
        if curve is not None and time is not None:
            found.append(Prediction(curve, arm, time))
    return tuple(found)


def _written(value: float, unit_text: str) -> float | str:
    return value if unit_text == "1" else f"{value!r} {unit_text}"


def _estimate(context: Context, main: Arm, path: KeyPath, item: Table) -> tuple[Varied, Estimate] | None:
    at: KeyPath = (*path, "parameter")
    variable = read_variable(context, main, at, item["parameter"], item.get("label"))
    if variable is None:
        return None
    if variable.is_count or variable.kind == "change":
        what = "a number of doses" if variable.is_count else "the value of a timed change"
        context.fault(at, f"{what} cannot be estimated; what can: a parameter, initial.SPECIES, dose.NAME.KEY")
        return None
    read = _bounds(context, variable, path, item)
    if read is None:
        return None
    variable, low, high = read
    log = _log(context, path, item, low)
    prior = _prior(context, variable, path, item["prior"]) if "prior" in item else None
    return Varied(path, variable, low, high), Estimate(variable.axis(low, high, log), prior)


def _bounds(
    context: Context, variable: SweepVariable, path: KeyPath, item: Table
) -> tuple[SweepVariable, float, float] | None:
    """The range in the unit of the variable: as it is given, or else as it is published."""
    given: list[tuple[KeyPath, Any]] = [((*path, key), item[key]) for key in ("from", "to") if key in item]
    if len(given) < 2 and variable.own is None:
        missing = "from" if "from" not in item else "to"
        context.fault(path, f"{variable.path} has no published range: say 'from' and 'to'; '{missing}' is missing")
        return None
    read = read_numbers(context, variable, given)
    if read is None:
        return None
    variable, numbers = read
    low, high = variable.own or (0.0, 0.0)
    low = numbers.pop(0) if "from" in item else low
    high = numbers.pop(0) if "to" in item else high
    for key, value in (("from", low), ("to", high)):
        problem = impossible(context, variable, value, item.get(key, value))
        if problem:
            context.fault((*path, key) if key in item else path, problem)
            return None
    if not low < high:
        unit_text = "" if variable.unit_text == "1" else f" {variable.unit_text}"
        context.fault((*path, "from"), f"the range is empty: it goes from {low:g} to {high:g}{unit_text}")
        return None
    return variable, low, high


def _log(context: Context, path: KeyPath, item: Table, low: float) -> bool:
    """Whether the scale is logarithmic, as it is without a word wherever all of the range is above zero."""
    scale = item.get("scale", "log" if low > 0 else "linear")
    if scale not in ("linear", "log"):
        context.fault((*path, "scale"), f"a scale is linear or log, found '{scale}'")
    elif scale == "log" and not low > 0:
        context.fault((*path, "scale"), f"a logarithmic scale needs a range above zero, found {low:g}")
        return False
    return bool(scale == "log")


def _prior(context: Context, variable: SweepVariable, path: KeyPath, item: Table) -> Prior | None:
    at: KeyPath = (*path, "prior")
    if ("sd" in item) == ("fold" in item):
        context.fault(at, "a prior has a value and either 'sd', in its unit, or 'fold', one SD as a factor")
        return None
    keys = [key for key in ("value", "sd") if key in item]
    read = read_numbers(context, variable, [((*at, key), item[key]) for key in keys])
    if read is None or (variable.unit_text != read[0].unit_text):
        if read is not None:
            context.fault((*at, "value"), f"write the prior in {variable.unit_text}, as the range is")
        return None
    value, size = read[1][0], math.log(item["fold"]) if item.get("fold", 0) > 1 else read[1][-1]
    if "fold" in item and not item["fold"] > 1:
        context.fault((*at, "fold"), f"expected a factor above 1, found {item['fold']:g}")
    elif "fold" in item and not value > 0:
        context.fault((*at, "value"), f"a prior with 'fold' needs a value above zero, found {value:g}")
    elif not size > 0:
        context.fault((*at, "sd"), f"expected an SD above zero, found {size:g}")
    else:
        return Prior(value, size, "fold" in item)
    return None


def _check_once(context: Context, found: Sequence[tuple[Varied, Estimate]]) -> None:
    seen: set[str] = set()
    for varied, _ in found:
        if varied.variable.path in seen:
            context.fault((*varied.path, "parameter"), f"{varied.variable.path} is estimated twice")
        seen.add(varied.variable.path)


def _check_reached(context: Context, found: Sequence[tuple[Varied, Estimate]], arms: Sequence[Arm]) -> None:
    """A fault for what is the same in every arm with data, whatever its value."""
    for varied, _ in found:
        variable = varied.variable
        if not any(varies_in(variable.path, arm) for arm in arms):
            arm = arms[0]
            why = "sets it itself" if variable.path in arm.own else f"leaves the dose '{variable.name}' out"
            message = f"{variable.path} does not vary in any arm with data: arm {arm.name} {why}"
            context.fault((*varied.path, "parameter"), message)


def _check_data(context: Context, estimates: Sequence[Estimate], data: Sequence[Data], right: bool) -> None:
    """Data whose points can be weighed, and enough of them. right: whether everything else is; else data may be missing
    that are said to be wrong."""
    if not any(each.points for each in data):
        if right and not context.tables.get("data"):
            context.fault(("fit",), "there is nothing to fit to: the scenario has no [[data]]")
        return  # else what is wrong with the data is a fault already
    for number, each in enumerate(data):
        if each.error.kind == "proportional" and any(point.value == 0 and point.sd is None for point in each.points):
            message = f"'{each.name}' has a value of 0, whose proportional error is 0: use 'combined' or 'additive'"
            context.fault(("data", number), message)
    problem = shortfall(estimates, data)
    if (
        problem and right and not context.layers.from_command_line(("time", "end"))
    ):  # `fit` says so where the end was moved
        context.fault(("fit",), problem)
