"""`gallery`: every scenario with its report, and a page that shows them all."""

from __future__ import annotations

import argparse
from pathlib import Path

from .options import print_json
from .program import DONE, INTERRUPTED, MISSED

EXAMPLES = """examples:
  immunesim gallery --out gallery
  immunesim gallery --out gallery il2_therapy my_scenario.toml --tables"""


def arguments(command: argparse.ArgumentParser) -> None:
    """Adds the options of the command."""
    command.add_argument("scenarios", nargs="*", metavar="SCENARIO", help="default: all bundled scenarios")
    command.add_argument("--out", metavar="DIR", required=True, help="new folder for the gallery")
    command.add_argument("--force", action="store_true", help="replace DIR if it holds a gallery and nothing else")
    text = "keep the curves as CSV too, which is hundreds of MB for all scenarios"
    command.add_argument("--tables", action="store_true", help=text)


def execute(options: argparse.Namespace) -> int:
    """Runs the command; returns its exit code."""
    from ..tasks.gallery import GalleryRequest, gallery

    found = gallery(GalleryRequest(Path(options.out), tuple(options.scenarios), options.tables, options.force))
    print_json(found.document) if options.json else print(found)
    if found.interrupted:
        return INTERRUPTED
    return DONE if found.holds else MISSED
