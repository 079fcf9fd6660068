"""The command line: words become one call, and the call an exit code.

0 done; 1 done, but a simulation failed or an expectation was missed; 2 usage; 3 a file is
wrong; 4 the solver failed; 5 an optional package is missing; 130 interrupted.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

DONE, MISSED, USAGE, BAD_FILE, SOLVER_FAILED, NO_PACKAGE, INTERRUPTED = 0, 1, 2, 3, 4, 5, 130

EXAMPLES = {
    "": """examples:
  immunesim run il2_therapy --out out
  immunesim check my_scenario.toml
  immunesim describe IL2""",
    "run": """examples:
  immunesim run scenarios/il2_therapy.toml --out out
  immunesim run acute_infection --set 'stop_sensitivity=0.5' --no-plots
  immunesim run il2_therapy --arm main --set 'dose.first cycle.amount=100000 IU/kg'""",
    "sweep": """examples:
  immunesim sweep acute_infection --vary 'stop_sensitivity=0.1:1:25:log' --measure 'max(pathogen)' --out stop
  immunesim sweep il2_therapy --vary 'tumour_antigenicity=0.1:10:25:log' --keep tumour --dry-run
  immunesim sweep il2_therapy --vary 'body_weight=50 kg:110 kg' --vary IL1_block --sample lhs:1000 --seed 1
  immunesim sweep my_sweep.toml --shard 3/16 --out part-3
  immunesim sweep my_sweep.toml --merge part-* --out whole""",
    "check": """examples:
  immunesim check scenarios/*.toml
  immunesim check my_model.toml my_scenario.toml --json""",
    "list": """examples:
  immunesim list
  immunesim list --json""",
    "show": """examples:
  immunesim show il2_therapy
  immunesim show il2_therapy --set 'body_weight=90 kg'""",
    "describe": """examples:
  immunesim describe
  immunesim describe IL-2
  immunesim describe T_division --model immune
  immunesim describe allergy
  immunesim describe --assumed stop_signal""",
    "compare": """examples:
  immunesim compare acute_infection stop_signal_missing
  immunesim compare il2_therapy low_dose_il2 --of T_regulatory --out compared""",
    "evidence": """examples:
  immunesim evidence
  immunesim evidence il2_therapy --json""",
    "influence": """examples:
  immunesim influence acute_infection
  immunesim influence --out influence.json""",
    "export": """examples:
  immunesim export il2_therapy --to sbml
  immunesim export il2_therapy --to sbml --arm half_dose --out half_dose.xml
  immunesim export acute_infection --to sbml --set 'stop_sensitivity=0.5'""",
    "replay": """examples:
  immunesim replay out
  immunesim replay out --json""",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    if arguments is None:
        gc.disable()  # most commands are short, and imports make no rubbish: a twentieth of a run, cold
    words = sys.argv[1:] if arguments is None else list(arguments)
    options = _parser(words).parse_args(words)
    if options.version:
        from importlib.metadata import PackageNotFoundError, version

        try:
            print(f"immunesim {version('immunesim')}")
        except PackageNotFoundError:
            print("immunesim, from a checkout that is not installed")
        return DONE
    if options.command is None:
        _parser(words).print_help()
        return USAGE
    options.words = words
    try:
        code = _run_command(options)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        print("interrupted; what was finished is kept", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except OSError as error:  # of a file, or, without a name, of a full disk behind stdout
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        print(f"error: {error.filename or 'the answer cannot be written'}: {error.strerror}", file=sys.stderr)
        return BAD_FILE
    except ModuleNotFoundError as error:
        print(f"the package '{error.name}' is missing: pip install {error.name}", file=sys.stderr)
        return NO_PACKAGE


def _run_command(options: argparse.Namespace) -> int:
    from .io.folder import OutputError
    from .io.toml_source import COMMAND_LINE, FileError

    command = globals()[f"_{options.command}"]
    try:
        return int(command(options))
    except FileError as error:
        for fault in error.faults:
            print(f"error: {fault}", file=sys.stderr)
        if options.json:
            _print_json({"ok": False, "faults": [fault._asdict() for fault in error.faults]})
        return USAGE if all(fault.file == COMMAND_LINE for fault in error.faults) else BAD_FILE
    except OutputError as error:
        print(f"error: {error}", file=sys.stderr)
        if options.json:
            _print_json({"ok": False, "faults": [{"message": str(error)}]})
        return BAD_FILE


class _Help(argparse.RawDescriptionHelpFormatter):
    """Examples as they are, and a column that the longest command fits in."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog)
        self._action_max_length = 13  # before Python 3.12 the indent of commands is forgotten


class _Parser(argparse.ArgumentParser):
    """Usage errors name the nearest command or option."""

    def error(self, message: str) -> Any:
        if "COMMAND: invalid choice" in message:
            from .model.expression import nearest

            word = message.split("invalid choice: ")[1].split(" ")[0].strip("'")
            message = f"no command '{word}'{nearest(word, list(EXAMPLES)[1:])}"
        super().error(message)


def _parser(words: Sequence[str]) -> argparse.ArgumentParser:
    """The parser of all commands, or, which is quicker, of the one that `words` begin with."""
    parser = _Parser(
        prog="immunesim",
        description="Simulates macrophages, T cells and B cells driven by IL-1, IL-2, IL-3 and IL-4.",
        epilog=EXAMPLES[""],
        formatter_class=_Help,
    )
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=_Parser)
    for name in [words[0]] if words and words[0] in COMMANDS else COMMANDS:
        help, add_arguments = COMMANDS[name]
        command = commands.add_parser(
            name,
            help=help,
            description=help[0].upper() + help[1:] + ".",
            epilog=EXAMPLES[name],
            formatter_class=_Help,
        )
        command.add_argument("--json", action="store_true", help="one JSON document on stdout, and nothing else there")
        add_arguments(command)
    return parser


def _run_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("scenarios", nargs="+", metavar="SCENARIO", help="a scenario file, or the name of one of ours")
    command.add_argument("--out", metavar="DIR", help="new folder for the results (default: results/SCENARIO)")
    command.add_argument("--force", action="store_true", help="replace DIR if it holds an earlier run and nothing else")
    _settings_argument(command)
    command.add_argument("--arm", action="append", metavar="NAME", help="only this arm; may be repeated")
    command.add_argument("--no-plots", action="store_true", help="no figures")
    certify = command.add_mutually_exclusive_group()
    text = "check the digits with a second solver, however long it takes"
    certify.add_argument("--certify", dest="certify", action="store_true", default=None, help=text)
    text = "never check them (default: where it takes under a second an arm)"
    certify.add_argument("--no-certify", dest="certify", action="store_false", help=text)


def _settings_argument(command: argparse.ArgumentParser) -> None:
    text = "a parameter, initial.SPECIES, dose.NAME.KEY, time.end or time.every; may be repeated"
    command.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help=text)


def _sweep_arguments(command: argparse.ArgumentParser) -> None:
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
    _settings_argument(command)
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


def _check_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("files", nargs="+", metavar="FILE")


def _list_arguments(command: argparse.ArgumentParser) -> None:
    pass


def _show_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("scenario", metavar="SCENARIO")
    _settings_argument(command)


def _describe_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("name", nargs="?", metavar="NAME")
    command.add_argument("--model", default="immune", help="a model's name or file (default: immune)")
    text = "list the parameters that are assumptions, and the expectations that they can break"
    command.add_argument("--assumed", action="store_true", help=text)


def _compare_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("scenarios", nargs="+", metavar="SCENARIO")
    text = "a species or observable (default: what the scenarios show)"
    command.add_argument("--of", action="append", metavar="NAME", help=text)
    command.add_argument("--out", metavar="DIR", help="new folder for the table and the figures")
    command.add_argument("--force", action="store_true", help="replace DIR if it holds an earlier comparison")


def _evidence_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("scenarios", nargs="*", metavar="SCENARIO", help="default: all that come with the simulator")
    command.add_argument("--out", metavar="DIR", help="write evidence.csv and evidence.json there too")


def _influence_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("scenarios", nargs="*", metavar="SCENARIO", help="default: all, which takes many minutes")
    command.add_argument("--out", metavar="FILE", help="write the answer there as JSON too")


def _export_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("scenario", metavar="SCENARIO")
    text = "the format: sbml is Level 3 Version 2, with units, sources, and doses as events"
    command.add_argument("--to", required=True, choices=["sbml"], help=text)
    command.add_argument("--arm", default="main", metavar="NAME", help="which arm (default: main)")
    _settings_argument(command)
    command.add_argument("--out", metavar="FILE", help="the file to write (default: SCENARIO.xml)")
    command.add_argument("--force", action="store_true", help="replace FILE")


def _replay_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("folder", metavar="RUN_DIR")


COMMANDS = {
    "run": ("simulate scenarios and write their tables and figures", _run_arguments),
    "sweep": ("simulate many members of a scenario, and go on where it was interrupted", _sweep_arguments),
    "check": ("find all faults of scenario and model files, without simulating", _check_arguments),
    "list": ("list scenarios, with the question of each, and models", _list_arguments),
    "show": ("print a scenario with every default, and where each value came from", _show_arguments),
    "describe": ("explain a model, a species, parameter, reaction, module or source", _describe_arguments),
    "compare": ("put the curves of scenarios side by side, with a table of measures", _compare_arguments),
    "evidence": ("hold every expectation against the simulation", _evidence_arguments),
    "influence": ("turn each parameter and say which expectations fail", _influence_arguments),
    "export": ("write an arm of a scenario for other simulators", _export_arguments),
    "replay": ("run a results folder again and say whether the numbers match", _replay_arguments),
}


def _settings(options: argparse.Namespace) -> dict[str, str]:
    from .io.toml_source import COMMAND_LINE, FileError, FileFault

    settings = {}
    for text in options.set:
        name, sign, value = text.partition("=")
        if not sign:
            raise FileError([FileFault(COMMAND_LINE, 0, "expected NAME=VALUE", f"--set {text}")])
        settings[name.strip()] = value.strip()
    return settings


def _print_json(document: object) -> None:
    import json

    print(json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False))


def _run(options: argparse.Namespace) -> int:
    from .experiments.run import run
    from .io import folder, report, results
    from .io.notes import notes
    from .io.scenario_file import find_scenario, read_scenario

    settings = _settings(options)
    scenarios = [read_scenario(find_scenario(word), settings) for word in options.scenarios]
    for scenario in scenarios:
        report.check_arms(scenario, options.arm)
        for note in notes(scenario, list(settings)):
            print(f"note: {note}", file=sys.stderr)
    draw = None if options.no_plots else _draw()
    summaries, code = [], DONE
    for scenario in scenarios:
        target = Path(options.out) if options.out else folder.free_folder(Path("results") / scenario.id)
        if options.out and len(scenarios) > 1:
            target = target / scenario.id
        folder.check_folder(target, options.force)
        result = run(scenario, options.certify, options.arm)
        summary = results.write(result, target, options.words, options.force, draw)
        summaries.append(summary)
        if not options.json:
            print(report.run_text(result, target))
        if result.interrupted:
            print("interrupted; the arms that were finished are kept", file=sys.stderr)
            return INTERRUPTED
        if not result.ok:
            code = SOLVER_FAILED
        elif code == DONE and not all(verdict.holds for verdict in result.verdicts):
            code = MISSED
    if options.json:
        _print_json(summaries[0] if len(summaries) == 1 else summaries)
    return code


def _draw() -> Any:
    from .io.plots import draw

    return draw


def _sweep(options: argparse.Namespace) -> int:
    from .experiments.workers import WorkersError
    from .io import sweep_text
    from .io.interrupt import Stop
    from .io.notes import notes
    from .io.sweep_run import estimate, sweep

    gc.enable()  # a sweep is long
    scenario, work = _sweep_asked(options)
    for note in (*notes(scenario, list(_settings(options))), *sweep_text.faster()):
        print(f"note: {note}", file=sys.stderr)
    if options.dry_run:
        found = estimate(scenario, work)
        shown = sweep_text.estimate_json(found, work), sweep_text.estimate_text(found, work, scenario)
        _print_json(shown[0]) if options.json else print(shown[1])
        return DONE
    summaries: list[dict[str, Any]] = []
    try:
        with Stop() as stop:
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
    _print_json(summaries[0]) if options.json else print(sweep_text.sweep_text(done, work))
    if done.missing:
        print(sweep_text.go_on_text(done, work, options.words), file=sys.stderr)
    return INTERRUPTED if done.interrupted else MISSED if done.failed or done.missing else DONE


def _sweep_asked(options: argparse.Namespace) -> Any:
    """The scenario with its sweep, and how it is to be done."""
    from .io.scenario_file import find_scenario, read_scenario
    from .io.sweep_run import Work
    from .io.sweep_settings import SweepWords
    from .io.sweep_text import default_folder, read_shard
    from .io.toml_source import COMMAND_LINE, FileError, FileFault

    words = SweepWords(
        vary=tuple(options.vary),
        sample=options.sample,
        measures=tuple(options.measure),
        seed=options.seed,
        keep=tuple(options.keep),
        arms=tuple(options.arm),
        members=options.members,
    )
    scenario = read_scenario(find_scenario(options.scenario), _settings(options), words)
    if scenario.sweep is None:
        message = f"nothing varies in {scenario.id}: it has no [sweep], and no --vary says what shall"
        raise FileError([FileFault(COMMAND_LINE, 0, message, "")])
    if options.merge and options.dry_run:
        message = "--merge computes nothing that could be estimated: leave out --dry-run"
        raise FileError([FileFault(COMMAND_LINE, 0, message, "--merge --dry-run")])
    shard = read_shard(options.shard)
    folder = Path(options.out) if options.out else default_folder(scenario, shard)
    draw = None if options.no_plots else _draw_sweep()
    merge = tuple(map(Path, options.merge))
    return scenario, Work(folder, options.workers, options.dask, shard, merge, options.parquet, draw)


def _draw_sweep() -> Any:
    from importlib import import_module

    try:
        return import_module(".io.sweep_plots", __package__).draw
    except ModuleNotFoundError:
        return None


def _check(options: argparse.Namespace) -> int:
    from .io.check import check_file
    from .io.toml_source import FileError

    faults, lines = [], []
    for word in options.files:
        try:
            lines.append(f"{word}: {check_file(word)}")
        except FileError as error:
            faults += [fault for fault in error.faults if fault not in faults]
    if options.json:
        _print_json({"ok": not faults, "faults": [fault._asdict() for fault in faults]})
    else:
        print("\n".join(lines)) if lines else None
        for fault in faults:
            print(f"error: {fault}", file=sys.stderr)
    return BAD_FILE if faults else DONE


def _list(options: argparse.Namespace) -> int:
    from .io.catalogue import catalogue

    found = catalogue()
    if options.json:
        _print_json(found)
        return DONE
    for kind, rows in found.items():
        print(f"{kind}:")
        width = max(len(row["name"]) for row in rows)
        for row in rows:
            print(f"  {row['name']:{width}}  {row.get('title', '')}")
            if "question" in row:
                print(f"  {'':{width}}  {row['question']}")
    return DONE


def _show(options: argparse.Namespace) -> int:
    from .io.describe import show_text
    from .io.scenario_file import find_scenario, read_scenario

    scenario = read_scenario(find_scenario(options.scenario), _settings(options))
    if options.json:
        origins = {".".join(map(str, path)): where for path, where in scenario.origins.items()}
        _print_json({"scenario": scenario.document, "origins": origins})
    else:
        print(show_text(scenario))
    return DONE


def _describe(options: argparse.Namespace) -> int:
    from .io.catalogue import builtin_models
    from .io.describe import describe, describe_text
    from .io.model_file import find_model, read_model
    from .io.toml_source import COMMAND_LINE, FileError, FileFault

    if options.name in builtin_models():
        options.model, options.name = options.name, None
    path = find_model(options.model, Path.cwd())
    if path is None:
        raise FileError([FileFault(COMMAND_LINE, 0, f"no model '{options.model}'", f"--model {options.model}")])
    model = read_model(path)
    if options.assumed:
        from .io.influence import assumed, assumed_text

        found = assumed(model, options.name)
        _print_json(found) if options.json else print(assumed_text(model, options.name))
    elif options.json:
        _print_json(describe(model, options.name))
    else:
        print(describe_text(model, options.name))
    return DONE


def _compare(options: argparse.Namespace) -> int:
    from .experiments.run import run
    from .io import compare, folder
    from .io.scenario_file import find_scenario, read_scenario

    scenarios = [read_scenario(find_scenario(word)) for word in options.scenarios]
    names = compare.shared_names(scenarios, options.of)
    if options.out:
        folder.check_folder(Path(options.out), options.force)
    runs = [run(scenario, certify=False) for scenario in scenarios]
    table = compare.table(runs, names)
    if options.out:
        compare.write(runs, names, table, Path(options.out), options.force)
    _print_json(table) if options.json else print(compare.text(table))
    return DONE if all(result.ok for result in runs) else MISSED


def _evidence(options: argparse.Namespace) -> int:
    from .io import evidence
    from .io.catalogue import builtin_scenarios
    from .io.folder import make_folder
    from .io.scenario_file import find_scenario

    paths = [find_scenario(word) for word in options.scenarios] or list(builtin_scenarios().values())
    if options.out:
        make_folder(Path(options.out))
    rows = evidence.collect(paths)
    if options.out:
        evidence.write(rows, Path(options.out))
    _print_json(rows) if options.json else print(evidence.text(rows))
    return DONE if evidence.holds(rows) else MISSED


def _influence(options: argparse.Namespace) -> int:
    from .io import influence
    from .io.catalogue import builtin_scenarios
    from .io.folder import OutputError, make_folder
    from .io.scenario_file import find_scenario, read_scenario

    paths = [find_scenario(word) for word in options.scenarios] or list(builtin_scenarios().values())
    for path in paths:
        read_scenario(path)  # what is wrong with a file is said before minutes are spent
    if options.out:
        make_folder(Path(options.out).absolute().parent)
        if Path(options.out).is_dir():
            raise OutputError(f"{options.out} is a folder; --out names a file here")
    found = influence.collect(paths, lambda line: print(line, file=sys.stderr))
    if options.out:
        influence.write(found, Path(options.out))
    _print_json(found) if options.json else print(influence.text(found))
    return DONE


def _export(options: argparse.Namespace) -> int:
    from .io import folder, report
    from .io.scenario_file import find_scenario, read_scenario

    scenario = read_scenario(find_scenario(options.scenario), _settings(options))
    report.check_arms(scenario, [options.arm])
    target = Path(options.out or f"{scenario.id}.xml")
    folder.check_file(target, options.force)
    from .io.sbml import sbml_text  # last, so that a fault of the words is said without libSBML

    folder.write_text(target, sbml_text(scenario, options.arm))
    if options.json:
        _print_json({"scenario": scenario.id, "arm": options.arm, "format": options.to, "file": str(target)})
    else:
        print(f"{scenario.id}, arm {options.arm}: {target}")
    return DONE


def _replay(options: argparse.Namespace) -> int:
    from .io.replay import replay, replay_text

    found = replay(Path(options.folder))
    _print_json(found) if options.json else print(replay_text(found))
    return DONE if found["match"] else MISSED
