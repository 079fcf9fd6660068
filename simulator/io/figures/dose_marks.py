"""What is done and when, in a strip above the panels: doses as ticks or bars, changes as bars, each with its name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from ...experiments.scenario import Arm, Dose
from ..windows import Window
from .page import Page, high, wide
from .style import GAP, GREY, Look, ink

BAR = 0.01  # of the axis: a dose that takes longer is drawn as a bar
MANY = 3  # doses of different names, all into one target, are named together
ROW = 1.1  # height of a row, of a line of text
BETWEEN = 0.05  # inches between two things in a row


Given = tuple[str, tuple[float, ...], float]  # name, times and length of a dose


class Marked(NamedTuple):
    """Something that is done: its name, starts, length and colours, in the unit of the axis.

    colors: one, or one of each arm that it is done in. kind: ``dose`` or ``change``.
    """

    name: str
    times: tuple[float, ...]
    over: float
    colors: tuple[str, ...]
    kind: str = "dose"

    @property
    def last(self) -> float:
        return self.times[-1] + self.over


class Strip(NamedTuple):
    """What a strip is drawn on: `end` of the axis in its unit, and inches of the axis and right of it."""

    end: float
    width: float
    room: float
    look: Look

    def inches(self, time: float) -> float:
        return time / self.end * self.width

    def side(self, marked: Marked) -> str:
        """Where a name goes: behind the marks, before them, or, where they fill the axis, on them."""
        long = wide(marked.name, self.look.small) + 2 * GAP
        if self.inches(marked.last) + long <= self.width + self.room:
            return "behind"
        return "before" if self.inches(marked.times[0]) >= long else "on"

    def span(self, marked: Marked) -> tuple[float, float]:
        """From where to where marks and name go, in inches."""
        long = wide(marked.name, self.look.small) + GAP + BETWEEN
        first, last, side = self.inches(marked.times[0]), self.inches(marked.last), self.side(marked)
        return (
            first - long * (side == "before") - BETWEEN,
            max(last + long * (side == "behind"), first + long * (side == "on")) + BETWEEN,
        )

    def rows(self, marked: Sequence[Marked]) -> list[list[Marked]]:
        """In as many rows as it takes that none meets another."""
        rows: list[list[Marked]] = []
        for each in marked:
            first, last = self.span(each)
            free = [row for row in rows if all(last < a or first > b for a, b in map(self.span, row))]
            if free:
                free[0].append(each)
            else:
                rows.append([each])
        return rows

    @property
    def row(self) -> float:
        """Inches of a row."""
        return ROW * high("", self.look.small)

    def high(self, marked: Sequence[Marked]) -> float:
        """Inches that these take."""
        return self.row * len(self.rows(marked))


def doses_of(arms: Sequence[Arm], end: float, long: float, color_of: Callable[[int], str]) -> list[Marked]:
    """Every dose; where arms differ in when something is given, each schedule in the colour of the first arm that
    has it. end is in the model's unit of time, of which the axis has `long` in one; color_of gives the colour of
    an arm by its number."""
    found: dict[str, dict[tuple[Given, ...], str]] = {}
    for number, arm in enumerate(arms):
        for target in dict.fromkeys(dose.target for dose in arm.doses):
            schedule = tuple(_given([dose for dose in arm.doses if dose.target == target], end, long))
            if schedule:
                found.setdefault(target, {}).setdefault(schedule, color_of(number))
    marked: dict[Given, tuple[str, ...]] = {}
    for schedules in found.values():
        for schedule, color in schedules.items():
            for given in schedule:
                shared = all(given in other for other in schedules)
                marked.setdefault(given, (GREY if shared else color,))
    return [Marked(name, times, over, colors) for (name, times, over), colors in marked.items()]


def _given(doses: Sequence[Dose], end: float, long: float) -> Iterator[Given]:
    """Name, times and length of each of the doses of one arm into one target; of many alike as one, named after the
    first and the last."""
    names = [dose.name.replace("_", " ") for dose in doses]
    groups = [list(doses)] if len(doses) >= MANY and len({dose.over for dose in doses}) == 1 else [[d] for d in doses]
    for group in groups:
        name = f"{names[0]} … {names[-1]}" if len(group) > 1 else group[0].name.replace("_", " ")
        times = sorted(time for dose in group for time in map(dose.time, range(dose.count)) if time < end)
        if times:
            yield name, tuple(time * long for time in times), min(group[0].over, end - times[-1]) * long


def changes_of(
    windows: Sequence[Window], arms: Sequence[Arm], long: float, color_of: Callable[[int], str]
) -> list[Marked]:
    """Every timed change, those that say the same of the same arms together: grey where it is in all `arms`, else
    in the colours of those that have it."""
    number = {arm.name: i for i, arm in enumerate(arms)}
    found: dict[tuple[str, tuple[str, ...], float], list[float]] = {}
    for window in windows:
        colors = tuple(color_of(number[name]) for name in window.arms) if len(window.arms) < len(arms) else (GREY,)
        found.setdefault((window.words, colors, (window.end - window.start) * long), []).append(window.start * long)
    return [Marked(words, tuple(times), over, colors, "change") for (words, colors, over), times in found.items()]


def draw_strip(page: Page, left: float, strip: Strip, marked: Sequence[Marked]) -> float:
    """A strip at the present height of the page, `left` inches from its edge; returns the inches that it takes."""
    rows = strip.rows(marked)
    if not rows:
        return 0.0
    height = strip.row * len(rows)
    axis = page.panel(left, strip.width, height)
    axis.set_axis_off()
    axis.set_label("strip")
    axis.set_xlim(0, strip.end)
    axis.set_ylim(len(rows) - 0.5, -0.5)
    for row, items in enumerate(rows):
        for item in items:
            _draw(axis, item, row, strip)
    return height


def _draw(axis: Axes, marked: Marked, row: int, strip: Strip) -> None:
    size = strip.look.small
    if marked.kind == "change":
        _bars(axis, marked, row, 0.42)
    elif marked.over > BAR * strip.end:
        _bars(axis, marked, row, 0.3)
    if marked.kind == "dose":
        marks: dict[str, Any] = {"color": marked.colors[0], "markersize": 0.55 * size, "clip_on": False, "zorder": 9}
        axis.plot(marked.times, [row] * len(marked.times), "v", **marks)
    side = strip.side(marked)
    gap = GAP / strip.width * strip.end
    x = {"behind": marked.last + gap, "before": marked.times[0] - gap, "on": marked.times[0] + gap}[side]
    color = ink(marked.colors[0]) if len(marked.colors) == 1 else GREY
    box = {"facecolor": "white", "edgecolor": "none", "pad": 0.5} if side == "on" else None
    across = "right" if side == "before" else "left"
    words: dict[str, Any] = {"fontsize": size, "color": color, "ha": across, "va": "center_baseline", "zorder": 10}
    axis.text(x, row, marked.name.replace("$", r"\$"), bbox=box, **words)


def _bars(axis: Axes, marked: Marked, row: int, high: float) -> None:
    """A bar for each time, in a stripe of each colour."""
    thick = high / len(marked.colors)
    for time in marked.times:
        for i, color in enumerate(marked.colors):
            place = (time, row - high / 2 + i * thick)
            axis.add_patch(Rectangle(place, marked.over, thick, facecolor=color, edgecolor="none", clip_on=False))
