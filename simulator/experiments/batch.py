"""A scenario as a function of some of its values: rows of numbers in, curves and measures out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..model.instants import converted
from ..model.units import Unit
from ..numerics.compiled.engine import StoppedError
from ..numerics.trajectory import IMPOSSIBLE, Array, Outcome
from .measured import IN_WORDS, Cause
from .memory import check_memory
from .scenario import Scenario
from .sweeps.designs import Axis, SweepMeasure
from .sweeps.prepared import Causes, prepare_members

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

    columns: what varies. arm: read as the main one. times: when values of `curves` are wanted, in the model's time
    unit, in any order.
    """

    scenario: Scenario
    columns: tuple[Column, ...]
    arm: str
    times: tuple[float, ...]
    curves: tuple[str, ...]
    measures: tuple[SweepMeasure, ...]


@dataclass(frozen=True, eq=False)
class BatchValues:
    """What n rows of numbers became. A row that failed is NaN everywhere.

    Attributes:
        times: as they were asked for, in the model's time unit, shape (times,).
        curves: by name, each shape (n, times), in the unit that the model declares.
        measures: by name, each shape (n,), NaN where there is none: `why` says so.
        failures: by row how it failed, of those that did.
    """

    times: Array
    curves: Mapping[str, Array]
    measures: Mapping[str, Array]
    failures: Mapping[int, Outcome]
    _causes: Mapping[str, Causes]

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
            found = self._members.compute(values[rows] if failures else values)[self.question.arm]
        except StoppedError:
            raise KeyboardInterrupt from None
        curves, measures, causes = found.curves, found.measures, found.causes
        if failures:
            curves = np.full((len(values), *found.curves.shape[1:]), np.nan)
            measures = np.full((len(values), found.measures.shape[1]), np.nan)
            causes = np.zeros(measures.shape, dtype=np.int8)
            curves[rows], measures[rows], causes[rows] = found.curves, found.measures, found.causes
        failures |= {int(rows[row]): outcome for row, outcome in found.failures.items()}
        ids = [each.id for each in self.question.measures]
        return BatchValues(
            self.times,
            {name: curves[:, i][:, self._places] for i, name in enumerate(self.question.curves)},
            {name: measures[:, i].copy() for i, name in enumerate(ids)},
            dict(sorted(failures.items())),
            {name: causes[:, i] for i, name in enumerate(ids)},
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
