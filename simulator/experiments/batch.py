"""A scenario as a function of some of its values: rows of numbers in, curves and measures out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from ..model.instants import converted
from ..model.units import Unit
from ..numerics.compiled.engine import StoppedError
from ..numerics.trajectory import IMPOSSIBLE, Array, Outcome
from .measured import IN_WORDS, Cause, bind
from .memory import check_memory
from .neighbours import STEP, STEP_OF_SCIPY, TOLERANCE, Neighbours, neighbours
from .residuals import DataResult, data_result
from .scenario import Data, Scenario
from .sweeps.designs import Axis, SweepMeasure
from .sweeps.members import Rows
from .sweeps.prepared import ArmMembersResult, Causes, PreparedMembers, prepare_members
from .sweeps.without_value import why_without_value

WIDEST = 1e100  # a range that is wider has no ends
LARGE = 100e6  # bytes: below it memory is not asked for


class Column(NamedTuple):
    """What one column of the numbers is, and which of them are possible.

    name: as it was asked for. unit_text: of its numbers. factor: from there to the unit of `axis`. time_unit: of its
    numbers where they are times, which are converted exactly; None otherwise. low, high: in the unit of `axis`, both
    possible. smallest: above zero, the least size of a number that is not zero. whole: whether only whole numbers are
    possible. possible: the same in words.
    """

    name: str
    axis: Axis
    unit_text: str
    factor: float
    time_unit: Unit | None
    low: float
    high: float
    smallest: float
    whole: bool
    possible: str


class BatchQuestion(NamedTuple):
    """What is computed of every row.

    columns: what varies. data: whether the data of the scenario are compared, each in its own arm. arm: read as the
    main one. times: when values of `curves` are wanted, in the model's time
    unit, in any order. sensitivities: the numbers of the columns by which derivatives are wanted.
    """

    scenario: Scenario
    columns: tuple[Column, ...]
    arm: str
    times: tuple[float, ...]
    curves: tuple[str, ...]
    measures: tuple[SweepMeasure, ...]
    data: bool = False
    sensitivities: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class BatchValues:
    """What n rows of numbers became. A row that failed is NaN everywhere.

    Attributes:
        times: as they were asked for, in the model's time unit, shape (times,).
        curves: by name, each shape (n, times), in the unit that the model declares.
        measures: by name, each shape (n,), NaN where there is none: `why` says so.
        failures: by row how it failed, of those that did.
        data: the data of the scenario next to every row, if that was asked for; arrays of shape (n, points).
        sensitivities: the derivatives by the k columns that were named, if some were: by name, of curves shape
            (n, times, k), of measures (n, k), in their unit for each unit of the column; NaN where there is none.
        jacobian: those of `residuals`, shape (n, points, k).
    """

    times: Array
    curves: Mapping[str, Array]
    measures: Mapping[str, Array]
    failures: Mapping[int, Outcome]
    _causes: Mapping[str, Causes]
    _question: BatchQuestion
    _rows: Array
    data: Sequence[DataResult] = ()
    sensitivities: Mapping[str, Array] = field(default_factory=dict)
    jacobian: Array = field(default_factory=lambda: np.empty((0, 0, 0)))

    @property
    def residuals(self) -> Array:
        """Of every point of all data, in their order, measured less simulated in units of its error, shape (n, points):
        what least squares takes. NaN where a row failed, or where the error of a point is not known."""
        rows = len(next(iter(self.measures.values()), next(iter(self.curves.values()), np.empty((0, 0)))))
        return np.concatenate([each.weighted for each in self.data] or [np.empty((rows, 0))], axis=1)

    @property
    def ok(self) -> bool:
        """Whether no row failed."""
        return not self.failures

    def why(self, measure: str, row: int) -> str:
        """Why a row has no value of a measure: "never", "undefined: ratio is 0/0 at 0 h", or how the row failed; ''
        where it has one."""
        if row in self.failures:
            return self.failures[row].message or self.failures[row].kind
        cause = Cause(int(self._causes[measure][row]))
        if cause in (Cause.NONE, Cause.NEVER):
            return IN_WORDS[cause]
        question = self._question
        tree = next(each.tree for each in question.measures if each.id == measure)
        axes = [column.axis for column in question.columns]
        bound = bind(tree, question.scenario.model)
        why = why_without_value(question.scenario, axes, self._rows[row], question.arm, bound, cause)
        return f"undefined: {why}"


class PreparedBatch:
    """A question with all that its rows share: machine code, timetables, formulas of measures. Threads may share it."""

    def __init__(self, question: BatchQuestion) -> None:
        self.question, columns = question, question.columns
        self.times = np.array(question.times, dtype=np.float64)
        increasing, self._places = np.unique(self.times, return_inverse=True)
        axes = [column.axis for column in columns]
        self._members = self._prepared(axes, (question.arm,), question.measures, question.curves, increasing)
        self._of_data = self._prepared_data(axes) if question.data else None
        self._factors = np.array([column.factor for column in columns])
        self._low, self._high, self._smallest = np.array(
            [(column.low, column.high, column.smallest) for column in columns]
        ).T
        self._whole = np.array([column.whole for column in columns])
        self._sizes = np.array([abs(axis.default or 0.0) for axis in axes])
        widths = np.array([abs(axis.high - axis.low) or 1.0 for axis in axes])
        self._widths = np.where(widths < WIDEST, widths, 1e3)
        time_unit = question.scenario.model.time_unit
        self._times = [
            (index, column.time_unit)
            for index, column in enumerate(columns)
            if column.time_unit is not None and column.time_unit != time_unit
        ]

    def _prepared(
        self,
        axes: Sequence[Axis],
        arms: tuple[str, ...],
        measures: Sequence[SweepMeasure],
        curves: Sequence[str],
        times: Array,
    ) -> PreparedMembers:
        """Members for this question; more exact ones where their derivatives are wanted."""
        beside = bool(self.question.sensitivities)
        scenario, rtol = self.question.scenario, TOLERANCE if beside else None
        return prepare_members(scenario, axes, arms, measures, curves, times, beside, follows=beside, rtol=rtol)

    def _prepared_data(self, axes: Sequence[Axis]) -> PreparedMembers:
        """The arms that data were measured in, and the curves of these data at all of their times."""
        scenario = self.question.scenario
        self._data_times = np.unique([point.time for each in scenario.data for point in each.points])
        arms = tuple(dict.fromkeys(each.arm for each in scenario.data))
        self._data_curves = tuple(dict.fromkeys(each.curve.text for each in scenario.data))
        return self._prepared(axes, arms, (), self._data_curves, self._data_times)

    def _main(self, values: Array, owners: Rows | None) -> ArmMembersResult:
        """The curves and measures that were asked for; nothing is computed where there are none."""
        if self.question.curves or self.question.measures:
            return self._members.compute(values, owners=owners)[self.question.arm]
        none = np.empty((len(values), 0))
        return ArmMembersResult(none, none.astype(np.int8), np.empty((*none.shape, len(self.times))), {})

    def _at_data(self, values: Array, owners: Rows | None) -> tuple[list[Array], dict[int, Outcome]]:
        """The curves at the points of each data, shapes (members, points), if they were asked for; and by row what
        failed."""
        if self._of_data is None:
            return [], {}
        found, simulated, failures = self._of_data.compute(values, owners=owners), [], dict[int, Outcome]()
        for each in found.values():
            failures |= each.failures
        for data in self.question.scenario.data:
            places = np.searchsorted(self._data_times, [point.time for point in data.points])
            simulated.append(found[data.arm].curves[:, self._data_curves.index(data.curve.text)][:, places])
        return simulated, failures

    def compute(self, numbers: Array) -> BatchValues:
        """Curves and measures of each row of `numbers`, shape (n, columns).

        A row with an impossible number fails alone. Raises KeyboardInterrupt after Ctrl-C.
        """
        question = self.question
        self._check_memory(len(numbers))
        values = self._values(numbers)
        failures = self._impossible(numbers, values)
        possible = np.ones(len(values), dtype=bool)
        possible[list(failures)] = False
        rows, beside = np.flatnonzero(possible), None
        members = values[rows]
        if question.sensitivities:
            step = STEP if self._members.compiled is not None else STEP_OF_SCIPY
            beside = neighbours(members, question.sensitivities, self._sizes, self._widths, self._low, self._high, step)
            members = beside.values
        try:
            owners = beside.owners if beside else None
            found, (at_data, failed) = self._main(members, owners), self._at_data(members, owners)
        except StoppedError:
            raise KeyboardInterrupt from None
        stride = beside.stride if beside else 1
        failed |= found.failures
        failures |= {int(rows[row // stride]): outcome for row, outcome in failed.items() if row % stride == 0}

        def spread(array: Array) -> Array:
            """What was found of the rows that are possible, as of all rows; NaN of those that failed."""
            whole = np.full((len(values), *array.shape[1:]), np.nan)
            whole[rows] = array
            whole[list(failures)] = np.nan
            return whole

        causes = np.zeros((len(values), found.causes.shape[1]), dtype=np.int8)
        causes[rows] = found.causes[::stride]
        curves, measures, ids = (
            found.curves[::stride],
            found.measures[::stride],
            [each.id for each in question.measures],
        )
        known = list(zip(question.scenario.data, at_data, strict=False))
        return BatchValues(
            self.times,
            {name: spread(curves[:, i][:, self._places]) for i, name in enumerate(question.curves)},
            {name: spread(measures[:, i]) for i, name in enumerate(ids)},
            dict(sorted(failures.items())),
            {name: causes[:, i] for i, name in enumerate(ids)},
            question,
            values,
            [data_result(data, spread(each[::stride]), estimate=False) for data, each in known],
            *(
                ({}, spread(np.empty((len(rows), 0, 0))))
                if beside is None
                else self._slopes(beside, found, known, spread)
            ),
        )

    def _slopes(
        self,
        beside: Neighbours,
        found: ArmMembersResult,
        known: Sequence[tuple[Data, Array]],
        spread: Callable[[Array], Array],
    ) -> tuple[dict[str, Array], Array]:
        """The derivatives of curves and measures by name, and those of the residuals."""
        factors = self._factors[list(self.question.sensitivities)]

        def slope(array: Array) -> Array:
            return spread(beside.derivatives(array) * factors)

        curves = {name: slope(found.curves[:, i])[:, self._places] for i, name in enumerate(self.question.curves)}
        measures = {each.id: slope(found.measures[:, i]) for i, each in enumerate(self.question.measures)}
        weighted = [slope(data_result(data, each, estimate=False).weighted) for data, each in known]
        none = spread(np.empty((len(beside.weights), 0, len(factors))))
        return curves | measures, np.concatenate([none, *weighted], axis=1)

    def _check_memory(self, rows: int) -> None:
        """`InputError` if the curves will not fit into memory."""
        curves, times = len(self.question.curves), len(self.times)
        size = 2 * 8 * rows * curves * times  # as they are computed and as they are given
        if size > LARGE:
            counted = f"{rows:,} rows of {curves} curve{'s' * (curves > 1)} at {times:,} times"
            check_memory(size, counted, "give fewer rows at once, or ask for fewer times (at)")

    def _values(self, numbers: Array) -> Array:
        """`numbers` in the units of the axes, shape (n, columns)."""
        values: Array = numbers * self._factors
        time_unit = self.question.scenario.model.time_unit
        for index, given in self._times:
            finite = np.isfinite(numbers[:, index])
            values[finite, index] = [converted(each, given, time_unit) for each in numbers[finite, index].tolist()]
        return values

    def _impossible(self, numbers: Array, values: Array) -> dict[int, Outcome]:
        """By row, which of its numbers cannot be; NaN and infinite ones never can."""
        wrong = ~((values >= self._low) & (values <= self._high))
        wrong |= (np.abs(values) < self._smallest) & (values != 0.0)
        if self._whole.any():
            wrong |= self._whole & (values != np.floor(values))
        failures: dict[int, Outcome] = {}
        for row, index in np.argwhere(wrong).tolist() if wrong.any() else ():
            column = self.question.columns[index]
            unit_text = "" if column.unit_text == "1" else f" {column.unit_text}"
            message = f"{column.name}: expected {column.possible}, found {numbers[row, index]:.12g}{unit_text}"
            failures.setdefault(row, Outcome(IMPOSSIBLE, message, 0.0))
        return failures
