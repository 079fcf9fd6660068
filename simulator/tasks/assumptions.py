"""The parameters of a model that are assumptions, and which expectations each can break, as it was computed before.

They are read from a file that `influence` wrote for the bundled scenarios, so that nothing is simulated here.
"""

from __future__ import annotations

import json
from typing import Any

from ..files.toml.catalogue import BIOLOGY
from ..model.declarations import Parameter
from ..model.model import Model
from ..views.text.commands.influence import assumptions_text

KEPT = BIOLOGY / "influence.json"


def assumed(model: Model, word: str | None = None) -> list[dict[str, Any]]:
    """The parameters of `model` that are assumptions, the most influential first: why, and which of the
    expectations that come with the simulator they break (None where that was not computed).

    word: only those of this module, or with this in their name or label.
    """
    within = set(model.modules[word].names) if word is not None and word in model.modules else None
    table = _kept()["models"].get(model.id)
    rows = [
        _row(each, table)
        for each in model.parameters.values()
        if each.assumed
        and (each.id in within if within is not None else not word or word.lower() in f"{each.id} {each.label}".lower())
    ]
    return sorted(rows, key=lambda row: -len(row["breaks"] or ()))


def _row(parameter: Parameter, table: dict[str, Any] | None) -> dict[str, Any]:
    ways = table["breaks"].get(parameter.id, {}) if table else {}
    return {
        "name": parameter.id,
        "label": parameter.label,
        "value": parameter.value,
        "unit": parameter.unit_text,
        "range": parameter.range,
        "why": parameter.status.removeprefix("assumed:").strip(),
        "breaks": sorted({each for broken in ways.values() for each in broken}) if table else None,
    }


def assumed_text(model: Model, word: str | None = None) -> str:
    """The same, as text."""
    return assumptions_text(model, word, assumed(model, word), _kept()["factor"])


def _kept() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(KEPT.read_text(encoding="utf-8"))
    return found
