"""`describe`: a model, or a name in it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .options import print_json
from .program import DONE

if TYPE_CHECKING:
    from ..model.model import Model
    from ..runtime.errors import InputError

EXAMPLES = """examples:
  immunesim describe
  immunesim describe IL-2
  immunesim describe T_division --model immune
  immunesim describe allergy
  immunesim describe IL2 --wiring il2.svg --wiring il2.png
  immunesim describe tumour.toml --wiring tumour.svg
  immunesim describe --assumed stop_signal"""


def arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("name", nargs="?", metavar="NAME")
    command.add_argument("--model", default="immune", help="a model's name or file (default: immune)")
    text = "list the parameters that are assumptions, and the expectations that they can break"
    command.add_argument("--assumed", action="store_true", help=text)
    text = (
        "draw who acts on whom into FILE.svg or FILE.png: around NAME, in the module NAME.toml, or in the whole model"
    )
    command.add_argument("--wiring", action="append", default=[], metavar="FILE", help=text)
    text = "how many influences away from NAME the picture goes (default: 1)"
    command.add_argument("--steps", type=int, choices=[1, 2], default=1, help=text)
    command.add_argument("--force", action="store_true", help="replace FILE")


def execute(options: argparse.Namespace) -> int:
    from ..files.toml.catalogue import builtin_models
    from ..files.toml.model_file import find_model, read_model
    from ..views.text.describe import facts_text, model_facts

    if options.assumed and options.wiring:
        raise _refusal("a list of assumptions has no picture; leave out --assumed or --wiring", "--assumed --wiring")
    if options.name in builtin_models():
        options.model, options.name = options.name, None
    path = find_model(options.model, Path.cwd())
    if path is None:
        raise _refusal(f"no model '{options.model}'", f"--model {options.model}")
    model = read_model(path)
    if options.assumed:
        from ..tasks.influence import assumed, assumed_text

        found = assumed(model, options.name)
        print_json(found) if options.json else print(assumed_text(model, options.name))
        return DONE
    facts = model_facts(model, options.name)
    if options.wiring:
        facts["pictures"] = _draw(model, facts, options)
    print_json(facts) if options.json else print(facts_text(facts))
    return DONE


def _draw(model: Model, facts: dict[str, Any], options: argparse.Namespace) -> list[str]:
    """Writes the pictures described by `facts`; returns their paths."""
    from ..files.results import folder
    from ..views.text.describe import subject

    paths = [Path(word) for word in options.wiring]
    for path in paths:
        if path.suffix.lower() not in (".svg", ".png"):
            raise _refusal(f"expected a file that ends in .svg or .png, found '{path.name}'", f"--wiring {path}")
        folder.check_file(path, options.force, "--wiring")
    name = subject(facts)
    from ..views.figures.causal_graph import (  # last, so that a fault of the words is said without pygraphviz
        draw,
        png_of,
        svg_of,
    )
    from ..views.text.causal_graph import graph_view

    seen = graph_view(model, name, options.steps)
    figure = draw(seen)
    for path in paths:
        if path.suffix.lower() == ".svg":
            folder.write_text(path, svg_of(figure, seen))
        else:
            folder.write_bytes(path, png_of(figure, seen))
    return [str(path) for path in paths]


def _refusal(message: str, text: str) -> InputError:
    from ..runtime.errors import InputError, request_fault

    return InputError([request_fault(message, text)])
