"""Steady states, conserved sums and eigenvalues of systems that can be solved by hand."""

from __future__ import annotations

import numpy as np
import pytest
from immunesim.model.model import Model
from immunesim.numerics.steady_equations import (
    SteadyEquations,
    SumChangesError,
    TimeNamedError,
    conserved_sums,
    steady_equations,
)

from tests.systems import make_model


def equations_of(model: Model, parameter: str | None = None, **initial: float) -> SteadyEquations:
    values = {name: each.value for name, each in model.parameters.items()}
    return steady_equations(model, list(model.species), values, initial, parameter)


def schloegl() -> Model:
    """dx/dt = -(x - 1) (x - 2) (x - 4) k."""
    return make_model(
        {"x": ("1", 0.5, 1.0)},
        {"k": (0.3, "1/h")},
        {"made": ("-> x", "k * (7 * x^2 + 8)"), "lost": ("x ->", "k * (x^3 + 14 * x)")},
    )


@pytest.mark.parametrize(("start", "state", "slope"), [(0.9, 1, -3), (2.1, 2, 2), (4.5, 4, -6)])
def test_newton_finds_stable_and_unstable_states(start: float, state: float, slope: float) -> None:
    equations = equations_of(schloegl())
    found = equations.newton(np.array([start]), 0.0)
    assert found == pytest.approx([state], rel=1e-12)
    assert equations.eigenvalues(found, 0.0) == pytest.approx([0.3 * slope], rel=1e-9)


@pytest.mark.parametrize(("start", "state"), [(1.9, 1.0), (2.1, 4.0), (300.0, 4.0), (0.0, 1.0)])
def test_what_is_let_go_goes_to_the_stable_state_of_its_side(start: float, state: float) -> None:
    assert equations_of(schloegl()).relaxed(np.array([start]), 0.0) == pytest.approx([state], rel=1e-9)


def test_a_state_below_zero_is_none() -> None:
    """(x + 1) (x + 2) = 0 has two roots, which no amount can have."""
    model = make_model(
        {"x": ("1", 1.0, 1.0)},
        {"k": (1.0, "1/h")},
        {"made": ("-> x", "k * x"), "lost": ("x ->", "k * (x^2 + 4 * x + 2)")},
    )
    assert equations_of(model).newton(np.array([0.5]), 0.0) is None
    assert equations_of(model).relaxed(np.array([0.5]), 0.0) is None


def test_growth_without_end_is_no_rest() -> None:
    model = make_model({"x": ("1", 1.0, 1.0)}, {"k": (1.0, "1/h")}, {"made": ("x -> 2 x", "k * x")})
    assert equations_of(model).relaxed(np.array([0.5]), 0.0) is None
    assert equations_of(model).without_end(np.array([0.5]), 0.0) == "x"
    assert equations_of(schloegl()).without_end(np.array([300.0]), 0.0) is None


def dimer(volume: bool = False) -> Model:
    """2 a <-> b, and a cycle of c and d; a + 2 b and c + d stay."""
    return make_model(
        {"a": ("1", 3.0, 1.0), "b": ("1", "start", 1.0), "c": ("1", 1.0, 1.0), "d": ("1", 0.0, 1.0)},
        {"on": (2.0, "1/h"), "off": (0.5, "1/h"), "start": (1.0, "1"), "k": (1.0, "1/h")},
        {
            "binding": ("2 a -> b", "on * a^2"),
            "parting": ("b -> 2 a", "off * b"),
            "there": ("c -> d", "k * c"),
            "back": ("d -> c", "3 * k * d"),
        },
    )  # fmt: skip


def test_conserved_sums_are_found_and_kept() -> None:
    equations = equations_of(dimer())
    weights = {tuple(row) for row in equations.conserved.tolist()}
    assert weights == {(1.0, 2.0, 0.0, 0.0), (0.0, 0.0, 1.0, 1.0)}
    found = equations.newton(np.array([1.0, 1.0, 0.5, 0.5]), 0.0)
    a = (-1 + np.sqrt(1 + 4 * 8 * 5)) / 16  # a + 2 b = 5, b = 4 a^2
    assert found == pytest.approx([a, 4 * a * a, 0.75, 0.25], rel=1e-10)
    eigenvalues = equations.eigenvalues(found, 0.0)
    assert sorted(eigenvalues.real) == pytest.approx(sorted([-(2 * 2 * 2 * a) - 0.5, -4.0]), rel=1e-9)


