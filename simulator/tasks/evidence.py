"""`evidence`: every expectation of the scenarios against their simulations."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..experiments.evidence import EvidenceRow, compared, evidence_row, holds, totals
from ..experiments.facts import Fact
from ..experiments.run import OnProgress, RunResult, run
from ..experiments.solving import Certify
from ..files.results.folder import output_folder, write_text
from ..files.toml.catalogue import blind_tests
from ..files.toml.facts import asked_twice, not_asked_by
from ..files.toml.model_file import find_model, no_model, read_model
from ..files.toml.other_model import asked_of
from ..files.toml.scenario_file import read_scenario
from ..runtime.errors import InputError, InputFault, request_fault
from ..runtime.processes import parallel_map
from ..runtime.text import csv_cell
from ..views.text.commands.evidence import evidence_text, expected_range
from ..views.text.evidence_totals import blind_tests_text, comparison_lines, not_asked_lines
from ..views.text.reliability import first, unreliable_lines
from ..views.text.tables import Table
from .answer import Answer, warnings_html
from .request import OnNote, ignore_note, say_engine, scenario_paths

if TYPE_CHECKING:
    from pandas import DataFrame

COLUMNS = (
    *("id", "that", "expected", "simulated", "unit", "verdict", "source", "status", "rule", "topic", "claim"),
    *("missed", "basis", "central", "fold_error", "near", "fact", "set_aside"),
)
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
    evidence.json; nothing is written without one. certify: how the digits are checked; None: as usual.
    accept_unreliable: judge numbers of fewer than three digits too, which are "not reliable" otherwise. model: a model,
    by its name or file, that is asked what the scenarios ask of their own; scenarios of that model are left out.
    set_aside: list the facts that are set aside in the text too, which only counts them otherwise."""

    scenarios: tuple[str | Path, ...] = ()
    out: Path | None = None
    certify: Certify | None = None
    accept_unreliable: bool = False
    model: str = ""
    set_aside: bool = False


@dataclass(frozen=True, repr=False)
class Evidence(Answer):
    """rows: a row for each expectation: see `EvidenceRow`. not_simulated: the scenarios left out by an interruption.
    unreliable: a line for each arm that an expectation reads and whose digits are too few to be relied on.
    not_asked: the facts of the register that no expectation asks; None where not all bundled scenarios were asked for.
    own: where another model was asked, the rows of the scenarios' own models for the same expectations. set_aside: as
    in `EvidenceRequest`.
    """

    rows: list[EvidenceRow]
    not_simulated: tuple[str, ...] = ()
    unreliable: tuple[str, ...] = ()
    not_asked: tuple[Fact, ...] | None = None
    own: list[EvidenceRow] | None = None
    set_aside: bool = False

    @property
    def holds(self) -> bool:
        """Whether all is as the scenarios say: met, or missed and known to be missed. They say it of their own models,
        so that another one cannot fail it."""
        return self.own is not None or holds(self.rows)

    @property
    def totals(self) -> dict[str, Any]:
        """How many are met, of all and by what they rest on: see `experiments.evidence.totals`. With all bundled
        scenarios also the facts of the register that are not asked, and the blind tests."""
        if self.not_asked is None:
            return totals(self.rows)
        blind = [test._asdict() | {"date": test.date.isoformat()} for test in blind_tests()]
        return {**totals(self.rows), "not_asked": [fact.id for fact in self.not_asked], "blind_tests": blind}

    @property
    def document(self) -> dict[str, Any]:
        """Totals and rows, ready for JSON."""
        found = {
            "totals": self.totals,
            "unreliable": list(self.unreliable),
            "rows": [row._asdict() for row in self.rows],
        }
        if self.own is not None:
            found |= {"own": [row._asdict() for row in self.own], "compared": compared(self.rows, self.own)}
        return {**found, "not_simulated": list(self.not_simulated)} if self.not_simulated else found

    @property
    def table(self) -> Table:
        """A row for each expectation: verdict, what was simulated, what was expected, and the source."""
        return Table([row._asdict() for row in self.rows], SHOWN)

    def to_pandas(self) -> DataFrame:
        """A row for each expectation."""
        return self.table.to_pandas()

    def __str__(self) -> str:
        last = [] if self.not_asked is None else [*not_asked_lines(self.not_asked), blind_tests_text(blind_tests())]
        if self.own is not None:
            last = list(comparison_lines(compared(self.rows, self.own)))
        return first(self.unreliable, evidence_text(self.rows, last, self.set_aside))

    def _repr_html_(self) -> str:
        rows = [{**row._asdict(), "expected": expected_range(row)} for row in self.rows]
        return warnings_html(self.unreliable) + Table(rows, SHOWN)._repr_html_()


