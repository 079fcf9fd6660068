"""`evidence`: every expectation against the simulation."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..runtime.exit_codes import DONE, INTERRUPTED, MISSED, UNRELIABLE
from .options import certify_arguments, certify_of, print_answer, print_json, print_note

EXAMPLES = """examples:
  immunesim evidence
  immunesim evidence il2_therapy --json
  immunesim evidence --model core"""


def arguments(command: argparse.ArgumentParser) -> None:
    """Adds the options of the command."""
    command.add_argument("scenarios", nargs="*", metavar="SCENARIO", help="default: all bundled scenarios")
    command.add_argument("--out", metavar="DIR", help="also write evidence.csv and evidence.json")
    command.add_argument(
        "--model", default="", metavar="MODEL",
        help="ask another model what the scenarios ask of theirs, as far as both have the names, and compare them",
    )  # fmt: skip
    command.add_argument(
        "--set-aside", action="store_true",
        help="list the facts that are set aside too: who works on the model looks at their count alone",
    )  # fmt: skip
    certify_arguments(command)


def execute(options: argparse.Namespace) -> int:
    """Runs the command; returns its exit code."""
    from ..tasks.evidence import EvidenceRequest, evidence

    out, accept = Path(options.out) if options.out else None, options.accept_unreliable
    request = EvidenceRequest(
        tuple(options.scenarios), out, certify_of(options), accept, options.model, options.set_aside
    )
    found = evidence(request, print_note)
    print_json(found.document) if options.json else print_answer(found)
    if found.not_simulated:
        missing = ", ".join(found.not_simulated[:5]) + ", ..." * (len(found.not_simulated) > 5)
        print(
            f"interrupted; {options.out} holds the scenarios that are done; not simulated: {missing}", file=sys.stderr
        )
        return INTERRUPTED
    if found.unreliable and not accept:
        return UNRELIABLE
    return DONE if found.holds else MISSED
