"""The values of measures, of many members at once: a measure is bound to a model once, and then applied to curves."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from enum import IntEnum
from operator import itemgetter
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from ..model.expression import Apply, Expression, Name, Number, Quoted
from ..model.model import Model
from ..model.units import ONE, Unit, quantity
from ..numerics.pieces import Pieces, first_not_finite, stacked
from ..numerics.trajectory import Array, Curves, Trajectory
from ..runtime.json import json_number
from . import curves as mathematics
from .measures import (
    FUNCTIONS,
    CurveArguments,
    MeasureFunction,
    arguments,
    arm_of,
    product_text,
    times_asked,
    unit_given,
)

Integers = NDArray[np.int64]
AT_ONCE = 64  # curves that are measured together, for their memory
CROSSING = 1e-9  # of the largest value: a level that is found so close to zero is zero


class Cause(IntEnum):
    """Why a measure has no value."""

    NONE = 0
    NEVER = 1  # a crossing that does not happen
    NOT_FINITE = 2  # the curve is infinite or not a number
    NOT_POSITIVE = 3  # a half-life of a curve that is not above zero
    NO_FALL = 4  # a half-life of a curve that does not fall
    DIVISION = 5  # by zero
    NOT_REACHED = 6  # the run failed before
    NO_TERMINAL_FALL = 7  # a terminal half-life of a curve that does not fall exponentially at its end


IN_WORDS = {
    Cause.NONE: "",
    Cause.NEVER: "never",
    Cause.NOT_FINITE: "not a finite number",
    Cause.NOT_POSITIVE: "the level is not above 0",
    Cause.NO_FALL: "no exponential fall",
    Cause.DIVISION: "a division by zero",
    Cause.NOT_REACHED: "the run failed before",
    Cause.NO_TERMINAL_FALL: "the end of the curve is no exponential fall over two half-lives",
}


class CurveFunction(NamedTuple):
    """A function of one curve in one arm, such as ``max(IL2, '1 d', '3 d')``, with its arguments in numbers."""

    function: str
    arguments: CurveArguments
    arm: str


class Missing(NamedTuple):
    """Where members have no value, and why; each array has the shape (m,), or () for all alike.

    Attributes:
        causes: a `Cause`, NONE where there is a value.
        functions: the index of the function of a curve that has none, among those of the measure.
        times, levels: when its curve is what it may not be, in the model's time unit, and what it is then, in its unit;
            NaN where that says nothing.
    """

    causes: Integers
    functions: Integers
    times: Array
    levels: Array


class Values(NamedTuple):
    """The values of m members, NaN where there is none, and why. missing: None where none is missing."""

    values: Array
    missing: Missing | None = None

    def number(self) -> float:
        """The value of the only member."""
        return float(np.ravel(self.values)[0])


class MemberCurves:
    """The curves of the members of one arm, each cut and searched once, whatever number of measures ask.

    Attributes:
        of: gives a species or observable of m members.
        complete: whether they reach the end of the run.
    """

    def __init__(self, of: Callable[[str], Pieces], complete: bool = True) -> None:
        self.of, self.complete = of, complete
        self._known: dict[tuple[object, ...], Any] = {}

    def value(self, asked: CurveFunction, index: int = 0) -> Values:
        """A function of a curve of each member, values of shape (m,). index: for `Missing.functions`."""
        row, found = FUNCTIONS[asked.function], asked.arguments
        whole, times = self.pieces(found.curve), times_asked(found)
        reached = len(whole.end) > 0 and (float(whole.end[-1]) >= times[-1] if times else self.complete)
        if not reached:
            return _missing(index, len(whole.first) - 1, Cause.NOT_REACHED)
        pieces = self.pieces(found.curve, found.window)
        given = [each for each in (found.time, found.level) if each is not None]
        values = self._once((row.of, found), lambda: getattr(mathematics, row.of)(pieces, *given))
        if row.result is not None:
            values = values[row.result]
        if row.window == "none":
            wrong = np.where(np.isfinite(values), np.nan, found.time if found.time is not None else whole.end[-1])
        else:
            wrong = self._once(("not finite", found.curve, found.window), lambda: first_not_finite(pieces))
        if np.isnan(wrong).all() and np.isfinite(values).all():
            return Values(values)
        return self._with_causes(values, row, pieces, wrong, index)

    def pieces(self, curve: str, window: tuple[float, float] | None = None) -> Pieces:
        """A curve of all members, or the part of it in a window."""
        if window is None:
            return cast("Pieces", self._once(("pieces", curve), lambda: self.of(curve)))
        return cast(
            "Pieces", self._once(("pieces", curve, window), lambda: mathematics.cut(self.pieces(curve), *window))
        )

    def _once(self, key: tuple[object, ...], compute: Callable[[], Any]) -> Any:
        if key not in self._known:
            with np.errstate(all="ignore"):  # a curve may be infinite
                self._known[key] = compute()
        return self._known[key]

    def _with_causes(self, values: Array, row: MeasureFunction, pieces: Pieces, wrong: Array, index: int) -> Values:
        """`values` without those of curves that are `wrong` at a time, and why values are missing."""
        values = np.where(np.isnan(wrong), values, np.nan)
        absent = ~np.isfinite(values)
        causes = np.where(absent, Cause.NEVER if row.without == "never" else Cause.NOT_FINITE, Cause.NONE)
        if row.without == "no terminal fall":
            causes = np.where(absent, Cause.NO_TERMINAL_FALL, Cause.NONE)
        times, levels = wrong.copy(), np.full(len(values), np.nan)
        if row.without == "no fall":
            low = mathematics.first_below(pieces, 0.0)
            times = np.where(np.isnan(wrong), low, wrong)
            causes = np.where(absent, np.where(np.isnan(low), Cause.NO_FALL, Cause.NOT_POSITIVE), Cause.NONE)
        causes = np.where(~np.isnan(wrong), Cause.NOT_FINITE, causes)
        known = absent & ~np.isnan(times)
        if known.any():
            levels = np.where(known, mathematics.values_at(pieces, np.nan_to_num(times)[:, None])[:, 0], np.nan)
            levels[np.abs(levels) < CROSSING * np.abs(pieces.values).max()] = 0.0
        values = np.where(absent, np.nan, values)
        return Values(values, Missing(causes, np.where(absent, index, 0), np.where(absent, times, np.nan), levels))


def curves_of(curves: Curves, complete: bool = True) -> MemberCurves:
    """The curves of one run or many, `complete` if they reach its end."""
    return MemberCurves(lambda name: curves.pieces([name])[0], complete)


def _always(pieces: Pieces) -> Callable[[str], Pieces]:
    return lambda name: pieces


def _missing(index: int, members: int, cause: Cause) -> Values:
    """No value for any member, for the same cause."""
    none = np.full(max(members, 1), np.nan)
    return Values(none, Missing(np.full(len(none), cause), np.full(len(none), index), none, none))


class BoundMeasure:
    """A measure of a model, ready to be computed.

    Attributes:
        functions: the functions of curves that it reads.
        unit: of its value.
    """

    def __init__(self, tree: Expression, model: Model) -> None:
        self.functions: list[CurveFunction] = []
        self._time_unit = model.time_unit_text
        self._level_units: list[str] = []
        self._compute, self.unit = self._bound(tree, model)

    def _bound(self, tree: Expression, model: Model) -> tuple[_Compute, Unit]:
        if isinstance(tree, Number):
            return _constant(tree.value), ONE
        if isinstance(tree, Quoted):
            number, given, _ = quantity(tree.text)
            return _constant(number), given
        if not isinstance(tree, Apply):
            raise TypeError(f"{tree!r} is no measure")
        if tree.op in FUNCTIONS:
            found = arguments(tree, model)
            each = CurveFunction(tree.op, found, arm_of(tree))
            if each not in self.functions:
                self.functions.append(each)
                self._level_units.append(model.unit_text(found.curve))
            return itemgetter(self.functions.index(each)), unit_given(tree.op, found.curve, model)
        (left, unit), *rest = [self._bound(arg, model) for arg in tree.args]
        if not rest:
            return _combined("neg", left, left, 1.0), unit
        [(right, other)] = rest
        factor = other.to(unit) if tree.op in ("add", "sub") else 1.0
        unit = unit * other if tree.op == "mul" else unit / other if tree.op == "div" else unit
        return _combined(tree.op, left, right, factor), unit

    def of(self, curves: Mapping[str, MemberCurves]) -> Values:
        """The value of each member, in `unit`; curves: by arm, all of the same members."""
        return self.combined([curves[each.arm].value(each, i) for i, each in enumerate(self.functions)])

    def combined(self, found: Sequence[Values]) -> Values:
        """The same, from the values of `functions`."""
        return self._compute(found)

    def why(self, missing: Missing | None, member: int = 0, cause_of: CauseOf = lambda arm, curve, time: "") -> str:
        """Why a member has no value, in words: ``never``, ``undefined: the level is 0 at 0.5 h``; empty if it has one.

        cause_of: why the curve of an arm is not finite at a time, such as ``0/0``, if that is known.
        """
        if missing is None:
            return ""
        causes, functions, times, levels = (np.atleast_1d(each) for each in missing)
        cause = Cause(int(causes[member]))
        if cause in (Cause.NONE, Cause.NEVER):
            return IN_WORDS[cause]
        if cause not in (Cause.NOT_FINITE, Cause.NOT_POSITIVE):
            return f"undefined: {IN_WORDS[cause]}"
        each, time, level = self.functions[int(functions[member])], float(times[member]), float(levels[member])
        when = "" if math.isnan(time) else f" at {time:.6g} {self._time_unit}"
        if cause == Cause.NOT_POSITIVE:
            unit = self._level_units[int(functions[member])]
            return f"undefined: the level is {level:.3g}{f' {unit}' if level and unit != '1' else ''}{when}"
        reason = cause_of(each.arm, each.arguments.curve, time) if when else ""
        reason = reason or ("infinite" if math.isinf(level) else "not a number")
        return f"undefined: {each.arguments.curve} is {reason}{when}"


def bind(tree: Expression, model: Model) -> BoundMeasure:
    """A checked measure with its names found, its times and levels read and its units converted."""
    return BoundMeasure(tree, model)


def measure(tree: Expression, model: Model, trajectories: Mapping[str, Trajectory]) -> Measurement:
    """The value of a checked measure in single runs; trajectories: one for each arm that it reads."""
    return of_trajectories(bind(tree, model), trajectories)


class Measurement(NamedTuple):
    """The value of a measure in single runs: NaN if there is none, and then `why`."""

    value: float
    unit: Unit
    why: str


def of_trajectories(bound: BoundMeasure, trajectories: Mapping[str, Trajectory]) -> Measurement:
    """The value of a bound measure; trajectories: one for each arm that it reads."""
    arms = {each.arm for each in bound.functions}
    found = bound.of({arm: curves_of(trajectories[arm].dense, trajectories[arm].outcome.ok) for arm in arms})
    why = bound.why(found.missing, cause_of=lambda arm, curve, time: trajectories[arm].dense.cause(curve, time))
    return Measurement(found.number(), bound.unit, why)


def _constant(value: float) -> _Compute:
    found = Values(np.array(value))
    return lambda values: found


def _combined(op: str, left: _Compute, right: _Compute, factor: float) -> _Compute:
    """An arithmetic operation of two results, the right one multiplied by `factor`."""

    def compute(found: Sequence[Values]) -> Values:
        a, b = left(found), right(found)
        with np.errstate(all="ignore"):
            values = _ARITHMETIC[op](a.values, b.values * factor)
        if a.missing is None and b.missing is None and np.isfinite(values).all():
            return Values(values)
        return Values(np.where(np.isfinite(values), values, np.nan), _first_missing(op, values, a, b))

    return compute


def _first_missing(op: str, values: Array, a: Values, b: Values) -> Missing:
    """Why the result of an operation has no value: as its first operand without one, or else its own fault."""
    none = np.isfinite(values)
    own = Cause.DIVISION if op == "div" else Cause.NOT_FINITE
    found = Missing(
        np.where(none, Cause.NONE, own), np.zeros(none.shape, dtype=np.int64), values * np.nan, values * np.nan
    )
    for each in (b.missing, a.missing):
        if each is not None:
            found = Missing(
                *[np.where(each.causes != Cause.NONE, new, old) for new, old in zip(each, found, strict=True)]
            )
    return found


_Compute = Callable[[Sequence[Values]], Values]
CauseOf = Callable[[str, str, float], str]
_ARITHMETIC: dict[str, Callable[..., Array]] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "neg": lambda a, b: -a,
}


class CurveMeasures(NamedTuple):
    """What tables, summaries, reports and comparisons say of every curve: each is the measure of that name.

    Values are in `unit`, the area in `area_unit`, times in the model's time unit. None where there is no finite value,
    as in a run that failed before its first one. Of a run that failed later it is about the part before.
    """

    unit: str
    peak: float | None  # max()
    time_of_peak: float | None
    lowest: float | None  # min()
    time_of_lowest: float | None
    final: float | None
    area: float | None  # auc()
    area_unit: str
    reason: str  # why there is no value, such as ``undefined: ratio is 0/0 at 0 h``; empty if there is one


_MEASURES = {
    "peak": "max",
    "time_of_peak": "time_of_max",
    "lowest": "min",
    "time_of_lowest": "time_of_min",
    "final": "final",
    "area": "auc",
}


def curve_measures(model: Model, trajectory: Trajectory, name: str) -> CurveMeasures:
    """The measures of the species or observable `name` that every table shows."""
    return all_curve_measures(model, trajectory, [name])[name]


def all_curve_measures(model: Model, trajectory: Trajectory, names: Sequence[str]) -> dict[str, CurveMeasures]:
    """`curve_measures` of many curves, by name, which takes far less time than one after the other."""
    found: dict[str, CurveMeasures] = {}
    for some in (names[i : i + AT_ONCE] for i in range(0, len(names), AT_ONCE)):
        parts = trajectory.dense.pieces(some)
        filled = [name for name, part in zip(some, parts, strict=True) if len(part.start)]
        columns: dict[str, Values] = {}
        if filled:
            together = stacked([part for part in parts if len(part.start)])
            curves = MemberCurves(_always(together))
            of = CurveArguments("", None, None, None)
            columns = {key: curves.value(CurveFunction(op, of, "")) for key, op in _MEASURES.items()}
        for name in some:
            at = filled.index(name) if name in filled else None
            found[name] = _curve_measures(model, trajectory, name, columns, at)
    return found


def _curve_measures(
    model: Model, trajectory: Trajectory, name: str, columns: Mapping[str, Values], at: int | None
) -> CurveMeasures:
    """The measures of one curve, which is the member `at` of `columns`; None where it has no points."""
    unit, reason = model.unit_text(name), ""
    values = {key: None if at is None else json_number(float(columns[key].values[at])) for key in _MEASURES}
    if at is not None and values["area"] is None:
        missing, dense = columns["area"].missing, trajectory.dense
        bound = bind(Apply("auc", (Name(name),)), model)
        reason = bound.why(missing, at, cause_of=lambda arm, *of: dense.cause(*of))
    return CurveMeasures(unit=unit, area_unit=product_text(unit, model.time_unit_text), reason=reason, **values)


def highest_point(model: Model, trajectory: Trajectory, name: str, time_factor: float) -> tuple[float, float] | None:
    """Time, multiplied by `time_factor`, and value of max() of a curve; None where there is none."""
    found = curve_measures(model, trajectory, name)
    if found.peak is None or found.time_of_peak is None:
        return None
    return found.time_of_peak * time_factor, found.peak
