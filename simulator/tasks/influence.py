"""Which expectations each parameter can break: computed in parallel, kept in a file, on_progress in words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ..experiments.influence import FACTOR, influence
from ..experiments.run import OnProgress
from ..files.results.folder import write_text
from ..files.toml.catalogue import BIOLOGY
from ..files.toml.scenario_file import read_scenario
from ..model.declarations import Parameter
from ..model.model import Model
from ..runtime.processes import parallel_map
from ..views.text.numbers import number, with_unit

KEPT = BIOLOGY / "influence.json"  # of all that come with the simulator


class _Part(NamedTuple):
    """What one scenario says: its model, what no arm of its own breaks, what the coarser solution misses,
    and what breaks, by parameter and way."""

    model: str
    unsafe: list[str]
    unclear: list[str]
    breaks: list[tuple[str, str, list[str]]]


def collect(paths: Sequence[Path]) -> dict[str, Any]:
    """For each model, `breaks`: parameter -> {"up" or "down": expectations}, of every assumed parameter and of
    others until each expectation is broken; `passes_without_mechanism`: those that neither they nor an arm
    of theirs break; and `unclear`: those so narrow that the coarser solution used here misses them as the
    model stands.
    """
    parts = parallel_map("scenarios", _part, paths)
    models: dict[str, dict[str, Any]] = {}
    for part in parts:
        model = models.setdefault(part.model, {"breaks": {}, "passes_without_mechanism": [], "unclear": []})
        model["unclear"] += part.unclear
        for name, way, broken in part.breaks:
            model["breaks"].setdefault(name, {}).setdefault(way, []).extend(broken)
        known = {each for _, _, broken in part.breaks for each in broken}
        model["passes_without_mechanism"] += [each for each in part.unsafe if each not in known]
    return {"factor": FACTOR, "models": models}


def _part(path: Path, on_progress: OnProgress) -> _Part:
    scenario = read_scenario(path)
    body = {name: each for name, each in scenario.model.parameters.items() if not each.knob}
    assumed = [name for name, each in body.items() if each.assumed]
    others = [name for name in body if name not in assumed]
    met, found = influence(scenario, assumed, others, on_progress)
    breaks = [
        (name, "up" if factor > 1 else "down", [f"{scenario.id}/{each}" for each in broken])
        for name, factor, broken in found
    ]
    by_arm = {each.id for each in scenario.expectations if each.breaks_in}
    unsafe = [f"{scenario.id}/{each}" for each in met if each not in by_arm]
    unclear = [
        f"{scenario.id}/{each.id}"
        for each in scenario.expectations
        if each.id not in met and not (each.missed or each.breaks_in)
    ]
    return _Part(scenario.model_name, unsafe, unclear, breaks)


def write(found: dict[str, Any], path: Path) -> None:
    write_text(path, json.dumps(found, indent=1) + "\n")


def text(found: dict[str, Any]) -> str:
    """Each parameter with what it breaks, the most influential first, and what nothing breaks."""
    lines = [f"each parameter {number(found['factor'])} times as large, and as small; a share at most 1"]
    for model, table in found["models"].items():
        lines.append(f"\n{model}:")
        broken = {name: sorted({e for each in ways.values() for e in each}) for name, ways in table["breaks"].items()}
        for name in sorted(broken, key=lambda name: -len(broken[name])):
            lines.append(f"  {name}  breaks {len(broken[name])}: {', '.join(broken[name])}")
        if table["passes_without_mechanism"]:
            lines.append(f"  no parameter breaks: {', '.join(table['passes_without_mechanism'])}")
    return "\n".join(lines)


def assumed(model: Model, word: str | None = None) -> list[dict[str, Any]]:
    """The parameters of `model` that are assumptions, the most influential first: why, and which of the
    expectations that come with the simulator they break (None where that was not computed).

    word: only those of this module, or with this in their name or label.
    """
    within = set(model.modules[word].names) if word is not None and word in model.modules else None
    table = json.loads(KEPT.read_text(encoding="utf-8"))["models"].get(model.id) if KEPT.exists() else None
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
    return "\n".join(_assumed_lines(model, word))


def _assumed_lines(model: Model, word: str | None) -> Iterator[str]:
    rows = assumed(model, word)
    body = sum(not each.knob for each in model.parameters.values())
    what = f"of the parameters of '{word}'" if word else f"of {body} parameters (knobs not counted)"
    answer = f" What each breaks, {number(FACTOR)} times as large or as small:"
    if any(row["breaks"] is None for row in rows):
        answer = " What each breaks was not computed for this model."
    yield f"{len(rows)} {what} are assumed.{answer if rows else ''}"
    for row in rows:
        span = f", {number(row['range'][0])} to {number(row['range'][1])}" if row["range"] else ""
        yield f"\n{row['name']} = {with_unit(row['value'], row['unit'])}{span}: {row['label']}"
        yield f"  {row['why']}"
        if row["breaks"] is not None:
            yield f"  breaks {len(row['breaks'])}: {', '.join(row['breaks'])}" if row["breaks"] else "  breaks nothing"
