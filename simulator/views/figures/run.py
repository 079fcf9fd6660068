"""Figures of a run, one for each group of curves, readable without colour.

With several arms there is a panel for each curve, and arms differ in colour and dash. With one arm there is one panel,
and curves differ in colour and dash. Each curve has its name at its right end. On slides each panel is a slide.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from ...experiments.clock import clock_of
from ...experiments.expectations import Verdict
from ...experiments.run import RunResult
from ...experiments.scenario import Arm, Scenario
from ...experiments.targets import ASSUMED
from ...runtime.progress import Progress
from ..text.figure import Curve, describe_figure
from ..text.numbers import scale_text, with_unit
from ..text.timed_changes import windows
from .dose_marks import Strip, changes_of, doses_of, draw_strip
from .page import Page, Picture, fold, label_right, labels_height, text_height, text_width
from .panel import Panel, draw_panel, labels_of, panels_of
from .scales import set_scale, ticks_of
from .style import DARK, GAP, GREY, MARGIN, PAPER, Look, style

FORMATS = ("svg", "png")  # those that are written if no other are asked for
MOST_SOURCES = 5  # named in the key of a figure
DPI = 130
STRIP = 0.03  # inches between the strip of doses and the panel


def draw(result: RunResult, folder: Path, run: str, look: Look = PAPER, formats: Sequence[str] = FORMATS) -> list[Path]:
    """Writes the figures of a run in these formats; returns their paths."""
    paths = []
    with Progress("figures drawn", len(_groups(result, look))) as progress:
        for picture in pictures(result, look):
            paths += save(picture.figure, folder / picture.stem, result.scenario.title, picture.text, run, formats)
            progress.add()
    return paths


def pictures(result: RunResult, look: Look = PAPER) -> Iterator[Picture]:
    """The figures of a run, one at a time to save memory. With a look of fixed height each panel is a figure."""
    scenario = result.scenario
    found = [arm for arm in result.arms.values() if len(arm.trajectory.times)]
    clock, time_factor = clock_of(scenario)
    curves = []
    for arm in found:
        outcome = arm.trajectory.outcome
        failed = "" if outcome.ok else f" (failed at {with_unit(arm.trajectory.times[-1] * time_factor, clock)})"
        curves.append(Curve(arm.arm.title + failed, arm.trajectory, arm.arm.name))
    arms = [arm.arm for arm in found]
    for number, names in _groups(result, look):
        stem, figure, text = draw_group(scenario, names, curves, arms, "", look, result.verdicts)
        yield Picture(f"{number:02d}_{stem}"[:60], figure, text)


def _groups(result: RunResult, look: Look) -> list[tuple[int, tuple[str, ...]]]:
    """The names that each figure shows, with the number of their plot."""
    apart = look.height is not None and sum(len(arm.trajectory.times) > 0 for arm in result.arms.values()) > 1
    plots = list(enumerate(result.scenario.plots, 1))
    return [(number, (name,)) for number, names in plots for name in names] if apart else plots


def draw_group(
    scenario: Scenario, names: Sequence[str], curves: Sequence[Curve], arms: Sequence[Arm], title: str = "",
    look: Look = PAPER, verdicts: Sequence[Verdict] = (),
) -> Picture:  # fmt: skip
    """One figure: `names` by `curves`, with what is done in `arms`, and what of `verdicts` can be drawn; the
    scenario's title if no other."""
    panels = panels_of(scenario, names, curves, verdicts)
    title = title or scenario.title
    logs, aims = {name: panel.log for panel in panels for name in panel.names}, [aim for p in panels for aim in p.aims]
    text = f"{title}. {describe_figure(scenario, names, curves, arms, aims, logs)}"
    if look.height and len(panels) == 1 and panels[0].title:  # a slide is called by what it shows
        page = Page(panels[0].title, [title], look=look)
        panels = [panels[0]._replace(title="")]
    else:
        page = Page(title, [], look=look)
    key = key_of(panels)
    heights = _heights(page, panels, key)
    left = max(_left(panel, height, look) for panel, height in zip(panels, heights, strict=True))
    width = look.width - left - look.room
    clock, time_factor = clock_of(scenario)
    end = scenario.end * time_factor
    changed = windows(scenario, arms)
    marks = doses_of(arms, scenario.end, time_factor, _color) + changes_of(changed, arms, time_factor, _color)
    strip = Strip(end, width, look.room - GAP, look)
    marks = strip.fitted(marks)
    if look.height:
        heights = [height - (strip.height(marks) + STRIP) / len(panels) for height in heights]
    shades = sorted({(window.start * time_factor, window.end * time_factor) for window in changed})
    for panel, height in zip(panels, heights, strict=True):
        first, last = panel is panels[0], panel is panels[-1]
        if panel.title:
            page.down(page.put(panel.title, left, look.width - left - MARGIN, look.middle, DARK) + GAP / 2)
        if first:
            page.down(draw_strip(page, left, strip, marks) + STRIP)
        axis = page.panel(left, width, height)
        set_scale(axis, "x", (0.0, end), False, width, look.small)
        set_scale(axis, "y", panel.ends, panel.log, height, look.small)
        axis.tick_params(labelbottom=last)
        axis.set_ylabel(_axis_words(panel, height, look), fontsize=look.small)
        draw_panel(axis, panel, shades, time_factor, look)
        labels = labels_of(panel)
        tall = labels_height([label.text for label in labels], look.room, look)
        label_right(axis, width, height, labels, look.room, look, look.small * min(1.0, height / tall))
        page.down(height + (_numbers(look) if last else _between(look)))
    page.down(page.put(f"time [{clock}]", left, width, look.middle, "#000000", "center"))
    if key:
        page.down(GAP)
        page.down(page.put(key, MARGIN, look.width - 2 * MARGIN, look.small, GREY))
    return Picture("_".join(names), page.finish(), text)


