"""`explain`: why a curve does what it does."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .options import change_in_words, interventions_of, print_json, scenario_of, settings_argument
from .program import DONE, SOLVER_FAILED

EXAMPLES = """examples:
  immunesim explain acute_infection --of IL-2
  immunesim explain il2_therapy --of tumour --against untreated --out why
  immunesim explain transient_stop --of T_self --against healthy
  immunesim explain acute_infection --of pathogen --knockout IL2
  immunesim explain vaccination --of antibody --at '12 d' --at '70 d'

Turning points and arms are compared at the same level of the curve: which rates would differ if there were equally
much of it. The strength of a feedback loop is the percentage of a disturbance that is fed back; its delay is the one
at which the curve of the last species best follows that of the first in this run, if there is a clear one."""


HALF = 0.5  # of the time goes into the run, and the rest into what is made of it


def arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("scenario", metavar="SCENARIO", help="a scenario file, or the name of one of ours")
    command.add_argument("--of", required=True, metavar="NAME", help="the species or observable to explain")
    text = "print the balance at this time, such as '3 d'; may be repeated"
    command.add_argument("--at", action="append", default=[], metavar="TIME", help=text)
    command.add_argument("--arm", default="main", metavar="ARM", help="the arm to explain (default: main)")
    command.add_argument("--against", metavar="ARM", help="another arm: what differs, and why")
    settings_argument(command)
    command.add_argument("--out", metavar="DIR", help="new folder for the figure, the table and the document")
    command.add_argument("--force", action="store_true", help="replace DIR if it holds an earlier explanation")


def execute(options: argparse.Namespace) -> int:
    from ..experiments.explanation.explain import NoStepsError, explain
    from ..experiments.run import run
    from ..experiments.scenario import chosen_arms
    from ..files.results import folder
    from ..runtime.errors import InputError, request_fault
    from ..runtime.progress import Progress
    from ..tasks import explain as doors
    from ..views.text.explain import explanation_text
    from ..views.text.notes import notes

    scenario = scenario_of(options.scenario, options)
    name, at = doors.asked(scenario, options.of, options.at)
    chosen_arms(scenario, [options.arm], "--arm")
    chosen_arms(scenario, [options.against] if options.against else [], "--against")
    if options.against == options.arm:
        raise InputError([request_fault("an arm does not differ from itself", f"--against {options.arm}")])
    for note in notes(scenario, interventions_of(options)):
        print(f"note: {note}", file=sys.stderr)
    if options.out:
        folder.check_folder(Path(options.out), options.force)
    arms = [options.arm, *([options.against] if options.against else [])]
    try:
        with Progress("explanations", 1) as progress:
            result = run(scenario, certify=False, arms=arms, on_progress=lambda share: progress.within(HALF * share))
            if result.interrupted:
                raise KeyboardInterrupt
            found = explain(scenario, options.arm, name, at=at, against=options.against, known=result.arms)
    except NoStepsError as error:
        if options.json:
            print_json({"ok": False, "faults": [{"message": str(error)}]})
        print(f"error: {error}", file=sys.stderr)
        return SOLVER_FAILED
    for arm in result.arms.values():
        outcome = arm.trajectory.outcome
        if not outcome.ok:
            print(f"arm {arm.arm.name} failed: {outcome.message}; explained up to there", file=sys.stderr)
    document = doors.write(found, Path(options.out), options.force) if options.out else None
    if options.json:
        print_json(document or doors.document(found))
    else:
        changed = change_in_words(options, scenario)
        print(explanation_text(found) + (f"\nChanged in all arms: {changed}." if changed else ""))
    return DONE if result.ok else SOLVER_FAILED
