"""``replace = true``: a file declares a parameter, reaction or observable again, in place of one of its modules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ...model.declarations import BODY, Replaced
from ...runtime.names import nearest
from .copies import mentioned
from .source import Table, TomlSource

REPLACE = "replace"


class Replacement(NamedTuple):
    """A table that says ``replace = true``, and its place."""

    source: TomlSource
    section: str
    name: str
    table: Table

    @property
    def own(self) -> Table:
        """The table as it stands in the model."""
        return {key: value for key, value in self.table.items() if key != REPLACE}


def is_replacement(table: object) -> bool:
    """Whether a table says that it replaces another."""
    return isinstance(table, dict) and table.get(REPLACE) is True


def nothing_to_replace(each: Replacement, known: Iterable[str]) -> str:
    """What is wrong where no module declares the name."""
    kind = each.section.removesuffix("s")
    return f"replace = true, but no module declares the {kind} '{each.name}'{nearest(each.name, list(known))}"


def replaced(each: Replacement, module: str, table: Mapping[str, Any]) -> Replaced:
    """What a table of `module` said that is replaced."""
    line = each.source.line((each.section, each.name))
    return Replaced(module, _text(each.section, table), f"{each.source.path.name}:{line}")


def _text(section: str, table: Mapping[str, Any]) -> str:
    if section == "reactions":
        return f"{table.get('equation', '')}   at {table.get('rate', '')}"
    return f"{table.get('value', '')} [{table.get('unit', '')}]"


def left_over(tables: Mapping[str, Mapping[str, Table]], gone: Iterable[tuple[str, Table]]) -> Iterator[str]:
    """The parameters that only replaced tables named: nothing uses them any more, so the model is without them.

    tables: of the model, by section and name. gone: the tables that were replaced, with their sections.
    """
    used = {*BODY}
    for section, found in tables.items():
        for table in found.values():
            used.update(mentioned(section, table))
    named = dict.fromkeys(name for section, table in gone for name in mentioned(section, table))
    for name in named:
        parameter = tables["parameters"].get(name)
        if parameter is not None and name not in used and not parameter.get("for_doses"):
            yield name
