"""`help` from Python: the handbook."""

from __future__ import annotations

from pathlib import Path

from ..runtime.errors import called_from
from ..tasks import help as task
from .changes import folder_or_none


def help_(topic: str | None = None, *, out: str | Path | None = None, force: bool = False) -> task.Help:
    """What the handbook says.

    Args:
        topic: a chapter, a word of a heading, a key of a file, a measure, a function, a unit or an exit code; None
            lists the chapters.
        out: a new folder into which the whole handbook is written as pages.
        force: replace the folder if it holds a handbook and nothing else.

    Raises:
        InputError: nothing is said of the topic.
        OutputError: the folder exists or cannot be written.

    >>> import immunesim as sim
    >>> sim.help("half_life").entries[0].meaning
    'of the fall between two times'
    """
    with called_from("help()"):
        return task.help(task.HelpRequest(topic, folder_or_none("out", out), force))


help_.__name__ = help_.__qualname__ = "help"
