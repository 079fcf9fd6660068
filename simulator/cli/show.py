"""`show`: a scenario with every default."""

from __future__ import annotations

import argparse

from ..runtime.exit_codes import DONE
from .options import print_json, request_of, settings_argument

EXAMPLES = """examples:
  immunesim show il2_therapy
  immunesim show il2_therapy --set 'body_weight=90 kg'
  immunesim show acute_infection --add 'IL-2 18 MIU at 3 d'"""


def arguments(command: argparse.ArgumentParser) -> None:
    """Adds the options of the command."""
    command.add_argument("scenario", metavar="SCENARIO")
    settings_argument(command)


def execute(options: argparse.Namespace) -> int:
    """Runs the command; returns its exit code."""
    from ..tasks.show import show

    found = show(request_of(options.scenario, options))
    print_json(found.document) if options.json else print(found)
    return DONE
