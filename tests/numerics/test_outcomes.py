"""How a run that cannot go on ends: soon, by name, and with what was computed before."""

from __future__ import annotations

import time

import numpy as np
import pytest
from immunesim.numerics import guard
from immunesim.numerics.solve import SOLVERS
from immunesim.numerics.trajectory import DEADLINE, NEGATIVE, NO_PROGRESS, NOT_FINITE, Trajectory

from tests.systems import Stretch, make_model, simulate

METHODS = sorted(SOLVERS)
each_method = pytest.mark.parametrize("method", METHODS)
TIMES = np.linspace(0, 5, 51)


def one_species(equation: str, rate: str, initial: float = 1.0, **parameters: tuple[float, str]):
    """A quiet species, and A with the given reaction."""
    return make_model(
        {"quiet": ("1", 1, 1), "A": ("1", initial, 1)},
        {"k": (1.0, "1/h"), **parameters},
        {"calm": ("quiet ->", "k * quiet"), "culprit": (equation, rate)},
    )


def assert_ended(trajectory: Trajectory, kinds: tuple[str, ...], near: float, slack: float = 0.01) -> None:
    outcome = trajectory.outcome
    assert outcome.kind in kinds
    assert outcome.state == "A"
    assert outcome.reaction == "culprit"
    assert outcome.time == pytest.approx(near, abs=slack)
    assert f"at {outcome.time:.6g} h, in reaction culprit" in outcome.message
    assert trajectory.times.tolist() == TIMES[: len(trajectory.times)].tolist()
    assert near - slack - 0.2 <= trajectory.times[-1] <= outcome.time if near else len(trajectory.times) <= 1
    assert all(len(values) == len(trajectory.times) for values in trajectory.values.values())


@each_method
def test_a_blow_up_is_named_within_seconds_and_what_came_before_is_kept(method: str) -> None:
    """A' = A^2 from 1 is 1 / (1 - t)."""
    began = time.perf_counter()
    trajectory = simulate(one_species("-> A", "k * A^2"), 5.0, TIMES, method)
    assert time.perf_counter() - began < 5.0
    assert_ended(trajectory, (NOT_FINITE, NO_PROGRESS), near=1.0)
    kept = trajectory.times <= 0.9
    np.testing.assert_allclose(trajectory["A"][kept], 1 / (1 - trajectory.times[kept]), rtol=1e-4)


@each_method
def test_growth_without_bound_is_named_within_seconds(method: str) -> None:
    """A' = exp(A) from 1 ends at 1/e."""
    began = time.perf_counter()
    trajectory = simulate(one_species("-> A", "k * exp(A)"), 5.0, TIMES, method)
    assert time.perf_counter() - began < 5.0
    assert_ended(trajectory, (NOT_FINITE, NO_PROGRESS), near=np.exp(-1))


@each_method
def test_a_derivative_that_grows_towards_a_division_by_zero_ends_within_seconds(method: str) -> None:
    """A' = -1/A from 1 is sqrt(1 - 2t), which ends at 0.5."""
    began = time.perf_counter()
    trajectory = simulate(one_species("A ->", "k / A"), 5.0, TIMES, method, seconds=10.0)
    assert time.perf_counter() - began < 5.0
    assert_ended(trajectory, (NOT_FINITE, NO_PROGRESS), near=0.5)


@each_method
def test_a_division_by_zero_at_the_start_is_named(method: str) -> None:
    trajectory = simulate(one_species("A ->", "k / A", initial=0.0), 5.0, TIMES, method)
    assert_ended(trajectory, (NOT_FINITE,), near=0.0)
    assert trajectory.outcome.message == "the derivative of A is not finite at 0 h, in reaction culprit (1/0)"


@each_method
def test_the_logarithm_of_a_negative_number_is_named(method: str) -> None:
    """A falls by 1 an hour and its logarithm ends at 1."""
    model = one_species("A ->", "k + 0 * k * log(A)")
    model_with_log = one_species("A ->", "k * (2 - log(A) / 1e9)")
    trajectory = simulate(model_with_log, 5.0, TIMES, method)
    assert_ended(trajectory, (NOT_FINITE,), near=0.5, slack=0.4)  # a linear fall is taken in large steps
    assert "the derivative of A is not finite" in trajectory.outcome.message
    assert simulate(model, 0.5, [0.0, 0.5], method).outcome.ok


