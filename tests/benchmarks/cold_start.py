"""How long commands take from a cold start, as ratios to what Python and its libraries take in the same run.

    python -m tests.benchmarks.cold_start [ROUNDS] [--evidence]

Commands are timed in turn, round by round, so that a noisy minute hits all of them; the fastest of each is compared.
Code and models are kept, as on any but the first day; the first run of a model that was never compiled is timed apart.
Then the stages of a run in one process, and warm runs from Python. `--evidence` also times all bundled scenarios.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = [sys.executable, str(ROOT / "run_sim.py")]

LIGHT = "import tomllib, dataclasses, argparse"
HEAVY = "import numpy, scipy.integrate"
RUN = "--no-plots"
LIMITS = {  # command -> what it is compared with, and how many times as long it may take
    ("check", "acute_infection"): (LIGHT, 3.0),
    ("describe", "IL2"): (LIGHT, 3.0),
    ("run", "acute_infection", RUN): (HEAVY, 3.0),
    ("run", "il2_therapy", RUN): (HEAVY, 4.0),
}
OTHERS = [("--help",), ("run", "--help"), ("list",), ("show", "il2_therapy")]
WARM = {"il2_therapy": 30.0, "acute_infection": 9.0}  # ms of the main arm with its measures, without a certificate

# a process that has read nothing: its stages in seconds, one line each
STAGES = """
import sys, time
from pathlib import Path
began = last = time.perf_counter()
def stage(name):
    global last
    now = time.perf_counter()
    print(f"{name}\\t{now - last:.4f}")
    last = now
import immunesim.tasks.run
stage("imports")
from immunesim.tasks.request import ScenarioRequest
scenario = ScenarioRequest(sys.argv[1]).read()
stage("reading")
from immunesim.experiments.solving import solve_arms, system_of
from immunesim.experiments.schedule import prepare
system = system_of(scenario.model)
prepared = {arm.name: prepare(scenario, arm, system) for arm in scenario.arms}
stage("doses")
solved = solve_arms(scenario, system, prepared).arms
stage("solving, twice, and comparing")
from immunesim.experiments.expectations import judge
judge(scenario, {name: each.trajectory for name, each in solved.items()})
stage("measures of the expectations")
from immunesim.experiments.measured import all_curve_measures
for each in solved.values():
    all_curve_measures(scenario.model, each.trajectory, list(each.trajectory.values))
stage("measures of all curves")
from immunesim.files.results.run_folder import write_table
for name, each in solved.items():
    write_table(Path(sys.argv[2]) / f"{name}.csv", scenario, each.trajectory)
stage("writing the tables")
"""


# Python keeps the bytecode of our files, as it does for users
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def seconds(command: list[str], environment: dict[str, str] | None = None) -> float:
    """Wall time of a process that runs in a new folder; `CalledProcessError` if it fails."""
    environment = environment or ENVIRONMENT
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        subprocess.run(command, cwd=folder, check=True, capture_output=True, env=environment)
        return time.perf_counter() - began


def commands(rounds: int) -> None:
    """The table of commands, and whether each is within its limit."""
    timed: dict[tuple[str, ...] | str, list[str]] = {
        each: [sys.executable, "-c", each] for each in ("pass", LIGHT, HEAVY)
    }
    timed |= {each: [*PROGRAM, *each] for each in (*LIMITS, *OTHERS)}
    times: dict[tuple[str, ...] | str, list[float]] = {name: [] for name in timed}
    for number in range(rounds + 1):  # the first round fills the caches and is not counted
        for name, command in timed.items():
            taken = seconds(command)
            if number:
                times[name].append(taken)
    least = {name: min(taken) for name, taken in times.items()}
    print(f"{'command':45} {'s':>7} {'ratio':>6} {'limit':>6}")
    for name in timed:
        text = name if isinstance(name, str) else " ".join(name)
        base, limit = LIMITS.get(name, (LIGHT, 0.0)) if not isinstance(name, str) else (LIGHT, 0.0)
        ratio = least[name] / least[base]
        print(f"{text:45} {least[name]:7.3f} {ratio:6.2f} {limit or '':>6}{'  MISSED' if 0 < limit < ratio else ''}")


def first_run() -> None:
    """What the first run of a model costs more than the next: its code is compiled, its files are parsed."""
    with tempfile.TemporaryDirectory() as cache:
        environment = {**ENVIRONMENT, "IMMUNESIM_CACHE": cache}
        command = [*PROGRAM, "run", "acute_infection", RUN]
        first = seconds(command, environment)
        again = min(seconds(command, environment) for _ in range(3))
    print(f"\nfirst run of a model: {first:.2f} s, {first - again:.2f} s more than the next (limit 3)")


def stages(rounds: int) -> None:
    """Where the time of a run goes."""
    for name in ("acute_infection", "il2_therapy"):
        found: dict[str, list[float]] = {}
        for _ in range(rounds):
            with tempfile.TemporaryDirectory() as folder:
                command = [sys.executable, "-c", STAGES, name, folder]
                done = subprocess.run(command, check=True, capture_output=True, text=True, env=ENVIRONMENT)
            for line in done.stdout.splitlines():
                stage, taken = line.split("\t")
                found.setdefault(stage, []).append(float(taken))
        least = {stage: min(taken) for stage, taken in found.items()}
        total = sum(least.values())
        print(f"\n{name}, from the first import to the last table: {total:.2f} s")
        for stage, taken in least.items():
            print(f"  {stage:32} {1e3 * taken:7.0f} ms {taken / total:6.0%}")


def fastest(what: Callable[[], object], rounds: int) -> float:
    """The shortest wall time of many calls, in ms."""
    taken = []
    for _ in range(rounds):
        began = time.perf_counter()
        what()
        taken.append(time.perf_counter() - began)
    return 1e3 * min(taken)


def warm(rounds: int) -> None:
    """Runs of a scenario that has been read, in this process."""
    from immunesim.experiments.run import run
    from immunesim.experiments.solving import Certify
    from immunesim.tasks.request import ScenarioRequest

    print(f"\n{'main arm with its measures, warm':36} {'ms':>7} {'limit':>6} {'certified':>10} {'times':>6}")
    for name, limit in WARM.items():
        scenario = ScenarioRequest(name).read()
        plain = fastest(lambda question=scenario: run(question, Certify.OFF, ["main"]), rounds)
        certified = fastest(lambda question=scenario: run(question, Certify.AGAIN, ["main"]), rounds)
        print(f"{name:36} {plain:7.1f} {limit:6.1f} {certified:10.1f} {certified / plain:6.1f}")


def evidence() -> None:
    """All bundled scenarios against their published facts."""
    print(f"\nevidence of all scenarios: {min(seconds([*PROGRAM, 'evidence']) for _ in range(2)):.1f} s (limit 12)")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rounds", nargs="?", type=int, default=9)
    parser.add_argument("--evidence", action="store_true")
    given = parser.parse_args()
    commands(given.rounds)
    first_run()
    stages(given.rounds)
    warm(5 * given.rounds)
    if given.evidence:
        evidence()
