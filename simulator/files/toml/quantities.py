"""Quantities of a scenario: text such as '5 d' becomes a number in the unit that is wanted."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ...experiments.measure_formula import curve_names, read_measure
from ...model.expression import Expression, FormulaError
from ...model.model import Model
from ...model.units import ONE, Unit, UnitError, dimension_text, in_moles, quantity, unit
from ...runtime.errors import InputFault
from .layers import Layers, Path_

ABSURD = 1000.0  # a parameter may leave its published range by this factor


class ValueReader:
    """Reads values out of merged tables; what is wrong is appended to `faults`, all of it."""

    def __init__(self, layers: Layers, model: Model, faults: list[InputFault]) -> None:
        self.layers, self.model, self.faults = layers, model, faults
        self.end = 0.0  # of the run, in the model's time unit, once it is known

    def fault(self, path: Path_, message: str) -> None:
        self.faults.append(self.layers.fault(path, message))

    def quantity(self, path: Path_, given: object, wanted: Unit, what: str, example: str) -> float:
        """A number in `wanted`, from text such as '5 d'; 0.0 and a fault where that fails."""
        try:
            if isinstance(given, str):
                number, measured_in, text = self._read(given, what, example)
            elif isinstance(given, (int, float)) and not isinstance(given, bool):
                number, measured_in, text = float(given), unit("1"), "1"
                if not math.isfinite(number):
                    raise UnitError(f"expected {what} such as '{example}', found {given}")
            else:
                found = "nothing" if given is None else repr(given)
                raise UnitError(f"expected {what} such as '{example}', found {found}")
            if not measured_in.same_dimension(wanted):
                if text == "1":
                    raise UnitError(f"the unit is missing: expected {what} such as '{example}', found {given!r}")
                raise UnitError(
                    f"wrong unit: expected {what} such as '{example}', found {given!r}, {dimension_text(measured_in)}"
                )
            return number * measured_in.to(wanted)
        except UnitError as error:
            self.fault(path, str(error))
            return 0.0

    def _read(self, given: str, what: str, example: str) -> tuple[float, Unit, str]:
        """Number, unit and its text, or what is wrong with them and what would be right."""
        try:
            return quantity(given)
        except UnitError as error:
            if str(error).startswith("expected"):
                raise
            raise UnitError(f"{error}; expected {what} such as '{example}', found {given!r}") from None

    def time(self, path: Path_, given: object, default: float | None = None, positive: bool = False) -> float:
        if given is None and default is not None:
            return default
        example = f"10 {self.model.time_unit_text}"
        before = len(self.faults)
        value = self.quantity(path, given, self.model.time_unit, "a time", example)
        if len(self.faults) == before and (value < 0 or (positive and value == 0)):
            self.fault(path, f"expected a time {'above' if positive else 'at or after'} zero, found {given!r}")
        return value

    def values(
        self, table: Mapping[str, Any], path: Path_, read: Callable[[Path_, str, Any], tuple[str, float] | None]
    ) -> dict[str, float]:
        if not isinstance(table, dict):
            self.fault(path, f"expected a table, found {table!r}")
            return {}
        values: dict[str, float] = {}
        for word, given in table.items():
            found = read((*path, word), word, given)
            if found is not None and found[0] in values:
                self.fault((*path, word), f"{found[0]} is given twice, in two spellings")
            if found is not None:
                values[found[0]] = found[1]
        return values

    def parameter_value(self, path: Path_, word: str, given: Any) -> tuple[str, float] | None:
        name = self.model.find(word, "parameters")
        if name is None:
            self.fault(path, self.model.unknown(word, "parameters"))
            return None
        parameter = self.model.parameters[name]
        value = self.declared_value(path, given, name, parameter.unit_text)
        bounds = parameter.range
        if value < 0 and not (parameter.value < 0 or (bounds and bounds[0] < 0)):
            self.fault(path, f"{name} cannot be negative, found {given!r}")
        elif bounds == (0.0, 1.0) and parameter.unit == ONE and value > 1:
            self.fault(path, f"{name} is a share, from 0 to 1, found {given!r}")
        elif bounds and value and not _near(value, *bounds):
            self.fault(path, f"{given!r} is more than {ABSURD:g} times outside the range of {name}, "
                             f"{bounds[0]:g} to {bounds[1]:g} {parameter.unit_text}")  # fmt: skip
        return name, value

    def initial_value(self, path: Path_, word: str, given: Any) -> tuple[str, float] | None:
        name = self.model.find(word, "species")
        if name is None:
            self.fault(path, self.model.unknown(word, "species"))
            return None
        value = self.declared_value(path, given, name, self.model.species[name].unit_text)
        if value < 0 and not self.model.species[name].signed:
            self.fault(path, f"{name} cannot be negative, found {given!r}")
        return name, value

    def declared_value(self, path: Path_, given: Any, name: str, unit_text: str) -> float:
        """A quantity in the unit declared for `name`, through its substance where it has one."""
        wanted, substance = self.model.unit(name), self.model.substance_of(name)
        if substance is not None and isinstance(given, str):
            try:
                number, measured_in, _ = quantity(given)
                converted = in_moles(measured_in, substance)
                if converted.same_dimension(wanted):
                    return number * converted.to(wanted)
            except UnitError:
                pass  # said again, with an example, just below
        return self.quantity(
            path, given, wanted, f"{name} in {unit_text}", f"1 {unit_text}" if unit_text != "1" else "1"
        )

    def measured(
        self, unit_path: Path_, path: Path_, text: str, unit_text: str, arms: Sequence[str]
    ) -> tuple[Expression, Unit] | None:
        """A measure, to be given in `unit_text`: its tree, and that unit."""
        blamed = unit_path
        try:
            wanted = unit(unit_text)
            blamed = path
            tree, found = read_measure(text, self.model, arms, self.end)
            substances = {self.model.substance_of(name) for name in curve_names(tree, self.model)}
            if len(substances) == 1 and (substance := substances.pop()) is not None:
                wanted = in_moles(wanted, substance)
            if not found.same_dimension(wanted):
                blamed = unit_path
                expected = f"it is asked for in '{unit_text}', {dimension_text(wanted)}"
                raise UnitError(f"the measure gives {dimension_text(found)}, {expected}")
            return tree, wanted
        except (UnitError, FormulaError) as error:
            self.fault(blamed, str(error))
            return None


def _near(value: float, low: float, high: float) -> bool:
    """Whether `value` leaves its range by less than `ABSURD`; of either sign, zero being no size."""
    sizes = [abs(bound) for bound in (low, high) if bound]
    smallest = 0.0 if low <= 0.0 <= high else min(sizes)
    return smallest / ABSURD <= abs(value) <= max(sizes, default=math.inf) * ABSURD
