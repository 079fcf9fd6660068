"""Pictures inside the page: the figures of the run, and the wiring around what it shows first."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from typing import NamedTuple

import matplotlib

from ...experiments.run import RunResult
from ..figures import causal_graph
from ..figures.run import pictures
from ..text.causal_graph import alternative_text, graph_view
from ..text.figure import label_of

SMALL_MODEL = 15  # species: a model of no more is drawn whole


class Image(NamedTuple):
    """A figure: what it shows in a line, its description in words, and its data as a ``data:`` address."""

    title: str
    text: str
    address: str


def images(result: RunResult, run: str) -> Iterator[Image]:
    """The figures of the run, then its wiring if the package that lays it out is installed."""
    scenario = result.scenario
    for names, picture in zip(scenario.plots, pictures(result), strict=False):
        # letters as outlines: a reader's machine need not have the font that they were measured in
        with matplotlib.rc_context({"svg.fonttype": "path", "svg.hashsalt": run}):
            file = io.BytesIO()
            picture.figure.savefig(file, format="svg", metadata={"Date": None})
        title = ", ".join(label_of(scenario, name) for name in names)
        yield Image(title, picture.text, _address(file.getvalue()))
    yield from _wiring(result)


def _wiring(result: RunResult) -> Iterator[Image]:
    model = result.scenario.model
    name = None if len(model.species) <= SMALL_MODEL else result.scenario.plots[0][0]
    view = graph_view(model, name)
    try:
        drawn = causal_graph.svg_of(causal_graph.draw(view), view, "path")
    except ModuleNotFoundError:  # what lays it out is an extra, and the report is whole without it
        return
    yield Image(f"Who acts on whom: {view.title}", alternative_text(view), _address(drawn.encode()))


def _address(svg: bytes) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(svg).decode("ascii")
