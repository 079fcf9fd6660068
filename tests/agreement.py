"""Every trajectory of every bundled scenario against two other solvers: LSODA, a method of another kind, and
libRoadRunner on the SBML that we write, which shares with ours nothing but the model.

LSODA steps the machine code's right-hand side and Jacobian. So that a fault of the code generator cannot hide, both
are held against the formulas along every trajectory, as a run does, and the right-hand side against Python's too.
Where LSODA does not come to the end Radau takes its place, a method of a third kind, and the line says so.

libRoadRunner loads the export of a model once and runs through every arm segment by segment: see `libroadrunner.py`.
With the doses of an arm as events, as a user exports it, the human model takes half a minute to load.

``python -m tests.agreement --keep FILE`` prints a line for every arm: what a run gives at its usual tolerance, all
saved times, all species. It takes half an hour of one processor, and goes on where it was stopped: FILE keeps what
was found by this version of the package. ``python -m tests.agreement NAME ...`` does so for these scenarios, and
with ``--events`` libRoadRunner runs the export of each arm.
`test_agreement.py` holds each line against TOLERANCE.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # LSODA's matrices are small: threads make them slower

import argparse
import hashlib
import json
import time as clock
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from immunesim.experiments.awake import awake_species, zero_parameters
from immunesim.experiments.periodic import has_steady_dose
from immunesim.experiments.run import ArmResult, run
from immunesim.experiments.scenario import Scenario
from immunesim.experiments.schedule import Prepared, prepare
from immunesim.experiments.solving import as_simulated
from immunesim.files.formats.sbml.document import sbml_text
from immunesim.files.toml.catalogue import builtin_scenarios
from immunesim.files.toml.scenario_file import read_scenario
from immunesim.model.model import Model
from immunesim.numerics.compiled.arms import ModelEngine
from immunesim.numerics.solve import solve_above_noise
from immunesim.numerics.system import System
from immunesim.numerics.trajectory import Array, Trajectory
from immunesim.runtime.kept import fingerprint

from tests.libroadrunner import course, sbml_of_model, simulated_apart, through_segments
from tests.machine import MachineSystem

TOLERANCE = 1e-5  # of |value| + SMALL of the scale of the species
SMALL = 1e-3
RTOL = 1e-10  # of the other two
# Radau is slower, but is not stopped where states grow from nothing after a dose as powers of time: with the low floor
# that a run has once a state rose out of noise, LSODA takes ten thousand steps of order two or three there
METHODS = "LSODA", "Radau"
SECONDS = 600.0  # of CPU time for each
TIGHTER = {
    "chronic_antigen": 1e-12,  # an arm is about to tip: at 1e-10 the two differ by 2e-6 from each other
    "kirschner_panetta": 1e-12,  # 5000 days of spikes, each of which moves the next: 1e-10 leaves them 2e-5
}
POINTS = 10  # of each trajectory, at which machine code is compared with Python
SAME = 1e-9  # of the size of what a derivative is made of: far above rounding, far below a wrong formula
TOOLS = [Path(__file__).with_name(each) for each in ("agreement.py", "libroadrunner.py", "machine.py")]
PACKAGE, SCENARIOS = (Path(__file__).parents[1] / each for each in ("simulator", "scenarios"))


class Worst(NamedTuple):
    """The species of an arm that differs most, when, and by how much of |value| + SMALL of its scale."""

    difference: float
    species: str
    time: float


class Agreement(NamedTuple):
    """One arm of a scenario against the two other solvers, and the CPU seconds of the first.

    method: the first, of METHODS. why: what stopped LSODA, where it is another. code: where machine code and formulas
    differ; empty where they do not.
    """

    scenario: str
    arm: str
    scipy: Worst
    libroadrunner: Worst
    seconds: float
    method: str
    why: str = ""
    code: str = ""

    @property
    def worst(self) -> float:
        """The larger difference of the two; infinite where machine code and formulas differ."""
        if self.code:
            return float("inf")
        return max(self.scipy.difference, self.libroadrunner.difference)

    @property
    def line(self) -> str:
        """As a row of the table."""
        parts = [
            f"{each.difference:8.1e} {each.species:24} {each.time:10.5g}" for each in (self.scipy, self.libroadrunner)
        ]
        start = f"{self.scenario:28} {self.arm:24} {self.seconds:6.1f} {self.method:6}"
        return f"{start} {'  '.join(parts)}  {self.code}  {self.why and f'(LSODA: {self.why})'}".rstrip()


HEADING = (
    f"{'scenario':28} {'arm':24} {'CPU s':>6} {'method':6} {'differs':>8} {'species':24} {'time':>10}"
    f"  {'libRR':>8} {'species':24} {'time':>10}"
)


def agreements(
    name: str, arms: Sequence[str] | None = None, events: bool = False, in_python: bool = False
) -> Iterator[Agreement]:
    """Of the bundled scenario `name` each of `arms`, or every arm.

    events: libRoadRunner runs the export of each arm, whose doses are events, instead of that of the model. in_python:
    LSODA steps the formulas in Python, which takes ten times as long.
    """
    scenario = read_scenario(builtin_scenarios()[name])
    system, rtol = System(scenario.model), TIGHTER.get(name, RTOL)
    machine = _machine(scenario, system)
    for arm, result in run(scenario, arms=arms).arms.items():
        ours = result.trajectory
        states = np.array([ours[each] for each in system.species])
        decided, prepared = _as_simulated(scenario, result, system)
        began = clock.thread_time()
        other, method, why = _by_scipy(system if in_python else machine, prepared, rtol)
        seconds = clock.thread_time() - began
        by_scipy = _worst(scenario, ours.times, states, np.array([other[each] for each in system.species]))
        code = machine.engine.disagreement([ours]) or unlike_python(machine, system, prepared, states.T)
        theirs = _by_events(decided, arm, system, rtol) if events else _by_restarts(scenario, system, prepared, rtol)
        by_libroadrunner = _worst(scenario, ours.times, states, theirs)
        yield Agreement(name, arm, by_scipy, by_libroadrunner, seconds, method, why, code)


def _by_scipy(system: System, prepared: Prepared, rtol: float) -> tuple[Trajectory, str, str]:
    """By the first of METHODS that comes to the end, which one that is, and what stopped the one before."""
    why = ""
    for method in METHODS:
        found = solve_above_noise(
            system,
            prepared.initial,
            prepared.schedule.segments,
            prepared.times,
            rtol=rtol,
            seconds=SECONDS,
            method=method,
            dense=False,
        )
        if found.outcome.ok:
            return found, method, why
        why = found.outcome.message
    raise AssertionError(f"{METHODS[-1]}: {why}")


def _machine(scenario: Scenario, system: System) -> MachineSystem:
    """The program of all arms of a scenario."""
    awake = awake_species(scenario, scenario.arms, system.parameter_formulas)
    if any(has_steady_dose(arm) for arm in scenario.arms):
        awake = set(system.species)
    return MachineSystem(ModelEngine(system, awake, zero_parameters(scenario)))


def _as_simulated(scenario: Scenario, result: ArmResult, system: System) -> tuple[Scenario, Prepared]:
    """The scenario with one arm alone, which has the doses that its rules let through and its steady state, and what a
    solver needs of it."""
    arm = as_simulated(scenario, result.arm, system) if has_steady_dose(result.arm) else result.arm
    return replace(scenario, arms=(arm,)), prepare(scenario, arm, system)


def unlike_python(machine: System, system: System, prepared: Prepared, states: Array) -> str:
    """Where the right-hand side of the machine code is not that of the code in Python, at POINTS saved times of an arm;
    states: shape (times, species)."""
    species, small = system.species, SMALL * system.scales
    starts = np.array([each.start for each in prepared.schedule.segments])
    for point in np.linspace(0, len(prepared.times) - 1, POINTS).astype(int).tolist():
        time, state = float(prepared.times[point]), states[point]
        segment = prepared.schedule.segments[max(int(np.searchsorted(starts, time, side="right")) - 1, 0)]
        parameters = segment.parameters.tolist()
        found, (rhs, jacobian, _) = np.array(machine.bind(parameters)[0](time, state)), system.bind(parameters)
        expected = np.array(rhs(time, state))
        size = np.abs(expected) + np.abs(jacobian(time, state)) @ (np.abs(state) + small)
        wrong = ~(np.abs(found - expected) <= SAME * size)
        if wrong.any():
            return f"machine code and Python differ: {species[int(wrong.argmax())]} at {time:g}"
    return ""


def _by_events(decided: Scenario, arm: str, system: System, rtol: float) -> Array:
    """By libRoadRunner, shape (species, times)."""
    times = prepare(decided, decided.arms[0], system).times
    return simulated_apart(sbml_text(decided, arm), decided, times, system.species, rtol).T


_exports: list[tuple[Model, str]] = []  # of each model


def _by_restarts(scenario: Scenario, system: System, prepared: Prepared, rtol: float) -> Array:
    """By libRoadRunner, shape (species, times)."""
    text = next((text for model, text in _exports if model == scenario.model), None)
    if text is None:
        text = sbml_of_model(scenario)
        _exports.append((scenario.model, text))
    return through_segments(text, course(system, prepared, rtol))


def _worst(scenario: Scenario, times: Array, ours: Array, theirs: Array) -> Worst:
    """Both of shape (species, times)."""
    names = list(scenario.model.species)
    scales = np.array([each.scale for each in scenario.model.species.values()])[:, None]
    error = np.abs(ours - theirs) / (np.abs(theirs) + SMALL * scales)
    row, column = np.unravel_index(int(np.where(np.isnan(error), np.inf, error).argmax()), error.shape)
    return Worst(float(error[row, column]), names[row], float(times[column]))


def main(names: Sequence[str], events: bool, keep: Path | None) -> None:
    """Prints the table, and the worst arm last."""
    print(HEADING)
    wanted, began, found = names or list(builtin_scenarios()), clock.process_time(), list[Agreement]()
    version = _version(events)
    known = _kept(keep, version)
    for number, name in enumerate(wanted, start=1):
        rows = known.get(name)
        if rows is None:
            rows = list(_said(agreements(name, None, events), lambda each: print(each.line, flush=True)))
            if keep is not None:
                with keep.open("a") as file:
                    file.write(json.dumps([version, name, rows]) + "\n")
        found += rows
        print(f"# {number} of {len(wanted)} scenarios, {clock.process_time() - began:.0f} CPU s", flush=True)
    if not found:
        return
    worse = [each for each in found if not each.worst <= TOLERANCE]
    print(f"{len(found)} arms, {len(worse)} of them differ by more than {TOLERANCE:g}; the ten worst:")
    for each in sorted(found, key=lambda each: -each.worst)[:10]:
        print(each.line)


def _said(rows: Iterator[Agreement], say: Callable[[Agreement], None]) -> Iterator[Agreement]:
    for each in rows:
        say(each)
        yield each


def _version(events: bool) -> str:
    """What the rows that are kept were made by."""
    found = hashlib.sha256(f"{fingerprint(PACKAGE)} {events}".encode())
    for path in sorted([*PACKAGE.rglob("*.toml"), *SCENARIOS.rglob("*.toml"), *TOOLS]):
        found.update(path.read_bytes())
    return found.hexdigest()


def _kept(keep: Path | None, version: str) -> dict[str, list[Agreement]]:
    """By scenario, the rows that this version of the package has found before."""
    found: dict[str, list[Agreement]] = {}
    for line in keep.read_text().splitlines() if keep is not None and keep.exists() else ():
        made_by, name, rows = json.loads(line)
        if made_by == version:
            found[name] = [Agreement(*row[:2], Worst(*row[2]), Worst(*row[3]), *row[4:]) for row in rows]
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.agreement", description=__doc__.split("\n\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="a bundled scenario (default: all of them)")
    parser.add_argument("--events", action="store_true", help="libRoadRunner runs the export of each arm")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="go on where a run with this file was stopped")
    given = parser.parse_args()
    main(given.names, given.events, given.keep)
