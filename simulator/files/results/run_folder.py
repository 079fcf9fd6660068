"""The files of a run's output directory: resolved scenario, model, tables, summary."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from ...experiments.answers import AnsweredSentence
from ...experiments.certificate import Certificate
from ...experiments.measured import all_curve_measures
from ...experiments.residuals import DataResult
from ...experiments.run import ArmResult, RunResult
from ...experiments.scenario import MAIN, Scenario
from ...model.model import Model
from ...numerics.trajectory import Array, Trajectory
from ...runtime.errors import InputError, InputFault
from ...runtime.json import json_number
from ...runtime.progress import Progress
from ...runtime.versions import versions
from ..toml.model_sections import model_document

SCENARIO_FILE, MODEL_FILE, NCA_FILE = "scenario.toml", "model.toml", "nca.csv"


def resolved(scenario: Scenario) -> tuple[str, str]:
    """The scenario with every default written out, and its whole model, as TOML text."""
    import tomli_w

    document = {**scenario.document, "model": MODEL_FILE}
    return tomli_w.dumps(document), tomli_w.dumps(model_document(scenario.model))


def run_id(texts: tuple[str, str]) -> str:
    """Twelve hexadecimal digits that two runs share only if scenario and model are the same."""
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:12]


def table_name(arm: str) -> str:
    """The file of an arm's curves."""
    return "trajectory.csv" if arm == MAIN else f"trajectory.{arm}.csv"


def write_table(path: Path, scenario: Scenario, trajectory: Trajectory) -> None:
    """Time, all species and all observables, a row per saved time, digits enough to read back
    the same number."""
    curves = [trajectory.values[name] for name in _written(scenario.model, trajectory)]
    columns = [_texts(values) for values in (trajectory.times, *curves)]
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerow(table_header(scenario.model, trajectory))
        file.writelines(",".join(row) + "\n" for row in zip(*columns, strict=True))


