"""Doses along the top of a panel: marks and names in rows in which none meets another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.transforms import blended_transform_factory

from ...experiments.scenario import Arm

MOST_ROWS = 6  # of dose marks in a figure
DOSE_ROW = 0.055  # of a panel's height, a row of dose marks
LETTER = 0.011  # of a panel's width, a letter of a dose's name
BAR = 0.01  # of the axis: a dose that takes longer is drawn as a bar


class Marked(NamedTuple):
    """A dose as it is marked above a panel: its name, starts, length and colour, in the unit of the axis."""

    name: str
    times: tuple[float, ...]
    over: float
    color: str

    @property
    def last(self) -> float:
        return self.times[-1] + self.over

    def label_side(self, end: float) -> str:
        """Where its name goes: behind the marks, before them, or, where they fill the axis, on them."""
        return "behind" if self.last < 0.8 * end else "before" if self.times[0] > 0.2 * end else "on"

    def span(self, end: float) -> tuple[float, float]:
        """What marks and name take of the axis, roughly."""
        wide = LETTER * (len(self.name) + 4) * end
        side = self.label_side(end)
        return self.times[0] - wide * (side == "before"), self.last + wide * (side == "behind")


def dose_rows(arms: Sequence[Arm], end: float, long: float, color_of: Callable[[int], str]) -> list[list[Marked]]:
    """Every dose, in rows in which none meets another; where arms differ in its times, one for each
    schedule in the colour of the first arm that has it. end is in the model's unit of time, of which the
    axis has `long` in one; color_of gives the colour of an arm by its number. At most `MOST_ROWS`."""
    found: dict[tuple[str, tuple[float, ...], float], str] = {}
    for number, arm in enumerate(arms):
        for dose in arm.doses:
            times = tuple([time * long for time in map(dose.time, range(dose.count)) if time < end])
            if times:
                found.setdefault((dose.name, times, min(dose.over, end - times[-1] / long) * long), color_of(number))
    names = [name for name, *_ in found]
    rows: list[list[Marked]] = []
    for (name, times, over), color in found.items():
        marked = Marked(name.replace("_", " "), times, over, color if names.count(name) > 1 else "#666666")
        first, last = marked.span(end * long)
        free = [row for row in rows if all(last < a or first > b for a, b in (each.span(end * long) for each in row))]
        if free:
            free[0].append(marked)
        else:
            rows.append([marked])
    return rows[:MOST_ROWS]


def mark_doses(axis: Axes, rows: Sequence[Sequence[Marked]], end: float) -> None:
    """The doses along the top of the panel: a triangle for a bolus, a bar for an infusion."""
    along = blended_transform_factory(axis.transData, axis.transAxes)
    for row, doses in enumerate(rows):
        height = 0.97 - DOSE_ROW * row
        for dose in doses:
            marks: dict[str, Any] = {"color": dose.color, "markersize": 4, "clip_on": False, "zorder": 9}
            axis.plot(dose.times, [height] * len(dose.times), "v", transform=along, **marks)
            if dose.over > BAR * end:
                starts, ends = dose.times, [time + dose.over for time in dose.times]
                axis.hlines([height] * len(starts), starts, ends, transform=along, color=dose.color, linewidth=3)
            side = dose.label_side(end)
            axis.text(
                dose.last if side == "behind" else dose.times[0],
                height,
                f"  {dose.name}  ",
                transform=along,
                fontsize=7,
                color=dose.color,
                va="center",
                ha="right" if side == "before" else "left",
                zorder=10,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0} if side == "on" else None,
            )
