"""Four more models of the literature, entered a second time.

The equations are typed here apart from the model files and integrated by another solver. Thresholds that no single time
course can show are then found from the simulator's own derivative and Jacobian.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from immunesim import read_scenario
from immunesim.experiments.run import run
from immunesim.experiments.schedule import compile_schedule
from immunesim.files.toml.catalogue import builtin_scenarios
from immunesim.numerics.solve import solve
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from tests.laws import Laws as SharedLaws
from tests.slow import thinned

Equations = Callable[[float, Sequence[float]], list[float]]

AGREES = 1e-5
FLOOR = 1e-3  # of a species' scale: below it, a relative difference is one of rounding
HEALTH = [0.0203298264712407, 0.00577667577789773]
MODELS = ("baker_2013", "friberg_2002", "alexander_wahl_2010", "perelson_1993")


def baker(alpha2: float = 1.0, alpha4: float = 3.5, gamma: float = 1.25, alpha2_max: float | None = None) -> Equations:
    """Baker et al. 2013, as in BIOMD0000000550; with alpha2_max as in BIOMD0000000549."""

    def equations(time: float, state: Sequence[float]) -> list[float]:
        p, a = state
        age = time**2 / (15**2 + time**2)
        strength = alpha2 if alpha2_max is None else alpha2 + (alpha2_max - alpha2) * age
        return [
            -gamma * p + (0.025 + strength * p**2 / (1 + p**2)) / (1 + a**2),
            -a + alpha4 * p**2 / (0.5**2 + p**2),
        ]

    return equations


def friberg(circ0: float, mtt: float, gamma: float, edrug: float = 0.0) -> Equations:
    """Friberg et al. 2002: proliferating cells, three stages of maturation, cells in blood; hours."""
    k = 4 / mtt

    def equations(time: float, state: Sequence[float]) -> list[float]:
        proliferating, first, second, third, circulating = state
        return [
            k * proliferating * (1 - edrug) * (circ0 / circulating) ** gamma - k * proliferating,
            k * (proliferating - first),
            k * (first - second),
            k * (second - third),
            k * (third - circulating),
        ]

    return equations


def alexander_wahl(gamma: float = 2000, b1: float = 0.25, sigma1: float = 3e-6) -> Equations:
    """Alexander and Wahl 2010, system 1, as in BIOMD0000000289: cells A, R, E and antigen G; days."""

    def equations(time: float, state: Sequence[float]) -> list[float]:
        a, r, e, g = state
        return [
            1e-4 * 0.0025 * g - (sigma1 * r + b1 + 0.25) * a,
            200 * a + 0.016 * e * a - 0.25 * r,
            1000 * a - 0.25 * e,
            gamma * e - 0.0025 * g - 5 * g,
        ]

    return equations


def perelson(n: float = 1000, r: float = 0.03) -> Equations:
    """Perelson et al. 1993, as in BIOMD0000000874: T cells uninfected, latent and active, and virus; days."""

    def equations(time: float, state: Sequence[float]) -> list[float]:
        t, t1, t2, v = state
        return [
            10 + r * t - (0.02 * t + 2.4e-5 * v * t + r * t * (t + t1 + t2) / 1500),
            2.4e-5 * v * t - 0.02 * t1 - 0.003 * t1,
            0.003 * t1 - 0.24 * t2,
            n * 0.24 * t2 - 2.4e-5 * v * t - 2.4 * v,
        ]

    return equations


ARTHRITIS_RESTS = {"health": [0.025, 0.0087], "divide": [0.105, 0.148], "disease": [0.391, 1.328]}
NEUTROPHILS, LEUKOCYTES = (5.05, 89.3, 0.163), (7.21, 124, 0.239)

# (scenario, arm, the state it starts from, the same again up to each time)
SECOND_ENTRIES = {
    "arthritis fades": ("baker", "fades", [0.24, 0.65], [(baker(7.3), 200)]),
    "arthritis lasts": ("baker", "lasts", [0.24, 0.65], [(baker(7.4), 200)]),
    "arthritis relapses": (
        "baker_treatment",
        "too_short",
        [0.39106266, 1.32840693],
        [(baker(10), 10), (baker(10, gamma=2.5), 10.5), (baker(10), 150)],
    ),
    "neutrophils": (
        "friberg",
        "neutrophils_2",
        [5.05] * 5,
        [(friberg(*NEUTROPHILS, edrug=2), 24), (friberg(*NEUTROPHILS), 960)],
    ),
    "leukocytes": (
        "friberg",
        "leukocytes_1",
        [7.21] * 5,
        [(friberg(*LEUKOCYTES, edrug=1), 24), (friberg(*LEUKOCYTES), 960)],
    ),
    "self-tolerance": ("alexander_wahl_stop_signal", "tolerant", [1, 0, 0, 1e8], [(alexander_wahl(), 100)]),
    "autoimmunity": ("alexander_wahl", "no_suppression", [1, 0, 0, 1e8], [(alexander_wahl(b1=0), 2000)]),
    "autoimmunity unchecked": (
        "alexander_wahl_stop_signal",
        "missing",
        [1, 0, 0, 1e8],
        [(alexander_wahl(4000, sigma1=0), 100)],
    ),
    "HIV": ("perelson", "main", [1000, 0, 0, 1e-3], [(perelson(), 7300)]),
    "HIV that dies out": ("perelson_threshold", "main", [1000, 0, 0, 1e-3], [(perelson(770), 7300)]),
    "HIV, much virus": ("perelson", "most", [1000, 0, 0, 1e-3], [(perelson(2000), 7300)]),
    "HIV, more T cells": ("perelson", "more_division", [1000, 0, 0, 1e-3], [(perelson(r=0.06), 7300)]),
}


@pytest.mark.parametrize("entry", thinned(SECOND_ENTRIES.values(), every=4), ids=list(SECOND_ENTRIES))
def test_the_simulator_runs_what_was_published(
    entry: tuple[str, str, list[float], list[tuple[Equations, float]]],
) -> None:
    name, arm, state, parts = entry
    scenario = read_scenario(builtin_scenarios()[name], set={"time.every": "0.5 d"})
    trajectory = run(scenario, certify=False, arms=[arm]).arms[arm].trajectory
    assert trajectory.outcome.ok
    for (equations, until), (_, start) in zip(parts, [(None, 0.0), *parts], strict=False):
        within = (trajectory.times >= start) & (trajectory.times <= until)
        second = solve_ivp(equations, (start, until), state, "Radau", trajectory.times[within], rtol=1e-10, atol=1e-14)
        assert second.success
        for (species, declared), values in zip(scenario.model.species.items(), second.y, strict=True):
            error = np.abs(trajectory[species][within] - values) / (np.abs(values) + FLOOR * declared.scale)
            assert error.max() < AGREES, f"{species} at {second.t[error.argmax()]:g}: {error.max():.2g}"
        state = second.y[:, -1]


class Laws(SharedLaws):
    def leading(self, near: Sequence[float], **changed: float) -> complex:
        """The eigenvalue with the largest real part at the steady state next to `near`."""
        state = self.steady(near, **changed)
        values = np.linalg.eigvals(self.bind(**changed)[1](0.0, state))
        return complex(values[values.real.argmax()])


@pytest.fixture(scope="module")
def laws() -> dict[str, Laws]:
    return {name: Laws(name) for name in MODELS}


def test_the_flare_of_age_is_the_published_one_once_the_solver_may_take_its_time(laws: dict[str, Laws]) -> None:
    # The flare is so steep that at the default tolerance a shift of 1e-5 in time shows in the fifth digit.
    scenario, system = read_scenario(builtin_scenarios()["baker_ageing"]), laws["baker_2013"].system
    schedule, times = compile_schedule(scenario, scenario.arms[0], system), np.linspace(0, 100, 1001)
    found = solve(system, np.array(HEALTH), schedule.segments, times, rtol=1e-9)
    second = solve_ivp(baker(1, 7, alpha2_max=50), (0, 100), HEALTH, "Radau", times, rtol=1e-10, atol=1e-14)
    for species, values in zip(("p", "a"), second.y, strict=True):
        assert found[species] == pytest.approx(values, rel=AGREES)


@pytest.mark.parametrize(
    ("alpha4", "near", "value", "expected"),
    [
        (3.5, [0.215, 0.546], 7.3, 7.331),
        (3.5, [0.040, 0.0224], 15.7, 15.666),
        (7.0, [0.040, 0.045], 15.7, 15.713),
    ],
    ids=["disease begins to last", "health ends", "health ends, alpha4 = 7"],
)
def test_health_and_disease_exclude_each_other_outside_these_limits(
    laws: dict[str, Laws], alpha4: float, near: list[float], value: float, expected: float
) -> None:
    assert laws["baker_2013"].fold("alpha2", near, value, alpha4=alpha4) == pytest.approx(expected, abs=0.5e-3)


def test_health_and_disease_are_divided_by_an_unstable_state(laws: dict[str, Laws]) -> None:
    arthritis = laws["baker_2013"]
    rests = {name: arthritis.steady(near, alpha2=10) for name, near in ARTHRITIS_RESTS.items()}
    assert [rest[0] for rest in rests.values()] == pytest.approx([0.02499, 0.10510, 0.39106], abs=0.5e-5)
    leading = {name: arthritis.leading(near, alpha2=10).real for name, near in ARTHRITIS_RESTS.items()}
    assert leading["divide"] > 0 > max(leading["health"], leading["disease"])


def test_the_shortest_course_that_heals(laws: dict[str, Laws]) -> None:
    treated, untreated = (laws["baker_2013"].bind(alpha2=10, gamma=gamma)[0] for gamma in (2.5, 1.25))

    def left(duration: float) -> float:
        course = solve_ivp(treated, (0, duration), [0.39106266, 1.32840693], "LSODA", rtol=1e-9, atol=1e-12)
        after = solve_ivp(untreated, (0, 60), course.y[:, -1], "LSODA", rtol=1e-9, atol=1e-12)
        return float(after.y[0, -1])

    assert left(0.5905) > 0.3
    assert left(0.5915) < 0.03


def test_flares_come_back_for_ever_up_to_this_strength(laws: dict[str, Laws]) -> None:
    def damping(alpha2: float) -> float:
        value = laws["baker_2013"].leading([0.31, 1.94], alpha2=alpha2, alpha4=7)
        assert value.imag != 0  # a cycle, not a fold
        return value.real

    assert damping(18) > 0 > damping(25)
    assert brentq(damping, 18, 25) == pytest.approx(20.833, abs=0.5e-3)


def test_a_marrow_without_drug_is_at_rest_and_stable(laws: dict[str, Laws]) -> None:
    for circ0, mtt, gamma in (NEUTROPHILS, LEUKOCYTES):
        assert laws["friberg_2002"].leading([circ0] * 5, Circ0=circ0, MTT=mtt, gamma=gamma).real < 0


@pytest.mark.parametrize(
    ("parameter", "low", "high", "expected"), [("gamma", 2e3, 4e3, 2501.25), ("b1", 0, 1, 0.1498001)]
)
def test_autoimmunity_begins_where_r0_is_1(
    laws: dict[str, Laws], parameter: str, low: float, high: float, expected: float
) -> None:
    def growth(value: float) -> float:
        return laws["alexander_wahl_2010"].leading([0] * 4, **{parameter: value}).real

    assert brentq(growth, low, high, xtol=1e-10) == pytest.approx(expected, rel=1e-6)


def test_specific_regulatory_cells_do_not_move_that_threshold(laws: dict[str, Laws]) -> None:
    autoimmunity = laws["alexander_wahl_2010"]
    for gamma in (2450, 2550):
        growth = [autoimmunity.leading([0] * 4, gamma=gamma, sigma1=sigma1) for sigma1 in (0, 3e-6, 3e-4)]
        assert growth[0] == growth[1] == growth[2]


@pytest.mark.parametrize(("r", "uninfected", "expected"), [(0.03, 1000, 774.33), (0.06, 1207.1, 642.79)])
def test_hiv_persists_from_this_much_virus_per_cell_on(
    laws: dict[str, Laws], r: float, uninfected: float, expected: float
) -> None:
    def growth(n: float) -> float:
        return laws["perelson_1993"].leading([uninfected, 0, 0, 0], N=n, r=r).real

    assert growth(1000) > 0
    assert brentq(growth, 500, 1000) == pytest.approx(expected, abs=0.5e-2)