def write_rows(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """A table with the keys of its rows in its first line; empty where a row has no value."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]) if rows else [], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _texts(values: Array) -> list[str]:
    """Each number with all its digits. Half of the curves of a large model never move: they are written once."""
    if len(values) and (values == values[0]).all():
        return [repr(float(values[0]))] * len(values)
    return list(map(repr, values.tolist()))


def table_header(model: Model, trajectory: Trajectory) -> list[str]:
    """``time [d]``, then every species and observable with its unit."""
    return [
        f"time [{model.time_unit_text}]",
        *(f"{name} [{model.unit_text(name)}]" for name in _written(model, trajectory)),
    ]


def _written(model: Model, trajectory: Trajectory) -> list[str]:
    """Every species and observable of the model's files."""
    return [name for name in trajectory.values if name not in model.observables or not model.observables[name].made]


def read_table(path: Path) -> tuple[list[str], Array]:
    """Header and numbers of a table that `write_table` wrote; rows are saved times."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            header, *rows = list(csv.reader(file))
        return header, np.array([[float(cell) for cell in row] for row in rows]).reshape(len(rows), len(header))
    except (OSError, ValueError, csv.Error) as error:
        raise InputError([InputFault(str(path), 0, f"not a table of a run: {error}", "")]) from None


def summary(result: RunResult, command: Sequence[str], run: str) -> dict[str, Any]:
    """Everything about a run except its time courses, ready for JSON."""
    scenario = result.scenario
    arms = {}
    with Progress("arms measured", len(result.arms)) as progress:
        for name, arm in result.arms.items():
            rules = {
                "rules": [each._asdict() for each in arm.decisions],
                "fired": [each._asdict() for each in arm.fired],
                "jumps": [{"what": name, "time": time} for name, time in arm.jumps],
            }
            arms[name] = _arm_summary(scenario, arm) | rules
            progress.add()
    return {
        "run": run,
        "scenario": scenario.id,
        "title": scenario.title,
        "question": scenario.question,
        "answer": [answer_summary(each) for each in result.answer],
        "model": scenario.model_name,
        "ok": result.ok,
        "reliable": result.reliable,
        "unreliable": [
            {"arm": name, **_certificate(result.arms[name].certificate, scenario)} for name in result.unreliable
        ],
        "left_out": list(scenario.truncated),
        "arms": arms,
        "expectations": [
            {
                "id": verdict.expectation.id,
                "that": verdict.expectation.that,
                "measure": verdict.expectation.measure_text,
                "expected": verdict.expectation.interval_text,
                "simulated": json_number(verdict.simulated),
                "reason": verdict.reason,
                "unit": verdict.expectation.unit_text,
                "met": verdict.met,
                "unreliable": list(verdict.unreliable),
                "source": verdict.expectation.source,
                "status": verdict.expectation.status,
                "missed": verdict.expectation.missed,
                "fact": verdict.expectation.fact,
                "set_aside": verdict.expectation.set_aside,
                "without_mechanism": {arm: json_number(value) for arm, value in verdict.without_mechanism.items()},
            }
            for verdict in result.verdicts
        ],
        "data": [data_summary(each) for each in result.data],
        "command": list(command),
        "seed": None,
        "versions": versions(),
    }


def answer_summary(answer: AnsweredSentence) -> dict[str, Any]:
    """A sentence of the answer: as it is written, its condition, whether it holds, and its numbers, in the unit of each
    measure."""
    sentence = answer.sentence
    return {
        "says": sentence.says,
        "if": sentence.condition_text,
        "holds": answer.holds,
        "numbers": [
            {"measure": asked.text, "value": json_number(found.value), "reason": found.why}
            for asked, found in zip(sentence.numbers, answer.numbers, strict=True)
        ],
        "unreliable": list(answer.unreliable),
        "holds_without_mechanism": dict(answer.without_mechanism),
    }


def data_summary(result: DataResult) -> dict[str, Any]:
    """Data next to what was simulated: values in `unit`, times in the model's unit, residuals as `DataResult` has
    them."""
    data = result.data
    columns = zip(
        data.points, result.simulated, result.residuals, result.errors, result.weighted, result.folds, strict=True
    )
    points = [
        {
            **point._asdict(),
            "simulated": json_number(simulated),
            "residual": json_number(residual),
            "error": json_number(error),
            "weighted_residual": json_number(weighted),
            "fold": json_number(fold),
        }
        for point, simulated, residual, error, weighted, fold in columns
    ]
    return {
        "name": data.name,
        "curve": data.curve.text,
        "arm": data.arm,
        "unit": data.unit_text,
        "error": data.error._asdict(),
        "bars": data.bars,
        "errors_estimated": result.estimated,
        "source": data.source,
        "within": None if result.estimated else int(result.within[result.judged].sum()),
        "judged": int(result.judged.sum()),
        "fold_error": result.fold_error,
        "points": points,
    }


def _certificate(certificate: Certificate, scenario: Scenario) -> dict[str, Any]:
    return {**asdict(certificate), "time_unit": scenario.model.time_unit_text}


def _arm_summary(scenario: Scenario, result: ArmResult) -> dict[str, Any]:
    trajectory, certificate = result.trajectory, result.certificate
    found = all_curve_measures(scenario.model, trajectory, _written(scenario.model, trajectory))
    return {
        "label": result.arm.label,
        "outcome": asdict(trajectory.outcome),
        "reliable": certificate.reliable,
        "digits_certified": certificate.digits if certificate.reliable else None,
        "certificate": _certificate(certificate, scenario),
        "ledger": [asdict(line) for line in result.ledger],
        "undefined": [each._asdict() for each in trajectory.undefined],
        "measures": {name: each._asdict() for name, each in found.items()},
        "solver": {
            "method": trajectory.solver,
            "calls": trajectory.calls,
            "steps": trajectory.steps,
            "seconds": round(trajectory.seconds, 4),
        },
    }