def evidence(request: EvidenceRequest, on_note: OnNote = ignore_note) -> Evidence:
    """Simulates the scenarios, several in parallel, and writes the table if a directory is given.

    An expectation of a run that failed is listed as not simulated. After an interruption the table is written
    with the scenarios that are done; KeyboardInterrupt is raised where none is, or no directory is given.
    Raises `InputError` and, before anything is simulated, `OutputError`.
    """
    paths = scenario_paths(request.scenarios)
    if faults := asked_twice(paths):
        raise InputError(faults)
    model = find_model(request.model, Path()) if request.model else None
    if request.model and model is None:
        raise InputError([request_fault(no_model(request.model), f"--model {request.model}")])
    say_engine(on_note)
    if request.out is None:
        found = _evidence(paths, request, model)
        if found.not_simulated:
            raise KeyboardInterrupt
        return found
    with output_folder(request.out):
        found = _evidence(paths, request, model)
        _write(found, request.out)
    return found


def _evidence(paths: Sequence[Path], request: EvidenceRequest, model: Path | None) -> Evidence:
    done: dict[int, _Part] = {}
    try:
        parallel_map("scenarios", partial(_part, request, model), paths, done)
    except KeyboardInterrupt:
        if not done:
            raise
    parts = [done[number] for number in sorted(done)]
    if faults := [fault for part in parts for fault in part.faults]:
        raise InputError(faults)
    not_simulated = tuple(path.stem for number, path in enumerate(paths) if number not in done)
    unreliable = tuple(line for part in parts for line in part.unreliable)
    rows = [row for part in parts for row in part.rows]
    if model is not None:
        own = [row for part in parts for row in part.own]
        return Evidence(rows, not_simulated, unreliable, own=own, set_aside=request.set_aside)
    not_asked = None if request.scenarios else not_asked_by(row.fact for row in rows)
    return Evidence(rows, not_simulated, unreliable, not_asked, set_aside=request.set_aside)


class _Part(NamedTuple):
    """What a worker sends back: the rows of one scenario file and its arms that are not reliable, or its faults.
    own: where another model was asked, the rows of its own."""

    rows: list[EvidenceRow]
    unreliable: list[str]
    faults: list[InputFault]
    own: Sequence[EvidenceRow] = ()


def _part(request: EvidenceRequest, model: Path | None, path: Path, on_progress: OnProgress) -> _Part:
    try:
        asked = [read_scenario(path)]
        if model is not None:
            own = asked[0]
            other = None if own.model_name == request.model else asked_of(own, read_model(model), request.model)
            if other is None:
                return _Part([], [], [])
            asked = [other, own]
        results = [run(each, request.certify, on_progress=on_progress) for each in asked]
    except InputError as error:
        return _Part([], [], error.faults)
    return _judged(request, results)


def _judged(request: EvidenceRequest, results: Sequence[RunResult]) -> _Part:
    """The rows of the first result, and of the second, if there is one, those of the same expectations."""
    if any(result.interrupted for result in results):  # in this process; processes of a pool ignore Ctrl-C
        raise KeyboardInterrupt
    accept = request.accept_unreliable
    rows, *others = (
        [evidence_row(verdict, result.scenario.id, result.ok, accept) for verdict in result.verdicts]
        for result in results
    )
    asked = {row.id for row in rows}
    own = [row for other in others for row in other if row.id in asked]
    read = any(row.unreliable for row in [*rows, *own])
    return _Part(rows, unreliable_lines(results, named=True) if read else [], [], own)


def _write(found: Evidence, folder: Path) -> None:
    """The table as evidence.csv and, with all that is known of each row, evidence.json."""
    lines = io.StringIO()
    writer = csv.DictWriter(lines, COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: csv_cell(value) for key, value in row._asdict().items()} for row in found.rows)
    write_text(folder / "evidence.csv", lines.getvalue())
    write_text(folder / "evidence.json", json.dumps(found.document, indent=1) + "\n")
