"""`influence`: which expectations a parameter can break."""

from __future__ import annotations

import argparse
from pathlib import Path

from .options import print_json
from .program import DONE

EXAMPLES = """examples:
  immunesim influence acute_infection
  immunesim influence --out influence.json"""


def arguments(command: argparse.ArgumentParser) -> None:
    """Adds the options of the command."""
    command.add_argument("scenarios", nargs="*", metavar="SCENARIO", help="default: all, which takes many minutes")
    command.add_argument("--out", metavar="FILE", help="also write the answer as JSON")


def execute(options: argparse.Namespace) -> int:
    """Runs the command; returns its exit code."""
    from ..tasks.influence import InfluenceRequest, influence

    found = influence(InfluenceRequest(tuple(options.scenarios), Path(options.out) if options.out else None))
    print_json(found.document) if options.json else print(found)
    return DONE
