"""Branches whose shape is known: normal forms of the fold, the Hopf point, the crossing and the closed loop."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from immunesim.numerics.continuation import Branch, End, Special, follow, zero
from immunesim.numerics.steady_equations import steady_equations

from tests.systems import make_model


def followed(
    start: Mapping[str, float],
    q: float,
    span: tuple[float, float],
    reactions: Mapping[str, tuple[str, str]],
    signed: str = "",
) -> Branch:
    """The branch along q of a system in which `one` makes a pure number of anything."""
    model = make_model(
        dict.fromkeys(start, ("1", 1.0, 1.0)), {"q": (q, "1"), "one": (1.0, "1/h")}, reactions, signed=tuple(signed)
    )
    equations = steady_equations(model, list(start), {"q": q, "one": 1.0}, {}, "q")
    states = equations.newton(np.array(list(start.values())), q)
    assert states is not None
    return follow(equations, states, q, span)


# dx/dt = (q - 2) - (x - 3)^2
FOLD = {"made": ("-> x", "one * (q + 6 * x)"), "lost": ("x ->", "one * (x^2 + 11)")}


def test_a_branch_goes_round_its_fold() -> None:
    branch = followed({"x": 5.0}, 6.0, (1.0, 6.0), FOLD)
    (fold,) = (branch.points[place] for place in branch.special)
    assert (fold.kind, fold.q) == (Special.FOLD, pytest.approx(2.0, abs=1e-12))
    assert fold.states == pytest.approx([3.0], abs=1e-5)
    assert branch.ends == (End.RANGE, End.RANGE)
    assert [branch.points[place].q for place in (0, -1)] == [6.0, 6.0]
    assert sorted(branch.points[place].states[0] for place in (0, -1)) == pytest.approx([1.0, 5.0], rel=1e-12)
    off = np.abs((branch.states[:, 0] - 3) ** 2 - (branch.q - 2))
    assert off.max() < 1e-10
    usual = [point for point in branch.points if point.kind is None]
    assert all((point.states[0] < 3) == (point.unstable == 1) for point in usual)


def test_a_branch_ends_where_an_amount_reaches_zero() -> None:
    branch = followed({"x": 5.0}, 6.0, (1.0, 20.0), FOLD)
    assert set(branch.ends) == {End.ZERO, End.RANGE}
    end = branch.points[0 if branch.ends[0] is End.ZERO else -1]
    assert (end.q, end.states[0]) == (pytest.approx(11.0, rel=1e-9), pytest.approx(0.0, abs=1e-9))


def test_waves_begin_at_a_hopf_point() -> None:
    """dx/dt = (q - 2) x - 3 y - x (x^2 + y^2), and the same for y: at q = 2, of period 2 pi / 3."""
    reactions = {
        "x_made": ("-> x", "one * ((q - 2) * x - 3 * y - x * (x^2 + y^2))"),
        "y_made": ("-> y", "one * ((q - 2) * y + 3 * x - y * (x^2 + y^2))"),
    }
    branch = followed({"x": 0.0, "y": 0.0}, 1.0, (0.0, 4.0), reactions, signed="xy")
    (hopf,) = (branch.points[place] for place in branch.special)
    assert (hopf.kind, hopf.q) == (Special.HOPF, pytest.approx(2.0, abs=1e-9))
    assert hopf.period == pytest.approx(2 * np.pi / 3, rel=1e-9)
    assert {point.unstable for point in branch.points if point.q < 2 and point.kind is None} == {0}
    assert {point.unstable for point in branch.points if point.q > 2 and point.kind is None} == {2}


# dx/dt = (q - 1) x - x^2
CROSSING = {"made": ("x -> 2 x", "one * q * x"), "lost": ("x ->", "one * (x + x^2)")}


def test_two_branches_cross() -> None:
    nothing = followed({"x": 0.0}, 0.5, (0.0, 3.0), CROSSING)
    (crossing,) = (nothing.points[place] for place in nothing.special)
    assert (crossing.kind, crossing.q) == (Special.CROSSING, pytest.approx(1.0, abs=1e-9))
    some = followed({"x": 1.0}, 2.0, (0.0, 3.0), CROSSING)
    assert End.ZERO in some.ends
    assert min(some.q) == pytest.approx(1.0, abs=1e-9)


def test_a_closed_loop_is_followed_once() -> None:
    """(x - 3)^2 + (q - 3)^2 = 1"""
    reactions = {"made": ("-> x", "one * (6 * x + 6 * q)"), "lost": ("x ->", "one * (x^2 + q^2 + 17)")}
    branch = followed({"x": 4.0}, 3.0, (0.0, 6.0), reactions)
    assert branch.ends == (End.LOOP, End.LOOP)
    folds = sorted(branch.points[place].q for place in branch.special)
    assert folds == pytest.approx([2.0, 4.0], abs=1e-9)


def test_a_fold_just_before_the_end_of_the_range_is_found() -> None:
    branch = followed({"x": 5.0}, 6.0, (2.0 - 1e-7, 6.0), FOLD)
    assert [branch.points[place].kind for place in branch.special] == [Special.FOLD]


def test_a_kink_at_the_end_of_the_range_does_not_stop_the_branch() -> None:
    """sqrt(1 - q) ends at q = 1: nothing beyond has a value."""
    reactions = {"made": ("-> x", "one * (1 + sqrt(1 - q))"), "lost": ("x ->", "one * x")}
    branch = followed({"x": 2.0}, 0.0, (0.0, 1.0), reactions)
    assert branch.ends[1] in (End.RANGE, End.LOST)
    assert max(branch.q) > 1 - 1e-6


@pytest.mark.parametrize("power", [1, 3, 5])
def test_zeros_are_found(power: int) -> None:
    assert zero(lambda x: (x - 0.3) ** power, 0.0, 1.0) == pytest.approx(0.3, abs=1e-3 if power > 1 else 1e-14)


def test_a_branch_keeps_the_sums_that_its_parameter_sets() -> None:
    """2 a <-> b with a + 2 b = 3 + 2 q: b = 4 a^2."""
    model = make_model(
        {"a": ("1", 3.0, 1.0), "b": ("1", "q", 1.0)},
        {"q": (1.0, "1"), "on": (2.0, "1/h"), "off": (0.5, "1/h")},
        {"binding": ("2 a -> b", "on * a^2"), "parting": ("b -> 2 a", "off * b")},
    )
    equations = steady_equations(model, ["a", "b"], {"q": 1.0, "on": 2.0, "off": 0.5}, {}, "q")
    states = equations.newton(np.array([1.0, 1.0]), 1.0)
    assert states is not None
    branch = follow(equations, states, 1.0, (0.0, 10.0))
    assert branch.ends == (End.RANGE, End.RANGE)
    a, b = branch.states.T
    assert a + 2 * b == pytest.approx(3 + 2 * branch.q, rel=1e-9)
    assert b == pytest.approx(4 * a**2, rel=1e-8)
    assert not branch.unstable.any()
