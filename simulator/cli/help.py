"""`help`: the handbook on the terminal, or as pages."""

from __future__ import annotations

import argparse
from contextlib import suppress
from pathlib import Path

from ..runtime.exit_codes import DONE
from .options import print_json

EXAMPLES = """examples:
  immunesim help
  immunesim help first-steps
  immunesim help half_life
  immunesim help "lag"
  immunesim help --out handbook"""


def arguments(command: argparse.ArgumentParser) -> None:
    """Adds the options of the command."""
    text = "a chapter, a word of a heading, a key of a file, a measure, a function, a unit, an exit code or a command"
    command.add_argument("topic", nargs="*", metavar="TOPIC", help=text)
    command.add_argument("--out", metavar="DIR", help="write the whole handbook as pages into a new folder")
    command.add_argument("--force", action="store_true", help="replace DIR if it holds a handbook and nothing else")


def execute(options: argparse.Namespace) -> int:
    """Runs the command; returns its exit code."""
    from ..runtime.errors import InputError
    from ..tasks.help import HelpRequest, help
    from .program import COMMANDS, parser_of

    topic = " ".join(options.topic) or None
    folder = Path(options.out) if options.out else None
    try:
        found = help(HelpRequest(topic, folder, options.force))
        print_json(found.document) if options.json else print(found)
        known = bool(found.chapters)
    except InputError:
        if topic not in COMMANDS:
            raise
        known = False
    if topic in COMMANDS and not known and not options.json:
        print("\nThe command:\n", flush=True)
        with suppress(SystemExit):  # which argparse raises once it has printed
            parser_of([topic]).parse_args([topic, "--help"])
    return DONE
