"""Pictures in the page: the figures of the run and a wiring diagram."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import matplotlib
from matplotlib.figure import Figure

from ...experiments.run import RunResult
from ..figures import causal_graph
from ..figures.run import pictures
from ..figures.style import FIRST
from ..text.causal_graph import alternative_text, graph_view
from .curves import drawn_arms

SMALL_MODEL = 15  # species: a model with no more is drawn completely, of a larger one the part around its first plot
MOST_FIRST = 6  # arms of the first picture: the names of more make it taller than a screen
LAYOUT_PACKAGE = "pygraphviz"  # of the extra 'wiring'


class Image(NamedTuple):
    """A figure: its caption, which may be empty, its description in words, and the image as a ``data:`` address.

    Without an address the text says why there is no image.
    """

    title: str
    text: str
    address: str


def first_image(result: RunResult, run: str) -> Image | None:
    """The first curve that the run shows, of the first `MOST_FIRST` arms, legible on a phone; None where no arm has a
    value. run: as in `images`."""
    names, drawn = result.scenario.drawn[:1], drawn_arms(result)[:MOST_FIRST]
    if not drawn:
        return None
    arms = {each.arm.name: each for each in drawn}
    shown = replace(result, scenario=replace(result.scenario, plots=(names,)), arms=arms, data=())
    picture = next(pictures(shown, FIRST), None)
    if picture is None:
        return None
    count = len(drawn_arms(result))
    less = f"{len(drawn)} of {count} arms; all are in the figures below" if len(drawn) < count else ""
    return Image(less, picture.text, svg_address(picture.figure, run))


def images(result: RunResult, run: str) -> Iterator[Image]:
    """The figures of a run, then its wiring diagram. run: the run's id, which makes the ids in the images."""
    scenario = result.scenario
    titles = [", ".join(scenario.label(name) for name in names) for names in scenario.plots]
    for title, picture in zip([*titles, "Data and curves"], pictures(result), strict=False):
        yield Image(title, picture.text, svg_address(picture.figure, run))
    yield from _wiring(result)


def _wiring(result: RunResult) -> Iterator[Image]:
    model = result.scenario.model
    name = None if len(model.species) <= SMALL_MODEL else result.scenario.shown[0]
    view = graph_view(model, name)
    title = f"Wiring diagram: {view.title}"
    try:
        drawn = causal_graph.svg_of(causal_graph.draw(view), view, "path")
    except ModuleNotFoundError as error:
        if error.name != LAYOUT_PACKAGE:
            raise
        yield Image(title, f"Drawn only if {LAYOUT_PACKAGE} is installed: pip install 'immunesim[wiring]'", "")
        return
    yield Image(title, alternative_text(view), _address(drawn.encode()))


def svg_address(figure: Figure, run: str) -> str:
    """A figure as the address of an SVG, with letters as outlines: a reader's machine need not have the font that they
    were measured in."""
    with matplotlib.rc_context({"svg.fonttype": "path", "svg.hashsalt": run}):
        file = io.BytesIO()
        figure.savefig(file, format="svg", metadata={"Date": None})
    return _address(file.getvalue())


def _address(svg: bytes) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(svg).decode("ascii")
