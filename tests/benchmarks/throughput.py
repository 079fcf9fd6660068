"""Trajectories a second against libRoadRunner at equal achieved error: ``python -m tests.benchmarks.throughput``.

Eight parameters log-uniform within a factor 3, every state at 301 times. All engines take turns in one process,
and each figure is the median of the rounds, of CPU time where one thread is at work, which a busy machine changes
little. The error of a member is the largest over times and states of
|x - truth| / (|truth| + a thousandth of that state's largest value); truth is the compiled engine at rtol 1e-11,
compared with SciPy first. Times are interpolated between the tolerances to where the error of the median member,
or of the 95th in a hundred, is the same for all.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import platform
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from immunesim.files.toml.catalogue import builtin_scenarios
from immunesim.files.toml.scenario_file import read_scenario

from tests.benchmarks import measured, peak
from tests.benchmarks.engines import Ours, Question, RoadRunner, Scipy, errors

PARAMETERS = (
    "IL2_clearance_70kg", "IL2_uptake", "IL2_per_cell", "T_division_max", "T_death", "IL1_decay",
    "stop_signal_loss", "T_regulatory_loss",
)  # fmt: skip
SCENARIOS = ("core_memory", "il2_therapy", "acute_infection")
TRUTH = 1e-11
TOLERANCES = {
    "immunesim": (1e-4, 1e-5, 1e-6, 1e-7),
    "immunesim on SciPy": (1e-4, 1e-5, 1e-6),
    "libRoadRunner": (1e-5, 1e-6, 1e-7, 1e-8),
}
MEASURED = 1000  # members of a sweep with and without measures
MEMBERS = {"immunesim": 2000, "immunesim on SciPy": 4, "libRoadRunner": 10}  # in a round
TARGETS = ("median", 1e-5), ("95 %", 1e-4)
CHECKED = 3  # members whose truth is compared with SciPy


def question(name: str, members: int) -> Question:
    return Question(read_scenario(builtin_scenarios()[name]), PARAMETERS, members)


def at_error(seconds: list[float], reached: list[float], target: float) -> float:
    """Seconds where the error is `target`: straight in logarithms between tolerances, and beyond the last two."""
    order = np.argsort(reached)
    x, y = np.log(np.array(reached)[order]), np.log(np.array(seconds)[order])
    place = int(np.clip(np.searchsorted(x, np.log(target)), 1, len(x) - 1))
    slope = (y[place] - y[place - 1]) / (x[place] - x[place - 1])
    return float(np.exp(y[place] + slope * (np.log(target) - x[place])))


def one_thread(name: str, rounds: int) -> dict[str, list[dict[str, float]]]:
    q = question(name, MEMBERS["immunesim"])
    engines = [Ours(q), Scipy(q), RoadRunner(q)]
    known = min(200, len(q.values) // 5)
    reference = engines[0].run(slice(0, known), TRUTH, known)
    scipy = errors(engines[1].run(slice(0, CHECKED), TRUTH), reference[:CHECKED], q.system.scales)
    print(f"{name}: truth agrees with SciPy at the same tolerance within {scipy.max():.1e}", flush=True)
    seconds: dict[tuple[str, float], list[float]] = {}
    reached: dict[tuple[str, float], np.ndarray] = {}
    for _ in range(rounds):
        for engine in engines:
            for rtol in TOLERANCES[engine.name]:
                count = MEMBERS[engine.name]
                began = time.process_time()
                found = engine.run(slice(0, count), rtol, *([len(reference)] if engine is engines[0] else []))
                seconds.setdefault((engine.name, rtol), []).append((time.process_time() - began) / count)
                some = len(found)
                reached[engine.name, rtol] = errors(found, reference[:some], q.system.scales)
    table: dict[str, list[dict[str, float]]] = {}
    for (engine_name, rtol), spent in seconds.items():
        error = reached[engine_name, rtol]
        row = {
            "rtol": rtol,
            "ms": 1e3 * float(np.median(spent)),
            "median": float(np.median(error)),
            "95 %": float(np.quantile(error, 0.95)),
        }
        table.setdefault(engine_name, []).append(row)
        print(
            f"  {engine_name:20} rtol {rtol:.0e}  {row['ms']:9.3f} ms   "
            f"error {row['median']:.1e}, 95 % {row['95 %']:.1e}",
            flush=True,
        )
    return table


def compared(table: dict[str, list[dict[str, float]]]) -> dict[str, dict[str, float]]:
    """Milliseconds at equal error by engine."""
    found: dict[str, dict[str, float]] = {}
    for engine, rows in table.items():
        found[engine] = {
            f"{which} {target:.0e}": at_error([row["ms"] for row in rows], [row[which] for row in rows], target)
            for which, target in TARGETS
        }
    return found


def _roadrunner_process(name: str, rtol: float, count: int, turns, ready) -> None:
    q = question(name, count)
    engine = RoadRunner(q)
    engine.run(slice(0, 1), rtol)
    ready.put(None)
    while turns.get() is not None:
        engine.run(slice(0, count), rtol)
        ready.put(None)


def two_threads(name: str, rounds: int, ours: float, theirs: float) -> tuple[float, float]:
    """Milliseconds of wall time a member: two threads of ours at rtol `ours`, two processes of libRoadRunner's."""
    q = question(name, MEMBERS["immunesim"])
    engine, half, count = Ours(q), MEMBERS["immunesim"] // 2, MEMBERS["libRoadRunner"]
    context = multiprocessing.get_context("spawn")
    turns, ready = context.Queue(), context.Queue()
    workers = [context.Process(target=_roadrunner_process, args=(name, theirs, count, turns, ready)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for _ in workers:
        ready.get()
    spent: tuple[list[float], list[float]] = ([], [])
    with ThreadPoolExecutor(2) as pool:
        for _ in range(rounds):
            began = time.perf_counter()
            list(pool.map(lambda rows: engine.run(rows, ours) is None, (slice(0, half), slice(half, 2 * half))))
            spent[0].append((time.perf_counter() - began) / (2 * half))
            began = time.perf_counter()
            for _ in workers:
                turns.put(1)
            for _ in workers:
                ready.get()
            spent[1].append((time.perf_counter() - began) / (2 * count))
    for _ in workers:
        turns.put(None)
    return tuple(1e3 * float(np.median(each)) for each in spent)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scenario", action="append")
    parser.add_argument("--json", metavar="FILE", type=Path)
    parser.add_argument("--short", action="store_true", help="a tenth of the members: some minutes instead of an hour")
    options = parser.parse_args()
    if options.short:
        MEMBERS.update({name: max(1, count // 10) for name, count in MEMBERS.items()})
    print(f"{platform.platform()}, {time.strftime('%Y-%m-%d')}")
    document = {}
    for name in options.scenario or SCENARIOS:
        table = one_thread(name, options.rounds)
        equal = compared(table)
        for target in next(iter(equal.values())):
            theirs = equal["libRoadRunner"][target]
            for engine, row in equal.items():
                print(
                    f"  at error {target}: {engine:20} {row[target]:9.3f} ms, "
                    f"{theirs / row[target]:6.1f} x libRoadRunner"
                )
        near = {engine: min(rows, key=lambda row: abs(np.log(row["median"] / 1e-5))) for engine, rows in table.items()}
        both = two_threads(name, options.rounds, near["immunesim"]["rtol"], near["libRoadRunner"]["rtol"])
        what = ", ".join(
            f"{engine} rtol {near[engine]['rtol']:.0e} (error {near[engine]['median']:.1e})"
            for engine in ("immunesim", "libRoadRunner")
        )
        print(f"  two at once, {what}: {both[0]:.3f} and {both[1]:.3f} ms, {both[1] / both[0]:.1f} x", flush=True)
        cost = measured.milliseconds(partial(question, name, MEASURED // (10 if options.short else 1)), options.rounds)
        print("\n".join(measured.lines(cost)), flush=True)
        part, most = peak.share(question(name, MEMBERS["immunesim"] // 2), near["immunesim"]["rtol"])
        print(f"  a step reaches {part:.0%} of the {most / 1e9:.0f} Gflop/s of multiply-adds alone", flush=True)
        document[name] = {"share of peak": part} | {
            "one thread": table,
            "equal error": equal,
            "two threads": both,
            "measures": cost,
        }
    if options.json:
        options.json.write_text(json.dumps(document, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
