"""Sensitivities as bars with their intervals, the parameter that matters most on top."""

from __future__ import annotations

import numpy as np

from ....experiments.sweeps.compute import SweepResult
from ....experiments.sweeps.sensitivity import Sensitivity
from ....experiments.sweeps.sensitivity_designs import Local, Saltelli
from ...text import sweep_measures as texts
from ...text.numbers import axis_title
from ...text.sensitivity import sentence_of
from ..page import Page, Picture, text_height, wrap
from ..scales import limits, set_scale
from ..style import DARK, GREY, SMALL

NAMES, WIDTH = 2.5, 5.0  # inches: the names at the left, and the bars
ROW = 0.3  # inches
MOST_BARS = 20
MAIN, SECOND = "#0072B2", "#D55E00"


def indices(result: SweepResult, found: Sensitivity) -> Picture | None:
    """The bars of one measure in one arm; None where there are no indices."""
    if not found.indices:
        return None
    item, design = result.sweep.measures[found.measure], result.sweep.design
    shown = found.indices[:MOST_BARS]
    if isinstance(design, Saltelli):
        note = "Bar: total index, alone and together with others; circle: first index, alone; lines: 95 % intervals"
        across = "share of the variance"
    elif isinstance(design, Local):
        note = "Bar: change in % where the parameter is 1 % larger; line: error of the differences"
        across = "elasticity"
    else:
        note = "Bar: mean size of the change over the range of the parameter, with its 95 % interval; circle: with sign"
        across = axis_title("mean change", item.unit_text)
    arm = texts.arm_titles(result)[found.arm]
    several = f", {arm}" if len(result.sweep.arms) > 1 else ""
    sentence = sentence_of(result, found, names=False)
    page = Page(result.scenario.title, [f"{texts.members_text(result)}. {note}."])
    page.down(page.put(f"{texts.title(item)}{several}", 0.12, page.width - 0.24, 10, DARK) + 0.08)
    names = [wrap(each.axis.label, NAMES - 0.25, SMALL) for each in shown]
    steps = [max(ROW, text_height(name, SMALL) + 0.06) for name in names]
    panel = page.panel(NAMES, WIDTH, sum(steps))
    ends = np.array([0.0, *(edge for each in shown for edge in (each.value - each.half, each.value + each.half))])
    circles = [(each.second, each.second_half or 0.0) for each in shown if each.second is not None]
    seconds = np.array([edge for at, half in circles for edge in (at - half, at + half)])
    set_scale(panel, "x", limits(np.concatenate([ends, seconds]), False), False, WIDTH)
    panel.set_ylim(sum(steps), 0)
    panel.set_yticks([])
    panel.spines["left"].set_visible(False)
    panel.grid(True, axis="x", color="#e6e6e6", linewidth=0.6)
    panel.set_axisbelow(True)
    panel.axvline(0.0, color=GREY, linewidth=0.8)
    top = 0.0
    for each, name, step in zip(shown, names, steps, strict=True):
        row = top + step / 2
        panel.barh(row, each.value, height=0.17, color=MAIN, zorder=2)
        panel.plot(
            [each.value - each.half, each.value + each.half], [row, row], color="#000000", linewidth=1.1, zorder=3
        )
        if each.second is not None:
            low = row + 0.1
            if each.second_half is not None:
                reach = [each.second - each.second_half, each.second + each.second_half]
                panel.plot(reach, [low, low], color=SECOND, linewidth=0.9, zorder=4)
            panel.plot([each.second], [low], "o", ms=3.6, color="white", mec=SECOND, mew=1.1, zorder=5)
        panel.text(-0.12 / WIDTH, row, name, transform=panel.get_yaxis_transform(), ha="right", va="center",
                   fontsize=SMALL, linespacing=1.1)  # fmt: skip
        top += step
    page.down(sum(steps) + 0.28)
    page.down(page.put(across, NAMES, WIDTH, 9, "#000000", "center") + 0.1)
    page.down(page.put(sentence, 0.12, page.width - 0.24, SMALL, DARK) + 0.04)
    stem = f"indices_{item.id}" + (f"_{result.sweep.arms[found.arm]}" if len(result.sweep.arms) > 1 else "")
    return Picture(stem, page.finish(), f"Sensitivities of {texts.item_label(item)}{several}. {sentence}")
