"""What two sweeps must share to be kept in one store: all that the numbers of a member depend on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from ...experiments.scenario import Scenario
from ...experiments.sweeps.compute import solver, sweep_of
from ...runtime.versions import versions
from ..toml.model_document import model_document

FORMAT = 1  # of the folder; a later version of the program may read it still
QUESTION = ("initial", "parameters", "dose", "change", "arms")
MODEL = ("substances", "species", "parameters", "reactions", "observables")
WORDS = {"label", "source", "status", "range", "note"}  # of an item; they move no number


def identity_parts(scenario: Scenario) -> dict[str, Any]:
    """The parts, as JSON can hold them. The design is not among them: a member is known by its values."""
    sweep = sweep_of(scenario)
    question = {key: scenario.document[key] for key in QUESTION if key in scenario.document}
    question["dose"] = {each["name"]: each for each in question.get("dose", [])}
    question["arms"] = _without_words(question.get("arms", {}))
    model = model_document(scenario.model)
    return {
        "format": FORMAT,
        "version": versions()["immunesim"],
        "solver": solver(),
        "end": scenario.end,
        "scenario": question,
        "model": {"time_unit": model["time_unit"], **{table: _without_words(model[table]) for table in MODEL}},
        "measures": {each.id: f"{each.text} [{each.unit_text}]" for each in sweep.measures},
        "sweep": {"arms": list(sweep.arms), "keep": list(sweep.keep), "every": scenario.every if sweep.keep else None},
    }


def identity_of(parts: Mapping[str, Any]) -> str:
    """Thirty-two hexadecimal digits."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def sweep_name(scenario: Scenario) -> str:
    """Twelve hexadecimal digits for summaries and pictures."""
    return identity_of(identity_parts(scenario))[:12]


def differences(stored: Any, given: Any, path: str = "") -> Iterator[str]:
    """What differs, in words, one by one."""
    if isinstance(stored, Mapping) and isinstance(given, Mapping):
        for key in dict.fromkeys([*stored, *given]):
            name = f"{path}.{key}" if path else str(key)
            if key not in stored:
                yield f"{name} is new"
            elif key not in given:
                yield f"{name} is no longer there"
            else:
                yield from differences(stored[key], given[key], name)
    elif isinstance(stored, list) and isinstance(given, list) and len(stored) == len(given):
        for number, (before, now) in enumerate(zip(stored, given, strict=True), 1):
            yield from differences(before, now, f"{path}.{number}")
    elif stored != given:
        yield f"{path} was {_short(stored)}, is {_short(given)}"


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False) if not isinstance(value, str) else f"'{value}'"
    return text if len(text) <= 60 else text[:57] + "..."


def _without_words(items: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    return {name: {key: value for key, value in item.items() if key not in WORDS} for name, item in items.items()}
