"""The results of a run as tables: measures of its curves, expectations and doses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ...experiments.clock import clock_of
from ...experiments.evidence import evidence_row
from ...experiments.measured import all_curve_measures
from ...experiments.measures import product_text
from ...experiments.nca import dose_intervals
from ...experiments.run import RunResult
from ...runtime.json import json_number
from .tables import Table

if TYPE_CHECKING:  # SciPy's optimisers, which runs do without
    from ...experiments.fitting.fit import FitResult


def measures(result: RunResult, names: Sequence[str]) -> Table:
    """Peak, its time, lowest and final value, and area under the curve, of each of `names` in each arm.

    Times are in the unit in which the scenario gives its end; every row says its units.
    """
    clock, time_factor = clock_of(result.scenario)
    rows: list[dict[str, Any]] = []
    model = result.scenario.model
    measured = {key: all_curve_measures(model, arm.trajectory, names) for key, arm in result.arms.items()}
    for name in names:
        for key, arm in result.arms.items():
            found = measured[key][name]
            rows.append(
                {
                    "name": name,
                    "arm": arm.arm.name,
                    "unit": found.unit,
                    "peak": found.peak,
                    "time_of_peak": None if found.time_of_peak is None else found.time_of_peak * time_factor,
                    "time_unit": clock,
                    "lowest": found.lowest,
                    "final": found.final,
                    "area": found.area,
                    "area_unit": found.area_unit,
                    "reason": found.reason,
                }
            )
    values = {each: (each, "unit") for each in ("peak", "lowest", "final")}
    shown = {"name": ("name",), "arm": ("arm",), "peak": values["peak"], "at": ("time_of_peak", "time_unit")}
    return Table(rows, {**shown, **values, "area": ("area", "area_unit")})


def data(result: RunResult | FitResult) -> Table:
    """What was measured and what was simulated, a row for each point; values in its unit, times in `time_unit`."""
    clock, time_factor = clock_of(result.scenario)
    rows = [
        {
            "data": each.data.name,
            "curve": each.data.curve.text,
            "arm": each.data.arm,
            "subject": point.subject,
            "time": point.time * time_factor,
            "time_unit": clock,
            "measured": point.value,
            "below": point.censored,
            "low": point.low,
            "high": point.high,
            "n": point.n,
            "unit": each.data.unit_text,
            "simulated": json_number(simulated),
            "residual": json_number(residual),
            "error": json_number(error),
            "weighted_residual": json_number(weighted),
            "fold": json_number(fold),
            "reason": "",
        }
        for each in result.data
        for point, simulated, residual, error, weighted, fold in zip(
            each.data.points, each.simulated, each.residuals, each.errors, each.weighted, each.folds, strict=True
        )
    ]
    shown = {
        "data": ("data",),
        "arm": ("arm",),
        "time": ("time", "time_unit"),
        "measured": ("measured", "unit"),
        "simulated": ("simulated", "unit"),
        "residual / error": ("weighted_residual",),
        "fold": ("fold",),
    }
    if any(row["subject"] for row in rows):
        shown = {"data": ("data",), "subject": ("subject",), **shown}
    return Table(rows, shown)


def expectations(result: RunResult) -> Table:
    """Every expectation: what the literature says, what was simulated, and the source."""
    rows = [evidence_row(verdict, result.scenario.id, result.ok)._asdict() for verdict in result.verdicts]
    shown = {"": ("verdict",), "expectation": ("that",), "simulated": ("simulated", "unit")}
    return Table(rows, {**shown, "expected": ("expected",), "source": ("source",)})


def doses(result: RunResult) -> Table:
    """Every dose of every arm: ordered, delivered, held, remaining and absorbed amounts."""
    rows = [{"arm": name, **asdict(line)} for name, arm in result.arms.items() for line in arm.ledger]
    shown = {"arm": ("arm",), "dose": ("dose",), "into": ("target",), "given": ("given",), "of": ("count",)}
    amounts = ("ordered", "delivered", "held", "remaining", "absorbed")
    return Table(rows, {**shown, **{each: (each, "unit") for each in amounts}})


def nca(result: RunResult, name: str) -> Table:
    """Non-compartmental analysis of the curve `name`: a row for each dose of each arm.

    Times are in the unit in which the scenario gives its end; every row says its units.
    """
    clock, time_factor = clock_of(result.scenario)
    unit, rows = result.scenario.model.unit_text(name), []
    for arm in result.arms:
        for each in dose_intervals(result, name, arm):
            found = {key: json_number(value) for key, value in each._asdict().items() if isinstance(value, float)}
            times = {key: json_number(each._asdict()[key] * time_factor) for key in ("start", "end", "time_of_peak")}
            row = {"name": name, "arm": arm, "dose": each.dose, "number": each.number, **found, **times}
            area_unit = product_text(unit, result.scenario.model.time_unit_text)
            rows.append({**row, "unit": unit, "time_unit": clock, "area_unit": area_unit, "reason": each.reason})
    shown = {"arm": ("arm",), "dose": ("dose",), "no.": ("number",), "at": ("start", "time_unit")}
    shown |= {"Cmax": ("peak", "unit"), "Tmax": ("time_of_peak", "time_unit"), "trough": ("trough", "unit")}
    return Table(rows, {**shown, "AUC": ("area", "area_unit"), "accumulation": ("accumulation",)})
