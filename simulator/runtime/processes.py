"""The one pool of worker processes, and functions that are called in it for many items, with progress."""

from __future__ import annotations

import gc
import multiprocessing
import os
import pickle
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager, suppress
from functools import cache, partial
from types import ModuleType
from typing import Any, Self, TypeVar

from .progress import INTERVAL, Progress

SECONDS_TO_NOTICE = 1.0  # that the parent has died

Item = TypeVar("Item")
Result = TypeVar("Result")
OnProgress = Callable[[float], object]  # called with the share of an item that is done, from 0 to 1


class WorkerDiedError(RuntimeError):
    """A worker process was killed, or crashed, before it gave a result."""


class ProcessPool:
    """Worker processes on this machine. They end at once with the pool or with this process, however that ends;
    Ctrl-C reaches this process alone.

    They are spawned, so each imports what it needs itself; what they call must be importable. They do not import the
    script of this process, which needs no ``if __name__ == "__main__":``.
    """

    lost: tuple[type[BaseException], ...] = (BrokenExecutor,)  # what a future raises whose worker died

    def __init__(
        self, size: int, setup: Callable[..., object] | None = None, *arguments: object, shares: Any = None
    ) -> None:
        """
        Args:
            size: Number of workers.
            setup: Called once in each worker, with `arguments`; all of it must be picklable.
            shares: A shared array of one double for each item, for the progress of `results_as_completed`.
        """
        self.size = size
        # Pickled by hand, so that a worker watches the lifeline before it imports what the arguments need.
        self._setup = pickle.dumps((setup, arguments)) if setup else b""
        self._shares = shares
        self._start()

    def submit(self, function: Callable[..., Result], *arguments: object) -> Future[Result]:
        """The future result of `function`. If any worker dies, it raises one of `lost`, as do all that are not done."""
        with _sigint_blocked(), _script_hidden():  # from a worker that is started here
            try:
                return self._executor.submit(function, *arguments)
            except BrokenExecutor as error:  # a worker has died since the last check
                future: Future[Result] = Future()
                future.set_exception(error)
                return future

    def renew(self) -> None:
        """Starts again with new workers, after one was lost."""
        self._end()
        self._start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Ends the workers at once, whatever they are doing."""
        self._end()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._reader, self._lifeline = context.Pipe(duplex=False)
        start = (self._reader, self._setup, self._shares)
        self._executor = ProcessPoolExecutor(self.size, context, _begin_worker, start)

    def _end(self) -> None:
        self._lifeline.close()
        self._executor.shutdown(wait=True, cancel_futures=True)
        self._reader.close()  # last: a worker that is just starting still needs it


@contextmanager
def _sigint_blocked() -> Iterator[None]:
    """Ctrl-C is kept back for a moment; a process that is started meanwhile never sees one."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows, where workers ignore it once they are up
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _script_hidden() -> Iterator[None]:
    """A worker that is started meanwhile does not import the script of this process: it would do its work once more.

    A script that makes this package importable in the first place, as that of a checkout does, is not hidden.
    """
    script = sys.modules["__main__"]
    if not _importable_without_script():
        yield
        return
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = script


@cache
def _importable_without_script() -> bool:
    """Whether a new process finds this very package by itself."""
    name = __name__.partition(".")[0]
    found = (finder.find_spec(name, None) for finder in sys.meta_path if hasattr(finder, "find_spec"))
    spec = next(filter(None, found), None)
    return spec is not None and spec.origin == sys.modules[name].__file__


_worker_shares: Any = None  # in a worker: the array that it writes its progress to


def _begin_worker(lifeline: Any, setup: bytes, shares: Any) -> None:
    global _worker_shares
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_watch, args=(lifeline,), daemon=True).start()
    Progress.silence()
    _worker_shares = shares
    if setup:
        function, arguments = pickle.loads(setup)
        function(*arguments)


def _watch(lifeline: Any) -> None:
    """Ends this worker once the other end of the pipe is closed, or its parent is another one: nobody would read its
    results. The second holds too where some other process has inherited the pipe."""
    parent = os.getppid()
    with suppress(EOFError, OSError):
        while not lifeline.poll(SECONDS_TO_NOTICE) and os.getppid() == parent:
            pass
    os._exit(1)


def results_as_completed(
    function: Callable[[Item, OnProgress], Result],
    items: Sequence[Item],
    progress: Progress,
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[tuple[int, Result | WorkerDiedError]]:
    """Calls `function(item, on_progress)` for every item in worker processes, one for each core.

    If a worker dies, the items that were under way are run again one at a time, so that only the one that kills its
    worker is lost; its result is a `WorkerDiedError`.

    Args:
        function: What is called; it must be picklable, as must the items and the results.
        items: Given to the workers in this order.
        progress: Hears of items that are under way; the caller adds those that are done.
        stop: Asked several times a second; once it is true, items under way are given up.

    Yields:
        The number of an item and its result, as they are completed.

    Raises:
        Exception: What `function` raises; it ends the rest.
    """
    size = min(len(items), os.cpu_count() or 1)
    shares = multiprocessing.get_context("spawn").RawArray("d", max(len(items), 1))
    waiting, suspects = deque(range(len(items))), deque[int]()
    running: dict[Future[Result], int] = {}
    with ProcessPool(max(size, 1), shares=shares) as pool:
        while (waiting or suspects or running) and not stop():
            queue, most = (suspects, 1) if suspects else (waiting, size)
            while queue and len(running) < most:  # none waits inside the pool, where it could be lost
                number = queue.popleft()
                running[pool.submit(_call, function, number, items[number])] = number
            done, _ = wait(running, INTERVAL, FIRST_COMPLETED)
            progress.within(sum(shares[number] for number in running.values()))
            if any(isinstance(each.exception(), pool.lost) for each in done):
                done, _ = wait(running)  # all others fail with it
            lost = []
            for future in done:
                number = running.pop(future)
                if isinstance(future.exception(), pool.lost):
                    lost.append(number)
                else:
                    yield number, future.result()
            if lost:
                pool.renew()
            if len(lost) == 1 == len(done):  # it was alone
                yield lost[0], WorkerDiedError("ended the process it ran in")
            else:
                suspects.extend(lost)


def _call(function: Callable[[Item, OnProgress], Result], number: int, item: Item) -> Result:
    return function(item, partial(_report, number))


def _report(number: int, share: float) -> None:
    _worker_shares[number] = share


def parallel_map(
    what: str,
    function: Callable[[Item, OnProgress], Result],
    items: Sequence[Item],
    done: dict[int, Result] | None = None,
) -> list[Result]:
    """`function(item, on_progress)` for every item, on all cores; shows how many `what` (such as scenarios) are done.

    A single item, or any on a single core, is computed in this process. The first error ends the rest.
    done: is filled with each result, by the number of its item, for what is kept after an interruption.

    Returns:
        The results, in the order of the items.

    Raises:
        WorkerDiedError: A worker process was killed.
        Exception: What `function` raises.
    """
    gc.enable()  # the command line turns it off for short commands; this one is long
    results: dict[int, Result] = {} if done is None else done
    with Progress(what, len(items)) as progress:
        if min(len(items), os.cpu_count() or 1) <= 1:
            for number, item in enumerate(items):
                results[number] = function(item, progress.within)
                progress.add()
        else:
            for number, result in results_as_completed(function, items, progress):
                if isinstance(result, WorkerDiedError):
                    raise result
                results[number] = result
                progress.add()
    return [results[number] for number in range(len(items))]
