"""Every trajectory of every bundled scenario against two other solvers: LSODA on our formulas, and libRoadRunner on
the SBML that we write, which shares with ours nothing but the model.

``python -m tests.agreement`` prints a line for every arm: what a run gives at its usual tolerance, all saved times,
all species. ``python -m tests.agreement NAME ...`` does so for these scenarios. `test_agreement.py` holds each line
against TOLERANCE.
"""

from __future__ import annotations

import argparse
import time as clock
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from immunesim.experiments.run import run
from immunesim.experiments.scenario import Scenario
from immunesim.experiments.schedule import prepare
from immunesim.files.formats.sbml.document import sbml_text
from immunesim.files.toml.catalogue import builtin_scenarios
from immunesim.files.toml.scenario_file import read_scenario
from immunesim.numerics.solve import solve_above_noise
from immunesim.numerics.system import System
from immunesim.numerics.trajectory import Array

from tests.libroadrunner import simulated_apart

TOLERANCE = 1e-5  # of |value| + SMALL of the scale of the species
SMALL = 1e-3
RTOL = 1e-10  # of the other two
TIGHTER = {"kirschner_panetta": 1e-12}  # 5000 days of spikes, each of which moves the next: 1e-10 leaves them 2e-5


class Worst(NamedTuple):
    """The species of an arm that differs most, when, and by how much of |value| + SMALL of its scale."""

    difference: float
    species: str
    time: float


class Agreement(NamedTuple):
    """One arm of a scenario against the two other solvers, and the seconds that each took."""

    scenario: str
    arm: str
    lsoda: Worst
    libroadrunner: Worst | None
    seconds: tuple[float, float]

    @property
    def worst(self) -> float:
        """The larger difference of the two."""
        return max(each.difference for each in (self.lsoda, self.libroadrunner) if each is not None)

    @property
    def line(self) -> str:
        """As a row of the table."""
        parts = [
            f"{each.difference:8.1e} {each.species:24} {each.time:10.5g}"
            for each in (self.lsoda, self.libroadrunner)
            if each is not None
        ]
        return f"{self.scenario:28} {self.arm:24} {'  '.join(parts)}  {self.seconds[0]:6.1f} {self.seconds[1]:6.1f}"


HEADING = f"{'scenario':28} {'arm':24} {'LSODA':8} {'species':24} {'time':>10}  {'libRR':8} {'species':24} {'time':>10}"


def agreements(name: str, arms: Sequence[str] | None = None, libroadrunner: bool = True) -> Iterator[Agreement]:
    """Of the bundled scenario `name` each of `arms`, or every arm.

    libroadrunner: also against libRoadRunner, which takes half a minute to load an arm of the human model.
    """
    scenario = read_scenario(builtin_scenarios()[name])
    system, rtol = System(scenario.model), TIGHTER.get(name, RTOL)
    for arm, result in run(scenario, arms=arms).arms.items():
        ours = result.trajectory
        states = np.array([ours[each] for each in system.species])
        decided = replace(scenario, arms=(result.arm,))  # with the doses that its rules let through
        prepared = prepare(decided, result.arm, system)
        began = clock.perf_counter()
        other = solve_above_noise(
            system, prepared.initial, prepared.schedule.segments, prepared.times, rtol=rtol, dense=False
        )
        assert other.outcome.ok, other.outcome.message
        by_lsoda = _worst(scenario, ours.times, states, np.array([other[each] for each in system.species]))
        after_lsoda = clock.perf_counter()
        by_libroadrunner = None
        if libroadrunner:
            theirs = simulated_apart(sbml_text(decided, arm), scenario, ours.times, system.species, rtol).T
            by_libroadrunner = _worst(scenario, ours.times, states, theirs)
        seconds = after_lsoda - began, clock.perf_counter() - after_lsoda
        yield Agreement(name, arm, by_lsoda, by_libroadrunner, seconds)


def _worst(scenario: Scenario, times: Array, ours: Array, theirs: Array) -> Worst:
    """Both of shape (species, times)."""
    names = list(scenario.model.species)
    scales = np.array([each.scale for each in scenario.model.species.values()])[:, None]
    error = np.abs(ours - theirs) / (np.abs(theirs) + SMALL * scales)
    row, column = np.unravel_index(int(np.where(np.isnan(error), np.inf, error).argmax()), error.shape)
    return Worst(float(error[row, column]), names[row], float(times[column]))


def main(names: Sequence[str]) -> None:
    print(HEADING)
    found = []
    for name in names or builtin_scenarios():
        for each in agreements(name):
            print(each.line, flush=True)
            found.append(each)
    worse = [each for each in found if each.worst > TOLERANCE]
    print(f"{len(found)} arms, {len(worse)} of them differ by more than {TOLERANCE:g}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.agreement", description=__doc__.split("\n\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="a bundled scenario (default: all of them)")
    main(parser.parse_args().names)
