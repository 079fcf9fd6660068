"""`batch` from Python: a scenario as a function of arrays, for SciPy, SALib, emcee, pyPESTO and notebooks."""

from __future__ import annotations

import os
import pickle
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Any, NoReturn

import numpy as np

from ..experiments.batch import BatchQuestion, BatchValues, PreparedBatch
from ..experiments.scenario import MAIN, Scenario
from ..numerics.trajectory import Array
from ..runtime.errors import InputError, called_from, request_fault
from ..tasks.batch import BatchRequest, Vary
from .changes import Settings, is_list, is_value, scenario_request, several, warn, wrong_type

Name = str | tuple[str, str]
Times = str | float | Sequence[str | float] | Array | None

_COLUMN = re.compile(r"\s*([^\[]*?)\s*(?:\[([^\[\]]*)\]\s*)?\Z")  # as in a file of members: NAME [UNIT]
_MOST_KEPT = 8  # functions whose copies find what was prepared before; the oldest go first
_of_copies: dict[str, PreparedBatch] = {}
_lock = Lock()


def batch(
    scenario: str | Path | Scenario,
    *,
    vary: Name | Sequence[Name],
    curves: str | Sequence[str] = (),
    at: Times = None,
    measures: Mapping[str, str] | str | Sequence[str] = (),
    arm: str = MAIN,
    data: bool = False,
    sensitivities: str | Sequence[str] = (),
    set: Settings = None,
    knockout: str | Sequence[str] = (),
    block: Mapping[str, str | float] | str | Sequence[str] = (),
    add: str | Sequence[str] = (),
) -> ScenarioFunction:
    """A scenario as a function of some of its values, prepared once and called with arrays of any number of rows.

    >>> import immunesim as sim
    >>> f = sim.batch("friberg", vary=["MTT", "gamma"], measures={"lowest": "min(circulating)"})
    >>> f
    <ScenarioFunction of friberg: MTT [h], gamma -> lowest>
    >>> r = f([[100.0, 0.2], [124.0, 0.2], [124.0, -1.0]])
    >>> r.measures["lowest"].round(2).tolist()
    [2.4, 2.76, nan]
    >>> r.failures[2].message
    'gamma: expected 0, or 0.000163 to 239, found -1'

    A row that fails, or has a number that cannot be (NaN and infinite ones too), fails alone: everything of it is NaN,
    and `BatchValues.failures` says why. A failure takes time, up to some seconds of it: SciPy tries again to find out
    why. A row gives the same bits whatever else is in the array, and in whatever thread. The function can be pickled,
    and a process that gets it again and again prepares it once.

    Rows are integrated as members of a sweep are, to a relative tolerance of 1e-6, and have no certificate: `sim.sweep`
    with the same axes gives one. A row that is refused there as not reliable has failed here.

    Beside the integration, which always goes on to the end of the run, a call costs some 0.2 ms (0.4 ms where dozens of
    doses scale with what varies) and a row 1 to 4 us. A measure takes some 20 to 200 us a row, by the number of steps.
    What moves times, ``dose.NAME.at``, ``every``, ``over``, ``rate``, ``lag`` or ``count`` (or a parameter that one of
    them is) and ``change.NUMBER.at``, gives each row a timetable of its own: some 10 us for each dose that is given,
    0.5 to 0.9 ms a row in il2_therapy. Without llvmlite SciPy computes row by row, a thousand times slower. ``python
    -m tests.benchmarks.batch`` measures all this.

    Args:
        scenario: the path of a file, the name of a bundled scenario, or a `Scenario` that has been read.
        vary: what the columns are, in the words of ``sweep --vary``: ``"body_weight"``, ``"initial.pathogen"``,
            ``"dose.NAME.amount"``, ``"change.1.PARAMETER"``. Numbers are in the unit that the model declares or the
            dose is written in, or in another: ``"body_weight [g]"``, ``("body_weight", "g")``.
        curves: species and observables whose values are wanted, or formulas of them.
        at: at these times, as ``"3 d"`` or numbers in the model's time unit; by default those that the scenario saves.
        measures: formulas as in [[expect]], by name, ``{"peak": "max(pathogen)"}``, or each its own name.
        arm: read as the main arm; measures may read others, which are then computed too.
        data: also compare each row with the ``[[data]]`` of the scenario, each in its own arm: `BatchValues.residuals`
            is what `scipy.optimize.least_squares` takes.
        sensitivities: those of `vary` by which derivatives of curves, measures and residuals are wanted
            (`BatchValues.sensitivities` and ``jacobian``): of the solution as it is computed, by neighbours that take
            the same steps, through doses, lags, shares, lengths and rules. Rows are then integrated to a relative
            tolerance of 1e-8, which gives six digits and more (four without llvmlite); a derivative costs two rows.
        set, knockout, block, add: changes in all arms and rows, as in `run`.

    Raises:
        InputError: with everything that is wrong with the scenario or what is asked of it.
    """
    with called_from("batch()"):
        if not isinstance(arm, str):
            raise wrong_type("arm", "the name of an arm", arm)
        request = BatchRequest(
            scenario_request(scenario, set, knockout, block, add),
            _vary(vary),
            arm,
            _times(at),
            several("curves", curves),
            _measures(measures),
            bool(data),
            tuple(several("sensitivities", sensitivities)),
        )
        return ScenarioFunction(request.read(warn))


