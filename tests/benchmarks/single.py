"""A single run against libRoadRunner's on our export, in one process, at the same achieved error.

    python -m tests.benchmarks.single [SCENARIO ...]

Ours is `run` of the main arm of a scenario that was read before: doses, states and observables at every saved time,
curves along the steps, ledger, the measures of its expectations; then the same with its certificate, which computes the
arm twice; then the engine alone in one lane: states at 301 times. libRoadRunner's is `reset` and `simulate` of the
states alone, at the loosest tolerance whose error is no larger than ours.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np
from immunesim.experiments.run import run
from immunesim.experiments.scenario import MAIN
from immunesim.experiments.solving import Certify
from immunesim.numerics.compiled.engine import COMPILED_RTOL
from immunesim.tasks.request import ScenarioRequest

from tests.benchmarks.engines import Ours, Question, RoadRunner, errors

SCENARIOS = "core_memory", "acute_infection", "il2_therapy"
TRUTH = 1e-11
TOLERANCES = 1e-4, 3e-5, 1e-5, 3e-6, 1e-6, 3e-7, 1e-7, 3e-8, 1e-8, 3e-9, 1e-9, 3e-10, 1e-10, 3e-11
ROUNDS = 15
ALL = slice(None)


def fastest(*each: Callable[[], object]) -> list[float]:
    """The shortest time of each in ms, taken in turn."""
    taken: list[list[float]] = [[] for _ in each]
    for _ in range(ROUNDS):
        for place, what in enumerate(each):
            began = time.perf_counter()
            what()
            taken[place].append(1e3 * (time.perf_counter() - began))
    return [min(times) for times in taken]


def compare(name: str) -> None:
    """Prints the row of one scenario."""
    scenario = ScenarioRequest(name).read()
    question = Question(scenario, [], 1)
    system = question.system
    truth = Ours(question).run(ALL, TRUTH, keep=1)
    found = run(scenario, Certify.OFF, [MAIN]).arms[MAIN].trajectory
    states = np.array([np.interp(question.times, found.times, found[name]) for name in system.species])
    at = np.isin(question.times, found.times)  # of these alone the value is saved
    own = float(errors(states.T[None, at], truth[:, at], system.scales)[0])
    other = RoadRunner(question)
    rtol = next((each for each in TOLERANCES if errors(other.run(ALL, each), truth, system.scales)[0] <= own), 0.0)
    if not rtol:
        print(f"{name:18} error {own:.1e}: libRoadRunner does not reach it")
        return
    lane = Ours(question, lanes=1)
    plain, certified, alone, theirs = fastest(
        lambda: run(scenario, Certify.OFF, [MAIN]),
        lambda: run(scenario, Certify.AGAIN, [MAIN]),
        lambda: lane.run(ALL, COMPILED_RTOL),
        lambda: other.run(ALL, rtol),
    )
    numbers = plain, certified, alone, theirs, theirs / plain, theirs / certified
    row = " ".join(f"{each:13.1f}" for each in numbers)
    print(f"{name:18} {own:8.1e} {row}   (libRoadRunner at rtol {rtol:g})")


if __name__ == "__main__":
    columns = "ours", "certified", "one lane", "libRoadRunner", "ratio", "certified"
    print(f"{'ms a run':18} {'error':>8} " + " ".join(f"{each:>13}" for each in columns))
    for each in sys.argv[1:] or SCENARIOS:
        compare(each)
