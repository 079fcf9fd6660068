"""A run as a notebook shows it: question, how it went, measures and a figure, in one piece of HTML."""

from __future__ import annotations

import base64
from html import escape
from typing import TYPE_CHECKING

from ..experiments.run import RunResult
from . import run_tables
from .evidence import MET

if TYPE_CHECKING:
    from .figures.sheet import Sheet


def run_html(result: RunResult, sheet: Sheet, text: str) -> str:
    """`sheet` shows the curves that the scenario shows first, which the table is about; `text` is it in words."""
    scenario = result.scenario
    table = run_tables.measures(result, scenario.plots[0])
    data, size = sheet._repr_png_()
    picture = (
        f'<img src="data:image/png;base64,{base64.b64encode(data).decode()}" alt="{escape(text)}"'
        f' width="{size["width"]}" style="max-width:100%">'
    )
    parts = [f"<h4>{escape(scenario.title)}</h4>", f"<p><em>{escape(scenario.question)}</em></p>"]
    parts += [f"<p>{escape(line)}</p>" for line in _went(result)]
    return "\n".join([*parts, picture, table._repr_html_()])


def _went(result: RunResult) -> list[str]:
    """Arms that failed, and the expectations: how many are met, and those that are not."""
    lines = [
        f"Arm {name} FAILED: {arm.trajectory.outcome.message}"
        for name, arm in result.arms.items()
        if not arm.trajectory.outcome.ok
    ]
    rows = run_tables.expectations(result)
    if rows:
        met = sum(row["verdict"] == MET for row in rows)
        lines.append(f"Expectations: {met} of {len(rows)} met" + (":" if met < len(rows) else "."))
    lines += [
        f"{row['verdict']}: {row['that']}, found {row['simulated']:.4g} {row['unit']} for {row['expected']}"
        for row in rows
        if row["verdict"] != MET
    ]
    return lines
