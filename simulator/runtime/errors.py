"""What a user can get wrong or run into: faults of files and of what was asked for, and output that cannot be written.

The same tasks are asked for on the command line and from Python. `called_from` says which of the two it is, so that
a fault names the place that the user knows, as the user typed it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

from .text import MOST_CHARACTERS, printable, shortened

COMMAND_LINE = "command line"
MOST_FAULTS = 20  # that are shown; `InputError.faults` has all of them
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
        file = printable(shortened(self.file, 300))
        where = f"{file}:{self.line}" if self.line else file
        shown = self.text if len(self.text) <= 120 else self.text[:117] + "..."
        return f"{where}: {printable(shortened(self.message))}" + (f"\n    {printable(shown)}" if shown else "")

    def document(self) -> dict[str, object]:
        """The same, ready for JSON; texts as long as a screen holds."""
        return {**self._asdict(), "message": shortened(self.message), "text": shortened(self.text)}


class InputError(Exception):
    """Everything that is wrong with what was asked for and with the files that were read: `faults`, each once."""

    def __init__(self, faults: Sequence[InputFault]) -> None:
        self.faults = list(dict.fromkeys(faults))
        super().__init__(self.faults)  # what pickle hands to the copy

    def __str__(self) -> str:
        return "\n".join(self.lines)

    @property
    def lines(self) -> list[str]:
        """The faults as text; of many the first, and how many more there are."""
        return fault_lines(self.faults)


def fault_lines(faults: Sequence[InputFault]) -> list[str]:
    """Faults as text; of many the first, and how many more there are."""
    more = len(faults) - MOST_FAULTS
    shown = [str(fault) for fault in faults[:MOST_FAULTS]]
    return [*shown, f"and {more:,} more"] if more > 0 else shown


class OutputError(Exception):
    """An output folder or file exists already, was not written by this program, or cannot be written."""

    def __str__(self) -> str:
        return printable(shortened(super().__str__(), MOST_CHARACTERS))


@contextmanager
def called_from(place: str) -> Iterator[None]:
    """Within it, faults of the request name `place`, such as "run()", instead of the command line, and an interruption
    from the keyboard ends without the lines of code that it happened to meet."""
    token = _caller.set(place)
    try:
        yield
    except KeyboardInterrupt as interruption:
        raise KeyboardInterrupt(*interruption.args) from None
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
