"""`sweep`: many members of a scenario."""

from __future__ import annotations

import argparse
import gc
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ..runtime.exit_codes import DONE, INTERRUPTED, MISSED, SOLVER_FAILED, UNRELIABLE
from .options import (
    accept_argument,
    figure_arguments,
    figures_of,
    print_answer,
    print_json,
    print_note,
    request_of,
    settings_argument,
)

if TYPE_CHECKING:  # `--help` must not wait for NumPy
    from ..tasks.sweep_request import SweepRequest

EXAMPLES = """examples:
  immunesim sweep acute_infection --vary 'stop_sensitivity=0.1:1:25:log' --measure 'max(pathogen)' --out stop
  immunesim sweep il2_therapy --vary 'tumour_antigenicity=0.1:10:25:log' --keep tumour --dry-run
  immunesim sweep il2_therapy --vary 'body_weight=50 kg:110 kg' --vary IL1_block --sample lhs:1000 --seed 1
  immunesim sweep friberg --vary MTT --vary 'gamma=0.1:0.3' --sample saltelli:512 --measure 'min(circulating)'
  immunesim sweep stop_signal_and_antigen --report --slides --out map
  immunesim sweep endotoxin --population adults:300 --measure 'max(temperature)' --out people
  immunesim sweep my_sweep.toml --shard 3/16 --out part-3
  immunesim sweep my_sweep.toml --merge part-* --out whole"""

KEPT = "the members that were stored are kept"  # after a second Ctrl-C


def arguments(command: argparse.ArgumentParser) -> None:
    """Adds the options of `sweep`."""
    command.add_argument("scenario", metavar="SCENARIO", help="a scenario file, or the name of a bundled scenario")
    text = """what varies, values with their units: NAME=FROM:TO:COUNT[:log] or NAME=V1,V2 (grid, zip),
        NAME=FROM:TO[:log] (the other samples; a grid of 11 points), NAME (over its range); may be
        repeated"""
    command.add_argument("--vary", action="append", default=[], metavar="NAME[=VALUES]", help=text)
    text = """how members are drawn: grid (default), zip, one_at_a_time, lhs:1000, sobol:1024, random:1000; for
        sensitivities with intervals morris:TRAJECTORIES, saltelli:POINTS (Sobol indices), both by the package SALib, or
        local; a larger lhs or morris changes every member, a larger sobol, saltelli or random sample keeps those that
        are stored"""
    command.add_argument("--sample", metavar="HOW[:COUNT]", help=text)
    command.add_argument(
        "--members", metavar="FILE", help="a CSV file with a row for each member and a column for each axis"
    )
    text = "people of a population by its name, such as adults:300, or FILE.toml:COUNT"
    command.add_argument("--population", metavar="NAME:COUNT", help=text)
    command.add_argument("--seed", type=int, metavar="N", help="seed of the random numbers")
    text = "a formula as in [[expect]], measured on every member; may be repeated"
    command.add_argument("--measure", action="append", default=[], metavar="FORMULA", help=text)
    text = "keep the curves of this species or observable; may be repeated"
    command.add_argument("--keep", action="append", default=[], metavar="NAME", help=text)
    text = "measure this arm instead of the main one; may be repeated"
    command.add_argument("--arm", action="append", default=[], metavar="NAME", help=text)
    settings_argument(command)
    text = "folder of the sweep; what it holds already is not computed again (default: results/SCENARIO-sweep)"
    command.add_argument("--out", metavar="DIR", help=text)
    certify = command.add_mutually_exclusive_group()
    text = "which members are computed again to find their digits: some (default: sixteen or more), or all"
    certify.add_argument("--certify", choices=["some", "all"], default="some", metavar="WHICH", help=text)
    certify.add_argument("--no-certify", dest="certify", action="store_const", const="off", help="none of them")
    accept_argument(command)
    where = command.add_mutually_exclusive_group()
    where.add_argument(
        "--workers", type=_positive, default=0, metavar="N", help="threads or processes (default: one for each core)"
    )
    where.add_argument("--dask", metavar="ADDRESS", help="a Dask scheduler, or 'local' for a cluster on this machine")
    which = command.add_mutually_exclusive_group()
    which.add_argument("--shard", metavar="I/N", help="only the members of the I-th of N jobs")
    text = "take over the members of these folders, and compute nothing"
    which.add_argument("--merge", nargs="+", default=[], metavar="DIR", help=text)
    command.add_argument(
        "--dry-run",
        action="store_true",
        help="only print how many members there are, how long they take and how large they are",
    )
    command.add_argument("--parquet", action="store_true", help="write members.parquet too")
    command.add_argument("--no-plots", action="store_true", help="no figures")
    figure_arguments(command)
    text = "also one page, DIR/report.html: question, what was found, figures, ranked tables and the certificate"
    command.add_argument("--report", action="store_true", help=text)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"a number of 1 or more, found '{text}'")
    return int(text)


def execute(options: argparse.Namespace) -> int:
    """Runs the command and returns its exit code."""
    from ..experiments.sweeps.workers import WorkersError
    from ..runtime.interrupt import Stop
    from ..tasks.sweep import sweep
    from ..tasks.sweep_estimate import estimate
    from ..views.text.commands import sweep as sweep_text

    gc.enable()  # turned off for short commands; a sweep is long
    request = _request(options)
    if options.dry_run:
        found = estimate(request, print_note)
        print_json(sweep_text.estimate_json(found)) if options.json else print(sweep_text.estimate_text(found))
        return DONE
    try:
        with Stop("stopping: what is done is kept, and its tables are written") as stop:
            output = sweep(request, print_note, stop)
    except WorkersError as error:
        print(f"error: {error}", file=sys.stderr)
        return SOLVER_FAILED
    outcome = output.outcome
    for note in sweep_text.damage_notes(outcome):
        print_note(note)
    print_json(output.summary) if options.json else print_answer(output)
    if outcome.missing and outcome.folder is not None:
        print(sweep_text.resume_text(outcome, outcome.folder, options.argv), file=sys.stderr)
    if outcome.interrupted:
        return INTERRUPTED
    if outcome.reliable is False and not options.accept_unreliable:
        return UNRELIABLE
    return DONE if outcome.ok else MISSED


def _request(options: argparse.Namespace) -> SweepRequest:
    from ..experiments.sweeps.certificate import CertifyMembers
    from ..files.results.sweep_folder import default_folder
    from ..files.toml.overrides import SweepOptions
    from ..tasks.sweep_request import SweepRequest, parse_shard

    sweep_options = SweepOptions(
        vary=tuple(options.vary),
        sample=options.sample,
        measures=tuple(options.measure),
        seed=options.seed,
        keep=tuple(options.keep),
        arms=tuple(options.arm),
        members=options.members,
        population=options.population,
    )
    scenario, shard = request_of(options.scenario, options), parse_shard(options.shard)
    return SweepRequest(
        scenario,
        sweep_options,
        out=Path(options.out) if options.out else default_folder(scenario.id, shard),
        workers=options.workers,
        dask=options.dask,
        shard=shard,
        merge=tuple(map(Path, options.merge)),
        parquet=options.parquet,
        figures=None if options.no_plots else figures_of(options),
        report=options.report,
        command=tuple(options.argv),
        certify=CertifyMembers(options.certify),
    )
