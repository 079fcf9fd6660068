"""The values of curves that are formulas, of many members at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from ..model.expression import Apply, Expression, Name, Number
from ..model.model import Model
from ..numerics.tape import ARRAY_OPERATIONS
from ..numerics.trajectory import Array, Trajectory
from .curves import values_at
from .measured import MemberCurves, bind, curves_of
from .measures import FUNCTIONS
from .scenario import MAIN, CurveFormula

_OPERATIONS: dict[str, Callable[..., Array]] = {**ARRAY_OPERATIONS, "log10": np.log10, "sqrt": np.sqrt}


class BoundFormula:
    """A formula of curves, ready to be computed.

    Attributes:
        curves: the species and observables whose values it needs at the times that are wanted.
        measures: the functions of curves whose values it needs, each a measure of one arm.
        formula: what it computes, with its unit.
    """

    def __init__(self, formula: CurveFormula) -> None:
        self.formula, self.curves = formula, formula.curves
        self.measures: list[Apply] = []
        self._collect(formula.tree)

    def _collect(self, tree: Expression) -> None:
        if isinstance(tree, Apply) and tree.op in FUNCTIONS:
            if tree not in self.measures:
                self.measures.append(tree)
        elif isinstance(tree, Apply):
            for arg in tree.args:
                self._collect(arg)

    def of(self, curves: Mapping[str, Array], measured: Sequence[Array]) -> Array:
        """The values at some times, shape (m, k), in the unit of the formula; NaN or infinite where there are none.

        Args:
            curves: by name, each of `curves`, shape (m, k), in its unit.
            measured: the value of each of `measures` for every member, shape (m,).
        """
        with np.errstate(all="ignore"):
            return np.asarray(self._value(self.formula.tree, curves, measured))

    def _value(self, tree: Expression, curves: Mapping[str, Array], measured: Sequence[Array]) -> Array:
        if isinstance(tree, Number):
            return np.array(tree.value)
        if isinstance(tree, Name):
            return curves[tree.id]
        if not isinstance(tree, Apply):
            raise TypeError(f"{tree!r} is no part of a curve")
        if tree.op in FUNCTIONS:
            return np.asarray(measured[self.measures.index(tree)])[:, None]
        found: Array = _OPERATIONS[tree.op](*(self._value(arg, curves, measured) for arg in tree.args))
        return found

    def at_times(self, curves: MemberCurves, model: Model, times: Array) -> Array:
        """The values of every member at `times`, shape (k,); the result has the shape (m, k). At a jump, the value
        after it; NaN after the end of a run that failed."""
        found = {}
        for name in self.curves:
            pieces = curves.pieces(name)
            members = len(pieces.first) - 1
            if not len(pieces.end):
                return np.full((members, len(times)), np.nan)
            values = values_at(pieces, np.broadcast_to(times, (members, len(times))))
            last = pieces.end.take(pieces.first[1:] - 1)
            found[name] = np.where(times <= last[:, None] * (1 + 1e-12), values, np.nan)
        return self.of(found, self._measured(curves, model))

    def along(self, trajectory: Trajectory, model: Model) -> Array:
        """The values of one run at its saved times, shape (times,)."""
        curves = curves_of(trajectory.dense, trajectory.outcome.ok)
        found = {name: trajectory[name][None, :] for name in self.curves}
        return np.asarray(self.of(found, self._measured(curves, model))[0])

    def _measured(self, curves: MemberCurves, model: Model) -> list[Array]:
        return [np.atleast_1d(bind(each, model).of({MAIN: curves}).values) for each in self.measures]
