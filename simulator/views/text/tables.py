"""Tables that print themselves: as text on a terminal, as HTML in a notebook."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from itertools import zip_longest
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from .numbers import number, unit_text

if TYPE_CHECKING:
    from pandas import DataFrame

MOST = 60  # rows that a notebook shows at once
WIDE = 60  # characters of a column of text
SHORT = 30  # characters that stay in one line
SHOWN_AS_ZERO = 1e-20  # in any unit that people choose: a table knows no curve to compare a value with


class Table(list[dict[str, Any]]):
    """A list of rows, each a dictionary with the same keys.

    shown: for each column that is shown its heading, and the keys whose values stand in it, beside each other
    (``{"peak": ("peak", "unit")}``); the rows may hold more. Where a value is missing, the cell says what the row gives
    as its `reason`.
    """

    def __init__(self, rows: Iterable[dict[str, Any]], shown: Mapping[str, tuple[str, ...]]) -> None:
        super().__init__(rows)
        self.shown = shown

    def to_pandas(self) -> DataFrame:
        """A row for each row, with all of its keys as columns, also those that are not shown."""
        from ...files.results.frames import rows_to_pandas  # NumPy, which a table of names does without

        return rows_to_pandas(self)

    def __str__(self) -> str:
        rows = [list(self.shown), *self._lines()]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        right = [self._is_number(keys[0]) for keys in self.shown.values()]
        return "\n".join(
            "  ".join(
                cell.rjust(width) if number else cell.ljust(width)
                for cell, width, number in zip(row, widths, right, strict=True)
            ).rstrip()
            for row in rows
        )

    def _lines(self) -> Iterator[list[str]]:
        """The cells of each line of text; a long text continues in the lines below."""
        for row in self:
            cells = [wrap(self._cell(row, keys), WIDE) or [""] for keys in self.shown.values()]
            yield from (list(line) for line in zip_longest(*cells, fillvalue=""))

    def _repr_html_(self) -> str:
        align = [f"text-align:{'right' if self._is_number(keys[0]) else 'left'}" for keys in self.shown.values()]
        head = "".join(
            f'<th style="{side}">{escape(title)}</th>' for title, side in zip(self.shown, align, strict=True)
        )
        body = []
        for row in self[:MOST]:
            cells = [self._cell(row, keys) for keys in self.shown.values()]
            whole = ["; white-space:nowrap" if len(cell) < SHORT else "" for cell in cells]
            made = zip(cells, align, whole, strict=True)
            body.append("".join(f'<td style="{side}{fold}">{escape(cell)}</td>' for cell, side, fold in made))
        rows = "".join(f"<tr>{cells}</tr>" for cells in body)
        more = f"<p>and {len(self) - MOST} more rows</p>" if len(self) > MOST else ""
        return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{more}"

    def _cell(self, row: Mapping[str, Any], keys: tuple[str, ...]) -> str:
        value, *units = (row[key] for key in keys)
        if value is None or (isinstance(value, float) and math.isnan(value)):
            return str(row.get("reason") or "none")
        if isinstance(value, float):
            value = number(0.0 if abs(value) < SHOWN_AS_ZERO else value, 4)
        text = str(value)
        return " ".join([text, *filter(None, map(unit_text, units))])

    def _is_number(self, key: str) -> bool:
        return any(isinstance(row[key], (int, float)) and not isinstance(row[key], bool) for row in self)
