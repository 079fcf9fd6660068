"""`slides`: scenarios as one deck for a lecture."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..runtime.exit_codes import DONE, SOLVER_FAILED, UNRELIABLE
from .options import (
    certify_arguments,
    certify_of,
    print_answer,
    print_json,
    print_note,
    request_of,
    settings_argument,
)

EXAMPLES = """examples:
  immunesim slides il2_therapy --out lecture.pdf
  immunesim slides acute_infection vaccination --out lecture.pptx
  immunesim slides il2_therapy --arm main --arm untreated --out lecture.pdf

Of each scenario: a page with its question, the computed answer and the count of expectations; each curve on a page of
16:9 in large type, with its sources at the foot; and the sources in full. In a .pptx the words can be edited, and each
figure has its description in the notes; it needs python-pptx (pip install python-pptx)."""


def arguments(command: argparse.ArgumentParser) -> None:
    """Adds the options of the command."""
    text = "scenario files, or names of bundled scenarios"
    command.add_argument("scenarios", nargs="+", metavar="SCENARIO", help=text)
    command.add_argument("--out", metavar="FILE", required=True, help="the deck, such as lecture.pdf or lecture.pptx")
    command.add_argument("--force", action="store_true", help="replace FILE if it exists")
    command.add_argument("--arm", action="append", default=[], metavar="NAME", help="only this arm; may be repeated")
    settings_argument(command)
    certify_arguments(command)


def execute(options: argparse.Namespace) -> int:
    """Runs the command; returns its exit code."""
    from ..tasks.slides import SlidesRequest, slides

    asked = tuple(request_of(word, options) for word in options.scenarios)
    request = SlidesRequest(asked, Path(options.out), tuple(options.arm), options.force, certify_of(options))
    found = slides(request, print_note)
    print_json(found.document) if options.json else print_answer(found)
    if not found.ok:
        return SOLVER_FAILED
    return UNRELIABLE if found.unreliable and not options.accept_unreliable else DONE
