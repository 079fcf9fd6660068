"""The strip above the panels: doses as ticks or bars and timed changes as bars, each with its name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from ...experiments.scenario import Arm, Dose
from ...model.model import Model
from ..text.rules import settings_words
from ..text.timed_changes import Window
from .page import Page, text_height, text_width
from .style import GAP, GREY, Medium, ink

BAR = 0.01  # of the axis: a dose that takes longer is drawn as a bar
MANY = 3  # doses of different names, all into one target, are named together
LONGEST = 45  # characters of two names in one mark: of longer ones the first says enough
ROW = 1.1  # height of a row, of a line of text
BETWEEN = 0.05  # inches between two things in a row


class DoseMark(NamedTuple):
    """A dose, or several together, in the time unit of the axis."""

    name: str
    target: str
    times: tuple[float, ...]
    over: float


class StripMark(NamedTuple):
    """Something that is marked in the strip, in the time unit of the axis.

    short: its name where there is no room next to the marks. colors: one, or one for each arm that it is done in.
    kind: ``dose`` or ``change``.
    """

    name: str
    times: tuple[float, ...]
    over: float
    colors: tuple[str, ...]
    kind: str = "dose"
    short: str = ""

    @property
    def last(self) -> float:
        """When the last of them ends."""
        return self.times[-1] + self.over


class Strip(NamedTuple):
    """The geometry of a strip: `end` of the time axis in its unit, inches of the axis and of the room to its right."""

    end: float
    width: float
    room: float
    medium: Medium

    def inches(self, time: float) -> float:
        """Inches from the left at which a time is."""
        return time / self.end * self.width

    def side(self, mark: StripMark) -> str:
        """Where the name goes: behind the marks, before them, or on them where they fill the axis."""
        name_width = text_width(mark.name, self.medium.small) + 2 * GAP * self.medium.scale
        if self.inches(mark.last) + name_width <= self.width + self.room:
            return "behind"
        return "before" if self.inches(mark.times[0]) >= name_width else "on"

    def span(self, mark: StripMark) -> tuple[float, float]:
        """The inches from the left at which marks and name begin and end."""
        name_width = text_width(mark.name, self.medium.small) + GAP * self.medium.scale + BETWEEN
        first, last, side = self.inches(mark.times[0]), self.inches(mark.last), self.side(mark)
        return (
            first - name_width * (side == "before") - BETWEEN,
            max(last + name_width * (side == "behind"), first + name_width * (side == "on")) + BETWEEN,
        )

    def rows(self, marks: Sequence[StripMark]) -> list[list[StripMark]]:
        """The marks in as few rows as possible without overlap."""
        rows: list[list[StripMark]] = []
        for each in marks:
            first, last = self.span(each)
            free = [row for row in rows if all(last < a or first > b for a, b in map(self.span, row))]
            if free:
                free[0].append(each)
            else:
                rows.append([each])
        return rows

    @property
    def row(self) -> float:
        """The height of a row in inches."""
        return ROW * text_height("", self.medium.small)

    def fitted(self, marks: Sequence[StripMark]) -> list[StripMark]:
        """The same marks, under their short names where the full name does not fit."""
        return [m._replace(name=m.short) if m.short and self.side(m) == "on" else m for m in marks]

    def height(self, marks: Sequence[StripMark]) -> float:
        """The height of these marks in inches."""
        return self.row * len(self.rows(marks))


def doses_of(arms: Sequence[Arm], end: float, time_factor: float, color_of: Callable[[int], str]) -> list[StripMark]:
    """Every dose: in grey if all arms that are given anything have it, else in the colours of those that have it. end
    is in the model's unit of time, of which the axis has `time_factor` in one;
    color_of gives the colour of an arm by its number."""
    given = [_given(arm.doses, end, time_factor) for arm in arms]
    found: dict[DoseMark, tuple[str, ...]] = {}
    for mark in dict.fromkeys(mark for marks in given for mark in marks):
        having = [i for i, marks in enumerate(given) if mark in marks]
        found[mark] = (GREY,) if len(having) == sum(map(bool, given)) else tuple(color_of(i) for i in having)
    return [StripMark(mark.name, mark.times, mark.over, colors) for mark, colors in found.items()]


def _given(doses: Sequence[Dose], end: float, time_factor: float) -> list[DoseMark]:
    """The doses of an arm, each by itself; many into one target together, under the names of the first and the last."""
    found = []
    for target in dict.fromkeys(dose.target for dose in doses):
        into = [dose for dose in doses if dose.target == target]
        together = len(into) >= MANY and len({dose.over for dose in into}) == 1
        for group in [into] if together else [[dose] for dose in into]:
            names = [dose.name.replace("_", " ") for dose in (group[0], group[-1])]
            times = sorted(time for dose in group for time in dose.starts if time < end)
            if times:
                over = min(group[0].over, end - times[-1]) * time_factor
                name = " … ".join(dict.fromkeys(names))
                name = (name if len(name) <= LONGEST else f"{names[0]} …") + (
                    f" ×{len(times)}" if len(times) > 1 else ""
                )
                found.append(DoseMark(name, target, tuple(time * time_factor for time in times), over))
    return found


def changes_of(
    windows: Sequence[Window], arms: Sequence[Arm], time_factor: float, color_of: Callable[[int], str]
) -> list[StripMark]:
    """Every timed change, those that say the same of the same arms together: grey where it is in all `arms`, else
    in the colours of those that have it."""
    number = {arm.name: i for i, arm in enumerate(arms)}
    found: dict[tuple[str, str, tuple[str, ...], float], list[float]] = {}
    for window in windows:
        colors = tuple(color_of(number[name]) for name in window.arms) if len(window.arms) < len(arms) else (GREY,)
        key = (window.text, window.short_text, colors, (window.end - window.start) * time_factor)
        found.setdefault(key, []).append(window.start * time_factor)
    return [
        StripMark(name, tuple(times), over, colors, "change", short)
        for (name, short, colors, over), times in found.items()
    ]


def settings_of(
    arms: Sequence[Arm], model: Model, time_factor: float, color_of: Callable[[int], str]
) -> list[StripMark]:
    """What rules set, in grey where all `arms` have it at the same times, else in the colours of those that do."""
    found: dict[str, dict[tuple[float, ...], list[int]]] = {}
    for number, arm in enumerate(arms):
        own: dict[str, list[float]] = {}
        for time, words in settings_words(arm, model):
            own.setdefault(words, []).append(time * time_factor)
        for words, times in own.items():
            found.setdefault(words, {}).setdefault(tuple(times), []).append(number)
    return [
        StripMark(words, times, 0.0, (GREY,) if len(who) == len(arms) else tuple(color_of(each) for each in who))
        for words, own_times in found.items()
        for times, who in own_times.items()
    ]


def draw_strip(page: Page, left: float, strip: Strip, marks: Sequence[StripMark]) -> float:
    """Draws a strip at the current height of the page, `left` inches from its edge; returns its height in inches."""
    rows = strip.rows(marks)
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


def _draw(axis: Axes, mark: StripMark, row: int, strip: Strip) -> None:
    size = strip.medium.small
    if mark.kind == "change":
        _bars(axis, mark, row, 0.42)
    elif mark.over > BAR * strip.end:
        _bars(axis, mark, row, 0.3)
    if mark.kind == "dose":
        style: dict[str, Any] = {"color": mark.colors[0], "markersize": 0.55 * size, "clip_on": False, "zorder": 9}
        if len(mark.colors) > 1:  # half in the colour of another arm that has it
            style |= {"fillstyle": "left", "markerfacecoloralt": mark.colors[1], "markeredgewidth": 0}
        axis.plot(mark.times, [row] * len(mark.times), "v", **style)
    side = strip.side(mark)
    gap = GAP * strip.medium.scale / strip.width * strip.end
    x = {"behind": mark.last + gap, "before": mark.times[0] - gap, "on": mark.times[0] + gap}[side]
    color = ink(mark.colors[0]) if len(mark.colors) == 1 else GREY
    box = {"facecolor": "white", "edgecolor": "none", "pad": 0.5} if side == "on" else None
    across = "right" if side == "before" else "left"
    style = {"fontsize": size, "color": color, "ha": across, "va": "center_baseline", "zorder": 10}
    axis.text(x, row, mark.name.replace("$", r"\$"), bbox=box, **style)


def _bars(axis: Axes, mark: StripMark, row: int, high: float) -> None:
    """A bar for each time, striped if several arms share it."""
    thick = high / len(mark.colors)
    for time in mark.times:
        for i, color in enumerate(mark.colors):
            place = (time, row - high / 2 + i * thick)
            axis.add_patch(Rectangle(place, mark.over, thick, facecolor=color, edgecolor="none", clip_on=False))
