"""A run as a notebook shows it: question, answer, failures, expectations, a figure with the title, and measures."""

from __future__ import annotations

import base64
from html import escape
from typing import TYPE_CHECKING

from ..experiments.expectations import asked, set_aside
from ..experiments.run import RunResult
from ..tasks.answer import warnings_html
from ..views.text import run_tables
from ..views.text.answers import answer_lines
from ..views.text.data import data_lines
from ..views.text.reliability import unreliable_lines
from ..views.text.verdicts import verdict_line

if TYPE_CHECKING:
    from ..views.figures.page import NotebookFigure


def run_html(result: RunResult, figure: NotebookFigure, text: str) -> str:
    """HTML of `result`; `figure` is of the curves that the scenario shows first, and `text` describes it."""
    scenario = result.scenario
    table = run_tables.measures(result, scenario.shown[:1])
    lines = [f"<strong>{escape(scenario.question)}</strong>", *map(escape, answer_lines(result))]
    lines += map(escape, _verdicts(result))
    lines += map(escape, data_lines(scenario, result.data))
    warnings = warnings_html(unreliable_lines([result]))
    return warnings + "\n".join(
        [*(f"<p>{line}</p>" for line in lines), picture_html(figure, text), table._repr_html_()]
    )


def picture_html(figure: NotebookFigure, text: str) -> str:
    """A figure within a page; `text` describes it."""
    data, size = figure._repr_png_()
    return (
        f'<img src="data:image/png;base64,{base64.b64encode(data).decode()}" alt="{escape(text)}"'
        f' width="{size["width"]}" style="max-width:100%">'
    )


def _verdicts(result: RunResult) -> list[str]:
    """Arms that failed, and the expectations: how many are met, and those that are not."""
    lines = [
        f"Arm {name} FAILED: {arm.trajectory.outcome.message}"
        for name, arm in result.arms.items()
        if not arm.trajectory.outcome.ok
    ]
    counted_ones, held_out = asked(result.verdicts), set_aside(result.verdicts)
    missed = [verdict for verdict in counted_ones if not verdict.met or verdict.in_doubt]
    if counted_ones:
        met, count = len(counted_ones) - len(missed), len(counted_ones)
        lines.append(f"Expectations: {met} of {count} met" + (":" if missed else "."))
    if held_out:
        lines.append(f"Set aside, never used for fitting: {sum(each.met for each in held_out)} of {len(held_out)} met.")
    return [*lines, *(verdict_line(verdict).strip() for verdict in missed)]
