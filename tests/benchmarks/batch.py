"""What a call of `sim.batch` costs beside the engine's own time, for 1, 100 and 10,000 rows.

``python -m tests.benchmarks.batch``. The engine integrates once for each size of its batches, and then answers from
memory: its time is taken off, and the least of several calls counts. At most 200 us a call and 3 us a row are allowed
where nothing is measured and no time moves.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from unittest.mock import patch

import immunesim as sim
import numpy as np
from immunesim.experiments.scenario import MAIN
from immunesim.numerics.compiled.engine import Batch, BatchResult, Engine

COUNTS = {1: 300, 100: 50, 10_000: 5}  # rows: calls
AXES = 10
QUESTIONS = (
    ("acute_infection", "pathogen", ()),
    ("il2_therapy", "tumour", ()),
    ("il2_therapy", "tumour", ("dose.first cycle.at",)),
    ("friberg", "circulating", ()),
)


@contextmanager
def engine_that_remembers() -> Iterator[list[float]]:
    """The seconds that the engine takes, meanwhile, to integrate or to remember."""
    spent: list[float] = []
    known: dict[tuple[int, int, int], BatchResult] = {}
    run = Engine.run

    def remembered(engine: Engine, batch: Batch, *arguments, **options) -> BatchResult:
        began = time.perf_counter()
        key = id(engine), *batch.ends.shape
        if key not in known:
            known[key] = run(engine, batch, *arguments, **options)
        spent.append(time.perf_counter() - began)
        return known[key]

    with patch.object(Engine, "run", remembered):
        yield spent


def cost(call: Callable[[], object], calls: int) -> tuple[float, float]:
    """Seconds of the engine in the first call, and the least beside it in one of the others."""
    least = float("inf")
    with engine_that_remembers() as spent:
        call()
        engine = sum(spent)
        for _ in range(calls):
            spent.clear()
            began = time.perf_counter()
            call()
            least = min(least, time.perf_counter() - began - sum(spent))
    return engine, least


def rows(scenario: sim.Scenario, names: list[str], count: int) -> np.ndarray:
    """Numbers within a tenth of the scenario's own; times of a few days."""
    rng, main = np.random.default_rng(1), scenario.arm(MAIN)
    own = [scenario.parameters(main).get(name, 3.0) for name in names]
    return np.array(own) * rng.uniform(0.9, 1.1, (count, len(names)))


def table(scenario_id: str, curve: str, moved: tuple[str, ...], measures: bool) -> None:
    """Prints the costs of one question."""
    scenario = sim.read_scenario(scenario_id)
    ranged = [name for name, each in scenario.model.parameters.items() if each.range and each.value > 0]
    names = [*ranged[:AXES], *moved]
    at = np.linspace(0.0, scenario.end, 20)
    asked = {"measures": [f"max({curve})"]} if measures else {}
    function = sim.batch(scenario, vary=names, curves=curve, at=at, **asked)
    for count, calls in COUNTS.items():
        numbers = rows(scenario, names, count)
        engine, python = cost(partial(function, numbers), calls)
        allowed = "" if moved or measures else f"{200 + 3 * count:>12,.0f}"
        print(f"{scenario_id:<16}{', '.join(moved):<21}{'yes' if measures else 'no':<9}{count:>7,}"
              f"{1e6 * engine:>14,.0f}{1e6 * python:>14,.0f}{allowed}")  # fmt: skip


def main() -> None:
    print(f"{'scenario':<16}{'moved':<21}{'measures':<9}{'rows':>7}{'engine, us':>14}{'beside, us':>14}{'allowed':>12}")
    for scenario, curve, moved in QUESTIONS:
        for measures in (False, True):
            table(scenario, curve, moved, measures)


if __name__ == "__main__":
    main()
