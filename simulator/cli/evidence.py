"""`evidence`: every expectation against the simulation."""

from __future__ import annotations

import argparse
from pathlib import Path

from .options import print_json
from .program import DONE, MISSED

EXAMPLES = """examples:
  immunesim evidence
  immunesim evidence il2_therapy --json"""


def arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("scenarios", nargs="*", metavar="SCENARIO", help="default: all that come with the simulator")
    command.add_argument("--out", metavar="DIR", help="write evidence.csv and evidence.json there too")


def execute(options: argparse.Namespace) -> int:
    from ..files.results.folder import make_folder
    from ..files.toml.catalogue import builtin_scenarios
    from ..files.toml.scenario_file import find_scenario
    from ..tasks import evidence

    paths = [find_scenario(word) for word in options.scenarios] or list(builtin_scenarios().values())
    if options.out:
        make_folder(Path(options.out))
    rows = evidence.collect(paths)
    if options.out:
        evidence.write(rows, Path(options.out))
    print_json(rows) if options.json else print(evidence.text(rows))
    return DONE if evidence.holds(rows) else MISSED
