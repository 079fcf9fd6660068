"""`show`: a scenario with every default, and where each value came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..experiments.scenario import Scenario
from ..views.text.commands.show import show_text
from .answer import Answer
from .request import ScenarioRequest


@dataclass(frozen=True, repr=False)
class Shown(Answer):
    """A resolved scenario."""

    scenario: Scenario

    @property
    def document(self) -> dict[str, Any]:
        """The scenario with every default as a TOML file would have it, the origin of each value by its path,
        and what a file of the model replaced."""
        origins = {".".join(map(str, path)): where for path, where in self.scenario.origins.items()}
        replaced = {name: each._asdict() for name, each in self.scenario.model.replaced.items()}
        return {"scenario": self.scenario.document, "origins": origins, "replaced": replaced}

    def __str__(self) -> str:
        return show_text(self.scenario)


def show(request: ScenarioRequest) -> Shown:
    """Reads the scenario with its changes. Raises `InputError`."""
    return Shown(request.read())
