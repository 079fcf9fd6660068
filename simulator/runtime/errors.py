"""What a user got wrong, anywhere: in a file, on the command line or in a call from Python."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

COMMAND_LINE = "command line"  # stands for the file where a fault is in what was typed


class InputFault(NamedTuple):
    """One thing wrong in a file; line is 1 for the first line, 0 where no line is to blame."""

    file: str
    line: int
    message: str
    text: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        shown = self.text if len(self.text) <= 120 else self.text[:117] + "..."
        return f"{where}: {self.message}" + (f"\n    {shown}" if shown else "")


class InputError(Exception):
    """Everything that is wrong with the files that were read."""

    def __init__(self, faults: Sequence[InputFault]) -> None:
        self.faults = list(dict.fromkeys(faults))
        super().__init__("\n".join(map(str, self.faults)))
