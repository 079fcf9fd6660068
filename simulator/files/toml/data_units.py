"""The unit that the values of a ``[[data]]`` are measured in."""

from __future__ import annotations

from typing import NamedTuple

from ...experiments.curve_formulas import names_read
from ...experiments.scenario import CurveFormula
from ...model.units import Substance, Unit, UnitError, dimension_text, in_moles, quantity, unit
from .data_rows import DataRows
from .layers import KeyPath
from .quantities import Context
from .source import Table


class ValueUnit(NamedTuple):
    """A unit as it was written, what it means, and the one substance whose masses and IU it can take, if any."""

    text: str
    unit: Unit
    substance: Substance | None

    def convert(self, number: float, unit_text: str) -> float:
        """A number of the unit `unit_text` in this one; `UnitError` where that measures something else."""
        if unit_text == self.text:
            return number
        given = in_moles(unit(unit_text), self.substance)
        if not given.same_dimension(self.unit):
            raise UnitError(f"'{unit_text}' is {dimension_text(given)}, but the values are in '{self.text}'")
        return number * given.to(self.unit)


def read_value_unit(
    context: Context, path: KeyPath, table: Table, curve: CurveFormula, rows: DataRows
) -> ValueUnit | None:
    """The unit of the values of the block at `path`: of their column, of the block, or of each value."""
    header, own = rows.units.get("value", ""), table.get("unit", "")
    unit_path = (*path, "unit")
    each_has_one = all(has_unit(row["value"].text) for row in rows.rows if "value" in row)
    text = header or own or (curve.unit_text if curve.unit.dimensionless or each_has_one else "")

    def fault(message: str) -> None:
        if header:
            rows.fault(0, message)
        else:
            context.fault(unit_path, message)

    if header and own and header != own:
        context.fault(unit_path, f"unit = '{own}', but the first line of the file says '{header}'; say one of them")
        return None
    if not text:
        context.fault((*path, "name"), f"the unit of the values is missing: 'value [{curve.unit_text}]' as the name of "
                                       f"their column, or unit = '{curve.unit_text}'")  # fmt: skip
        return None
    try:
        substance = context.model.shared_substance(names_read(curve))
        wanted = in_moles(unit(text), substance)
    except UnitError as error:
        fault(str(error))
        return None
    if not wanted.same_dimension(curve.unit):
        fault(f"the values are in '{text}', {dimension_text(unit(text))}, but the curve gives "
              f"{dimension_text(curve.unit)}, such as {curve.unit_text}")  # fmt: skip
        return None
    return ValueUnit(text, wanted, substance)


def has_unit(text: str) -> bool:
    """Whether a text is a number with a unit, perhaps behind a sign such as ``<``."""
    try:
        return quantity(text.strip().lstrip("<≤ "))[2] != "1"
    except UnitError:
        return False


def number_and_unit(text: str, what: str) -> tuple[float, str]:
    """A number and the text of its unit, "1" where it has none; `UnitError` which says that `what` was expected."""
    try:
        number, _, unit_text = quantity(text.strip())
    except UnitError as error:
        raise UnitError(f"expected {what} as a number, found {text!r}") from error
    return number, unit_text
