"""What a sweep is asked to do, and what came of it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from .compute import SweepResult


@dataclass(frozen=True)
class Work:
    """How a sweep is done. shard: (number from 1, of how many). merge: folders whose members are taken over;
    nothing is computed then. draw(result, folder, name of the sweep) makes the pictures, if any."""

    folder: Path
    workers: int = 0
    dask: str | None = None
    shard: tuple[int, int] = (1, 1)
    merge: tuple[Path, ...] = ()
    parquet: bool = False
    draw: Callable[[SweepResult, Path, str], object] | None = None

    @property
    def size(self) -> int:
        return self.workers or os.cpu_count() or 1


@dataclass
class Done:
    """What came of it. found: all members of this shard that are stored, without curves."""

    result: SweepResult
    asked: int
    computed: int = 0
    seconds: float = 0.0
    interrupted: bool = False
    kinds: Counter[str] = field(default_factory=Counter)
    first: list[tuple[int, str, str]] = field(default_factory=list)
    damaged: dict[str, str] = field(default_factory=dict)

    @property
    def missing(self) -> int:
        return self.asked - len(self.result.numbers)

    @property
    def failed(self) -> int:
        return int(self.result.failed.any(axis=1).sum())


class Estimate(NamedTuple):
    """What a sweep would take. seconds_each and bytes_each: of one member; seconds: on all workers."""

    members: int
    stored: int
    failed: int
    timed: int
    seconds_each: float
    bytes_each: int
    seconds: float
