"""`compare`: scenarios, arms, or a scenario before and after a change, side by side."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..runtime.exit_codes import DONE, MISSED, UNRELIABLE
from .options import (
    certify_arguments,
    certify_of,
    figure_arguments,
    figures_of,
    print_answer,
    print_json,
    print_note,
    request_of,
    settings_argument,
)

EXAMPLES = """examples:
  immunesim compare acute_infection stop_signal_missing
  immunesim compare acute_infection --knockout IL4
  immunesim compare il2_therapy --of tumour --against untreated
  immunesim compare il2_therapy low_dose_il2 --of T_regulatory --out compared"""


def arguments(command: argparse.ArgumentParser) -> None:
    """Adds the options of the command."""
    text = "one: its arms, or, with a change, what it is with and without it; several: their main arms"
    command.add_argument("scenarios", nargs="+", metavar="SCENARIO", help=text)
    command.add_argument("--arm", action="append", default=[], metavar="NAME", help="this arm of each; may be repeated")
    text = "a species or observable (default: what the scenarios show)"
    command.add_argument("--of", action="append", default=[], metavar="NAME", help=text)
    text = "what the others are divided by: an arm of the first scenario, or a scenario (default: the first of all)"
    command.add_argument("--against", metavar="[SCENARIO/]ARM", help=text)
    settings_argument(command)
    command.add_argument("--out", metavar="DIR", help="new output directory for the table and the figures")
    command.add_argument("--force", action="store_true", help="replace DIR if it holds an earlier comparison")
    figure_arguments(command)
    certify_arguments(command)


def execute(options: argparse.Namespace) -> int:
    """Runs the command; returns its exit code."""
    from ..tasks.compare import CompareRequest, compare

    request = CompareRequest(
        tuple(request_of(word, options) for word in options.scenarios),
        tuple(options.arm),
        tuple(options.of),
        options.against,
        out=Path(options.out) if options.out else None,
        force=options.force,
        figures=figures_of(options),
        certify=certify_of(options),
    )
    found = compare(request, print_note)
    print_json(found.document) if options.json else print_answer(found)
    if found.unreliable and not options.accept_unreliable:
        return UNRELIABLE
    return DONE if found.ok else MISSED
