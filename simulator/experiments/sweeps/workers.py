"""Blocks of members computed by threads, processes or a cluster, through one interface that survives lost workers."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np

from ...runtime.errors import option
from ...runtime.processes import ProcessPool
from ..memory import check_memory
from ..scenario import Scenario
from .compute import Block, Numbers, compute, killed_member, sweep_of

FIRST_BLOCK = 4  # members; the size of later blocks follows from the time that earlier ones took
LARGEST_BLOCK = 32 * 2**20  # bytes of curves and measures
SHORTEST, LONGEST = 0.5, 10.0  # seconds of a block: what is lost in a kill, and what makes a file ...
SHARE_OF_RUN = 0.02  # ... which takes this share of the time so far, so that long sweeps do not leave many files
POLL = 0.2  # seconds between two looks at `stop`
MOST_DEATHS = 3  # a block that ends its worker this often is split in two
GUILTY_IN_A_ROW = 3  # members that ended their workers, with none computed between: the workers are at fault


class WorkersError(RuntimeError):
    """No worker can be had, or none of them computes anything."""


class Pool(Protocol):
    """Where blocks are computed. size: number of workers. lost: what a future raises whose worker died."""

    lost: tuple[type[BaseException], ...]

    @property
    def size(self) -> int:
        """Number of workers."""

    def submit(self, numbers: Numbers) -> Future[tuple[Block, float]]:
        """The block of the members with these numbers, and the seconds that it took."""
        ...

    def renew(self) -> None:
        """Called after a worker was lost, when nothing is in flight."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None:
        """Ends the workers at once, whatever they are doing."""


class Threads:
    """Threads of this process: for an engine that releases the interpreter's lock."""

    lost: tuple[type[BaseException], ...] = ()

    def __init__(self, scenario: Scenario, size: int) -> None:
        self.scenario, self.size = scenario, size
        self._executor = ThreadPoolExecutor(size)
        self._ended = threading.Event()

    def submit(self, numbers: Numbers) -> Future[tuple[Block, float]]:
        """The block of the members with these numbers, and the seconds that it took."""
        return self._executor.submit(compute_timed, self.scenario, numbers, self._ended.is_set)

    def renew(self) -> None:
        """Called after a worker was lost, when nothing is in flight."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._executor.shutdown(wait=False, cancel_futures=True)


class Processes:
    """Processes of this machine, each of which is given the scenario once."""

    lost: tuple[type[BaseException], ...] = ProcessPool.lost

    def __init__(self, scenario: Scenario, size: int) -> None:
        self.size = size
        self._pool = ProcessPool(size, _set_scenario, scenario)

    def submit(self, numbers: Numbers) -> Future[tuple[Block, float]]:
        """The block of the members with these numbers, and the seconds that it took."""
        return self._pool.submit(_compute_in_process, numbers)

    def renew(self) -> None:
        """Called after a worker was lost, when nothing is in flight."""
        self._pool.renew()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.__exit__()


_scenario: Scenario  # in a worker process


def _set_scenario(scenario: Scenario) -> None:
    global _scenario
    _scenario = scenario


def _compute_in_process(numbers: Numbers) -> tuple[Block, float]:
    return compute_timed(_scenario, numbers)


def compute_timed(
    scenario: Scenario, numbers: Numbers, stop: Callable[[], bool] = lambda: False
) -> tuple[Block, float]:
    """`compute`, and the seconds that it took."""
    began = time.perf_counter()
    return compute(scenario, numbers, stop), time.perf_counter() - began


@dataclass
class _Task:
    """Members to compute in one block, and how often that has ended a worker."""

    numbers: Numbers
    deaths: int = 0


class _NumberQueue:
    """Members' numbers: put in as chunks of any size, taken out as blocks of any size."""

    def __init__(self, chunks: Iterable[Numbers]) -> None:
        self._chunks, self._held = iter(chunks), np.empty(0, dtype=np.int64)

    def take(self, count: int) -> Numbers:
        """The next `count` numbers, fewer at the end of a chunk, none at the end of all."""
        while not len(self._held):
            chunk = next(self._chunks, None)
            if chunk is None:
                return self._held
            self._held = chunk
        taken, self._held = self._held[:count], self._held[count:]
        return taken


