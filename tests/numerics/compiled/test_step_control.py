"""Steps that are too long are seen: explosions, exchange without measure, chatter, states below their tolerance."""

from __future__ import annotations

import time

import numpy as np
import pytest
from immunesim.numerics.compiled.memory_layout import Status
from immunesim.numerics.compiled.sparse_lu import strong_components

from tests.numerics.compiled.runs import on_lanes
from tests.systems import Stretch, make_model

GROWTH = make_model({"x": ("1", 1, 1)}, {"k": (1.0, "1/h")}, {"grow": ("-> x", "k * x")})


def exchange(rate: float):
    return make_model(
        {"x": ("1", 1, 1), "y": ("1", 0, 1)},
        {"k": (rate, "1/h"), "d": (0.1, "1/h")},
        {"to": ("x -> y", "k * x"), "fro": ("y -> x", "2 * k * y"), "loss": ("x ->", "d * x")},
    )


@pytest.mark.parametrize("end", [24.0, 87_600.0])
def test_growth_without_bound_is_no_success(end: float) -> None:
    rates = [0.1 / end, 1e3, 1e7, 1e10, 1e15, 1e20]
    found = on_lanes(GROWTH, end, np.array([0.0, end]), varied={"k": rates})
    assert found.status.tolist() == [Status.DONE] + [Status.NOT_FINITE] * 5
    assert found.grid[0, 1, 0] == pytest.approx(np.exp(0.1), rel=1e-5)


def test_growth_that_begins_below_every_tolerance_is_seen() -> None:
    """1e-20 of x, beside a slow state that would allow long steps."""
    model = make_model(
        {"x": ("1", 1e-20, 1), "y": ("1", 1, 1)},
        {"k": (1.0, "1/h"), "d": (1.0, "1/h")},
        {"grow": ("-> x", "k * x"), "fall": ("y ->", "d * y")},
    )
    found = on_lanes(model, 24.0, np.array([0.0, 24.0]), varied={"k": [1.0, 2.0, 1e10]})
    assert found.status.tolist() == [Status.DONE, Status.DONE, Status.NOT_FINITE]
    assert found.grid[1, 1, 0] == pytest.approx(1e-20 * np.exp(48.0), rel=3e-2)


def test_growth_that_begins_at_a_change_of_parameters_is_seen() -> None:
    model = make_model({"x": ("1", 1, 1)}, {"k": (0.0, "1/h")}, {"grow": ("-> x", "k * x")})
    found = on_lanes(model, [Stretch(0, 5), Stretch(5, 24, parameters={"k": 1e12})], np.array([0.0, 4.0, 24.0]))
    assert found.status.tolist() == [Status.NOT_FINITE]
    assert found.grid[0, :2, 0].tolist() == [1.0, 1.0]


def test_what_is_zero_and_stays_zero_limits_no_step() -> None:
    """A virus that is not there grows by exp(1000) in the long steps of what is."""
    model = make_model(
        {"virus": ("1", 0, 1), "cells": ("1", 1, 1)},
        {"k": (1.0, "1/h"), "d": (1e-3, "1/h")},
        {
            "grow": ("-> virus", "k * virus"),
            "kill": ("virus ->", "d * virus * cells"),
            "die": ("cells ->", "d * cells"),
        },
    )
    found = on_lanes(model, 1000.0, np.array([0.0, 1000.0]))
    assert found.done.all()
    assert found.grid[0, 1].tolist() == [0.0, pytest.approx(np.exp(-1.0), rel=1e-5)]
    assert found.steps[0] < 60


@pytest.mark.parametrize("rate", [1e5, 1e10, 1e15, 1e20])
def test_exchange_without_measure_reaches_its_equilibrium_or_fails(rate: float) -> None:
    found = on_lanes(exchange(rate), 24.0, np.array([0.0, 24.0]))
    exact = np.exp(-0.1 * 24.0 * 2 / 3) / 3
    if rate < 1e18:
        np.testing.assert_allclose(found.grid[0, 1], [2 * exact, exact], rtol=2e-6)
    else:
        assert found.status.tolist() == [Status.NO_PROGRESS]


def test_chatter_ends_by_name_and_soon() -> None:
    """A derivative that changes its direction within 1e-12 of zero, and a member beside it that does not."""
    model = make_model(
        {"x": ("1", 1, 1)},
        {"k": (1.0, "1/h"), "steep": (1.0, "1")},
        {"r": ("-> x", "k * max(-1, min(1, -steep * x))")},
        signed=["x"],
    )
    began = time.thread_time()
    found = on_lanes(model, 24.0, np.array([0.0, 0.5, 24.0]), varied={"steep": [1e12, 1.0]})
    assert time.thread_time() - began < 5.0
    assert found.status.tolist() == [Status.NO_PROGRESS, Status.DONE]
    assert found.grid[0, 1, 0] == pytest.approx(0.5)
    assert found.steps[0] < 300_000


def test_components_of_a_matrix() -> None:
    chain_into_a_cycle = [(0, 0), (1, 0), (2, 1), (2, 4), (3, 2), (4, 3), (5, 4)]
    assert sorted(strong_components(7, chain_into_a_cycle)) == [[0], [1], [2, 3, 4], [5], [6]]
    everything = [(i, j) for i in range(5) for j in range(5)]
    assert strong_components(5, everything) == [[0, 1, 2, 3, 4]]
    assert len(strong_components(3000, [(i, i - 1) for i in range(1, 3000)])) == 3000
