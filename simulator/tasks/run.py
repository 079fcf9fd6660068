"""`run`: a scenario is simulated and its folder written."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ..experiments.run import RunResult
from ..files.results.folder import SUMMARY, new_folder
from ..files.results.run_folder import MODEL_FILE, SCENARIO_FILE, resolved, run_id, summary, table_name, write_table


def write(
    result: RunResult,
    folder: Path,
    command: Sequence[str],
    force: bool = False,
    draw: Callable[[RunResult, Path, str], object] | None = None,
    report: bool = False,
    tables: bool = True,
) -> dict[str, Any]:
    """Writes a run into a new `folder` and returns its summary.

    draw(result, folder, run_id) adds the figures; without it there are none. report: also as one page,
    with the figures if there are any. tables: the curves as CSV.
    """
    with new_folder(folder, force) as tmp_path:
        texts = resolved(result.scenario)
        (tmp_path / SCENARIO_FILE).write_text(texts[0], encoding="utf-8")
        (tmp_path / MODEL_FILE).write_text(texts[1], encoding="utf-8")
        for arm in result.arms.values() if tables else ():
            write_table(tmp_path / table_name(arm.arm.name), result.scenario, arm.trajectory)
        found = summary(result, command, run_id(texts))
        if draw is not None:
            draw(result, tmp_path, found["run"])
        if report:
            from ..views.report.run_page import write_report  # here, since it brings a templating library

            write_report(result, found, texts[0], tmp_path, figures=draw is not None)
        found["files"] = sorted(path.name for path in tmp_path.iterdir())
        text = json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False)
        (tmp_path / SUMMARY).write_text(text + "\n", encoding="utf-8")
    return found
