"""``draw`` of a step: by what a drawing is judged, and how near is right."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...experiments.lessons import SHARE, Judge
from ...model.units import Unit, UnitError, quantity
from ...runtime.names import unknown_name
from .layers import KeyPath
from .source import QUANTITY, REQUIRED_LINE, Table

DRAW = {"judge": REQUIRED_LINE, "within": QUANTITY}
WITHIN = 0.3  # of the simulated value, where a lesson says nothing
MOST = 2.0  # a share that is still a judgement


def read_judge(
    path: KeyPath, table: Table, known: Sequence[str], wanted: Unit | None, fault: Callable[[KeyPath, str], None]
) -> Judge:
    """The judge in the table at `path`. known: what it may be judged by. wanted: the unit of an amount, if it can be
    one."""
    if table["judge"] not in known:
        fault((*path, "judge"), unknown_name("a drawing is not judged by", table["judge"], known))
    given = table.get("within", WITHIN)
    within, absolute = _within(str(given).strip(), wanted)
    if not within > 0 or (not absolute and within > MOST):
        example = "a share such as '20 %'" + ("" if wanted is None else ", or an amount in the unit of what is judged")
        fault((*path, "within"), f"expected {example}, found {given!r}")
    return Judge(table["judge"], within, absolute or table["judge"] == SHARE)


def _within(text: str, wanted: Unit | None) -> tuple[float, bool]:
    """How near is right, and whether that is an amount in the unit `wanted`; zero for what is neither."""
    number, sign, rest = text.partition("%")
    try:
        return (0.0 if rest.strip() else float(number) / (100 if sign else 1)), False
    except ValueError:
        pass
    try:
        value, unit, _ = quantity(text)
        return (value * unit.to(wanted), True) if wanted is not None and unit.same_dimension(wanted) else (0.0, False)
    except UnitError:
        return 0.0, False