@each_method
@pytest.mark.parametrize(
    ("rate", "value"),
    [("k * A / K", 0.0), ("k * A * exp(1000 + K)", 1.0), ("k * hill(K, K, 2)", 0.0), ("k * A * log(K)", -1.0)],
)
def test_parameters_for_which_a_rate_is_no_number_are_named(method: str, rate: str, value: float) -> None:
    model = one_species("A ->", rate, K=(value, "1"))
    assert_ended(simulate(model, 5.0, TIMES, method), (NOT_FINITE,), near=0.0)


@each_method
@pytest.mark.parametrize(("exponent", "words"), [("1.5", "to the power 1.5"), ("n", "to the power 0.5")])
def test_a_power_that_has_no_value_is_named_with_its_base(method: str, exponent: str, words: str) -> None:
    parameters = {"k": (1.0, "1/h"), "n": (0.5, "1")}
    rate = f"k * (1 + 0 * n + 0.1 * s^{exponent})"
    model = make_model({"s": ("1", 1, 1)}, parameters, {"down": ("s ->", rate)}, signed=["s"])
    outcome = simulate(model, 5.0, TIMES, method).outcome
    assert (outcome.kind, outcome.state, outcome.reaction) == (NOT_FINITE, "s", "down")
    assert "in reaction down (-" in outcome.message
    assert words in outcome.message


@each_method
def test_a_whole_power_of_a_negative_state_is_its_power(method: str) -> None:
    """s' = -s^n with n = 3 from -1: 1/s^2 grows by 2 in a unit of time."""
    model = make_model(
        {"s": ("1", -1, 1)}, {"k": (1.0, "1/h"), "n": (3.0, "1")}, {"down": ("s ->", "k * s^n")}, signed=["s"]
    )
    trajectory = simulate(model, 4.0, [0.0, 1.5, 4.0], method)
    assert trajectory.outcome.ok
    np.testing.assert_allclose(trajectory["s"], [-1.0, -0.5, -1 / 3], rtol=1e-5)


def test_a_formula_of_constants_that_is_no_number_is_named() -> None:
    assert_ended(simulate(one_species("A ->", "k * A * (1 / 0)"), 5.0, TIMES), (NOT_FINITE,), near=0.0)


@each_method
def test_a_jacobian_that_is_no_number_never_escapes_as_an_exception(method: str) -> None:
    """A^B: its slope by B has the logarithm of A, which is none where A is zero."""
    model = make_model(
        {"A": ("1", 0, 1), "B": ("1", 2, 1)},
        {"k": (1.0, "1/h")},
        {"gain": ("-> A", "k * A^B"), "drift": ("-> A", "k"), "loss": ("B ->", "k * B")},
    )
    trajectory = simulate(model, 0.5, [0.0, 0.5], method)
    assert trajectory.outcome.kind in ("success", NOT_FINITE)


def test_the_failure_of_a_later_stretch_keeps_the_earlier_ones() -> None:
    model = one_species("A ->", "k / K", K=(1.0, "1"), initial=9.0)
    stretches = [Stretch(0, 2, infusion={"A": 3.0}), Stretch(2, 5, parameters={"K": 0.0}, jump={"A": 7.0})]
    trajectory = simulate(model, stretches, TIMES)
    assert trajectory.outcome.kind == NOT_FINITE
    assert trajectory.outcome.time == 2.0
    assert trajectory.times[-1] <= 2.0
    np.testing.assert_allclose(trajectory["A"][:20], 9 + 2 * trajectory.times[:20], rtol=1e-6)
    assert trajectory.added["A"] in (pytest.approx(6.0), pytest.approx(13.0))


@each_method
def test_the_deadline_ends_a_run_by_name(method: str) -> None:
    model = make_model(  # turns around (5, 5) a million times an hour
        {"A": ("1", 6, 1), "B": ("1", 5, 1)},
        {"w": (1e6, "1/h")},
        {"turn": ("-> A", "w * (B - 5)"), "back": ("B ->", "w * (A - 5)")},
    )
    began = time.perf_counter()
    trajectory = simulate(model, 1000.0, [0.0, 1000.0], method, seconds=0.05)
    assert time.perf_counter() - began < 3.0
    assert trajectory.outcome.kind == DEADLINE
    assert "the time allowed is used up" in trajectory.outcome.message
    assert trajectory.times.tolist() == [0.0]


