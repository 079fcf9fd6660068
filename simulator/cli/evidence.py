"""`evidence`: every expectation against the simulation."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .options import print_json
from .program import DONE, INTERRUPTED, MISSED

EXAMPLES = """examples:
  immunesim evidence
  immunesim evidence il2_therapy --json"""


def arguments(command: argparse.ArgumentParser) -> None:
    """Adds the options of the command."""
    command.add_argument("scenarios", nargs="*", metavar="SCENARIO", help="default: all bundled scenarios")
    command.add_argument("--out", metavar="DIR", help="also write evidence.csv and evidence.json")


def execute(options: argparse.Namespace) -> int:
    """Runs the command; returns its exit code."""
    from ..tasks.evidence import EvidenceRequest, evidence

    found = evidence(EvidenceRequest(tuple(options.scenarios), Path(options.out) if options.out else None))
    print_json([row._asdict() for row in found.rows]) if options.json else print(found)
    if found.not_simulated:
        missing = ", ".join(found.not_simulated[:5]) + ", ..." * (len(found.not_simulated) > 5)
        print(
            f"interrupted; {options.out} holds the scenarios that are done; not simulated: {missing}", file=sys.stderr
        )
        return INTERRUPTED
    return DONE if found.holds else MISSED
