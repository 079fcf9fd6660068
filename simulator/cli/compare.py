"""`compare`: scenarios side by side."""

from __future__ import annotations

import argparse
from pathlib import Path

from .exit_codes import DONE, MISSED
from .figure_words import figure_arguments, formats_of
from .words import print_json

EXAMPLES = """examples:
  immunesim compare acute_infection stop_signal_missing
  immunesim compare il2_therapy low_dose_il2 --of T_regulatory --out compared"""


def arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("scenarios", nargs="+", metavar="SCENARIO")
    text = "a species or observable (default: what the scenarios show)"
    command.add_argument("--of", action="append", metavar="NAME", help=text)
    command.add_argument("--out", metavar="DIR", help="new folder for the table and the figures")
    command.add_argument("--force", action="store_true", help="replace DIR if it holds an earlier comparison")
    figure_arguments(command)


def execute(options: argparse.Namespace) -> int:
    from ..experiments.run import run
    from ..io import compare, folder
    from ..io.scenario_file import find_scenario, read_scenario

    formats = formats_of(options)
    scenarios = [read_scenario(find_scenario(word)) for word in options.scenarios]
    names = compare.shared_names(scenarios, options.of)
    if options.out:
        folder.check_folder(Path(options.out), options.force)
    runs = [run(scenario, certify=False) for scenario in scenarios]
    table = compare.table(runs, names)
    if options.out:
        compare.write(runs, names, table, Path(options.out), options.force, options.slides, formats)
    print_json(table) if options.json else print(compare.text(table))
    return DONE if all(result.ok for result in runs) else MISSED
