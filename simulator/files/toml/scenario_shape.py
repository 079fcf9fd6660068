"""The keys of a scenario file, and what is wrong with them before anything is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ...runtime.errors import InputError, InputFault
from ...runtime.names import nearest
from .answer import ANSWER
from .data import DATA
from .inputs import INPUT
from .interval import INTERVAL
from .layers import KeyPath
from .model_file import FILE as MODEL_FILE
from .model_sections import SECTIONS
from .rules import RULE
from .scenario_names import check_arm_names
from .source import (
    LINE,
    LIST,
    NUMBER,
    QUANTITY,
    REQUIRED_LINE,
    REQUIRED_TEXT,
    TABLE,
    TEXT,
    Field,
    Table,
    TomlSource,
    check_fields,
    list_or_empty,
    table_or_empty,
)
from .sources import SOURCE
from .subjects import SUBJECTS

SCHEMA = 1
FILE = {
    "schema": NUMBER,
    "title": REQUIRED_LINE,
    "question": TEXT,
    "answer": LIST,
    "extends": TEXT,
    "model": TEXT,
    "label": LINE,
    "time": TABLE,
    "initial": TABLE,
    "parameters": TABLE,
    "dose": LIST,
    "change": LIST,
    "arms": TABLE,
    "show": TABLE,
    "expect": LIST,
    "data": LIST,
    "subjects": TABLE,
    "inputs": TABLE,
    "rule": LIST,
    "sources": TABLE,
    "sweep": TABLE,
    "population": TABLE,
    "fit": TABLE,
    "explore": TABLE,
}
TIME = {"end": QUANTITY, "every": QUANTITY}
DOSE = {
    "name": REQUIRED_LINE,
    "target": TEXT,
    "amount": QUANTITY,
    "at": Field((*QUANTITY.types, list)),
    "every": QUANTITY,
    "count": QUANTITY,  # `read_dose` says more of it than its type, and of the rest of the dose
    "over": QUANTITY,
    "rate": QUANTITY,
    "lag": QUANTITY,
    "share": QUANTITY,
    "steady_state": Field((bool,)),
}
ARM_DOSE = {key: field for key, field in DOSE.items() if key != "name"}
CHANGE = {"at": QUANTITY, "while": LIST, "parameters": Field((dict,), True)}
ARM = {"label": LINE, "without": LIST, "dose": TABLE, "initial": TABLE, "parameters": TABLE, "change": LIST}
SHOW = {"plots": LIST}
EXPECT = {
    "id": LINE,
    "that": REQUIRED_TEXT,
    "measure": REQUIRED_TEXT,
    **INTERVAL,
    "unit": TEXT,
    "source": REQUIRED_TEXT,
    "status": TEXT,
    "rule": TEXT,
    "topic": TEXT,
    "claim": TEXT,
    "breaks_in": LIST,
    "missed": TEXT,
    "fact": LINE,
}
EXPECT_OF_FACT = EXPECT | {"that": TEXT, "source": TEXT, "fact": REQUIRED_LINE}  # what is not asked of the register


def is_model(data: Table) -> bool:
    """Whether a file is a model and no scenario, by the keys that only one of them has."""
    return not data.keys() & (FILE.keys() - MODEL_FILE.keys()) and bool(data.keys() & (MODEL_FILE.keys() - FILE.keys()))


class _TableShape(NamedTuple):
    """A table of a scenario file, the keys that it may have, and what messages call it."""

    path: KeyPath
    fields: Mapping[str, Field]
    table: Any
    what: str


def check_shape(source: TomlSource, faults: list[InputFault]) -> Iterator[InputFault]:
    """Faults of the names in one file; `InputError` if a key or a type is wrong, for nothing more can be said then."""
    data = source.data
    if is_model(data) and "extends" not in data:
        name = Path(source.path).name
        raise InputError(
            [*faults, source.fault((), f"a model, no scenario; a scenario has title and model = '{name}'")]
        )
    if {"scenario", "step"} <= data.keys():
        message = f"a lesson, no scenario; 'lesson {source.name}' checks it and makes its page"
        raise InputError([*faults, source.fault((), message)])
    wrong = list(_unknown_sections(source))
    known = {key: value for key, value in data.items() if key in FILE or not isinstance(value, (dict, list))}
    for part in (
        _TableShape((), FILE, known, "a scenario"),
        *_parts(data),
        *_sweep_parts(data),
        *_fit_parts(data),
        *_explore_parts(data),
        *_arm_parts(data),
    ):
        problems = check_fields(part.table, part.fields, part.what)
        wrong += [source.fault((*part.path, *inner), message) for inner, message in problems]
    if data.get("schema", SCHEMA) != SCHEMA:
        wrong.append(source.fault(("schema",), f"this version reads schema {SCHEMA}"))
    if wrong:
        raise InputError([*faults, *wrong, *check_arm_names(source)])
    return check_arm_names(source)


def _unknown_sections(source: TomlSource) -> Iterator[InputFault]:
    """One fault for each table that a scenario does not have, whatever is in it."""
    for key, value in source.data.items():
        if key in FILE or not isinstance(value, (dict, list)):
            continue
        hint = nearest(key, FILE)
        if key in SECTIONS:
            message = f"'{key}' is not known here; it belongs in the file of the model"
        elif hint:
            message = f"a scenario has no key '{key}'{hint}"
        else:
            message = f"'{key}' is not known here; keys are {', '.join(FILE)}"
        yield source.fault((key,), message)


def _parts(data: Table) -> Iterator[_TableShape]:
    for key, fields in (("time", TIME), ("show", SHOW), ("subjects", SUBJECTS)):
        if isinstance(data.get(key), dict):  # what is no table is said of the scenario
            yield _TableShape((key,), fields, data[key], f"[{key}]")
    for key, fields in (("dose", DOSE), ("change", CHANGE), ("data", DATA), ("rule", RULE), ("answer", ANSWER)):
        for i, item in enumerate(list_or_empty(data.get(key))):
            yield _TableShape((key, i), fields, item, f"[[{key}]]")
    for key, item in table_or_empty(data.get("inputs")).items():
        yield _TableShape(("inputs", key), INPUT, item, f"[inputs.{key}]")
    for key, item in table_or_empty(data.get("sources")).items():
        yield _TableShape(("sources", key), SOURCE, item, f"[sources.{key}]")
    for i, item in enumerate(list_or_empty(data.get("expect"))):
        fields = EXPECT_OF_FACT if "fact" in table_or_empty(item) else EXPECT
        yield _TableShape(("expect", i), fields, item, "[[expect]]")


def _sweep_parts(data: Table) -> Iterator[_TableShape]:
    if not {"sweep", "population"} & data.keys():
        return
    from .accept import ACCEPT  # read with what few scenarios have: `check` starts fast
    from .design import SWEEP, VARY
    from .population import PATIENT, POPULATION
    from .sweep import MEASURE

    for key, fields, inner in (("sweep", SWEEP, VARY), ("population", POPULATION, PATIENT)):
        table = data.get(key)
        if isinstance(table, dict):
            yield _TableShape((key,), fields, table, f"[{key}]")
            for i, item in enumerate(list_or_empty(table.get("vary"))):
                yield _TableShape((key, "vary", i), inner, item, f"[[{key}.vary]]")
    for i, item in enumerate(list_or_empty(table_or_empty(data.get("population")).get("accept"))):
        yield _TableShape(("population", "accept", i), ACCEPT, item, "[[population.accept]]")
    for name, item in table_or_empty(table_or_empty(data.get("sweep")).get("measures")).items():
        if not isinstance(item, str):
            yield _TableShape(("sweep", "measures", name), MEASURE, item, "a measure")


def _fit_parts(data: Table) -> Iterator[_TableShape]:
    if isinstance(data.get("fit"), dict):
        from .fit import ESTIMATE, FIT, PREDICT, PRIOR  # read with what few scenarios have: `check` starts fast

        yield _TableShape(("fit",), FIT, data["fit"], "[fit]")
        for i, item in enumerate(list_or_empty(data["fit"].get("estimate"))):
            yield _TableShape(("fit", "estimate", i), ESTIMATE, item, "[[fit.estimate]]")
            if isinstance(item, dict) and "prior" in item:
                yield _TableShape(("fit", "estimate", i, "prior"), PRIOR, item["prior"], "a prior")
        for i, item in enumerate(list_or_empty(data["fit"].get("predict"))):
            yield _TableShape(("fit", "predict", i), PREDICT, item, "[[fit.predict]]")


def _explore_parts(data: Table) -> Iterator[_TableShape]:
    table = data.get("explore")
    if isinstance(table, dict):
        from .explore import EXPLORE, PRESET, SLIDER  # read with what few scenarios have: `check` starts fast

        yield _TableShape(("explore",), EXPLORE, table, "[explore]")
        for key, fields in (("slider", SLIDER), ("preset", PRESET)):
            for i, item in enumerate(list_or_empty(table.get(key))):
                yield _TableShape(("explore", key, i), fields, item, f"[[explore.{key}]]")


def _arm_parts(data: Table) -> Iterator[_TableShape]:
    arms: list[tuple[KeyPath, Any, str]] = [
        (("arms", name), arm, f"[arms.{name}]") for name, arm in table_or_empty(data.get("arms")).items()
    ]
    arms += [
        (("answer", number, "breaks_with"), table_or_empty(item)["breaks_with"], "'breaks_with'")
        for number, item in enumerate(list_or_empty(data.get("answer")))
        if "breaks_with" in table_or_empty(item)
    ]
    for path, arm, what in arms:
        yield _TableShape(path, ARM, arm, what)
        for dose, item in table_or_empty(table_or_empty(arm).get("dose")).items():
            yield _TableShape((*path, "dose", dose), ARM_DOSE, item, f"dose.{dose}")
        for i, item in enumerate(list_or_empty(table_or_empty(arm).get("change"))):
            yield _TableShape((*path, "change", i), CHANGE, item, "a change")
