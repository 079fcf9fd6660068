"""exp, log and powers of lanes, against those of the C library."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from immunesim.numerics import graph, tape
from immunesim.numerics.compiled import vector_math

from tests.numerics.compiled.small_programs import Array, compiled

ODD = np.array([0.0, -0.0, math.inf, -math.inf, math.nan, 5e-324, 1e-310, 1.7e308, -1.0, 1.0])
RANDOM = np.random.default_rng(1)


def units_apart(found: Array, wanted: Array) -> float:
    """The largest difference, in units of the last place."""
    both = np.isfinite(wanted) & (wanted != 0)
    np.testing.assert_array_equal(np.isnan(found), np.isnan(wanted))
    np.testing.assert_array_equal(found[~both & ~np.isnan(wanted)], wanted[~both & ~np.isnan(wanted)])
    return float((np.abs(found[both] - wanted[both]) / np.spacing(np.abs(wanted[both]))).max())


def one_by_one(function: Callable[[float], float], x: Array) -> Array:
    """By the C library, whose error is below that of NumPy's own vector functions."""

    def value(each: float) -> float:
        try:
            return function(each)
        except OverflowError:
            return math.inf
        except ValueError:
            return -math.inf if each == 0.0 else math.nan

    return np.array([value(each) for each in x.tolist()])


@np.errstate(all="ignore")
def test_exp_is_right_to_a_unit_in_the_last_place() -> None:
    x = np.concatenate([RANDOM.uniform(-745, 709.7, 20_000), RANDOM.uniform(-1, 1, 20_000), ODD, [710.0, -746.0]])
    assert units_apart(compiled(vector_math.exp, 1, 4)(x), one_by_one(math.exp, x)) <= 1.0


@np.errstate(all="ignore")
def test_log_is_right_to_a_unit_in_the_last_place() -> None:
    x = np.concatenate([10.0 ** RANDOM.uniform(-320, 308, 20_000), RANDOM.uniform(0.5, 2, 20_000), ODD])
    assert units_apart(compiled(vector_math.log, 1, 4)(x), one_by_one(math.log, x)) <= 1.0


@np.errstate(all="ignore")
@pytest.mark.parametrize("name", ["sin", "cos"])
def test_angles_are_right_to_a_unit_in_the_last_place(name: str) -> None:
    """Also near whole turns, where nothing is left of an angle but its last digits."""
    quarters = np.arange(-300, 300) * (math.pi / 2)
    wide = RANDOM.uniform(-1, 1, 10_000) * 10.0 ** RANDOM.uniform(0, 12, 10_000)
    odd = ODD[~(np.abs(ODD) > vector_math.MOST_TURNED)]
    x = np.concatenate([RANDOM.uniform(-8, 8, 20_000), quarters, np.nextafter(quarters, 9e9), wide, odd])
    function = {"sin": vector_math.sine, "cos": vector_math.cosine}[name]
    assert units_apart(compiled(function, 1, 4)(x), one_by_one(getattr(math, name), x)) <= 1.0
    far = np.array([math.inf, -math.inf, math.nan, 1e20])
    assert np.isnan(compiled(function, 1, 4)(far)).all()


def powers() -> tuple[Array, Array]:
    """Bases and exponents: common ones, every pair of odd ones, whole powers of negative bases."""
    odd = np.concatenate([ODD, [0.5, 2.0, 3.0, -2.0, -3.0, -0.5, 2.0**60, 1e-300]])
    pairs = [each.ravel() for each in np.meshgrid(odd, odd)]
    base = [10.0 ** RANDOM.uniform(-8, 8, 2_000), pairs[0], -(10.0 ** RANDOM.uniform(-8, 8, 500))]
    return np.concatenate(base), np.concatenate([RANDOM.uniform(-4, 4, 2_000), pairs[1], RANDOM.integers(-9, 9, 500)])


def agree(found: Array, wanted: Array) -> None:
    """Infinity for infinity, NaN for NaN, and numbers nearly the same; the sign of zero and of 1 / 0 is free."""
    np.testing.assert_array_equal(np.isnan(found), np.isnan(wanted))
    np.testing.assert_array_equal(np.isinf(found), np.isinf(wanted))
    known = np.isfinite(wanted)
    np.testing.assert_allclose(found[known], wanted[known], rtol=3e-13, atol=1e-307)


@np.errstate(all="ignore")
def test_powers_are_those_of_ieee_754() -> None:
    base, exponent = powers()
    wanted = np.array([graph.power(*each) for each in zip(base.tolist(), exponent.tolist(), strict=True)])
    agree(wanted, np.power(base, exponent))
    agree(compiled(vector_math.power, 2, 4)(base, exponent), wanted)
    amount = ~(base < 0)
    agree(compiled(vector_math.power_of_amount, 2, 4)(base[amount], exponent[amount]), wanted[amount])


@np.errstate(all="ignore")
@pytest.mark.parametrize("name", ["power_by_base", "power_by_exponent"])
def test_derivatives_of_powers_are_those_of_the_graph(name: str) -> None:
    base, exponent = powers()
    value = np.power(base, exponent)
    rows = zip(base.tolist(), exponent.tolist(), value.tolist(), strict=True)
    wanted = np.array([getattr(graph, name)(*each) for each in rows])
    agree(compiled(getattr(vector_math, name), 3, 4)(base, exponent, value), wanted)
    agree(tape.ARRAY_OPERATIONS[name](base, exponent, value), wanted)


@pytest.mark.parametrize("name", ["largest", "smallest"])
def test_the_larger_and_the_smaller_keep_what_is_no_number(name: str) -> None:
    a, b = (each.ravel() for each in np.meshgrid(ODD, ODD))
    wanted = np.array([getattr(graph, name)(*each) for each in zip(a.tolist(), b.tolist(), strict=True)])
    np.testing.assert_array_equal(compiled(getattr(vector_math, name), 2, 4)(a, b), wanted)


@pytest.mark.parametrize("lanes", [1, 2, 8])
def test_the_number_of_lanes_changes_no_bit(lanes: int) -> None:
    base, exponent = 10.0 ** RANDOM.uniform(-8, 8, 999), RANDOM.uniform(-4, 4, 999)
    few, many = (compiled(vector_math.power, 2, each)(base, exponent) for each in (4, lanes))
    assert few.tobytes() == many.tobytes()
