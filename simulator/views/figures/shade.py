"""Colour scales for values that also work in greyscale, and the colour bar."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, LogNorm, Normalize
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from ...experiments.sweeps.designs import SweepMeasure
from ...numerics.trajectory import Array
from .page import Page, wrap
from .scales import frame, in_words, is_log, limits, round_numbers
from .style import SMALL

COLOURS = "viridis"  # of uniformly rising lightness
FAILED = "#D55E00"
BAR = 0.16  # inches
MOST_CONTOURS = 6


class Shade(NamedTuple):
    """The colour scale of a figure, the same in all of its panels. ends: the lowest and the highest value."""

    ends: tuple[float, float]
    log: bool

    @property
    def norm(self) -> Normalize:
        """From values to 0 to 1, for matplotlib."""
        return LogNorm(*self.ends) if self.log else Normalize(*self.ends)

    @property
    def levels(self) -> list[float]:
        """Round numbers for contours."""
        return round_numbers(*self.ends, self.log, MOST_CONTOURS)

    @property
    def colours(self) -> Colormap:
        """From 0 to 1 to colours, for matplotlib."""
        import matplotlib

        return matplotlib.colormaps[COLOURS]


def shade_of(item: SweepMeasure, values: Array) -> Shade:
    """The colour scale for values of a measure; NaN is ignored."""
    log = is_log(item, values)
    known = values[np.isfinite(values)]
    low, top = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
    if top - low <= 1e-6 * max(abs(low), abs(top)):
        low, top = limits(values, False)
    elif log:
        low, top = frame(known)
    return Shade((low, top), log)


def colour_bar(page: Page, left: float, height: float, shade: Shade, name: str) -> None:
    """Draws the colour bar at `left`, `height` inches high, with round numbers and the name of what it shows."""
    axis = page.panel(left, BAR, height)
    bar = axis.figure.colorbar(ScalarMappable(shade.norm, shade.colours), cax=axis)
    ticks = round_numbers(*shade.ends, shade.log, 6)
    bar.ax.yaxis.set_major_locator(FixedLocator(ticks))
    bar.ax.yaxis.set_major_formatter(FixedFormatter(in_words(ticks)))
    bar.ax.yaxis.set_minor_locator(NullLocator())
    axis.set_label("bar")
    axis.set_ylabel(wrap(name, height, SMALL, most=3), fontsize=SMALL)
    axis.tick_params(labelsize=SMALL)
