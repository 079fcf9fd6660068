"""The solver against systems whose time course is known."""

from __future__ import annotations

import pickle
from collections.abc import Callable

import numpy as np
import pytest
from immunesim.numerics.solve import SOLVERS
from immunesim.numerics.trajectory import Array, Trajectory

from tests.systems import EXACT, ExactSystem, Stretch, make_model, robertson, simulate

METHODS = sorted(SOLVERS)
each_system = pytest.mark.parametrize("exact", EXACT, ids=lambda exact: exact.name)


@each_system
@pytest.mark.parametrize("method", METHODS)
def test_the_default_tolerance_gives_six_digits(exact: ExactSystem, method: str) -> None:
    trajectory = exact.solve(method)
    assert trajectory.outcome.ok
    assert exact.error(trajectory) < 3e-6


@each_system
@pytest.mark.parametrize("method", METHODS)
def test_the_error_falls_with_the_tolerance(exact: ExactSystem, method: str) -> None:
    loose, middle, tight = (exact.error(exact.solve(method, rtol)) for rtol in (1e-3, 1e-6, 1e-9))
    assert loose > 10 * middle
    assert middle > 10 * tight
    assert tight < 1e-7


def test_robertson_keeps_its_total() -> None:
    trajectory = simulate(robertson(), 1e5, np.geomspace(0.4, 1e5, 7))
    total = trajectory["A"] + trajectory["B"] + trajectory["C"]
    np.testing.assert_allclose(total, 1.0, atol=1e-12)


@each_system
def test_the_output_grid_does_not_change_the_answer(exact: ExactSystem) -> None:
    end = exact.stretches[-1].end
    few = simulate(exact.model, exact.stretches, [0.0, end])
    many = simulate(exact.model, exact.stretches, np.linspace(0, end, 2001))
    assert few.steps == many.steps
    for name in exact.model.species:
        assert few[name][-1] == many[name][-1]


def test_a_trajectory_says_how_it_was_made() -> None:
    trajectory = EXACT[0].solve("Radau", 1e-5)
    assert trajectory.solver == "Radau, rtol 1e-05"
    assert 0 < trajectory.steps <= trajectory.calls


def test_rates_and_observables_are_saved_along_the_time_course() -> None:
    model = make_model(
        {"A": ("pM", 100, 100)},
        {"k": (0.3, "1/h")},
        {"loss": ("A ->", "k * A")},
        observables={"in_nM": ("nM", "A"), "squared": ("pM^2", "A^2"), "constant": ("1/h", "2 * k")},
    )
    trajectory = simulate(model, 10.0, np.linspace(0, 10, 11))
    np.testing.assert_allclose(trajectory["in_nM"], trajectory["A"] / 1000, rtol=1e-14)
    np.testing.assert_allclose(trajectory["squared"], trajectory["A"] ** 2, rtol=1e-14)
    np.testing.assert_allclose(trajectory["constant"], np.full(11, 0.6), rtol=1e-14)
    dense = trajectory.dense
    np.testing.assert_allclose(dense.values("constant"), np.full(len(dense.times()), 0.6), rtol=1e-14)


@pytest.fixture(scope="module")
def dosed() -> Trajectory:
    model = make_model(
        {"A": ("pM", 100, 100)},
        {"k": (0.3, "1/h"), "half": (40, "pM"), "n": (1.7, "1")},
        {"loss": ("A ->", "k * A")},
        observables={"share": ("1", "hill(A, half, n)")},
    )
    return simulate(model, [Stretch(0, 5), Stretch(5, 10, jump={"A": 50.0}, parameters={"k": 0.5})], np.arange(11.0))


def test_a_pickled_trajectory_has_the_same_curves(dosed: Trajectory) -> None:
    before = {name: dosed.dense.values(name) for name in ("A", "share")}
    loaded = pickle.loads(pickle.dumps(dosed))
    assert loaded.outcome.ok
    np.testing.assert_array_equal(loaded.times, dosed.times)
    np.testing.assert_array_equal(loaded.dense.times(), dosed.dense.times())
    for name, values in before.items():
        np.testing.assert_array_equal(loaded[name], dosed[name])
        np.testing.assert_array_equal(loaded.dense.values(name), values)


@pytest.mark.parametrize(
    "array",
    [
        lambda run: run.times,
        lambda run: run["A"],
        lambda run: run["share"],
        lambda run: run.dense.times(),
        lambda run: run.dense.values("A"),
        lambda run: run.dense.values("share"),
    ],
    ids=["times", "species", "observable", "dense times", "dense species", "dense observable"],
)
def test_the_arrays_of_a_run_cannot_be_changed(dosed: Trajectory, array: Callable[[Trajectory], Array]) -> None:
    with pytest.raises(ValueError, match="read-only"):
        array(dosed)[0] = 1.0
