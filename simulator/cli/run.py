"""`run`: scenarios become folders of tables and figures."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from .exit_codes import DONE, INTERRUPTED, MISSED, SOLVER_FAILED
from .figure_options import figure_arguments, formats_of
from .options import interventions_of, print_json, scenario_of, settings_argument

EXAMPLES = """examples:
  immunesim run scenarios/il2_therapy.toml --out out
  immunesim run il2_therapy --report --out out
  immunesim run acute_infection --set 'stop_sensitivity=0.5' --no-plots
  immunesim run acute_infection --knockout IL4 --block IL1 90% --add 'IL-2 18 MIU at 3 d'
  immunesim run vaccination --slides --format pdf --out lecture
  immunesim run il2_therapy --arm main --set 'dose.first cycle.amount=100000 IU/kg'"""


def arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("scenarios", nargs="+", metavar="SCENARIO", help="a scenario file, or the name of one of ours")
    command.add_argument("--out", metavar="DIR", help="new folder for the results (default: results/SCENARIO)")
    command.add_argument("--force", action="store_true", help="replace DIR if it holds an earlier run and nothing else")
    settings_argument(command)
    command.add_argument("--arm", action="append", metavar="NAME", help="only this arm; may be repeated")
    command.add_argument("--no-plots", action="store_true", help="no figures")
    figure_arguments(command)
    text = "also one page, DIR/report.html, with figures, curves to touch, doses, expectations and equations"
    command.add_argument("--report", action="store_true", help=text)
    certify = command.add_mutually_exclusive_group()
    text = "check the digits with a second solver, however long it takes"
    certify.add_argument("--certify", dest="certify", action="store_true", default=None, help=text)
    text = "never check them (default: where it takes under a second an arm)"
    certify.add_argument("--no-certify", dest="certify", action="store_false", help=text)


def execute(options: argparse.Namespace) -> int:
    from ..experiments.run import run
    from ..experiments.scenario import chosen_arms
    from ..files.results import folder
    from ..runtime.progress import Progress
    from ..tasks.run import write
    from ..views.text import run as run_text
    from ..views.text.notes import notes

    formats = formats_of(options)
    scenarios = [scenario_of(word, options) for word in options.scenarios]
    for scenario in scenarios:
        chosen_arms(scenario, options.arm, "--arm")
        for note in notes(scenario, interventions_of(options)):
            print(f"note: {note}", file=sys.stderr)
    draw = None if options.no_plots else _draw(options.slides, formats)
    summaries, code = [], DONE
    for scenario in scenarios:
        target = Path(options.out) if options.out else folder.free_folder(Path("results") / scenario.id)
        if options.out and len(scenarios) > 1:
            target = target / scenario.id
        folder.check_folder(target, options.force)
        arms = len(set(options.arm)) if options.arm else len(scenario.arms)
        with Progress("arms simulated", arms) as progress:
            result = run(scenario, options.certify, options.arm, partial(progress.within, of=arms))
        summary = write(result, target, options.words, options.force, draw, options.report)
        summaries.append(summary)
        if not options.json:
            print(run_text.run_text(result, target))
        if result.interrupted:
            print("interrupted; the arms that were finished are kept", file=sys.stderr)
            return INTERRUPTED
        if not result.ok:
            code = SOLVER_FAILED
        elif code == DONE and not all(verdict.holds for verdict in result.verdicts):
            code = MISSED
    if options.json:
        print_json(summaries[0] if len(summaries) == 1 else summaries)
    return code


def _draw(slides: bool, formats: Sequence[str]) -> Any:
    from ..views.figures.run import draw
    from ..views.figures.style import PAPER, SLIDES

    return partial(draw, look=SLIDES if slides else PAPER, formats=formats)