class _BlockSize:
    """How many members a block should have; no result depends on it."""

    def __init__(self, first: int, bytes_each: int) -> None:
        self._largest = max(1, LARGEST_BLOCK // bytes_each)
        self.members = min(first, self._largest)
        self._began = time.perf_counter()

    def learn(self, members: int, seconds: float) -> None:
        """Adapts the size to a block of `members` that took `seconds`."""
        wanted = min(LONGEST, max(SHORTEST, SHARE_OF_RUN * (time.perf_counter() - self._began)))
        fits = int(wanted * members / max(seconds, 1e-6))
        self.members = max(1, min(fits, 4 * self.members, self._largest))


def compute_blocks(
    pool: Pool,
    scenario: Scenario,
    chunks: Iterable[Numbers],
    stop: Callable[[], bool] = lambda: False,
    first_block: int = FIRST_BLOCK,
) -> Iterator[Block]:
    """Computes every member of `chunks`, and yields blocks of them in the order in which they are done.

    Few blocks are in flight, so memory does not grow with the number of members. If a worker dies, the blocks that
    were in flight are run again one at a time; one that ends its worker `MOST_DEATHS` times is split in two until
    the guilty member is found, which fails.

    Args:
        pool: Where they are computed; entered and left by the caller.
        scenario: The scenario, with its sweep.
        chunks: Members' numbers, increasing within a chunk.
        stop: Asked several times a second; once it is true, nothing more is yielded.
        first_block: Members of the first block.

    Raises:
        WorkersError: The workers die before they have computed anything.
    """
    queue, size = _NumberQueue(chunks), _BlockSize(first_block, member_bytes(scenario))
    suspects: deque[_Task] = deque()
    in_flight: dict[Future[tuple[Block, float]], _Task] = {}
    guilty, broken = 0, False
    gone: tuple[type[BaseException], ...] = (*pool.lost, CancelledError)
    while not stop():
        if broken and not in_flight:
            pool.renew()
            broken = False
        while not broken and len(in_flight) < _most_in_flight(pool, suspects, in_flight.values()):
            task = suspects.popleft() if suspects else _Task(queue.take(size.members))
            if not len(task.numbers):
                break
            in_flight[pool.submit(task.numbers)] = task
        if not in_flight:
            return
        done, _ = wait(in_flight, timeout=POLL, return_when=FIRST_COMPLETED)
        lost: list[_Task] = []
        for future in done:
            task = in_flight.pop(future)
            try:
                block, seconds = future.result()
            except gone:
                task.deaths += 1
                lost.append(task)
                continue
            guilty = 0
            size.learn(len(task.numbers), seconds)
            yield block
        for task in lost:
            if task.deaths < MOST_DEATHS:
                suspects.append(task)
            elif len(task.numbers) > 1:
                half = len(task.numbers) // 2
                suspects += [_half(task.numbers[:half]), _half(task.numbers[half:])]
            else:
                guilty += 1
                if guilty == GUILTY_IN_A_ROW:
                    raise WorkersError("the workers end before they have computed anything")
                number = int(task.numbers[0])
                yield killed_member(scenario, number, f"ended the process that computed it, {MOST_DEATHS} times")
        broken = broken or bool(lost)


def _most_in_flight(pool: Pool, suspects: Collection[_Task], in_flight: Iterable[_Task]) -> int:
    """How many blocks may be in flight: a suspect runs alone."""
    return 1 if suspects or any(task.deaths for task in in_flight) else 2 * pool.size


def _half(numbers: Numbers) -> _Task:
    """Half of a guilty block: split again after one more death, but a single member is given all its chances."""
    return _Task(numbers, MOST_DEATHS - 1 if len(numbers) > 1 else 1)


def check_sweep_memory(scenario: Scenario, workers: int, in_memory: bool) -> None:
    """`InputError` if a sweep will not fit into memory.

    Args:
        workers: how many there are; each has two blocks in flight.
        in_memory: whether the curves that are kept are all read into memory at the end.
    """
    sweep, each = sweep_of(scenario), member_bytes(scenario)
    count, curves = sweep.design.count, len(sweep.arms) * len(sweep.keep)
    numbers = 8 * count * (len(sweep.design.axes) + len(sweep.arms) * (len(sweep.measures) + 1))
    size = 2 * workers * min(max(each, LARGEST_BLOCK), each * count) + numbers
    what, way_out = f"{count:,} members", "take fewer members or measures"
    if curves:
        what += f" with {curves:,} curve{'s' * (curves > 1)} of {scenario.end / scenario.every:,.0f} times"
        way_out = f"keep fewer curves ({option('--keep')}) or times ([time] every)"
        if in_memory:
            size += count * each
            way_out += f", or leave them on disk ({option('--out')})"
    check_memory(size, what, way_out)


def member_bytes(scenario: Scenario) -> int:
    """What a member takes in memory and, nearly, on disk."""
    sweep = sweep_of(scenario)
    times = int(scenario.end / scenario.every) + 1
    return 8 * (len(sweep.design.axes) + len(sweep.arms) * (len(sweep.measures) + len(sweep.keep) * times) + 1)
