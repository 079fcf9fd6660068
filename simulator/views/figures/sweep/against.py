"""One measure against each of many parameters: small panels of its median and band, strongest first."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ....experiments.sweeps.compute import SweepResult
from ...text import sweep_measures as words
from ..page import Page, Picture, fold, high
from ..scales import is_log
from ..style import DARK, MARGIN, SMALL, style
from .lines import LEFT, axis_words, band_words, draw_panel, labels_of


def against_each(result: SweepResult, measure: int, axes: Sequence[int], omitted: int) -> Picture:
    """A small panel of one measure for each of these axes, strongest first."""
    sweep = words.sweep_of(result)
    item = sweep.measures[measure]
    arms = words.arms_of(result)
    log = is_log(item, np.concatenate([words.measured(result, a, measure) for a in range(len(arms))]))
    less = f" {omitted} more parameters follow it less and are left out." if omitted else ""
    order = "Parameters in the order in which the measure follows them"
    order += ", each in the arm in which it follows it best" if len(arms) > 1 else ""
    note = f"{words.members_words(result)}. {band_words(result)}. {order}.{less}"
    page = Page(result.scenario.title, [note])
    page.down(page.put(words.named(item, log), MARGIN, page.width - 0.5, 10, DARK) + 0.06)
    _key(page, result, measure, arms)
    columns = min(3, len(axes))
    step = (page.width - 0.1) / 3
    size = (step - LEFT + 0.05, 1.5)
    for first in range(0, len(axes), columns):
        row = axes[first : first + columns]
        drawn = [
            draw_panel(page, LEFT - 0.15 + c * step, size, result, along, measure, True) for c, along in enumerate(row)
        ]
        page.down(max(total for _, _, total in drawn) + 0.24)
        texts = [axis_words(result, along, sweep.design.axes[along]) for along in row]
        taken = [page.put(t, LEFT - 0.35 + c * step, size[0] + 0.3, SMALL, "#000000") for c, t in enumerate(texts)]
        page.down(max(taken) + 0.16)
    strong = words.clearest(result, measure)
    ranks = "; ".join(f"{sweep.design.axes[i].label} {strong[i]:+.2f}" for i in axes)
    start = f"{item.label} against each of {len(axes)} parameters"
    text = f"{words.describe(result, start, [measure], axes)} Rank correlation with the measure: {ranks}."
    return Picture(f"against_{item.id}", page.finish(), text)


def _key(page: Page, result: SweepResult, measure: int, arms: Sequence[str]) -> None:
    """The arms with their colour and dash, one below the other, where there are several or something is missing."""
    said = labels_of(result, measure, arms)
    room = page.width - 0.3
    for number, parts in enumerate(said):
        named = len(arms) > 1 and len(parts) > 1
        text = f"{parts[0]}: {', '.join(parts[1:])}" if named else ", ".join(parts)
        tall = high(fold(text, room - 0.6, SMALL), SMALL)
        line = page.panel(MARGIN, 0.3, tall)
        line.set_axis_off()
        color, dash = style(number)
        line.plot([0, 1], [0.5, 0.5], color=color, linestyle=dash, linewidth=1.6)
        page.down(page.put(text, MARGIN + 0.4, room - 0.6, SMALL, color) + 0.03)
    if said:
        page.down(0.06)
