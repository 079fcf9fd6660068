"""Infection: no cliffs over dose, growth, antibody, memory and drugs, and cells that add up."""

from __future__ import annotations

import immunesim as sim
import numpy as np
import pytest

PROBE = "acute_infection"
GONE = "time_above(pathogen, '0.001 PFU/mL')"


def measured(measures: dict[str, str], arm: str = "main", **changes: object) -> dict[str, float]:
    """The measures of one arm of an infection of 150 d with these changes."""
    run = sim.run(PROBE, set={"time.end": "150 d", **changes}, arms=[arm], certify=False)
    return {name: float(run.measure(formula)) for name, formula in measures.items()}


def asked(**changes: object) -> dict[str, float]:
    return measured({"lasts": GONE, "area": "auc(pathogen)", "T": "max(T_active)"}, **changes)


@pytest.fixture(scope="module")
def untreated() -> dict[str, float]:
    return asked()


@pytest.mark.parametrize("level", [3, 30, 60, 100, 300])
def test_antibody_given_before_never_lengthens_an_infection(untreated: dict[str, float], level: float) -> None:
    found = asked(**{"initial.antibody": f"{level} nM"})
    assert found["area"] < untreated["area"]
    assert found["lasts"] < untreated["lasts"]


@pytest.mark.parametrize("growth", ["0.5 1/d", "1 1/d", "5 1/d", "7 1/d"])
def test_a_healthy_adult_ends_fast_and_slow_infections_alike(untreated: dict[str, float], growth: str) -> None:
    assert asked(pathogen_growth=growth)["lasts"] == pytest.approx(untreated["lasts"], rel=0.4)


def test_the_dose_moves_the_day_and_much_of_it_the_response(untreated: dict[str, float]) -> None:
    least = measured({"peak": "time_of_max(pathogen)"}, **{"dose.infection.amount": "1 PFU"})
    usual = measured({"peak": "time_of_max(pathogen)"})
    assert least["peak"] - usual["peak"] > 3
    assert asked(**{"dose.infection.amount": "1e12 PFU"})["T"] < 0.9 * untreated["T"]


def test_one_t_cell_in_a_hundred_is_far_too_few(untreated: dict[str, float]) -> None:
    few = asked(T_cells_absent=0.99)
    assert few["T"] < 0.6 * untreated["T"]
    assert few["lasts"] > 2 * untreated["lasts"]


@pytest.mark.slow
def test_shares_of_cells_add_up_to_no_more_than_all() -> None:
    run = sim.run("lethal_virus", arms=["main"], certify=False)
    trajectory = run.result.arms["main"].trajectory
    infected, lost = np.array(trajectory["infected"]), np.array(trajectory["lost_cells"])
    assert (infected + lost).max() <= 1
    assert min(infected.min(), lost.min()) > -1e-9
    assert np.array(trajectory["susceptible"]).min() > 0


def test_interferon_protects_only_while_it_is_heard() -> None:
    lost = {"lost": "max(lost_cells)"}
    heard = measured(lost, interferon_sensitivity=1)
    for deaf in ({"interferon_made": 0}, {"interferon_block": 1}):
        assert measured(lost, interferon_sensitivity=1, **deaf)["lost"] > 2 * heard["lost"]
