"""`evidence`: every expectation of the scenarios against their simulations."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..experiments.evidence import EvidenceRow, evidence_row, holds, totals
from ..experiments.run import OnProgress, run
from ..files.results.folder import output_folder, write_text
from ..files.toml.scenario_file import read_scenario
from ..runtime.errors import InputError, InputFault
from ..runtime.processes import parallel_map
from ..runtime.text import csv_cell
from ..views.text.commands.evidence import evidence_text, expected_range
from ..views.text.tables import Table
from .answer import Answer
from .request import scenario_paths

if TYPE_CHECKING:
    from pandas import DataFrame

COLUMNS = ("id", "that", "expected", "simulated", "unit", "verdict", "source", "status", "rule", "topic", "claim")
SHOWN = {
    "": ("verdict",),
    "id": ("id",),
    "expectation": ("that",),
    "simulated": ("simulated", "unit"),
    "expected": ("expected",),
    "source": ("source",),
}


@dataclass(frozen=True)
class EvidenceRequest:
    """scenarios: files or names; all bundled scenarios if there are none. out: a directory for evidence.csv and
    evidence.json; nothing is written without one."""

    scenarios: tuple[str | Path, ...] = ()
    out: Path | None = None


@dataclass(frozen=True, repr=False)
class Evidence(Answer):
    """rows: a row for each expectation: see `EvidenceRow`. not_simulated: the scenarios left out by an interruption."""

    rows: list[EvidenceRow]
    not_simulated: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether all is as the scenarios say: met, or missed and known to be missed."""
        return holds(self.rows)

    @property
    def totals(self) -> dict[str, Any]:
        """How many are met: of all, of the published facts of each topic, of each claim."""
        return totals(self.rows)

    @property
    def table(self) -> Table:
        """A row for each expectation: verdict, what was simulated, what was expected, and the source."""
        return Table([row._asdict() for row in self.rows], SHOWN)

    def to_pandas(self) -> DataFrame:
        """A row for each expectation."""
        return self.table.to_pandas()

    def __str__(self) -> str:
        return evidence_text(self.rows)

    def _repr_html_(self) -> str:
        rows = [{**row._asdict(), "expected": expected_range(row)} for row in self.rows]
        return Table(rows, SHOWN)._repr_html_()


def evidence(request: EvidenceRequest) -> Evidence:
    """Simulates the scenarios, several in parallel, and writes the table if a directory is given.

    An expectation of a run that failed is listed as not simulated. After an interruption the table is written
    with the scenarios that are done; KeyboardInterrupt is raised where none is, or no directory is given.
    Raises `InputError` and, before anything is simulated, `OutputError`.
    """
    paths = scenario_paths(request.scenarios)
    if request.out is None:
        found = _evidence(paths)
        if found.not_simulated:
            raise KeyboardInterrupt
        return found
    with output_folder(request.out):
        found = _evidence(paths)
        _write(found, request.out)
    return found


def _evidence(paths: Sequence[Path]) -> Evidence:
    done: dict[int, tuple[list[EvidenceRow], list[InputFault]]] = {}
    try:
        parallel_map("scenarios", _rows_or_faults, paths, done)
    except KeyboardInterrupt:
        if not done:
            raise
    parts = [done[number] for number in sorted(done)]
    if faults := [fault for _, found in parts for fault in found]:
        raise InputError(faults)
    not_simulated = tuple(path.stem for number, path in enumerate(paths) if number not in done)
    return Evidence([row for rows, _ in parts for row in rows], not_simulated)


def _rows_or_faults(path: Path, on_progress: OnProgress) -> tuple[list[EvidenceRow], list[InputFault]]:
    """What a worker sends back: the rows of one scenario file, or what is wrong with it."""
    try:
        result = run(read_scenario(path), on_progress=on_progress)
    except InputError as error:
        return [], error.faults
    if result.interrupted:  # in this process; processes of a pool ignore Ctrl-C
        raise KeyboardInterrupt
    return [evidence_row(verdict, result.scenario.id, result.ok) for verdict in result.verdicts], []


def _write(found: Evidence, folder: Path) -> None:
    """The table as evidence.csv and, with all that is known of each row, evidence.json."""
    lines = io.StringIO()
    writer = csv.DictWriter(lines, (*COLUMNS, "missed"), extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: csv_cell(value) for key, value in row._asdict().items()} for row in found.rows)
    write_text(folder / "evidence.csv", lines.getvalue())
    document = {"totals": found.totals, "rows": [row._asdict() for row in found.rows]}
    if found.not_simulated:
        document["not_simulated"] = list(found.not_simulated)
    write_text(folder / "evidence.json", json.dumps(document, indent=1) + "\n")