def test_a_sum_follows_the_parameter_that_its_start_is_made_of() -> None:
    equations = equations_of(dimer(), "start")
    for start in (0.0, 1.0, 4.0):
        found = equations.newton(np.array([1.0, 1.0, 0.5, 0.5]), start)
        assert found[0] + 2 * found[1] == pytest.approx(3 + 2 * start, rel=1e-10)
    low, high = (equations.residual(found, start)[0] for start in (3.999, 4.001))
    assert (high - low) / 0.002 == pytest.approx(equations.residual(found, 4.0)[2], rel=1e-6)


def test_sums_of_a_cycle_with_a_scaffold() -> None:
    """E + S <-> C -> E + P: enzyme, and substrate with product."""
    stoichiometry = np.array([[-1, 1, 1], [-1, 1, 0], [1, -1, -1], [0, 0, 1]], dtype=float)  # E, S, C, P
    weights, replaced = conserved_sums(stoichiometry)
    assert len(weights) == 2
    assert np.abs(weights @ stoichiometry).max() < 1e-12
    assert np.linalg.matrix_rank(np.delete(stoichiometry, replaced, axis=0)) == 2


def test_derivatives_by_states_and_parameter_are_exact() -> None:
    equations = equations_of(schloegl(), "k")
    state, step = np.array([1.3]), 1e-6
    _, jacobian, slope = equations.residual(state, 0.3)
    ahead, behind = (equations.residual(state + sign * step, 0.3)[0] for sign in (1, -1))
    assert jacobian[0] == pytest.approx((ahead - behind) / (2 * step), rel=1e-7)
    assert slope == pytest.approx(equations.residual(state, 1.0)[0], rel=1e-12)


def test_what_only_counts_and_what_is_absent_are_left_out() -> None:
    model = make_model(
        {"x": ("1", 1.0, 1.0), "made": ("1", 0.0, 1.0), "alive": ("1", 1.0, 1.0), "germ": ("1", 0.0, 1.0)},
        {"k": (1.0, "1/h")},
        {
            "source": ("-> x", "k"),
            "loss": ("x ->", "k * x"),
            "count": ("-> made", "k * x"),
            "risk": ("alive ->", "k * germ * alive"),
            "growth": ("germ -> 2 germ", "k * germ"),
        },
    )  # fmt: skip
    values = {name: each.value for name, each in model.parameters.items()}
    equations = steady_equations(model, ["x", "alive"], values, {})
    assert (equations.species, equations.absent) == (("x",), ("germ",))
    assert set(equations.counters) == {"made", "alive"}


def test_formulas_of_time_are_refused_by_name_unless_they_do_nothing() -> None:
    def model(rise: float) -> Model:
        return make_model(
            {"x": ("1", 1.0, 1.0)},
            {"k": (1.0, "1/h"), "rise": (rise, "1/h"), "hour": (1.0, "h")},
            {
                "source": ("-> x", "k + rise * time / (time + hour)"),
                "loss": ("x ->", "k * x"),
            },
        )  # fmt: skip

    with pytest.raises(TimeNamedError) as caught:
        equations_of(model(1.0))
    assert caught.value.names == ("x",)
    assert equations_of(model(0.0)).newton(np.array([0.5]), 0.0) == pytest.approx([1.0])


def test_a_sum_that_depends_on_the_parameter_is_refused() -> None:
    """Amounts V x + W y stay, so that the sum of concentrations depends on V."""
    model = make_model(
        {"x": ("mg/L", 1.0, 1.0), "y": ("mg/L", 0.0, 1.0)},
        {"V": (2.0, "L"), "W": (3.0, "L"), "k": (1.0, "L/h")},
        {"over": ("x -> y", "k * (x - y)")},
        volume_of={"x": "V", "y": "W"},
    )
    (weights,) = equations_of(model).conserved
    assert weights == pytest.approx([1.0, 1.5])
    assert equations_of(model).newton(np.array([1.0, 0.1]), 0.0) == pytest.approx([0.4, 0.4])
    assert equations_of(model, "k").newton(np.array([1.0, 0.1]), 3.0) == pytest.approx([0.4, 0.4])
    with pytest.raises(SumChangesError, match="x, y"):
        equations_of(model, "V")
