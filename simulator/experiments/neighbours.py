"""Rows beside rows: how the derivatives by some of their values are found.

Two neighbours of each value take the steps of its row (`run_beside`), so that the differences are as smooth as the
formulas: the derivatives are those of the numerical solution itself, to some nine digits, through doses, lags, shares,
lengths and rules. The solution is computed at a tolerance at which its derivatives are those of the model to six digits
and more (tests hold them against closed forms).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..numerics.trajectory import Array
from .sweeps.members import Rows

STEP = 3e-5  # of the value: rounding, about 1e-14, and its square, of the differences, are then both below 1e-8
STEP_OF_SCIPY = 1e-3  # where every member chooses its own steps: four digits are left
LEAST_STEP = 0.05  # of the step, times the size of the column, where the value is near zero
OF_POSSIBLE = 1e-6  # of the width of what is possible, a thousand times as wide as what is usual: rather too near
TOLERANCE = 1e-8  # relative, of the rows and their neighbours


@dataclass(frozen=True, eq=False)
class Neighbours:
    """n rows, each followed by two neighbours for each of `which`.

    Attributes:
        values: shape (n * stride, columns).
        stride: rows of a group: 1 + 2 * len(which).
        weights: of each row, of its first and of its second neighbour in a derivative, shape (n, which, 3).
    """

    values: Array
    stride: int
    weights: Array

    @property
    def owners(self) -> Rows:
        """For each row the one that it stands beside, shape (n * stride,)."""
        return np.repeat(np.arange(0, len(self.values), self.stride), self.stride)

    def derivatives(self, found: Array) -> Array:
        """The derivatives of what was found for all rows, shape (n * stride, ...): shape (n, ..., which). NaN where a
        neighbour has no value."""
        groups = found.reshape(-1, self.stride, *found.shape[1:])
        columns = []
        for i in range(self.weights.shape[1]):
            parts = [groups[:, 0], groups[:, 1 + 2 * i], groups[:, 2 + 2 * i]]
            shape = (-1, *[1] * (found.ndim - 1))
            weights = [self.weights[:, i, place].reshape(shape) for place in range(3)]
            columns.append(sum((w * part for w, part in zip(weights, parts, strict=True)), np.zeros(())))
        return np.stack(columns, axis=-1) if columns else np.empty((*groups[:, 0].shape, 0))


def neighbours(
    values: Array, which: Sequence[int], sizes: Array, widths: Array, low: Array, high: Array, size: float
) -> Neighbours:
    """The neighbours of n rows: one to each side or, where a value is at the end of what is possible, both inside.

    Args:
        values: shape (n, columns), all possible.
        which: the columns by which derivatives are wanted.
        sizes: the usual values of the columns, or zero, shape (columns,).
        widths: of what is possible, none zero, shape (columns,): where a value and the usual one are zero.
        low, high: the lowest and highest possible values, shape (columns,).
        size: how far a neighbour is, as a share of the value.
    """
    count, stride = len(values), 1 + 2 * len(which)
    rows = np.repeat(values[:, None, :], stride, axis=1)
    weights = np.empty((count, len(which), 3))
    for i, column in enumerate(which):
        here = values[:, column]
        step = size * np.maximum(np.abs(here), LEAST_STEP * sizes[column])
        step = np.where(step > 0.0, step, size * LEAST_STEP * OF_POSSIBLE * widths[column])
        above, below = here + step <= high[column], here - step >= low[column]
        first = here + np.where(above, step, -step)
        second = here + np.where(above & below, -step, np.where(above, 2.0 * step, -2.0 * step))
        rows[:, 1 + 2 * i, column], rows[:, 2 + 2 * i, column] = first, second
        a, b = first - here, second - here  # as they are after rounding
        weights[:, i, 0] = np.where(above & below & (a == -b), 0.0, -(a + b) / (a * b))
        weights[:, i, 1], weights[:, i, 2] = b / (a * (b - a)), a / (b * (a - b))
    return Neighbours(rows.reshape(count * stride, -1), stride, weights)
