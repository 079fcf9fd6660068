"""A sweep of the toy by hand: its drug's clearance and one of its doses, on a grid."""

from __future__ import annotations

import multiprocessing
import os
import signal
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from immunesim.experiments.measures import read_measure
from immunesim.experiments.scenario import Scenario
from immunesim.experiments.sweeps.designs import Axis, Sweep, SweepMeasure

CLEAR = Axis("k_clear", "clearance of the drug", "1/h", 0.25, 0.25, 1.0, True)
PUSH = Axis("dose.push.amount", "push", "pmol", 400.0, 100.0, 800.0, False)
MEASURES = {"peak": "max(drug)", "left": "final(drug) / final(drug, arm='half')", "when": "first_above(drug, '40 pM')"}


@dataclass(frozen=True)
class Members:
    """Any rows of values, as a design."""

    rows: tuple[tuple[float, ...], ...]
    axes: tuple[Axis, ...] = (CLEAR, PUSH)
    kind: str = "list"

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.count,)

    @property
    def count(self) -> int:
        return len(self.rows)

    def values(self, first: int, last: int) -> np.ndarray:
        return np.array(self.rows[first:last]).reshape(-1, len(self.axes))


def grid(clear: int, push: int) -> Members:
    rows = [(c, p) for c in np.geomspace(0.25, 1.0, clear) for p in np.linspace(100.0, 800.0, push)]
    return Members(tuple((float(c), float(p)) for c, p in rows))


def swept(
    scenario: Scenario, design: Members, arms: tuple[str, ...] = ("main",), keep: tuple[str, ...] = ()
) -> Scenario:
    """`scenario` with a sweep over `design`."""
    measures = []
    for name, text in MEASURES.items():
        tree, unit = read_measure(text, scenario.model, [arm.name for arm in scenario.arms], scenario.end)
        unit_text = {"peak": "pM", "left": "1", "when": "h"}[name]
        measures.append(SweepMeasure(name, name, text, tree, unit, unit_text))
    return replace(scenario, sweep=Sweep(design, tuple(measures), arms, keep, {}))


@dataclass(frozen=True)
class Deadly(Members):
    """Ends each process but the first that computes member `guilty`, `times` times; marks stand in `folder`."""

    guilty: int = 0
    times: int = 1_000
    folder: str = ""

    def values(self, first: int, last: int) -> np.ndarray:
        marks = Path(self.folder)
        if first <= self.guilty < last and multiprocessing.parent_process() is not None:
            with open(marks / "deaths", "a") as file:
                file.write("x")
            if (marks / "deaths").stat().st_size <= self.times:
                os.kill(os.getpid(), signal.SIGKILL)
        return super().values(first, last)


class Counted:
    """Members whose only value is their number; `drawn` has how many rows each call gave."""

    kind, axes, count = "list", (CLEAR,), 10_000_000
    shape = (count,)

    def __init__(self) -> None:
        self.drawn: list[int] = []

    def values(self, first: int, last: int) -> np.ndarray:
        self.drawn.append(last - first)
        return np.arange(first, last, dtype=float)[:, np.newaxis]
