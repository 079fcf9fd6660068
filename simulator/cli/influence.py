"""`influence`: which expectations a parameter can break."""

from __future__ import annotations

import argparse
from pathlib import Path

from .options import print_json
from .program import DONE

EXAMPLES = """examples:
  immunesim influence acute_infection
  immunesim influence --out influence.json"""


def arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("scenarios", nargs="*", metavar="SCENARIO", help="default: all, which takes many minutes")
    command.add_argument("--out", metavar="FILE", help="write the answer there as JSON too")


def execute(options: argparse.Namespace) -> int:
    from ..files.results.folder import make_folder
    from ..files.toml.catalogue import builtin_scenarios
    from ..files.toml.scenario_file import find_scenario, read_scenario
    from ..runtime.errors import OutputError
    from ..tasks import influence

    paths = [find_scenario(word) for word in options.scenarios] or list(builtin_scenarios().values())
    for path in paths:
        read_scenario(path)  # what is wrong with a file is said before minutes are spent
    if options.out:
        make_folder(Path(options.out).absolute().parent)
        if Path(options.out).is_dir():
            raise OutputError(f"{options.out} is a folder; --out names a file here")
    found = influence.collect(paths)
    if options.out:
        influence.write(found, Path(options.out))
    print_json(found) if options.json else print(influence.text(found))
    return DONE
