"""From merged scenario tables to one checked `Scenario`: arms, plots, expectations."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ...experiments.curve_formulas import read_curve
from ...experiments.facts import Fact
from ...experiments.scenario import MAIN, Arm, CurveFormula, Data, Expectation, Input, Scenario, crossings_of
from ...experiments.timetable import TimetableError, timetable
from ...model.expression import Name
from ...model.expression import names as names_in
from ...model.instants import ticks_of
from ...model.model import Model
from ...model.switches import Switch
from ...model.units import unit
from ...runtime.names import nearest, unknown_name
from .answer import CHANGED, read_answer
from .catalogue import evidence_terms
from .data import read_data
from .doses import default_count, read_arm_doses, read_doses, with_settled_doses
from .facts import register
from .inputs import arm_with_inputs
from .interval import INTERVAL, read_interval
from .layers import KeyPath
from .quantities import (
    Context,
    Quantity,
    initial_value,
    parameter_value,
    read_changes,
    read_curve_in,
    read_measure_in,
    read_time,
    read_values,
)
from .rules import arm_with_rules, read_rules
from .source import Table
from .sources import no_source, read_sources
from .switches import arm_with_switches

if TYPE_CHECKING:  # what few scenarios have is loaded with them: `check` starts fast
    from ...experiments.explorer.choices import Explore
    from ...experiments.fitting.design import Fit
    from ...experiments.sweeps.designs import Sweep

MAX_TIMES = 1_000_000  # output times of one run
MAX_END = 1000 * 365.25  # days
STEPS = 500  # from the start to the end, where a scenario does not say how often it saves
CURVES_PER_PLOT = 4
FROM_REGISTER = ("that", *INTERVAL, "unit", "source", "status", "rule", "topic")  # of an expectation of a fact


def read_end(context: Context) -> float | None:
    """The end of the run in the model's time unit, or None and a fault."""
    time = context.tables.get("time", {})
    if "end" not in time:
        context.fault(("time",), "the scenario has no end: [time] end = '60 d'")
        return None
    end = read_time(context, ("time", "end"), time["end"], positive=True)
    if end is not None and end > MAX_END * unit("d").to(context.model.time_unit):
        context.fault(("time", "end"), f"longer than {MAX_END:g} d")
        return None
    return end


def with_defaults(tables: Table, model: Model, end: float | None) -> Table:
    """The merged tables with every default written out; those of a sweep follow where it is read."""
    data = copy.deepcopy(tables)
    if end is not None:
        every = ticks_of(end, model.time_unit) / (STEPS * ticks_of(1.0, model.time_unit))
        data.setdefault("time", {}).setdefault("every", f"{every!r} {model.time_unit_text}")
    for dose in data.get("dose", {}).values():
        if not isinstance(dose.get("at"), list):
            dose.setdefault("count", default_count(dose, model, end))
    if data.get("show", {}).get("plots") is None:
        data.setdefault("show", {})["plots"] = _default_plots(model)
    if isinstance(data.get("population"), dict):
        data["population"].setdefault("seed", 1)
    return data


