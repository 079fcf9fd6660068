"""How far a long computation is: one line, rewritten, on a terminal or in a notebook; a line per tenth in a log."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any, ClassVar, Protocol, Self

QUIET = 2.0  # seconds before the first line: most things are done by then
INTERVAL = 0.2  # seconds between two updates on a terminal
MANY = 10.0  # items per second: a lower rate is not worth showing


class Stream(Protocol):
    """Where progress is written: a text file, a terminal, or the cell of a notebook."""

    def isatty(self) -> bool:
        """Whether a line can be rewritten."""

    def write(self, text: str, /) -> object:
        """Writes a line, or rewrites it after ``\\r``."""

    def flush(self) -> object:
        """Shows what was written."""


class Progress:
    """``with Progress("scenarios", 41) as progress:``, and within it `add` for each that is done.

    Writes nothing for the first `QUIET` seconds, then how much is done and how long the rest will take. On a
    terminal or in a notebook that is one line, removed at the end; elsewhere one line per tenth. A Progress inside
    another one is silent, so that there is a single line, about all of the work.
    """

    _open: ClassVar[bool] = False
    _silent: ClassVar[bool] = False

    def __init__(self, what: str, total: int, before: int = 0, stream: Stream | None = None) -> None:
        """
        Args:
            what: Plural name of what is counted.
            total: How many there are.
            before: How many of them were done before; they do not count for the rate.
            stream: Where it is written; by default the notebook's cell or stderr.
        """
        self.what, self.total, self.before = what, total, before
        self.done: float = before  # with the share of those that are under way
        self.failed = 0
        self._counted = self._complete = before  # added, and with those of the next that are done
        # sys.stderr is None where a program was started without one
        self._stream: Stream | None = stream or notebook_line() or sys.stderr
        self._terminal = _is_terminal(self._stream)
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
            self._show(now)

    @classmethod
    def silence(cls) -> None:
        """Turns progress off in this process: for a worker, whose parent shows the progress of all."""
        cls._open = cls._silent = True

    @classmethod
    @contextmanager
    def announced(cls, text: str) -> Iterator[None]:
        """Shows `text` at once on a terminal or in a notebook, until what is within has ended."""
        stream: Stream | None = notebook_line() or sys.stderr
        if cls._silent or stream is None or not _is_terminal(stream):
            yield
            return
        _try_to_write(stream, f"\r\x1b[K{text}")
        try:
            yield
        finally:
            _try_to_write(stream, "\r\x1b[K")

    def add(self, count: int = 1, failed: int = 0) -> None:
        """Counts `count` more as done, `failed` of them as failed; with 0 only the time is updated."""
        self._counted += count
        self.failed += failed
        self._complete = self._counted
        self._reached(self._counted)

    def within(self, share: float, of: int = 1) -> None:
        """The next one, or the next `of`, one after the other, are done to this share; without `of` the share of
        several at once may be above 1, and none of them counts as done. Cheap enough to call at every step."""
        self._complete = self._counted + (math.floor(share * of) if of > 1 else 0)
        self._reached(self._counted + share * of)

    def _reached(self, done: float) -> None:
        now = time.monotonic()
        if done > self.done:
            self.done, self._moved = done, now
        if now >= self._next:
            self._show(now)

    def _show(self, now: float) -> None:
        self._next = now + INTERVAL
        if self._terminal:
            self._write(f"\r\x1b[K{self.line(now)}")
        elif self._tenths() > self._tenth:
            self._tenth = self._tenths()
            self._write(f"{self.line(now)}\n")

    def _write(self, text: str) -> None:
        self._shown = True
        if self._stream is not None:
            _try_to_write(self._stream, text)

    def line(self, now: float) -> str:
        """``1,234 of 10,000 members (12 %), 310/s, 28 s left, 3 failed``

        The time left follows from the rate until something was last done, and counts down from then on.
        """
        share = f"{math.floor(100 * self.done / max(self.total, 1))} %"
        parts = [f"{self._complete:,} of {self.total:,} {self.what} ({share})" if self.total > 1 else share]
        computed, seconds = self.done - self.before, self._moved - self._began
        if computed > 0 and seconds > 0:
            rate = computed / seconds
            left = (self.total - self.done) / rate - (now - self._moved)
            parts += [f"{rate:.3g}/s"] if rate >= MANY else []
            parts += [f"{duration(max(left, 1.0))} left"] if left > 0 else []
        return ", ".join([*parts, f"{self.failed:,} failed"] if self.failed else parts)

    def _tenths(self) -> int:
        return math.floor(10 * self.done / max(self.total, 1))


def _try_to_write(stream: Stream, text: str) -> None:
    with suppress(OSError, ValueError):  # a full or closed log must not cost the work
        stream.write(text)
        stream.flush()


def _is_terminal(stream: Stream | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # it was closed
        return False


class NotebookLine:
    """A `Stream` that shows one line in a notebook's cell: each text replaces the one before."""

    def __init__(self, display: Any) -> None:
        self._display = display
        self._shown: Any = None

    def isatty(self) -> bool:
        """Whether a line can be rewritten."""
        return True

    def write(self, text: str, /) -> None:
        """Writes a line, or rewrites it after ``\\r``."""
        line = text.removeprefix("\r\x1b[K")
        shown = {"text/plain": line} if line else {"text/html": "", "text/plain": ""}
        if self._shown is None:
            self._shown = self._display(shown, raw=True, display_id=True)
        else:
            self._shown.update(shown, raw=True)

    def flush(self) -> None:
        """Shows what was written."""


def notebook_line() -> NotebookLine | None:
    """A line in the cell that is running, or None outside of notebooks."""
    ipython = sys.modules.get("IPython")  # a notebook has loaded it; this program never does
    if ipython is None or not hasattr(ipython.get_ipython(), "kernel"):
        return None
    return NotebookLine(ipython.display.display)


def duration(seconds: float) -> str:
    """Seconds as text, in the unit that people would use.

    >>> duration(3.2), duration(150), duration(9000), duration(3e5)
    ('3 s', '2.5 min', '2.5 h', '3.5 d')
    """
    for unit, size in (("d", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * size:
            return f"{seconds / size:.2g} {unit}" if seconds < 10 * size else f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s" if seconds >= 1 else f"{seconds:.1g} s"


def bytes_text(size: float) -> str:
    """A number of bytes as text.

    >>> bytes_text(900), bytes_text(1.5e6)
    ('900 bytes', '1.5 MB')
    """
    for unit, large in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= large:
            return f"{size / large:.3g} {unit}"
    return f"{size:.0f} bytes"
