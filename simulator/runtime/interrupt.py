"""Ctrl-C, and the SIGTERM of schedulers, as an exception, or as a question that long work asks between two steps."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType, TracebackType
from typing import Any, Self

SIGNALS = (signal.SIGINT, signal.SIGTERM)

_last: list[int] = []  # the signals that were heard
_raised: list[int] = []  # those of them that raised KeyboardInterrupt


def interrupted_by() -> int:
    """The number of the last signal that was heard, 0 if there was none."""
    return _last[-1] if _last else 0


def raise_if_interrupted() -> None:
    """Raises KeyboardInterrupt if `signals_as_interrupts` or `interrupts_remembered` has, for a loop that calls other
    libraries: NumPy swallows what is raised while it looks up an attribute."""
    if _raised:
        raise KeyboardInterrupt


@contextmanager
def interrupts_remembered() -> Iterator[None]:
    """For a function that scripts and notebooks call: within it a Ctrl-C raises KeyboardInterrupt, as always, and
    `raise_if_interrupted` does so again.

    Where Ctrl-C has another handler than Python's, and outside the main thread, nothing changes.
    """
    if (
        threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    ):
        yield
        return

    def hear(number: int, frame: FrameType | None) -> None:
        _raised.append(number)
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, hear)
    try:
        yield
    finally:
        del _raised[:]
        signal.signal(signal.SIGINT, signal.default_int_handler)


@contextmanager
def signals_as_interrupts() -> Iterator[None]:
    """For a program: within it the first Ctrl-C or SIGTERM raises KeyboardInterrupt, and another one ends the process
    at once, without a traceback; what it leaves behind is removed by the next command.

    Outside the main thread, which alone may handle signals, nothing changes.
    """
    del _last[:], _raised[:]

    def hear(number: int, frame: FrameType | None) -> None:
        if _last:
            os._exit(128 + number)
        _last.append(number)
        _raised.append(number)
        raise KeyboardInterrupt

    before = _handle_with(hear)
    try:
        yield
    finally:
        del _raised[:]
        for each, handler in before.items():
            signal.signal(each, handler)


def _handle_with(handler: Any) -> dict[signal.Signals, Any]:
    """Sets the handler of all `SIGNALS`; returns those before, none outside the main thread."""
    if threading.current_thread() is not threading.main_thread():
        return {}
    return {each: signal.signal(each, handler) for each in SIGNALS}


class Stop:
    """``with Stop("stopping: ...") as stop:`` after the first signal `stop()` is true; a second one raises
    KeyboardInterrupt.

    `notice` is written to stderr at the first signal: what is kept. Outside the main thread, which alone may handle
    signals, `stop()` stays false.
    """

    def __init__(self, notice: str) -> None:
        self.notice = notice
        self.requested = False
        self._handlers_before: dict[signal.Signals, Any] = {}

    def __call__(self) -> bool:
        return self.requested

    def __enter__(self) -> Self:
        self._handlers_before = _handle_with(self._handle)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for each, handler in self._handlers_before.items():
            signal.signal(each, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        _last.append(number)
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
        with suppress(OSError, RuntimeError):  # stderr closed, or interrupted while it was written to
            print(f"{self.notice} (once more: at once)", file=sys.stderr)
