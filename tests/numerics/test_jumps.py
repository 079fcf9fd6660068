"""Doses, infusions and changes: no step spans a jump, and none is missed."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from immunesim.numerics.solve import SOLVERS

from tests.systems import EXACT, ExactSystem, Stretch, make_model, simulate

METHODS = sorted(SOLVERS)
DECAY = make_model(
    {"A": ("pM", 0, 10), "area": ("pM*h", 0, 10)},
    {"k": (0.5, "1/h")},
    {"loss": ("A ->", "k * A"), "adds_up": ("-> area", "A")},
)
MINUTE = 1 / 60


@pytest.mark.parametrize("method", METHODS)
def test_a_one_minute_infusion_after_300_hours_of_rest_is_not_missed(method: str) -> None:
    stretches = [
        Stretch(0, 300),
        Stretch(300, 300 + MINUTE, infusion={"A": 60.0}),
        Stretch(300 + MINUTE, 480),
    ]
    trajectory = simulate(DECAY, stretches, [0, 300, 300 + MINUTE, 301, 480], method)
    peak = 60.0 / 0.5 * (1 - np.exp(-0.5 * MINUTE))
    exact = [0, 0, peak, peak * np.exp(-0.5 * (1 - MINUTE)), peak * np.exp(-0.5 * (180 - MINUTE))]
    np.testing.assert_allclose(trajectory["A"], exact, rtol=1e-6, atol=1e-8)
    assert trajectory["area"][-1] == pytest.approx(2.0, rel=1e-6)
    assert trajectory.added["A"] == pytest.approx(1.0, rel=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_thirty_quarter_hour_infusions_give_the_exact_area(method: str) -> None:
    stretches, now = [], 0.0
    for number in range(30):
        start = 24.0 + 24.0 * number
        stretches += [Stretch(now, start), Stretch(start, start + 0.25, infusion={"A": 8.0})]
        now = start + 0.25
    stretches.append(Stretch(now, 800.0))
    trajectory = simulate(DECAY, stretches, [0, 800.0], method)
    assert trajectory["area"][-1] == pytest.approx(30 * 0.25 * 8.0 / 0.5, rel=1e-6)
    assert trajectory.added["A"] == pytest.approx(60.0, rel=1e-12)


def test_a_value_saved_at_the_time_of_a_dose_is_the_value_after_it() -> None:
    stretches = [Stretch(0, 5, jump={"A": 10.0}), Stretch(5, 10, jump={"A": 7.0})]
    trajectory = simulate(DECAY, stretches, [0, 5 - 1e-9, 5, 10])
    before = 10 * np.exp(-2.5)
    np.testing.assert_allclose(
        trajectory["A"], [10, before, before + 7, (before + 7) * np.exp(-2.5)], rtol=1e-6, atol=1e-8
    )


def test_an_observable_saved_at_a_change_uses_the_new_parameters() -> None:
    model = make_model(
        {"A": ("pM", 8, 10)}, {"k": (0.5, "1/h")}, {"loss": ("A ->", "k * A")}, observables={"speed": ("1/h", "2*k")}
    )
    stretches = [Stretch(0, 1), Stretch(1, 2, parameters={"k": 3.0}), Stretch(2, 3)]
    trajectory = simulate(model, stretches, [0, 0.5, 1, 1.5, 2, 3])
    np.testing.assert_array_equal(trajectory["speed"], [1, 1, 6, 6, 1, 1])
    np.testing.assert_allclose(trajectory["A"][[2, 4, 5]], 8 * np.exp([-0.5, -3.5, -4.0]), rtol=1e-6)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("exact", [each for each in EXACT if len(each.stretches) == 1], ids=lambda each: each.name)
def test_a_run_cut_at_arbitrary_times_equals_the_whole_run(exact: ExactSystem, method: str) -> None:
    end = exact.stretches[0].end
    cuts = np.sort(np.random.default_rng(7).uniform(0, end, 9))
    edges = [0.0, *cuts, end]
    pieces = [Stretch(a, b) for a, b in pairwise(edges)]
    cut = simulate(exact.model, pieces, exact.times, method)
    assert exact.error(cut) < 3e-6
    assert len(cut.times) == len(exact.times)


def test_two_stretches_that_share_a_saved_time_save_it_once() -> None:
    trajectory = simulate(DECAY, [Stretch(0, 1), Stretch(1, 2), Stretch(2, 3)], [0, 1, 2, 3])
    np.testing.assert_array_equal(trajectory.times, [0, 1, 2, 3])
    assert len(trajectory["A"]) == 4


def test_an_infusion_into_one_species_does_not_touch_another() -> None:
    model = make_model({"A": ("pM", 0, 1), "B": ("pM", 3, 1)}, {"k": (1.0, "1/h")}, {"loss": ("A ->", "k * A")})
    trajectory = simulate(model, [Stretch(0, 2, infusion={"A": 5.0}, jump={"A": 1.0})], [0, 2])
    np.testing.assert_array_equal(trajectory["B"], [3, 3])
    assert trajectory.added == {"A": pytest.approx(11.0), "B": 0.0}
