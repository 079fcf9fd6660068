"""A sweep from its folder and back: what is missing is computed and stored, then all that is there becomes tables."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TextIO

import numpy as np

from ..experiments.scenario import Scenario
from ..experiments.sweeps import compiled
from ..experiments.sweeps.compute import Numbers, SweepResult, compute, curve_times, sweep_of, values_of
from ..experiments.sweeps.job import Done, Estimate, Work
from ..experiments.sweeps.workers import Pool, Processes, Threads, compute_blocks, member_bytes
from ..files.results.folder import write_text
from ..files.results.identity import sweep_name
from ..files.results.index import NOWHERE, Places
from ..files.results.member_store import Store, check, opened
from ..files.results.run_folder import MODEL_FILE, SCENARIO_FILE, resolved
from ..files.results.sweep_tables import (
    BANDS,
    MEMBERS,
    PARQUET,
    bands,
    few_curves,
    members_csv,
    members_parquet,
    write_bands,
)
from ..runtime.errors import OutputError
from ..runtime.progress import Progress

CHUNK = 8192  # members whose values and keys are in memory at once
LONGEST_RUN = 64  # members of a shard that follow each other
TIMED = 3  # members computed to tell how long a sweep will take ...
SECONDS_TIMED = 10.0  # ... or fewer, if they take longer
FAILURES = 5  # said in words


def sweep(
    scenario: Scenario,
    work: Work,
    stop: Callable[[], bool] = lambda: False,
    stream: TextIO | None = None,
    finish: Callable[[Done], object] = lambda done: None,
) -> Done:
    """Computes what `work.folder` does not hold yet, and writes the tables of all that it holds then.

    `stop` is asked while members are computed: what is done then is kept. Progress goes to `stream`.
    `finish` is called at the end, while the folder is still held.
    `OutputError` if the folder cannot be written or is not of this sweep; nothing stored is lost by that.
    """
    if work.parquet:
        import pyarrow.parquet  # noqa: F401  # if it is missing, that is said before the work
    for folder in work.merge:  # so is a folder that has nothing to take over
        if not folder.is_dir():
            raise OutputError(f"{folder} is no folder of a sweep")
        check(folder, scenario)
    with opened(work.folder, scenario) as store:
        try:
            return _swept(store, work, stop, stream or sys.stderr, finish)
        except OutputError as error:  # a full disk, most likely
            raise OutputError(f"{error}; {len(store):,} members are kept, and the same command goes on") from None


def _swept(
    store: Store, work: Work, stop: Callable[[], bool], stream: TextIO, finish: Callable[[Done], object]
) -> Done:
    for name, text in zip((SCENARIO_FILE, MODEL_FILE), resolved(store.scenario), strict=True):
        write_text(work.folder / name, text)
    began, computed_here, damaged = time.monotonic(), 0, dict(store.damaged)
    if work.merge:
        damaged |= _merge(store, work)
    else:
        computed_here = _compute(store, work, stop, stream)
    done = _read(store, work)
    done.computed, done.seconds, done.damaged = computed_here, time.monotonic() - began, damaged
    done.interrupted = stop() and done.missing > 0
    finish(done)
    if work.draw is not None and len(done.result.numbers) and not done.interrupted:
        work.draw(done.result, work.folder, sweep_name(store.scenario))
    return done


def _compute(store: Store, work: Work, stop: Callable[[], bool], stream: TextIO) -> int:
    """Computes and stores what is missing; returns the number of members."""
    total, stored = _counts(store, work)
    if stored == total:
        return 0
    computed_here = 0
    with Progress("members", total, stored, stream) as progress, _pool(store.scenario, work) as pool:
        for block in compute_blocks(pool, store.scenario, _missing(store, work), stop):
            store.add(block)
            computed_here += len(block.numbers)
            progress.add(len(block.numbers), int(block.failed.any(axis=1).sum()))
    return computed_here


def _pool(scenario: Scenario, work: Work) -> Pool:
    if work.dask is None:
        return Threads(scenario, work.size) if compiled.available() else Processes(scenario, work.size)
    from ..experiments.sweeps.dask_cluster import Cluster

    return Cluster(scenario, work.dask, work.size)


def _counts(store: Store, work: Work) -> tuple[int, int]:
    """How many members this shard has, and how many of them are stored."""
    total = stored = 0
    for numbers in shard_numbers(store.scenario, work.shard):
        total += len(numbers)
        if len(store):
            stored += int((~store.missing(store.keys(values_of(sweep_of(store.scenario).design, numbers)))).sum())
    return total, stored


def shard_numbers(scenario: Scenario, shard: tuple[int, int]) -> Iterator[Numbers]:
    """The members of one shard in chunks: they are dealt to all shards in turn, one by one at first, then, so that
    values are drawn in runs, in runs of an eighth of what each shard has, up to `LONGEST_RUN`. So shards are alike,
    and which one a member is in depends on its number and the number of shards alone."""
    number, shards = shard
    count = sweep_of(scenario).design.count
    chunk: list[Numbers] = []
    first = each = held = 0  # of the round; members that each shard has by then; members in the chunk
    while first < count:
        run = min(max(1, each // 8), LONGEST_RUN)
        start = first + (number - 1) * run
        chunk.append(np.arange(start, max(start, min(start + run, count)), dtype=np.int64))
        first, each, held = first + run * shards, each + run, held + len(chunk[-1])
        if held >= CHUNK:
            yield np.concatenate(chunk)
            chunk, held = [], 0
    if held:
        yield np.concatenate(chunk)


def _missing(store: Store, work: Work) -> Iterator[Numbers]:
    """What is to be computed, each member once though it stands twice in the design."""
    queued: set[bytes] = set()
    for numbers in shard_numbers(store.scenario, work.shard):
        keys = store.keys(values_of(sweep_of(store.scenario).design, numbers))
        if queued:
            still = np.array(sorted(queued), dtype="S16")
            queued = set(still[store.find(still) == NOWHERE].tolist())
        new = np.zeros(len(numbers), dtype=bool)
        for row in np.flatnonzero(store.missing(keys)).tolist():
            new[row] = keys[row] not in queued
            queued.add(bytes(keys[row]))
        if new.any():
            yield numbers[new]


def _merge(store: Store, work: Work) -> dict[str, str]:
    """Takes over the members of other folders; returns the blocks of theirs that are damaged, and why."""
    damaged: dict[str, str] = {}
    for folder in work.merge:
        other = Store(folder, store.scenario)
        store.merge(other)
        damaged |= {str(folder / name): why for name, why in other.damaged.items()}
    return damaged


def _read(store: Store, work: Work) -> Done:
    """All that is there, in the order of the design, written to tables on the way."""
    scenario, folder = store.scenario, work.folder
    sweep = sweep_of(scenario)
    asked, kinds, first = 0, Counter[str](), list[tuple[int, str, str]]()
    nobody = np.empty(0, dtype=np.int64)  # of a shard of fewer members than shards
    parts = [store.block(nobody, np.empty((0, len(sweep.design.axes))), nobody)]
    all_places: list[Places] = [nobody]
    with ExitStack() as stack:
        writers = [stack.enter_context(members_csv(folder / MEMBERS, scenario))]
        if work.parquet:
            writers.append(stack.enter_context(members_parquet(folder / PARQUET, scenario)))
        for numbers in shard_numbers(scenario, work.shard):
            asked += len(numbers)
            values = values_of(sweep.design, numbers)
            places = store.find(store.keys(values))
            there = places != NOWHERE
            block = store.block(numbers[there], values[there], places[there])
            for write in writers:
                write(block)
            kinds.update(outcome.kind for outcome in block.outcomes.values())
            room = FAILURES - len(first)
            failures = sorted(block.outcomes.items())[: max(room, 0)] if block.outcomes else []
            first += [(number, arm, outcome.message or outcome.kind) for (number, arm), outcome in failures]
            parts.append(block)
            all_places.append(places[there])
    numbers, values, measures, failed = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("numbers", "values", "measures", "failed")
    )
    places = np.concatenate(all_places)
    found, few = bands(store, places, failed), few_curves(store, places, failed)
    if found:
        write_bands(folder / BANDS, scenario, found)
    result = SweepResult(scenario, numbers, values, measures, failed, found, curve_times(scenario), few)
    return Done(result, asked, kinds=kinds, first=first)


def estimate(scenario: Scenario, work: Work) -> Estimate:
    """Counts what is stored and times a few members; writes nothing."""
    design = sweep_of(scenario).design
    store = Store(work.folder, scenario)
    total, stored = _counts(store, work)
    some = np.unique(np.linspace(0, design.count - 1, TIMED + 1).astype(np.int64))
    failed, spent = 0, list[float]()
    some = some if total > stored else some[:0]
    with Progress("members timed", len(some)) as progress:
        for number in some:
            began = time.perf_counter()
            failed += int(compute(scenario, np.array([number])).failed.any())
            spent.append(time.perf_counter() - began)
            progress.add()
            if sum(spent) > SECONDS_TIMED:
                break
    spent = spent[1:] or spent  # the first one has the code written and compiled
    each = sum(spent) / len(spent) if spent else 0.0
    seconds = (total - stored) * each / min(work.size, max(total - stored, 1))
    return Estimate(total, stored, failed, len(spent), each, member_bytes(scenario), seconds)
