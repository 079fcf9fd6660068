"""What makes a curve and what takes from it, as bands of a figure: heights in columns of time, colours, hatches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ...experiments.explanation.balance import REACTION, SPECIES, Source
from ...experiments.explanation.explain import Explanation
from ...numerics.trajectory import Array
from ..text.explain_names import short
from .style import STYLES

COLUMNS = 800  # stretches of time over which fluxes are averaged
CLOSE = 12  # columns: doses that follow closer are averaged over
MOST = 4  # named sources on each side
NONE = 0.005  # of all on its side: less is not drawn
NAMED = 0.03  # of all that is drawn on its side: a smaller source is one of the others
HATCHES = ("", "////", "....", "\\\\\\\\", "xxxx", "---", "+++")  # one more than colours
OTHERS = ("#d9d9d9", "")


class Band(NamedTuple):
    """One source on one side of zero: its drawn heights in each column, and how it looks."""

    label: str
    heights: Array
    color: str
    hatch: str


def columns(explanation: Explanation) -> tuple[Array, dict[str, Array], dict[str, Array]]:
    """Edges of the columns, and what each source makes and loses in each, per time: averages, without jumps."""
    flux, arm = explanation.flux, explanation.arm
    edges = np.linspace(flux.times[0], flux.times[-1], COLUMNS + 1)
    for dose in arm.doses:  # what goes up and down with every dose would only be black
        if dose.count > 2 and dose.every < CLOSE * (edges[1] - edges[0]):
            course = dose.at + dose.every * np.arange(dose.count + 1)
            course = course[course < flux.times[-1]]
            edges = np.unique(np.concatenate([edges[(edges < course[0]) | (edges > course[-1])], course]))
    sides: list[dict[str, Array]] = []
    for sign in (1.0, -1.0):
        side = {}
        for source in explanation.sources:
            total = np.interp(edges, flux.times, flux.integral((sign * source.flux).clip(min=0.0)))
            side[source.id] = np.diff(total).clip(min=0.0) / np.diff(edges)
        sides.append(side)
    return edges, sides[0], sides[1]


def bands_of(explanation: Explanation, sides: Sequence[dict[str, Array]], size: Array) -> list[list[Band]]:
    """On each side the largest sources, then the others together; a source looks alike on both sides."""
    drawn = [{id: row / size for id, row in side.items()} for side in sides]
    wholes = [sum(float(row.sum()) for row in side.values()) for side in drawn]
    largest = [
        sorted((id for id in side if side[id].sum() > NAMED * whole), key=lambda id: -float(side[id].sum()))[:MOST]
        for side, whole in zip(drawn, wholes, strict=True)
    ]
    named = [source for source in explanation.sources if any(source.id in ids for ids in largest)]
    found = []
    for side, whole, ids in zip(drawn, wholes, largest, strict=True):
        bands = []
        for number, source in enumerate(named):
            if source.id in ids:
                color = STYLES[1 + number % (len(STYLES) - 1)][0]
                bands.append(Band(_called(source), side[source.id], color, HATCHES[number % len(HATCHES)]))
        others = np.sum([np.zeros(len(size)), *(row for id, row in side.items() if id not in ids)], axis=0)
        if others.sum() > NONE * whole:
            bands.append(Band("others", others, *OTHERS))
        found.append(bands)
    return found


def _called(source: Source) -> str:
    return (
        short(source.label)
        if source.kind in (REACTION, SPECIES)
        else f"given: {source.label}"
        if source.label
        else source.id
    )
