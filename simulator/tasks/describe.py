"""`describe`: what a model says about itself or about one name in it, and its causal graph as pictures."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..files.results.folder import check_file, write_bytes, write_text
from ..files.toml.catalogue import BIOLOGY, builtin_models
from ..files.toml.model_file import find_model, read_model
from ..model.declarations import Parameter
from ..model.model import Model
from ..runtime.errors import InputError, request_fault
from ..runtime.names import unknown_name
from ..views.text.causal_graph import graph_view
from ..views.text.commands.describe import facts_text, model_facts, subject
from ..views.text.commands.influence import assumptions_text

SUFFIXES = (".svg", ".png")
KEPT = BIOLOGY / "influence.json"  # written by `influence` for the bundled scenarios


@dataclass(frozen=True)
class DescribeRequest:
    """What to describe.

    name: a name in the model, a module, or a part of labels; the name of a bundled model stands for that model; None
        for the whole model.
    model: the name of a bundled model, the path of a file, or a model that has been read.
    assumed: list the parameters that are assumptions instead, all or those that `name` stands for.
    pictures: files for the causal graph, which end in .svg or .png; steps: how many influences away from `name` they
        go. force: replace files that exist.
    """

    name: str | None = None
    model: str | Path | Model = "immune"
    assumed: bool = False
    pictures: tuple[Path, ...] = ()
    steps: int = 1
    force: bool = False


@dataclass(frozen=True)
class Description:
    """What a model says. facts: ready for JSON; a list of parameters where assumptions were asked for."""

    model: Model
    facts: Any
    text: str

    def __str__(self) -> str:
        return self.text


def describe(request: DescribeRequest) -> Description:
    """Reads the model, finds the facts and writes the pictures.

    Raises:
        InputError: There is no such model or name, or what is found cannot be drawn.
        OutputError: A picture exists already, or cannot be written.
        ModuleNotFoundError: pygraphviz, which draws the pictures, is not installed.
    """
    if request.assumed and request.pictures:
        message = "a list of assumptions has no picture; leave out --assumed or --wiring"
        raise InputError([request_fault(message, "--assumed --wiring")])
    if request.steps < 1:
        message = f"expected 1 or more influences away from the name, found {request.steps}"
        raise InputError([request_fault(message, f"--steps {request.steps}")])
    model, name = _model(request)
    if request.assumed:
        return Description(model, assumed(model, name), assumed_text(model, name))
    facts = model_facts(model, name)
    if request.pictures:
        _draw(model, subject(facts), request)
        facts["pictures"] = [str(path) for path in request.pictures]
    return Description(model, facts, facts_text(facts))


def _model(request: DescribeRequest) -> tuple[Model, str | None]:
    """The model, and the name in it that is asked for."""
    if isinstance(request.model, Model):
        return request.model, request.name
    word, name = str(request.model), request.name
    if name in builtin_models():
        word, name = str(name), None
    path = find_model(word, Path.cwd())
    if path is None:
        raise InputError([request_fault(unknown_name("no model", word, builtin_models()), f"--model {word}")])
    return read_model(path), name


def _draw(model: Model, name: str | None, request: DescribeRequest) -> None:
    for path in request.pictures:
        if path.suffix.lower() not in SUFFIXES:
            message = f"expected a file that ends in .svg or .png, found '{path.name}'"
            raise InputError([request_fault(message, f"--wiring {path}")])
        check_file(path, request.force, "--wiring")
    # here, since it brings matplotlib, and last, so that a wrong request is reported even without pygraphviz
    from ..views.figures.causal_graph import draw, png_of, svg_of

    view = graph_view(model, name, request.steps)
    figure = draw(view)
    for path in request.pictures:
        if path.suffix.lower() == ".svg":
            write_text(path, svg_of(figure, view))
        else:
            write_bytes(path, png_of(figure, view))


def assumed(model: Model, word: str | None = None) -> list[dict[str, Any]]:
    """The parameters of `model` that are assumptions, the most influential first: why, and which of the
    bundled expectations they break (None where that was not computed).

    word: only those of this module, or with this in their name or label.
    """
    within = set(model.modules[word].names) if word is not None and word in model.modules else None
    table = _kept()["models"].get(model.id)
    rows = [
        _row(each, table)
        for each in model.parameters.values()
        if each.assumed
        and (each.id in within if within is not None else not word or word.lower() in f"{each.id} {each.label}".lower())
    ]
    return sorted(rows, key=lambda row: -len(row["breaks"] or ()))


def _row(parameter: Parameter, table: dict[str, Any] | None) -> dict[str, Any]:
    ways = table["breaks"].get(parameter.id, {}) if table else {}
    return {
        "name": parameter.id,
        "label": parameter.label,
        "value": parameter.value,
        "unit": parameter.unit_text,
        "range": parameter.range,
        "why": parameter.status.removeprefix("assumed:").strip(),
        "breaks": sorted({each for broken in ways.values() for each in broken}) if table else None,
    }


def assumed_text(model: Model, word: str | None) -> str:
    """The same, as text."""
    return assumptions_text(model, word, assumed(model, word), _kept()["factor"])


def _kept() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(KEPT.read_text(encoding="utf-8"))
    return found
