"""`run`: simulates scenarios; each becomes an output directory of tables and figures."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..runtime.exit_codes import DONE, INTERRUPTED, MISSED, SOLVER_FAILED, UNRELIABLE
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

if TYPE_CHECKING:
    from ..experiments.run import RunResult
    from ..tasks.run import RunOutput

EXAMPLES = """examples:
  immunesim run scenarios/il2_therapy.toml --out out
  immunesim run il2_therapy --report --out out
  immunesim run acute_infection --set 'stop_sensitivity=0.5' --no-plots
  immunesim run acute_infection --knockout IL4 --block IL1 90% --add 'IL-2 18 MIU at 3 d'
  immunesim run il2_therapy --arm main --nca IL2_plasma
  immunesim run vaccination --slides --format pdf --out lecture
  immunesim run il2_therapy --arm main --set 'dose.first cycle.amount=100000 IU/kg'"""


def arguments(command: argparse.ArgumentParser) -> None:
    """Adds the options of the command."""
    text = "a scenario file, or the name of a bundled scenario"
    command.add_argument("scenarios", nargs="+", metavar="SCENARIO", help=text)
    command.add_argument("--out", metavar="DIR", help="new output directory (default: results/SCENARIO)")
    command.add_argument("--force", action="store_true", help="replace DIR if it holds an earlier run and nothing else")
    settings_argument(command)
    command.add_argument("--arm", action="append", default=[], metavar="NAME", help="only this arm; may be repeated")
    text = "measure the curve NAME dose by dose: Cmax, Tmax, trough, AUC, accumulation; may be repeated"
    command.add_argument("--nca", action="append", default=[], metavar="NAME", help=text)
    command.add_argument("--no-plots", action="store_true", help="no figures")
    figure_arguments(command)
    text = "also one page, DIR/report.html: figures, interactive curves, doses, expectations and equations"
    command.add_argument("--report", action="store_true", help=text)
    certify_arguments(command)


def execute(options: argparse.Namespace) -> int:
    """Runs the command; returns its exit code."""
    from ..tasks.run import RunRequest, run_each

    figures = figures_of(options)
    requests = []
    for word in options.scenarios:
        scenario = request_of(word, options)
        out = Path(options.out) if options.out else Path("results") / scenario.id
        requests.append(
            RunRequest(
                scenario,
                tuple(options.arm),
                certify_of(options),
                tuple(options.nca),
                out=out / scenario.id if options.out and len(options.scenarios) > 1 else out,
                new_name=not options.out,
                force=options.force,
                figures=None if options.no_plots else figures,
                report=options.report,
                command=tuple(options.argv),
            )
        )
    outputs: list[RunOutput] = []
    try:
        for output in run_each(requests, print_note):
            outputs.append(output)
            if not options.json:
                print_answer(output)
    except KeyboardInterrupt:
        if not outputs:
            raise
        print(f"interrupted; kept are {', '.join(str(output.folder) for output in outputs)}", file=sys.stderr)
        return INTERRUPTED
    if outputs[-1].result.interrupted:
        arms = ", ".join(outputs[-1].result.arms)
        print(f"interrupted; kept in {outputs[-1].folder}, without figures, are the arms {arms}", file=sys.stderr)
        return INTERRUPTED
    if options.json:
        summaries = [output.summary for output in outputs]
        print_json(summaries[0] if len(summaries) == 1 else summaries)
    return _exit_code([output.result for output in outputs], options.accept_unreliable)


def _exit_code(results: Sequence[RunResult], accept_unreliable: bool) -> int:
    if not all(result.ok for result in results):
        return SOLVER_FAILED
    if not accept_unreliable and any(result.unreliable for result in results):
        return UNRELIABLE
    return DONE if all(verdict.holds for result in results for verdict in result.verdicts) else MISSED
