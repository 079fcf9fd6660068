"""Two models of the literature, entered a second time.

The equations are typed here as the papers print them, apart from the model files, and integrated by another solver.
Thresholds that no single time course can show are then found from the simulator's own derivative and Jacobian.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from immunesim import read_scenario
from immunesim.experiments.run import run
from immunesim.files.toml.scenario_file import builtin_scenarios
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from tests.laws import Laws as SharedLaws

Equations = Callable[[float, Sequence[float]], list[float]]

AGREES = 1e-5
FLOOR = 1e-3  # of a species' scale: below it, a relative difference is one of rounding


def kirschner_panetta(c: float, s1: float = 0.0, s2: float = 0.0) -> Equations:
    """Kirschner and Panetta 1998, equations 1 to 3, unscaled: effector cells, tumour cells, IL-2; days."""

    def equations(time: float, state: Sequence[float]) -> list[float]:
        effector, tumour, il2 = state
        return [
            c * tumour - 0.03 * effector + 0.1245 * effector * il2 / (2e7 + il2) + s1,
            0.18 * tumour * (1 - 1e-9 * tumour) - 1.0 * effector * tumour / (1e5 + tumour),
            5 * effector * tumour / (1e3 + tumour) - 10 * il2 + s2,
        ]

    return equations


def reynolds(kpg: float = 0.3, sc: float = 0.0125) -> Equations:
    """Reynolds et al. 2006, equations 9 to 12: pathogen, phagocytes, damage, anti-inflammatory mediator; hours."""

    def equations(time: float, state: Sequence[float]) -> list[float]:
        p, n, d, ca = state

        def f(x: float) -> float:
            return x / (1 + (ca / 0.28) ** 2)

        r = f(0.01 * n + 0.1 * p + 0.02 * d)
        fs = f(n) ** 6 / (0.06**6 + f(n) ** 6)
        called = f(n + 48 * d)
        return [
            kpg * p * (1 - p / 20) - 0.6 * 0.005 * p / (0.002 + 0.01 * p) - 1.8 * f(n) * p,
            0.08 * r / (0.12 + r) - 0.05 * n,
            0.35 * fs - 0.02 * d,
            sc + 0.04 * called / (1 + called) - 0.1 * ca,
        ]

    return equations


# (scenario, its end, arm, the same again, the state it starts from); the untreated tumour for 400 d, because later
# each relapse turns the solver's last digits into a shift in time
SECOND_ENTRIES = {
    "tumour escapes": ("kirschner_panetta", "400 d", "escapes", kirschner_panetta(1e-5), [1, 1, 1]),
    "tumour is held": ("kirschner_panetta", "400 d", "held", kirschner_panetta(0.035), [1, 1, 1]),
    "effector cells": (
        "kirschner_panetta_il2",
        "1000 d",
        "cells_enough",
        kirschner_panetta(0.02, s1=550),
        [18333, 1, 0],
    ),
    "both treatments": (
        "kirschner_panetta_il2",
        "1000 d",
        "main",
        kirschner_panetta(0.02, s1=255, s2=3e7),
        [18531, 1, 3e6],
    ),
    "inflammation heals": ("reynolds", "600 h", "main", reynolds(), [1, 0, 0, 0.125]),
    "aseptic death": ("reynolds", "600 h", "weak_stop", reynolds(sc=0.00625), [1, 0, 0, 0.0625]),
    "septic death": ("reynolds", "600 h", "septic", reynolds(kpg=0.6), [1, 0, 0, 0.125]),
}


@pytest.mark.parametrize("entry", SECOND_ENTRIES.values(), ids=list(SECOND_ENTRIES))
def test_the_simulator_runs_what_the_paper_prints(entry: tuple[str, str, str, Equations, list[float]]) -> None:
    name, end, arm, equations, start = entry
    scenario = read_scenario(builtin_scenarios()[name], set={"time.end": end})
    trajectory = run(scenario, certify=False, arms=[arm]).arms[arm].trajectory
    assert trajectory.outcome.ok
    times = trajectory.times
    assert f"{times[-1]:g} {scenario.model.time_unit_text}" == end
    second = solve_ivp(equations, (0, times[-1]), start, "Radau", times, rtol=1e-10, atol=1e-14)
    assert second.success
    for (species, declared), values in zip(scenario.model.species.items(), second.y, strict=True):
        error = np.abs(trajectory[species] - values) / (np.abs(values) + FLOOR * declared.scale)
        worst = int(error.argmax())
        assert error[worst] < AGREES, f"{species} at {times[worst]:g}: {trajectory[species][worst]}, {values[worst]}"


class Laws(SharedLaws):
    def growth(self, row: int, state: Sequence[float], **changed: float) -> float:
        """The rate at which a species that is absent from the steady state `state` grows back."""
        derivative, jacobian = self.bind(**changed)
        state = np.array(state, dtype=float)
        assert state[row] == 0
        assert np.allclose(derivative(0.0, state), 0.0, atol=1e-9 * np.abs(state).max())
        return float(jacobian(0.0, state)[row, row])


@pytest.fixture(scope="module")
def tumour() -> Laws:
    return Laws("kirschner_panetta_1998")


@pytest.fixture(scope="module")
def inflammation() -> Laws:
    return Laws("reynolds_2006")


def test_a_large_tumour_persists_up_to_the_published_antigenicity(tumour: Laws) -> None:
    # Published as 8.55e-5. With proliferation linear in IL-2, as in the curated SBML file, it would be 7.44e-5.
    c0 = tumour.fold("c", near=[5.9e6, 9.66e8, 2.9e6], value=8.5e-5)
    assert c0 == pytest.approx(8.552e-5, abs=0.0005e-5)


def test_the_tumour_stops_cycling_at_the_published_antigenicity(tumour: Laws) -> None:
    def damping(c: float) -> float:
        state = tumour.steady([2.2e4, 2.2e4, 1.05e4], c=c)
        _, jacobian = tumour.bind(c=c)
        values = np.linalg.eigvals(jacobian(0.0, state))
        pair = values[values.imag > 0]
        assert len(pair) == 1
        assert 2 * np.pi / pair[0].imag == pytest.approx(94, abs=2)  # the period in days: a cycle, not a fold
        return float(pair[0].real)

    assert damping(0.03) > 0 > damping(0.035)
    assert brentq(damping, 0.03, 0.035, xtol=1e-10) == pytest.approx(0.032464, abs=0.5e-6)  # published as 0.032


def test_an_antigenic_tumour_rests_at_the_published_size(tumour: Laws) -> None:
    rest = tumour.steady([2e4, 2e4, 1e4])  # with the model's own c, 0.035
    assert rest == pytest.approx([2.1275e4, 1.8198e4, 1.0083e4], rel=1e-4)


def test_effector_cells_keep_a_tumour_away_from_540_per_day_on(tumour: Laws) -> None:
    threshold = brentq(lambda s1: tumour.growth(1, [s1 / 0.03, 0, 0], s1=s1), 100, 1000, xtol=1e-9)
    assert threshold == pytest.approx(540, rel=1e-9)


def test_interleukin_2_alone_makes_effector_cells_grow_without_end(tumour: Laws) -> None:
    threshold = brentq(lambda s2: tumour.growth(0, [0, 0, s2 / 10], s2=s2), 1e7, 1e8, xtol=1e-3)
    assert threshold == pytest.approx(6.349e7, rel=1e-4)
    assert tumour.growth(0, [0, 0, 1e12], s2=1e13) < 0.1245 - 0.03  # but never faster than IL-2 can make them


def test_one_inoculum_divides_health_from_aseptic_death(inflammation: Laws) -> None:
    derivative, jacobian = inflammation.bind()

    def dies(inoculum: float) -> bool:
        start = [inoculum, 0.0, 0.0, 0.125]
        end = solve_ivp(derivative, (0, 1000), start, "LSODA", [1000], rtol=1e-9, atol=1e-13, jac=jacobian)
        assert end.success
        pathogen, phagocytes = end.y[:2, 0]
        assert abs(pathogen) < 1e-9
        return bool(phagocytes > 0.3)

    below, above = 1.0, 1.1
    assert dies(above)
    assert not dies(below)
    while above - below > 2e-5:
        middle = (below + above) / 2
        below, above = (below, middle) if dies(middle) else (middle, above)
    assert below == pytest.approx(1.0357, abs=0.5e-4)


def test_septic_death_appears_at_the_published_growth(inflammation: Laws) -> None:
    kpg = inflammation.fold("kpg", near=[2.2, 0.83, 17.5, 0.523], value=0.52)
    assert kpg == pytest.approx(0.5137, abs=0.5e-4)
    assert inflammation.steady([2.7, 0.86, 17.5, 0.523], kpg=0.52)[0] == pytest.approx(2.745, abs=0.5e-3)


@pytest.mark.parametrize(
    ("state", "published"), [([0, 0, 0, 0.125], 1.5), ([0, 0.635, 17.4, 0.523], 1.755)], ids=["health", "aseptic death"]
)
def test_a_fast_pathogen_takes_root_at_the_published_growth(
    inflammation: Laws, state: list[float], published: float
) -> None:
    rest = inflammation.steady(state)
    rest[0] = 0.0
    threshold = brentq(lambda kpg: inflammation.growth(0, rest, kpg=kpg), 1, 2)
    assert threshold == pytest.approx(published, abs=0.5e-3)
