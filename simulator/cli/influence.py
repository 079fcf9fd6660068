"""`influence`: which expectations a parameter can break."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..runtime.exit_codes import DONE, UNRELIABLE
from .options import accept_argument, print_answer, print_json

EXAMPLES = """examples:
  immunesim influence acute_infection
  immunesim influence --out influence.json"""


def arguments(command: argparse.ArgumentParser) -> None:
    """Adds the options of the command."""
    command.add_argument("scenarios", nargs="*", metavar="SCENARIO", help="default: all, which takes many minutes")
    command.add_argument("--out", metavar="FILE", help="also write the answer as JSON")
    accept_argument(command)


def execute(options: argparse.Namespace) -> int:
    """Runs the command; returns its exit code."""
    from ..tasks.influence import InfluenceRequest, influence

    found = influence(InfluenceRequest(tuple(options.scenarios), Path(options.out) if options.out else None))
    print_json(found.document) if options.json else print_answer(found)
    return UNRELIABLE if found.unreliable and not options.accept_unreliable else DONE
