"""`check`: all faults of files."""

from __future__ import annotations

import argparse
import sys

from .options import print_json
from .program import BAD_FILE, DONE

EXAMPLES = """examples:
  immunesim check scenarios/*.toml
  immunesim check my_model.toml my_scenario.toml --json"""


def arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("files", nargs="+", metavar="FILE")


def execute(options: argparse.Namespace) -> int:
    from ..runtime.errors import InputError
    from ..tasks.check import check_file

    faults, lines = [], []
    for word in options.files:
        try:
            lines.append(f"{word}: {check_file(word)}")
        except InputError as error:
            faults += [fault for fault in error.faults if fault not in faults]
    if options.json:
        print_json({"ok": not faults, "faults": [fault._asdict() for fault in faults]})
    else:
        print("\n".join(lines)) if lines else None
        for fault in faults:
            print(f"error: {fault}", file=sys.stderr)
    return BAD_FILE if faults else DONE
