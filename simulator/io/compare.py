"""Scenarios side by side: a table of measures, and paired curves."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..experiments.run import RunResult
from ..experiments.scenario import MAIN, Scenario
from ..model.expression import nearest
from .figure_text import Curve
from .folder import SUMMARY, new_folder
from .results import curve_measures
from .toml_source import COMMAND_LINE, FileError, FileFault

MEASURES = ("peak", "time_of_peak", "lowest", "final")


def shared_names(scenarios: Sequence[Scenario], asked: Sequence[str] | None) -> list[str]:
    """What to compare: `asked`, or everything the scenarios show; every scenario must have it."""
    words = asked or list(dict.fromkeys(name for scenario in scenarios for group in scenario.plots for name in group))
    names, faults = [], []
    for word in words:
        found = [scenario.model.find(word, "species", "observables") for scenario in scenarios]
        for scenario, name in zip(scenarios, found, strict=True):
            if name is None and asked:
                known = [*scenario.model.species, *scenario.model.observables]
                message = f"{scenario.id} has no species or observable '{word}'{nearest(word, known)}"
                faults.append(FileFault(COMMAND_LINE, 0, message, f"--of {word}"))
        units = {scenario.model.unit(name) for scenario, name in zip(scenarios, found, strict=True) if name}
        if len(units) == 1 and all(found):
            names.append(str(found[0]))
    times = {scenario.model.time_unit_text for scenario in scenarios}
    if len(times) > 1:
        faults.append(FileFault("command line", 0, f"the scenarios count time in {', '.join(sorted(times))}", ""))
    if faults:
        raise FileError(faults)
    if not names:
        raise FileError([FileFault(COMMAND_LINE, 0, "the scenarios have no species or observable in common", "")])
    return names


def table(runs: Sequence[RunResult], names: Sequence[str]) -> list[dict[str, Any]]:
    """A row for every name, scenario and arm: peak, its time, lowest and last value."""
    rows = []
    for name in names:
        for result in runs:
            for arm in result.arms.values():
                found = curve_measures(result.scenario, arm.trajectory, name)
                rows.append(
                    {
                        "name": name,
                        "unit": result.scenario.model.unit_text(name),
                        "scenario": result.scenario.id,
                        "arm": arm.arm.name,
                        **{key: found.get(key) for key in MEASURES},
                        "outcome": arm.trajectory.outcome.kind,
                    }
                )
    return rows


def text(rows: Sequence[dict[str, Any]]) -> str:
    """The table for people, one block for each name."""
    lines: list[str] = []
    width = max(len(_who(row)) for row in rows)
    for at, row in enumerate(rows):
        if at == 0 or rows[at - 1]["name"] != row["name"]:
            lines.append(("\n" if lines else "") + f"{row['name']} [{row['unit']}]")
            lines.append(f"  {'':{width}}  {'peak':>11} {'at':>9} {'lowest':>11} {'final':>11}")
        cells = ["none" if row[key] is None else f"{row[key]:.4g}" for key in MEASURES]
        lines.append(f"  {_who(row):{width}}  {cells[0]:>11} {cells[1]:>9} {cells[2]:>11} {cells[3]:>11}")
    return "\n".join(lines)


def _who(row: dict[str, Any]) -> str:
    return row["scenario"] if row["arm"] == MAIN else f"{row['scenario']} / {row['arm']}"


def write(
    runs: Sequence[RunResult], names: Sequence[str], rows: Sequence[dict[str, Any]], folder: Path, force: bool,
    slides: bool = False, formats: Sequence[str] = ("svg", "png"),
) -> None:  # fmt: skip
    """The table as CSV and JSON, and a figure for each name, in a new folder."""
    from .figures import plots
    from .figures.style import PAPER, SLIDES

    with new_folder(folder, force) as beside:
        with (beside / "comparison.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        longest = max((result.scenario for result in runs), key=lambda scenario: scenario.end)
        curves = [
            Curve(_curve_label(result, arm.arm.name, arm.arm.title), arm.trajectory)
            for result in runs
            for arm in result.arms.values()
        ]
        title = " / ".join(result.scenario.id for result in runs)
        look = SLIDES if slides else PAPER
        for name in names:
            picture = plots.draw_group(longest, [name], curves, (), title, look)
            plots.save(picture.figure, beside / name, title, picture.text, "compare", formats)
        report = {"comparison": list(rows), "files": sorted(path.name for path in beside.iterdir())}
        (beside / SUMMARY).write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def _curve_label(result: RunResult, arm: str, label: str) -> str:
    return result.scenario.id if arm == MAIN else f"{result.scenario.id}: {label}"
