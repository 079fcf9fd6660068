"""`export`: an arm for other simulators."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..files.formats import FORMATS
from ..runtime.exit_codes import DONE
from .options import print_json, request_of, settings_argument

EXAMPLES = """examples:
  immunesim export il2_therapy --to sbml
  immunesim export il2_therapy --to sbml --arm half_dose --out half_dose.xml
  immunesim export endotoxin_counts --to nonmem
  immunesim export acute_infection --to sbml --set 'stop_sensitivity=0.5'"""


def arguments(command: argparse.ArgumentParser) -> None:
    """Adds the options of the command."""
    command.add_argument("scenario", metavar="SCENARIO")
    text = "the format: " + "; ".join(f"{name} is {each.title}" for name, each in FORMATS.items())
    command.add_argument("--to", required=True, choices=list(FORMATS), help=text)
    command.add_argument("--arm", default="main", metavar="NAME", help="which arm (default: main)")
    settings_argument(command)
    command.add_argument("--out", metavar="FILE", help="the file to write (default: SCENARIO.xml or .csv)")
    command.add_argument("--force", action="store_true", help="replace FILE")


def execute(options: argparse.Namespace) -> int:
    """Runs the command; returns its exit code."""
    from ..tasks.export import ExportRequest, export

    scenario = request_of(options.scenario, options)
    out = Path(options.out) if options.out else None
    found = export(ExportRequest(scenario, options.to, options.arm, out, options.force))
    print_json(found.document) if options.json else print(found)
    return DONE
