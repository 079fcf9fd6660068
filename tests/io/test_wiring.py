"""The wiring as a picture and in words: nothing covers anything, and a file that needs nothing else."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from functools import cache

import pytest
from matplotlib.text import Text

from simulator import cli
from simulator.io.catalogue import builtin_models
from simulator.io.figures import wiring as figures
from simulator.io.figures.layout import Box
from simulator.io.model_file import read_model
from simulator.io.wiring import view, words
from tests.toys import TOY_MODEL

pytest.importorskip("pygraphviz", reason="the extra 'wiring' is not installed")

AROUND = ["IL2", "T_regulatory", "antibody", "blood_pressure", "stop_signal"]
SVG = "{http://www.w3.org/2000/svg}"


@cache
def model(name):
    return read_model(builtin_models()[name])


MODULES = [f"{name}.toml" for name, module in model("immune").modules.items()
           if set(module.names) & set(model("immune").species)]  # fmt: skip
PICTURES = [
    *[(name, None) for name in builtin_models()],
    *[("immune", name) for name in [*MODULES, *AROUND]],
]


@pytest.mark.parametrize(("of", "name"), PICTURES)
def test_no_box_or_text_covers_another_and_no_arrow_runs_through_one(of, name):
    seen = view(model(of), name)
    layout, titles, _ = figures.plan(seen)
    solid = {node.id: layout.boxes[node.id] for node in seen.nodes} | {title: box for title, (_, box) in titles.items()}
    for one, other in itertools.combinations(solid, 2):
        assert not solid[one].meets(solid[other]), f"{one} covers {other}"
    for arrow, curve in zip(seen.arrows, layout.curves, strict=True):
        for thing, box in solid.items():
            if thing not in (arrow.source, arrow.target):
                inner = Box(box.left + 0.01, box.bottom + 0.01, box.right - 0.01, box.top - 0.01)
                assert not any(map(inner.holds, figures.along(curve))), f"{arrow} runs through {thing}"


@pytest.mark.parametrize(("of", "name"), PICTURES)
def test_every_text_stays_in_the_picture_and_beside_the_others(of, name):
    figure = figures.draw(view(model(of), name))
    renderer = figure.canvas.get_renderer()
    extents = [
        text.get_window_extent(renderer) for text in figure.findobj(Text) if text.get_text() and text.get_visible()
    ]
    width, height = figure.bbox.width, figure.bbox.height
    for one in extents:
        assert one.x0 >= 0
        assert one.y0 >= 0
        assert one.x1 <= width
        assert one.y1 <= height
    for one, other in itertools.combinations(extents, 2):
        assert min(one.x1, other.x1) - max(one.x0, other.x0) <= 1 or min(one.y1, other.y1) - max(one.y0, other.y0) <= 1
