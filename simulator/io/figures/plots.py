"""Figures of a run: one per group of curves, readable without colour.

Several arms: a panel per curve, arms told apart by colour and dash. One arm: one panel, the
curves told apart the same way. Curves carry their names at their right end.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ...experiments.run import RunResult
from ...experiments.scenario import Arm, Scenario
from ...numerics.trajectory import Array, Trajectory
from ..clock import clock_of
from ..progress import Progress
from .dose_marks import DOSE_ROW, dose_rows, mark_doses
from .page import spread
from .sheet import Sheet
from .style import style

WIDE, PANEL_HIGH = 8.0, 2.5  # inches
DECADES = 3.0  # a curve that spans more than this is drawn on a logarithmic axis
LOWEST = 1e-6  # of the largest value: below it a logarithmic axis shows nothing of interest
LABEL_LINE = 0.19  # inches, the height of a label's line
LABEL_WIDTH = 24  # characters


@dataclass(frozen=True)
class Curve:
    """A time course with the name it goes by in a figure."""

    label: str
    trajectory: Trajectory


def draw(result: RunResult, folder: Path, run: str) -> list[Path]:
    """The figures of a run, as SVG and PNG; returns their paths."""
    scenario = result.scenario
    curves = [Curve(arm.arm.title, arm.trajectory) for arm in result.arms.values() if len(arm.trajectory.times)]
    arms = [arm.arm for arm in result.arms.values()]
    paths = []
    with Progress("figures drawn", len(scenario.plots)) as progress:
        for number, names in enumerate(scenario.plots, 1):
            figure = draw_group(scenario, names, curves, arms)
            stem = f"{number:02d}_{'_'.join(names)}"[:60]
            paths += save(figure, folder / stem, scenario.title, describe_figure(scenario, names, curves), run)
            progress.add()
    return paths


def draw_group(
    scenario: Scenario, names: Sequence[str], curves: Sequence[Curve], arms: Sequence[Arm], title: str = ""
) -> Sheet:
    """One figure: `names` by `curves`, with the doses of `arms` marked; the scenario's title if no other."""
    panels = [[name] for name in names] if len(curves) > 1 else [list(names)]
    rows = sum(1 + len(curve.label) // LABEL_WIDTH for curve in curves) if len(curves) > 1 else len(names)
    high = max(PANEL_HIGH, rows * LABEL_LINE)  # taller where the labels need it
    figure = Sheet(figsize=(WIDE, 0.9 + high * len(panels)), layout="constrained")
    clock, long = clock_of(scenario)
    end = scenario.end * long
    doses = dose_rows(arms, scenario.end, long, lambda number: style(number)[0])
    axes = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
    for axis, shown in zip(axes, panels, strict=True):
        lines = []
        for name in shown:
            for curve in curves:
                label = curve.label if len(curves) > 1 else name
                values = _in_unit_of(scenario, curve.trajectory[name], name, shown[0])
                lines.append((label, curve.trajectory.times * long, values))
        head = DOSE_ROW * len(doses) if axis is axes[0] else 0.0
        _draw_panel(axis, lines, LABEL_LINE / high, head)
        unit = scenario.model.unit_text(shown[0])
        axis.set_ylabel(shown[0] + (f" [{unit}]" if unit != "1" else "") if len(shown) == 1 else f"[{unit}]")
        axis.set_title("; ".join(_label(scenario, name) for name in shown[:3]), fontsize=9, loc="left", color="#444444")
        axis.set_xlim(0, end)
    mark_doses(axes[0], doses, end)
    axes[-1].set_xlabel(f"time [{clock}]")
    figure.suptitle(title or scenario.title, fontsize=11, x=0.01, ha="left", wrap=True)
    return figure


def _in_unit_of(scenario: Scenario, values: Array, name: str, other: str) -> Array:
    return values * scenario.model.unit(name).to(scenario.model.unit(other))


def _label(scenario: Scenario, name: str) -> str:
    model = scenario.model
    return model.species[name].label if name in model.species else model.observables[name].label


def _draw_panel(axis: Axes, lines: Sequence[tuple[str, Array, Array]], label_line: float, head: float) -> None:
    """The curves of one panel; `head` is the share of its height kept free for doses, below one."""
    lines = [(label, times, np.where(np.isfinite(values), values, np.nan)) for label, times, values in lines]
    if all(np.isnan(values).all() for _, _, values in lines):
        axis.text(0.5, 0.5, "no finite value", transform=axis.transAxes, ha="center", va="center")
        return
    top = max(float(np.nanmax(values)) for _, _, values in lines if not np.isnan(values).all())
    log = wants_log([values for _, _, values in lines])
    for number, (_, times, values) in enumerate(lines):
        color, dash = style(number)
        # the first curve lies lowest and widest, so that one that follows it exactly still shows it
        axis.plot(
            times, values, color=color, linestyle=dash, linewidth=max(1.4, 2.4 - 0.5 * number), zorder=3 + 0.1 * number
        )
    if log:
        axis.set_yscale("log")
        lowest = min(
            float(values[values > top * LOWEST].min()) for _, _, values in lines if (values > top * LOWEST).any()
        )
        axis.set_ylim(lowest / 2, top * 3 * (6 * top / lowest) ** (head / (1 - head)))
    else:
        low = min(float(np.nanmin(values)) for _, _, values in lines if not np.isnan(values).all())
        low = 0.0 if 0 <= low < 0.5 * top else low
        room = (top - low) or abs(top) or 1.0
        axis.set_ylim(low - 0.03 * room, top + (0.12 + 1.15 * head / (1 - head)) * room)
    axis.spines[["top", "right"]].set_visible(False)
    axis.grid(True, color="#e6e6e6", linewidth=0.6)
    _label_lines(axis, lines, label_line)


def wants_log(curves: Sequence[Array]) -> bool:
    """Whether the curves span more than `DECADES`, leaving out what is below `LOWEST` of the top."""
    values = np.concatenate(curves)
    top = float(np.nanmax(values))
    seen = values[values > max(top, 0.0) * LOWEST]
    return (
        top > 0 and len(seen) > 1 and float(np.nanmin(values)) >= -top * 1e-6 and np.log10(top / seen.min()) > DECADES
    )


def _label_lines(axis: Axes, lines: Sequence[tuple[str, Array, Array]], line: float) -> None:
    """Each curve's name at its right end, moved up or down until none covers another; `line` is
    the height of a line of text as a fraction of the panel's."""
    to_axes = axis.transScale + axis.transLimits
    lowest, highest = axis.get_ylim()
    ends = []
    for number, (label, times, values) in enumerate(lines):
        known = values[np.isfinite(values)]
        last = known[-1] if len(known) else lowest
        y = float(np.clip(last, min(lowest, highest), max(lowest, highest)))
        ends.append((float(to_axes.transform((times[-1], y))[1]), number, textwrap.fill(label, LABEL_WIDTH)))
    ends.sort()
    heights = [line * (1 + label.count("\n")) for _, _, label in ends]
    places = spread([wanted for wanted, _, _ in ends], heights)
    for (_, number, label), place in zip(ends, places, strict=True):
        color, dash = style(number)
        axis.plot(
            [1.01, 1.05], [place, place], transform=axis.transAxes, color=color, linestyle=dash, lw=1.6, clip_on=False
        )
        axis.text(1.06, place, label, transform=axis.transAxes, color=color, fontsize=8, va="center", linespacing=1.0)


def describe_figure(scenario: Scenario, names: Sequence[str], curves: Sequence[Curve]) -> str:
    """The figure in words, for those who cannot see it."""
    parts = []
    for name in names:
        unit = scenario.model.unit_text(name)
        for curve in curves:
            values, times = curve.trajectory[name], curve.trajectory.times
            at = int(values.argmax())
            parts.append(
                f"{name} ({curve.label}): from {values[0]:.3g} to {values[-1]:.3g} {unit}, "
                f"largest {values[at]:.3g} at {times[at]:.3g} {scenario.model.time_unit_text}"
            )
    return f"Time course of {', '.join(names)}. " + "; ".join(parts) + "."


def save(figure: Figure, stem: Path, title: str, description: str, run: str) -> list[Path]:
    """`figure` as SVG and PNG with its title, its description and the run's id inside."""
    import matplotlib

    matplotlib.rcParams["svg.hashsalt"] = run  # the same run gives the same file
    matplotlib.rcParams["svg.fonttype"] = "none"
    svg, png = stem.with_name(stem.name + ".svg"), stem.with_name(stem.name + ".png")
    text = f"{description} Run {run}."
    figure.savefig(svg, metadata={"Title": title, "Description": text, "Date": None})
    figure.savefig(png, dpi=130, metadata={"Title": title, "Description": text, "Software": "immunesim"})
    return [svg, png]
