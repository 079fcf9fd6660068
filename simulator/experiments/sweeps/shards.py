"""How the members of a sweep are dealt to jobs that run independently."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .compute import Numbers

CHUNK = 8192  # members whose values and keys are in memory at once
LONGEST_RUN = 64  # consecutive members of a shard


def shard_numbers(count: int, shard: tuple[int, int], chunk: int = CHUNK) -> Iterator[Numbers]:
    """The numbers of the members of one shard, increasing, in chunks of at least `chunk` but for the last.

    The members are dealt to all shards in turn, first one at a time, then in runs of an eighth of what each shard
    has, up to `LONGEST_RUN`, so that values can be drawn in runs. So shards are alike, and which shard a member is
    in depends on its number and the number of shards alone, not on `count`.

    Args:
        count: Members of the whole sweep.
        shard: Number of the shard, from 1, and how many there are.
        chunk: Members that are yielded together.
    """
    number, shards = shard
    held: list[Numbers] = []
    first = each = size = 0  # the first member of the round; members that each shard has by then; members held
    while first < count:
        run = min(max(1, each // 8), LONGEST_RUN)
        start = first + (number - 1) * run
        held.append(np.arange(start, max(start, min(start + run, count)), dtype=np.int64))
        first, each, size = first + run * shards, each + run, size + len(held[-1])
        if size >= chunk:
            yield np.concatenate(held)
            held, size = [], 0
    if size:
        yield np.concatenate(held)
