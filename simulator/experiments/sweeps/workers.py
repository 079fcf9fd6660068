"""Blocks of members computed by threads, processes or a cluster, through one interface, whoever dies."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np

from ..scenario import Scenario
from .compute import Block, Numbers, compute, killed, sweep_of

FIRST_BLOCK = 4  # members; later blocks are as large as their time tells
LARGEST_BLOCK = 32 * 2**20  # bytes of curves and measures
SHORTEST, LONGEST = 0.5, 10.0  # seconds of a block: what is lost in a kill, and what makes a file ...
SHARE_OF_RUN = 0.02  # ... as long as this of the time gone, so that long sweeps do not leave many files
POLL = 0.2  # seconds between two looks at `stop`
STRIKES = 3  # so often a block may end its worker before it is cut in halves
GUILTY_IN_A_ROW = 3  # members found so without any that could be computed: the workers are at fault


class WorkersError(RuntimeError):
    """No worker can be had, or none computes anything."""


class Pool(Protocol):
    """Where blocks are computed. size: workers. lost: what a future raises whose worker is gone."""

    lost: tuple[type[BaseException], ...]

    @property
    def size(self) -> int: ...

    def submit(self, numbers: Numbers) -> Future[tuple[Block, float]]: ...

    def renew(self) -> None:
        """Called after a worker was lost."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None:
        """Ends the workers at once, whatever they are at."""


class Threads:
    """Threads of this process: for an engine that releases the interpreter's lock."""

    lost: tuple[type[BaseException], ...] = ()

    def __init__(self, scenario: Scenario, size: int) -> None:
        self.scenario, self.size = scenario, size
        self._executor = ThreadPoolExecutor(size)
        self._ended = threading.Event()

    def submit(self, numbers: Numbers) -> Future[tuple[Block, float]]:
        return self._executor.submit(timed, self.scenario, numbers, self._ended.is_set)

    def renew(self) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._executor.shutdown(wait=False, cancel_futures=True)


class Processes:
    """Processes of this machine. Each is given the scenario once, and ends when this process does."""

    lost: tuple[type[BaseException], ...] = (BrokenExecutor,)

    def __init__(self, scenario: Scenario, size: int) -> None:
        self.scenario, self.size = scenario, size
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        held, self._lifeline = context.Pipe(duplex=False)
        self._executor = ProcessPoolExecutor(self.size, context, _begin, (self.scenario, held))
        self._held = held  # until the last worker has started

    def submit(self, numbers: Numbers) -> Future[tuple[Block, float]]:
        return self._executor.submit(_in_process, numbers)

    def renew(self) -> None:
        self._end()
        self._start()

    def _end(self) -> None:
        self._lifeline.close()
        self._executor.shutdown(wait=True, cancel_futures=True)
        self._held.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()


_scenario: Scenario  # of a worker process


def _begin(scenario: Scenario, lifeline: Any) -> None:
    global _scenario
    _scenario = scenario
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the first process decides
    threading.Thread(target=_follow, args=(lifeline,), daemon=True).start()


def _follow(lifeline: Any) -> None:
    """Ends this process once the other end is closed, by a kill too: nobody would ever read its answers."""
    try:
        lifeline.recv_bytes()
    except (EOFError, OSError):
        os._exit(1)


def _in_process(numbers: Numbers) -> tuple[Block, float]:
    return timed(_scenario, numbers)


def timed(scenario: Scenario, numbers: Numbers, stop: Callable[[], bool] = lambda: False) -> tuple[Block, float]:
    """A block, and the seconds that it took."""
    began = time.perf_counter()
    return compute(scenario, numbers, stop), time.perf_counter() - began


@dataclass
class _Task:
    numbers: Numbers
    strikes: int = 0


class _Source:
    """Numbers in blocks of any size, from chunks of any size."""

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
        self.members = first
        self._largest = max(1, LARGEST_BLOCK // bytes_each)
        self._began = time.perf_counter()

    def learn(self, members: int, seconds: float) -> None:
        wanted = min(LONGEST, max(SHORTEST, SHARE_OF_RUN * (time.perf_counter() - self._began)))
        fits = int(wanted * members / max(seconds, 1e-6))
        self.members = max(1, min(fits, 4 * self.members, self._largest))


def computed(
    pool: Pool,
    scenario: Scenario,
    chunks: Iterable[Numbers],
    stop: Callable[[], bool] = lambda: False,
    first_block: int = FIRST_BLOCK,
) -> Iterator[Block]:
    """Every member of `chunks` in blocks, as they are done; after `stop()`, only those done by then.

    Few blocks are in flight, so memory does not grow with members. If a worker is lost, the blocks that were
    in flight run again, one at a time; one that ends its worker `STRIKES` times is cut in halves until the
    guilty member is found, which fails.
    """
    source, size = _Source(chunks), _BlockSize(first_block, member_bytes(scenario))
    suspects: deque[_Task] = deque()
    flying: dict[Future[tuple[Block, float]], _Task] = {}
    guilty, broken = 0, False
    gone: tuple[type[BaseException], ...] = (*pool.lost, CancelledError)
    while not stop():
        if broken and not flying:
            pool.renew()
            broken = False
        while not broken and len(flying) < _window(pool, suspects, flying.values()):
            task = suspects.popleft() if suspects else _Task(source.take(size.members))
            if not len(task.numbers):
                break
            flying[_submitted(pool, task)] = task
        if not flying:
            return
        done, _ = wait(flying, timeout=POLL, return_when=FIRST_COMPLETED)
        lost: list[_Task] = []
        for future in done:
            task = flying.pop(future)
            try:
                block, seconds = future.result()
            except gone:
                task.strikes += 1
                lost.append(task)
                continue
            guilty = 0
            size.learn(len(task.numbers), seconds)
            yield block
        for task in lost:
            if task.strikes < STRIKES:
                suspects.append(task)
            elif len(task.numbers) > 1:
                half = len(task.numbers) // 2
                suspects += [_half(task.numbers[:half]), _half(task.numbers[half:])]
            else:
                guilty += 1
                if guilty == GUILTY_IN_A_ROW:
                    raise WorkersError("the workers end before they have computed anything")
                number = int(task.numbers[0])
                yield killed(scenario, number, f"ended the process that computed it, {STRIKES} times")
        broken = broken or bool(lost)


def _window(pool: Pool, suspects: Collection[_Task], flying: Iterable[_Task]) -> int:
    """How many blocks may be in flight: one alone while it is under suspicion."""
    return 1 if suspects or any(task.strikes for task in flying) else 2 * pool.size


def _half(numbers: Numbers) -> _Task:
    """Of a block that was found guilty: it is cut again at once, but no single member is judged so fast."""
    return _Task(numbers, STRIKES - 1 if len(numbers) > 1 else 1)


def _submitted(pool: Pool, task: _Task) -> Future[tuple[Block, float]]:
    try:
        return pool.submit(task.numbers)
    except BrokenExecutor as error:  # it broke since the last look: the same as if it broke now
        future: Future[tuple[Block, float]] = Future()
        future.set_exception(error)
        return future


def member_bytes(scenario: Scenario) -> int:
    """What a member takes in memory and, nearly, on disk."""
    sweep = sweep_of(scenario)
    times = int(scenario.end / scenario.every) + 1
    return 8 * (len(sweep.design.axes) + len(sweep.arms) * (len(sweep.measures) + len(sweep.keep) * times) + 1)
