"""`replay`: a folder run again."""

from __future__ import annotations

import argparse
from pathlib import Path

from .options import print_json
from .program import DONE, MISSED

EXAMPLES = """examples:
  immunesim replay out
  immunesim replay out --json"""


def arguments(command: argparse.ArgumentParser) -> None:
    """Adds the options of the command."""
    command.add_argument("folder", metavar="RUN_DIR")


def execute(options: argparse.Namespace) -> int:
    """Runs the command; returns its exit code."""
    from ..tasks.replay import ReplayRequest, replay

    found = replay(ReplayRequest(Path(options.folder)))
    print_json(found.document) if options.json else print(found)
    return DONE if found.match else MISSED
