"""The members of a shard of a design in a store: how many are there, which are missing, and what is known of all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from ...experiments.scenario import Scenario
from ...experiments.schedule import saved_times
from ...experiments.sweeps.compute import Block, Numbers, SweepResult, sweep_of, values_of
from ...experiments.sweeps.outcome import MemberFailure
from ...experiments.sweeps.shards import shard_numbers
from ...numerics.trajectory import Array
from .member_index import ABSENT, Offsets
from .member_store import MemberStore
from .sweep_tables import few_curves, quantile_bands

FIRST_FAILURES = 5  # are reported with their messages

Shard = tuple[int, int]  # its number, from 1, and of how many


class StoredMembers(NamedTuple):
    """Members that are stored, in the order of the design.

    result: with the bands of the curves that are kept. blocks: as they were read. asked: how many there should be.
    failures: failed runs by kind, counted once for each arm. first_failures: a few of them.
    """

    result: SweepResult
    blocks: list[Block]
    asked: int
    failures: Counter[str]
    first_failures: tuple[MemberFailure, ...]


def count_members(store: MemberStore, shard: Shard) -> tuple[int, int]:
    """How many members this shard has, and how many of them are stored."""
    total = stored = 0
    for numbers, values in members_of(store.scenario, shard):
        total += len(numbers)
        if len(store):
            stored += int((~store.missing(store.keys(values))).sum())
    return total, stored


def members_of(scenario: Scenario, shard: Shard) -> Iterator[tuple[Numbers, Array]]:
    """Numbers and values of the members of the shard, in chunks."""
    design = sweep_of(scenario).design
    for numbers in shard_numbers(design.count, shard):
        yield numbers, values_of(design, numbers)


def missing_numbers(store: MemberStore, shard: Shard) -> Iterator[Numbers]:
    """The members to compute, each once even if the design holds it twice."""
    queued: set[bytes] = set()
    for numbers, values in members_of(store.scenario, shard):
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


def read_members(store: MemberStore, shard: Shard) -> StoredMembers:
    """All members of the shard that are stored."""
    scenario, asked, failures, first = store.scenario, 0, Counter[str](), list[MemberFailure]()
    none = np.empty(0, dtype=np.int64)  # a shard may have no member at all
    blocks = [store.block(none, np.empty((0, len(sweep_of(scenario).design.axes))), none)]
    offsets: list[Offsets] = [none]
    for numbers, values in members_of(scenario, shard):
        asked += len(numbers)
        found = store.find(store.keys(values))
        stored = found != ABSENT
        block = store.block(numbers[stored], values[stored], found[stored])
        failures.update(how.kind for how in block.outcomes.values())
        for (number, arm), how in sorted(block.outcomes.items())[: FIRST_FAILURES - len(first)]:
            first.append(MemberFailure(number, arm, how.message or how.kind))
        blocks.append(block)
        offsets.append(found[stored])
    return StoredMembers(_result(store, blocks, np.concatenate(offsets)), blocks, asked, failures, tuple(first))


def _result(store: MemberStore, blocks: Sequence[Block], offsets: Offsets) -> SweepResult:
    numbers, values, measures, causes, failed = (
        np.concatenate([getattr(block, name) for block in blocks])
        for name in ("numbers", "values", "measures", "causes", "failed")
    )
    bands, few = quantile_bands(store, offsets, failed), few_curves(store, offsets, failed)
    times = saved_times(store.scenario)
    return SweepResult(store.scenario, numbers, values, measures, causes, failed, bands, times, few)
