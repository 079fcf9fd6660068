"""`gallery`: every scenario with its report, and a page that shows them all."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..runtime.exit_codes import DONE, INTERRUPTED, MISSED, UNRELIABLE
from .options import certify_arguments, certify_of, print_answer, print_json, print_note

EXAMPLES = """examples:
  immunesim gallery --out gallery
  immunesim gallery --out gallery il2_therapy my_scenario.toml --tables"""


def arguments(command: argparse.ArgumentParser) -> None:
    """Adds the options of the command."""
    command.add_argument("scenarios", nargs="*", metavar="SCENARIO", help="default: all bundled scenarios")
    command.add_argument("--out", metavar="DIR", required=True, help="new folder for the gallery")
    command.add_argument("--force", action="store_true", help="replace DIR if it holds a gallery and nothing else")
    text = "keep the curves as CSV too, which is hundreds of MB for all scenarios"
    certify_arguments(command)
    command.add_argument("--tables", action="store_true", help=text)


def execute(options: argparse.Namespace) -> int:
    """Runs the command; returns its exit code."""
    from ..tasks.gallery import GalleryRequest, gallery

    scenarios, certify = tuple(options.scenarios), certify_of(options)
    found = gallery(GalleryRequest(Path(options.out), scenarios, options.tables, options.force, certify), print_note)
    print_json(found.document) if options.json else print_answer(found)
    if found.interrupted:
        return INTERRUPTED
    if found.unreliable and not options.accept_unreliable:
        return UNRELIABLE
    return DONE if found.holds else MISSED
