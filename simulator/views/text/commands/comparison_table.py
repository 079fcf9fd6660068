"""The table of a comparison as text for the terminal, with the large differences below it."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Sequence

from ....experiments.comparison import MEASURES, ComparisonRow, negligible
from ..compare import RULE, not_compared_lines
from ..numbers import axis_title, number

WIDE = 120  # characters of a line of prose
GAP = "  "  # between columns


def comparison_text(rows: Sequence[ComparisonRow], notes: Sequence[str]) -> str:
    """The table for people, a block for each name, `notes` on what differs much, and what failed."""
    blocks = {name: [row for row in rows if row.name == name] for name in dict.fromkeys(row.name for row in rows)}
    cells = {name: list(_block(group)) for name, group in blocks.items()}
    columns = zip(*(line for block in cells.values() for line in block), strict=True)
    widths = [max(map(len, column)) for column in columns]
    lines: list[str] = []
    for name, group in blocks.items():
        heads, *values = cells[name]
        lines += ["", axis_title(name, group[0].unit), _line(heads, widths)]
        for row, value in zip(group, values, strict=True):
            lines.append(_line(value, widths))
            if not row.ok:
                lines.append(f"{GAP}{'':{widths[0]}}{GAP}FAILED: {row.outcome}")
            elif row.reason:
                lines.append(f"{GAP}{'':{widths[0]}}{GAP}{row.reason}")
    base = next(row for row in rows if row.reference)
    marks = f"(2x): twice that of '{base.label}'; (-): nothing to divide by, or a run that failed or of another length"
    lines += ["", marks + "; 0: under a millionth of the highest"]
    compared = base.ok and any(row.ok for row in rows if not row.reference)
    found = [*notes, *(["no large difference"] if compared and not notes else []), *not_compared_lines(rows)]
    return "\n".join([*lines[1:], "", *found, "", textwrap.fill(f"large: {RULE}", WIDE)])


def _block(group: Sequence[ComparisonRow]) -> Iterator[list[str]]:
    """The cells of one name: a line of headings, then one for each curve; each measure has a column for its ratio."""
    none = negligible(group)
    heads = ("peak", "lowest", "final", axis_title("area", group[0].area_unit))
    yield _cells("", [(head, "") for head in heads], axis_title("at", group[0].time_unit))
    for row in group:
        time = number(row.value("time_of_peak")) if abs(row.value("peak")) > none else "-"
        yield _cells(row.label, [_value(row, key, none) for key in MEASURES], time)


def _cells(label: str, values: Sequence[tuple[str, str]], time: str) -> list[str]:
    peak, *others = values
    return [label, *peak, time, *(text for value in others for text in value)]


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    label, *values = [(f"{cell:<{width}}", f"{cell:>{width}}") for cell, width in zip(cells, widths, strict=True)]
    return GAP + GAP.join([label[0], *(right for _, right in values)]).rstrip()


def _value(row: ComparisonRow, key: str, none: float) -> tuple[str, str]:
    """A value and, but for the reference itself, its ratio."""
    value = row.value(key)
    if math.isnan(value):
        return "none", ""
    text = number(value) if abs(value) > none else "0"
    if row.reference:
        return text, ""
    ratio = row.value(f"{key}_ratio")
    return text, "(-)" if math.isnan(ratio) else f"({number(ratio, 2)}x)"
