"""Scenario files: TOML text, its parents and options of the command line become one checked `Scenario`."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from ...experiments.scenario import MAIN, Scenario
from ...model.expression import is_identifier
from ...model.model import Model
from ...runtime.errors import InputError, InputFault, request_fault
from ...runtime.names import fold, nearest
from ...runtime.text import is_text
from ..reading import exists, same_file
from .answer import ANSWER
from .catalogue import builtin_scenarios
from .data import DATA, SOURCE
from .inputs import INPUT, read_inputs, with_inputs
from .interval import INTERVAL
from .interventions import Interventions, apply_interventions
from .layers import KeyPath, Layers, Origin, Origins
from .model_file import FILE as MODEL_FILE
from .model_file import find_model, no_model, read_model
from .model_sections import SECTIONS
from .overrides import SweepOptions, apply_settings, apply_sweep_options, settings_without_effect, shorten
from .quantities import NOTHING_LEFT_OUT, Context
from .rules import RULE
from .scenario import build_scenario, read_end, with_defaults
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
    control_character,
)
from .subjects import SUBJECTS, expand_subjects
from .switches import with_jumps

SCHEMA = 1
MAX_PARENTS = 20
MAX_NAME = 100  # characters of a name that becomes part of file names, which hold 255 bytes

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
INHERITED = ("question", "model", "label", "time", "initial", "parameters", "dose", "change", "arms", "show",
             "inputs", "rule", "sources", "sweep", "population")  # fmt: skip

_RESERVED = re.compile(r"(CON|PRN|AUX|NUL|COM[0-9]|LPT[0-9])(\.|\Z)", re.IGNORECASE)  # devices to Windows
_NOT_IN_FILE_NAMES = frozenset('<>:"/\\|?*')


def find_scenario(word: str) -> Path:
    """The file that `word` names: a path, or a built-in scenario by its name or by its path in the checkout."""
    path = Path(word)
    if os.path.isfile(path) or (exists(path) and path.stem not in builtin_scenarios()):
        return path
    builtin = builtin_scenarios()
    if path.stem in builtin and path.suffix in ("", ".toml") and path.parent in (Path(), Path("scenarios")):
        return builtin[path.stem]
    hint = nearest(path.stem, builtin) or "; 'list' shows the built-in ones"
    raise InputError([InputFault(word, 0, f"no such scenario{hint}", "")])


def is_scenario(path: Path) -> bool:
    """Whether a TOML file is meant as a scenario rather than a model: by the keys that only one of them has."""
    source = TomlSource(path)
    source.check_ours()
    return not _is_model(source.data)


def _is_model(data: Table) -> bool:
    return not data.keys() & (FILE.keys() - MODEL_FILE.keys()) and bool(data.keys() & (MODEL_FILE.keys() - FILE.keys()))


class Reading(NamedTuple):
    """How a scenario was read: the tables of its file and of those that it extends, and the options on top of them."""

    id: str
    layers: Layers
    model: Model | None = None  # None where it is still to be read
    settings: Mapping[str, str] = MappingProxyType({})
    sweep_options: tuple[SweepOptions, ...] = ()
    interventions: Interventions = Interventions()

    def with_options(
        self, settings: Mapping[str, str], sweep_options: SweepOptions | None, interventions: Interventions
    ) -> Reading:
        """The same with further options; of two values of one setting the later one counts."""
        kept = {
            name: value
            for name, value in self.settings.items()
            if not any(self._is_same(name, later) for later in settings)
        }
        old, new = self.interventions, interventions
        return self._replace(
            settings=kept | dict(settings),
            sweep_options=(*self.sweep_options, *([sweep_options] if sweep_options is not None else [])),
            interventions=Interventions(
                tuple(dict.fromkeys(old.knockout + new.knockout)), old.block + new.block, old.add + new.add
            ),
        )

    def _is_same(self, one: str, other: str) -> bool:
        """Whether two settings are of one name, perhaps in two spellings; k and K may be two names of the model."""
        known = {*self.model.parameters, *self.model.species} if self.model is not None else set()
        two_names = {one.rpartition(".")[2], other.rpartition(".")[2]} <= known
        return one == other or (fold(one) == fold(other) and not two_names)


class ReadOrigins(Origins):
    """The origins of a scenario that was read, and how, so that it can be read again with other options."""

    def __init__(self, layers: Layers, reading: Reading) -> None:
        super().__init__(layers)
        self.reading = reading


def read_scenario(
    path: str | Path,
    settings: Mapping[str, str] | None = None,
    sweep_options: SweepOptions | None = None,
    interventions: Interventions | None = None,
) -> Scenario:
    """The scenario in a file, with options on top of it.

    Args:
        settings: values by name, ``{"dose.aldesleukin.amount": "0 IU/kg"}``.
        sweep_options: what varies and what is measured, instead of what the file says.
        interventions: what is knocked out, blocked and added: ``Interventions(knockout=("IL4",))``.

    Raises:
        InputError: with everything that is wrong with the file, its parents, its model and the options.
    """
    path = Path(path)
    faults: list[InputFault] = list(_check_name(path))
    reading = Reading(path.stem, _read_layers(path, (), faults))
    return _scenario(reading.with_options(settings or {}, sweep_options, interventions or Interventions()), faults)[0]


def changed_scenario(
    scenario: Scenario,
    settings: Mapping[str, str],
    sweep_options: SweepOptions | None = None,
    interventions: Interventions | None = None,
) -> Scenario:
    """A scenario that was read, as if these options had been given too. Its files are not read again.

    Raises `InputError` with everything that is wrong with the options, or if `scenario` is not as it was read.
    """
    reading = reading_of(scenario)
    return _scenario(reading.with_options(settings, sweep_options, interventions or Interventions()), [])[0]


def reading_of(scenario: Scenario) -> Reading:
    """How `scenario` was read; `InputError` if it was made or altered in Python, where its file says nothing of it."""
    origins = scenario.origins
    if not isinstance(origins, ReadOrigins) or _scenario(origins.reading, [])[0] != scenario:
        made = "altered" if isinstance(origins, ReadOrigins) else "made"
        message = f"{scenario.id or 'this scenario'} was {made} in Python: expected a file, a name, or what was read"
        raise InputError([request_fault(f"{message} from one; alter it further with dataclasses.replace")])
    return origins.reading


def read_again(reading: Reading) -> Scenario:
    """The scenario that is read so; `InputError` with everything that is wrong."""
    return _scenario(reading, [])[0]


def context_of(scenario: Scenario) -> Context:
    """What readers of further texts about `scenario` need; it has no fault yet. Raises `InputError` as `reading_of`."""
    return _scenario(reading_of(scenario), [])[1]


def _scenario(reading: Reading, faults: list[InputFault]) -> tuple[Scenario, Context]:
    """The scenario, and the context that it was read in; `InputError` with these faults and all that are found."""
    layers = reading.layers.copy()  # options are written into it
    for options in reading.sweep_options:
        faults += apply_sweep_options(layers, options)
    before = layers.data.get("time", {}).get("end")
    faults += apply_settings(layers, reading.settings)
    model = reading.model or _read_model(layers, faults)
    faults += layers.keep_apart({*model.species, *model.parameters})
    wrong, unread = expand_subjects(layers, model)
    faults += wrong
    if "population" in layers.data:
        from .populations import expand_population  # what few scenarios have is loaded with them: `check` starts fast

        expand_population(layers, model)
    end = read_end(Context(layers, layers.data, model, faults))
    left_out = NOTHING_LEFT_OUT
    if "time.end" in reading.settings and end is not None:
        left_out = shorten(layers, end, before, model.time_unit)
    faults += apply_interventions(layers, model, reading.interventions, end)
    context = Context(layers, with_defaults(layers.data, model, end), model, faults, end, left_out)
    inputs = read_inputs(context)
    context, switches = with_jumps(with_inputs(context, inputs))
    scenario = build_scenario(context, reading.id, inputs, switches)
    if scenario is not None and reading.sweep_options:
        faults += settings_without_effect(scenario, reading.settings)
    if faults or scenario is None:
        raise InputError(faults)
    scenario = replace(scenario, truncated=(*unread, *scenario.truncated))
    return replace(scenario, origins=ReadOrigins(layers, reading._replace(model=model))), context


def _read_layers(path: Path, trail: tuple[Path, ...], faults: list[InputFault]) -> Layers:
    """The file on top of its parent, its parent's parent, and so on; `trail` are the files that extend it."""
    source = TomlSource(path)
    source.check_ours()
    faults += _check_shape(source, faults)
    own = _layer(source)
    parent = source.data.get("extends")
    if not isinstance(parent, str):
        return own
    parent_path = path.parent / parent
    if not parent.endswith(".toml"):
        parent_path = builtin_scenarios().get(parent, parent_path)
    trail = (*trail, path)
    if same_file(parent_path) in map(same_file, trail) or len(trail) > MAX_PARENTS:
        names = [file.name for file in (*trail, parent_path)]
        raise InputError([*faults, source.fault(("extends",), f"files extend each other: {' -> '.join(names)}")])
    if not exists(parent_path):
        name = parent_path.stem
        hint = f'; extends = "{name}" takes the built-in one' if name in builtin_scenarios() else ""
        raise InputError([*faults, source.fault(("extends",), f"no file '{parent}' in {path.parent}{hint}")])
    layers = _read_layers(parent_path, trail, faults)
    layers.keep(INHERITED)
    layers.overlay(own)
    return layers


