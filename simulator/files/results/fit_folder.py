"""The scenario that a fit writes: the fitted one with its estimates, and nothing else changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...experiments.scenario import Scenario
from ...experiments.sweeps.paths import split_path
from .run_folder import SCENARIO_FILE


def fitted_scenario(scenario: Scenario, values: Sequence[tuple[str, float, str, str]]) -> str:
    """TOML text of a scenario that extends the one in `SCENARIO_FILE` beside it.

    values: path, value, unit and a remark of each estimate.
    """
    import tomli_w

    tables: dict[str, list[str]] = {"parameters": [], "initial": []}
    doses: dict[str, list[str]] = {}
    for path, value, unit_text, remark in values:
        kind, name, key = split_path(path)
        line = f"{key or name} = {_quantity(value, unit_text)}  # status: derived: fit; {remark}"
        if kind == "dose":
            doses.setdefault(name, []).append(line)
        else:
            tables["parameters" if kind == "parameter" else kind].append(line)
    top: Mapping[str, Any] = {
        "schema": 1,
        "title": f"{scenario.title} (fitted)",
        "question": scenario.question,
        "extends": SCENARIO_FILE,
    }
    parts = [tomli_w.dumps(top)]
    parts += ["\n".join([f"[{name}]", *lines, ""]) for name, lines in tables.items() if lines]
    for name, lines in doses.items():
        parts.append("\n".join(["[[dose]]", tomli_w.dumps({"name": name}).rstrip(), *lines, ""]))
    parts += [f"[[data]]\n{tomli_w.dumps(each)}" for each in scenario.document["data"]]
    return "\n".join(parts)


def _quantity(value: float, unit_text: str) -> str:
    return repr(value) if unit_text == "1" else f'"{value!r} {unit_text}"'
