"""The generated derivative and Jacobian against finite differences and against sympy."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
import sympy
from immunesim.numerics.system import System

from tests.systems import EXACT, make_model, robertson

RATES = {  # every function of the language, of states named A to D and parameters k, K, n
    "fractional_hill": "k * hill(A, K, 1.5)",
    "whole_hill": "k * hill(B, K, 2)",
    "hill_of_states": "k * hill(A, B, n)",
    "inhibition": "k * A * inhibition(B, K, n)",
    "saturation": "k * saturation(C, K + A)",
    "parameter_power": "k * C^n",
    "state_power": "k * A^(B / K)",
    "whole_power": "k * D**3",
    "negative_power": "k * (D + 1)^-2",
    "limits": "k * min(A, 2 * B) * max(C, D)",
    "growth": "k * exp(-A / K) * log(1 + B) * sqrt(C + D)",
    "clock": "k * A / (1 + time^2 / K) - -k * B",
    "division": "k * A / (B + C / (D + 0.1))",
    "time_power": "k * time^0.5",
}
MODEL = make_model(
    {name: ("1", value, 1) for name, value in {"A": 1.3, "B": 0.7, "C": 2.1, "D": 0.4}.items()},
    {"k": (0.9, "1"), "K": (1.7, "1"), "n": (2.3, "1")},
    {name: (f"{'ABCD'[i % 4]} -> {'BCDA'[i % 4]}", rate) for i, (name, rate) in enumerate(RATES.items())},
    time_unit="1",
)
PARAMETERS = [0.9, 1.7, 2.3]
POINTS = [np.array(p) for p in ([1.3, 0.7, 2.1, 0.4], [0.2, 3.0, 0.5, 0.9], [5.0, 0.11, 0.3, 4.0])]


def truth() -> tuple[list[sympy.Symbol], list[sympy.Expr]]:
    """The right-hand sides in sympy, written from the same text by sympy's own parser."""
    own = {name: sympy.Symbol(name, positive=True) for name in ("A", "B", "C", "D", "k", "K", "n", "time")}
    functions = {
        "saturation": lambda x, half: x / (half + x),
        "hill": lambda x, half, n: (x / half) ** n / (1 + (x / half) ** n),
        "inhibition": lambda x, half, n: 1 / (1 + (x / half) ** n),
        "min": sympy.Min,
        "max": sympy.Max,
    }
    slopes = [sympy.Integer(0)] * 4
    for i, text in enumerate(RATES.values()):
        rate = sympy.sympify(text.replace("^", "**"), locals={**own, **functions})
        slopes[i % 4] -= rate
        slopes[(i + 1) % 4] += rate
    return [own[name] for name in "ABCD"], slopes


@pytest.fixture(scope="module")
def bound():
    return System(MODEL).bind(PARAMETERS)