def _layer(source: TomlSource) -> Layers:
    """The data of a file with its doses as a table by name, so that doses of two files are merged by name."""
    data = {key: value for key, value in source.data.items() if key != "extends"}
    moved: dict[KeyPath, KeyPath] = {}
    if "dose" in data:
        doses: Table = {}
        for number, dose in enumerate(data["dose"]):
            name = dose["name"]
            if name in doses:
                raise InputError([source.fault(("dose", number, "name"), f"two doses are named '{name}'")])
            doses[name] = {key: value for key, value in dose.items() if key != "name"}
            moved["dose", name] = ("dose", number)
        data["dose"] = doses
    return Layers.of(data, Origin(source, moved))


def _read_model(layers: Layers, faults: list[InputFault]) -> Model:
    """The model that a scenario names; without one nothing more can be said, and `InputError` has all faults."""
    word = layers.data.get("model")
    if not isinstance(word, str):
        raise InputError([*faults, layers.fault((), "the scenario has no model, such as 'immune'")])
    path = find_model(word, layers.folder_of(("model",)))
    if path is None:
        raise InputError([*faults, layers.fault(("model",), no_model(word))])
    try:
        return read_model(path)
    except InputError as error:
        raise InputError([*faults, *error.faults]) from None


class _TableShape(NamedTuple):
    """A table of a scenario file, the keys that it may have, and what messages call it."""

    path: KeyPath
    fields: Mapping[str, Field]
    table: Any
    what: str


