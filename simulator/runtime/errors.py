"""What a user can get wrong or run into: faults of files and of what was asked for, and output that cannot be written.

The same tasks are asked for on the command line and from Python. `called_from` says which of the two it is, so that
a fault names the place that the user knows, as the user typed it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

COMMAND_LINE = "command line"
_caller: ContextVar[str] = ContextVar("caller", default=COMMAND_LINE)


class InputFault(NamedTuple):
    """One thing that is wrong, and where.

    file: the file, or the caller where something was asked for that cannot be: "command line", "run()".
    line: counted from 1; 0 where no single line is at fault.
    message: what was expected, what was found, and the nearest thing that is right.
    text: the line of the file, or the option as typed.
    """

    file: str
    line: int
    message: str
    text: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        shown = self.text if len(self.text) <= 120 else self.text[:117] + "..."
        return f"{where}: {self.message}" + (f"\n    {shown}" if shown else "")


class InputError(Exception):
    """Everything that is wrong with what was asked for and with the files that were read: `faults`, each once."""

    def __init__(self, faults: Sequence[InputFault]) -> None:
        self.faults = list(dict.fromkeys(faults))
        super().__init__(self.faults)  # what pickle hands to the copy

    def __str__(self) -> str:
        return "\n".join(map(str, self.faults))


class OutputError(Exception):
    """An output folder or file exists already, was not written by this program, or cannot be written."""


@contextmanager
def called_from(place: str) -> Iterator[None]:
    """Within it, faults of the request name `place`, such as "run()", instead of the command line."""
    token = _caller.set(place)
    try:
        yield
    finally:
        _caller.reset(token)


def request_fault(message: str, words: str = "") -> InputFault:
    """A fault of the request, not of a file. `words` is the option of the command line, such as "--arm late"."""
    return InputFault(_caller.get(), 0, message, option(words))


def option(words: str) -> str:
    """An option as the caller writes it: "--arm late" or "--force", from Python "arm late" or "force=True"."""
    if _caller.get() == COMMAND_LINE:
        return words
    return "force=True" if words == "--force" else words.removeprefix("--")
