"""Standard output and error that can always be written to: what becomes of the text never costs a result.

A stream may be closed (``>&-``), a broken pipe (``| head``), a full disk, an object of a host program that is no file,
or of an encoding without Greek letters, as a redirected Windows console is.
"""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO

SIGNS = {"×": "x", "·": "*", "°": "deg ", "−": "-", "–": "-", "—": "-", "→": "->", "≤": "<=", "≥": ">=", "≈": "~"}


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
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        try:
            text.encode(encoding)
        except UnicodeEncodeError:
            text = "".join(_shown(letter, encoding) for letter in text)
        self._try("write", text)
        return len(text)

    def flush(self) -> None:
        self._try("flush")

    def isatty(self) -> bool:
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


def _shown(letter: str, encoding: str) -> str:
    """`letter` itself, or in plain letters where `encoding` has it not: beta, 2, x."""
    try:
        letter.encode(encoding)
    except UnicodeEncodeError:
        *kind, name = unicodedata.name(letter, "?").split()
        if letter in SIGNS:
            return SIGNS[letter]
        if kind[:1] == ["GREEK"]:
            return name.lower() if "SMALL" in kind else name.capitalize()
        return unicodedata.normalize("NFKD", letter).encode("ascii", "ignore").decode() or "?"
    return letter
