"""`sweep`: computes the members of a sweep that are not stored yet, and writes tables and figures of all that are."""

from __future__ import annotations

import csv
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import numpy as np

from ..experiments.run import run
from ..experiments.scenario import Scenario
from ..experiments.schedule import saved_times
from ..experiments.solving import Certify
from ..experiments.sweeps.acceptance import acceptance
from ..experiments.sweeps.certificate import (
    CertifyMembers,
    SweepCertificate,
    again,
    compare_members,
    members_to_repeat,
    not_certified,
)
from ..experiments.sweeps.compute import Block, Numbers, SweepResult, compute, solver, sweep_of, values_of
from ..experiments.sweeps.outcome import MemberFailure, SweepEstimate, SweepOutcome
from ..experiments.sweeps.shards import shard_numbers
from ..experiments.sweeps.workers import Pool, Processes, Threads, check_sweep_memory, compute_blocks, member_bytes
from ..files.results.folder import atomic_write, write_text
from ..files.results.member_index import ABSENT, Offsets
from ..files.results.member_store import Mask, MemberStore, check_store, open_store
from ..files.results.run_folder import MODEL_FILE, SCENARIO_FILE, resolved
from ..files.results.sweep_folder import default_folder, read_curves, sweep_summary, write_sweep_summary
from ..files.results.sweep_identity import sweep_name
from ..files.results.sweep_tables import (
    BANDS,
    MEMBERS,
    PARQUET,
    few_curves,
    members_csv,
    members_parquet,
    quantile_bands,
    write_bands,
)
from ..files.results.temporary import temporary_folder
from ..files.toml.overrides import SweepOptions
from ..numerics.compiled.availability import available
from ..numerics.trajectory import Array
from ..runtime.errors import InputError, OutputError, option, request_fault
from ..runtime.packages import package
from ..runtime.progress import Progress
from ..views.text.acceptance import acceptance_document, patient_rows, weight_rows
from ..views.text.answers import spoken_answer
from ..views.text.commands.sweep import sweep_text
from ..views.text.engine import engine_notes
from ..views.text.sensitivity import sensitivity_document, sensitivity_rows
from .request import FigureOptions, OnNote, ScenarioRequest, ignore_note

TIMED = 3  # members computed to estimate how long a sweep will take ...
SECONDS_TIMED = 10.0  # ... or fewer, if they take longer
FIRST_FAILURES = 5  # reported with their messages
RANKS = "ranks.csv"  # of parameters by their influence, and of what goes with a response
WEIGHTS, ACCEPTED = "weights.csv", "accepted.csv"  # of patients, where something is published of them
REPORT = "report.html"
CERTIFICATE = "certificate"  # the folder, in that of a sweep, of members that were computed again


@dataclass(frozen=True)
class SweepRequest:
    """Many members of a scenario to simulate.

    scenario: which one, and what is changed in all of its arms and members.
    options: what varies, how it is sampled, what is measured and kept, if not what the scenario's [sweep] says.
    out: the folder of the sweep; what it holds already is not computed again. None: nothing stays on disk.
    workers: threads or processes; 0 for one on each core. dask: the address of a scheduler, or "local", instead.
    shard: only the members of this job, counted from 1, of so many. merge: take over the members of these folders and
    compute nothing. parquet: also write members.parquet. figures: draw figures into `out`; None: none. report: also
    write report.html there.
    certify: which members are computed again, to find their digits.
    command: the request as arguments of the command line, kept in the summary.

    Raises `InputError` for what cannot go together.
    """

    scenario: ScenarioRequest
    options: SweepOptions | None = None
    out: Path | None = None
    workers: int = 0
    dask: str | None = None
    shard: tuple[int, int] = (1, 1)
    merge: tuple[Path, ...] = ()
    parquet: bool = False
    figures: FigureOptions | None = None
    report: bool = False
    command: tuple[str, ...] = ()
    certify: CertifyMembers = CertifyMembers.SOME

    def __post_init__(self) -> None:
        if self.workers < 0:
            raise InputError([request_fault(f"a number of 1 or more, found {self.workers}", "--workers")])
        if self.workers and self.dask is not None:
            fault = request_fault(
                f"a Dask cluster has its own workers: give {option('--workers')} or {option('--dask')}"
            )
            raise InputError([fault])
        if self.merge and self.shard != (1, 1):
            fault = request_fault(
                f"a merge takes the members of all shards: give {option('--shard')} or {option('--merge')}"
            )
            raise InputError([fault])
        if self.out is None and (self.parquet or self.figures or self.report):
            raise InputError([request_fault(f"tables and figures need a folder: give {option('--out')}")])

    @property
    def size(self) -> int:
        """Workers on this machine."""
        return self.workers or os.cpu_count() or 1

    def read(self, on_note: OnNote = ignore_note) -> Scenario:
        """The scenario with its sweep; remarks on it go to `on_note`. Raises `InputError`."""
        scenario = self.scenario.read(self.options)
        if scenario.sweep is None:
            message = f"nothing to vary in {scenario.id}: add a [sweep] table, or {option('--vary NAME=VALUES')}"
            raise InputError([request_fault(message)])
        left_out = [f"left out: {each}" for each in scenario.truncated]
        for note in (*self.scenario.notes(scenario), *left_out, *engine_notes()):
            on_note(note)
        return scenario


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


