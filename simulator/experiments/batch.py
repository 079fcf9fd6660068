"""A scenario as a function of some of its values: rows of numbers in, curves and measures out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..model.instants import converted
from ..model.units import Unit
from ..numerics.compiled.engine import StoppedError
from ..numerics.trajectory import IMPOSSIBLE, Array, Outcome
from .measured import IN_WORDS, Cause
from .memory import check_memory
from .residuals import DataResult, data_result
from .scenario import Scenario
from .sweeps.designs import Axis, SweepMeasure
from .sweeps.prepared import ArmMembersResult, Causes, PreparedMembers, prepare_members

Rows = NDArray[np.intp]

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
    unit, in any order.
    """

    scenario: Scenario
    columns: tuple[Column, ...]
    arm: str
    times: tuple[float, ...]
    curves: tuple[str, ...]
    measures: tuple[SweepMeasure, ...]
    data: bool = False


@dataclass(frozen=True, eq=False)
class BatchValues:
    """What n rows of numbers became. A row that failed is NaN everywhere.

    Attributes:
        times: as they were asked for, in the model's time unit, shape (times,).
        curves: by name, each shape (n, times), in the unit that the model declares.
        measures: by name, each shape (n,), NaN where there is none: `why` says so.
        failures: by row how it failed, of those that did.
        data: the data of the scenario next to every row, if that was asked for; arrays of shape (n, points).
    """

    times: Array
    curves: Mapping[str, Array]
    measures: Mapping[str, Array]
    failures: Mapping[int, Outcome]
    _causes: Mapping[str, Causes]
    data: Sequence[DataResult] = ()

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
        """Why a row has no value of a measure: "never", "undefined: ..." or how the row failed; '' where it has one."""
        if row in self.failures:
            return self.failures[row].message or self.failures[row].kind
        cause = Cause(int(self._causes[measure][row]))
        return f"undefined: {IN_WORDS[cause]}" if cause not in (Cause.NONE, Cause.NEVER) else IN_WORDS[cause]


class PreparedBatch:
    """A question with all that its rows share: machine code, timetables, formulas of measures. Threads may share it."""

    def __init__(self, question: BatchQuestion) -> None:
        self.question, columns = question, question.columns
        self.times = np.array(question.times, dtype=np.float64)
        increasing, self._places = np.unique(self.times, return_inverse=True)
        axes = [column.axis for column in columns]
        self._members = prepare_members(
            question.scenario, axes, (question.arm,), question.measures, question.curves, increasing
        )
        self._of_data = self._prepared_data(axes) if question.data else None
        self._factors = np.array([column.factor for column in columns])
        self._low, self._high, self._smallest = np.array(
            [(column.low, column.high, column.smallest) for column in columns]
        ).T
        self._whole = np.array([column.whole for column in columns])
        time_unit = question.scenario.model.time_unit
        self._times = [
            (index, column.time_unit)
            for index, column in enumerate(columns)
            if column.time_unit is not None and column.time_unit != time_unit
        ]

    def _main(self, values: Array) -> ArmMembersResult:
        """The curves and measures that were asked for; nothing is computed where there are none."""
        if self.question.curves or self.question.measures:
            return self._members.compute(values)[self.question.arm]
        none = np.empty((len(values), 0))
        return ArmMembersResult(none, none.astype(np.int8), np.empty((*none.shape, len(self.times))), {})

    def _prepared_data(self, axes: Sequence[Axis]) -> PreparedMembers:
        """The arms that data were measured in, and the curves of these data at all of their times."""
        scenario = self.question.scenario
        self._data_times = np.unique([point.time for each in scenario.data for point in each.points])
        arms = tuple(dict.fromkeys(each.arm for each in scenario.data))
        self._data_curves = tuple(dict.fromkeys(each.curve.text for each in scenario.data))
        return prepare_members(scenario, axes, arms, (), self._data_curves, self._data_times)

    def _data(self, values: Array, rows: Rows, failures: dict[int, Outcome]) -> list[DataResult]:
        """The data next to every row, if they were asked for; what fails is added to `failures`."""
        if self._of_data is None:
            return []
        found, results = self._of_data.compute(values[rows]), []
        for each in found.values():
            failures |= {int(rows[row]): outcome for row, outcome in each.failures.items()}
        for data in self.question.scenario.data:
            places = np.searchsorted(self._data_times, [point.time for point in data.points])
            simulated = np.full((len(values), len(places)), np.nan)
            simulated[rows] = found[data.arm].curves[:, self._data_curves.index(data.curve.text)][:, places]
            results.append(data_result(data, simulated, estimate=False))
        return results

    def compute(self, numbers: Array) -> BatchValues:
        """Curves and measures of each row of `numbers`, shape (n, columns).

        A row with an impossible number fails alone. Raises KeyboardInterrupt after Ctrl-C.
        """
        self._check_memory(len(numbers))
        values = self._values(numbers)
        failures = self._impossible(numbers, values)
        possible = np.ones(len(values), dtype=bool)
        possible[list(failures)] = False
        rows = np.flatnonzero(possible)
        try:
            found = self._main(values[rows] if failures else values)
            failed: dict[int, Outcome] = {}
            data = self._data(values, rows, failed)
        except StoppedError:
            raise KeyboardInterrupt from None
        curves, measures, causes = found.curves, found.measures, found.causes
        if failures:
            curves = np.full((len(values), *found.curves.shape[1:]), np.nan)
            measures = np.full((len(values), found.measures.shape[1]), np.nan)
            causes = np.zeros(measures.shape, dtype=np.int8)
            curves[rows], measures[rows], causes[rows] = found.curves, found.measures, found.causes
        failures |= failed | {int(rows[row]): outcome for row, outcome in found.failures.items()}
        ids = [each.id for each in self.question.measures]
        return BatchValues(
            self.times,
            {name: curves[:, i][:, self._places] for i, name in enumerate(self.question.curves)},
            {name: measures[:, i].copy() for i, name in enumerate(ids)},
            dict(sorted(failures.items())),
            {name: causes[:, i] for i, name in enumerate(ids)},
            data,
        )

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
