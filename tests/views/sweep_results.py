"""Sweeps that nobody computed: results on the toy model whose numbers a test chooses."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from immunesim.experiments.measured import Cause
from immunesim.experiments.sweeps.compute import SweepResult
from immunesim.experiments.sweeps.designs import Axis, Design, Grid, Spaced, Sweep, SweepMeasure
from immunesim.files.results.sweep_tables import FEW
from immunesim.files.toml.scenario_file import read_scenario
from immunesim.model.expression import parse
from immunesim.model.units import unit

from tests.toys import TOY_MODEL

HEAD = """
title = "{title}"
model = "{model}"
[time]
end = "48 h"
every = "1 h"
[[dose]]
name = "push"
target = "drug"
amount = "100 pmol"
at = "2 h"
every = "12 h"
count = 3
"""

Formula = Callable[[np.ndarray, int, int], np.ndarray]  # (members, axes), arm, measure -> (members,)


def axis(name="k_clear", label="clearance of the drug", unit="1/h", default=0.5, low=0.25, high=1.0, log=False) -> Axis:
    return Axis(name, label, unit, default, low, high, log)


def measure(name="peak", label="highest drug in plasma", unit_text="pM", **more) -> SweepMeasure:
    return SweepMeasure(name, label, "max(drug)", parse("drug"), unit(unit_text), unit_text, **more)


def grid(axes: Sequence[Axis], *counts: int) -> Grid:
    return Grid(tuple(axes), tuple(Spaced(a.low, a.high, n, a.log) for a, n in zip(axes, counts, strict=True)))


def made(
    folder: Path,
    design: Design,
    formula: Formula,
    measures: Sequence[SweepMeasure] = (measure(),),
    arms: Sequence[str] = ("as described",),
    failed: Callable[[np.ndarray, int], np.ndarray] | None = None,
    title: str = "A toy question",
    keep: Sequence[str] = (),
    there: Sequence[int] | None = None,
) -> SweepResult:
    """A result of `design`: `formula` gives each measure, `failed(values, arm)` which members failed."""
    path = folder / "question.toml"
    text = HEAD.format(title=title, model=TOY_MODEL.as_posix())
    text += "".join(f'[arms.arm{n}]\nlabel = "{label}"\nwithout = ["push"]\n' for n, label in enumerate(arms) if n)
    path.write_text(text, encoding="utf-8")
    names = ("main", *(f"arm{n}" for n in range(1, len(arms))))
    sweep = Sweep(design, tuple(measures), names, tuple(keep), {})
    scenario = dataclasses.replace(read_scenario(path), sweep=sweep)
    first = scenario.arms[0]._replace(label=arms[0])
    scenario = dataclasses.replace(scenario, arms=(first, *scenario.arms[1:]))
    numbers = np.arange(design.count) if there is None else np.asarray(there, dtype=int)
    values = design.values(0, design.count)[numbers]
    found = np.empty((len(numbers), len(arms), len(measures)))
    lost = np.zeros((len(numbers), len(arms)), bool)
    for a in range(len(arms)):
        if failed is not None:
            lost[:, a] = failed(values, a)
        for j in range(len(measures)):
            found[:, a, j] = np.where(lost[:, a], np.nan, formula(values, a, j))
    times = np.arange(49.0)
    bands, curves = {}, {}
    for a, name in enumerate(names):
        for curve in keep:
            middle = 100 * np.exp(-times / (8 + 6 * a)) * (1 + np.sin(times / 4) ** 2)
            bands[name, curve] = middle * np.array([0.3, 0.7, 1.0, 1.3, 2.2])[:, None]
            if len(numbers) <= FEW:
                curves[name, curve] = np.where(lost[:, [a]], np.nan, middle * (1 + np.arange(len(numbers)))[:, None])
    causes = np.where(np.isnan(found), Cause.NEVER, Cause.NONE)
    return SweepResult(scenario, numbers, values, found, causes, lost, bands, times, curves)