def parse_shard(text: str | None) -> tuple[int, int]:
    """``3/16`` as numbers, and None as the only shard; `InputError` for anything else."""
    if text is None:
        return 1, 1
    number, _, shards = text.partition("/")
    if not (number.isdecimal() and shards.isdecimal() and 1 <= int(number) <= int(shards)):
        raise InputError([request_fault("a shard is I/N, such as 3/16, with I from 1 to N", f"--shard {text}")])
    return int(number), int(shards)


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
        if not part.is_dir():
            raise OutputError(f"{part} is no folder of a sweep")
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
        computed = _compute(store, request, stop)
    outcome, blocks = _read(store, request)
    outcome = replace(
        outcome,
        certificate=_certificate(store, request, outcome.result, stop),
        computed=computed,
        seconds=time.monotonic() - began,
        damaged=damaged,
        interrupted=stop() and outcome.missing > 0,
    )
    _write_members(store, request, blocks, outcome.certificate)
    summary = sweep_summary(outcome, request.command)
    if not outcome.missing:
        summary |= sensitivity_document(outcome.result)
        summary |= acceptance_document(outcome.result)
        _write_rows(store.folder / RANKS, sensitivity_rows(outcome.result))
        if (found := acceptance(outcome.result)) is not None:
            _write_rows(store.folder / WEIGHTS, weight_rows(found) if found.met else [])
            _write_rows(store.folder / ACCEPTED, patient_rows(outcome.result, found))
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


def _compute(store: MemberStore, request: SweepRequest, stop: Callable[[], bool]) -> int:
    """Computes and stores what is missing; returns the number of members."""
    total, stored = _count(store, request)
    if stored == total:
        return 0
    computed = 0
    with Progress("members", total, stored) as progress, _pool(store.scenario, request) as pool:
        for block in compute_blocks(pool, store.scenario, _missing_numbers(store, request), stop):
            store.add(block)
            computed += len(block.numbers)
            progress.add(len(block.numbers), int(block.failed.any(axis=1).sum()))
    return computed


def _pool(scenario: Scenario, request: SweepRequest) -> Pool:
    if request.dask is None:
        kind = Threads if available() else Processes
        return kind(scenario, request.size)
    from ..experiments.sweeps.dask_cluster import Cluster  # optional

    return Cluster(scenario, request.dask, request.size)


def _count(store: MemberStore, request: SweepRequest) -> tuple[int, int]:
    """How many members this shard has, and how many of them are stored."""
    total = stored = 0
    for numbers, values in _members(store.scenario, request):
        total += len(numbers)
        if len(store):
            stored += int((~store.missing(store.keys(values))).sum())
    return total, stored


def _members(scenario: Scenario, request: SweepRequest) -> Iterator[tuple[Numbers, Array]]:
    """Numbers and values of the members of the shard, in chunks."""
    design = sweep_of(scenario).design
    for numbers in shard_numbers(design.count, request.shard):
        yield numbers, values_of(design, numbers)


def _missing_numbers(store: MemberStore, request: SweepRequest) -> Iterator[Numbers]:
    """The members to compute, each once even if the design holds it twice."""
    queued: set[bytes] = set()
    for numbers, values in _members(store.scenario, request):
        keys = store.keys(values)
        if queued:
            not_stored = np.array(sorted(queued), dtype="S16")
            queued = set(not_stored[store.find(not_stored) == ABSENT].tolist())
        new = np.zeros(len(numbers), dtype=bool)
        for row in np.flatnonzero(store.missing(keys)).tolist():
            new[row] = keys[row] not in queued
            queued.add(bytes(keys[row]))
        if new.any():
            yield numbers[new]


def _merge(store: MemberStore, request: SweepRequest) -> dict[str, str]:
    """Takes over the members of other folders; returns their damaged blocks, and why."""
    damaged: dict[str, str] = {}
    for folder in request.merge:
        other = MemberStore(folder, store.scenario)
        store.merge(other)
        damaged |= {str(folder / name): why for name, why in other.damaged.items()}
    return damaged


