"""Three drugs and a T-cell response of the literature, entered a second time.

The equations are typed here as the papers print them, in their units, and integrated by another solver that is
restarted at every dose and at every switch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from math import exp, sqrt
from typing import NamedTuple

import numpy as np
import pytest
from immunesim import read_scenario
from immunesim.experiments.run import run
from immunesim.files.toml.scenario_file import builtin_scenarios
from scipy.integrate import solve_ivp

from tests.slow import thinned

Equations = Callable[[float, Sequence[float]], list[float]]

AGREES = 1e-5
FLOOR = 1e-3  # of a species' scale: below it, a relative difference is one of rounding


class Course(NamedTuple):
    """One arm again. equations: (from when, what holds from then on). to_species: what a state of the paper is
    multiplied by to be the simulator's."""

    start: list[float]
    equations: list[tuple[float, Equations]]
    doses: list[tuple[float, float]]  # when, how much is added to the first state
    to_species: list[float]


def canakinumab(doses: list[tuple[float, float]], weight: float = 70) -> Course:
    """Ait-Oudhia et al. 2012, equations 1 to 11: mg under the skin, nmol of drug and IL-1 beta, CRP, ACRL; days."""
    cl, q, cll = (value * (weight / 70) ** 0.75 for value in (0.104, 0.165, 13.7))
    vc, vp = 3.71 * weight / 70, 2.24 * weight / 70
    ksyn = 7.4 / 17000
    k, power = 1.06, 1.92
    kin = (8.44 * k**power) ** (1 / power)

    def equations(time: float, state: Sequence[float]) -> list[float]:
        depot, drug, tissue, il1, c1, c2, c3, acrl = state
        unbound = drug - il1 - 0.38 * vc
        free_drug = 0.5 * (unbound + sqrt(unbound**2 + 4 * 0.38 * vc * drug))
        free = il1 / vc * 0.38 / (0.38 + free_drug / vc)
        fall = (ksyn / cll - free) * 17000
        effect = 0.741 * fall / (ksyn / cll * 17000 - 0.204 + fall)
        placebo = 0.259 * (1 - exp(-0.0524 * time))
        return [
            -0.266 * depot,
            0.667 * 0.266 * depot * 1000 / 150 - (cl + q) / vc * drug + q / vp * tissue,
            q / vc * drug - q / vp * tissue,
            ksyn - (cl - cll) / vc * (drug - free_drug) - cll / vc * il1,
            kin * (free * cll / ksyn) ** 0.25 - k * c1,
            k * (c1 - c2),
            k * (c2**power - c3),
            (1 - effect - placebo - acrl) / 55.9,
        ]

    start = [0, 0, 0, ksyn * vc / cll, kin / k, kin / k, 8.44, 1]
    return Course(start, [(0, equations)], doses, [1, 0.15, 0.15, 17000, k / kin, k / kin, 1, 1])


def omalizumab(doses: list[tuple[float, float]], ige: float = 482.4, weight: float = 61.1) -> Course:
    """Hayashi et al. 2007, Methods: mg under the skin, nmol of omalizumab, nmol of IgE; days, with rates per hour."""
    clx, v, vc = 7.32e-3 * (weight / 61.1) ** 0.911, 5.9 * (weight / 61.1) ** 0.658, 3.63
    cle, made = 71.0e-3 * (ige / 482.4) ** -0.281, 30.3 / 190 * (ige / 482.4) ** 0.657

    def equations(time: float, state: Sequence[float]) -> list[float]:
        depot, x, e = state
        kd = 1.07 * (x / e) ** 0.157
        s = x + e + kd * v * v / vc
        c = 0.5 * (s - sqrt(s**2 - 4 * x * e))
        hourly = [
            -0.02 * depot,
            0.02 * depot * 1000 / 150 - clx * (x - c) / v - (clx + 5.86e-3) * c / vc,
            made - cle * (e - c) / v - (clx + 5.86e-3) * c / vc,
        ]
        return [24 * rate for rate in hourly]

    return Course([0, 0, ige / 190 * v], [(0, equations)], doses, [1, 0.15, 190])


def dupilumab(doses: list[tuple[float, float]], weight: float = 75) -> Course:
    """Kovalenko et al. 2020, model 1: mg under the skin, in three steps of transit, in plasma, in tissue; days."""
    ktr, v = 4 / 0.105, 2.48 * (weight / 75) ** 0.711

    def equations(time: float, state: Sequence[float]) -> list[float]:
        depot, t1, t2, t3, c, p = state
        return [
            -ktr * depot,
            ktr * (0.643 * depot - t1),
            ktr * (t1 - t2),
            ktr * t2 - 0.256 * t3,
            0.256 * t3 - 0.0534 * c - 0.213 * c + 0.213 / 0.686 * p - c * 1.07 / (0.01 + c / v),
            0.213 * c - 0.213 / 0.686 * p,
        ]

    return Course([0] * 6, [(0, equations)], doses, [1] * 6)


