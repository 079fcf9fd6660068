"""Standard output and error that can always be written to: an error in writing text never loses a result.

A stream may be closed (``>&-``), a broken pipe (``| head``), a full disk, an object of a host program that is not a
file, or of an encoding without Greek letters, as a redirected Windows console is.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO

from ..runtime.text import printable
from ..views.text.numbers import text_for

OURS = re.compile("(\\A\r\x1b\\[K|\x1b\\[(?:0|1|31)m)")  # control sequences that this program writes


class Output:
    """A text stream that writes what `stream` can show, and keeps the first error instead of raising it.

    stream: None where the program was started without one. error: why text was lost; a reader that closed its end of
    a pipe is no error.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream: Any = stream
        self.error: OSError | None = None
        self._broken = stream is None or getattr(stream, "closed", False)

    def write(self, text: str) -> int:
        """Writes `text`, with what the encoding cannot show, or would control a terminal, spelt out; returns its
        length. Only our own line of progress and our own colours pass."""
        known = OURS.split(text)
        safe = "".join(part if place % 2 else printable(part) for place, part in enumerate(known))
        self._try("write", text_for(safe, getattr(self._stream, "encoding", None) or "utf-8"))
        return len(text)

    def flush(self) -> None:
        """Flushes the stream, if it can be."""
        self._try("flush")

    def isatty(self) -> bool:
        """Whether the stream is a terminal."""
        return not self._broken and bool(getattr(self._stream, "isatty", bool)())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _try(self, method: str, *arguments: str) -> None:
        if self._broken or not hasattr(self._stream, method):
            return
        try:
            getattr(self._stream, method)(*arguments)
        except OSError as error:
            self._broken = True
            self.error = None if isinstance(error, BrokenPipeError) else error
            with suppress(OSError, ValueError, AttributeError):  # what is still in its buffer is lost at the end
                os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())


@contextmanager
def safe_streams() -> Iterator[Output]:
    """Within it `sys.stdout` and `sys.stderr` are `Output`; yields the first."""
    if sys.__stdout__ is None or sys.__stderr__ is None:
        _occupy_closed_descriptors()
    before = sys.stdout, sys.stderr
    out, err = Output(sys.stdout), Output(sys.stderr)
    sys.stdout, sys.stderr = out, err
    try:
        yield out
    finally:
        sys.stdout, sys.stderr = before


def _occupy_closed_descriptors() -> None:
    """Points descriptors 0 to 2 that are closed to nowhere, or the next file opened would receive the output."""
    with suppress(OSError):
        while (free := os.open(os.devnull, os.O_RDWR)) <= 2:
            pass
        os.close(free)
