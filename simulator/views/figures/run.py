"""Figures of a run, one for each group of curves, readable without colour.

With several arms there is a panel for each curve, and arms differ in colour and dash. With one arm there is one panel,
and curves differ in colour and dash. Each curve has its name at its right end. On slides each panel is a slide.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from ...experiments.clock import clock_of
from ...experiments.expectations import Verdict, asked
from ...experiments.measures import curve_names
from ...experiments.residuals import DataResult
from ...experiments.run import RunResult
from ...experiments.scenario import Arm, Scenario
from ...experiments.targets import ASSUMED
from ...runtime.progress import Progress
from ..text.figure import Curve, describe_figure
from ..text.numbers import scale_text, with_unit
from ..text.timed_changes import windows
from .dose_marks import Strip, changes_of, doses_of, draw_strip, settings_of
from .page import Page, Picture, label_right, labels_height, text_height, text_width, wrap
from .panel import MARKS, Panel, PanelPoints, curve_labels, draw_panel, panels_of
from .residuals import has_residuals, residual_picture
from .scales import set_scale, ticks_of
from .style import CARD, DARK, FIRST, GAP, GREY, MARGIN, PAPER, Medium, style

FORMATS = ("svg", "png")  # those that are written if no other are asked for
MOST_ARMS = 6  # on a slide, whose height is fixed: the names of more are too small to read
MOST_SERIES = 6  # of points that are named one by one
SHORT = 40  # characters of a citation that is named in full
MOST_SOURCES = 5  # named below a figure
FOOT = 11.0  # points: sources at the foot of a slide, for who reads it later
DPI = 130
STRIP = 0.03  # inches between the strip of doses and the panel


def draw(
    result: RunResult, folder: Path, run: str, medium: Medium = PAPER, formats: Sequence[str] = FORMATS
) -> list[Path]:
    """Writes the figures of a run in these formats; returns their paths."""
    paths = []
    slides = len(_arms_together(len(result.arms))) if medium.height else 1
    with Progress("figures drawn", len(_groups(result, medium)) * slides + has_residuals(result)) as progress:
        for picture in pictures(result, medium):
            paths += save(picture.figure, folder / picture.stem, result.scenario.title, picture.text, run, formats)
            progress.add()
    return paths


def pictures(result: RunResult, medium: Medium = PAPER) -> Iterator[Picture]:
    """The figures of a run, one at a time to save memory, the last of the residuals of its data. On a medium of fixed
    height each panel is a figure."""
    scenario = result.scenario
    found = [arm for arm in result.arms.values() if len(arm.trajectory.times)]
    clock, time_factor = clock_of(scenario)
    curves = []
    for arm in found:
        outcome = arm.trajectory.outcome
        failed = "" if outcome.ok else f" (failed at {with_unit(arm.trajectory.times[-1] * time_factor, clock)})"
        curves.append(Curve(arm.arm.title + failed, arm.drawn, arm.arm.name))
    arms = [arm.arm for arm in found]
    parts = _arms_together(len(found)) if medium.height else [[*range(len(found))]]
    for number, names in _groups(result, medium):
        for part, places in enumerate(parts, 1):
            some, own = [curves[place] for place in places], [arms[place] for place in places]
            made = draw_group(scenario, names, some, own, "", medium, result.verdicts, result.data)
            end = f"_{part}" if len(parts) > 1 else ""
            yield made._replace(stem=f"{number:02d}_{made.stem}"[:60] + end)
    last = residual_picture(result, medium) if medium not in (CARD, FIRST) else None
    if last is not None:
        yield last._replace(stem=f"{len(scenario.plots) + 1:02d}_{last.stem}")


def _arms_together(count: int) -> list[list[int]]:
    """Which arms a slide shows, by place: all, or the first with some of the others on each."""
    others = [*range(1, count)]
    if count <= MOST_ARMS:
        return [[*range(count)]]
    slides = math.ceil(len(others) / (MOST_ARMS - 1))
    each = math.ceil(len(others) / slides)
    return [[0, *others[first : first + each]] for first in range(0, len(others), each)]


def _groups(result: RunResult, medium: Medium) -> list[tuple[int, tuple[str, ...]]]:
    """The names that each figure shows, with the number of their plot."""
    apart = medium.height is not None and sum(len(arm.trajectory.times) > 0 for arm in result.arms.values()) > 1
    plots = list(enumerate(result.scenario.plots, 1))
    return [(number, (name,)) for number, names in plots for name in names] if apart else plots


def draw_group(
    scenario: Scenario, names: Sequence[str], curves: Sequence[Curve], arms: Sequence[Arm], title: str = "",
    medium: Medium = PAPER, verdicts: Sequence[Verdict] = (), data: Sequence[DataResult] = (),
) -> Picture:  # fmt: skip
    """One figure: `names` of `curves`, with the doses and changes of `arms`, those `verdicts` that can be drawn, and
    the `data` of these curves.

    title: by default that of the scenario.
    """
    panels = panels_of(scenario, names, curves, verdicts, data)
    title = title or scenario.title
    logs, aims = {name: panel.log for panel in panels for name in panel.names}, [aim for p in panels for aim in p.aims]
    drawn = [each for each in data if any(each.data.name == points.data.name for p in panels for points in p.points)]
    text = f"{title}. {describe_figure(scenario, names, curves, arms, aims, logs, drawn)}"
    heading, notes = title, list[str]()
    if (medium.height or medium is FIRST) and len(panels) == 1 and panels[0].title:  # it is called by what it shows
        heading, notes = panels[0].title, [title] if medium.height else []
        panels = [panels[0]._replace(title="")]
    page = Page(heading, notes, medium=medium)
    page.foot(sources_text(scenario, names, verdicts, data, page.width - 2 * MARGIN), FOOT)
    points = [each for panel in panels for each in panel.points]
    key = " ".join(filter(None, [data_text(scenario, points), legend_text(panels), cut_text(scenario, panels)]))
    heights = _heights(page, panels, key)
    left = max(_left(panel, height, medium) for panel, height in zip(panels, heights, strict=True))
    width = medium.width - left - medium.room
    clock, time_factor = clock_of(scenario)
    end = scenario.end * time_factor
    changed = windows(scenario, arms)
    marks = doses_of(arms, scenario.end, time_factor, _color) + changes_of(changed, arms, time_factor, _color)
    marks += settings_of(arms, scenario.model, time_factor, _color)
    strip = Strip(end, width, medium.room - GAP, medium)
    marks = strip.fitted(marks)
    if medium.height:
        heights = [height - (strip.height(marks) + STRIP) / len(panels) for height in heights]
    shades = sorted({(window.start * time_factor, window.end * time_factor) for window in changed})
    for panel, height in zip(panels, heights, strict=True):
        first, last = panel is panels[0], panel is panels[-1]
        if panel.title:
            page.down(page.put(panel.title, left, medium.width - left - MARGIN, medium.middle, DARK) + GAP / 2)
        if first:
            page.down(draw_strip(page, left, strip, marks) + STRIP)
        axis = page.panel(left, width, height)
        set_scale(axis, "x", (0.0, end), False, width, medium.small)
        set_scale(axis, "y", panel.ends, panel.log, height, medium.small)
        axis.tick_params(labelbottom=last)
        axis.set_ylabel(_axis_words(panel, height, medium), fontsize=medium.small)
        draw_panel(axis, panel, shades, time_factor, medium)
        labels = curve_labels(panel)
        tall = labels_height([label.text for label in labels], medium.room, medium)
        label_right(axis, width, height, labels, medium.room, medium, medium.small * min(1.0, height / tall))
        page.down(height + (_numbers(medium) if last else _between(medium)))
    page.down(page.put(f"time [{clock}]", left, width, medium.middle, "#000000", "center"))
    if key:
        page.down(GAP)
        page.down(page.put(key, MARGIN, medium.width - 2 * MARGIN, medium.small, GREY))
    stem = re.sub(r"\W+", "_", "_".join(names)).strip("_")
    return Picture(stem, page.finish(), text, heading)


def sources_text(
    scenario: Scenario, names: Sequence[str], verdicts: Sequence[Verdict], data: Sequence[DataResult], width: float
) -> str:
    """Who published what is expected or was measured of these curves, in full, for the foot of a slide; as many as two
    lines of this many inches hold. Empty where nobody did."""
    texts = [
        each.expectation.source
        for each in asked(verdicts)
        if set(names) & {*curve_names(each.expectation.measure, scenario.model)}
    ]
    texts += [each.data.source for each in data if each.data.curve.text in names]
    citations = cited_in_full(scenario, texts)
    shown = citations
    while len(shown) > 1 and wrap(_sources(shown, len(citations)), width, FOOT).count("\n") > 1:
        shown = shown[:-1]
    return _sources(shown, len(citations)) if shown else ""


def cited_in_full(scenario: Scenario, texts: Iterable[str]) -> list[str]:
    """The publications that these sources name, each once: ``Konrad MW et al. 1990, Cancer Res 50:2009``."""
    keys = [part.split(",")[0].strip() for text in texts for part in text.split(";")]
    found = [scenario.source(key) for key in dict.fromkeys(keys)]
    return list(dict.fromkeys(each.citation for each in found if each is not None))


def _sources(shown: Sequence[str], count: int) -> str:
    more = f"; and {count - len(shown)} more" if count > len(shown) else ""
    return f"Sources: {'; '.join(shown)}{more}."


def data_text(scenario: Scenario, points: Sequence[PanelPoints]) -> str:
    """What the points are: their names, what their bars show, and their sources; empty where there are none."""
    once = {each.data.name: each for each in points}
    groups: dict[str, list[str]] = {}
    for each in once.values():
        data, source = each.data, scenario.source(each.data.source.split(",")[0].strip())
        bars = {"SD": "± SD", "SE": "± SE"}.get(data.bars, "with intervals") if each.has_bars else ""
        where = source.citation if source is not None and len(source.citation) <= SHORT else data.source
        about = ", ".join(filter(None, [bars, where]))
        groups.setdefault(about, []).append(f"{MARKS[each.mark]} {data.name}")
    kinds = [
        ", ".join(names if len(names) <= MOST_SERIES else [*names[:2], f"… {names[-1]}"])
        + (f" ({about})" if about else "")
        for about, names in groups.items()
    ]
    limits = any(point.censored for each in once.values() for point in each.data.points)
    return f"Measured: {'; '.join(kinds)}{'; ▽ below the limit of measurement' * limits}." if kinds else ""


def legend_text(panels: Sequence[Panel]) -> str:
    """What the shaded ranges are and who published them; empty where there are none."""
    aims = [aim for panel in panels for aim in panel.aims]
    sources = list(dict.fromkeys(aim.source for aim in aims if aim.source != ASSUMED))
    more = [f"{len(sources) - MOST_SOURCES} more"] if len(sources) > MOST_SOURCES else []
    kinds = [f"published: {', '.join([*sources[:MOST_SOURCES], *more])}"] if sources else []
    kinds += ["our own expectation"] if any(aim.source == ASSUMED for aim in aims) else []
    if not aims:
        return ""
    return f"Shaded: expected range ({'; '.join(kinds)}); ● the curve is inside, ✖ outside."


def cut_text(scenario: Scenario, panels: Sequence[Panel]) -> str:
    """Which parts of curves lie below a logarithmic axis, such as zeros; empty if none does."""
    cut = []
    for panel in panels:
        low, names = panel.ends[0], [line.name for line in panel.lines if (line.values < panel.ends[0]).any()]
        if panel.log and names:
            cut.append(f"{', '.join(map(scenario.label, dict.fromkeys(names)))} below {with_unit(low, panel.unit, 2)}")
    return f"Not shown on a log axis: {'; '.join(cut)}." if cut else ""


def _heights(page: Page, panels: Sequence[Panel], key: str) -> list[float]:
    """The height of each panel in inches: what its labels need, or an equal part of a page of fixed height."""
    medium = page.medium
    if medium.height is None:
        return [max(medium.panel, labels_height([line.label for line in p.lines], medium.room, medium)) for p in panels]
    titles = sum(
        text_height(wrap(p.title, medium.width, medium.middle), medium.middle) + GAP / 2 for p in panels if p.title
    )
    below = _numbers(medium) + text_height("", medium.middle) + MARGIN + page.bottom
    below += text_height(wrap(key, medium.width - 2 * MARGIN, medium.small), medium.small) + GAP if key else 0.0
    free = medium.height - page.y - titles - below - _between(medium) * (len(panels) - 1)
    return [free / len(panels)] * len(panels)


def _between(medium: Medium) -> float:
    """Inches between two panels."""
    return 0.16 * medium.scale


def _numbers(medium: Medium) -> float:
    """Inches below a panel for the numbers of its axis."""
    return text_height("", medium.small) + 0.13


def _left(panel: Panel, height: float, medium: Medium) -> float:
    """Inches to the left of a panel, for the tick labels and title of its y axis."""
    _, numbers = ticks_of("y", panel.ends, panel.log, height, medium.small)
    words = text_height(_axis_words(panel, height, medium), medium.small)
    return max(text_width(each, medium.small) for each in numbers) + words + 0.2 + MARGIN


def _axis_words(panel: Panel, height: float, medium: Medium) -> str:
    return wrap(scale_text(panel.unit, panel.log), height, medium.small)


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
