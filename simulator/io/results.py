"""What a run leaves in its folder: resolved scenario, model, tables, summary."""

from __future__ import annotations

import csv
import hashlib
import json
import math
import platform
from collections.abc import Callable, Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from ..experiments.measures import peak
from ..experiments.run import ArmResult, RunResult
from ..experiments.scenario import MAIN, Scenario
from ..model.model import Model
from ..numerics.trajectory import Array, Trajectory
from .folder import SUMMARY, new_folder
from .model_write import model_document
from .progress import Progress
from .toml_source import FileError, FileFault

SCENARIO_FILE, MODEL_FILE = "scenario.toml", "model.toml"


def write(
    result: RunResult,
    folder: Path,
    command: Sequence[str],
    force: bool = False,
    draw: Callable[[RunResult, Path, str], object] | None = None,
) -> dict[str, Any]:
    """Writes a run into a new `folder` and returns its summary.

    draw(result, folder, run_id) adds the figures; without it there are none.
    """
    with new_folder(folder, force) as beside:
        texts = resolved(result.scenario)
        (beside / SCENARIO_FILE).write_text(texts[0], encoding="utf-8")
        (beside / MODEL_FILE).write_text(texts[1], encoding="utf-8")
        for arm in result.arms.values():
            write_table(beside / table_name(arm.arm.name), result.scenario, arm.trajectory)
        report = summary(result, command, run_id(texts))
        if draw is not None:
            draw(result, beside, report["run"])
        report["files"] = sorted(path.name for path in beside.iterdir())
        text = json.dumps(report, indent=1, ensure_ascii=False, allow_nan=False)
        (beside / SUMMARY).write_text(text + "\n", encoding="utf-8")
    return report


def resolved(scenario: Scenario) -> tuple[str, str]:
    """The scenario with every default written out, and its whole model, as TOML text."""
    import tomli_w

    document = {**scenario.document, "model": MODEL_FILE}
    return tomli_w.dumps(document), tomli_w.dumps(model_document(scenario.model))


def run_id(texts: tuple[str, str]) -> str:
    """Twelve hexadecimal digits that two runs share only if scenario and model are the same."""
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:12]


def table_name(arm: str) -> str:
    return "trajectory.csv" if arm == MAIN else f"trajectory.{arm}.csv"


def write_table(path: Path, scenario: Scenario, trajectory: Trajectory) -> None:
    """Time, all species and all observables, a row per saved time, digits enough to read back
    the same number."""
    columns, header = list(trajectory.values), table_header(scenario.model, trajectory)
    rows = np.column_stack([trajectory.times, *(trajectory[name] for name in columns)]).tolist()
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerow(header)
        file.writelines(",".join(map(repr, row)) + "\n" for row in rows)


def table_header(model: Model, trajectory: Trajectory) -> list[str]:
    """``time [d]``, then every species and observable with its unit."""
    return [f"time [{model.time_unit_text}]", *(f"{name} [{model.unit_text(name)}]" for name in trajectory.values)]


def read_table(path: Path) -> tuple[list[str], Array]:
    """Header and numbers of a table that `write_table` wrote; rows are saved times."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            header, *rows = list(csv.reader(file))
        return header, np.array([[float(cell) for cell in row] for row in rows]).reshape(len(rows), len(header))
    except (OSError, ValueError, csv.Error) as error:
        raise FileError([FileFault(str(path), 0, f"not a table of a run: {error}", "")]) from None


def summary(result: RunResult, command: Sequence[str], run: str) -> dict[str, Any]:
    """Everything about a run but its time courses, ready for JSON."""
    scenario = result.scenario
    arms = {}
    with Progress("arms measured", len(result.arms)) as progress:
        for name, arm in result.arms.items():
            arms[name] = _arm_summary(scenario, arm)
            progress.add()
    return {
        "run": run,
        "scenario": scenario.id,
        "title": scenario.title,
        "question": scenario.question,
        "model": scenario.model_name,
        "ok": result.ok,
        "arms": arms,
        "expectations": [
            {
                "id": verdict.expectation.id,
                "that": verdict.expectation.that,
                "measure": verdict.expectation.measure_text,
                "expected": verdict.expectation.interval_text,
                "simulated": number(verdict.simulated),
                "unit": verdict.expectation.unit_text,
                "met": verdict.met,
                "source": verdict.expectation.source,
                "status": verdict.expectation.status,
                "missed": verdict.expectation.missed,
                "broken": {arm: number(value) for arm, value in verdict.broken.items()},
            }
            for verdict in result.verdicts
        ],
        "command": list(command),
        "seed": None,
        "versions": versions(),
    }


def _arm_summary(scenario: Scenario, result: ArmResult) -> dict[str, Any]:
    trajectory, certificate = result.trajectory, result.certificate
    return {
        "label": result.arm.label,
        "outcome": asdict(trajectory.outcome),
        "digits_certified": number(certificate.digits),
        "certificate": {**asdict(certificate), "digits": number(certificate.digits)},
        "ledger": [asdict(line) for line in result.ledger],
        "measures": {name: curve_measures(scenario, trajectory, name) for name in trajectory.values},
        "solver": {
            "method": trajectory.solver,
            "calls": trajectory.calls,
            "steps": trajectory.steps,
            "seconds": round(trajectory.seconds, 4),
        },
    }


def curve_measures(scenario: Scenario, trajectory: Trajectory, name: str) -> dict[str, Any]:
    """Peak, its time, lowest value, area under the curve and end of a species or observable;
    empty for a run that failed before its first value."""
    times, values = trajectory.fine.times(), trajectory.fine.values(name)
    if not len(times):
        return {}
    unit, time_unit = scenario.model.unit_text(name), scenario.model.time_unit_text
    with np.errstate(all="ignore"):
        at, highest = peak(times, values)
        return {
            "unit": unit,
            "peak": number(highest),
            "time_of_peak": number(at),
            "lowest": number(values.min()),
            "area": number(np.trapezoid(values, times)),
            "area_unit": f"{unit}*{time_unit}" if unit != "1" else time_unit,
            "final": number(values[-1]),
        }


def number(value: Any) -> float | None:
    """`value`, or None for what JSON cannot hold."""
    return None if value is None or not math.isfinite(value) else float(value)


def versions(*others: str) -> dict[str, str]:
    """The versions that the numbers depend on."""
    found = {"python": platform.python_version(), "platform": platform.platform()}
    for name in ("immunesim", "numpy", "scipy", *others):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "checkout"
    return found