def build_scenario(context: Context, id: str, inputs: Sequence[Input], switches: Sequence[Switch]) -> Scenario | None:
    """The scenario that the context's tables describe, or None and faults.

    Args:
        id: what it is called.
        inputs: what follows tables over time, in every arm that does not set it itself.
        switches: what makes rates jump, in every arm.
    """
    data = context.tables
    every = _output_interval(context)
    without = _main_arm(context)
    rules = read_rules(context)
    main = arm_with_inputs(context, with_settled_doses(context, without), inputs, data.get("parameters", {}))

    def arm_of(name: str, table: Table, at: KeyPath) -> Arm:
        arm = with_settled_doses(context, _arm(context, without, name, table, at))
        own = {**data.get("parameters", {}), **table.get("parameters", {})}
        ruled = arm_with_rules(context, arm_with_inputs(context, arm, inputs, own), rules, table.get("without", []))
        return arm_with_switches(context, ruled, switches)

    arms = [arm_with_switches(context, arm_with_rules(context, main, rules, ()), switches)]
    arms += [arm_of(name, table, ("arms", name)) for name, table in data.get("arms", {}).items()]
    _check_volumes(context, arms)
    _check_titles(context, arms)
    _check_times(context, arms)
    sources, found_data = read_sources(context), read_data(context, [arm.name for arm in arms])
    plots, formulas = _plots(context, found_data.data)
    names = [arm.name for arm in arms]
    found = [
        _expectation(context, number, item, names) if item else None
        for number, item in enumerate(data.get("expect", []))
    ]
    expectations = [item for item in found if item is not None]
    context.check_ids(("expect",), enumerate(context.tables.get("expect", [])), "expectations")
    kept = [item for number, item in enumerate(found) if item and number not in context.left_out.expectations]
    answer = read_answer(context, names, lambda table, at: arm_of(CHANGED, table, at))
    sweep: Sweep | None = None
    fit: Fit | None = None
    explore: Explore | None = None
    if {"sweep", "population"} & set(data):
        from .sweep import read_sweep

        sweep = read_sweep(context, arms, expectations, plots)
    if "fit" in data:
        from .fit import read_fit

        fit = read_fit(context, arms, found_data.data)
    if "explore" in data:
        from .explore import read_explore

        explore = read_explore(context, arms[0])
    if context.faults or context.end is None or every is None:
        return None
    return Scenario(
        id=id,
        title=data["title"],
        question=data.get("question", ""),
        model=context.model,
        model_name=str(data["model"]),
        end=context.end,
        every=every,
        arms=tuple(arms),
        plots=plots,
        expectations=tuple(kept),
        sweep=sweep,
        fit=fit,
        explore=explore,
        data=found_data.data,
        formulas=formulas | _kept_formulas(context, sweep) | _predicted_formulas(fit),
        sources=sources,
        answer=answer.sentences,
        truncated=(*context.left_out.words, *answer.left_out, *found_data.left_out),
        document=_document(context, sweep, fit),
    )


def _output_interval(context: Context) -> float | None:
    """The time between two saved times, in the model's time unit."""
    given = context.tables.get("time", {}).get("every")
    every = None if given is None else read_time(context, ("time", "every"), given, positive=True)
    if every is not None and context.end is not None and context.end / every > MAX_TIMES:
        context.fault(("time", "every"), f"{context.end / every:.3g} output times; at most {MAX_TIMES}")
        return None
    return every


def _main_arm(context: Context) -> Arm:
    """The arm that is the scenario as it stands."""
    data = context.tables
    return Arm(
        MAIN,
        data.get("label", ""),
        read_values(context, data.get("initial", {}), ("initial",), initial_value),
        read_values(context, data.get("parameters", {}), ("parameters",), parameter_value),
        tuple(read_doses(context).values()),
        tuple(read_changes(context, data.get("change", []), ("change",))),
    )


def _arm(context: Context, main: Arm, name: str, table: Table, at: KeyPath) -> Arm:
    """The arm that its table at `at` describes, which starts from the main arm."""
    initial = read_values(context, table.get("initial", {}), (*at, "initial"), initial_value)
    parameters = read_values(context, table.get("parameters", {}), (*at, "parameters"), parameter_value)
    doses = read_arm_doses(context, {dose.name: dose for dose in main.doses}, table, at)
    changes = read_changes(context, table.get("change", []), (*at, "change"))
    own = [f"dose.{dose}.{key}" for dose, keys in table.get("dose", {}).items() for key in keys]
    own += [*parameters, *(f"initial.{species}" for species in initial)]
    return Arm(
        name,
        table.get("label") or name.replace("_", " "),
        {**main.initial, **initial},
        {**main.parameters, **parameters},
        tuple(doses),
        (*main.changes, *changes),
        frozenset(own),
    )


def _check_volumes(context: Context, arms: Sequence[Arm]) -> None:
    """Volumes must be above zero, whatever a parameter or a change makes of them, where anything is given into them or
    changes them."""
    reported: set[tuple[str, float]] = set()  # an arm inherits a volume with its fault
    for arm in arms:
        values = {name: item.value for name, item in context.model.parameters.items()} | dict(arm.parameters)
        dosed = dict.fromkeys(dose.volume for dose in arm.doses if dose.volume)
        later = [dict(change.parameters) for change in arm.changes]
        later += [dict(rule.parameters) for rule in crossings_of(arm)]
        moved = {*arm.parameters, *(name for each in later for name in each)}
        every = dict.fromkeys(each.volume for each in context.model.species.values() if each.volume)
        dissolving = dict.fromkeys(name for name in every if moved & _parameters_of(context.model, name))
        for changed in [{}, *later]:
            for volume in dosed | dissolving:
                own = {**values, **changed}
                size = own[volume] if volume in own else _constant(context.model, volume, own)
                if not size > 0 and (volume, size) not in reported:
                    at: KeyPath = ("parameters", volume) if arm.name == MAIN else ("arms", arm.name)
                    context.fault(at, f"{volume} is {size:g}; a volume must be above zero")
                    reported.add((volume, size))


