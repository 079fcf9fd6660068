"""The same work for many files, on every core, with progress."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from typing import TypeVar

from .progress import INTERVAL, Progress

Item = TypeVar("Item")
Found = TypeVar("Found")
OnProgress = Callable[[float], object]


def side_by_side(what: str, function: Callable[[Item, OnProgress], Found], items: Sequence[Item]) -> list[Found]:
    """`function(item, on_progress)` of every item, in their order; `what` they are called while they are counted.

    One item alone, or one core, is worked on here, and may tell which share of it is done; several go to processes
    of their own, so that function, items and what is found must be picklable. The first error ends all.
    """
    gc.enable()  # what is worth this is long
    workers = min(len(items), os.cpu_count() or 1)
    found = []
    with Progress(what, len(items)) as progress:
        if workers > 1:
            return _in_processes(workers, function, items, progress)
        for item in items:
            found.append(function(item, progress.within))
            progress.add()
    return found


def _in_processes(
    workers: int, function: Callable[[Item, OnProgress], Found], items: Sequence[Item], progress: Progress
) -> list[Found]:
    with ProcessPoolExecutor(workers, initializer=gc.enable) as pool:
        asked = [pool.submit(function, item, _to_nobody) for item in items]
        waiting = set(asked)
        try:
            while waiting:
                done, waiting = wait(waiting, INTERVAL, FIRST_COMPLETED)
                progress.add(len(done))
                for each in done:
                    each.result()  # raises what went wrong
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        return [each.result() for each in asked]


def _to_nobody(share: float) -> None:
    """Stands for `on_progress` in another process."""
