"""States that fall below their tolerance and come back: told, and right where the floor is low enough."""

from __future__ import annotations

import numpy as np
import pytest
from immunesim.numerics.compiled.above_noise import run_above_noise
from immunesim.numerics.compiled.engine import BatchResult, Engine
from immunesim.numerics.compiled.memory_layout import Status
from immunesim.numerics.solve import solve_above_noise
from immunesim.numerics.trajectory import NOT_RELIABLE

from tests.numerics.compiled.runs import on_lanes
from tests.systems import Stretch, make_model, simulate

PATHOGEN = make_model(
    {"P": ("1", 1, 1), "E": ("1", 0.01, 1)},
    {"r": (1.0, "1/h"), "k": (0.01, "1/h"), "a": (0.0003, "1/h"), "d": (0.1, "1/h")},
    {
        "grow": ("-> P", "r * P"),
        "kill": ("P ->", "k * P * E"),
        "activate": ("-> E", "a * P * E"),
        "die": ("E ->", "d * E"),
    },
)
TIMES = np.linspace(0, 150, 15_001)
SECOND_PEAK = 30_814.38, 138.7585  # of the exact solution in logarithms; between, P falls to 2e-36


def second_peak(found: np.ndarray) -> tuple[float, float]:
    late = TIMES > 40
    place = int(found[late].argmax())
    return float(found[late][place]), float(TIMES[late][place])


def test_a_pathogen_that_comes_back_out_of_noise_is_told_by_both_engines() -> None:
    found = on_lanes(PATHOGEN, 150.0, TIMES)
    assert found.revived[0] is not None
    assert found.revived[0][0] == "P"
    assert 60 < found.revived[0][1] < 140
    with_scipy = simulate(PATHOGEN, 150.0, TIMES)
    assert with_scipy.revived is None or with_scipy.revived[0] == "P"
    assert not with_scipy.outcome.ok or with_scipy.revived or with_scipy["P"][TIMES > 40].max() < 1.0


@pytest.mark.parametrize("floor", [1e-60, 1e-290])
def test_with_a_lower_floor_it_comes_back_when_and_as_high_as_it_should(floor: float) -> None:
    found = on_lanes(PATHOGEN, 150.0, TIMES, rtol=1e-7, floor=floor)
    assert found.revived[0] is None
    assert second_peak(found.grid[0, :, 0]) == (
        pytest.approx(SECOND_PEAK[0], rel=3e-3),
        pytest.approx(SECOND_PEAK[1], abs=0.02),
    )
    with_scipy = simulate(PATHOGEN, 150.0, TIMES, rtol=1e-8, floor=floor)
    assert with_scipy.revived is None
    assert second_peak(with_scipy["P"])[1] == pytest.approx(SECOND_PEAK[1], abs=0.02)


def virus() -> tuple[object, BatchResult]:
    model = make_model(
        {"V": ("1", 1, 1), "I": ("1", 0, 1), "drug": ("1", 1, 1)},
        {
            "p": (100.0, "1/h"),
            "c": (20.0, "1/h"),
            "b": (1.0, "1/h"),
            "d": (1.0, "1/h"),
            "half": (1e-3, "1"),
            "e": (0.1, "1/h"),
        },
        {
            "make": ("-> V", "p * I"),
            "clear": ("V ->", "c * V"),
            "infect": ("-> I", "b * V * (1 - drug / (half + drug))"),
            "die": ("I ->", "d * I"),
            "wash out": ("drug ->", "e * drug"),
        },
    )
    return model, on_lanes(model, 140.0, np.array([0.0, 140.0]))


def test_two_states_that_make_each_other_out_of_noise_are_told() -> None:
    """A virus and the cells it lives in, neither of which grows by itself, until a drug is washed out."""
    model, found = virus()
    assert found.done.all()
    assert found.revived[0] is not None
    assert found.revived[0][0] in ("V", "I")
    assert simulate(model, 140.0, np.array([0.0, 140.0])).revived is not None


def test_a_drug_that_is_washed_out_and_given_again_is_no_noise() -> None:
    model = make_model(
        {"gut": ("1", 0, 1), "blood": ("1", 0, 1), "effect": ("1", 0, 1)},
        {"into": (2.0, "1/h"), "out": (3.0, "1/h"), "fast": (5.0, "1/h")},
        {
            "absorb": ("gut -> blood", "into * gut"),
            "lose": ("blood ->", "out * blood"),
            "act": ("-> effect", "out * blood"),
            "end": ("effect ->", "fast * effect"),
        },
    )
    stretches = [Stretch(24.0 * day, 24.0 * (day + 1), jump={"gut": 1.0}) for day in range(4)]
    times = np.array([0.0, 20.0, 96.0])
    found = on_lanes(model, stretches, times)
    assert found.grid[0, 1].max() < 1e-9
    assert found.revived == [None]
    assert simulate(model, stretches, times).revived is None


