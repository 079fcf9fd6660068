"""``[sweep]`` and ``[population]``: from tables to a checked `Sweep`."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from typing import Any

from ...experiments.measures import arms_of, read_measure, unit_text_of
from ...experiments.scenario import MAIN, Arm, Expectation
from ...experiments.sweeps.designs import Product, Sweep, SweepMeasure
from ...experiments.sweeps.paths import varies_in
from ...experiments.sweeps.population import Population
from ...model.expression import FormulaError
from ...model.units import UnitError
from ...runtime.errors import option
from ...runtime.names import unknown_name
from .accept import read_accept
from .axes import Varied, check_times, check_volumes, read_log
from .design import MAX_MEMBERS, read_design
from .layers import KeyPath
from .population import read_population
from .quantities import Context, read_curve_in, read_measure_in
from .source import LINE, NUMBER, REQUIRED_TEXT, TEXT, control_character

MEASURE = {"measure": REQUIRED_TEXT, "unit": TEXT, "label": LINE, "above": NUMBER, "below": NUMBER, "scale": TEXT}


def read_sweep(
    context: Context, arms: Sequence[Arm], expectations: Sequence[Expectation], plots: Sequence[Sequence[str]]
) -> Sweep | None:
    """The sweep of a scenario, or None and faults.

    Args:
        arms: of the scenario, the main arm first.
        expectations: measured by default on every member.
        plots: their largest values are measured where there is no expectation either.
    """
    before = len(context.faults)
    found, patients = read_design(context, arms[0]), read_population(context, arms[0])
    if not _something_varies(context):
        file = "[[sweep.vary]], with its parameter and values, or [population]"
        context.fault(("sweep",), f"nothing varies: give {option('--vary NAME=VALUES')}, or add {file}")
    varied = [*found.varied, *patients.varied]
    read_arms, keep = _arms(context, arms), _kept_curves(context)
    measures = _measures(context, arms, expectations, plots)
    wanted = read_accept(context, measures, read_arms)
    _check_once(context, varied)
    _check_labels(context)
    used = {*read_arms, *(arm for each in measures for arm in arms_of(each.tree) if arm != MAIN)}
    measured = [arm for arm in arms if arm.name in used]
    _check_reached(context, varied, measured)
    if len(context.faults) == before:
        check_volumes(context, varied, measured)
    members, population = found.design, patients.population
    design = Product(members, population) if members and population else members or population
    if len(context.faults) > before or design is None:
        return None
    if design.count > MAX_MEMBERS:
        context.fault(("sweep",), f"{design.count} members; at most {MAX_MEMBERS}")
        return None
    remarks = check_times(context, varied, design, measured)
    if len(context.faults) > before:
        return None
    resolved = {each.id: _resolved(each) for each in measures}
    document = {"sweep": {**found.resolved, "arms": list(read_arms), "keep": list(keep), "measures": resolved}}
    if population is not None:
        document["population"] = copy.deepcopy(context.tables["population"])
    if wanted and not isinstance(design, Population):
        context.fault(("population", "accept"), "patients are accepted of a population alone: nothing else may vary")
        return None
    return Sweep(design, measures, read_arms, keep, document, remarks, wanted=wanted)


def _something_varies(context: Context) -> bool:
    """Whether anything is said of what varies, be it right or wrong."""
    tables = context.tables
    table, by_option = tables.get("sweep", {}), context.layers.from_command_line(("sweep", "vary"))
    listed = "members" in table or table.get("sample") == "list"
    return by_option or listed or "population" in tables or bool(table.get("vary"))


def _check_labels(context: Context) -> None:
    """Faults of measures, axes and what patients differ in that are labelled alike; axes of a zip may share a label."""
    table = context.tables.get("sweep", {})
    context.check_labels(("sweep", "measures"), table.get("measures", {}).items(), "measures")
    if table.get("sample") != "zip":
        context.check_labels(("sweep", "vary"), enumerate(table.get("vary", [])), "axes")
    patients = context.tables.get("population", {}).get("vary", [])
    context.check_labels(("population", "vary"), enumerate(patients), "parameters of patients")


def _check_once(context: Context, varied: Sequence[Varied]) -> None:
    seen: set[str] = set()
    for path, variable, _, _ in varied:
        if variable.path in seen:
            context.fault(path, f"{variable.path} varies twice")
        seen.add(variable.path)


def _check_reached(context: Context, varied: Sequence[Varied], arms: Sequence[Arm]) -> None:
    """A fault where something varies only in arms that nothing measures."""
    for path, variable, _, _ in varied:
        if arms and not any(varies_in(variable.path, arm) for arm in arms):
            arm = arms[0]
            why = "sets it itself" if variable.path in arm.own else f"leaves the dose '{variable.name}' out"
            context.fault(path, f"{variable.path} does not vary in any arm that is measured: arm {arm.name} {why}")


def _arms(context: Context, arms: Sequence[Arm]) -> tuple[str, ...]:
    """The arms that each member is computed in."""
    known = [arm.name for arm in arms]
    words = context.tables.get("sweep", {}).get("arms", [MAIN])
    for word in words:
        if word not in known:
            context.fault(("sweep", "arms"), unknown_name("no arm", str(word), known))
    if not words:
        context.fault(("sweep", "arms"), f"no arm is given; arms are {', '.join(known)}")
    return tuple(dict.fromkeys(map(str, words)))


def _kept_curves(context: Context) -> tuple[str, ...]:
    """The species, observables and formulas whose curves are kept."""
    words = context.tables.get("sweep", {}).get("keep", [])
    found = [read_curve_in(context, ("sweep", "keep"), str(word)) for word in words]
    return tuple(dict.fromkeys(each.text for each in found if each is not None))


def _measures(
    context: Context, arms: Sequence[Arm], expectations: Sequence[Expectation], plots: Sequence[Sequence[str]]
) -> tuple[SweepMeasure, ...]:
    """Those that are given; else those of the expectations that read a single arm; else the largest value of
    everything that is plotted."""
    given = context.tables.get("sweep", {}).get("measures", {})
    if given:
        found = [_measure(context, arms, id, item) for id, item in given.items()]
        return tuple([each for each in found if each])
    own: dict[str, SweepMeasure] = {}
    for each in expectations:
        if set(arms_of(each.measure)) <= {MAIN} and each.measure_text not in own:
            id = each.measure_text if each.id.isdecimal() else each.id
            own[each.measure_text] = SweepMeasure(
                id, each.that, each.measure_text, each.measure, each.unit, each.unit_text
            )
    if own:
        return tuple(own.values())
    model = context.model
    shown = dict.fromkeys(name for group in plots for name in group if model.find(name, "species", "observables"))
    largest = [_measure(context, arms, f"max({name})", f"max({name})") for name in shown]
    return tuple([each for each in largest if each])


def _measure(context: Context, arms: Sequence[Arm], id: str, item: Any) -> SweepMeasure | None:
    """A measure by its id; `item` is its formula, or a table with its formula."""
    path: KeyPath = ("sweep", "measures", id)
    table = {"measure": item} if isinstance(item, str) else item
    text = table["measure"]
    label = table.get("label") or id.replace("_", " ")
    problem = control_character("a name of a measure", id, one_line=True)
    if problem:
        context.fault(path, problem)
    low, high = float(table.get("above", -math.inf)), float(table.get("below", math.inf))
    if not low < high:
        context.fault((*path, "above"), f"expected 'above' lower than 'below', found {low:g} and {high:g}")
    log = read_log(context, table, path) if "scale" in table else None
    names = [arm.name for arm in arms]
    if "unit" in table:
        found = read_measure_in(context, (*path, "unit"), (*path, "measure"), text, table["unit"], names)
        return found and SweepMeasure(id, label, text, *found, table["unit"], low, high, log)
    try:
        tree, unit = read_measure(text, context.model, names, context.latest)
        return SweepMeasure(id, label, text, tree, unit, unit_text_of(tree, context.model), low, high, log)
    except (UnitError, FormulaError) as error:
        context.fault((*path, "measure") if isinstance(item, dict) else path, str(error))
        return None


def _resolved(measure: SweepMeasure) -> dict[str, Any]:
    """A measure as it could stand in a file."""
    table: dict[str, Any] = {"measure": measure.text, "unit": measure.unit_text, "label": measure.label}
    table |= {key: at for key, at in (("above", measure.low), ("below", measure.high)) if math.isfinite(at)}
    return table if measure.log is None else {**table, "scale": "log" if measure.log else "linear"}
