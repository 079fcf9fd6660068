"""The figures of a sweep: which ones its design needs, drawn and written."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from ....experiments.sweeps import statistics
from ....experiments.sweeps.compute import SweepResult
from ....experiments.sweeps.sensitivity import sensitivities
from ....runtime.progress import Progress
from ..page import Picture
from ..run import FORMATS, save
from ..slide import on_slide
from .accepted import accepted
from .bands import bands
from .indices import indices
from .lines import against_each, curves
from .map import maps
from .parallel import parallel, strongest
from .population import paired_differences, spreads
from .tornado import tornado

Drawing = Callable[[], Picture | list[Picture] | None]


def draw(
    result: SweepResult, folder: Path, run: str, slides: bool = False, formats: Sequence[str] = FORMATS
) -> list[Path]:
    """Writes the figures of a sweep in these formats; returns their paths. Without members or measures there are none.

    slides: each on a page of 16:9.
    """
    paths: list[Path] = []
    number, asked = 0, drawings(result, slides)
    with Progress("figures drawn", len(asked)) as progress:
        for drawing in asked:
            for picture in _drawn(drawing):
                number += 1
                stem = re.sub(r"[^\w.-]+", "_", f"{number:02d}_{picture.stem}")[:60].strip("_")  # it may be a formula
                picture = on_slide(picture) if slides else picture
                paths += save(picture.figure, folder / stem, result.scenario.title, picture.text, run, formats)
            progress.add()
    return paths


def pictures(result: SweepResult) -> Iterator[Picture]:
    """The figures of a sweep, one at a time to save memory."""
    for drawing in drawings(result):
        yield from _drawn(drawing)


def _drawn(drawing: Drawing) -> list[Picture]:
    found = drawing()
    return [] if found is None else [found] if isinstance(found, Picture) else found


def drawings(result: SweepResult, slides: bool = False) -> list[Drawing]:
    """The figures that the design needs, as functions that draw them. slides: each measure on a page of its own."""
    sweep = result.sweep
    if not len(result.numbers):
        return []
    kept = [curve for curve in sweep.keep if any((arm, curve) in result.bands for arm in sweep.arms)]
    of_measures = _of_measures(result, slides) if sweep.measures else ()
    return [*of_measures, *(partial(bands, result, curve) for curve in kept)]


def _of_measures(result: SweepResult, slides: bool) -> Iterator[Drawing]:
    sweep = result.sweep
    kind, axes, measures = sweep.design.kind, statistics.varied_axes(result), range(len(sweep.measures))
    if kind == "one_at_a_time":
        for j in measures:
            yield partial(tornado, result, j)
    elif kind in ("morris", "saltelli", "local"):
        for each in sensitivities(result):
            yield partial(indices, result, each)
    elif kind == "product" and len(statistics.outer_axes(result)) <= 2:
        yield from _of_product(result, statistics.outer_axes(result), slides)
    elif kind == "population":
        if sweep.wanted:
            yield partial(accepted, result)
        yield from _of_members(result)
        yield from _of_many(result, axes)
    elif len(axes) <= 1 or kind == "zip":
        if sweep.design.axes:
            yield partial(curves, result, axes[0] if axes else 0, slides=slides)
    elif len(axes) == 2:
        yield partial(maps, result, axes[0], axes[1], kind == "grid")
    else:
        yield from _of_many(result, axes)


def _of_product(result: SweepResult, grid: list[int], slides: bool) -> Iterator[Drawing]:
    if len(grid) == 2:
        yield partial(maps, result, grid[0], grid[1], True)
    elif grid:
        yield partial(curves, result, grid[0], banded=True, slides=slides)
    yield from _of_members(result)


def _of_members(result: SweepResult) -> Iterator[Drawing]:
    for j in range(len(result.sweep.measures)):
        yield partial(spreads, result, j)
        if len(result.sweep.arms) > 1:
            yield partial(paired_differences, result, j)


def _of_many(result: SweepResult, axes: list[int]) -> Iterator[Drawing]:
    if not axes:
        return
    sweep = result.sweep
    if len(axes) > 1:
        for a in range(len(sweep.arms)):
            yield partial(parallel, result, a, strongest(result, statistics.rank_correlation(result, a, 0)))
    if len(np.unique(result.numbers)) < 3:
        return
    for j in range(len(sweep.measures)):
        chosen = strongest(result, statistics.strongest_correlation(result, j))
        yield partial(against_each, result, j, chosen, len(axes) - len(chosen))
