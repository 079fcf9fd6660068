"""The figures of a run as pictures inside the page."""

from __future__ import annotations

import base64
import io
from typing import NamedTuple

from ...experiments.run import RunResult
from ..figures.page import Picture
from ..figures.plots import Curve, describe_figure, draw_group
from .curves import drawn_arms, label_of


class Image(NamedTuple):
    """A figure: what it shows in a line, its description in words, and its data as a ``data:`` address."""

    title: str
    text: str
    address: str


def pictures(result: RunResult) -> list[Picture]:
    scenario = result.scenario
    arms = drawn_arms(result)
    curves = [Curve(arm.arm.title, arm.trajectory) for arm in arms]
    return [
        Picture(
            ", ".join(label_of(scenario, name) for name in names),
            draw_group(scenario, names, curves, [arm.arm for arm in arms]),
            describe_figure(scenario, names, curves),
        )
        for names in (scenario.plots if curves else ())
    ]


def images(result: RunResult, run: str) -> list[Image]:
    return [Image(each.stem, each.text, _address(each, run)) for each in pictures(result)]


def _address(picture: Picture, run: str) -> str:
    import matplotlib

    # letters as outlines: a reader's machine need not have the font that they were measured in
    with matplotlib.rc_context({"svg.fonttype": "path", "svg.hashsalt": run}):
        file = io.BytesIO()
        picture.figure.savefig(file, format="svg", metadata={"Date": None})
    return "data:image/svg+xml;base64," + base64.b64encode(file.getvalue()).decode("ascii")