def key_of(panels: Sequence[Panel]) -> str:
    """What the shaded ranges are and who published them; empty where there are none."""
    aims = [aim for panel in panels for aim in panel.aims]
    sources = list(dict.fromkeys(aim.source for aim in aims if aim.source != ASSUMED))
    more = [f"{len(sources) - MOST_SOURCES} more"] if len(sources) > MOST_SOURCES else []
    said = [f"published: {', '.join([*sources[:MOST_SOURCES], *more])}"] if sources else []
    said += ["our own expectation"] if any(aim.source == ASSUMED for aim in aims) else []
    if not aims:
        return ""
    return f"Shaded: expected range ({'; '.join(said)}); ● the curve is inside, ✖ outside."


def _heights(page: Page, panels: Sequence[Panel], key: str) -> list[float]:
    """The height of each panel in inches: what its labels need, or an equal part of a page of fixed height."""
    look = page.look
    if look.height is None:
        return [max(look.panel, labels_height([line.label for line in p.lines], look.room, look)) for p in panels]
    titles = sum(text_height(fold(p.title, look.width, look.middle), look.middle) + GAP / 2 for p in panels if p.title)
    below = _numbers(look) + text_height("", look.middle) + MARGIN * 2
    below += text_height(fold(key, look.width - 2 * MARGIN, look.small), look.small) + GAP if key else 0.0
    free = look.height - page.y - titles - below - _between(look) * (len(panels) - 1)
    return [free / len(panels)] * len(panels)


def _between(look: Look) -> float:
    """Inches between two panels."""
    return 0.16 * look.scale


def _numbers(look: Look) -> float:
    """Inches below a panel for the numbers of its axis."""
    return text_height("", look.small) + 0.13


def _left(panel: Panel, height: float, look: Look) -> float:
    """Inches to the left of a panel, for the tick labels and title of its y axis."""
    _, numbers = ticks_of("y", panel.ends, panel.log, height, look.small)
    words = text_height(_axis_words(panel, height, look), look.small)
    return max(text_width(each, look.small) for each in numbers) + words + 0.2 + MARGIN


def _axis_words(panel: Panel, height: float, look: Look) -> str:
    return fold(scale_text(panel.unit, panel.log), height, look.small)


def _color(number: int) -> str:
    return style(number)[0]


def save(
    figure: Figure, stem: Path, title: str, description: str, run: str, formats: Sequence[str] = FORMATS
) -> list[Path]:
    """Writes `figure` in each of the formats with its title, its description and the run's id inside.

    Returns the paths, which are `stem` with the format as their suffix. The same figure of the same run gives the same
    bytes.
    """
    text = f"{description} Run {run}."
    inside: dict[str, dict[str, Any]] = {
        "svg": {"Title": title, "Description": text, "Date": None},
        "png": {"Title": title, "Description": text, "Software": "immunesim"},
        "pdf": {"Title": title, "Subject": text, "Keywords": run, "Creator": "immunesim", "CreationDate": None},
    }
    paths = []
    # text stays text, which can be searched and edited; ids in an SVG depend on the run alone
    with matplotlib.rc_context({"svg.hashsalt": run, "svg.fonttype": "none", "pdf.fonttype": 42}):
        for kind in formats:
            path = stem.with_name(f"{stem.name}.{kind}")
            figure.savefig(path, dpi=DPI, metadata=inside[kind])
            paths.append(path)
    return paths
