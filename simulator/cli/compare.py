"""`compare`: scenarios, arms, or a scenario and what is changed in it, side by side."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .options import (
    change_in_words,
    figure_arguments,
    figures_of,
    interventions_of,
    print_json,
    scenario_of,
    settings_argument,
)
from .program import DONE, MISSED

EXAMPLES = """examples:
  immunesim compare acute_infection stop_signal_missing
  immunesim compare acute_infection --knockout IL4
  immunesim compare il2_therapy --of tumour --against untreated
  immunesim compare il2_therapy low_dose_il2 --of T_regulatory --out compared"""


def arguments(command: argparse.ArgumentParser) -> None:
    text = "one: its arms, or, with a change, what it is with and without it; several: their main arms"
    command.add_argument("scenarios", nargs="+", metavar="SCENARIO", help=text)
    command.add_argument("--arm", action="append", metavar="NAME", help="this arm of each; may be repeated")
    text = "a species or observable (default: what the scenarios show)"
    command.add_argument("--of", action="append", metavar="NAME", help=text)
    text = "what the others are divided by: an arm of the first scenario, or a scenario (default: the first of all)"
    command.add_argument("--against", metavar="[SCENARIO/]ARM", help=text)
    settings_argument(command)
    command.add_argument("--out", metavar="DIR", help="new folder for the table and the figures")
    command.add_argument("--force", action="store_true", help="replace DIR if it holds an earlier comparison")
    figure_arguments(command)


def execute(options: argparse.Namespace) -> int:
    from ..experiments.comparison import table as comparison_table
    from ..experiments.run import run
    from ..files.results import folder
    from ..files.toml.scenario_file import find_scenario, read_scenario
    from ..runtime.progress import Progress
    from ..tasks import compare
    from ..tasks.compare_sides import sides
    from ..views.text.notes import notes

    formats = figures_of(options).formats
    described = [read_scenario(find_scenario(word)) for word in options.scenarios]
    changed = [scenario_of(word, options) for word in options.scenarios] if _changes(options) else []
    words = [change_in_words(options, scenario) for scenario in changed]
    chosen, against = sides(described, list(zip(changed, words, strict=True)), options.arm, options.against)
    names = compare.shared_names([side.scenario for side in chosen], options.of)
    for scenario in changed:
        for note in notes(scenario, interventions_of(options)):
            print(f"note: {note}", file=sys.stderr)
    if options.out:
        folder.check_folder(Path(options.out), options.force)
    runs = []
    with Progress("scenarios", len(chosen)) as progress:
        for side in chosen:
            runs.append(run(side.scenario, certify=False, arms=side.arms, on_progress=progress.within))
            if runs[-1].interrupted:
                raise KeyboardInterrupt  # part of a comparison is none
            progress.add()
    changes = [side.words for side in chosen]
    table = comparison_table(runs, names, changes, against)
    if options.out:
        compare.write(runs, names, table, Path(options.out), options.force, changes, options.slides, formats)
    print_json(compare.document(table)) if options.json else print(compare.text(table))
    return DONE if all(result.ok for result in runs) else MISSED


def _changes(options: argparse.Namespace) -> bool:
    return bool(options.set or options.knockout or options.block or options.add)
