"""What `explain` is asked, in words, and what it leaves: a document, a table and a figure."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from ..experiments.explanation.arm_comparison import WindowComparison
from ..experiments.explanation.explain import Explanation
from ..experiments.scenario import Scenario
from ..files.results.folder import SUMMARY, new_folder
from ..model.causal.sign import Sign
from ..model.units import UnitError, quantity
from ..runtime.errors import InputError, request_fault
from ..views.text.explain import DELAY, STRENGTH, sentences

STEM = "explain"


def asked(scenario: Scenario, word: str, times: Sequence[str]) -> tuple[str, list[float]]:
    """The species or observable that `word` means, and times in the model's unit; or `InputError`."""
    model, faults, at = scenario.model, [], []
    name = model.find(word, "species", "observables")
    if name is None:
        message = f"{scenario.id}: {model.unknown(word, 'species', 'observables')}"
        if model.find(word, "parameters"):
            message = f"'{word}' is a parameter, and does not change by itself; explain a species or observable"
        faults.append(request_fault(message, f"--of {word}"))
    for text in times:
        try:
            number, given, _ = quantity(text)
            if not given.same_dimension(model.time_unit):
                raise UnitError(f"expected a time such as '3 {model.time_unit_text}', found '{text}'")
            time = number * given.to(model.time_unit)
            if not 0 <= time <= scenario.end * (1 + 1e-9):
                raise UnitError(f"expected a time from 0 to {scenario.document['time']['end']}, found '{text}'")
            at.append(min(time, scenario.end))
        except UnitError as error:
            faults.append(request_fault(str(error), f"--at '{text}'"))
    if faults or name is None:
        raise InputError(faults)
    return name, at


def document(explanation: Explanation) -> dict[str, Any]:
    """Everything but the curves, ready for JSON: times in the model's unit, amounts in that of the curve."""
    model, name = explanation.scenario.model, explanation.name
    item = model.species.get(name) or model.observables[name]
    loops = [
        {"species": loop.species, "sign": loop.sign, "strength": loop.strength, "delay": loop.delay,
         "links": loop.links}
        for loop in explanation.loops
    ]  # fmt: skip
    found = {
        "scenario": explanation.scenario.id,
        "arm": explanation.arm.name,
        "name": name,
        "label": item.label,
        "unit": item.unit_text,
        "time_unit": model.time_unit_text,
        "logarithmic": explanation.log,
        "sentences": sentences(explanation),
        "whole": asdict(explanation.whole),
        "phases": [asdict(phase) for phase in explanation.phases],
        "turning_points": [asdict(turn) for turn in explanation.turning_points],
        "at": [asdict(balance) for balance in explanation.at],
        "loops": loops,
        "loop_legend": {"strength": STRENGTH, "delay": DELAY},
        "error": explanation.error,
    }
    if (against := explanation.against) is not None:
        phases = [_window(window) for window in against.phases]
        found["against"] = {"arm": against.reference, "whole": _window(against.whole), "phases": phases}
    return {key: _plain(value) for key, value in found.items()}


def _window(window: WindowComparison) -> dict[str, Any]:
    return {**asdict(window), "differences": [each._asdict() for each in window.differences]}


def _plain(value: Any) -> Any:
    """Named tuples as tables, and None for what JSON cannot hold."""
    if isinstance(value, Sign):
        return "raises" if value == Sign.RAISES else "lowers" if value == Sign.LOWERS else "either"
    if hasattr(value, "_asdict"):
        value = value._asdict()
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def write(explanation: Explanation, folder: Path, force: bool) -> dict[str, Any]:
    """Table, document and figure in a new `folder`; returns the document."""
    from ..views.figures.explain import draw

    found = document(explanation)
    with new_folder(folder, force) as tmp_path:
        write_table(explanation, tmp_path / f"{STEM}.csv")
        text = json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False)
        (tmp_path / f"{STEM}.json").write_text(text + "\n", encoding="utf-8")
        draw(explanation, tmp_path / STEM)
        summary = {"explains": explanation.name, "files": sorted(path.name for path in tmp_path.iterdir())}
        (tmp_path / SUMMARY).write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    return found


def write_table(explanation: Explanation, path: Path) -> None:
    """A row for every point between the solver's steps: time, value, derivative, and what each source and each
    reaction adds to it per time; at a jump there are two rows of the same time."""
    flux, model = explanation.flux, explanation.scenario.model
    unit, time = model.unit_text(flux.name), model.time_unit_text
    per = f"{unit}/{time}" if unit != "1" else f"1/{time}"
    columns = {"derivative": flux.derivative, **{f"through {each}": row for each, row in flux.species.items()}}
    if len(flux.species) == 1:
        columns = {"derivative": flux.derivative}
    columns |= dict(flux.reactions)
    if flux.infusion.any():
        columns["infusions"] = flux.infusion
    if flux.explicit_time.any():
        columns["formulas of time"] = flux.explicit_time
    rows = np.column_stack([flux.times, flux.values, *columns.values()]).tolist()
    with path.open("w", encoding="utf-8", newline="") as file:
        header = [f"time [{time}]", f"{flux.name} [{unit}]", *(f"{each} [{per}]" for each in columns)]
        csv.writer(file, lineterminator="\n").writerow(header)
        file.writelines(",".join(map(repr, row)) + "\n" for row in rows)
