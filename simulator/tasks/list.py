"""`list`: the bundled scenarios, models and populations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..files.toml.catalogue import catalogue
from ..views.text.commands.list import catalogue_text
from ..views.text.tables import Table
from .answer import Answer

if TYPE_CHECKING:
    from pandas import DataFrame


@dataclass(frozen=True, repr=False)
class Catalogue(Answer):
    """scenarios: rows of topic, name, title and question, in teaching order. models and
    populations: rows of name and title."""

    scenarios: list[dict[str, str]]
    models: list[dict[str, str]]
    populations: list[dict[str, str]]

    @property
    def document(self) -> dict[str, list[dict[str, str]]]:
        """The same, ready for JSON."""
        return {"scenarios": self.scenarios, "models": self.models, "populations": self.populations}

    def to_pandas(self) -> DataFrame:
        """A row for each scenario, model and population, with its kind."""
        rows = [
            {"kind": kind, "topic": "", "question": "", **row} for kind, rows in self.document.items() for row in rows
        ]
        return Table(rows, {}).to_pandas()

    def __str__(self) -> str:
        return catalogue_text(self.document)

    def _repr_html_(self) -> str:
        scenarios = Table(
            [{"question": "", **row} for row in self.scenarios], _columns("topic", "name", "title", "question")
        )
        others = [Table(rows, _columns("name", "title")) for rows in (self.models, self.populations)]
        return "".join(table._repr_html_() for table in (scenarios, *others))


def list_all() -> Catalogue:
    """The bundled scenarios, models and populations. What cannot be read is listed with the reason."""
    found = catalogue()
    return Catalogue(found["scenarios"], found["models"], found["populations"])


def _columns(*names: str) -> dict[str, tuple[str, ...]]:
    return {name: (name,) for name in names}
