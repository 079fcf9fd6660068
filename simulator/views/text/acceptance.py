"""Which virtual patients were accepted, as a table, a sentence and rows for files."""

from __future__ import annotations

from typing import Any

from ...experiments.scenario import MAIN
from ...experiments.sweeps.acceptance import Acceptance, Met, acceptance
from ...experiments.sweeps.compute import SweepResult
from ...runtime.json import json_number
from .english import counted
from .numbers import percent
from .tables import Table

FEW = 30  # patients worth less are a warning


def acceptance_text(result: SweepResult) -> str:
    """A table of the published numbers and a sentence; empty where nothing is published."""
    found = acceptance(result)
    if found is None:
        return ""
    rows = [str(acceptance_table(result, found))] if found.met else []
    return "\n".join(["published numbers, of all patients, by weights, and of those accepted:", *rows, sentence(found)])


def acceptance_table(result: SweepResult, found: Acceptance) -> Table:
    """A row for each published number."""
    units = {each.id: each.unit_text for each in result.sweep.measures}
    rows: list[dict[str, Any]] = []
    for each in found.met:
        unit = "1" if each.kind == "correlation" else units[each.wanted.measure]
        rows.append({"number": _title(each), "published": each.published, "all": each.before,
                     "weighted": each.weighted, "accepted": json_number(each.accepted), "unit": unit})  # fmt: skip
    shown = {"number": ("number",), "published": ("published", "unit"), "all patients": ("all", "unit")}
    return Table(rows, shown | {"by weights": ("weighted", "unit"), "accepted": ("accepted", "unit")})


def _title(each: Met) -> str:
    arm = "" if each.wanted.arm == MAIN else f", arm {each.wanted.arm}"
    pair = f"{each.wanted.measure} and {each.wanted.other}" if each.kind == "correlation" else each.wanted.measure
    return f"{each.kind} of {pair}{arm}"


def sentence(found: Acceptance) -> str:
    """How many patients are accepted, and how much they are worth."""
    if not found.met:
        return f"No patient is accepted: {found.reason}."
    kept, of = int(found.accepted.sum()), counted(len(found.numbers), "patient")
    text = (
        f"{kept:,} of {of} are accepted, {percent(found.rate)} being expected. By their weights all meet the published "
        f"numbers, and are worth {found.worth:,.0f} patients of equal weight."
    )
    if found.worth < FEW:
        text += " That is few: draw more of them, or from distributions that are nearer to what is published."
    return text


def acceptance_document(result: SweepResult) -> dict[str, Any]:
    """The same, ready for JSON; empty where nothing is published."""
    found = acceptance(result)
    if found is None:
        return {}
    rows = [
        {"measure": each.wanted.measure, "with": each.wanted.other or None, "arm": each.wanted.arm, "kind": each.kind,
         "published": each.published, "before": json_number(each.before), "weighted": json_number(each.weighted),
         "accepted": json_number(each.accepted)}
        for each in found.met
    ]  # fmt: skip
    return {
        "acceptance": {
            "patients": len(found.numbers),
            "accepted": int(found.accepted.sum()),
            "rate": found.rate,
            "worth": found.worth,
            "reason": found.reason,
            "numbers": rows,
            "sentence": sentence(found),
        }
    }


def weight_rows(found: Acceptance) -> list[dict[str, Any]]:
    """A row for each patient that has a weight, for files."""
    rows = zip(found.numbers.tolist(), found.weights.tolist(), found.accepted.tolist(), strict=True)
    return [{"member": number, "weight": weight, "accepted": int(kept)} for number, weight, kept in rows]


def patient_rows(result: SweepResult, found: Acceptance) -> list[dict[str, Any]]:
    """A row for each accepted patient, as a file of ``members`` has it."""
    axes = result.sweep.design.axes
    names = [axis.path if axis.unit_text == "1" else f"{axis.path} [{axis.unit_text}]" for axis in axes]
    kept = set(found.numbers[found.accepted].tolist()) if found.met else set()
    return [
        {"id": f"patient {number}", **dict(zip(names, row, strict=True))}
        for number, row in zip(result.numbers.tolist(), result.values.tolist(), strict=True)
        if number in kept
    ]
