"""Every expectation of the scenarios: expected, simulated, verdict, source; and what they add up to."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ..experiments.expectations import FAILED, KNOWN_MISS, MET, MISSED, UNBROKEN, row_of
from ..experiments.run import OnProgress, run
from ..files.results.folder import make_folder, write_text
from ..files.toml.scenario_file import read_scenario
from ..runtime.errors import InputError, InputFault
from ..runtime.processes import parallel_map
from ..views.text.numbers import number

MARKS = {MET: "met   ", KNOWN_MISS: "missed", MISSED: "MISSED", UNBROKEN: "UNSAFE", FAILED: "FAILED"}
COLUMNS = ("id", "that", "expected", "simulated", "unit", "verdict", "source", "status", "rule", "topic", "claim")


def collect(paths: Sequence[Path]) -> list[dict[str, Any]]:
    """One row per expectation of the scenario files, which must be readable; several files are
    simulated in parallel. An expectation of a run that failed stays in, as not simulated."""
    parts = parallel_map("scenarios", _rows_or_faults, paths)
    if faults := list(dict.fromkeys(fault for _, found in parts for fault in found)):
        raise InputError(faults)
    return [row for rows, _ in parts for row in rows]


def _rows_or_faults(path: Path, on_progress: OnProgress) -> tuple[list[dict[str, Any]], list[InputFault]]:
    """What a worker sends back: the rows of one scenario file, or what is wrong with it."""
    try:
        result = run(read_scenario(path), certify=False, on_progress=on_progress)
    except InputError as error:
        return [], error.faults
    return [row_of(verdict, result.scenario.id, result.ok) for verdict in result.verdicts], []


def holds(rows: Sequence[dict[str, Any]]) -> bool:
    """Whether all is as the scenarios say: met, or missed and announced as missed."""
    return all(row["verdict"] == (KNOWN_MISS if row["missed"] else MET) for row in rows)


def totals(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """How many are met: of all, of the published facts of each topic, of each claim."""
    return {
        "all": _count(rows),
        "facts": _count([row for row in rows if row["topic"]]),
        "topics": {key: _count([row for row in rows if row["topic"] == key]) for key in _keys(rows, "topic")},
        "claims": {key: _count([row for row in rows if row["claim"] == key]) for key in _keys(rows, "claim")},
    }


def _keys(rows: Sequence[dict[str, Any]], column: str) -> list[str]:
    return sorted({row[column] for row in rows if row[column]}, key=lambda key: (len(key.rstrip("abc")), key))


def _count(rows: Sequence[dict[str, Any]]) -> dict[str, int]:
    return {"met": sum(row["verdict"] == MET for row in rows), "of": len(rows)}


def text(rows: Sequence[dict[str, Any]]) -> str:
    """The table for people, what was missed marked, totals below."""
    if not rows:
        return "no expectations"
    return "\n".join(_lines(rows))


def _lines(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    width = max(len(row["id"]) for row in rows)
    for row in rows:
        found = "none" if row["simulated"] is None else number(row["simulated"], 4)
        mark = MARKS[row["verdict"]]
        yield f"{mark}  {row['id']:{width}}  {found:>10}  expected {row['expected']}  [{row['source']}]"
        yield f"        {'':{width}}  {row['that']}"
        if row["verdict"] == KNOWN_MISS:
            yield f"        {'':{width}}  known miss: {row['missed']}"
        if row["objection"]:
            yield f"        {'':{width}}  {row['objection']}"
        for arm, value in row["broken"].items() if row["verdict"] == MET else ():
            without = "none" if value is None else number(value, 4)
            yield f"        {'':{width}}  shows {row['claim'] or 'the mechanism'}: without it, in arm {arm}, {without}"
    found_totals = totals(rows)
    for title, key in (("published facts", "topics"), ("claims", "claims")):
        if found_totals[key]:
            yield f"\n{title}, met of all:"
            yield from (f"  {name:16}  {each['met']:4} of {each['of']}" for name, each in found_totals[key].items())
    every = found_totals["all"]
    known = sum(row["verdict"] == KNOWN_MISS for row in rows)
    yield f"\n{every['met']} of {every['of']} expectations met" + (
        f", {known} known miss{'es' * (known > 1)}" if known else ""
    )


def write(rows: Sequence[dict[str, Any]], folder: Path) -> list[Path]:
    """The table as evidence.csv and, with all that is known of each row, evidence.json."""
    make_folder(folder)
    table, document = folder / "evidence.csv", folder / "evidence.json"
    lines = io.StringIO()
    writer = csv.DictWriter(lines, (*COLUMNS, "missed"), extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(table, lines.getvalue())
    write_text(document, json.dumps({"totals": totals(rows), "rows": rows}, indent=1) + "\n")
    return [table, document]
