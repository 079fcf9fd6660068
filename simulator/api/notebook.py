"""A run as a notebook shows it: question, how it went, a figure (which has the title) and its measures."""

from __future__ import annotations

import base64
from html import escape
from typing import TYPE_CHECKING

from ..experiments.run import RunResult
from ..views.text import run_tables
from ..views.text.commands.run import verdict_line

if TYPE_CHECKING:
    from ..views.figures.page import NotebookFigure


def run_html(result: RunResult, sheet: NotebookFigure, text: str) -> str:
    """`sheet` shows the curves that the scenario shows first, which the table is about; `text` is it in words."""
    scenario = result.scenario
    table = run_tables.measures(result, scenario.plots[0])
    lines = [f"<strong>{escape(scenario.question)}</strong>", *map(escape, _went(result))]
    return "\n".join([*(f"<p>{line}</p>" for line in lines), picture_html(sheet, text), table._repr_html_()])


def picture_html(sheet: NotebookFigure, text: str) -> str:
    """A figure within a page; `text` describes it."""
    data, size = sheet._repr_png_()
    return (
        f'<img src="data:image/png;base64,{base64.b64encode(data).decode()}" alt="{escape(text)}"'
        f' width="{size["width"]}" style="max-width:100%">'
    )


def _went(result: RunResult) -> list[str]:
    """Arms that failed, and the expectations: how many are met, and those that are not."""
    lines = [
        f"Arm {name} FAILED: {arm.trajectory.outcome.message}"
        for name, arm in result.arms.items()
        if not arm.trajectory.outcome.ok
    ]
    missed = [verdict for verdict in result.verdicts if not verdict.met or verdict.objection]
    if result.verdicts:
        met, count = len(result.verdicts) - len(missed), len(result.verdicts)
        lines.append(f"Expectations: {met} of {count} met" + (":" if missed else "."))
    return [*lines, *(verdict_line(verdict).strip() for verdict in missed)]
