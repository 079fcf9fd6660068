"""Nothing that formulas of time do is stepped over, on any engine, and smooth curves cost little."""

from __future__ import annotations

import numpy as np
import pytest
from immunesim.numerics.solve import SOLVERS
from immunesim.numerics.system import System

from tests.numerics.compiled.runs import on_lanes
from tests.systems import Stretch, make_model, simulate

END = 1000.0
WIDTHS = {"k": (1.0, "1/h"), "T": (300.0, "h"), "w": (0.05, "h")}  # 0.1 h of 1000 h: a ten-thousandth


def pulse(shape: str):
    """What comes in by a pulse at T, beside a slow loss that allows long steps."""
    return make_model(
        {"A": ("1", 0, 1), "slow": ("1", 1, 1)},
        WIDTHS,
        {"come": ("-> A", shape), "fall": ("slow ->", "k * slow / 1000")},
    )


SHAPES = {
    "triangle": ("k * max(0, 1 - max((time - T) / w, (T - time) / w))", 0.05),
    "bell": ("k * exp(-((time - T) / w)^2)", 0.05 * np.sqrt(np.pi)),
    "block": ("k * max(0, min(1, 1e6 * (1 - max((time - T) / w, (T - time) / w))))", 0.1),
    "beside_what_is_slow": ("k * exp(-((time - T) / w)^2) + k * k * time / 1e6", 0.05 * np.sqrt(np.pi) + 0.5),
}
AT = [0.3, 3.0, 123.456, 499.99, 500.0, 777.77, 999.7]
each_shape = pytest.mark.parametrize("shape", SHAPES)


@each_shape
def test_a_pulse_anywhere_is_seen_by_the_compiled_engine(shape: str) -> None:
    formula, area = SHAPES[shape]
    found = on_lanes(pulse(formula), END, np.array([0.0, END]), varied={"T": AT})
    np.testing.assert_allclose(found.grid[:, 1, 0], area, rtol=2e-4)
    assert found.steps.max() < 400


@each_shape
@pytest.mark.parametrize("method", sorted(SOLVERS))
def test_a_pulse_anywhere_is_seen_by_scipy(shape: str, method: str) -> None:
    formula, area = SHAPES[shape]
    for at in (0.3, 123.456, 999.7):
        found = simulate(pulse(formula), [Stretch(0, END, parameters={"T": at})], np.array([0.0, END]), method)
        assert found["A"][-1] == pytest.approx(area, rel=1e-3)


def test_a_pulse_that_a_change_of_parameters_moves_is_seen() -> None:
    formula, area = SHAPES["bell"]
    stretches = [
        Stretch(0, 400),
        Stretch(400, 700, parameters={"T": 650.0}),
        Stretch(700, END, parameters={"T": 650.0}),
    ]
    found = on_lanes(pulse(formula), stretches, np.array([0.0, 401.0, END]))
    np.testing.assert_allclose(found.grid[0, 1:, 0], [area, 2 * area], rtol=2e-4)
    trajectory = simulate(pulse(formula), stretches, np.array([0.0, 401.0, END]))
    np.testing.assert_allclose(trajectory["A"][1:], [area, 2 * area], rtol=1e-3)


@pytest.mark.parametrize("width", [0.05, 0.2, 1.0, 5.0, 20.0, 60.0])
@each_shape
def test_a_pulse_of_any_width_is_seen(shape: str, width: float) -> None:
    """Everywhere in turn, so that it lies in every way on the grid and between the steps."""
    formula, area = SHAPES[shape]
    scaled = width / 0.05 * (area if area < 0.2 else area - 0.5) + (0.5 if area > 0.2 else 0.0)
    at = np.linspace(5 * width, END - 5 * width, 33).tolist()
    found = on_lanes(pulse(formula), END, np.array([0.0, END]), varied={"T": at, "w": [width] * len(at)})
    np.testing.assert_allclose(found.grid[:, 1, 0], scaled, rtol=1e-3)


def test_stops_depend_on_no_neighbour() -> None:
    formula, _ = SHAPES["bell"]
    together = on_lanes(pulse(formula), END, np.array([0.0, END]), varied={"T": AT}, dense=("A",))
    for member in (1, 5):
        alone = on_lanes(pulse(formula), END, np.array([0.0, END]), varied={"T": AT[member : member + 1]}, dense=("A",))
        assert alone.grid[0].tobytes() == together.grid[member].tobytes()
        assert alone.steps[0] == together.steps[member]


def test_a_long_run_with_stops_puts_its_points_aside_and_loses_none(monkeypatch: pytest.MonkeyPatch) -> None:
    formula, _ = SHAPES["bell"]
    whole = on_lanes(pulse(formula), END, np.array([0.0, END]), dense=("A",))
    monkeypatch.setattr("immunesim.numerics.compiled.engine.BUFFER_POINTS", 40)
    monkeypatch.setattr("immunesim.numerics.compiled.engine.MAX_GROUP_STEPS", 3)
    again = on_lanes(pulse(formula), END, np.array([0.0, END]), dense=("A",))
    assert again.dense_curves[0][1].tobytes() == whole.dense_curves[0][1].tobytes()


def test_a_model_without_formulas_of_time_has_no_stops() -> None:
    model = make_model({"A": ("1", 1, 1)}, {"k": (1.0, "1/h")}, {"die": ("A ->", "k * A")})
    assert not System(model).time_curves
    assert not len(System(model).time_curves.stops(np.array([1.0]), 0.0, 10.0))


def test_smooth_curves_cost_little(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broad peak each day, for four weeks."""
    bells = " + ".join(f"exp(-((time - {day} * day - T) / w)^2)" for day in range(28))
    model = make_model(
        {"A": ("1", 1, 1)},
        {"k": (0.3, "1/h"), "day": (24.0, "h"), "T": (12.0, "h"), "w": (5.0, "h")},
        {"make": ("-> A", f"k * ({bells})"), "lose": ("A ->", "k * A")},
    )
    end, times = 672.0, np.array([0.0, 672.0])
    with_stops = on_lanes(model, end, times).steps[0], simulate(model, end, times).steps
    monkeypatch.setattr("immunesim.numerics.time_events.TOLERANCE", 1e9)
    without = on_lanes(model, end, times).steps[0], simulate(model, end, times).steps
    assert with_stops[0] < 1.5 * without[0]
    assert with_stops[1] < 2.2 * without[1]
