"""The steps of Rodas5P, and whole runs, fall short of exact solutions by the order that its coefficients promise."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from immunesim.numerics import rosenbrock
from immunesim.numerics.rosenbrock import Rodas5P
from immunesim.numerics.trajectory import Array

from tests.numerics.order import Run, order_of, slope
from tests.systems import ExactSystem, hastening, logistic, simulate

# x = exp(sin t), y = 1 / (1 + t^2): neither linear nor free of time, and each in the equation of the other


def derivative(t: float, state: Array) -> Array:
    x, y = state
    return np.array([x * (math.cos(t) + y * (1 + t * t) - 1), -2 * t * y * y + (x - math.exp(math.sin(t))) * y])


def jacobian(t: float, state: Array) -> Array:
    x, y = state
    return np.array(
        [
            [math.cos(t) + y * (1 + t * t) - 1, x * (1 + t * t)],
            [y, -4 * t * y + x - math.exp(math.sin(t))],
        ]
    )


def by_time(t: float, state: Array) -> Array:
    x, y = state
    return np.array([x * (2 * t * y - math.sin(t)), -2 * y * y - math.cos(t) * math.exp(math.sin(t)) * y])


def exact(t: float) -> Array:
    return np.array([math.exp(math.sin(t)), 1 / (1 + t * t)])


def middle(solver: Rodas5P) -> float:
    return 0.6 * 0.3 + 0.4 * solver.t


def one_step(h: float) -> Rodas5P:
    solver = Rodas5P(
        derivative, 0.3, exact(0.3), 0.3 + h, rtol=1.0, atol=np.full(2, 1e6), jac=jacobian, time_derivative=by_time
    )
    solver.h = h
    solver.step()
    assert solver.status == "finished"
    return solver


@pytest.mark.parametrize(
    ("order", "longest", "error"),
    [
        (6, 0.05, lambda solver: solver.y - exact(solver.t)),
        (5, 0.01, lambda solver: rosenbrock.E @ solver.u),
        (5, 0.02, lambda solver: solver.dense_output()(middle(solver)) - exact(middle(solver))),
    ],
    ids=["new value", "estimate", "between the ends"],
)
def test_the_error_of_one_step_falls_by(order: int, longest: float, error: Callable[[Rodas5P], Array]) -> None:
    lengths = [longest, longest / 2, longest / 4]
    assert slope(lengths, [float(np.abs(error(one_step(h))).max()) for h in lengths]) == pytest.approx(order, abs=0.15)


@pytest.mark.parametrize(
    ("exact_system", "end"), [(logistic(), 8.0), (hastening(), 6.0)], ids=["logistic", "hastening"]
)
def test_the_error_of_a_whole_run_falls_by_order_five_or_faster(exact_system: ExactSystem, end: float) -> None:
    def run(rtol: float) -> Run:
        trajectory = simulate(exact_system.model, end, [end], "Rodas5P", rtol)
        ((name, truth),) = exact_system.truth(np.array([end])).items()
        return Run(trajectory.steps, float(abs(trajectory[name] - truth)[0]))

    assert order_of(run, np.geomspace(1e-6, 1e-10, 9)) > 4.7


@pytest.mark.parametrize("proposed", [0.9905, 1.0, 3.0])
def test_the_last_step_of_a_segment_leaves_no_sliver(proposed: float) -> None:
    """As on the compiled engine: a step that would leave less than a hundredth of itself goes to the end."""
    solver = Rodas5P(
        derivative, 0.3, exact(0.3), 0.4, rtol=1.0, atol=np.full(2, 1e6), jac=jacobian, time_derivative=by_time
    )
    solver.h = proposed * (0.4 - 0.3)
    solver.step()
    assert solver.t == 0.4
    assert solver.status == "finished"


def test_a_step_that_leaves_more_than_a_hundredth_of_itself_is_not_lengthened() -> None:
    solver = Rodas5P(
        derivative, 0.3, exact(0.3), 0.4, rtol=1.0, atol=np.full(2, 1e6), jac=jacobian, time_derivative=by_time
    )
    solver.h = 0.98 * (0.4 - 0.3)
    solver.step()
    assert solver.t == pytest.approx(0.398, rel=1e-12)
