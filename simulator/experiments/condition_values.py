"""The values of conditions along a run: whether one holds just before a time, and when it next becomes true."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model.expression import Number
from ..model.model import Model
from ..numerics.pieces import STEP, Indices, Pieces, at_fraction, coefficients_of, refined
from ..numerics.trajectory import Array
from .conditions import comparisons
from .curves import parts_above
from .measured import BoundMeasure, MemberCurves, Values, bind
from .rules import Compared, Condition

Flags = NDArray[np.bool_]

NEAR = 1e-8  # of the way between the middles of two spans: a crossing lies as near to where they meet
CLEARLY = 1e-5  # of the larger side: a condition that is false by less may be so by the error of the solver alone
_SIGNS: dict[str, Callable[[Array, Array], Flags]] = {
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}


def _larger(compared: Compared, left: Any, right: Any) -> Any:
    """The size of the larger side."""
    return np.maximum(np.abs(left), np.abs(right))


class BoundCondition:
    """A condition, ready to be computed."""

    def __init__(self, condition: Condition, model: Model) -> None:
        self.condition = condition
        self._sides = {id(each): (bind(each.left, model), bind(each.right, model)) for each in comparisons(condition)}

    @property
    def curves(self) -> list[str]:
        """The species and observables that it reads."""
        found = (each.arguments.curve for pair in self._sides.values() for side in pair for each in side.functions)
        return list(dict.fromkeys(found))

    def before(self, curves: MemberCurves, time: float) -> tuple[bool, float]:
        """Whether it holds just before a time, and how clearly: the margin of the comparison that decides."""

        def value(side: BoundMeasure) -> Array:
            moved = [each._replace(arguments=each.arguments._replace(time=time)) for each in side.functions]
            return side.combined([curves.value(each, number) for number, each in enumerate(moved)]).values

        holds, margin = self._decided(value)
        return bool(np.ravel(holds)[0]), float(np.ravel(margin)[0])

    def of(self, values: Mapping[str, Array]) -> tuple[Flags, Array]:
        """The same of curves with these values, each of shape (n,): both of shape (n,)."""
        return self._decided(lambda side: _combined(side, values))

    def along(self, values: Mapping[str, Array]) -> tuple[Flags, Array]:
        """As `of`, at increasing times; what is compared with 0 is large in terms of what it has been before."""

        def size(compared: Compared, left: Array, right: Array) -> Array:
            found = np.maximum(np.abs(left), np.abs(right))
            return np.fmax.accumulate(found) if Number(0.0) in (compared.left, compared.right) else found

        return self._decided(lambda side: _combined(side, values), size)

    def _decided(
        self, value: Callable[[BoundMeasure], Array], size: Callable[[Compared, Any, Any], Any] = _larger
    ) -> tuple[Flags, Array]:
        def sides(compared: Compared) -> tuple[Array, Array]:
            left, right = self._sides[id(compared)]
            return value(left), value(right)

        return decided(self.condition, sides, size)

    def comparisons(self) -> Iterator[Callable[[Mapping[str, Array]], Array]]:
        """What gives the difference of the sides of each comparison from the values of curves."""
        for each in comparisons(self.condition):
            left, right = self._sides[id(each)]

            def difference(
                values: Mapping[str, Array],
                left: BoundMeasure = left,
                right: BoundMeasure = right,
                factor: float = each.factor,
            ) -> Array:
                return _combined(left, values) - factor * _combined(right, values)

            yield difference


def decided(
    condition: Condition,
    sides: Callable[[Compared], tuple[Any, Any]],
    size: Callable[[Compared, Any, Any], Any] = _larger,
) -> tuple[Flags, Array]:
    """Whether a condition holds, and how clearly: the margin, relative to the larger side, of what decides.

    sides: of a comparison, in their own units, numbers or arrays of one shape, which is that of both results; where one
    is NaN the comparison does not hold. size: what margins are relative to, from a comparison and its sides in one
    unit.
    """
    if isinstance(condition, Compared):
        left, right = sides(condition)
        right = right * condition.factor
        with np.errstate(invalid="ignore", divide="ignore"):
            of = size(condition, left, right)
            margin = np.where(of > 0, np.abs(left - right) / of, np.inf)  # zero and zero are no close call
            return _SIGNS[condition.sign](left, right), np.where(np.isnan(margin), np.inf, margin)
    found = [decided(part, sides, size) for part in condition.parts]
    if condition.op == "not":
        return np.logical_not(found[0][0]), found[0][1]
    holds, margins = np.array([each for each, _ in found]), np.array([each for _, each in found])
    deciding = holds if condition.op == "or" else ~holds  # one of these is enough: the clearest decides
    clearest = np.where(deciding, margins, -np.inf).max(axis=0)
    any_decides = np.asarray(deciding.any(axis=0))
    result = np.asarray(np.equal(any_decides, condition.op == "or"))
    return result, np.where(any_decides, clearest, margins.min(axis=0))


class ConditionCourse:
    """A condition along one run, cut into spans of time in which each comparison is either true or false throughout.

    Spans are found from the polynomials of the steps; a crossing within one is then found to the last digit.
    """

    def __init__(self, condition: BoundCondition, curves: MemberCurves, since: float | None = None) -> None:
        """since: where a span begins in any case; margins are then those of `BoundCondition.along`."""
        self._condition = condition
        self._grid = _Grid({name: curves.pieces(name) for name in condition.curves})
        cuts = [self._grid.bounds]
        if since is not None and len(self._grid.bounds):
            cuts.append(np.array([since]).clip(self._grid.bounds[0], self._grid.bounds[-1]))
        if len(self._grid.bounds) > 1:
            cuts += [self._cuts(each) for each in condition.comparisons()]
        self._cut = np.unique(np.concatenate(cuts))
        middle = self._cut[:-1] + 0.5 * np.diff(self._cut)
        inside = (middle > self._cut[:-1]) & (middle < self._cut[1:])
        self._middle = middle[inside]
        self._begin, self._end = self._cut[:-1][inside], self._cut[1:][inside]
        values = self._grid.values_at(self._middle)
        self._holds, margin = condition.of(values) if since is None else condition.along(values)
        self._clearly_false = ~self._holds & (margin > CLEARLY)
        self._clearly_true = self._holds & (margin > CLEARLY)

    def at(self, times: Array) -> tuple[Flags, Array]:
        """Whether it holds at some times, and how clearly; at a jump, after it. All of shape (n,)."""
        return self._condition.of(self._grid.values_at(times))

    def next_true(self, since: float, armed: bool) -> float | None:
        """The first time from `since` on at which it becomes true; None if it does not.

        armed: whether it is enough that it is true; otherwise it must have been clearly false before.
        """
        span = int(np.searchsorted(self._end, since, side="right"))
        first = span
        if not armed:
            false = np.flatnonzero(self._clearly_false[span:])
            if not len(false):
                return None
            first = span + int(false[0])
        true = np.flatnonzero(self._holds[first:])
        if not len(true):
            return None
        return self._beginning(first + int(true[0]), span, since)

    def next_wrong(self, since: float) -> float | None:
        """The first time from `since` on from which it is true and should not be; None if there is none.

        It was just made false. So it may be true by the error of the solver until it is clearly false; but where it is
        clearly true without having been clearly false, it does not become false at all.
        """
        span = int(np.searchsorted(self._end, since, side="right"))
        false, true = np.flatnonzero(self._clearly_false[span:]), np.flatnonzero(self._clearly_true[span:])
        if not len(true) or (len(false) and false[0] < true[0]):
            return self.next_true(since, armed=False)
        found = span + int(true[0])
        while found > span and self._holds[found - 1]:
            found -= 1
        return self._beginning(found, span, since)

    def value(self, curve: str, time: float) -> float:
        """A curve of the condition at a time; at a jump, after it."""
        return float(self._grid.values_at(np.array([time]))[curve][0])

    def _beginning(self, found: int, span: int, since: float) -> float:
        """When it became true that holds in a span and not in the one before; `since` in the first one, `span`."""
        if found == span:
            return since
        low, high, about = max(float(self._middle[found - 1]), since), float(self._middle[found]), self._begin[found]
        near = np.clip([about - NEAR * (high - low), about + NEAR * (high - low)], low, high)
        before, after = self.at(near)[0]
        low, high = float(low if before else near[0]), float(near[1] if after else high)
        return self._first_between(low, high)

    def is_armed(self, since: float, until: float, armed: bool) -> bool:
        """Whether it is armed at `until`, if it was or was not at `since`."""
        within = (self._end > since) & (self._middle < until)
        return armed or bool((self._clearly_false & within).any())

    def _first_between(self, low: float, high: float) -> float:
        """The first float at which it is true, which it is at `high` and not at `low`."""
        while True:
            middle = low + 0.5 * (high - low)
            if not low < middle < high:
                return high
            holds, _ = self.at(np.array([middle]))
            low, high = (low, middle) if holds[0] else (middle, high)

    def _cuts(self, difference: Callable[[Mapping[str, Array]], Array]) -> Array:
        """The times between which a difference keeps its sign."""
        grid = self._grid

        def evaluate(step: Indices, s: Array) -> Array:
            return np.broadcast_to(difference(grid.values(step, s)), (1, len(step)))

        count = len(grid.bounds) - 1
        every = np.tile(np.arange(count), STEP + 1)
        points = evaluate(every, np.repeat(np.arange(STEP + 1) / STEP, count))[0].reshape(STEP + 1, count)
        with np.errstate(all="ignore"):
            pieces = refined(grid.bounds[:-1], grid.bounds[1:], points, np.array([0, count]), evaluate)
            finite = np.flatnonzero(np.isfinite(pieces.values).all(axis=0))
            edges, _ = parts_above(pieces, finite, 0.0)
        start, length = pieces.start[finite], (pieces.end - pieces.start)[finite]
        return np.concatenate([pieces.start, pieces.end, (start + edges * length).ravel()])


class _Grid:
    """Several curves of one run on spans of time in each of which all of them are polynomials.

    bounds: of the spans, shape (spans + 1,), increasing.
    """

    def __init__(self, curves: Mapping[str, Pieces]) -> None:
        long = {name: each.end > each.start for name, each in curves.items()}
        self._start = {name: each.start[long[name]] for name, each in curves.items()}
        self._length = {name: (each.end - each.start)[long[name]] for name, each in curves.items()}
        self._coefficients = {name: coefficients_of(each.values[:, long[name]]) for name, each in curves.items()}
        ends = [each.end[long[name]] for name, each in curves.items()]
        self.bounds = np.unique(np.concatenate([np.empty(0), *self._start.values(), *ends]))
        middle = self.bounds[:-1] + 0.5 * np.diff(self.bounds)
        self._piece = {name: np.searchsorted(start, middle, side="right") - 1 for name, start in self._start.items()}

    def values(self, span: Indices, s: Array) -> dict[str, Array]:
        """The curves at a fraction of some spans, by name, each of the same shape."""
        low, high = self.bounds[:-1][span], self.bounds[1:][span]
        return self._values(span, low + s * (high - low))

    def values_at(self, times: Array) -> dict[str, Array]:
        """The curves at some times; at a jump, after it."""
        last = len(self.bounds) - 2
        return self._values(np.searchsorted(self.bounds, times, side="right").clip(1, last + 1) - 1, times)

    def _values(self, span: Indices, times: Array) -> dict[str, Array]:
        found = {}
        with np.errstate(all="ignore"):  # a curve may be infinite
            for name, pieces in self._piece.items():
                piece = pieces[span]
                s = ((times - self._start[name][piece]) / self._length[name][piece]).clip(0.0, 1.0)
                found[name] = at_fraction(self._coefficients[name][:, piece], s)
        return found


def _combined(side: BoundMeasure, values: Mapping[str, Array]) -> Array:
    """One side of a comparison from the values of curves; NaN where it is not defined."""
    read: Sequence[Values] = [Values(values[each.arguments.curve]) for each in side.functions]
    return side.combined(read).values
