"""Patients of a population that were accepted, beside all that were drawn and what is published."""

from __future__ import annotations

import numpy as np

from ....experiments.scenario import MAIN
from ....experiments.sweeps import statistics
from ....experiments.sweeps.acceptance import acceptance
from ....experiments.sweeps.compute import SweepResult
from ...text.acceptance import sentence
from ...text.numbers import axis_title
from ..page import Label, Page, Picture, label_right
from ..scales import limits, set_scale
from ..style import DARK, GREY, SMALL, style
from .lines import LEFT, ROOM

BINS, HEIGHT = 30, 1.5  # of a histogram; inches of a panel
SHARE = 1.35  # of the highest bar: where the published mean stands above all of them


def accepted(result: SweepResult) -> Picture | None:
    """A panel for each measure of which a mean is published: how all patients are spread over it, and how those that
    are accepted are; None where nothing is published or nobody is accepted."""
    found = acceptance(result)
    if found is None or not found.met or not found.accepted.any():
        return None
    page = Page(result.scenario.title, [sentence(found)])
    width = page.width - LEFT - ROOM
    items = {each.id: (number, each) for number, each in enumerate(result.sweep.measures)}
    rows = np.searchsorted(result.numbers, found.numbers)
    color = style(1)[0]
    for wanted in [each for each in result.sweep.wanted if each.mean is not None]:
        number, item = items[wanted.measure]
        arm = "" if wanted.arm == MAIN else f", {result.scenario.arm(wanted.arm).title}"
        page.down(page.put(f"{item.label}{arm}", LEFT, width, 10, DARK) + 0.06)
        values = statistics.measure_values(result, result.sweep.arms.index(wanted.arm), number)[rows]
        low, high = np.quantile(values, [0.005, 0.995])
        edges = np.linspace(low, high, BINS + 1)
        heights = [np.histogram(each, edges, density=True)[0] for each in (values, values[found.accepted])]
        panel = page.panel(LEFT, width, HEIGHT)
        top = SHARE * max(float(each.max()) for each in heights)
        set_scale(panel, "x", limits(values[(values >= low) & (values <= high)], False), False, width, SMALL)
        panel.set_ylim(0.0, top)
        panel.set_yticks([])
        panel.stairs(heights[0], edges, fill=True, color=GREY, alpha=0.35, zorder=2)
        panel.stairs(heights[1], edges, color=color, linewidth=1.6, zorder=3)
        spread = wanted.sd or 0.0
        panel.errorbar(
            [wanted.mean or 0.0], [0.92 * top], xerr=spread, fmt="D", color="#000000", ms=5, capsize=3, zorder=4
        )
        panel.set_xlabel(axis_title("", item.unit_text).strip(), fontsize=SMALL)
        labels = [Label(0.92, "published, ± SD", "#000000", "-"), Label(0.5, "accepted", color, "-"),
                  Label(0.25, "all patients", GREY, "-")]  # fmt: skip
        label_right(panel, width, HEIGHT, labels, ROOM)
        page.down(HEIGHT + 0.55)
    return Picture("accepted", page.finish(), sentence(found))