def _parameters_of(model: Model, name: str) -> set[str]:
    """The parameters that an observable of parameters reads; of a parameter itself."""
    if name not in model.observables:
        return {name}
    return {inner for each in names_in(model.observables[name].value) for inner in _parameters_of(model, each)}


def _constant(model: Model, name: str, values: Mapping[str, float]) -> float:
    """An observable of parameters, for these values of theirs."""
    from ...numerics.parameter_formulas import constant  # needs numpy, which most checks do without

    return constant(model, Name(name), values)


def _check_titles(context: Context, arms: Sequence[Arm]) -> None:
    """Titles of arms must differ: figures and tables show nothing else."""
    owners: dict[str, str] = {}
    for arm in arms:
        title = " ".join(arm.title.split())
        if title in owners:
            at: KeyPath = ("arms", arm.name, "label")
            context.fault(at, f"arm {arm.name} is labelled '{title}', as arm {owners[title]} is; give it another label")
        owners.setdefault(title, arm.name)


def _check_times(context: Context, arms: Sequence[Arm]) -> None:
    """The instants of each arm must be far enough apart for the solver to tell them apart."""
    if context.end is None or context.faults:
        return
    for arm in arms:
        try:
            timetable(arm, context.end, context.model)
        except TimetableError as error:
            context.fault(("time", "end") if arm.name == MAIN else ("arms", arm.name), str(error))
            return  # an arm inherits what is wrong with the main one


def _plots(context: Context, data: Sequence[Data]) -> tuple[tuple[tuple[str, ...], ...], dict[str, CurveFormula]]:
    """The curves of each plot, by name, and those that are formulas; a formula with data has a plot in any case."""
    groups: list[tuple[str, ...]] = []
    formulas: dict[str, CurveFormula] = {}
    for number, words in enumerate(context.tables["show"]["plots"]):
        path: KeyPath = ("show", "plots", number)
        if not isinstance(words, list) or not words:
            context.fault(path, f"a plot is a list of species or observables, found {words!r}")
            continue
        group: list[CurveFormula] = []
        for word in words:
            curve = read_curve_in(context, path, str(word))
            if curve is not None and group and not curve.unit.same_dimension(group[0].unit):
                texts = [f"{each.text} [{each.unit_text}]" for each in (group[0], curve)]
                context.fault(path, f"{' and '.join(texts)} cannot share an axis; put them in two plots")
            elif curve is not None:
                group.append(curve)
        groups.append(tuple([each.text for each in group]))
        formulas |= {each.text: each for each in group if each.is_formula}
    for each in data:
        if each.curve.text not in {name for group in groups for name in group}:
            groups.append((each.curve.text,))
            formulas |= {each.curve.text: each.curve} if each.curve.is_formula else {}
    return tuple(groups), formulas


def _predicted_formulas(fit: Fit | None) -> dict[str, CurveFormula]:
    """The formulas of curves that a fit predicts."""
    return {each.curve.text: each.curve for each in (fit.predictions if fit else ()) if each.curve.is_formula}


def _kept_formulas(context: Context, sweep: Sweep | None) -> dict[str, CurveFormula]:
    """The formulas of curves that a sweep keeps."""
    found = [read_curve(text, context.model, context.latest) for text in (sweep.keep if sweep else ())]
    return {each.text: each for each in found if each.is_formula}


def _default_plots(model: Model) -> list[list[str]]:
    """All species, those of one unit together, at most `CURVES_PER_PLOT` in each plot."""
    by_unit: dict[str, list[str]] = {}
    for species in model.species.values():
        by_unit.setdefault(species.unit_text, []).append(species.id)
    size = CURVES_PER_PLOT
    return [names[i : i + size] for names in by_unit.values() for i in range(0, len(names), size)]


