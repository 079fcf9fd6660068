"""`explore`: a page that simulates a scenario by itself while its sliders are moved."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..runtime.exit_codes import DONE
from .options import print_answer, print_json, print_note, request_of, settings_argument

EXAMPLES = """examples:
  immunesim explore il2_therapy --out page.html
  immunesim explore my_scenario.toml --out page.html --set "body_weight=90 kg"
  immunesim explore il2_therapy --out page.html --slider "dose.first cycle.amount" --slider tumour_antigenicity

The page is one file, which opens from disk without a network: doses and knobs have sliders, curves follow while these
are moved, other arms follow the patient, and its address keeps what was set. A click on a curve, or W, says why it
rises or falls there; doses are dragged on the time axis; published ranges are judged as the run moves; 64 virtual
patients are a band on request. [explore] in a scenario chooses sliders and presets:

  [[explore.slider]]
  parameter = "tumour_start"   # from, to, scale = "log" and label may follow
  [[explore.preset]]
  label = "found early"
  set = { tumour_start = "2e7 cells" }

A scenario with rules, inputs or doses in a steady state is refused."""


def arguments(command: argparse.ArgumentParser) -> None:
    """Adds the options of the command."""
    command.add_argument("scenario", metavar="SCENARIO", help="a file, or the name of a bundled scenario")
    command.add_argument("--out", metavar="FILE", required=True, help="the page, such as page.html")
    command.add_argument("--force", action="store_true", help="replace FILE if it exists")
    text = "a slider to show first: a parameter, initial.SPECIES or dose.NAME.KEY; may be repeated (default: eight)"
    command.add_argument("--slider", action="append", default=[], metavar="NAME", help=text)
    settings_argument(command)


def execute(options: argparse.Namespace) -> int:
    """Runs the command; returns its exit code."""
    from ..tasks.explore import ExploreRequest, explore

    asked, sliders = request_of(options.scenario, options), tuple(dict.fromkeys(options.slider))
    found = explore(ExploreRequest(asked, Path(options.out), sliders, options.force), print_note)
    print_json(found.document) if options.json else print_answer(found)
    return DONE