def t_cells(p: float, share: float, until: float, start: float) -> Course:
    """De Boer et al. 2001: naive, activated and memory cells; days. share: of the stimulation of NP118."""

    def at_rest(time: float, state: Sequence[float]) -> list[float]:
        activated = state[1]
        return [0, -(0.5 + 0.02) * activated, 0.02 * activated]

    def stimulated(time: float, state: Sequence[float]) -> list[float]:
        naive, activated, _ = state
        return [-100 * share * naive, share * (100 * naive + p * activated), 0]

    return Course([start, 0, 0], [(0, at_rest), (1.5, stimulated), (until, at_rest)], [], [1, 1, 1])


def every(days: int, count: int, dose: float, first: int = 0) -> list[tuple[float, float]]:
    return [(first + days * number, dose) for number in range(count)]


# name: (scenario, its end, arm, the same again); dupilumab until shortly before its last milligram, which the receptor
# takes within a day: from there on the solver's last digits become a shift in time
SECOND_ENTRIES = {
    "canakinumab": ("canakinumab", "168 d", "main", canakinumab(every(28, 3, 150))),
    "canakinumab, placebo": ("canakinumab", "168 d", "placebo", canakinumab([])),
    "canakinumab, 100 kg": ("canakinumab", "56 d", "heavy", canakinumab(every(28, 2, 150), weight=100)),
    "omalizumab": ("omalizumab", "112 d", "main", omalizumab(every(28, 4, 300))),
    "omalizumab, untreated": ("omalizumab", "252 d", "untreated", omalizumab([])),
    "omalizumab, 90 kg": ("omalizumab", "56 d", "heavy", omalizumab(every(28, 2, 300), weight=90)),
    "omalizumab, high IgE": ("omalizumab", "56 d", "high_IgE", omalizumab(every(28, 2, 300), ige=1000)),
    "dupilumab": ("dupilumab", "42 d", "main", dupilumab([(0, 600), *every(14, 2, 300, first=14)])),
    "dupilumab, once": ("dupilumab", "57 d", "single", dupilumab([(0, 600)])),
    "dupilumab, 100 kg": ("dupilumab", "28 d", "heavy", dupilumab([(0, 600), (14, 300)], weight=100)),
    "NP118": ("lcmv", "60 d", "main", t_cells(2.9, share=1, until=5.5, start=100)),
    "GP283": ("lcmv", "60 d", "GP283", t_cells(2.9, share=(9 / 12.5) / (9 / 10), until=5.5, start=100)),
    "C57BL/6": ("lcmv", "60 d", "C57BL6", t_cells(2.08, share=1, until=7.5, start=80)),
}


def integrated(course: Course, times: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(which of `times`, the states there), from one dose or switch to the next; at a dose, the states after it."""
    state = np.array(course.start, dtype=float)
    edges = sorted({when for when, _ in [*course.doses, *course.equations]} | {0.0, times[-1]})
    for begins, ends in pairwise(edges):
        state[0] += sum(amount for when, amount in course.doses if when == begins)
        equations = [each for when, each in course.equations if when <= begins][-1]
        inside = (times >= begins) & (times < ends)
        asked = np.append(times[inside], ends)
        found = solve_ivp(equations, (begins, ends), state, "Radau", asked, rtol=1e-10, atol=1e-13)
        assert found.success
        state = found.y[:, -1].copy()
        yield inside, found.y[:, :-1]


@pytest.mark.parametrize("entry", thinned(SECOND_ENTRIES.values(), every=4), ids=list(SECOND_ENTRIES))
def test_the_simulator_runs_what_the_paper_prints(entry: tuple[str, str, str, Course]) -> None:
    name, end, arm, course = entry
    scenario = read_scenario(builtin_scenarios()[name], set={"time.end": end})
    trajectory = run(scenario, certify=False, arms=[arm]).arms[arm].trajectory
    assert trajectory.outcome.ok
    compared = 0
    for inside, states in integrated(course, trajectory.times):
        compared += states.shape[1]
        for (species, declared), factor, values in zip(
            scenario.model.species.items(), course.to_species, states, strict=True
        ):
            ours, theirs = trajectory[species][inside], values * factor
            error = np.abs(ours - theirs) / (np.abs(theirs) + FLOOR * declared.scale)
            worst = int(error.argmax())
            assert error[worst] < AGREES, f"{species} at {trajectory.times[inside][worst]:g}"
    assert compared == len(trajectory.times) - 1
