"""`batch`: a scenario as a function of some of its values. It is read here, and computed as often as it is called."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from ..experiments.batch import BatchQuestion, Column
from ..experiments.measures import arms_of, read_measure, unit_text_of
from ..experiments.scenario import MAIN, CurveFormula, Scenario
from ..experiments.schedule import saved_times
from ..experiments.sweeps.designs import SweepMeasure
from ..experiments.sweeps.paths import varies_in
from ..files.toml.axes import SweepVariable, read_numbers, read_variable
from ..files.toml.layers import KeyPath, OptionSource
from ..files.toml.quantities import Context, possible_sizes, read_curve_in
from ..files.toml.scenario_file import context_of
from ..model.declarations import BODY
from ..model.expression import FormulaError
from ..model.units import UnitError, unit
from ..runtime.errors import InputError, InputFault, request_fault
from ..runtime.names import unknown_name
from .request import OnNote, ScenarioRequest, ignore_note, read_with_notes, say_engine, time_of_run


class Vary(NamedTuple):
    """Something that varies, as an axis of a sweep: its path, and the unit of its numbers ('': the declared one, or
    that of the dose's amount)."""

    path: str
    unit_text: str = ""

    def __str__(self) -> str:
        return f"{self.path} [{self.unit_text}]" if self.unit_text else self.path


@dataclass(frozen=True)
class BatchRequest:
    """A function to prepare.

    scenario: which one, and what is changed in all of its arms. vary: what its arguments are. arm: read as the main
    one. at: times, as text or in the model's time unit; None: those that the scenario saves. curves: species and
    observables wanted at these times. measures: formulas by name. data: whether its ``[[data]]`` are
    compared. sensitivities: of `vary`, those by which derivatives are wanted.
    """

    scenario: ScenarioRequest
    vary: tuple[Vary, ...]
    arm: str = MAIN
    at: tuple[str | float, ...] | None = None
    curves: tuple[str, ...] = ()
    measures: Mapping[str, str] | None = None
    data: bool = False
    sensitivities: tuple[str, ...] = ()

    def read(self, on_note: OnNote = ignore_note) -> BatchQuestion:
        """The question that it asks; remarks on the scenario go to `on_note`.

        Raises `InputError` with everything that is wrong.
        """
        scenario = read_with_notes(self.scenario, on_note)
        say_engine(on_note)
        return _Reader(scenario, self).read()


class _Reader:
    def __init__(self, scenario: Scenario, request: BatchRequest) -> None:
        self.scenario, self.model, self.request = scenario, scenario.model, request
        self.context: Context = context_of(scenario)
        self.faults: list[InputFault] = self.context.faults

    def read(self) -> BatchQuestion:
        request, scenario = self.request, self.scenario
        known = [arm.name for arm in scenario.arms]
        if request.arm not in known:
            message = unknown_name(f"{scenario.id} has no arm", request.arm, known)
            raise InputError([request_fault(message, f"--arm {request.arm}")])
        measures = self._measures(known)
        read = {request.arm, *(arm for each in measures for arm in arms_of(each.tree) if arm != MAIN)}
        columns = self._columns(read | ({each.arm for each in scenario.data} if request.data else set()))
        curves, times, wanted = self._curves(), self._times(), self._sensitivities(columns)
        if not request.vary:
            self._fault("nothing varies: name what the columns of the numbers are", "--vary []")
        if not request.curves and not request.measures and not request.data:
            self._fault("nothing is asked for: give curves or measures")
        if request.data and not any(each.points for each in scenario.data):
            self._fault(f"{scenario.id} has no [[data]] to compare with", "--data")
        if self.faults:
            raise InputError(self.faults)
        formulas = {each.text: each for each in curves if each.is_formula}
        scenario = replace(scenario, formulas={**scenario.formulas, **formulas})
        names = tuple(dict.fromkeys(each.text for each in curves))
        return BatchQuestion(scenario, columns, request.arm, times, names, measures, request.data, wanted)

    def _fault(self, message: str, words: str = "") -> None:
        self.faults.append(request_fault(message, words))

    def _columns(self, read: set[str]) -> tuple[Column, ...]:
        """The columns; read: the arms that are simulated."""
        arms = [arm for arm in self.scenario.arms if arm.name in read]
        found: dict[str, Column] = {}
        for number, vary in enumerate(self.request.vary):
            path: KeyPath = ("batch", number)
            self.context.layers.set_origin(path, OptionSource(f"--vary {vary}"))
            column = self._column(path, vary)
            if column is None:
                continue
            if column.axis.path in found:
                self._fault(f"{column.axis.path} varies twice", f"--vary {vary}")
            if not any(varies_in(column.axis.path, arm) for arm in arms):
                whose = ", ".join(arm.name for arm in arms)
                self._fault(f"{column.axis.path} does not vary in arm {whose}, which sets it itself or leaves it out",
                            f"--vary {vary}")  # fmt: skip
            found[column.axis.path] = column
        return tuple(found.values())

    def _sensitivities(self, columns: tuple[Column, ...]) -> tuple[int, ...]:
        """The numbers of the columns by which derivatives are wanted."""
        known = {name: number for number, each in enumerate(columns) for name in (each.name, each.axis.path)}
        for name in self.request.sensitivities:
            if name not in known:
                message = unknown_name("sensitivities are by what varies; there is no", name, [*known])
                self._fault(message, f"--sensitivities {name}")
            elif columns[known[name]].whole:
                self._fault(f"{name} is a whole number: there is no derivative by it", f"--sensitivities {name}")
        return tuple(dict.fromkeys(known[name] for name in self.request.sensitivities if name in known))

    def _column(self, path: KeyPath, vary: Vary) -> Column | None:
        variable = read_variable(self.context, self.scenario.arms[0], path, vary.path)
        if variable is None:
            return None
        unit_text = vary.unit_text or variable.unit_text
        read = read_numbers(self.context, variable, [(path, f"1 {unit_text}")])
        if read is None:
            return None
        variable, (factor,) = read
        low, high, smallest = self._bounds(variable)
        return Column(
            str(vary),
            variable.axis(low, high, log=False),
            unit_text,
            factor,
            unit(unit_text) if variable.is_time else None,
            low,
            high,
            smallest,
            variable.is_count,
            self._possible(variable, low, high, smallest),
        )

    def _bounds(self, variable: SweepVariable) -> tuple[float, float, float]:
        """The lowest and highest possible value, and the least size of one that is not zero; all of them finite."""
        low, high, smallest = variable.low, variable.high, 0.0
        parameter = self.model.parameters.get(variable.parameter)
        if parameter is not None:
            volumes = {each.volume for each in self.model.species.values()}
            if parameter.id in volumes or parameter.id in BODY:
                low = math.ulp(0.0)
            if parameter.range:
                smallest, largest = possible_sizes(*parameter.range)
                low, high = max(low, -largest), min(high, largest)
        return max(low, -sys.float_info.max), min(high, sys.float_info.max), smallest

    def _possible(self, variable: SweepVariable, low: float, high: float, smallest: float) -> str:
        """The possible numbers in words, in the unit of the axis."""
        unit_text = "" if variable.unit_text == "1" else f" {variable.unit_text}"
        if variable.is_count:
            return f"a whole number from {low:g} to {high:g}"
        if smallest and high < sys.float_info.max:
            size = " in size" if low < 0 else ""
            return f"{'' if low > 0 else '0, or '}{smallest:g} to {high:g}{unit_text}{size}"
        if low <= -sys.float_info.max:
            return "a finite number"
        if low == math.ulp(0.0):
            return "a number above 0"
        return variable.limits(self.model.time_unit_text)

    def _curves(self) -> list[CurveFormula]:
        found = []
        for number, word in enumerate(self.request.curves):
            path: KeyPath = ("curves", number)
            self.context.layers.set_origin(path, OptionSource(f"--curves {word}"))
            found.append(read_curve_in(self.context, path, word))
        return [each for each in found if each is not None]

    def _times(self) -> tuple[float, ...]:
        if self.request.at is None:
            return tuple(saved_times(self.scenario).tolist())
        found = []
        for asked in self.request.at:
            try:
                found.append(time_of_run(self.scenario, asked))
            except UnitError as error:
                self._fault(str(error), f"--at {asked}")
        if not self.request.at:
            self._fault("expected at least one time", "--at []")
        return tuple(found)

    def _measures(self, arms: list[str]) -> tuple[SweepMeasure, ...]:
        found = []
        for name, formula in (self.request.measures or {}).items():
            try:
                tree, measured_in = read_measure(formula, self.model, arms, self.scenario.end)
                text = unit_text_of(tree, self.model)
                found.append(SweepMeasure(name, name, formula, tree, measured_in, text))
            except (UnitError, FormulaError) as error:
                self._fault(str(error), f"--measures {name}={formula}")
        return tuple(found)