def test_a_step_that_calls_too_often_ends_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "CALLS_PER_STEP", 3)
    trajectory = simulate(one_species("-> A", "k * A^2"), 5.0, TIMES, "Radau")
    assert trajectory.outcome.kind == NO_PROGRESS
    assert "the solver makes no progress; " in trajectory.outcome.message


def test_a_healthy_run_never_comes_near_the_budget_of_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.systems import EXACT, robertson

    monkeypatch.setattr(guard, "CALLS_PER_STEP", 200)
    for exact in EXACT:
        assert exact.solve("Radau").outcome.ok
    assert simulate(robertson(), 1e11, [0, 1e11]).outcome.ok


@each_method
def test_an_amount_that_falls_below_zero_is_named(method: str) -> None:
    """A loses 1 an hour whatever is left of it: nothing is left at 1 h."""
    trajectory = simulate(one_species("A ->", "k"), 5.0, TIMES, method)
    assert trajectory.outcome.kind == NEGATIVE
    assert (trajectory.outcome.state, trajectory.outcome.reaction) == ("A", "culprit")
    assert trajectory.outcome.time > 1.0
    assert "A" in trajectory.outcome.message
    kept = trajectory.times <= 1
    np.testing.assert_allclose(trajectory["A"][kept], 1 - trajectory.times[kept], atol=1e-9)


@each_method
def test_noise_around_zero_is_no_failure(method: str) -> None:
    """Most of A is lost every hour: after 200 h what is left is far below every tolerance."""
    trajectory = simulate(one_species("A ->", "k * A"), 200.0, [0.0, 200.0], method)
    assert trajectory.outcome.ok
    assert abs(trajectory["A"][-1]) < 1e-9


@each_method
def test_a_quantity_that_has_a_sign_may_fall_below_zero(method: str) -> None:
    model = make_model({"A": ("1", 1, 1)}, {"k": (1.0, "1/h")}, {"loss": ("A ->", "k")}, signed=["A"])
    trajectory = simulate(model, 5.0, [0.0, 5.0], method)
    assert trajectory.outcome.ok
    assert trajectory["A"][-1] == pytest.approx(-4.0)


CHATTER = make_model(  # changes its direction within 1e-12 of zero
    {"A": ("1", 1, 1)}, {"k": (1.0, "1/h")}, {"culprit": ("-> A", "k * max(-1, min(1, -1e12 * A))")}, signed=["A"]
)


@each_method
def test_a_derivative_that_chatters_ends_within_five_seconds_of_work(method: str) -> None:
    began = time.thread_time()
    trajectory = simulate(CHATTER, 24.0, np.linspace(0, 24, 25), method)
    assert time.thread_time() - began < 5.0
    if trajectory.outcome.ok:  # an implicit method may find the only answer
        assert trajectory["A"][-1] == pytest.approx(0.0, abs=1e-6)
    else:
        assert trajectory.outcome.kind == NO_PROGRESS
        assert trajectory.outcome.time == pytest.approx(1.0, abs=1e-3)
        assert trajectory.times.tolist() == [0.0, 1.0]


def test_what_is_asked_during_a_run_may_end_it() -> None:
    class EnoughError(Exception):
        pass

    def stop(share: float, calls: int) -> None:
        raise EnoughError

    with pytest.raises(EnoughError):
        simulate(CHATTER, 24.0, [0.0, 24.0], on_progress=stop)


def test_a_deadline_counts_work_and_not_time() -> None:
    """Half a second of sleep is no work."""
    slept = []

    def sleep(share: float, calls: int) -> None:
        slept.append(None if slept else time.sleep(0.5))

    model = one_species("A ->", "k * A")
    times = np.linspace(0, 5, 6)
    trajectory = simulate(model, 5.0, times, "LSODA", 1e-11, seconds=0.4, on_progress=sleep)
    assert slept
    assert trajectory.outcome.ok
