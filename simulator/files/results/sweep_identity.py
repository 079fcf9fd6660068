"""The identity of a sweep: everything that the numbers of a member depend on. One store holds one identity."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from ...experiments.scenario import Scenario
from ...experiments.sweeps.compute import solver, sweep_of
from ...runtime.versions import versions
from ..toml.model_sections import model_document

FORMAT = 1  # version of the folder's layout
SCENARIO_TABLES = ("initial", "parameters", "dose", "change", "inputs", "rule", "arms")
MODEL_TABLES = ("substances", "species", "parameters", "reactions", "observables")
TEXT_KEYS = {"label", "source", "status", "range", "note"}  # of an item; no number depends on them


def identity_parts(scenario: Scenario) -> dict[str, Any]:
    """The parts of the identity, ready for JSON. The design is not among them: a member is identified by its values."""
    sweep = sweep_of(scenario)
    tables = {key: scenario.document[key] for key in SCENARIO_TABLES if key in scenario.document}
    tables["dose"] = {each["name"]: each for each in tables.get("dose", [])}
    tables["arms"] = _without_texts(tables.get("arms", {}))
    model = model_document(scenario.model)
    return {
        "format": FORMAT,
        "version": versions()["immunesim"],
        "solver": solver(sweep.again),
        "end": scenario.end,
        "scenario": tables,
        "model": {"time_unit": model["time_unit"], **{table: _without_texts(model[table]) for table in MODEL_TABLES}},
        "measures": {each.id: f"{each.text} [{each.unit_text}]" for each in sweep.measures},
        "sweep": {"arms": list(sweep.arms), "keep": list(sweep.keep), "every": scenario.every if sweep.keep else None},
    }


def identity_of(parts: Mapping[str, Any]) -> str:
    """The hash of these parts: thirty-two hexadecimal digits."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def sweep_name(scenario: Scenario) -> str:
    """The first twelve digits of the identity, for summaries and figures."""
    return identity_of(identity_parts(scenario))[:12]


def differences(stored: Any, given: Any, path: str = "") -> Iterator[str]:
    """The differences between two JSON documents as texts: ``solver was 'A', is 'B'``."""
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


def _without_texts(items: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    return {name: {key: value for key, value in item.items() if key not in TEXT_KEYS} for name, item in items.items()}
