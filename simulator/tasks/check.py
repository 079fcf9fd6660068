"""`check`: all faults of scenario and model files, without simulating."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..experiments.scenario import Scenario
from ..files.toml.catalogue import builtin_models, builtin_scenarios
from ..files.toml.model_file import read_model
from ..files.toml.scenario_file import find_scenario, is_scenario, read_scenario
from ..model.model import Model
from ..runtime.errors import InputError, InputFault, fault_lines
from ..views.text.commands.check import model_line, scenario_line
from ..views.text.notes import notes
from .answer import Answer


@dataclass(frozen=True)
class CheckRequest:
    """files: paths, or names of bundled scenarios and models."""

    files: tuple[str | Path, ...]


@dataclass(frozen=True, repr=False)
class Checked(Answer):
    """What was read from valid files, by the path or name that was given for each, and all faults of the others."""

    valid: dict[str, Scenario | Model]
    faults: tuple[InputFault, ...]

    @property
    def ok(self) -> bool:
        """Whether every file is valid."""
        return not self.faults

    def __bool__(self) -> bool:
        """The same as `ok`."""
        return self.ok

    @property
    def document(self) -> dict[str, Any]:
        """The same, ready for JSON."""
        return {"ok": self.ok, "faults": [fault.document() for fault in self.faults]}

    @property
    def errors(self) -> list[str]:
        """The faults as text; of many the first, and how many more there are."""
        return fault_lines(self.faults)

    @property
    def lines(self) -> list[str]:
        """A line on each valid file, with notes below it."""
        return [f"{word}: {_line(found)}" for word, found in self.valid.items()]

    def __str__(self) -> str:
        return "\n".join([*self.lines, *(f"error: {line}" for line in self.errors)])


def check(request: CheckRequest) -> Checked:
    """Reads every file to its end; raises nothing for what is wrong with it."""
    valid: dict[str, Scenario | Model] = {}
    faults: list[InputFault] = []
    for word in map(str, request.files):
        try:
            valid[word] = read_file(word)
        except InputError as error:
            faults += error.faults
    return Checked(valid, tuple(dict.fromkeys(faults)))


def read_file(word: str) -> Scenario | Model:
    """The scenario or model that `word` refers to: a path, or the name of a bundled file. Raises `InputError`."""
    models = builtin_models()
    if word in models:
        return read_model(models[word])
    path = find_scenario(word)
    is_ours = path in builtin_scenarios().values()  # then it need not be read twice
    return read_scenario(path) if is_ours or is_scenario(path) else read_model(path)


def _line(found: Scenario | Model) -> str:
    if isinstance(found, Model):
        return model_line(found)
    return "\n  note: ".join([scenario_line(found), *notes(found)])
