"""The picture of an explanation: the curve, below it what makes it and what takes from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from ...experiments.explanation.explain import JUMP, Explanation, Turn
from ...experiments.explanation.phases import FALLS, LOWEST, RISES
from ...numerics.trajectory import Array
from ..text.explain import changes, sentences, turn_line
from ..text.explain_names import Phrasing, capital
from .explain_bands import COLUMNS, Band, bands_of, columns
from .page import Label, Page, Picture, fold, high, label_right, spread
from .run import save
from .scales import fraction, limits, set_scale
from .style import DARK, GAP, GREY, KEY, MARGIN, SMALL, STYLES

LEFT, ROOM = 0.72, 2.3  # inches left of the panels, and right of them for names
CURVE, FLUX = 1.7, 2.6  # inches
SHADES = {RISES: "#ffffff", FALLS: "#f0f0f0"}


def draw(explanation: Explanation, stem: Path) -> list[Path]:
    """The picture as SVG and PNG; returns their paths."""
    found = picture(explanation)
    run = f"explain {explanation.scenario.id} {explanation.arm.name} {explanation.name}"
    return save(found.figure, stem, explanation.scenario.title, found.text, run)


def picture(explanation: Explanation) -> Picture:
    """The curve with its phases and turning points above its production and loss."""
    words = Phrasing(explanation)
    label = capital(words.label(explanation.name))
    arm = explanation.arm
    notes = [f"{explanation.scenario.title}: arm {arm.name}{f' ({arm.label})' if arm.label else ''}"]
    notes += changes(words)
    what = "what makes it and what takes from it" if words.is_species else "what raises and what lowers it"
    page = Page(f"{label} ({explanation.name}): {what}", notes)
    width = page.width - LEFT - ROOM
    turns = [turn for turn in explanation.turns if turn.kind == JUMP or turn.shifts]
    _curve(page, words, width, turns)
    _fluxes(page, words, width)
    for number, turn in enumerate(turns, 1):
        page.down(page.put(f"{number}: {turn_line(words, turn)}", LEFT, page.width - LEFT - 0.3, SMALL, DARK) + 0.02)
    return Picture("explain", page.finish(), " ".join(sentences(explanation)))


def _curve(page: Page, words: Phrasing, width: float, turns: list[Turn]) -> None:
    explanation, flux = words.explanation, words.explanation.flux
    contrast = explanation.against
    times, log = flux.times * words.long, explanation.log
    values = [flux.values] if contrast is None else [flux.values, contrast.values]
    least = LOWEST * words.top
    known = np.concatenate(values)
    ends = limits(known.clip(min=min(least, float(known[known > 0].min()))) if log else known, log, 0.12)
    if log and ends[0] < least:
        ends = least, ends[1]
    unit = ", ".join(filter(None, [words.unit if words.unit != "1" else "", "logarithmic" if log else ""]))
    given = ", ".join(dose.name.replace("_", " ") for dose in explanation.arm.doses)
    page.put(f"▼ {given}" if given else "", LEFT, width, SMALL, GREY, "right")
    page.down(
        page.put(f"the curve{f' [{unit}]' if unit else ''}, grey where it falls", MARGIN, width, SMALL, GREY) + 0.12
    )
    panel = page.panel(LEFT, width, CURVE)
    set_scale(panel, "x", (0.0, explanation.scenario.end * words.long), False, width)
    set_scale(panel, "y", ends, log, CURVE)
    panel.tick_params(labelbottom=False)
    _shade(panel, words)
    labels = []
    if contrast is not None:
        color, dash = STYLES[1]
        _line(panel, contrast.times * words.long, contrast.values, ends, color, dash)
        labels.append(Label(_height(float(contrast.values[-1]), ends, log), f"arm {contrast.other}", color, dash))
    _line(panel, times, flux.values, ends, "#000000", "-")
    labels.append(Label(_height(float(flux.values[-1]), ends, log), explanation.name, "#000000", "-"))
    label_right(panel, width, CURVE, labels, ROOM)
    for number, turn in enumerate(turns, 1):
        x, y = turn.time * words.long, max(turn.value, ends[0])
        panel.plot([x], [y], "o", ms=3.5, color="#000000", zorder=6, clip_on=False)
        style: dict[str, Any] = {
            "ha": "center",
            "va": "bottom",
            "fontsize": SMALL,
            "zorder": 7,
            "textcoords": "offset points",
        }
        panel.annotate(
            str(number), (x, y), (0, 5), bbox={"fc": "white", "ec": "none", "pad": 0.6, "alpha": 0.7}, **style
        )
    page.down(CURVE + 0.06)
    marks = [dose.time(number) for dose in explanation.arm.doses for number in range(dose.count)]
    along = panel.get_xaxis_transform()
    panel.plot(
        [time * words.long for time in marks],
        [1.04] * len(marks),
        "v",
        ms=3.5,
        color=GREY,
        clip_on=False,
        transform=along,
    )
    page.down(0.1)


def _line(panel: Axes, times: Array, values: Array, ends: tuple[float, float], color: str, dash: Any) -> None:
    panel.plot(times, values.clip(min=ends[0]), color=color, linestyle=dash, linewidth=1.6, zorder=5)


def _height(value: float, ends: tuple[float, float], log: bool) -> float:
    return min(max(fraction(value, *ends, log), 0.0), 1.0)


def _shade(panel: Axes, words: Phrasing) -> None:
    for phase in words.explanation.phases:
        if phase.kind == FALLS:
            panel.axvspan(phase.balance.start * words.long, phase.balance.end * words.long, color=SHADES[FALLS], lw=0)


def _fluxes(page: Page, words: Phrasing, width: float) -> None:
    explanation = words.explanation
    edges, made, lost = columns(explanation)
    often = " (means over the time between doses)" if len(edges) <= COLUMNS else ""
    turnover = np.maximum(sum(made.values()), sum(lost.values()))
    what = f"what {words.side('made')} (up) and {words.side('lost')} (down)"
    if explanation.log:
        what += ", as a share of the larger"
        size = np.where(turnover > LOWEST * turnover.max(), turnover, np.inf)
    else:
        what += f" [{words.unit}/{words.clock}]" if words.unit != "1" else f" [1/{words.clock}]"
        size = np.full(len(turnover), words.long)
    page.down(page.put(f"{what}{often}; black: the difference", MARGIN, LEFT + width - MARGIN, SMALL, GREY) + 0.08)
    bands = bands_of(explanation, (made, lost), size)
    heights = [np.sum([band.heights for band in side], axis=0) if side else np.zeros(len(size)) for side in bands]
    ends = (-1.0, 1.0) if explanation.log else limits(np.concatenate([heights[0], -heights[1], [0.0]]), False)
    panel = page.panel(LEFT, width, FLUX)
    set_scale(panel, "x", (0.0, explanation.scenario.end * words.long), False, width)
    set_scale(panel, "y", ends, False, FLUX)
    if explanation.log:
        panel.set_yticks([-1, -0.5, 0, 0.5, 1], ["100 %", "50 %", "0", "50 %", "100 %"])
    _shade(panel, words)
    times = edges * words.long
    names = []
    for sign, side in zip((1.0, -1.0), bands, strict=True):
        base = np.zeros(len(size))
        for band in side:
            top = base + sign * band.heights
            below, above = (np.append(edge, edge[-1]) for edge in (base, top))
            panel.fill_between(times, below, above, step="post", zorder=3, **_look(band))
            middle = float(np.average((base + top) / 2, weights=band.heights + 1e-300))
            names.append((_height(middle, ends, False), band))
            base = top
    net = (sum(made.values()) - sum(lost.values())) / size
    panel.step(times, np.append(net, net[-1]), where="post", color="#000000", linewidth=1.1, zorder=5)
    panel.axhline(0.0, color=DARK, linewidth=0.6, zorder=4)
    _name(panel, width, names)
    page.down(FLUX + 0.28)
    page.down(page.put(f"time [{words.clock}]", LEFT, width, 9, "#000000", "center") + 0.1)


def _look(band: Band) -> dict[str, Any]:
    return {"facecolor": band.color, "edgecolor": "white", "hatch": band.hatch, "linewidth": 0.0}


def _name(panel: Axes, width: float, names: list[tuple[float, Band]]) -> None:
    """Names at the right, each with a sample of its band, in the order of the bands."""
    names = sorted(names, key=lambda each: each[0])
    texts = [fold(band.label, ROOM - KEY - 3 * GAP, SMALL) for _, band in names]
    heights = [high(text, SMALL) / FLUX + 0.015 for text in texts]
    for (_, band), text, place in zip(names, texts, spread([each[0] for each in names], heights), strict=True):
        left, tall = 1 + GAP / width, 0.09 / FLUX
        where: dict[str, Any] = {"transform": panel.transAxes, "clip_on": False}
        panel.add_patch(Rectangle((left, place - tall / 2), KEY / width, tall, **where, **_look(band)))
        panel.text(left + (KEY + GAP) / width, place, text, transform=panel.transAxes, fontsize=SMALL, color=DARK,
                   va="center", linespacing=1.1)  # fmt: skip
