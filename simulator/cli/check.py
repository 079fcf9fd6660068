"""`check`: all faults of files."""

from __future__ import annotations

import argparse
import sys

from ..runtime.exit_codes import BAD_FILE, DONE
from .options import print_json

EXAMPLES = """examples:
  immunesim check scenarios/*.toml
  immunesim check my_model.toml my_scenario.toml --json"""


def arguments(command: argparse.ArgumentParser) -> None:
    """Adds the options of the command."""
    command.add_argument("files", nargs="+", metavar="FILE")


def execute(options: argparse.Namespace) -> int:
    """Runs the command; returns its exit code."""
    from ..tasks.check import CheckRequest, check

    found = check(CheckRequest(tuple(options.files)))
    if options.json:
        print_json(found.document)
    else:
        for line in found.lines:
            print(line)
        for line in found.errors:
            print(f"error: {line}", file=sys.stderr)
    return DONE if found.ok else BAD_FILE