@pytest.mark.parametrize("point", POINTS, ids=str)
def test_derivative_and_jacobian_are_those_of_sympy(bound, point: np.ndarray) -> None:
    derivative, jacobian, _ = bound
    symbols, slopes = truth()
    values = {"k": 0.9, "K": 1.7, "n": 2.3, "time": 1.9, **dict(zip("ABCD", point, strict=True))}
    place = {symbol: values[symbol.name] for slope in slopes for symbol in slope.free_symbols}
    exact = [float(slope.subs(place).evalf()) for slope in slopes]
    np.testing.assert_allclose(derivative(1.9, point), exact, rtol=1e-12)
    partial = [[float(slope.diff(symbol).subs(place).evalf()) for symbol in symbols] for slope in slopes]
    np.testing.assert_allclose(jacobian(1.9, point), partial, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("point", POINTS, ids=str)
def test_the_derivative_by_time_is_that_of_sympy(bound, point: np.ndarray) -> None:
    _, _, slope = bound
    _, slopes = truth()
    values = {"k": 0.9, "K": 1.7, "n": 2.3, "time": 1.9, **dict(zip("ABCD", point, strict=True))}
    place = {symbol: values[symbol.name] for each in slopes for symbol in each.free_symbols}
    clock = sympy.Symbol("time", positive=True)
    exact = [float(each.diff(clock).subs(place).evalf()) for each in slopes]
    np.testing.assert_allclose(slope(1.9, point), exact, rtol=1e-11, atol=1e-14)


def finite_differences(derivative, time: float, states: np.ndarray) -> np.ndarray:
    columns = []
    for i in range(len(states)):
        step = np.zeros(len(states))
        step[i] = 1e-5 * abs(states[i])
        above, below = (np.array(derivative(time, states + sign * step)) for sign in (1, -1))
        columns.append((above - below) / (2 * step[i]))
    return np.array(columns).T


@pytest.mark.parametrize("point", POINTS, ids=str)
def test_the_jacobian_is_that_of_finite_differences(bound, point: np.ndarray) -> None:
    derivative, jacobian, _ = bound
    np.testing.assert_allclose(jacobian(1.9, point), finite_differences(derivative, 1.9, point), rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("model", [*(exact.model for exact in EXACT), robertson()], ids=lambda m: " ".join(m.species))
def test_the_jacobian_of_every_exact_system_is_that_of_finite_differences(model) -> None:
    derivative, jacobian, _ = System(model).bind([item.value for item in model.parameters.values()])
    states = np.random.default_rng(3).uniform(0.5, 2.0, len(model.species)) * 3
    expected = finite_differences(derivative, 0.0, states)
    np.testing.assert_allclose(jacobian(0.0, states), expected, rtol=1e-6, atol=1e-9 * np.abs(expected).max())


@pytest.mark.parametrize(
    "rate",
    ["k * A^0.5", "k * A^n", "k * hill(A, K, 1.5)", "k * hill(A, K, n)", "k * inhibition(A, K, 0.5)", "k * sqrt(A)",
     "k * saturation(A, K)", "k * A^1.0"],
)  # fmt: skip
@pytest.mark.parametrize("state", [-1e-17, 0.0, 1e-300])
def test_a_rate_law_is_defined_slightly_below_zero(rate: str, state: float) -> None:
    parameters = {"k": (1.0, "1"), "K": (2.0, "1"), "n": (1.5, "1")}
    parameters = {name: value for name, value in parameters.items() if name in re.findall(r"\w+", rate)}
    model = make_model({"A": ("1", 1, 1)}, parameters, {"loss": ("A ->", rate)}, time_unit="1")
    derivative, jacobian, _ = System(model).bind([value for value, _ in parameters.values()])
    (slope,) = derivative(0.0, np.array([state]))
    assert math.isfinite(slope)
    assert abs(slope) < 1e-7 or "inhibition" in rate
    assert np.isfinite(jacobian(0.0, np.array([state]))).all()


def test_a_fractional_power_falls_to_zero_and_stays() -> None:
    from tests.systems import simulate

    for rate in ("k * A^0.5", "k * sqrt(A)"):
        model = make_model({"A": ("1", 1, 1)}, {"k": (1.0, "1/h")}, {"loss": ("A ->", rate)})
        trajectory = simulate(model, 5.0, np.linspace(0, 5, 11))
        assert trajectory.outcome.ok, rate
        exact = np.maximum(1 - trajectory.times / 2, 0) ** 2
        np.testing.assert_allclose(trajectory["A"], exact, atol=1e-6, err_msg=rate)


@pytest.mark.parametrize("method", ["LSODA", "Radau"])
def test_a_square_root_may_start_at_zero(method: str) -> None:
    """A' = 1 + sqrt(A): finite at 0, where its derivative is not."""
    from tests.systems import simulate

    model = make_model({"A": ("1", 0, 1)}, {"k": (1.0, "1/h")}, {"gain": ("-> A", "k + k * sqrt(A)")})
    trajectory = simulate(model, 5.0, [0.0, 5.0], method)
    assert trajectory.outcome.ok
    root = np.sqrt(trajectory["A"][-1])
    assert 2 * (root - np.log(1 + root)) == pytest.approx(5.0, rel=1e-5)


def test_a_whole_power_keeps_its_sign() -> None:
    model = make_model({"A": ("1", 1, 1)}, {}, {"loss": ("A ->", "A^3 + A^2")}, time_unit="1")
    derivative, _, slope = System(model).bind([])
    assert derivative(0.0, np.array([-2.0])) == [4.0]
    assert slope is None  # no formula names time


def test_scalar_and_array_code_agree() -> None:
    system = System(MODEL)
    times = np.array([0.0, 0.7, 3.0])
    states = np.array(POINTS)
    rates = system.evaluator(list(system.rates.values()))(times, states, PARAMETERS)
    for row, (time, point) in enumerate(zip(times, states, strict=True)):
        one_by_one = system.evaluate(list(system.rates.values()), time, point.tolist(), PARAMETERS)
        np.testing.assert_allclose(rates[:, row], one_by_one, rtol=1e-13)


def test_array_code_is_defined_slightly_below_zero() -> None:
    system = System(MODEL)
    rates = system.evaluator(list(system.rates.values()))(np.array([1.0]), np.full((1, 4), -1e-17), PARAMETERS)
    bad = [name for name, rate in zip(system.rates, rates, strict=True) if not np.isfinite(rate).all()]
    assert bad == ["state_power"]  # 0^-1e-17: no clipping can help
