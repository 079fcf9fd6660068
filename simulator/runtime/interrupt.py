"""Ctrl-C, and the SIGTERM of schedulers, as a question that long work asks itself between two steps."""

from __future__ import annotations

import signal
import sys
import threading
from contextlib import suppress
from types import FrameType, TracebackType
from typing import Any, Self


class Stop:
    """``with Stop("stopping: ...") as stop:`` after the first signal `stop()` is true; a second one raises
    KeyboardInterrupt.

    `notice` is written to stderr at the first signal: what is kept. Outside the main thread, which alone may handle
    signals, `stop()` stays false.
    """

    SIGNALS = (signal.SIGINT, signal.SIGTERM)

    def __init__(self, notice: str) -> None:
        self.notice = notice
        self.requested = False
        self._handlers_before: dict[signal.Signals, Any] = {}

    def __call__(self) -> bool:
        return self.requested

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._handlers_before = {each: signal.signal(each, self._handle) for each in self.SIGNALS}
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for each, handler in self._handlers_before.items():
            signal.signal(each, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
        with suppress(OSError, RuntimeError):  # stderr closed, or interrupted while it was written to
            print(f"{self.notice} (once more: at once)", file=sys.stderr)
