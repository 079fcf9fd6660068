"""Many searches at once: each runs as if alone, and what they want to know is simulated for all of them together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from threading import Condition, Thread
from typing import Generic, TypeVar

import numpy as np

from ...numerics.trajectory import Array
from ...runtime.interrupt import raise_if_interrupted
from ..sweeps.members import Rows
from .problem import Simulated

MOST_AT_ONCE = 128

T = TypeVar("T")
Ask = Callable[[Array], Simulated]  # places, shape (members, p) -> their curves, with the steps of the first of them
Simulate = Callable[[Array, Rows], Simulated]  # places, and for each the row whose steps it takes


class SearchStoppedError(Exception):
    """Raised in a search by what it asks for, once nothing more is simulated."""


class Together(Generic[T]):
    """Jobs that each ask for simulations, in threads of their own, of which one at a time is not waiting.

    Attributes:
        found: what each job returned, by its place; those are missing that did not end.
        interrupted: whether Ctrl-C stopped them.
    """

    def __init__(self, jobs: Iterable[Callable[[Ask], T]]) -> None:
        self._jobs: Iterator[tuple[int, Callable[[Ask], T]]] = iter(list(enumerate(jobs)))
        self.found: dict[int, T] = {}
        self.interrupted = False
        self._changed = Condition()
        self._asked: dict[int, Array] = {}
        self._answers: dict[int, Simulated] = {}
        self._active, self._stopped = 0, False
        self._error: BaseException | None = None

    def run(self, simulate: Simulate, on_answer: Callable[[int], object] = lambda ended: None) -> None:
        """Runs all jobs. simulate: is called in this thread, with what all of them ask for. on_answer: is called after
        each time with how many jobs have ended. Raises what a job or `simulate` raises."""
        jobs = list(self._jobs)
        self._jobs = iter(jobs)
        self._active = min(len(jobs), MOST_AT_ONCE)
        threads = [Thread(target=self._work, args=(number,), daemon=True) for number in range(self._active)]
        for thread in threads:
            thread.start()
        try:
            while (asked := self._wait()) is not None:
                rows = [asked[number] for number in sorted(asked)]
                raise_if_interrupted()  # NumPy may have swallowed it
                counts = [len(each) for each in rows]
                first = np.cumsum([0, *counts[:-1]])
                self._answer(sorted(asked), simulate(np.concatenate(rows), np.repeat(first, counts)), counts)
                on_answer(len(self.found))
        except KeyboardInterrupt:
            self.interrupted = True
        finally:
            with self._changed:
                self._stopped = True
                self._changed.notify_all()
            for thread in threads:
                thread.join()
        if self._error is not None:
            raise self._error

    def _wait(self) -> dict[int, Array] | None:
        """What all that are at work ask for; None when none is."""
        with self._changed:
            while len(self._asked) < self._active and self._error is None:
                self._changed.wait()
            asked, self._asked = self._asked, {}
            return asked if self._active and self._error is None else None

    def _answer(self, numbers: list[int], found: Simulated, counts: list[int]) -> None:
        with self._changed:
            first = 0
            for number, count in zip(numbers, counts, strict=True):
                self._answers[number] = found.rows(first, first + count)
                first += count
            self._changed.notify_all()

    def _work(self, number: int) -> None:
        def ask(places: Array) -> Simulated:
            with self._changed:
                self._asked[number] = places
                self._changed.notify_all()
                while number not in self._answers and not self._stopped:
                    self._changed.wait()
                if self._stopped:
                    raise SearchStoppedError
                return self._answers.pop(number)

        try:
            while not self._stopped:
                with self._changed:
                    place, job = next(self._jobs, (-1, None))
                if job is None:
                    break
                found = job(ask)
                with self._changed:
                    self.found[place] = found
        except SearchStoppedError:
            pass
        except BaseException as error:  # is raised again where the jobs were started
            self._error = error
        finally:
            with self._changed:
                self._active -= 1
                self._asked.pop(number, None)
                self._changed.notify_all()
