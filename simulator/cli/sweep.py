"""`sweep`: many members of a scenario."""

from __future__ import annotations

import argparse
import gc
import sys
from pathlib import Path
from typing import Any

from .options import interventions_of, print_json, scenario_of, settings_argument
from .program import DONE, INTERRUPTED, MISSED, SOLVER_FAILED

EXAMPLES = """examples:
  immunesim sweep acute_infection --vary 'stop_sensitivity=0.1:1:25:log' --measure 'max(pathogen)' --out stop
  immunesim sweep il2_therapy --vary 'tumour_antigenicity=0.1:10:25:log' --keep tumour --dry-run
  immunesim sweep il2_therapy --vary 'body_weight=50 kg:110 kg' --vary IL1_block --sample lhs:1000 --seed 1
  immunesim sweep my_sweep.toml --shard 3/16 --out part-3
  immunesim sweep my_sweep.toml --merge part-* --out whole"""


def arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("scenario", metavar="SCENARIO", help="a scenario file, or the name of one of ours")
    text = """what varies, values with their units, on a grid if --sample says nothing else: NAME=FROM:TO:COUNT[:log] or
        NAME=V1,V2 (grid, zip), NAME=FROM:TO[:log] (lhs, sobol, random, one_at_a_time; a grid of 11), NAME (over its
        range); may be repeated"""
    command.add_argument("--vary", action="append", default=[], metavar="NAME[=VALUES]", help=text)
    text = """how members are drawn: grid, zip, one_at_a_time, lhs:1000, sobol:1024, random:1000; a larger lhs moves
        every member, the others keep those that are stored"""
    command.add_argument("--sample", metavar="HOW[:COUNT]", help=text)
    command.add_argument("--members", metavar="FILE", help="a CSV with a row per member and a column per axis")
    command.add_argument("--seed", type=int, metavar="N", help="of what is drawn")
    text = "a formula as in [[expect]], measured on every member; may be repeated"
    command.add_argument("--measure", action="append", default=[], metavar="FORMULA", help=text)
    text = "keep the curves of this species or observable; may be repeated"
    command.add_argument("--keep", action="append", default=[], metavar="NAME", help=text)
    text = "measure with this arm in place of the main one; may be repeated"
    command.add_argument("--arm", action="append", default=[], metavar="NAME", help=text)
    settings_argument(command)
    text = "folder of the sweep; what it holds already is not computed again (default: results/SCENARIO-sweep)"
    command.add_argument("--out", metavar="DIR", help=text)
    where = command.add_mutually_exclusive_group()
    where.add_argument(
        "--workers", type=_positive, default=0, metavar="N", help="threads or processes (default: one for each core)"
    )
    where.add_argument("--dask", metavar="ADDRESS", help="a Dask scheduler, or 'local' for a cluster on this machine")
    which = command.add_mutually_exclusive_group()
    which.add_argument("--shard", metavar="I/N", help="the members of the I-th of N jobs alone")
    text = "take over the members of these folders, and compute nothing"
    which.add_argument("--merge", nargs="+", default=[], metavar="DIR", help=text)
    command.add_argument("--dry-run", action="store_true", help="say how many members, how long and how large")
    command.add_argument("--parquet", action="store_true", help="write members.parquet too")
    command.add_argument("--no-plots", action="store_true", help="no figures")


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"a number of 1 or more, found '{text}'")
    return int(text)


def execute(options: argparse.Namespace) -> int:
    from ..experiments.sweeps.workers import WorkersError
    from ..runtime.interrupt import Stop
    from ..tasks.sweep import estimate, sweep
    from ..views.text import sweep as sweep_text
    from ..views.text.notes import notes

    gc.enable()  # a sweep is long
    scenario, work = _sweep_asked(options)
    for note in (*notes(scenario, interventions_of(options)), *sweep_text.faster()):
        print(f"note: {note}", file=sys.stderr)
    if options.dry_run:
        found = estimate(scenario, work)
        shown = sweep_text.estimate_json(found, work), sweep_text.estimate_text(found, work, scenario)
        print_json(shown[0]) if options.json else print(shown[1])
        return DONE
    summaries: list[dict[str, Any]] = []
    try:
        with Stop("stopping: what is done is kept, and its tables are written") as stop:
            done = sweep(
                scenario,
                work,
                stop,
                finish=lambda done: summaries.append(sweep_text.write_summary(done, work, options.words)),
            )
    except WorkersError as error:
        print(f"error: {error}", file=sys.stderr)
        return SOLVER_FAILED
    for line in sweep_text.damaged_text(done, work):
        print(f"note: {line}", file=sys.stderr)
    print_json(summaries[0]) if options.json else print(sweep_text.sweep_text(done, work))
    if done.missing:
        print(sweep_text.go_on_text(done, work, options.words), file=sys.stderr)
    return INTERRUPTED if done.interrupted else MISSED if done.failed or done.missing else DONE


def _sweep_asked(options: argparse.Namespace) -> Any:
    """The scenario with its sweep, and how it is to be done."""
    from ..experiments.sweeps.job import Work
    from ..files.toml.overrides import SweepOptions
    from ..runtime.errors import InputError, request_fault
    from ..views.text.sweep import default_folder, read_shard

    words = SweepOptions(
        vary=tuple(options.vary),
        sample=options.sample,
        measures=tuple(options.measure),
        seed=options.seed,
        keep=tuple(options.keep),
        arms=tuple(options.arm),
        members=options.members,
    )
    scenario = scenario_of(options.scenario, options, words)
    if scenario.sweep is None:
        message = f"nothing varies in {scenario.id}: it has no [sweep], and no --vary says what shall"
        raise InputError([request_fault(message, "")])
    if options.merge and options.dry_run:
        message = "--merge computes nothing that could be estimated: leave out --dry-run"
        raise InputError([request_fault(message, "--merge --dry-run")])
    shard = read_shard(options.shard)
    folder = Path(options.out) if options.out else default_folder(scenario, shard)
    draw = None if options.no_plots else _draw_sweep()
    merge = tuple(map(Path, options.merge))
    return scenario, Work(folder, options.workers, options.dask, shard, merge, options.parquet, draw)


def _draw_sweep() -> Any:
    from importlib import import_module

    try:
        return import_module("..views.figures.sweep.choose", __package__).draw
    except ModuleNotFoundError:
        return None
