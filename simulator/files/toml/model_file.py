"""Model files: TOML modules become one checked `Model`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ...model.declarations import (
    STATUSES,
    Intervention,
    ModelError,
    ModelFault,
    Module,
    Observable,
    Parameter,
    Reaction,
    Source,
    Species,
    is_status,
    read_equation,
)
from ...model.expression import Expression, FormulaError, Number, is_identifier, parse
from ...model.model import Model
from ...model.units import Substance, Unit, UnitError, in_moles, quantity, unit
from ...runtime.errors import InputError, InputFault
from ...runtime.names import nearest
from .catalogue import BIOLOGY, builtin_models
from .source import LIST, NUMBER, REQUIRED_NUMBER, REQUIRED_TEXT, TABLE, TEXT, Field, Key, TomlSource, check_fields

SCHEMA = 1

FILE = {
    "schema": NUMBER,
    "title": REQUIRED_TEXT,
    "time_unit": TEXT,
    "limitations": TEXT,
    "modules": LIST,
    "substances": TABLE,
    "species": TABLE,
    "parameters": TABLE,
    "reactions": TABLE,
    "observables": TABLE,
    "interventions": TABLE,
    "sources": TABLE,
}
SECTIONS: Mapping[str, dict[str, Field]] = {
    "sources": {"citation": REQUIRED_TEXT, "link": TEXT},
    "substances": {
        "label": REQUIRED_TEXT,
        "molar_mass": REQUIRED_TEXT,
        "unit_mass": TEXT,
        "source": REQUIRED_TEXT,
        "status": REQUIRED_TEXT,
    },
    "species": {
        "label": REQUIRED_TEXT,
        "unit": REQUIRED_TEXT,
        "initial": Field((int, float, str), True),
        "scale": REQUIRED_NUMBER,
        "substance": TEXT,
        "volume": TEXT,
        "signed": Field((bool,)),
        "note": TEXT,
    },
    "parameters": {
        "label": REQUIRED_TEXT,
        "value": REQUIRED_NUMBER,
        "unit": REQUIRED_TEXT,
        "range": LIST,
        "source": REQUIRED_TEXT,
        "status": REQUIRED_TEXT,
        "substance": TEXT,
    },
    "reactions": {"label": TEXT, "equation": REQUIRED_TEXT, "rate": REQUIRED_TEXT, "source": REQUIRED_TEXT},
    "observables": {"label": REQUIRED_TEXT, "unit": REQUIRED_TEXT, "value": REQUIRED_TEXT},
    "interventions": {
        "label": REQUIRED_TEXT,
        "knockout": TABLE,
        "block": TEXT,
        "heard": TEXT,
        "dose": Field((str, dict)),
        "note": TEXT,
    },
}
APART = ("sources", "interventions")  # their names are their own: interleukin 2 is a species and an intervention


class _Declared(NamedTuple):
    source: TomlSource
    table: dict[str, Any]


def find_model(word: str, near: Path) -> Path | None:
    """The file that `word` names: a built-in model, or a path relative to the folder `near`."""
    if word.endswith(".toml"):
        path = near / word
        return path if path.exists() else None
    return builtin_models().get(word)


def read_model(path: str | Path) -> Model:
    """The model in a file and the modules it names; `InputError` holds everything wrong."""
    return _ModelReader(Path(path)).read()


class _ModelReader:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.faults: list[InputFault] = []
        self.modules: dict[Path, TomlSource] = {}
        self.declared: dict[str, dict[str, _Declared]] = {section: {} for section in SECTIONS}

    def read(self) -> Model:
        top = TomlSource(self.path)
        self.gather(top, ())
        shared = BIOLOGY / "references.toml"
        if shared.exists() and shared.resolve() != self.path.resolve():
            self.gather_sources(TomlSource(shared))
        if not isinstance(top.data.get("time_unit"), str):
            self.faults.append(top.fault((), "the model has no time_unit, such as 'd'"))
        parts = {section: self.section(section) for section in SECTIONS}
        if self.faults:
            raise InputError(self.faults)
        try:
            return Model(
                id=self.path.stem,
                title=top.data["title"],
                time_unit_text=self.time_unit(top),
                limitations=top.data.get("limitations", ""),
                modules={
                    path.stem: Module(
                        source.data.get("title", ""),
                        source.data.get("limitations", ""),
                        tuple(
                            name
                            for section in SECTIONS
                            if section != "interventions"
                            for name in source.data.get(section, {})
                        ),
                        tuple(source.data.get("interventions", {})),
                    )
                    for path, source in self.modules.items()
                    if source is not top
                },
                **{section: parts[section] for section in SECTIONS},
            )
        except ModelError as error:
            raise InputError([self.locate(fault) for fault in error.faults]) from None

    def time_unit(self, top: TomlSource) -> str:
        text: str = top.data["time_unit"]
        try:
            if not unit(text).same_dimension(unit("d")):
                raise UnitError(f"'{text}' is no unit of time")
        except UnitError as error:
            raise InputError([top.fault(("time_unit",), str(error))]) from None
        return text

    def locate(self, fault: ModelFault) -> InputFault:
        if not fault.path:
            return TomlSource(self.path).fault((), fault.message)
        section, name, *rest = fault.path
        source = self.declared[str(section)][str(name)].source
        return source.fault((section, name, *rest), fault.message)

    def gather(self, source: TomlSource, trail: tuple[str, ...]) -> None:
        """Collects the declarations of a file and of the modules it names."""
        stem = source.path.stem
        self.modules[source.path.resolve()] = source
        for path, message in check_fields(source.data, FILE, "a model file"):
            self.faults.append(source.fault(path, message))
        if source.data.get("schema", SCHEMA) != SCHEMA:
            self.faults.append(source.fault(("schema",), f"this version reads schema {SCHEMA}"))
        modules = source.data.get("modules", [])
        for name in modules if isinstance(modules, list) else []:
            self.module(source, name, (*trail, stem))
        for section in SECTIONS:
            table = source.data.get(section, {})
            for name, declared in table.items() if isinstance(table, dict) else []:
                self.declare(section, name, declared, source)

    def module(self, source: TomlSource, name: object, trail: tuple[str, ...]) -> None:
        path = self.module_path(source, name)
        if path is None:
            known = [file.stem for file in BIOLOGY.glob("*.toml")]
            self.faults.append(source.fault(("modules",), f"no module {name!r}{nearest(str(name), known)}"))
        elif path.stem in trail:
            self.faults.append(
                source.fault(("modules",), f"modules name each other: {' -> '.join([*trail, path.stem])}")
            )
        elif path.resolve() not in self.modules:
            try:
                self.gather(TomlSource(path), trail)
            except InputError as error:
                self.faults += error.faults

    def module_path(self, source: TomlSource, name: object) -> Path | None:
        if not isinstance(name, str):
            return None
        own = source.path.parent / (name if name.endswith(".toml") else f"{name}.toml")
        for path in (own, BIOLOGY / f"{name}.toml", BIOLOGY / "published" / f"{name}.toml"):
            if path.exists():
                return path
        return None

    def gather_sources(self, source: TomlSource) -> None:
        for name, declared in source.data.get("sources", {}).items():
            if name not in self.declared["sources"]:
                self.declare("sources", name, declared, source)

    def declare(self, section: str, name: str, table: object, source: TomlSource) -> None:
        faults = list(check_fields(table, SECTIONS[section], f"[{section}.{name}]"))
        self.faults += [source.fault((section, name, *path), message) for path, message in faults]
        if not is_identifier(name):
            self.faults.append(
                source.fault(
                    (section, name), f"'{name}' cannot be a name: letters, digits and _ only, and no function's name"
                )
            )
        for other in (
            (section,) if section in APART else ("species", "parameters", "reactions", "observables", "substances")
        ):
            earlier = self.declared[other].get(name)
            if earlier is not None and (other == section or "substances" not in (other, section)):
                where = earlier.source.fault((other, name), "")
                self.faults.append(
                    source.fault((section, name), f"'{name}' is declared already, in {where.file}:{where.line}")
                )
        if not faults and isinstance(table, dict):
            self.declared[section][name] = _Declared(source, table)

    def section(self, section: str) -> dict[str, Any]:
        """The declared things of a section, made into values; faults are collected."""
        make = getattr(self, f"make_{section}")
        made = {}
        for name, declared in self.declared[section].items():
            field: list[Key] = []
            try:
                made[name] = make(name, declared.table, field)
            except (UnitError, FormulaError, ValueError) as error:
                self.faults.append(declared.source.fault((section, name, *field), str(error)))
        return made

    # Each maker sets `field` to the key it is reading, so that a fault can name its line.

    def make_sources(self, name: str, table: dict[str, Any], field: list[Key]) -> Source:
        return Source(name, table["citation"], table.get("link", ""))

    def make_substances(self, name: str, table: dict[str, Any], field: list[Key]) -> Substance:
        field[:] = ["molar_mass"]
        number, given, _ = quantity(table["molar_mass"])
        molar_mass = _positive(number) * given.to(unit("kg/mol"))
        unit_mass = None
        if "unit_mass" in table:
            field[:] = ["unit_mass"]
            number, given, _ = quantity(table["unit_mass"])
            unit_mass = _positive(number) * given.to(unit("kg/IU"))
        self.check_origin(table, field)
        texts = table["molar_mass"], table.get("unit_mass", "")
        return Substance(name, table["label"], molar_mass, unit_mass, table["source"], table["status"], *texts)

    def make_species(self, name: str, table: dict[str, Any], field: list[Key]) -> Species:
        field[:] = ["unit"]
        measured_in = self.unit_of(table)
        field[:] = ["initial"]
        given = table["initial"]
        initial: Expression = parse(given) if isinstance(given, str) else Number(float(given))
        if isinstance(initial, Number) and initial.value < 0 and not table.get("signed"):
            raise ValueError(f"an initial value cannot be negative, found {initial.value:g}")
        field[:] = ["scale"]
        scale = _positive(table["scale"])
        return Species(
            name,
            table["label"],
            table["unit"],
            measured_in,
            repr(initial.value) if isinstance(initial, Number) else str(given),
            initial,
            scale,
            table.get("substance"),
            table.get("volume"),
            table.get("signed", False),
            table.get("note", ""),
        )

    def make_parameters(self, name: str, table: dict[str, Any], field: list[Key]) -> Parameter:
        field[:] = ["unit"]
        measured_in = self.unit_of(table)
        field[:] = ["range"]
        bounds = table.get("range")
        if bounds is not None:
            if len(bounds) != 2 or not all(
                isinstance(bound, (int, float)) and math.isfinite(bound) for bound in bounds
            ):
                raise ValueError(f"a range is [lowest, highest], found {bounds!r}")
            if not bounds[0] <= table["value"] <= bounds[1]:
                raise ValueError(f"the value {table['value']:g} lies outside its range {bounds!r}")
        self.check_origin(table, field)
        return Parameter(
            name,
            table["label"],
            float(table["value"]),
            table["unit"],
            measured_in,
            table["source"],
            table["status"],
            (float(bounds[0]), float(bounds[1])) if bounds else None,
            table.get("substance"),
        )

    def make_reactions(self, name: str, table: dict[str, Any], field: list[Key]) -> Reaction:
        field[:] = ["equation"]
        stoichiometry = tuple(read_equation(table["equation"]).items())
        field[:] = ["rate"]
        rate = parse(table["rate"])
        field[:] = ["source"]
        self.check_source(table["source"])
        return Reaction(
            name, table.get("label", ""), table["equation"], stoichiometry, table["rate"], rate, table["source"]
        )

    def make_observables(self, name: str, table: dict[str, Any], field: list[Key]) -> Observable:
        field[:] = ["unit"]
        measured_in = unit(table["unit"])
        field[:] = ["value"]
        return Observable(name, table["label"], table["unit"], measured_in, table["value"], parse(table["value"]))

    def make_interventions(self, name: str, table: dict[str, Any], field: list[Key]) -> Intervention:
        knockout = table.get("knockout", {})
        for parameter, value in knockout.items():
            field[:] = ["knockout", parameter]
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
                raise ValueError(f"expected a number in the unit of {parameter}, found {value!r}")
        dose = table.get("dose", {})
        dose = {"": dose} if isinstance(dose, str) else dose
        for route, target in dose.items():
            field[:] = ["dose", route]
            if not isinstance(target, str):
                raise ValueError(f"expected the name of a species, found {target!r}")
            if route and not is_identifier(route):
                raise ValueError(f"'{route}' cannot be a route: letters, digits and _ only")
        values = {parameter: float(value) for parameter, value in knockout.items()}
        return Intervention(
            name, table["label"], values, table.get("block"), table.get("heard"), dose, table.get("note", "")
        )

    def unit_of(self, table: dict[str, Any]) -> Unit:
        measured_in = unit(table["unit"])
        name = table.get("substance")
        if name is None or name not in self.declared["substances"]:
            return measured_in
        substance: Substance = self.make_substances(name, self.declared["substances"][name].table, [])
        return in_moles(measured_in, substance)

    def check_origin(self, table: dict[str, Any], field: list[Key]) -> None:
        field[:] = ["status"]
        if not is_status(table["status"]):
            raise ValueError(f"the status {table['status']!r} is none of: {', '.join(STATUSES)}")
        field[:] = ["source"]
        self.check_source(table["source"], table["status"])

    def check_source(self, text: str, status: str = "") -> None:
        """Sources are 'Key, place', several separated by ';'. What is assumed, or a knob, may say so."""
        for part in text.split(";"):
            key = part.split(",")[0].strip()
            if key in ("assumed", "knob") and (status.startswith(key) or not status):
                continue
            if key not in self.declared["sources"]:
                raise ValueError(f"no source '{key}' is declared{nearest(key, self.declared['sources'])}")


def _positive(number: float) -> float:
    if not number > 0:
        raise ValueError(f"must be above zero, found {number:g}")
    return float(number)
