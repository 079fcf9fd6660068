"""The pictures of a sweep: which ones its design asks for, drawn and written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ...experiments.sweep import SweepResult
from .. import sweep_words as words
from .page import Picture
from .plots import save
from .sweep_against import against_each
from .sweep_bands import bands
from .sweep_lines import curves
from .sweep_map import maps
from .sweep_parallel import parallel, strongest
from .sweep_population import differences, spreads
from .sweep_tornado import tornado


def draw(result: SweepResult, folder: Path, run: str) -> list[Path]:
    """The pictures of a sweep as SVG and PNG; returns their paths. Without a member or a measure there are none."""
    paths: list[Path] = []
    for number, picture in enumerate(pictures(result), 1):
        stem = re.sub(r"[^\w.-]+", "_", f"{number:02d}_{picture.stem}")[:60].strip("_")  # a measure may be a formula
        paths += save(picture.figure, folder / stem, result.scenario.title, picture.text, run)
    return paths


def pictures(result: SweepResult) -> Iterator[Picture]:
    """One after the other, so that only one figure is held at a time."""
    sweep = words.sweep_of(result)
    if not len(result.numbers):
        return
    if sweep.measures:
        yield from _of_measures(result)
    for curve in sweep.keep:
        if any((arm, curve) in result.bands for arm in sweep.arms):
            yield bands(result, curve)


def _of_measures(result: SweepResult) -> Iterator[Picture]:
    sweep = words.sweep_of(result)
    kind, axes, measures = sweep.design.kind, words.varied(result), range(len(sweep.measures))
    if kind == "one_at_a_time":
        for j in measures:
            yield tornado(result, j)
    elif kind == "product" and len(words.outer_axes(result)) <= 2:
        yield from _of_product(result, words.outer_axes(result))
    elif kind == "population":
        yield from _of_members(result)
        yield from _of_many(result, axes)
    elif len(axes) <= 1 or kind == "zip":
        if sweep.design.axes:
            yield from curves(result, axes[0] if axes else 0)
    elif len(axes) == 2:
        yield from maps(result, axes[0], axes[1], kind == "grid")
    else:
        yield from _of_many(result, axes)


def _of_product(result: SweepResult, grid: list[int]) -> Iterator[Picture]:
    if len(grid) == 2:
        yield from maps(result, grid[0], grid[1], True)
    elif grid:
        yield from curves(result, grid[0], banded=True)
    yield from _of_members(result)


def _of_members(result: SweepResult) -> Iterator[Picture]:
    for j in range(len(words.sweep_of(result).measures)):
        yield spreads(result, j)
        if len(words.sweep_of(result).arms) > 1:
            pair = differences(result, j)
            if pair:
                yield pair


def _of_many(result: SweepResult, axes: list[int]) -> Iterator[Picture]:
    if not axes:
        return
    sweep = words.sweep_of(result)
    if len(axes) > 1:
        for a in range(len(sweep.arms)):
            yield parallel(result, a, strongest(result, words.strength(result, a, 0)))
    if len(np.unique(result.numbers)) < 3:
        return
    for j in range(len(sweep.measures)):
        chosen = strongest(result, words.clearest(result, j))
        yield against_each(result, j, chosen, len(axes) - len(chosen))