def _check_shape(source: TomlSource, faults: list[InputFault]) -> Iterator[InputFault]:
    """Faults of the names in one file; `InputError` if a key or a type is wrong, for nothing more can be said then."""
    data = source.data
    if _is_model(data) and "extends" not in data:
        name = Path(source.path).name
        raise InputError(
            [*faults, source.fault((), f"a model, no scenario; a scenario has title and model = '{name}'")]
        )
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
        raise InputError([*faults, *wrong, *_check_names(source)])
    return _check_names(source)


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
        if key in data:
            yield _TableShape((key,), fields, data[key], f"[{key}]")
    for key, fields in (("dose", DOSE), ("change", CHANGE), ("data", DATA), ("rule", RULE), ("answer", ANSWER)):
        for i, item in enumerate(_list(data.get(key))):
            yield _TableShape((key, i), fields, item, f"[[{key}]]")
    for key, item in _table(data.get("inputs")).items():
        yield _TableShape(("inputs", key), INPUT, item, f"[inputs.{key}]")
    for key, item in _table(data.get("sources")).items():
        yield _TableShape(("sources", key), SOURCE, item, f"[sources.{key}]")
    for i, item in enumerate(_list(data.get("expect"))):
        yield _TableShape(("expect", i), EXPECT_OF_FACT if "fact" in _table(item) else EXPECT, item, "[[expect]]")


def _sweep_parts(data: Table) -> Iterator[_TableShape]:
    if not {"sweep", "population"} & data.keys():
        return
    from .accept import ACCEPT  # as in `_scenario`
    from .design import SWEEP, VARY
    from .population import PATIENT, POPULATION
    from .sweep import MEASURE

    for key, fields, inner in (("sweep", SWEEP, VARY), ("population", POPULATION, PATIENT)):
        table = data.get(key)
        if isinstance(table, dict):
            yield _TableShape((key,), fields, table, f"[{key}]")
            for i, item in enumerate(_list(table.get("vary"))):
                yield _TableShape((key, "vary", i), inner, item, f"[[{key}.vary]]")
    for i, item in enumerate(_list(_table(data.get("population")).get("accept"))):
        yield _TableShape(("population", "accept", i), ACCEPT, item, "[[population.accept]]")
    for name, item in _table(_table(data.get("sweep")).get("measures")).items():
        if not isinstance(item, str):
            yield _TableShape(("sweep", "measures", name), MEASURE, item, "a measure")