class ScenarioFunction:
    """A scenario as a function of some of its values: ``f(X)`` with X of shape (n, columns) gives `BatchValues`.

    Attributes:
        question: what it computes.
    """

    def __init__(self, question: BatchQuestion) -> None:
        self.question = question
        self._key = os.urandom(16).hex()
        self._prepared: PreparedBatch | None = PreparedBatch(question)

    @property
    def columns(self) -> tuple[str, ...]:
        """What varies, as it was asked for."""
        return tuple([column.name for column in self.question.columns])

    @property
    def units(self) -> dict[str, str]:
        """The unit of every column, curve and measure."""
        scenario = self.question.scenario
        return {
            **{column.name: column.unit_text for column in self.question.columns},
            **{name: scenario.curve(name).unit_text for name in self.question.curves},
            **{each.id: each.unit_text for each in self.question.measures},
        }

    def __call__(self, numbers: Any) -> BatchValues:
        """Curves and measures of each row of `numbers`, shape (n, columns); a DataFrame has columns of these names.

        Raises `InputError` for anything else, or if its curves will not fit into memory.
        """
        with called_from("a call of batch()"):
            if self._prepared is None:
                self._prepared = _prepared_for(self._key, self.question)
            return self._prepared.compute(self._numbers(numbers))

    def _numbers(self, given: Any) -> Array:
        count = len(self.question.columns)
        expected = f"an array of numbers of shape (n, {count}), a column for each of {', '.join(self.columns)}"
        named = getattr(given, "columns", None)  # of a DataFrame
        if named is not None and list(named) != list(self.columns):
            _wrong(f"{expected}, in this order", f"columns {', '.join(map(str, named))}")
        try:
            if isinstance(given, np.ma.MaskedArray):
                given = np.ma.filled(given.astype(float), np.nan)
            array = np.asarray(given)
            if array.dtype.kind == "O":
                array = array.astype(float)
        except (TypeError, ValueError):
            raise wrong_type("X", expected, given) from None
        if array.dtype.kind not in "fiu":
            _wrong(expected, f"an array of {array.dtype}")
        if array.ndim != 2 or array.shape[1] != count:
            hint = "; for a single row say X[None, :]" if array.shape == (count,) else ""
            _wrong(expected, f"shape {array.shape}{hint}")
        return np.array(array, dtype=np.float64, order="C")

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (self._key, pickle.dumps(self.question))

    def __repr__(self) -> str:
        units = self.units
        columns = [
            name if name.endswith("]") or units[name] == "1" else f"{name} [{units[name]}]" for name in self.columns
        ]
        given = [*self.question.curves, *(each.id for each in self.question.measures)]
        given += ["residuals"] if self.question.data else []
        return f"<ScenarioFunction of {self.question.scenario.id}: {', '.join(columns)} -> {', '.join(given)}>"


def _restored(key: str, question: bytes) -> ScenarioFunction:
    """A copy of a function that was pickled."""
    function = ScenarioFunction.__new__(ScenarioFunction)
    function._key, function._prepared = key, _of_copies.get(key)
    function.question = pickle.loads(question) if function._prepared is None else function._prepared.question
    return function


def _prepared_for(key: str, question: BatchQuestion) -> PreparedBatch:
    """What all copies of a function share in this process."""
    with _lock:
        found = _of_copies.get(key)
        if found is None:
            found = _of_copies[key] = PreparedBatch(question)
        while len(_of_copies) > _MOST_KEPT:
            del _of_copies[next(iter(_of_copies))]
        return found


def _wrong(expected: str, found: str) -> NoReturn:
    raise InputError([request_fault(f"X: expected {expected}, found {found}")])


def _vary(given: object) -> tuple[Vary, ...]:
    """Names and units of the columns. Raises `InputError` for anything else."""
    found = []
    words: list[object] = [given]
    if isinstance(given, Iterable) and not isinstance(given, str) and is_list(given):
        words = list(given)
    for word in words:
        match = _COLUMN.match(word) if isinstance(word, str) else None
        if match is not None:
            found.append(Vary(match[1], match[2] or ""))
        elif isinstance(word, tuple) and len(word) == 2 and all(isinstance(part, str) for part in word):
            found.append(Vary(*word))
        else:
            raise wrong_type("vary", "names, each 'NAME', 'NAME [UNIT]' or ('NAME', 'UNIT')", given)
    return tuple(found)


def _times(given: object) -> tuple[str | float, ...] | None:
    if given is None:
        return None
    if is_value(given):
        return (given,)  # type: ignore[return-value]  # as `is_value` says
    if isinstance(given, Iterable) and is_list(given):
        found = tuple(given.tolist() if isinstance(given, np.ndarray) else given)
        if all(map(is_value, found)):
            return found
    raise wrong_type("at", "a time such as '3 d', a number, or a list of them", given)


def _measures(given: object) -> dict[str, str]:
    if isinstance(given, Mapping):
        if all(isinstance(each, str) for each in (*given, *given.values())):
            return dict(given)
        raise wrong_type("measures", "formulas by name, such as {'peak': 'max(pathogen)'}", given)
    return {formula: formula for formula in several("measures", given)}
