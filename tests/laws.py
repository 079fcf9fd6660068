"""A model's derivative and Jacobian, for the thresholds that no single time course can show."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from immunesim import read_model
from immunesim.files.toml.catalogue import builtin_models
from immunesim.numerics.system import System
from scipy.optimize import fsolve


class Laws:
    """A model's derivative and Jacobian for any values of some of its parameters."""

    def __init__(self, name: str) -> None:
        self.system = System(read_model(builtin_models()[name]))

    def bind(self, **changed: float) -> tuple[Callable[..., list[float]], Callable[..., np.ndarray]]:
        values = {name: parameter.value for name, parameter in self.system.model.parameters.items()}
        assert changed.keys() <= values.keys()
        bound = self.system.bind(list((values | changed).values()))
        return bound[0], bound[1]

    def steady(self, near: Sequence[float], **changed: float) -> np.ndarray:
        """The steady state that Newton's method finds from `near`."""
        derivative, jacobian = self.bind(**changed)
        state = fsolve(
            lambda y: derivative(0.0, y), np.array(near, dtype=float), fprime=lambda y: jacobian(0.0, y), xtol=1e-13
        )
        assert np.allclose(derivative(0.0, state), 0.0, atol=1e-8 * np.abs(state).max())
        return state

    def fold(self, parameter: str, near: Sequence[float], value: float, **changed: float) -> float:
        """Where two steady states meet and vanish: the derivative and the Jacobian's determinant are both zero."""
        sizes = np.array([*near, value])

        def conditions(scaled: np.ndarray) -> list[float]:
            *state, at = scaled * sizes
            derivative, jacobian = self.bind(**{parameter: at}, **changed)
            state = np.array(state)
            relative = jacobian(0.0, state) * sizes[:-1] / sizes[:-1, None]
            return [*(np.array(derivative(0.0, state)) / sizes[:-1]), np.linalg.det(relative)]

        solution, _, converged, message = fsolve(conditions, np.ones(len(sizes)), xtol=1e-12, full_output=True)
        assert converged == 1, message
        return float(solution[-1] * value)
