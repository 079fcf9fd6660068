"""A model that is left alone: at rest, and still there after years."""

from __future__ import annotations

import numpy as np
import pytest
from immunesim import Model
from immunesim.numerics.parameter_formulas import initial_values
from immunesim.numerics.solve import solve
from immunesim.numerics.system import System
from immunesim.numerics.trajectory import Segment

YEAR = 365.25  # days


def assert_stays_at_rest(model: Model, years: float, slope: float, change: float) -> None:
    """slope: the most that a state may move at the start, in its scales per day. change: the most that it may have
    moved at the end, of its value or of its scale."""
    system = System(model)
    values = {name: parameter.value for name, parameter in model.parameters.items()}
    initial = np.array(list(initial_values(model, values).values()))
    parameters, nothing = np.array(list(values.values())), np.zeros(len(initial))
    derivative, *_ = system.bind(parameters.tolist())
    assert np.abs(np.array(derivative(0.0, initial)) / system.scales).max() < slope
    end = years * YEAR
    trajectory = solve(system, initial, [Segment(0.0, end, nothing, nothing, parameters)], np.array([0.0, end]))
    assert trajectory.outcome.ok
    for place, name in enumerate(system.species):
        assert trajectory[name][-1] == pytest.approx(initial[place], rel=change, abs=change * system.scales[place]), (
            name
        )
