"""`fit`: the values of a scenario that meet its data best."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..runtime.exit_codes import DONE, INTERRUPTED, SOLVER_FAILED
from .options import (
    figure_arguments,
    figures_of,
    print_answer,
    print_json,
    print_note,
    request_of,
    settings_argument,
)

EXAMPLES = """examples:
  immunesim fit my_scenario.toml --out fitted --profile
  immunesim fit my_scenario.toml --starts 100 --bootstrap 200 --json
  immunesim run fitted/fitted.toml

What is estimated stands in the scenario, beside its [[data]]:
  [[fit.estimate]]
  parameter = "k_clear"                  # or initial.SPECIES, or dose.NAME.KEY
  from = "0.05 1/h"                      # without from and to: the published range
  to = "5 1/h"
  scale = "log"                          # the default above zero; or linear
  prior = { value = "0.5 1/h", fold = 2 }   # optional: one SD as a factor; or sd = "0.1 1/h"

Starts are spread over the ranges (a Latin hypercube); from each, least squares within bounds (SciPy's trust region).
Those that come near the best fit go on at a tight tolerance. Derivatives are those of the solution as it is computed:
of members a little beside that take the same steps, through doses, lags, shares, lengths and rules.
Standard errors are those of the Jacobian; where no point of [[data]] has an error, errors follow from the residuals,
and intervals are Student's. --profile fits all others again while one value is held, which gives intervals that need
not be symmetric. --bootstrap draws data about the fit and fits them again. --posterior samples what data and priors
leave open; without a prior all of a range is as likely, on its scale. A mean of n with its SD weighs by its standard
error; where some points have errors, those without have no weight, which is said. Ctrl-C keeps the best so far."""
KEPT = "nothing was simulated yet, and nothing was written"


def arguments(command: argparse.ArgumentParser) -> None:
    """Adds the options of the command."""
    text = "a scenario file with [fit] and [[data]], or the name of a bundled scenario"
    command.add_argument("scenario", metavar="SCENARIO", help=text)
    text = "from how many places the best fit is searched (default: that of the file, or 20)"
    command.add_argument("--starts", type=int, metavar="N", help=text)
    text = "of the starts and of --bootstrap (default: that of the file, or 1)"
    command.add_argument("--seed", type=int, metavar="N", help=text)
    command.add_argument("--profile", action="store_true", help="profile likelihoods, and intervals from them")
    text = "intervals from N samples drawn about the fit"
    command.add_argument("--bootstrap", type=int, default=0, metavar="N", help=text)
    text = "samples of the posterior by emcee, of 32 walkers or more that take STEPS each (default: 1000)"
    command.add_argument("--posterior", nargs="?", type=int, const=1000, default=0, metavar="STEPS", help=text)
    settings_argument(command)
    text = "new output directory: fitted.toml, tables (csv), figures, and everything else (json)"
    command.add_argument("--out", metavar="DIR", help=text)
    command.add_argument("--force", action="store_true", help="replace DIR if it holds earlier output")
    command.add_argument("--no-plots", action="store_true", help="no figures")
    figure_arguments(command)


def execute(options: argparse.Namespace) -> int:
    """Runs the command; returns its exit code."""
    from ..experiments.fitting.fit import NothingSimulatedError
    from ..tasks.fit import FitRequest, fit

    request = FitRequest(
        request_of(options.scenario, options),
        options.starts,
        options.seed,
        options.profile,
        options.bootstrap,
        options.posterior,
        out=Path(options.out) if options.out else None,
        force=options.force,
        figures=None if options.no_plots else figures_of(options),
        command=tuple(options.argv),
    )
    try:
        found = fit(request, print_note)
    except NothingSimulatedError as error:
        message = f"no start could be simulated: {error}"
        print(f"error: {message}", file=sys.stderr)
        if options.json:
            print_json({"ok": False, "faults": [{"message": message}]})
        return SOLVER_FAILED
    print_json(found.document) if options.json else print_answer(found)
    return INTERRUPTED if found.result.interrupted else DONE
