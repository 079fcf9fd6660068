"""Rodas5P behind SciPy's solver interface: the second opinion on every run.

A one-step method with an exact Jacobian shares nothing with LSODA but the model, and it starts
again at full order after a dose, where a multistep method starts from order one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import integrate
from scipy.linalg.lapack import dgetrf, dgetrs

from . import rodas5p
from .guard import IntegrationError
from .trajectory import NOT_FINITE, Array

STAGES, SAFETY, SHRINK, GROW = rodas5p.STAGES, rodas5p.SAFETY, rodas5p.SHRINK, rodas5p.GROW
SHORTEST = 1e-9  # of the time reached, or of the segment: as short as a trial step may become where nothing is finite


def _lower(rows: tuple[tuple[float, ...], ...]) -> Array:
    matrix = np.zeros((STAGES, STAGES))
    for i, row in enumerate(rows):
        matrix[i, : len(row)] = row
    return matrix


A, C = _lower(rodas5p.A), _lower(rodas5p.C)
M, E, H = np.array(rodas5p.M), np.array(rodas5p.E), np.array(rodas5p.H)
TAU, ALPHA = np.array(rodas5p.TAU), np.array(rodas5p.ALPHA)
A_ROWS, C_ROWS = [A[i, :i].copy() for i in range(STAGES)], [C[i, :i].copy() for i in range(STAGES)]


class Rodas5P(integrate.OdeSolver):  # type: ignore[misc]
    """Integrates y' = fun(t, y) from t0 to t_bound, with y of shape (n,).

    Used as SciPy's own solvers: `step` until `status` is no longer "running", with `dense_output` after each step.
    """

    def __init__(
        self,
        fun: Callable[[float, Array], Any],
        t0: float,
        y0: Array,
        t_bound: float,
        *,
        rtol: float,
        atol: Array,
        jac: Callable[[float, Array], Array],
        time_derivative: Callable[[float, Array], Any] | None = None,
    ) -> None:
        """rtol: relative tolerance. atol: absolute tolerances, shape (n,). jac(t, y): df/dy, shape (n, n).
        time_derivative(t, y): df/dt, shape (n,); None where f does not name t."""
        super().__init__(fun, t0, y0, t_bound, vectorized=False)
        self.t: float
        self.y: Array
        self.rtol, self.atol, self.jac, self.time_derivative = rtol, atol, jac, time_derivative
        self.span = t_bound - t0
        self.rhs = fun  # past the counters of the parent class
        self.f = np.asarray(fun(self.t, self.y))
        self.h = self._first_step()
        self.u = np.zeros((STAGES, self.n))

    def _first_step(self) -> float:
        """A step over which a straight line changes the states by a hundredth of their size."""
        scale = self.atol + self.rtol * np.abs(self.y)
        size, rate = (float(np.sqrt(np.mean((x / scale) ** 2))) for x in (self.y, self.f))
        return float(min(self.span, 0.01 * size / rate if size > 1e-5 and rate > 1e-5 else 1e-6 * self.span))

    def _step_impl(self) -> tuple[bool, str | None]:
        t, y, u, n = self.t, self.y, self.u, self.n
        jacobian = self.jac(t, y)
        df_dt = None if self.time_derivative is None else np.asarray(self.time_derivative(t, y))
        new, f = y, self.f
        rejected = False
        while True:
            # No step passes the end, and none leaves less than a hundredth of itself to go
            left = self.t_bound - t
            last = self.h * 1.01 >= left
            h = left if last else self.h
            if h < 10.0 * np.spacing(abs(t)):  # the time would not move
                return False, self.TOO_SMALL_STEP
            # Factorize I / (h gamma) - J
            matrix = -jacobian
            matrix.flat[:: n + 1] += 1.0 / (h * rodas5p.GAMMA)
            factors, pivots, singular = dgetrf(matrix, overwrite_a=True)
            if singular:
                self.h = h * SHRINK
                continue
            # Stages, new value and error, in terms of the tolerance
            reached = self.t_bound if last else t + h
            try:
                self._stages(t, y, h, df_dt, factors, pivots)
                new = y + M @ u
                error = (E @ u) / (self.atol + self.rtol * np.maximum(np.abs(y), np.abs(new)))
                norm = float(np.sqrt(error @ error / n))
                if norm <= 1.0:
                    f = np.asarray(self.rhs(reached, new))
            except IntegrationError as problem:  # too long a step; only where none is short enough the run ends
                if problem.kind != NOT_FINITE or h < SHORTEST * max(abs(t), self.span):
                    raise
                norm = math.inf
            # Accept the step, or try a shorter one
            grown = SAFETY * norm ** (-1 / rodas5p.ORDER) if norm > 0.0 else GROW
            factor = min(GROW, max(SHRINK, grown)) if math.isfinite(norm) else SHRINK
            if norm <= 1.0:
                break
            self.h, rejected = h * factor, True
        self.before, self.y, self.t, self.f = y, new, reached, f
        self.h = h * (min(1.0, factor) if rejected else factor)
        return True, None

    def _stages(self, t: float, y: Array, h: float, df_dt: Array | None, factors: Array, pivots: Any) -> None:
        """Fills `u`, shape (stages, n), for a step of length h."""
        for i in range(STAGES):
            right = self.f
            if i:
                done = self.u[:i]
                right = self.rhs(t + h * ALPHA[i], y + A_ROWS[i] @ done) + (C_ROWS[i] / h) @ done
            if df_dt is not None:
                right = right + (h * TAU[i]) * df_dt
            self.u[i] = dgetrs(factors, pivots, right)[0]

    def _dense_output_impl(self) -> integrate.DenseOutput:
        return _Interpolant(self.t_old, self.t, self.before, self.y, H @ self.u)


class _Interpolant(integrate.DenseOutput):  # type: ignore[misc]
    """The states within a step, of order 4."""

    def __init__(self, t_old: float, t: float, before: Array, after: Array, d: Array) -> None:
        super().__init__(t_old, t)
        self.before, self.after, self.d = before[:, None], after[:, None], d[:, :, None]

    def _call_impl(self, t: Array) -> Array:
        s = ((np.atleast_1d(t) - self.t_old) / (self.t - self.t_old))[None, :]
        d1, d2, d3 = self.d
        values: Array = (1 - s) * self.before + s * (self.after + (1 - s) * (d1 + s * (d2 + s * d3)))
        return values if np.ndim(t) else values[:, 0]
