"""How far a long computation is: a line that is rewritten on a terminal, a line per tenth elsewhere."""

from __future__ import annotations

import math
import time
from typing import TextIO

INTERVAL = 0.2  # seconds between two lines on a terminal


class Progress:
    """Counts `total` members, `stored` of which were there before."""

    def __init__(self, total: int, stored: int, stream: TextIO) -> None:
        self.total, self.done, self.computed, self.failed = total, stored, 0, 0
        self._stream, self._terminal = stream, stream.isatty()
        self._began = time.monotonic()
        self._shown = self._began if self._terminal else self._tenths()

    def add(self, members: int, failed: int) -> None:
        self.done += members
        self.computed += members
        self.failed += failed
        now = time.monotonic()
        if self._terminal and now - self._shown >= INTERVAL:
            self._shown = now
            print(f"\r\x1b[K{self.line()}", end="", file=self._stream, flush=True)
        elif not self._terminal and self._tenths() > self._shown:
            self._shown = self._tenths()
            print(self.line(), file=self._stream, flush=True)

    def close(self) -> None:
        """Leaves the terminal's line empty, for what is said next."""
        if self._terminal:
            print("\r\x1b[K", end="", file=self._stream, flush=True)

    def line(self) -> str:
        """``1,234 of 10,000 members (12 %), 310/s, 28 s left, 3 failed``"""
        share = math.floor(100 * self.done / max(self.total, 1))
        parts = [f"{self.done:,} of {self.total:,} members ({share} %)"]
        seconds = time.monotonic() - self._began
        if self.computed and seconds > 0:
            rate = self.computed / seconds
            parts += [f"{rate:.3g}/s", f"{duration((self.total - self.done) / rate)} left"]
        return ", ".join([*parts, f"{self.failed:,} failed"] if self.failed else parts)

    def _tenths(self) -> int:
        return 10 * self.done // max(self.total, 1)


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