def _fit_parts(data: Table) -> Iterator[_TableShape]:
    if isinstance(data.get("fit"), dict):
        from .fit import ESTIMATE, FIT, PREDICT, PRIOR  # as in `_scenario`

        yield _TableShape(("fit",), FIT, data["fit"], "[fit]")
        for i, item in enumerate(_list(data["fit"].get("estimate"))):
            yield _TableShape(("fit", "estimate", i), ESTIMATE, item, "[[fit.estimate]]")
            if isinstance(item, dict) and "prior" in item:
                yield _TableShape(("fit", "estimate", i, "prior"), PRIOR, item["prior"], "a prior")
        for i, item in enumerate(_list(data["fit"].get("predict"))):
            yield _TableShape(("fit", "predict", i), PREDICT, item, "[[fit.predict]]")


def _explore_parts(data: Table) -> Iterator[_TableShape]:
    table = data.get("explore")
    if isinstance(table, dict):
        from .explore import EXPLORE, PRESET, SLIDER  # as in `_scenario`

        yield _TableShape(("explore",), EXPLORE, table, "[explore]")
        for key, fields in (("slider", SLIDER), ("preset", PRESET)):
            for i, item in enumerate(_list(table.get(key))):
                yield _TableShape(("explore", key, i), fields, item, f"[[explore.{key}]]")


def _arm_parts(data: Table) -> Iterator[_TableShape]:
    arms: list[tuple[KeyPath, Any, str]] = [
        (("arms", name), arm, f"[arms.{name}]") for name, arm in _table(data.get("arms")).items()
    ]
    arms += [
        (("answer", number, "breaks_with"), _table(item)["breaks_with"], "'breaks_with'")
        for number, item in enumerate(_list(data.get("answer")))
        if "breaks_with" in _table(item)
    ]
    for path, arm, what in arms:
        yield _TableShape(path, ARM, arm, what)
        for dose, item in _table(_table(arm).get("dose")).items():
            yield _TableShape((*path, "dose", dose), ARM_DOSE, item, f"dose.{dose}")
        for i, item in enumerate(_list(_table(arm).get("change"))):
            yield _TableShape((*path, "change", i), CHANGE, item, "a change")


def _table(value: object) -> Table:
    """A table, or an empty one for what is not a table and is refused elsewhere."""
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _check_names(source: TomlSource) -> Iterator[InputFault]:
    """Faults of the names of arms and of their doses: arms become parts of file names."""
    seen: dict[str, str] = {MAIN: MAIN}
    for name, arm in _table(source.data.get("arms")).items():
        problem = _arm_name_problem(name, seen)
        if problem:
            yield source.fault(("arms", name), problem)
        seen.setdefault(name.lower(), name)
        for dose in _table(_table(arm).get("dose")):
            problem = control_character("a name of a dose", dose, one_line=True)
            if problem:
                yield source.fault(("arms", name, "dose", dose), problem)


def _arm_name_problem(name: str, seen: Mapping[str, str]) -> str:
    if name == MAIN:
        return f"'{MAIN}' is the scenario itself; choose another name"
    if not is_identifier(name):
        return f"{name!r} cannot be a name of an arm: letters, digits and _ only; a label may be anything"
    if name.lower() in seen:
        return (
            f"'{name}' and '{seen[name.lower()]}' differ only by case, and files are named after arms, "
            "which Windows and macOS would mix up; choose another name"
        )
    return _file_name_problem(name, "an arm")


def _check_name(path: Path) -> Iterator[InputFault]:
    """A fault if the results of a scenario file cannot be named after it."""
    name = path.stem
    wrong = sorted(_NOT_IN_FILE_NAMES & set(name))
    problem = control_character("the name of a scenario", name, one_line=True) or _file_name_problem(name, "a scenario")
    if wrong:
        problem = f"a scenario cannot be named {name!r}: file names on Windows cannot have {' '.join(wrong)}"
    if problem:
        yield InputFault(str(path), 0, problem, "")


def _file_name_problem(name: str, what: str) -> str:
    """Why files cannot be named after `name`, or an empty text."""
    if _RESERVED.match(name):
        return f"{what} cannot be named '{name}', which is reserved on Windows; choose another name"
    if not is_text(name):
        return f"{what} cannot be named {name!r}, whose bytes are not UTF-8; rename the file"
    if len(name.encode()) > MAX_NAME:
        return f"{what} may have a name of {MAX_NAME} bytes, found {len(name.encode())}; files are named after it"
    return ""
