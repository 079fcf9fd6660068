"""`list`: the bundled scenarios, models and populations."""

from __future__ import annotations

import argparse

from ..runtime.exit_codes import DONE
from .options import print_json

EXAMPLES = """examples:
  immunesim list
  immunesim list --json"""


def arguments(command: argparse.ArgumentParser) -> None:
    """Adds the options of the command: it has none of its own."""


def execute(options: argparse.Namespace) -> int:
    """Runs the command; returns its exit code."""
    from ..tasks.list import list_all

    found = list_all()
    print_json(found.document) if options.json else print(found)
    return DONE
