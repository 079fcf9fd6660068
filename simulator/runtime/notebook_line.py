"""A line in the cell of a notebook that is rewritten, and leaves nothing behind."""

from __future__ import annotations

import sys
from typing import Any


class NotebookLine:
    """To `Progress` a terminal: what is written takes the place of what was written before."""

    def __init__(self, display: Any) -> None:
        self._display, self._shown = display, None

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> None:
        line = text.removeprefix("\r\x1b[K")
        shown = {"text/plain": line} if line else {"text/html": "", "text/plain": ""}
        if self._shown is None:
            self._shown = self._display(shown, raw=True, display_id=True)
        else:
            self._shown.update(shown, raw=True)

    def flush(self) -> None:
        """It is seen at once."""


def notebook_line() -> NotebookLine | None:
    """A line in the cell that is running, or None outside of notebooks."""
    ipython = sys.modules.get("IPython")  # loaded by whoever runs notebooks, never by us
    if ipython is None or not hasattr(ipython.get_ipython(), "kernel"):
        return None
    return NotebookLine(ipython.display.display)
