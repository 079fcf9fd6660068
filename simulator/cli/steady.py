"""`steady`: where a scenario can rest."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..runtime.exit_codes import DONE, MISSED, SOLVER_FAILED
from .options import print_answer, print_json, print_note, request_of, settings_argument

EXAMPLES = """examples:
  immunesim steady baker --arm lasts
  immunesim steady baker --follow alpha2=1:30 --out branches
  immunesim steady stop_signal_missing --arm healthy --of T_self --of tissue_damage --out rest

Doses are left out, and with them what only they bring; parameters are those of the end of the run. States are looked
for from the start and the ends of all arms, and from random starts, by Newton's method and by letting go; there may be
others. A state is stable where every small disturbance fades: all eigenvalues of the exact Jacobian, conserved sums
apart, have negative real parts. The slowest of them gives the time of return.
--follow continues the states along a parameter, round folds, where two of them meet and vanish; at a Hopf point waves
begin or end; at a branch point two branches cross. It says where the state in which the arm rests is lost, what is
reached then, and how far the parameter must go back. Waves themselves are not followed."""


def arguments(command: argparse.ArgumentParser) -> None:
    """Adds the options of the command."""
    text = "a scenario file, or the name of a bundled scenario"
    command.add_argument("scenario", metavar="SCENARIO", help=text)
    command.add_argument("--arm", metavar="ARM", help="the arm whose parameters count (default: main)")
    text = "show this species or observable (default: those of the scenario's figures); may be repeated"
    command.add_argument("--of", action="append", default=[], metavar="NAME", help=text)
    text = "random states from which states are looked for (default: 24)"
    command.add_argument("--starts", type=int, default=24, metavar="N", help=text)
    text = "follow the states along a parameter, values with their units: NAME=FROM:TO, or NAME for its range"
    command.add_argument("--follow", metavar="NAME[=FROM:TO]", help=text)
    settings_argument(command)
    text = "files of the figure: of svg, png, pdf (default: svg,png)"
    command.add_argument("--format", metavar="FORMAT,...", default="svg,png", help=text)
    text = "new output directory for states and branches (csv), their figure, and everything else (json)"
    command.add_argument("--out", metavar="DIR", help=text)
    command.add_argument("--force", action="store_true", help="replace DIR if it holds earlier output")


def execute(options: argparse.Namespace) -> int:
    """Runs the command; returns its exit code."""
    from ..tasks.request import FigureOptions
    from ..tasks.steady import SteadyRequest, steady

    words = [word.strip().lower() for word in options.format.split(",")]
    request = SteadyRequest(
        request_of(options.scenario, options),
        options.arm,
        tuple(options.of),
        options.starts,
        options.follow,
        out=Path(options.out) if options.out else None,
        force=options.force,
        figures=FigureOptions(formats=tuple(dict.fromkeys(each for each in words if each))),
    )
    found = steady(request, print_note)
    print_json(found.document) if options.json else print_answer(found)
    if found.found.rest.failed:
        return SOLVER_FAILED
    return MISSED if found.found.failed else DONE
