"""`sweep`: computes the members of a sweep that are not stored yet, and writes tables and figures of all that are."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import numpy as np

from ..experiments.run import run
from ..experiments.scenario import Scenario
from ..experiments.solving import Certify
from ..experiments.sweeps.acceptance import acceptance
from ..experiments.sweeps.certificate import SweepCertificate
from ..experiments.sweeps.compute import Block
from ..experiments.sweeps.outcome import SweepOutcome
from ..experiments.sweeps.workers import check_sweep_memory
from ..files.results.folder import atomic_write, write_text
from ..files.results.member_store import MemberStore, check_store, open_store
from ..files.results.run_folder import MODEL_FILE, SCENARIO_FILE, resolved
from ..files.results.stored_members import read_members
from ..files.results.sweep_folder import read_curves, sweep_summary, write_sweep_summary
from ..files.results.sweep_identity import sweep_name
from ..files.results.sweep_tables import BANDS, MEMBERS, PARQUET, members_csv, members_parquet, write_bands
from ..files.results.temporary import temporary_folder
from ..numerics.trajectory import Array
from ..runtime.errors import OutputError
from ..runtime.packages import package
from ..views.text.acceptance import acceptance_document, patient_rows, weight_rows
from ..views.text.answers import spoken_answer
from ..views.text.commands.sweep import sweep_text
from ..views.text.sensitivity import sensitivity_document, sensitivity_rows
from .request import OnNote, ignore_note
from .sweep_members import certify, compute_missing
from .sweep_request import SweepRequest

RANKS = "ranks.csv"  # of parameters by their influence, and of what goes with a response
WEIGHTS, ACCEPTED = "weights.csv", "accepted.csv"  # of patients, where something is published of them
REPORT = "report.html"


@dataclass(frozen=True)
class SweepOutput:
    """A sweep that was computed: its outcome, and its summary, which the folder holds too.

    curves: those that are kept, of all members, shape (members, arms, curves, times), if the sweep has no folder to
    read them from.
    """

    outcome: SweepOutcome
    summary: dict[str, Any]
    curves: Array | None = None

    def read_curves(self) -> Array:
        """The curves that are kept, shape (members, arms, curves, times); NaN where a member failed."""
        if self.curves is not None or self.outcome.folder is None:
            return np.empty(0) if self.curves is None else self.curves
        return read_curves(self.outcome.folder, self.outcome.result)

    def __str__(self) -> str:
        return sweep_text(self.outcome)


def sweep(
    request: SweepRequest, on_note: OnNote = ignore_note, stop: Callable[[], bool] = lambda: False
) -> SweepOutput:
    """Computes what is not stored in `request.out` yet, and writes tables and figures of all members.

    Args:
        request: What to sweep.
        on_note: Called with remarks on the scenario before anything is computed.
        stop: Asked while members are computed; once it is true, what is done is kept and its tables are written.

    Raises:
        InputError: Something is wrong with the scenario or what is asked of it.
        OutputError: The folder cannot be written, or holds something else; nothing stored is lost by that.
        WorkersError: No worker can be had, or none computes anything.
        ModuleNotFoundError: A package that the request needs is missing; said before anything is computed.
    """
    _check_packages(request)
    for part in request.merge:
        if not part.is_dir():
            raise OutputError(f"{part} is no folder of a sweep")
    scenario = request.read(on_note)
    if scenario.sweep is not None and scenario.sweep.design.kind in ("morris", "saltelli"):
        package("SALib")
    check_sweep_memory(scenario, request.size, in_memory=request.out is None)
    if request.out is not None:
        return _sweep_into(request.out, scenario, request, stop)
    with temporary_folder(Path(gettempdir()), "immunesim-sweep-") as temporary:  # the same way, and then into memory
        output = _sweep_into(temporary, scenario, request, stop)
        curves = read_curves(temporary, output.outcome.result)
    summary = {**output.summary, "folder": None}
    return SweepOutput(replace(output.outcome, folder=None), summary, curves)


def _check_packages(request: SweepRequest) -> None:
    if request.parquet:
        package("pyarrow")
    if request.figures or request.report:
        from ..views.figures.sweep import pictures  # noqa: F401  # matplotlib


def _sweep_into(folder: Path, scenario: Scenario, request: SweepRequest, stop: Callable[[], bool]) -> SweepOutput:
    for part in request.merge:  # before anything is written
        check_store(part, scenario)
    with open_store(folder, scenario) as store:
        try:
            return _sweep(store, request, stop)
        except OutputError as error:  # a full disk, most likely
            raise OutputError(f"{error}; {len(store):,} members are kept, and the same command continues") from None


def _sweep(store: MemberStore, request: SweepRequest, stop: Callable[[], bool]) -> SweepOutput:
    for name, text in zip((SCENARIO_FILE, MODEL_FILE), resolved(store.scenario), strict=True):
        write_text(store.folder / name, text)
    began, computed, damaged = time.monotonic(), 0, dict(store.damaged)
    if request.merge:
        damaged |= _merge(store, request)
    else:
        computed = compute_missing(store, request, stop)
    found = read_members(store, request.shard)
    if found.result.bands:
        write_bands(store.folder / BANDS, store.scenario, found.result.bands)
    outcome = SweepOutcome(
        found.result,
        found.asked,
        computed,
        failures=found.failures,
        first_failures=found.first_failures,
        damaged=damaged,
        shard=request.shard,
        merged=bool(request.merge),
        certificate=certify(store, request, found.result, stop),
        workers=request.dask or request.size,
        folder=store.folder,
    )
    outcome = replace(outcome, seconds=time.monotonic() - began, interrupted=stop() and outcome.missing > 0)
    _write_members(store, request, found.blocks, outcome.certificate)
    summary = sweep_summary(outcome, request.command)
    if not outcome.missing:
        summary |= sensitivity_document(outcome.result)
        summary |= acceptance_document(outcome.result)
        _write_rows(store.folder / RANKS, sensitivity_rows(outcome.result))
        if (accepted := acceptance(outcome.result)) is not None:
            _write_rows(store.folder / WEIGHTS, weight_rows(accepted) if accepted.met else [])
            _write_rows(store.folder / ACCEPTED, patient_rows(outcome.result, accepted))
    write_sweep_summary(store.folder, summary)
    if request.figures and len(outcome.result.numbers) and not outcome.interrupted:
        from ..views.figures.sweep.pictures import draw  # matplotlib

        options = request.figures
        draw(outcome.result, store.folder, sweep_name(store.scenario), options.slides, options.formats)
    if request.report and not outcome.interrupted:
        write_text(store.folder / REPORT, report_of(outcome, request.command))
    return SweepOutput(outcome, summary)


def report_of(outcome: SweepOutcome, command: Sequence[str], home: str = "") -> str:
    """The page of a sweep as HTML, for which the scenario is simulated once as it is described if it gives an answer;
    command, home: as of `sweep_report`."""
    from ..views.report.sweep_page import sweep_report  # matplotlib, and a templating library

    scenario = outcome.result.scenario
    answer = spoken_answer(run(scenario, Certify.OFF)) if scenario.answer else []
    return sweep_report(outcome, sweep_name(scenario), command, resolved(scenario)[0], answer, home)


def _merge(store: MemberStore, request: SweepRequest) -> dict[str, str]:
    """Takes over the members of other folders; returns their damaged blocks, and why."""
    damaged: dict[str, str] = {}
    for folder in request.merge:
        other = MemberStore(folder, store.scenario)
        store.merge(other)
        damaged |= {str(folder / name): why for name, why in other.damaged.items()}
    return damaged


def _write_members(
    store: MemberStore, request: SweepRequest, blocks: Sequence[Block], certificate: SweepCertificate
) -> None:
    """The tables of all members; those of too few digits are marked."""
    with ExitStack() as stack:
        writers = [stack.enter_context(members_csv(store.folder / MEMBERS, store.scenario, certificate))]
        if request.parquet:
            writers.append(stack.enter_context(members_parquet(store.folder / PARQUET, store.scenario, certificate)))
        for block in blocks:
            for write in writers:
                write(block)


def _write_rows(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Rows as CSV; nothing where there are none."""
    if rows:
        with atomic_write(path) as tmp_path, tmp_path.open("w", encoding="utf-8", newline="") as file:
            table = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
            table.writeheader()
            table.writerows(rows)
