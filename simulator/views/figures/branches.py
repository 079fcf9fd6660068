"""The figure of branches of steady states: stable ones solid, unstable ones dashed, special points numbered."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from ...experiments.branches import Branches
from ...numerics.continuation import Branch, Special
from ...numerics.trajectory import Array
from ..text.branches import branch_sentences, special_lines, value_text
from ..text.numbers import axis_title
from .page import Page, Picture
from .run import save
from .scales import fraction, limits, set_scale, wants_log
from .style import DARK, GREY, MARGIN, MIDDLE, SMALL, STYLES
from .sweep.lines import mark_default

LEFT, RIGHT, PANEL = 0.85, 0.35, 2.3  # inches
EDGE = 0.02  # of the range of the parameter, free at both ends
MOST_PANELS = 4
MARKS = {Special.FOLD: "o", Special.HOPF: "D", Special.CROSSING: "s"}
DASH = (0, (4, 2.2))  # of unstable states
SAME = 1e-3  # of a panel: nearer than that two points look the same
CLEAR = 0.05  # of a panel: two numbers nearer than that stand on other sides of their points


def draw(found: Branches, curves: Sequence[str], stem: Path, formats: Sequence[str]) -> list[Path]:
    """Writes the figure to `stem` with these suffixes; returns the paths."""
    made = picture(found, curves)
    run = f"steady {found.states.scenario.id} {found.states.arm.name} {found.parameter}"
    return save(made.figure, stem, found.states.scenario.title, made.text, run, formats)


def picture(found: Branches, curves: Sequence[str]) -> Picture:
    """The figure with its description in words: a panel for each curve, at most `MOST_PANELS`."""
    model, name = found.states.scenario.model, found.parameter
    label = model.parameters[name].label
    arm = found.states.arm
    notes = [
        f"{found.states.scenario.title}: arm {arm.name}{f' ({arm.label})' if arm.label else ''}",
        "Solid: stable. Dashed: unstable. Circle: fold; diamond: Hopf point; square: branch point.",
    ]
    page = Page(f"Steady states along {name}: {label}", notes)
    width = page.width - LEFT - RIGHT
    margin = EDGE * (found.span[1] - found.span[0])
    ends = found.span[0] - margin, found.span[1] + margin
    along = [found.states.values_along(each.states, each.q) for each in found.branches]
    for curve in curves[:MOST_PANELS]:
        page.down(page.put(axis_title(curve, model.unit_text(curve)), MARGIN, width, MIDDLE, DARK) + 0.05)
        panel = page.panel(LEFT, width, PANEL)
        set_scale(panel, "x", ends, False, width)
        _panel(panel, found, [each[curve] for each in along], ends)
        page.down(PANEL + 0.3)
    page.down(page.put(axis_title(name, model.unit_text(name)), LEFT, width, MIDDLE, "#000000", "center") + 0.08)
    lines = [f"{place}: {line}" for place, line in enumerate(special_lines(found), 1)]
    for line in [*lines, *branch_sentences(found, curves)]:
        page.down(page.put(line, LEFT, width, SMALL, DARK) + 0.02)
    default = f"Default: {value_text(found, found.default)}."
    return Picture("branches", page.finish(), " ".join([*lines, *branch_sentences(found, curves), default]))


def _panel(panel: Axes, found: Branches, values: Sequence[Array], ends: tuple[float, float]) -> None:
    every = np.concatenate(values)
    log = wants_log(every)
    height = limits(every, log, 0.12)
    set_scale(panel, "y", height, log, PANEL)
    panel.grid(True, color="#e6e6e6", linewidth=0.6)
    panel.set_axisbelow(True)
    for number, (branch, along) in enumerate(zip(found.branches, values, strict=True)):
        _branch(panel, branch, along, STYLES[number % len(STYLES)][0])
    mark_default(panel, found.default, fraction(found.default, *ends, False))
    _special(panel, found, values, ends, height, log)


def _branch(panel: Axes, branch: Branch, along: Array, color: str) -> None:
    """A branch in pieces of one stability."""
    stable = [not branch.unstable_behind(place) for place in range(len(branch.points) - 1)]
    edges = [0, *(place for place in range(1, len(stable)) if stable[place] != stable[place - 1]), len(stable)]
    for first, last in pairwise(edges):
        if first == last:
            continue
        line: dict[str, Any] = {"linewidth": 1.9} if stable[first] else {"linewidth": 1.2, "linestyle": DASH}
        part = slice(first, last + 1)
        panel.plot(branch.q[part], along[part], color=color, zorder=3, solid_capstyle="butt", **line)


def _special(
    panel: Axes,
    found: Branches,
    values: Sequence[Array],
    ends: tuple[float, float],
    height: tuple[float, float],
    log: bool,
) -> None:
    """Marks and numbers of the special points; those that lie close together have their numbers on other sides."""
    box = {"fc": "white", "ec": "none", "pad": 0.4, "alpha": 0.75}
    sides = [
        ((0, 6), "center", "bottom"),
        ((0, -6), "center", "top"),
        ((7, 0), "left", "center"),
        ((-7, 0), "right", "center"),
    ]
    placed: list[tuple[float, float]] = []
    for number, (branch, place, point, kind) in found.marked:
        value = float(values[branch][place])
        at = fraction(point.q, *ends, False), fraction(value, *height, log)
        if any(abs(at[0] - x) < SAME and abs(at[1] - y) < SAME for x, y in placed):
            continue  # on a branch that differs in what is not shown
        near = sum(abs(at[0] - x) < CLEAR and abs(at[1] - y) < 2 * CLEAR for x, y in placed)
        offset, across, up = sides[near % len(sides)]
        placed.append(at)
        panel.plot(
            [point.q], [value], MARKS[kind], ms=5, color="white", mec="#000000", mew=1.3, zorder=6, clip_on=False
        )
        panel.annotate(
            str(number), (point.q, value), offset, textcoords="offset points", ha=across, va=up, fontsize=SMALL,
            color=GREY if kind is Special.CROSSING else "#000000", zorder=7, bbox=box,
        )  # fmt: skip
