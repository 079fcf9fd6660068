"""The figure of an explanation: the curve, and below it gain and loss as stacked bands.

The bands are changes against the turnover that cancels at rest: production that falls below it is drawn downwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from ...experiments.explanation.balance import Contributor, ContributorKind
from ...experiments.explanation.explain import Explanation, TurningPoint, TurnKind
from ...experiments.explanation.phases import LOWEST, PhaseKind
from ...numerics.trajectory import Array
from ..text.english import capital
from ..text.explain import parameter_changes, sentences, turning_point_line
from ..text.explain_format import GAIN, LOSS, ExplanationFormat, short_label
from ..text.numbers import scale_text, unit_text, with_unit
from .page import Label, Page, Picture, label_right, spread, text_height, wrap
from .run import save
from .scales import fraction, limits, set_scale
from .style import DARK, GAP, GREY, KEY, MARGIN, SMALL, STYLES

LEFT, ROOM = 0.72, 2.3  # inches left of the panels, and right of them for names
CURVE, FLUX = 1.7, 2.6  # inches
SHADE = "#f0f0f0"  # behind falling phases
COLUMNS = 800  # stretches of time over which rates are averaged
CLOSE = 12  # columns: rates between doses that follow each other closer are averaged
MOST = 4  # named contributors on each side
NONE = 0.005  # of everything on its side: less is not drawn
NAMED = 0.03  # of everything on its side: a smaller contributor is drawn among the others
HATCHES = ("", "////", "....", "\\\\\\\\", "xxxx", "---", "+++")  # one more than colours
OTHERS = ("#d9d9d9", "")


class ContributionBand(NamedTuple):
    """One contributor on one side of zero: its height in each column, shape (columns,), and its style."""

    label: str
    heights: Array
    color: str
    hatch: str


def draw(explanation: Explanation, stem: Path) -> list[Path]:
    """Writes the figure as SVG and PNG to `stem` with these suffixes; returns the paths."""
    found = picture(explanation)
    run = f"explain {explanation.scenario.id} {explanation.arm.name} {explanation.name}"
    return save(found.figure, stem, explanation.scenario.title, found.text, run)


def picture(explanation: Explanation) -> Picture:
    """The figure with its description in words: the curve with its phases and turning points above gain and loss."""
    form = ExplanationFormat(explanation)
    label = capital(form.label(explanation.name))
    arm = explanation.arm
    notes = [f"{explanation.scenario.title}: arm {arm.name}{f' ({arm.label})' if arm.label else ''}"]
    notes += parameter_changes(form)
    changes = explanation.whole.has_background
    what = f"{form.side(GAIN, changes)} and {form.side(LOSS, changes)}"
    page = Page(f"{label} ({explanation.name}): {what}", notes)
    width = page.width - LEFT - ROOM
    turns = [turn for turn in explanation.turning_points if turn.kind == TurnKind.JUMP or turn.changes]
    _curve(page, form, width, turns)
    _gain_and_loss(page, form, width)
    for number, turn in enumerate(turns, 1):
        page.down(
            page.put(f"{number}: {turning_point_line(form, turn)}", LEFT, page.width - LEFT - 0.3, SMALL, DARK) + 0.02
        )
    return Picture("explain", page.finish(), " ".join(sentences(explanation)))


def _curve(page: Page, form: ExplanationFormat, width: float, turns: list[TurningPoint]) -> None:
    explanation, flux, against = form.explanation, form.explanation.flux, form.explanation.against
    log, ends = explanation.log, _curve_ends(form)
    unit = scale_text(form.unit, log)
    given = ", ".join(dose.name.replace("_", " ") for dose in explanation.arm.doses)
    page.put(f"▼ {given}" if given else "", LEFT, width, SMALL, GREY, "right")
    head = f"curve{f' [{unit}]' if unit else ''}; grey: falling"
    drawn = [flux.values, *([] if against is None else [against.values])]
    if any((values < ends[0]).any() for values in drawn):
        head += f"; values below {with_unit(ends[0], form.unit, 2)} are drawn at the lower edge"
    page.down(page.put(head, MARGIN, width, SMALL, GREY) + 0.12)
    panel = page.panel(LEFT, width, CURVE)
    set_scale(panel, "x", (0.0, explanation.scenario.end * form.scale), False, width)
    set_scale(panel, "y", ends, log, CURVE)
    panel.tick_params(labelbottom=False)
    _shade(panel, form)
    labels = []
    if against is not None:
        color, dash = STYLES[1]
        _line(panel, against.times * form.scale, against.values, ends, color, dash)
        labels.append(Label(_height(float(against.values[-1]), ends, log), f"arm {against.reference}", color, dash))
    _line(panel, flux.times * form.scale, flux.values, ends, "#000000", "-")
    labels.append(Label(_height(float(flux.values[-1]), ends, log), explanation.name, "#000000", "-"))
    label_right(panel, width, CURVE, labels, ROOM)
    for number, turn in enumerate(turns, 1):
        _number(panel, number, turn.time * form.scale, max(turn.value, ends[0]))
    page.down(CURVE + 0.06)
    marks = [time * form.scale for dose in explanation.arm.doses for time in dose.starts]
    above = panel.get_xaxis_transform()
    panel.plot(marks, [1.04] * len(marks), "v", ms=3.5, color=GREY, clip_on=False, transform=above)
    page.down(0.1)


def _curve_ends(form: ExplanationFormat) -> tuple[float, float]:
    """The ends of the axis of the curve, with room for both arms."""
    explanation, against = form.explanation, form.explanation.against
    values = np.concatenate([explanation.flux.values, *([] if against is None else [against.values])])
    if not explanation.log:
        return limits(values, False, 0.12)
    least = LOWEST * form.largest
    low, high = limits(values.clip(min=min(least, float(values[values > 0].min()))), True, 0.12)
    return max(low, least), high


def _number(panel: Axes, number: int, x: float, y: float) -> None:
    """A dot at a turning point, and the number under which the page explains it."""
    panel.plot([x], [y], "o", ms=3.5, color="#000000", zorder=6, clip_on=False)
    box = {"fc": "white", "ec": "none", "pad": 0.6, "alpha": 0.7}
    panel.annotate(
        str(number), (x, y), (0, 5), textcoords="offset points", ha="center", va="bottom", fontsize=SMALL, zorder=7,
        bbox=box,
    )  # fmt: skip


def _line(panel: Axes, times: Array, values: Array, ends: tuple[float, float], color: str, dash: Any) -> None:
    panel.plot(times, values.clip(min=ends[0]), color=color, linestyle=dash, linewidth=1.6, zorder=5)


def _height(value: float, ends: tuple[float, float], log: bool) -> float:
    return min(max(fraction(value, *ends, log), 0.0), 1.0)


def _shade(panel: Axes, form: ExplanationFormat) -> None:
    for phase in form.explanation.phases:
        if phase.kind == PhaseKind.FALL:
            panel.axvspan(phase.balance.start * form.scale, phase.balance.end * form.scale, color=SHADE, lw=0)


def _gain_and_loss(page: Page, form: ExplanationFormat, width: float) -> None:
    explanation = form.explanation
    edges, gains, losses = _columns(explanation)
    gain, loss = (np.sum([np.zeros(len(edges) - 1), *side.values()], axis=0) for side in (gains, losses))
    averaged = " (means over the time between doses)" if len(edges) <= COLUMNS else ""
    changes = explanation.whole.has_background
    what = f"{form.side(GAIN, changes)} (up) and {form.side(LOSS, changes)} (down)"
    if changes:
        what += f" compared with {form.turnover}"
    if explanation.log:
        what += ", relative to the larger"
        turnover = np.maximum(gain, loss)
        size = np.where(turnover > LOWEST * turnover.max(), turnover, np.inf)
    else:
        what += f" [{unit_text(form.unit) or 1}/{form.clock}]"
        size = np.full(len(gain), form.scale)
    page.down(page.put(f"{what}{averaged}; black: net", MARGIN, LEFT + width - MARGIN, SMALL, GREY) + 0.08)
    bands = _bands(explanation, (gains, losses), size)
    heights = [np.sum([np.zeros(len(size)), *(band.heights for band in side)], axis=0) for side in bands]
    ends = (-1.0, 1.0) if explanation.log else limits(np.concatenate([heights[0], -heights[1], [0.0]]), False)
    panel = page.panel(LEFT, width, FLUX)
    set_scale(panel, "x", (0.0, explanation.scenario.end * form.scale), False, width)
    set_scale(panel, "y", ends, False, FLUX)
    if explanation.log:
        panel.set_yticks([-1, -0.5, 0, 0.5, 1], ["100 %", "50 %", "0", "50 %", "100 %"])
    _shade(panel, form)
    times = edges * form.scale
    _name_bands(panel, width, _fill(panel, times, bands, ends))
    net = (gain - loss) / size
    panel.step(times, np.append(net, net[-1]), where="post", color="#000000", linewidth=1.1, zorder=5)
    panel.axhline(0.0, color=DARK, linewidth=0.6, zorder=4)
    page.down(FLUX + 0.28)
    page.down(page.put(f"time [{form.clock}]", LEFT, width, 9, "#000000", "center") + 0.1)


def _fill(
    panel: Axes, times: Array, bands: Sequence[Sequence[ContributionBand]], ends: tuple[float, float]
) -> list[tuple[float, ContributionBand]]:
    """Draws the bands of gain upwards, those of loss downwards; returns each with the height of its middle (0 to 1)."""
    names = []
    for sign, side in zip((1.0, -1.0), bands, strict=True):
        base = np.zeros(len(times) - 1)
        for band in side:
            top = base + sign * band.heights
            below, above = (np.append(edge, edge[-1]) for edge in (base, top))
            panel.fill_between(times, below, above, step="post", zorder=3, **_look(band))
            middle = float(np.average((base + top) / 2, weights=band.heights + 1e-300))
            names.append((_height(middle, ends, False), band))
            base = top
    return names


def _columns(explanation: Explanation) -> tuple[Array, dict[str, Array], dict[str, Array]]:
    """Edges of the columns, shape (columns + 1,), and the mean gain and loss by each contributor in each column, per
    time unit of the model, against the turnover that cancels at rest, and without jumps."""
    flux, arm = explanation.flux, explanation.arm
    edges = np.linspace(flux.times[0], flux.times[-1], COLUMNS + 1)
    for dose in arm.doses:  # rates that swing with each of many doses would fill an area with black
        if dose.count > 2 and not dose.times and dose.every < CLOSE * (edges[1] - edges[0]):
            course = np.array([dose.entry(number) for number in range(dose.count + 1)])
            course = course[course < flux.times[-1]]
            edges = np.unique(np.concatenate([edges[(edges < course[0]) | (edges > course[-1])], course]))
    sides: list[dict[str, Array]] = []
    for sign in (1.0, -1.0):
        side = {}
        for each in explanation.contributors:
            excess = each.excess(explanation.rest)
            total = np.interp(edges, flux.times, flux.integral((sign * excess).clip(min=0.0)))
            side[each.id] = np.diff(total).clip(min=0.0) / np.diff(edges)
        sides.append(side)
    return edges, sides[0], sides[1]


def _bands(explanation: Explanation, sides: Sequence[dict[str, Array]], size: Array) -> list[list[ContributionBand]]:
    """On each side the largest contributors, then the others together; a contributor looks alike on both sides."""
    drawn = [{id: row / size for id, row in side.items()} for side in sides]
    totals = [sum(float(row.sum()) for row in side.values()) for side in drawn]
    largest = [
        sorted((id for id in side if side[id].sum() > NAMED * total), key=lambda id: -float(side[id].sum()))[:MOST]
        for side, total in zip(drawn, totals, strict=True)
    ]
    named = [each for each in explanation.contributors if any(each.id in ids for ids in largest)]
    found = []
    for sign, side, total, ids in zip((1.0, -1.0), drawn, totals, largest, strict=True):
        bands = []
        for number, each in enumerate(named):
            if each.id in ids:
                color = STYLES[1 + number % (len(STYLES) - 1)][0]
                hatch = HATCHES[number % len(HATCHES)]
                less = explanation.whole.has_background and explanation.rest.rates.get(each.id, 0.0) * sign < 0
                label = f"less: {_label(each)}" if less else _label(each)
                bands.append(ContributionBand(label, side[each.id], color, hatch))
        others = np.sum([np.zeros(len(size)), *(row for id, row in side.items() if id not in ids)], axis=0)
        if others.sum() > NONE * total:
            bands.append(ContributionBand("others", others, *OTHERS))
        found.append(bands)
    return found


def _label(contributor: Contributor) -> str:
    if contributor.kind in (ContributorKind.REACTION, ContributorKind.SPECIES):
        return short_label(contributor.label)
    return f"doses: {contributor.label}" if contributor.label else contributor.id


def _look(band: ContributionBand) -> dict[str, Any]:
    return {"facecolor": band.color, "edgecolor": "white", "hatch": band.hatch, "linewidth": 0.0}


def _name_bands(panel: Axes, width: float, names: list[tuple[float, ContributionBand]]) -> None:
    """Labels at the right, each with a sample of its band, in the order of the bands."""
    names = sorted(names, key=lambda each: each[0])
    texts = [wrap(band.label, ROOM - KEY - 3 * GAP, SMALL) for _, band in names]
    heights = [text_height(text, SMALL) / FLUX + 0.015 for text in texts]
    for (_, band), text, place in zip(names, texts, spread([each[0] for each in names], heights), strict=True):
        left, tall = 1 + GAP / width, 0.09 / FLUX
        where: dict[str, Any] = {"transform": panel.transAxes, "clip_on": False}
        panel.add_patch(Rectangle((left, place - tall / 2), KEY / width, tall, **where, **_look(band)))
        panel.text(left + (KEY + GAP) / width, place, text, transform=panel.transAxes, fontsize=SMALL, color=DARK,
                   va="center", linespacing=1.1)  # fmt: skip
