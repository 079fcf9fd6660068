"""`describe`: a model, or a name in it."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..runtime.exit_codes import DONE
from .options import print_json

EXAMPLES = """examples:
  immunesim describe
  immunesim describe IL-2
  immunesim describe T_division --model immune
  immunesim describe allergy
  immunesim describe IL2 --wiring il2.svg --wiring il2.png
  immunesim describe tumour.toml --wiring tumour.svg
  immunesim describe --assumed stop_signal"""


def arguments(command: argparse.ArgumentParser) -> None:
    """Adds the options of the command."""
    command.add_argument("name", nargs="?", metavar="NAME")
    command.add_argument("--model", default="immune", help="a model's name or file (default: immune)")
    text = "list the parameters that are assumptions, and the expectations that each can break"
    command.add_argument("--assumed", action="store_true", help=text)
    text = "draw who acts on whom into FILE.svg or FILE.png: around NAME, in the module NAME.toml, or the whole model"
    command.add_argument("--wiring", action="append", default=[], metavar="FILE", help=text)
    text = "how many influences away from NAME the picture goes (default: 1)"
    command.add_argument("--steps", type=int, choices=[1, 2], default=1, help=text)
    command.add_argument("--force", action="store_true", help="replace FILE")


def execute(options: argparse.Namespace) -> int:
    """Runs the command; returns its exit code."""
    from ..tasks.describe import DescribeRequest, describe

    pictures = tuple(Path(word) for word in options.wiring)
    request = DescribeRequest(
        options.name, options.model, options.assumed, pictures, steps=options.steps, force=options.force
    )
    found = describe(request)
    print_json(found.facts) if options.json else print(found)
    return DONE
