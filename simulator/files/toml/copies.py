"""Modules that a model uses again under another name: which names a copy has of its own, and its tables with them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ...model.declarations import Module
from ...model.expression import is_identifier
from ...runtime.errors import InputFault
from ...runtime.names import nearest
from .model_sections import SECTIONS
from .source import LINE, REQUIRED_LINE, TABLE, Table, TomlSource, check_fields, table_or_empty

ENTRY = {"use": REQUIRED_LINE, "as": REQUIRED_LINE, "label": LINE, "rename": TABLE}
_NAME = re.compile(r"(?<![\w.])[A-Za-z]\w*")
_ONE_NAMESPACE = ("species", "parameters", "reactions", "observables")
_FORMULAS = {  # the keys whose text holds names, by section
    "species": ("initial", "volume"),
    "reactions": ("equation", "rate"),
    "observables": ("value",),
    "interventions": ("knockout", "block", "remaining", "dose"),
}


class Copy(NamedTuple):
    """One entry ``{ use = "t_clone", as = "tumour", rename = { ... } }`` of `modules`.

    asked: the file that has the entry. source: the module. word: what `as` says. label: what stands in parentheses
    behind the labels of the copy. rename: what the entry renames.
    """

    asked: TomlSource
    source: TomlSource
    word: str
    label: str
    rename: Mapping[str, str]

    @property
    def name(self) -> str:
        """What the copy is called: ``t_clone_tumour``."""
        return f"{self.source.path.stem}_{self.word}"

    @property
    def place(self) -> str:
        """The entry, for messages: ``'tumour' in immune.toml:22``."""
        return f"'{self.word}' in {self.asked.name}:{self.asked.line_of(('modules',), ('as', self.word))}"

    def fault(self, message: str) -> InputFault:
        """`message` as a fault at the line of the entry."""
        return self.asked.fault(("modules",), message, ("as", self.word))

    def inside(self, message: str) -> str:
        """A message about a line of the module that is wrong in this copy."""
        return f"in the copy {self.place}: {message}"


class CopiedTable(NamedTuple):
    """A table of a module as a copy has it. key: what the module calls it; name: what the copy calls it."""

    copy: Copy
    section: str
    key: str
    name: str
    table: Any


def copied_module(copy: Copy, found: Sequence[CopiedTable]) -> Module:
    """A copy as a module of the model, with what it declares; what is not modelled is as in the module itself."""
    head, colon, rest = str(copy.source.data.get("title", "")).partition(":")
    title, limitations = f"{head} ({copy.label}){colon}{rest}", f"As {copy.source.path.stem}."
    interventions = tuple(each.name for each in found if each.section == "interventions")
    names = dict.fromkeys(each.name for each in found if each.section != "interventions")
    return Module(title, limitations, tuple(names), interventions)


def entry_faults(entry: Table) -> Iterator[str]:
    """What is wrong with an entry of `modules` that is a table."""
    yield from (message for _, message in check_fields(entry, ENTRY, "a module that is used under another name"))
    word, rename = entry.get("as"), entry.get("rename")
    if isinstance(word, str) and word and not is_identifier(f"x_{word}"):
        yield f"as is put behind names, so it has letters, digits and _ only; found '{word}'"
    if entry.get("label") == "":
        yield "label is empty; without it the word of as stands behind labels"
    for key, name in rename.items() if isinstance(rename, dict) else ():
        if not isinstance(name, str) or not is_identifier(name):
            yield f"rename {key}: expected a name of letters, digits and _, found {name!r}"


def check_copies(copies: Sequence[Copy], modules: Collection[str]) -> Iterator[InputFault]:
    """What is wrong with the entries of a model, whose other modules are `modules`: a name that is taken, a copy of
    which nothing differs, or what is renamed and is not there."""
    seen: dict[str, Copy] = {}
    renamed: dict[tuple[str, str], Copy] = {}
    for copy in copies:
        earlier = seen.setdefault(copy.name, copy)
        if earlier is not copy:
            yield copy.fault(f"{copy.source.path.stem} is used as {earlier.place} already; give it another name")
        if copy.name in modules:
            yield copy.fault(f"the copy would be called {copy.name}, as another module is; give it another name")
        known = [each for each in _known(copy.source) if is_identifier(each)]
        for key, name in copy.rename.items():
            if key not in known:
                hint = nearest(key, known)
                yield copy.fault(f"rename: {copy.source.path.stem} has no name '{key}'{hint}")
            first = renamed.setdefault((copy.word, key), copy)
            if first.rename[key] != name:
                found = f"'{first.rename[key]}' for {first.place}"
                yield copy.fault(f"rename: '{key}' is {found}, and here '{name}'; copies of one name agree")


def copied_tables(copies: Sequence[Copy]) -> Iterator[CopiedTable]:
    """Every table of every copy.

    Where name and key are one, it is the same in all copies, and in the module, or an observable that sums over them:
    then its value is what the copy adds.
    """
    for word in dict.fromkeys(copy.word for copy in copies):
        together = [copy for copy in copies if copy.word == word]
        own = _own_names(together)
        for copy in together:
            for section in SECTIONS:
                for key, table in _tables(copy.source, section).items():
                    name = _name(copy, section, key, table, own)
                    found = table if name == key else _table(section, table, own, copy.label)
                    if is_sum(section, table):
                        found = table | {"value": _renamed(table.get("value"), own)}
                    yield CopiedTable(copy, section, key, name, found)


def is_sum(section: str, table: object) -> bool:
    """Whether a table of a module is an observable that is one for the module and its copies: the sum of all."""
    return section == "observables" and isinstance(table, dict) and table.get("sum") is True


def without_use(copy: Copy, found: Collection[CopiedTable], known: Collection[str]) -> Iterator[InputFault]:
    """What is wrong where a copy, which declares `found`, differs in nothing, or needs a name that is not `known`."""
    module = copy.source.path.stem
    if all(each.name == each.key for each in found):
        yield copy.fault(f"nothing of {module} differs in this copy: it has no species, and nothing is renamed")
    for key, name in copy.rename.items():
        if name not in known:
            hint = nearest(name, list(known))
            yield copy.fault(f"rename: nothing is called '{name}', which is to stand for '{key}'{hint}")


def _name(copy: Copy, section: str, key: str, table: object, own: Mapping[str, str]) -> str:
    """What the copy calls a table. An intervention is its own where it acts on a name that is."""
    if section in _ONE_NAMESPACE:
        return own.get(key, key)
    if section == "interventions" and not own.keys().isdisjoint(mentioned(section, table)):
        return own.get(key, f"{key}_{copy.word}")
    return key


def _own_names(copies: Sequence[Copy]) -> dict[str, str]:
    """The names that copies of one word have of their own: as the module writes them, and as the copies call them.

    These are species, what is renamed, and every reaction and observable that contains such a name. What contains
    none is the same in every copy, and so are parameters that are not renamed, sums, and what is renamed to itself.
    """
    word = copies[0].word
    rename = {key: name for copy in copies for key, name in copy.rename.items()}
    own = {name: f"{name}_{word}" for copy in copies for name in _tables(copy.source, "species")} | rename
    shared = {key for key, name in rename.items() if key == name}
    shared |= {
        name
        for copy in copies
        for name, table in _tables(copy.source, "observables").items()
        if is_sum("observables", table)
    }
    own = {key: name for key, name in own.items() if key not in shared}
    while True:
        found = {
            name: f"{name}_{word}"
            for copy in copies
            for section in ("reactions", "observables")
            for name, table in _tables(copy.source, section).items()
            if name not in own and name not in shared and not own.keys().isdisjoint(mentioned(section, table))
        }
        if not found:
            return own
        own |= found


def mentioned(section: str, table: object) -> Iterator[str]:
    """The names in the formulas, equations and targets of one table."""
    for text in _texts([table.get(key) for key in _FORMULAS.get(section, ())] if isinstance(table, dict) else []):
        yield from _NAME.findall(text)


def _table(section: str, table: Table, own: Mapping[str, str], behind: str) -> Table:
    """A table with the copy's own names in every formula, and `behind` in parentheses behind the label."""
    found = {key: _renamed(value, own) if key in _FORMULAS.get(section, ()) else value for key, value in table.items()}
    label = table.get("label")
    return found | {"label": f"{label} ({behind})"} if isinstance(label, str) and label else found


def _tables(source: TomlSource, section: str) -> Mapping[str, Any]:
    """The tables of a section of a module, by name; none where there is no such section."""
    return table_or_empty(source.data.get(section))


def _renamed(value: Any, own: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return _NAME.sub(lambda match: own.get(match[0], match[0]), value)
    if isinstance(value, dict):  # parameters and their values, or routes and their species
        return {key if isinstance(to, str) else own.get(key, key): _renamed(to, own) for key, to in value.items()}
    return value


def _texts(values: Sequence[object]) -> Iterator[str]:
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            yield from (to if isinstance(to, str) else key for key, to in value.items())


def _known(source: TomlSource) -> dict[str, None]:
    """Every name that a module declares or mentions."""
    found = dict.fromkeys(name for section in SECTIONS if section != "sources" for name in _tables(source, section))
    for section in _FORMULAS:
        for table in _tables(source, section).values():
            found |= dict.fromkeys(mentioned(section, table))
    return found
