"""`export`: an arm for other simulators."""

from __future__ import annotations

import argparse
from pathlib import Path

from .options import print_json, scenario_of, settings_argument
from .program import DONE

EXAMPLES = """examples:
  immunesim export il2_therapy --to sbml
  immunesim export il2_therapy --to sbml --arm half_dose --out half_dose.xml
  immunesim export acute_infection --to sbml --set 'stop_sensitivity=0.5'"""


def arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("scenario", metavar="SCENARIO")
    text = "the format: sbml is Level 3 Version 2, with units, sources, and doses as events"
    command.add_argument("--to", required=True, choices=["sbml"], help=text)
    command.add_argument("--arm", default="main", metavar="NAME", help="which arm (default: main)")
    settings_argument(command)
    command.add_argument("--out", metavar="FILE", help="the file to write (default: SCENARIO.xml)")
    command.add_argument("--force", action="store_true", help="replace FILE")


def execute(options: argparse.Namespace) -> int:
    from ..experiments.scenario import chosen_arms
    from ..files.results import folder

    scenario = scenario_of(options.scenario, options)
    chosen_arms(scenario, [options.arm], "--arm")
    target = Path(options.out or f"{scenario.id}.xml")
    folder.check_file(target, options.force)
    from ..files.formats.sbml import sbml_text  # last, so that a fault of the words is said without libSBML

    folder.write_text(target, sbml_text(scenario, options.arm))
    if options.json:
        print_json({"scenario": scenario.id, "arm": options.arm, "format": options.to, "file": str(target)})
    else:
        print(f"{scenario.id}, arm {options.arm}: {target}")
    return DONE
