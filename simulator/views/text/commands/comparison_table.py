"""The table of a comparison as text for the terminal, with the large differences below it."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence

from ....experiments.comparison import MEASURES, ComparisonRow, negligible
from ..compare import RULE, sentences
from ..numbers import axis_title, number

WIDE = 120  # characters
GAP = 9  # characters, for the ratio behind a value


def comparison_text(rows: Sequence[ComparisonRow]) -> str:
    """The table for people, a block for each name, then the large differences."""
    lines: list[str] = []
    width = max(len(row.label) for row in rows)
    for name in dict.fromkeys(row.name for row in rows):
        group = [row for row in rows if row.name == name]
        unit, none = group[0].unit, negligible(group)
        heads = [f"{head}{'':{GAP}}" for head in ("peak", "lowest", "final", axis_title("area", group[0].area_unit))]
        lines += ["", axis_title(name, unit)]
        lines.append(_line("", width, heads, axis_title("at", group[0].time_unit)))
        for row in group:
            time = number(row.value("time_of_peak")) if abs(row.value("peak")) > none else "-"
            lines.append(_line(row.label, width, [_cell(row, key, none) for key in MEASURES], time))
            if row.outcome != "success":
                lines.append(f"  {'':{width}}  FAILED: {row.outcome}")
    base = next(row.label for row in rows if row.reference)
    marks = f"(2x): twice that of '{base}'; (-): nothing to divide by, or a run of another length"
    lines += ["", marks + "; 0: under a millionth of the highest"]
    return "\n".join(
        [*lines[1:], "", *(sentences(rows) or ["no large difference"]), "", textwrap.fill(f"large: {RULE}", WIDE)]
    )


def _line(head: str, width: int, cells: Sequence[str], time: str) -> str:
    peak, lowest, final, area = cells
    return f"  {head:{width}}{peak:>20}{time:>9}{lowest:>20}{final:>20}{area:>26}".rstrip()


def _cell(row: ComparisonRow, key: str, none: float) -> str:
    """A value and, but for the reference itself, its ratio."""
    value = row.value(key)
    if math.isnan(value):
        return f"none{'':{GAP}}"
    text = number(value) if abs(value) > none else "0"
    if row.reference:
        return f"{text}{'':{GAP}}"
    ratio = row.value(f"{key}_ratio")
    return text + f"{'(-)' if math.isnan(ratio) else f'({number(ratio, 2)}x)':>{GAP}}"
