"""Model files: TOML modules become one checked `Model`."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from ...model.declarations import ModelError, ModelFault, Module, Replaced
from ...model.expression import is_identifier
from ...model.model import Model
from ...model.units import UnitError, unit
from ...runtime.errors import InputError, InputFault
from ...runtime.names import nearest
from ..kept_models import REFERENCES, keep_model, kept_model
from ..reading import exists, same_file
from .catalogue import BIOLOGY, builtin_models
from .copies import CopiedTable, Copy, check_copies, copied_module, copied_tables, entry_faults, is_sum, without_use
from .model_sections import SCHEMA, SECTIONS, InnerError, Known
from .replacing import REPLACE, Replacement, is_replacement, left_over, nothing_to_replace, replaced
from .source import LIST, NUMBER, REQUIRED_LINE, TABLE, TEXT, Table, TomlSource, check_fields, table_or_empty
from .synonyms import SYNONYMS, own_synonyms, shared_synonyms

FILE = {
    "schema": NUMBER,
    "title": REQUIRED_LINE,
    "time_unit": TEXT,
    "limitations": TEXT,
    "modules": LIST,
    "taken_from": TABLE,
    "synonyms": TABLE,
    **dict.fromkeys(SECTIONS, TABLE),
}
TAKEN = ("parameters", "substances")  # what a file may take from a module without taking its laws
ONE_NAMESPACE = ("species", "parameters", "reactions", "observables")
APART = ("sources", "interventions")  # may share names with others: interleukin 2 is a species and an intervention


class _Declared(NamedTuple):
    """A table that declares something, and the file it is in. right: whether its keys and types are right.

    key: what the file calls it, which is another name where it belongs to a `copy`. value: what it declares, where that
    is known already.
    """

    source: TomlSource
    key: str
    table: Table
    right: bool
    copy: Copy | None = None
    value: Any = None


def find_model(word: str, near: Path) -> Path | None:
    """The file that `word` names: a built-in model, or a path relative to the folder `near`. None if there is none."""
    if word.endswith(".toml"):
        path = near / word
        return path if exists(path) else None
    return builtin_models().get(word)


def no_model(word: str) -> str:
    """What is wrong with a word for which `find_model` finds nothing."""
    known = builtin_models()
    hint = nearest(word, known) or f"; models are {', '.join(known)}"
    return f"no model '{word}'{hint}"


def read_model(path: str | Path) -> Model:
    """The model in a file and the modules it names, as it was kept if none of these files has changed since.

    Raises `InputError` with everything that is wrong.
    """
    path = Path(path)
    found = kept_model(path)
    if found is None:
        reader = _ModelReader(path)
        found = reader.read()
        files = [*(each.path for each in reader.files.values()), *reader.lenders, SYNONYMS]
        keep_model(path, found, files, reader.absent)
    return found


class _ModelReader:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.faults: list[InputFault] = []
        self.files: dict[str, TomlSource] = {}  # by `same_file`
        self.modules: dict[str, TomlSource] = {}  # those used by their own names, by `same_file`
        self.copies: list[Copy] = []
        self.copied: dict[str, Module] = {}  # by the name of the copy
        self.declared: dict[str, dict[str, _Declared]] = {section: {} for section in SECTIONS}
        self.lenders: dict[Path, TomlSource] = {}  # the files that parameters and substances are taken from
        self.replacements: list[Replacement] = []
        self.replaced: dict[str, Replaced] = {}
        self.absent: list[Path] = []  # where modules were looked for and not found
        self.missing = False  # a module that cannot be read may declare anything

    def read(self) -> Model:
        top = TomlSource(self.path)
        top.check_ours()
        self.gather(top, ())
        self.declare_copies()
        self.replace_all()
        if REFERENCES.exists() and REFERENCES.resolve() != self.path.resolve():
            shared, faults = _references(REFERENCES.stat().st_mtime_ns)
            self.faults += faults
            own = self.declared["sources"]
            own |= {name: each for name, each in shared.items() if name not in own}
        time_unit = self.time_unit(top)
        if self.missing:
            raise InputError(self.faults)
        synonyms = self.synonyms()
        substances = self.section("substances", Known(self.declared["sources"], {}))
        known = Known(self.declared["sources"], substances)
        rest = {name: self.section(name, known) for name in SECTIONS if name != "substances"}
        if self.faults:
            raise InputError(self.faults)
        try:
            return Model(
                id=self.path.stem,
                title=top.data["title"],
                time_unit_text=time_unit,
                limitations=top.data.get("limitations", ""),
                modules={each.path.stem: _module(each) for each in self.modules.values() if each is not top}
                | self.copied,
                substances=substances,
                replaced=self.replaced,
                synonyms=synonyms,
                **rest,
            )
        except ModelError as error:
            raise InputError([self.locate(fault) for fault in error.faults]) from None

    def time_unit(self, top: TomlSource) -> str:
        """The time unit of the model; an empty text, and a fault, if there is none."""
        text = top.data.get("time_unit")
        if not isinstance(text, str):
            self.faults.append(top.fault((), "the model has no time_unit, such as 'd'"))
            return ""
        try:
            if not unit(text).same_dimension(unit("d")):
                raise UnitError(f"'{text}' is no unit of time")
        except UnitError as error:
            self.faults.append(top.fault(("time_unit",), str(error)))
        return text

    def locate(self, fault: ModelFault) -> InputFault:
        """A fault of the model at its file and line."""
        if not fault.path:
            return TomlSource(self.path).fault((), fault.message)
        section, name, *rest = fault.path
        declared = self.declared[str(section)][str(name)]
        message = declared.copy.inside(fault.message) if declared.copy else fault.message
        return declared.source.fault((section, declared.key, *rest), message)

    def gather(self, source: TomlSource, trail: tuple[str, ...]) -> None:
        """Collects the declarations of a file and of its modules; `trail` are the files that name it."""
        self.modules[same_file(source.path)] = source
        self.gather_modules(source, trail)
        for section in SECTIONS:
            table = source.data.get(section, {})
            for name, declared in table.items() if isinstance(table, dict) else []:
                if is_replacement(declared) and REPLACE in SECTIONS[section].fields:
                    self.replacements.append(Replacement(source, section, name, declared))
                else:
                    self.declare(section, name, declared, source)
        self.take_all(source)

    def gather_modules(self, source: TomlSource, trail: tuple[str, ...]) -> None:
        """Notes the faults of the keys of a file, and collects its modules and copies, once."""
        if same_file(source.path) in self.files:
            return
        self.files[same_file(source.path)] = source
        for path, message in check_fields(source.data, FILE, "a model file"):
            self.faults.append(source.fault(path, message))
        if source.data.get("schema", SCHEMA) != SCHEMA:
            self.faults.append(source.fault(("schema",), f"this version reads schema {SCHEMA}"))
        entries = source.data.get("modules", [])
        seen: list[object] = []
        for entry in entries if isinstance(entries, list) else []:
            if isinstance(entry, dict):
                self.copy(source, entry, (*trail, source.path.stem))
            elif entry in seen:
                again = f'to use it again under another name: {{ use = "{entry}", as = "NAME" }}'
                self.faults.append(source.fault(("modules",), f"{entry!r} is named twice; {again}", [str(entry)]))
            else:
                module = self.module(source, entry, (*trail, source.path.stem))
                if module is not None and same_file(module.path) not in self.modules:
                    self.gather(module, (*trail, source.path.stem))
            seen.append(entry)

    def copy(self, source: TomlSource, entry: Table, trail: tuple[str, ...]) -> None:
        """Notes a module that `source` uses under another name, and collects the modules that it names."""
        wrong = list(entry_faults(entry))
        words = next(((key, entry[key]) for key in ("as", "use") if isinstance(entry.get(key), str)), ())
        self.faults += [source.fault(("modules",), message, words) for message in wrong]
        if wrong:
            self.missing = True
        elif (module := self.module(source, entry["use"], trail)) is not None:
            label = str(entry.get("label", entry["as"]))
            self.copies.append(Copy(source, module, entry["as"], label, entry.get("rename", {})))
            self.gather_modules(module, trail)

    def module(self, source: TomlSource, name: object, trail: tuple[str, ...]) -> TomlSource | None:
        """The file of a module that `source` names; None, and a fault, if there is none that can be read."""
        path = self.module_path(source, name)
        if path is None:
            self.no_module(source, ("modules",), name)
            return None
        if path.stem in trail:
            circle = " -> ".join([*trail, path.stem])
            self.faults.append(source.fault(("modules",), f"modules name each other: {circle}", [str(name)]))
            return None
        try:
            return self.files.get(same_file(path)) or TomlSource(path)
        except InputError as error:
            self.faults += error.faults
            self.missing = True
            return None

    def declare_copies(self) -> None:
        """Declares what copies have of their own, and what they share unless the module itself has declared it."""
        self.faults += check_copies(self.copies, [each.path.stem for each in self.modules.values()])
        only = {same_file(copy.source.path): copy.source for copy in self.copies}
        for path, source in only.items():
            if path not in self.modules:
                self.take_all(source)
        found: dict[str, list[CopiedTable]] = {copy.name: [] for copy in self.copies}
        for each in copied_tables(self.copies):
            if is_sum(each.section, each.table) and self.is_there(each):
                self.add(each)
            elif not self.is_there(each):
                self.declare(each.section, each.name, each.table, each.copy.source, each.key, each.copy)
                found[each.copy.name].append(each)
        known = [name for section in (*ONE_NAMESPACE, "interventions") for name in self.declared[section]]
        for copy in self.copies:
            self.copied[copy.name] = copied_module(copy, found[copy.name])
            faults = list(without_use(copy, found[copy.name], known))
            self.missing |= bool(faults)
            self.faults += faults

    def replace_all(self) -> None:
        """Puts the tables that replace others in their place, and leaves out parameters that only those named."""
        gone = []
        for each in self.replacements:
            section, name = each.section, each.name
            place = section, name, REPLACE
            earlier = self.declared[section].get(name)
            if earlier is None:
                self.faults.append(each.source.fault(place, nothing_to_replace(each, self.declared[section])))
                continue
            if name in self.replaced:
                message = f"'{name}' is replaced already, in {self.replaced[name].by}"
                self.faults.append(each.source.fault(place, message))
                continue
            module = earlier.copy.name if earlier.copy else earlier.source.path.stem
            self.replaced[name] = replaced(each, module, earlier.table)
            gone.append((section, earlier.table))
            del self.declared[section][name]
            self.declare(section, name, each.own, each.source)
        tables = {
            section: {name: each.table for name, each in found.items()} for section, found in self.declared.items()
        }
        for name in left_over(tables, gone):
            del self.declared["parameters"][name]

    def synonyms(self) -> dict[str, str]:
        """Names by other words for them, those of the files of the model before those that all models share."""
        names = dict.fromkeys(name for section in (*ONE_NAMESPACE, "interventions") for name in self.declared[section])
        found = shared_synonyms(names)
        for source in self.files.values():
            found |= own_synonyms(source, names, self.faults)
        return found

    def add(self, each: CopiedTable) -> None:
        """Adds what a copy gives to an observable that sums over a module and its copies."""
        earlier = self.declared[each.section][each.name]
        if earlier.right:
            value = f"{earlier.table['value']} + {each.table['value']}"
            self.declared[each.section][each.name] = earlier._replace(table=earlier.table | {"value": value})

    def is_there(self, each: CopiedTable) -> bool:
        """Whether the model has what a copy needs: the same table, or one that the copy uses in its place."""
        earlier = self.declared[each.section].get(each.name)
        if each.name == each.key and earlier is not None:
            return same_file(earlier.source.path) == same_file(each.copy.source.path)
        replaced = each.section in ("parameters", "observables") and each.key in each.copy.rename
        return replaced and any(each.name in self.declared[section] for section in ONE_NAMESPACE)

    def take_all(self, source: TomlSource) -> None:
        taken = source.data.get("taken_from", {})
        for name, wanted in taken.items() if isinstance(taken, dict) else []:
            self.take(source, name, wanted)

    def take(self, source: TomlSource, name: str, wanted: object) -> None:
        """Records parameters and substances of the module `name`, as that declares them, for the file `source`."""
        place = ("taken_from", name)
        if not isinstance(wanted, list) or not all(isinstance(each, str) for each in wanted):
            self.faults.append(source.fault(place, f"expected a list of parameters and substances of {name}"))
            return
        path = self.module_path(source, name)
        if path is None:
            self.no_module(source, place, name)
            return
        try:
            lender = self.lenders.setdefault(path, TomlSource(path))
        except InputError as error:
            self.faults += error.faults
            self.missing = True
            return
        offered = {section: table_or_empty(lender.data.get(section)) for section in TAKEN}
        self.gather_sources(lender)
        for each in wanted:
            found = [section for section in TAKEN if each in offered[section]]
            for section in found:
                self.declare(section, each, offered[section][each], lender)
            if not found:
                known = [known for tables in offered.values() for known in tables]
                message = f"{name} declares no parameter or substance '{each}'{nearest(each, known)}"
                self.faults.append(source.fault(place, message))
                self.missing = True

    def no_module(self, source: TomlSource, place: tuple[str, ...], name: object) -> None:
        known = [file.stem for file in BIOLOGY.glob("*.toml")]
        self.faults.append(source.fault(place, f"no module {name!r}{nearest(str(name), known)}", [str(name)]))
        self.missing = True

    def module_path(self, source: TomlSource, name: object) -> Path | None:
        if not isinstance(name, str):
            return None
        own = source.path.parent / (name if name.endswith(".toml") else f"{name}.toml")
        for path in (own, BIOLOGY / f"{name}.toml", BIOLOGY / "published" / f"{name}.toml"):
            if exists(path):
                return path
            self.absent.append(path)
        return None

    def gather_sources(self, source: TomlSource) -> None:
        for name, declared in source.data.get("sources", {}).items():
            if name not in self.declared["sources"]:
                self.declare("sources", name, declared, source)

    def declare(
        self, section: str, name: str, table: object, source: TomlSource, key: str = "", copy: Copy | None = None
    ) -> None:
        """Records what a table declares, and the faults of its keys, types and name.

        key: what the file calls it, where a `copy` calls it by another name.
        """
        key = key or name
        faults = list(check_fields(table, SECTIONS[section].fields, f"[{section}.{key}]"))
        self.faults += [source.fault((section, key, *path), message) for path, message in faults]
        if not is_identifier(name):
            self.faults.append(
                source.fault(
                    (section, name), f"'{name}' cannot be a name: letters, digits and _ only, and no function's name"
                )
            )
        for other in (section,) if section in APART else (*ONE_NAMESPACE, "substances"):
            earlier = self.declared[other].get(name)
            if earlier is not None and (other == section or "substances" not in (other, section)):
                where = earlier.source.fault((other, earlier.key), "")
                message = f"'{name}' is declared already, in {where.file}:{where.line}"
                if copy is not None:
                    message = f'{copy.inside(message)}; rename = {{ {key} = "NAME" }} gives it another'
                self.faults.append(source.fault((section, key), message))
        self.declared[section][name] = _Declared(source, key, table_or_empty(table), not faults, copy)

    def section(self, section: str, known: Known) -> dict[str, Any]:
        """The declared values of a section, without those that are wrong."""
        return {
            name: value
            for name, declared in self.declared[section].items()
            if declared.right and (value := declared.value or self.value(section, name, declared, known)) is not None
        }

    def value(self, section: str, name: str, declared: _Declared, known: Known) -> Any:
        """The value that a table declares, or None and a fault for every key that is wrong."""
        kind, rows = SECTIONS[section]
        attributes: dict[str, Any] = {}
        right = True
        for key, row in rows.items():
            try:
                attributes |= row.read(declared.table, known)
            except ValueError as error:
                inner = error.inner if isinstance(error, InnerError) else ()
                self.faults.append(declared.source.fault((section, declared.key, key, *inner), str(error)))
                right = False
        return kind(id=name, **attributes) if right else None


@lru_cache(maxsize=1)  # one model after another needs the same
def _references(modified: int) -> tuple[dict[str, _Declared], list[InputFault]]:
    """The shared references, in a file that was changed last at the time `modified`, and its faults."""
    reader = _ModelReader(REFERENCES)
    reader.gather_sources(TomlSource(REFERENCES))
    nothing = Known((), {})
    declared = {
        name: each._replace(value=reader.value("sources", name, each, nothing) if each.right else None)
        for name, each in reader.declared["sources"].items()
    }
    return declared, reader.faults


def _module(source: TomlSource) -> Module:
    """What a file of the model says of itself, and the names it declares."""
    sections = [section for section in ("sources", *SECTIONS) if section != "interventions"]
    names = dict.fromkeys(name for section in sections for name in source.data.get(section, {}))
    data = source.data
    return Module(
        data.get("title", ""), data.get("limitations", ""), tuple(names), tuple(data.get("interventions", {}))
    )
