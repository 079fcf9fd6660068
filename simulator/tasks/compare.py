"""Scenarios side by side: a table of measures with ratios, paired curves, and the large differences in words."""

from __future__ import annotations

import csv
import json
import math
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..experiments.comparison import MEASURES, ComparisonRow, label, negligible
from ..experiments.run import RunResult
from ..experiments.scenario import Scenario
from ..files.results.folder import SUMMARY, new_folder
from ..runtime.errors import InputError, request_fault
from ..runtime.progress import Progress
from ..views.text.compare import RULE
from ..views.text.compare import sentences as sentences
from ..views.text.figure import Curve
from ..views.text.numbers import axis_title, number

WIDE = 120  # characters
GAP = 9  # characters, for the ratio behind a value


def shared_names(scenarios: Sequence[Scenario], asked: Sequence[str] | None) -> list[str]:
    """What to compare: `asked`, or everything the scenarios show; every scenario must have it."""
    words = asked or list(dict.fromkeys(name for scenario in scenarios for name in scenario.shown))
    names, faults = [], []
    for word in words:
        found = [scenario.model.find(word, "species", "observables") for scenario in scenarios]
        for scenario, name in zip(scenarios, found, strict=True):
            if name is None and asked:
                message = f"{scenario.id}: {scenario.model.unknown(word, 'species', 'observables')}"
                faults.append(request_fault(message, f"--of {word}"))
        units = {scenario.model.unit(name) for scenario, name in zip(scenarios, found, strict=True) if name}
        if len(units) == 1 and all(found):
            names.append(str(found[0]))
    times = {scenario.model.time_unit_text for scenario in scenarios}
    if len(times) > 1:
        faults.append(request_fault(f"the scenarios count time in {', '.join(sorted(times))}", ""))
    if faults:
        raise InputError(faults)
    if not names:
        raise InputError([request_fault("the scenarios have no species or observable in common", "")])
    return names


def text(rows: Sequence[ComparisonRow]) -> str:
    """The table for people, a block for each name, and what differs much."""
    lines: list[str] = []
    width = max(len(row.label) for row in rows)
    for name in dict.fromkeys(row.name for row in rows):
        group = [row for row in rows if row.name == name]
        unit, none = group[0].unit, negligible(group)
        heads = [f"{head}{'':{GAP}}" for head in ("peak", "lowest", "final", axis_title("area", group[0].area_unit))]
        lines += ["", axis_title(name, unit)]
        lines.append(_line("", width, heads, axis_title("at", group[0].time_unit)))
        for row in group:
            time = number(row.value("time_of_peak")) if abs(row.value("peak")) > none else "-"
            lines.append(_line(row.label, width, [_cell(row, key, none) for key in MEASURES], time))
            if row.outcome != "success":
                lines.append(f"  {'':{width}}  FAILED: {row.outcome}")
    base = next(row.label for row in rows if row.reference)
    marks = f"(2x): twice that of '{base}'; (-): nothing to divide by, or a run of another length"
    lines += ["", marks + "; 0: under a millionth of the highest"]
    return "\n".join(
        [*lines[1:], "", *(sentences(rows) or ["no large difference"]), "", textwrap.fill(f"large: {RULE}", WIDE)]
    )


def _line(head: str, width: int, cells: Sequence[str], time: str) -> str:
    peak, lowest, final, area = cells
    return f"  {head:{width}}{peak:>20}{time:>9}{lowest:>20}{final:>20}{area:>26}".rstrip()


def _cell(row: ComparisonRow, key: str, none: float) -> str:
    """A value and, but for the reference itself, its ratio."""
    value = row.value(key)
    if math.isnan(value):
        return f"none{'':{GAP}}"
    text = number(value) if abs(value) > none else "0"
    if row.reference:
        return f"{text}{'':{GAP}}"
    ratio = row.value(f"{key}_ratio")
    return text + f"{'(-)' if math.isnan(ratio) else f'({number(ratio, 2)}x)':>{GAP}}"


def write(
    runs: Sequence[RunResult],
    names: Sequence[str],
    rows: Sequence[ComparisonRow],
    folder: Path,
    force: bool,
    words: Sequence[str] = (),
    slides: bool = False,
    formats: Sequence[str] = ("svg", "png"),
) -> None:
    """The table as CSV and JSON with its sentences, and a figure for each name, in a new folder."""
    from ..views.figures import run as run_figures
    from ..views.figures.style import PAPER, SLIDES

    words = words or [""] * len(runs)
    with new_folder(folder, force) as tmp_path:
        with (tmp_path / "comparison.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(ComparisonRow._fields)
            writer.writerows(rows)
        longest = max((result.scenario for result in runs), key=lambda scenario: scenario.end)
        curves = [
            Curve(label(runs, words, place, arm), arm.trajectory)
            for place, result in enumerate(runs)
            for arm in result.arms.values()
        ]
        scenarios = {result.scenario.id: result.scenario.title for result in runs}
        title = " / ".join(scenarios) if len(scenarios) > 1 else runs[0].scenario.title
        look = SLIDES if slides else PAPER
        with Progress("figures drawn", len(names)) as progress:
            for name in names:
                picture = run_figures.draw_group(longest, [name], curves, (), title, look)
                run_figures.save(picture.figure, tmp_path / name, title, picture.text, "compare", formats)
                progress.add()
        report = document(rows) | {"files": sorted(path.name for path in tmp_path.iterdir())}
        (tmp_path / SUMMARY).write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def document(rows: Sequence[ComparisonRow]) -> dict[str, Any]:
    """The comparison as one JSON document."""
    return {"comparison": [row._asdict() for row in rows], "sentences": sentences(rows), "large": RULE}
