"""`describe`: a model, or a name in it."""

from __future__ import annotations

import argparse
from pathlib import Path

from .exit_codes import DONE
from .words import print_json

EXAMPLES = """examples:
  immunesim describe
  immunesim describe IL-2
  immunesim describe T_division --model immune
  immunesim describe allergy
  immunesim describe --assumed stop_signal"""


def arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("name", nargs="?", metavar="NAME")
    command.add_argument("--model", default="immune", help="a model's name or file (default: immune)")
    text = "list the parameters that are assumptions, and the expectations that they can break"
    command.add_argument("--assumed", action="store_true", help=text)


def execute(options: argparse.Namespace) -> int:
    from ..io.catalogue import builtin_models
    from ..io.describe import describe, describe_text
    from ..io.model_file import find_model, read_model
    from ..io.toml_source import COMMAND_LINE, FileError, FileFault

    if options.name in builtin_models():
        options.model, options.name = options.name, None
    path = find_model(options.model, Path.cwd())
    if path is None:
        raise FileError([FileFault(COMMAND_LINE, 0, f"no model '{options.model}'", f"--model {options.model}")])
    model = read_model(path)
    if options.assumed:
        from ..io.influence import assumed, assumed_text

        found = assumed(model, options.name)
        print_json(found) if options.json else print(assumed_text(model, options.name))
    elif options.json:
        print_json(describe(model, options.name))
    else:
        print(describe_text(model, options.name))
    return DONE
