"""Equal instants are equal floats, in whatever unit they are written."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from immunesim.model.instants import converted, ticks_of, time_of
from immunesim.model.units import unit

SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86400, "wk": 604800, "y": 31557600, "ms": Fraction(1, 1000)}
units = st.sampled_from(sorted(SECONDS))
texts = st.builds("{}.{}".format, st.integers(0, 99999), st.from_regex(r"[0-9]{1,6}", fullmatch=True))


@given(texts, units, units)
def test_a_time_as_text_is_converted_as_an_exact_number(text: str, given_in: str, wanted: str) -> None:
    exact = Fraction(text) * SECONDS[given_in] / SECONDS[wanted]
    found = converted(float(text), unit(given_in), unit(wanted))
    assert found == float(exact)
    assert ticks_of(found, unit(wanted)) == exact * SECONDS[wanted] * 10**30


@given(st.floats(0, 1e9), units)
def test_any_float_stays_what_it_is_to_a_few_floats(time: float, name: str) -> None:
    if time * SECONDS[name] > 1e-12:
        assert abs(time_of(ticks_of(time, unit(name)), unit(name)) - time) <= 16 * math.ulp(time)


@given(st.integers(1, 10_000), st.sampled_from([0.1, 0.3, 0.7, 1.1, 2.4]), units)
def test_a_product_is_the_time_that_is_meant(count: int, step: float, name: str) -> None:
    exact = Fraction(str(step)) * count
    assert ticks_of(count * step, unit(name)) == ticks_of(float(exact), unit(name)) == exact * SECONDS[name] * 10**30


def test_a_sum_is_the_time_that_is_meant() -> None:
    total = 0.0
    for _ in range(80):
        total += 0.1
    assert total != 8.0
    assert ticks_of(total, unit("h")) == ticks_of(8.0, unit("h"))


def test_times_that_differ_in_their_twelfth_digit_stay_apart() -> None:
    assert ticks_of(1.00000000001, unit("s")) != ticks_of(1.0, unit("s"))
    assert ticks_of(0.1234567890123, unit("h")) != ticks_of(0.1234567890124, unit("h"))


@pytest.mark.parametrize(
    ("number", "given_in", "wanted", "found"),
    [
        (184, "h", "d", 23 / 3),
        (20, "min", "h", 1 / 3),
        (0.3, "h", "min", 18.0),
        (1e305, "y", "d", 1e305 * 365.25),
        (1e308, "y", "s", math.inf),
        (7.0, "d/7", "d", 1.0),
    ],
)
def test_some_times(number: float, given_in: str, wanted: str, found: float) -> None:
    assert converted(number, unit(given_in), unit(wanted)) == found


def test_a_multiple_is_taken_before_it_is_rounded() -> None:
    hour = unit("h")
    assert time_of(3 * ticks_of(0.1, hour), hour) == 0.3 != 3 * 0.1


def test_times_that_are_too_long_for_seconds_are_exact_too() -> None:
    assert time_of(ticks_of(1e305, unit("y")), unit("y")) == 1e305
    assert time_of(10**400, unit("s")) == math.inf
