"""`replay`: a folder run again."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..runtime.exit_codes import DONE, MISSED, UNRELIABLE
from .options import certify_arguments, certify_of, print_answer, print_json, print_note

EXAMPLES = """examples:
  immunesim replay out
  immunesim replay out --json"""


def arguments(command: argparse.ArgumentParser) -> None:
    """Adds the options of the command."""
    command.add_argument("folder", metavar="RUN_DIR")
    certify_arguments(command)


def execute(options: argparse.Namespace) -> int:
    """Runs the command; returns its exit code."""
    from ..tasks.replay import ReplayRequest, replay

    found = replay(ReplayRequest(Path(options.folder), certify_of(options)), print_note)
    print_json(found.document) if options.json else print_answer(found)
    if found.unreliable and not options.accept_unreliable:
        return UNRELIABLE
    return DONE if found.match else MISSED
