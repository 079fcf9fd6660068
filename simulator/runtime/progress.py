"""How far a long computation is: a line that is rewritten on a terminal, a line per tenth elsewhere."""

from __future__ import annotations

import math
import sys
import time
from contextlib import suppress
from types import TracebackType
from typing import ClassVar, Self, TextIO

from .notebook_line import notebook_line

QUIET = 2.0  # seconds in which nothing is said: most things are done by then
INTERVAL = 0.2  # seconds between two lines on a terminal
MANY = 10.0  # a second: below, the pace tells nobody anything


class Progress:
    """``with Progress("scenarios", 41) as progress:``, and in it `add` for each that is done.

    Says nothing for the first `QUIET` seconds, then how much is done and how long the rest will take: on a
    terminal or in a notebook in one line, which is taken away at the end, elsewhere in a line per tenth. `stream`
    is stderr, or the notebook's cell, if it is not given. One within another is silent, so that there is one line,
    about the whole.
    before: how many of `total` were done before; they tell nothing about the pace.
    """

    _open: ClassVar[bool] = False

    def __init__(self, what: str, total: int, before: int = 0, stream: TextIO | None = None) -> None:
        self.what, self.total, self.before = what, total, before
        self.done: float = before  # with what is half done
        self.failed = 0
        self._counted = before
        self._stream = stream or notebook_line() or sys.stderr  # None where a program was started without one
        self._terminal = self._stream is not None and self._stream.isatty()
        self._tenth, self._shown = self._tenths(), False

    def __enter__(self) -> Self:
        self._inner, Progress._open = Progress._open, True
        self._began = self._moved = time.monotonic()
        self._next = math.inf if self._inner or self._stream is None else self._began + QUIET
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        Progress._open = self._inner
        if self._terminal and self._shown:
            self._write("\r\x1b[K")
        elif not self._terminal and (now := time.monotonic()) - self._began >= QUIET and self._next < math.inf:
            self._say(now)

    @classmethod
    def silence(cls) -> None:
        """From now on nothing is said: for a process that works for another, which says how far all is."""
        cls._open = True

    def add(self, count: int = 1, failed: int = 0) -> None:
        """So many more are done; none, where there is only time that has passed."""
        self._counted += count
        self.failed += failed
        self._reached(self._counted)

    def within(self, share: float, of: int = 1) -> None:
        """`share` of the next one, or of the next `of`, is done. Costs next to nothing: it may be said often."""
        self._reached(self._counted + share * of)

    def _reached(self, done: float) -> None:
        now = time.monotonic()
        if done > self.done:
            self.done, self._moved = done, now
        if now >= self._next:
            self._say(now)

    def _say(self, now: float) -> None:
        self._next = now + INTERVAL
        if self._terminal:
            self._write(f"\r\x1b[K{self.line(now)}")
        elif self._tenths() > self._tenth:
            self._tenth = self._tenths()
            self._write(f"{self.line(now)}\n")

    def _write(self, text: str) -> None:
        self._shown = True
        if self._stream is not None:
            with suppress(OSError):  # a log that cannot be written is no reason to lose the work
                self._stream.write(text)
                self._stream.flush()

    def line(self, now: float) -> str:
        """``1,234 of 10,000 members (12 %), 310/s, 28 s left, 3 failed``

        The time left is that of the pace until something was last done, and counts down from then on.
        """
        share = f"{math.floor(100 * self.done / max(self.total, 1))} %"
        parts = [f"{math.floor(self.done):,} of {self.total:,} {self.what} ({share})" if self.total > 1 else share]
        computed, seconds = self.done - self.before, self._moved - self._began
        if computed > 0 and seconds > 0:
            rate = computed / seconds
            left = (self.total - self.done) / rate - (now - self._moved)
            parts += [f"{rate:.3g}/s"] if rate >= MANY else []
            parts += [f"{duration(max(left, 1.0))} left"] if left > 0 else []
        return ", ".join([*parts, f"{self.failed:,} failed"] if self.failed else parts)

    def _tenths(self) -> int:
        return math.floor(10 * self.done / max(self.total, 1))


def duration(seconds: float) -> str:
    """In the unit that people would say it in.

    >>> duration(3.2), duration(150), duration(9000), duration(3e5)
    ('3 s', '2.5 min', '2.5 h', '3.5 d')
    """
    for unit, size in (("d", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * size:
            return f"{seconds / size:.2g} {unit}" if seconds < 10 * size else f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s" if seconds >= 1 else f"{seconds:.1g} s"


def bytes_text(size: float) -> str:
    """
    >>> bytes_text(900), bytes_text(1.5e6)
    ('900 bytes', '1.5 MB')
    """
    for unit, large in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= large:
            return f"{size / large:.3g} {unit}"
    return f"{size:.0f} bytes"
