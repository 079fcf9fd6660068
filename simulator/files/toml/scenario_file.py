"""Scenario files: TOML text, its parent and overrides become one checked `Scenario`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...experiments.scenario import MAIN, Scenario
from ...experiments.sweeps.designs import Product
from ...model.expression import is_identifier
from ...runtime.errors import InputError, InputFault
from ...runtime.names import nearest
from .catalogue import builtin_models, builtin_scenarios
from .design import SWEEP, VARY
from .interventions import Interventions, put
from .layers import Layers, Origin, Setting
from .model_file import find_model, read_model
from .overrides import SweepWords, put_words
from .population import PATIENT, POPULATION
from .scenario import ScenarioBuilder
from .source import LIST, NEEDED_TEXT, NUMBER, QUANTITY, TABLE, TEXT, WHOLE, Field, Key, Table, TomlSource, check_fields
from .sweep import MEASURE

SCHEMA = 1

FILE = {
    "schema": NUMBER,
    "title": NEEDED_TEXT,
    "question": TEXT,
    "extends": TEXT,
    "model": TEXT,
    "label": TEXT,
    "time": TABLE,
    "initial": TABLE,
    "parameters": TABLE,
    "dose": LIST,
    "change": LIST,
    "arms": TABLE,
    "show": TABLE,
    "expect": LIST,
    "sweep": TABLE,
    "population": TABLE,
}
TIME = {"end": QUANTITY, "every": QUANTITY}
DOSE = {
    "name": NEEDED_TEXT,
    "target": TEXT,
    "amount": QUANTITY,
    "at": QUANTITY,
    "every": QUANTITY,
    "count": WHOLE,
    "over": QUANTITY,
}
CHANGE = {"at": QUANTITY, "while": LIST, "parameters": Field((dict,), True)}
ARM = {"label": TEXT, "without": LIST, "dose": TABLE, "initial": TABLE, "parameters": TABLE, "change": LIST}
SHOW = {"plots": LIST}
EXPECT = {
    "id": TEXT,
    "that": NEEDED_TEXT,
    "measure": NEEDED_TEXT,
    "between": LIST,
    "above": NUMBER,
    "below": NUMBER,
    "unit": TEXT,
    "source": NEEDED_TEXT,
    "status": TEXT,
    "rule": TEXT,
    "topic": TEXT,
    "claim": TEXT,
    "breaks_in": LIST,
    "missed": TEXT,
}
INHERITED = ("question", "model", "label", "time", "initial", "parameters", "dose", "change", "arms", "show",
             "sweep", "population")  # fmt: skip


def find_scenario(word: str) -> Path:
    """The file that `word` names: a path, or one of ours by name or by its path in the checkout."""
    path = Path(word)
    if path.is_file() or (path.exists() and path.stem not in builtin_scenarios()):
        return path
    ours = builtin_scenarios()
    if path.stem in ours and path.suffix in ("", ".toml") and path.parent in (Path(), Path("scenarios")):
        return ours[path.stem]
    hint = nearest(path.stem, ours) or "; 'list' shows those that come with the simulator"
    raise InputError([InputFault(word, 0, f"no such scenario{hint}", "")])


def read_scenario(
    path: str | Path,
    settings: Mapping[str, str] | None = None,
    sweep_words: SweepWords | None = None,
    interventions: Interventions | None = None,
) -> Scenario:
    """The scenario in a file, with `settings` (``{"dose.aldesleukin.amount": "0 IU/kg"}``), the words of a sweep
    and interventions (``Interventions(knockout=("IL4",))``) on top of it.

    `InputError` holds everything that is wrong with the file, its parents and its model.
    """
    return _ScenarioReader(Path(path)).read(settings or {}, sweep_words, interventions or Interventions())


class _ScenarioReader:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.faults: list[InputFault] = []

    def read(
        self, settings: Mapping[str, str], sweep_words: SweepWords | None, interventions: Interventions
    ) -> Scenario:
        layers = self.layers(self.path, ())
        if sweep_words is not None:
            self.faults += put_words(layers, sweep_words)
        for name, value in settings.items():
            self.apply_setting(layers, name, value)
        truncated: list[str] = []
        if "time.end" in settings:
            from .shorten import shorten

            truncated = shorten(layers)
        model_path = self.model_path(layers)
        if model_path is None:
            raise InputError(self.faults)
        try:
            model = read_model(model_path)
        except InputError as error:
            raise InputError([*self.faults, *error.faults]) from None
        self.faults += put(layers, model, interventions)
        name = str(layers.data["model"])
        scenario = ScenarioBuilder(layers, model, self.faults).build(self.path.stem, name)
        if scenario is not None and sweep_words is not None:
            self.faults += _without_effect(scenario, settings)
        if self.faults or scenario is None:
            raise InputError(self.faults)
        return replace(scenario, truncated=tuple(truncated))

    def layers(self, path: Path, trail: tuple[Path, ...]) -> Layers:
        """The file on top of its parent, its parent's parent, and so on."""
        source = TomlSource(path)
        self.check(source)
        own = Layers.of(_by_name(source))
        parent = source.data.get("extends")
        if not isinstance(parent, str):
            return own
        parent_path = path.parent / parent
        if not parent.endswith(".toml"):
            parent_path = builtin_scenarios().get(parent, parent_path)
        trail = (*trail, path.resolve())
        if parent_path.resolve() in trail:
            names = [file.name for file in (*trail, parent_path)]
            raise InputError(
                [*self.faults, source.fault(("extends",), f"files extend each other: {' -> '.join(names)}")]
            )
        if not parent_path.exists():
            ours = parent_path.stem
            hint = f'; extends = "{ours}" takes the one that comes with us' if ours in builtin_scenarios() else ""
            raise InputError([*self.faults, source.fault(("extends",), f"no file '{parent}' in {path.parent}{hint}")])
        below = self.layers(parent_path, trail)
        below.keep(INHERITED)
        below.put(own)
        return below

    def check(self, source: TomlSource) -> None:
        """The shape of one file: keys and types."""
        data = source.data
        found: list[tuple[tuple[Key, ...], dict[str, Field], Any, str]] = [((), FILE, data, "a scenario")]
        found += [
            ((key,), fields, data[key], f"[{key}]") for key, fields in (("time", TIME), ("show", SHOW)) if key in data
        ]
        for key, fields in (("dose", DOSE), ("change", CHANGE), ("expect", EXPECT)):
            if isinstance(data.get(key), list):
                found += [((key, i), fields, item, f"[[{key}]]") for i, item in enumerate(data[key])]
        for key, fields, inner in (("sweep", SWEEP, VARY), ("population", POPULATION, PATIENT)):
            table = data.get(key)
            if isinstance(table, dict):
                found.append(((key,), fields, table, f"[{key}]"))
                items = table.get("vary", [])
                for i, item in enumerate(items if isinstance(items, list) else []):
                    found.append(((key, "vary", i), inner, item, f"[[{key}.vary]]"))
        measures = data["sweep"].get("measures") if isinstance(data.get("sweep"), dict) else None
        for name, item in measures.items() if isinstance(measures, dict) else []:
            if not isinstance(item, str):
                found.append((("sweep", "measures", name), MEASURE, item, "a measure"))
        arms = data.get("arms", {})
        for name, arm in arms.items() if isinstance(arms, dict) else []:
            found.append((("arms", name), ARM, arm, f"[arms.{name}]"))
            if isinstance(arm, dict) and isinstance(arm.get("dose"), dict):
                fields = {key: field for key, field in DOSE.items() if key != "name"}
                found += [
                    (("arms", name, "dose", dose), fields, item, f"dose.{dose}") for dose, item in arm["dose"].items()
                ]
            if isinstance(arm, dict) and isinstance(arm.get("change"), list):
                found += [
                    (("arms", name, "change", i), CHANGE, item, "a change") for i, item in enumerate(arm["change"])
                ]
            if not is_identifier(name):
                message = f"'{name}' cannot be a name of an arm: letters, digits and _ only; a label may be anything"
                self.faults.append(source.fault(("arms", name), message))
            if name == MAIN:
                self.faults.append(
                    source.fault(("arms", name), f"'{MAIN}' is the scenario itself; choose another name")
                )
        bad = []
        for path, fields, table, what in found:
            problems = list(check_fields(table, fields, what))
            bad += [source.fault((*path, *inner), message) for inner, message in problems]
        if data.get("schema", SCHEMA) != SCHEMA:
            bad.append(source.fault(("schema",), f"this version reads schema {SCHEMA}"))
        if bad:  # the shape is not known, so nothing more can be said about the content
            raise InputError([*self.faults, *bad])

    def apply_setting(self, layers: Layers, name: str, value: str) -> None:
        setting = Setting(f"--set {name}={value}")
        path = _setting_path(layers, name)
        if path is None:
            known = "a parameter, initial.SPECIES, dose.NAME.KEY, time.end, time.every, population.count or seed"
            doses = [f"dose.{each}.amount" for each in layers.data.get("dose", {})]
            hint = nearest(name, doses) if name.startswith("dose.") else ""
            self.faults.append(setting.fault((), f"--set names {known}; '{name}' is none{hint}"))
        else:
            layers.set(path, _setting_value(path, value), setting)

    def model_path(self, layers: Layers) -> Path | None:
        word = layers.data.get("model")
        if not isinstance(word, str):
            self.faults.append(layers.fault((), "the scenario has no model, such as 'immune'"))
            return None
        near = layers.folder_of(("model",))
        path = find_model(word, near)
        if path is None:
            known = builtin_models()
            hint = nearest(word, known) or f"; models are {', '.join(known)}"
            self.faults.append(layers.fault(("model",), f"no model '{word}'{hint}"))
        return path