def _expectation(context: Context, number: int, table: Table, arms: list[str]) -> Expectation | None:
    """One [[expect]] of a scenario with these arms, or None and faults."""
    path: KeyPath = ("expect", number)
    before = len(context.faults)
    fact = _fact(context, table, path) if "fact" in table else None
    if len(context.faults) > before:
        return None
    table = {**table, **_words_of(fact)} if fact is not None else table
    interval = (
        (fact.low, fact.high)
        if fact is not None
        else read_interval(table, "an expectation", lambda at, message: context.fault((*path, *at), message))
    )
    unit_text = table.get("unit", "1")
    at: KeyPath = (*path, "measure" if fact is not None or "unit" not in table else "unit")
    measured = read_measure_in(context, at, (*path, "measure"), table["measure"], unit_text, arms)
    breaks_in = table.get("breaks_in", [])
    _check_evidence(context, table, path)
    for arm in breaks_in:
        if arm not in arms or arm == MAIN:
            others = [each for each in arms if each != MAIN]
            message = unknown_name("no arm", str(arm), others, " in which it could break")
            context.fault((*path, "breaks_in"), message)
    if measured is None or interval is None or len(context.faults) > before:
        return None
    formula, wanted = measured
    return Expectation(
        id=str(table.get("id", number + 1)),
        that=table["that"],
        measure_text=table["measure"],
        measure=formula,
        low=interval[0],
        high=interval[1],
        unit_text=unit_text,
        unit=wanted,
        source=table["source"],
        status=table.get("status", ""),
        rule=table.get("rule", ""),
        topic=table.get("topic", ""),
        claim=table.get("claim", ""),
        breaks_in=tuple(breaks_in),
        missed=table.get("missed", ""),
        fact=fact.id if fact is not None else "",
        log10=fact is not None and fact.log10,
        set_aside=fact is not None and fact.set_aside,
    )


def _fact(context: Context, table: Table, path: KeyPath) -> Fact | None:
    """The fact of the register that an expectation asks, or None and faults."""
    name, known = table["fact"], register()
    if name not in known:
        context.fault((*path, "fact"), f"no fact '{name}'{nearest(name, known)}; they stand in biology/facts")
        return None
    for key in FROM_REGISTER:
        if key in table:
            context.fault((*path, key), f"{key} of the fact '{name}' comes from the register; leave it out")
    others = context.tables["expect"][: path[1]]
    if any(name == (other or {}).get("fact") for other in others):
        context.fault((*path, "fact"), f"the fact '{name}' is asked already, by an expectation above; ask it once")
    if known[name].set_aside and "missed" in table:
        context.fault((*path, "missed"), f"the fact '{name}' is set aside: it is neither fitted nor known to be missed")
    return known[name]


def _words_of(fact: Fact) -> Table:
    """What an expectation takes from its fact, but the interval."""
    return {
        "that": fact.that,
        "unit": fact.unit_text,
        "source": fact.source,
        "status": fact.status,
        "rule": fact.rule,
        "topic": fact.topic,
    }


def _check_evidence(context: Context, table: Table, path: KeyPath) -> None:
    """Faults of the source, rule, topic and claim of an expectation."""
    reference = table["source"].split(",")[0].strip()
    sources = context.sources
    if reference not in sources and reference != "assumed":
        context.fault((*path, "source"), no_source(reference, sources))
    for key in ("rule", "topic", "claim"):
        if key in table and table[key] not in (known := evidence_terms()[f"{key}s"]):
            hint = nearest(table[key], known) or f"; {key}s are {', '.join(known)}"
            context.fault((*path, key), f"no {key} '{table[key]}'{hint}")
    if "topic" in table and reference == "assumed":
        context.fault((*path, "topic"), "a topic is for published facts, and the source of this one is 'assumed'")
    if "claim" in table and not table.get("breaks_in"):
        context.fault((*path, "claim"), "a claim names the arms without its mechanism in breaks_in")


def _document(context: Context, sweep: Sweep | None, fit: Fit | None) -> dict[str, Any]:
    """The tables in the order of a file, without what is empty, and with the doses as a list again."""
    data: dict[str, Any] = copy.deepcopy(context.tables) | (dict(sweep.document) if sweep else {})
    data |= fit.document if fit else {}
    for number in context.left_out.expectations:
        data["expect"][number] = None
    for table in (data, *data.get("arms", {}).values()):
        for key in {"change", "expect", "answer"} & set(table):
            table[key] = [item for item in table[key] if item]  # without those after an end that was moved
    if "parameters" in data:
        data["parameters"] = {
            name: str(value) if isinstance(value, Quantity) else value for name, value in data["parameters"].items()
        }
    data.pop("schema", None)
    top = {
        "schema": 1,
        "title": data.pop("title"),
        "question": data.pop("question", ""),
        "model": data.pop("model"),
        "label": data.pop("label", ""),
    }
    doses = [{"name": name, **dose} for name, dose in data.pop("dose", {}).items()]
    last = {"show": data.pop("show"), "arms": data.pop("arms", {}), "expect": data.pop("expect", [])}
    document = {**top, "time": data.pop("time"), **data, "dose": doses, **last}
    return {key: value for key, value in document.items() if value not in ([], {}) or key in top}
