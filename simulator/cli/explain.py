"""`explain`: why a curve does what it does."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..runtime.exit_codes import DONE, SOLVER_FAILED, UNRELIABLE
from .options import (
    certify_arguments,
    certify_of,
    print_answer,
    print_json,
    print_note,
    request_of,
    settings_argument,
)

EXAMPLES = """examples:
  immunesim explain acute_infection --of IL-2
  immunesim explain il2_therapy --of tumour --against untreated --out why
  immunesim explain transient_stop --of T_self --against healthy
  immunesim explain acute_infection --of pathogen --knockout IL2
  immunesim explain vaccination --of antibody --at '12 d' --at '70 d'

Gain and loss are net effects against rest: what is made and lost in equal parts there moves nothing, so that only more
or less of it is named. That less is made or lost because there is less of a species is no cause: such a phase is
compared with its start, or told by all that is made and lost.
Turning points and arms are compared at the same level of the curve: which rates would differ if there were equally
much of it. The strength of a feedback loop is the percentage of a disturbance that is fed back; its delay is the one
at which the curve of the last species best follows that of the first in this run, if there is a clear one."""


def arguments(command: argparse.ArgumentParser) -> None:
    """Adds the options of the command."""
    text = "a scenario file, or the name of a bundled scenario"
    command.add_argument("scenario", metavar="SCENARIO", help=text)
    command.add_argument("--of", required=True, metavar="NAME", help="the species or observable to explain")
    text = "also print gain and loss at this time, such as '3 d'; may be repeated"
    command.add_argument("--at", action="append", default=[], metavar="TIME", help=text)
    command.add_argument("--arm", metavar="ARM", help="the arm to explain (default: main)")
    command.add_argument("--against", metavar="ARM", help="another arm to compare with: what differs, and why")
    settings_argument(command)
    certify_arguments(command)
    text = "new output directory for the figure (svg, png), the rates (csv) and everything else (json)"
    command.add_argument("--out", metavar="DIR", help=text)
    command.add_argument("--force", action="store_true", help="replace DIR if it holds an earlier explanation")


def execute(options: argparse.Namespace) -> int:
    """Runs the command; returns its exit code."""
    from ..experiments.explanation.explain import NoStepsError
    from ..tasks.explain import ExplainRequest, explain

    request = ExplainRequest(
        request_of(options.scenario, options),
        options.of,
        options.arm,
        options.against,
        at=tuple(options.at),
        out=Path(options.out) if options.out else None,
        force=options.force,
        certify=certify_of(options),
    )
    try:
        found = explain(request, print_note)
    except NoStepsError as error:
        if options.json:
            print_json({"ok": False, "faults": [{"message": str(error)}]})
        print(f"error: {error}", file=sys.stderr)
        return SOLVER_FAILED
    for name, arm in found.result.arms.items():
        outcome = arm.trajectory.outcome
        if not outcome.ok:
            print(f"arm {name} failed: {outcome.message}; explained up to that time", file=sys.stderr)
    print_json(found.document) if options.json else print_answer(found)
    if not found.result.ok:
        return SOLVER_FAILED
    return UNRELIABLE if found.unreliable and not options.accept_unreliable else DONE