def _without_effect(scenario: Scenario, settings: Mapping[str, str]) -> Iterator[InputFault]:
    """Settings of what varies: every member has another value. One at a time, others stay as they are set."""
    design = scenario.sweep.design if scenario.sweep else None
    parts = (design.outer, design.inner) if isinstance(design, Product) else (design,) if design else ()
    varied = {axis.path for part in parts if part.kind != "one_at_a_time" for axis in part.axes}
    for name, value in settings.items():
        words = [word.strip() for word in name.split(".")]
        kind = words[0] if words[0] in ("initial", "dose") else "parameters"
        found = scenario.model.find(words[-1], "species" if kind == "initial" else "parameters")
        path = {"initial": f"initial.{found}", "dose": ".".join(words)}.get(kind, found)
        if path in varied:
            message = f"{path} varies from member to member, so that --set has no effect: leave out one of the two"
            yield Setting(f"--set {name}={value}").fault((), message)


def _by_name(source: TomlSource) -> tuple[Table, Origin]:
    """A file's data with its doses as a table by name, so that layers can meet by name."""
    data = {key: value for key, value in source.data.items() if key != "extends"}
    places: dict[tuple[Key, ...], tuple[Key, ...]] = {}
    if "dose" in data:
        doses: Table = {}
        for number, dose in enumerate(data["dose"]):
            name = dose["name"]
            if name in doses:
                raise InputError([source.fault(("dose", number, "name"), f"two doses are named '{name}'")])
            doses[name] = {key: value for key, value in dose.items() if key != "name"}
            places["dose", name] = ("dose", number)
        data["dose"] = doses
    return data, Origin(source, places)


def _setting_path(layers: Layers, name: str) -> tuple[Key, ...] | None:
    parts = tuple(part.strip() for part in name.split("."))
    if len(parts) == 1 and parts[0]:
        return ("parameters", parts[0])
    if len(parts) == 2 and (parts[0] in ("parameters", "initial") or (parts[0] == "time" and parts[1] in TIME)):
        return parts
    if len(parts) == 2 and parts[0] == "population" and "population" in layers.data:
        return parts if parts[1] in ("count", "seed") else None
    if len(parts) == 3 and parts[0] == "dose" and parts[1] in layers.data.get("dose", {}):
        return parts if parts[2] in DOSE and parts[2] != "name" else None
    return None


def _setting_value(path: Sequence[Key], value: str) -> Any:
    if path[-1] == "count" or path == ("population", "seed"):
        try:
            return int(value)
        except ValueError:
            return value
    return value
