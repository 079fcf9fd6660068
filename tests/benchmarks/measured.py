"""What the measures of a sweep cost, and how far two threads or two processes carry it, measures included.

Called by `throughput`: the same members as there, on the compiled engine at its own tolerance, with the measures of
the scenario's expectations that read the main arm alone, and without.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from immunesim.experiments.measures import arms_of
from immunesim.experiments.scenario import MAIN, Scenario
from immunesim.experiments.sweeps.compute import compute
from immunesim.experiments.sweeps.designs import Axis, Sweep, SweepMeasure

from tests.benchmarks.engines import Question


@dataclass(frozen=True)
class Rows:
    """Rows of values, as a design."""

    rows: np.ndarray
    axes: tuple[Axis, ...]
    kind: str = "list"

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.count,)

    @property
    def count(self) -> int:
        return len(self.rows)

    def values(self, first: int, last: int) -> np.ndarray:
        return self.rows[first:last]


def swept(question: Question, measured: bool) -> Scenario:
    """The question as a sweep that keeps no curve."""
    measures = tuple(
        SweepMeasure(each.id, each.that, each.measure_text, each.measure, each.unit, each.unit_text)
        for each in question.scenario.expectations
        if measured and set(arms_of(each.measure)) == {MAIN}
    )
    sweep = Sweep(Rows(question.values, question.axes), measures, (MAIN,), (), {})
    return replace(question.scenario, sweep=sweep)


def _half(question: Question, measured: bool, first: bool, turns, ready) -> None:
    scenario, numbers = swept(question, measured), np.arange(len(question.values))
    half = numbers[: len(numbers) // 2] if first else numbers[len(numbers) // 2 :]
    compute(scenario, half[:8])
    ready.put(None)
    while turns.get() is not None:
        compute(scenario, half)
        ready.put(None)


def milliseconds(make: Callable[[], Question], rounds: int) -> dict[str, dict[str, float]]:
    """Milliseconds of wall time a member, without and with the measures: in one thread, two threads, two processes.

    All take turns, and each figure is the median of the rounds.
    """
    table: dict[str, dict[str, float]] = {}
    context = multiprocessing.get_context("spawn")
    for what, measured in (("without measures", False), ("with measures", True)):
        question = make()
        scenario, count = swept(question, measured), len(question.values)
        numbers = np.arange(count)
        compute(scenario, numbers[:8])
        ready, turns = context.Queue(), [context.Queue(), context.Queue()]
        workers = [
            context.Process(target=_half, args=(question, measured, first, queue, ready))
            for first, queue in zip((True, False), turns, strict=True)
        ]
        for worker in workers:
            worker.start()
        for _ in workers:
            ready.get()

        def two_processes(turns=turns, ready=ready) -> None:
            for queue in turns:
                queue.put(1)
            for _ in turns:
                ready.get()

        spent: dict[str, list[float]] = {}
        with ThreadPoolExecutor(2) as pool:
            ways: dict[str, Callable[[], object]] = {
                "one thread": lambda s=scenario, n=numbers: compute(s, n),
                "two threads": lambda s=scenario, n=numbers, p=pool: list(
                    p.map(lambda half: compute(s, half) is None, np.array_split(n, 2))
                ),
                "two processes": two_processes,
            }
            for _ in range(rounds):
                for way, compute_all in ways.items():
                    began = time.perf_counter()
                    compute_all()
                    spent.setdefault(way, []).append((time.perf_counter() - began) / count)
        for queue in turns:
            queue.put(None)
        table[what] = {"measures": float(len(scenario.sweep.measures))}
        table[what] |= {way: 1e3 * float(np.median(each)) for way, each in spent.items()}
    return table


def lines(table: dict[str, dict[str, float]]) -> list[str]:
    """The table for people."""
    found = []
    for what, row in table.items():
        threads, processes = (row["one thread"] / row[way] for way in ("two threads", "two processes"))
        found.append(
            f"  {what} ({row['measures']:.0f}): {row['one thread']:.3f} ms a member in one thread; two threads gain "
            f"{threads:.2f} x, two processes {processes:.2f} x: a share of {threads / processes:.2f}"
        )
    return found