def test_what_a_second_dose_wakes_one_after_the_other_is_no_noise() -> None:
    """C stands out of its noise while A and B, of which it is made, are still below theirs."""
    model = make_model(
        {"drug": ("1", 0, 1), "A": ("1", 0, 1), "B": ("1", 0, 1), "C": ("1", 0, 1e-8)},
        {"k": (1.0, "1/h"), "a": (1e-2, "1/h"), "b": (1.0, "1/h"), "c": (1.0, "1/h")},
        {
            "lose": ("drug ->", "k * drug"),
            "make A": ("-> A", "a * drug"),
            "make B": ("-> B", "b * A"),
            "make C": ("-> C", "c * B"),
            **{f"lose {x}": (f"{x} ->", f"c * {x}") for x in "ABC"},
        },
    )
    times = np.array([0.0, 99.0, 200.0])
    first = [Stretch(0.0, 1.0, jump={"drug": 1.0}), Stretch(1.0, 100.0)]
    for second in (Stretch(100.0, 200.0, jump={"drug": 1.0}), Stretch(100.0, 200.0, infusion={"drug": 1e-6})):
        stretches = [*first, second]
        found = on_lanes(model, stretches, times)
        assert found.grid[0, 1].max() < 1e-12
        assert found.revived == [None]
        assert simulate(model, stretches, times).revived is None


def test_an_amount_never_ends_below_zero_by_rounding() -> None:
    """Fast exchange takes a state that decays below zero in the long steps of a slow one."""
    model = make_model(
        {"A": ("1", 1, 1), "B": ("1", 0, 1), "slow": ("1", 1, 1)},
        {"k": (50.0, "1/h"), "d": (0.01, "1/h")},
        {"to": ("A -> B", "k * A"), "away": ("B ->", "k * B"), "fall": ("slow ->", "d * slow")},
    )
    found = on_lanes(model, 500.0, np.array([0.0, 500.0]), dense=("A", "B", "slow"))
    _, curves = found.dense_curves[0]
    ends = curves[::8]
    assert (ends >= 0).all()
    assert ends[-1, :2].max() < 1e-9
    assert found.revived == [None]


def test_a_tumour_that_decays_is_as_small_as_it_should_be() -> None:
    model = make_model({"A": ("1", 1, 1)}, {"k": (1.0, "1/h")}, {"die": ("A ->", "k * A")})
    end = 94 * np.log(10.0)
    low = on_lanes(model, end, np.array([0.0, end]), floor=1e-290)
    assert low.grid[0, 1, 0] == pytest.approx(1e-94, rel=1e-2)
    usual = on_lanes(model, end, np.array([0.0, end]))
    assert 0 <= usual.grid[0, 1, 0] < 1e-9


def test_a_loss_that_does_not_stop_at_zero_is_still_named() -> None:
    model = make_model({"A": ("1", 1, 1)}, {"k": (0.01, "1/h")}, {"loss": ("A ->", "k")})
    assert on_lanes(model, 1000.0, np.array([0.0, 1000.0])).status.tolist() == [Status.NEGATIVE]


def test_whether_a_state_was_revived_does_not_depend_on_neighbours() -> None:
    kills = [0.01, 0.0, 0.02, 0.005, 0.01]
    together = on_lanes(PATHOGEN, 150.0, TIMES[::100], varied={"k": kills})
    for member, k in enumerate(kills):
        assert on_lanes(PATHOGEN, 150.0, TIMES[::100], varied={"k": [k]}).revived[0] == together.revived[member]
    assert together.revived[0] == together.revived[4]


def test_members_that_rise_out_of_noise_are_computed_again_and_no_others() -> None:
    growth = [1.0, 0.0, 1.1, 1.0]
    usual, again = (
        on_lanes(PATHOGEN, 150.0, TIMES, varied={"r": growth}, dense=("P",), run=run)
        for run in (Engine.run, run_above_noise)
    )
    assert again.done.all()
    assert again.revived == [None] * 4
    assert second_peak(again.grid[3, :, 0])[1] == pytest.approx(SECOND_PEAK[1], abs=0.02)
    assert again.grid[0].tobytes() == again.grid[3].tobytes()
    assert again.grid[1].tobytes() == usual.grid[1].tobytes()
    assert len(again.dense_curves) == 4


def test_a_state_that_rises_from_below_every_floor_is_not_reliable() -> None:
    """Effector cells that live ten times as long let P fall to a power of ten that no double holds."""
    times = np.array([0.0, 600.0])
    found = on_lanes(PATHOGEN, 600.0, times, varied={"d": [0.1, 0.01]}, run=run_above_noise)
    assert found.status.tolist() == [Status.DONE, Status.NOT_RELIABLE]
    trajectory = simulate(PATHOGEN, [Stretch(0, 600, parameters={"d": 0.01})], times, solver=solve_above_noise)
    assert trajectory.outcome.kind == NOT_RELIABLE
    assert "P fell below what rounding leaves of it" in trajectory.outcome.message