def _read(store: MemberStore, request: SweepRequest) -> tuple[SweepOutcome, list[Block]]:
    """All members that are stored, in the order of the design, and the blocks that they were read in."""
    scenario, folder = store.scenario, store.folder
    asked, failures, first = 0, Counter[str](), list[MemberFailure]()
    none = np.empty(0, dtype=np.int64)  # a shard may have no member at all
    blocks = [store.block(none, np.empty((0, len(sweep_of(scenario).design.axes))), none)]
    offsets: list[Offsets] = [none]
    for numbers, values in _members(scenario, request):
        asked += len(numbers)
        found = store.find(store.keys(values))
        stored = found != ABSENT
        block = store.block(numbers[stored], values[stored], found[stored])
        failures.update(how.kind for how in block.outcomes.values())
        for (number, arm), how in sorted(block.outcomes.items())[: FIRST_FAILURES - len(first)]:
            first.append(MemberFailure(number, arm, how.message or how.kind))
        blocks.append(block)
        offsets.append(found[stored])
    result = _result(store, blocks, np.concatenate(offsets))
    outcome = SweepOutcome(
        result,
        asked,
        failures=failures,
        first_failures=tuple(first),
        shard=request.shard,
        merged=bool(request.merge),
        workers=request.dask or request.size,
        folder=folder,
    )
    return outcome, blocks


def _certificate(
    store: MemberStore, request: SweepRequest, result: SweepResult, stop: Callable[[], bool]
) -> SweepCertificate:
    """How far members that were computed twice agree; some are computed again for it, unless this is a merge.

    The second computations are a store of their own, in the folder of the sweep, so that a sweep that is continued
    or merged keeps them. No member of the sweep itself is changed.
    """
    folder, scenario = store.folder / CERTIFICATE, again(store.scenario)
    if request.certify is CertifyMembers.OFF:
        return not_certified("switched off")
    if stop() or not len(result.numbers):
        return not_certified("interrupted" if stop() else "there are no members")
    with open_store(folder, scenario) as second:
        for part in request.merge:
            if (part / CERTIFICATE).is_dir():
                second.merge(MemberStore(part / CERTIFICATE, scenario))
        keys = second.keys(result.values)
        if not request.merge:
            _repeat(second, request, result, second.missing(keys), stop)
        offsets = second.find(keys)
        twice = offsets != ABSENT
        if not twice.any():
            return not_certified("no member was computed twice")
        block = second.block(result.numbers[twice], result.values[twice], offsets[twice])
        return compare_members(result, block, solver(again=True))


def _repeat(
    second: MemberStore, request: SweepRequest, result: SweepResult, missing: Mask, stop: Callable[[], bool]
) -> None:
    """Computes members again that are `missing` in the store `second`: those that a certificate needs, or all."""
    if request.certify is CertifyMembers.ALL:
        wanted, local = result.numbers, request
    else:
        wanted = members_to_repeat(result, result.numbers[~missing])
        local = replace(request, dask=None, workers=min(request.size, len(wanted)))  # too few for a cluster
    numbers = np.intersect1d(wanted, result.numbers[missing])
    if not len(numbers):
        return
    with Progress("members computed again", len(numbers)) as progress, _pool(second.scenario, local) as pool:
        for block in compute_blocks(pool, second.scenario, [numbers], stop):
            second.add(block)
            progress.add(len(block.numbers))


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


def _result(store: MemberStore, blocks: list[Any], offsets: Offsets) -> SweepResult:
    """The members of all blocks, with the bands of the curves that are kept, which are written too."""
    numbers, values, measures, causes, failed = (
        np.concatenate([getattr(block, name) for block in blocks])
        for name in ("numbers", "values", "measures", "causes", "failed")
    )
    found, few = quantile_bands(store, offsets, failed), few_curves(store, offsets, failed)
    if found:
        write_bands(store.folder / BANDS, store.scenario, found)
    times = saved_times(store.scenario)
    return SweepResult(store.scenario, numbers, values, measures, causes, failed, found, times, few)


def estimate(request: SweepRequest, on_note: OnNote = ignore_note) -> SweepEstimate:
    """Counts what is stored and times a few members; writes nothing. Raises `InputError` and `OutputError`."""
    if request.merge:
        message = "--merge computes nothing that could be estimated: leave out --dry-run"
        raise InputError([request_fault(message, "--merge --dry-run")])
    scenario = request.read(on_note)
    folder = request.out or default_folder(scenario.id, request.shard)
    design = sweep_of(scenario).design
    total, stored = _count(MemberStore(folder, scenario), request)
    some = np.unique(np.linspace(0, design.count - 1, TIMED + 1).astype(np.int64))
    some = some if total > stored else some[:0]
    failed, spent = 0, list[float]()
    with Progress("members timed", len(some)) as progress:
        for number in some:
            began = time.perf_counter()
            failed += int(compute(scenario, np.array([number])).failed.any())
            spent.append(time.perf_counter() - began)
            progress.add()
            if sum(spent) > SECONDS_TIMED:
                break
    spent = spent[1:] or spent  # the first one also generates and compiles code
    each = sum(spent) / len(spent) if spent else 0.0
    seconds = (total - stored) * each / min(request.size, max(total - stored, 1))
    return SweepEstimate(
        kind=design.kind,
        members=total,
        stored=stored,
        failed=failed,
        timed=len(spent),
        seconds_each=each,
        bytes_each=member_bytes(scenario),
        seconds=seconds,
        workers=request.size,
        folder=folder,
    )
