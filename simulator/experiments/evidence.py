"""What the verdicts on many scenarios add up to, by their rows: see `expectations.row_of`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .expectations import KNOWN_MISS, MET


def holds(rows: Sequence[dict[str, Any]]) -> bool:
    """Whether all is as the scenarios say: met, or missed and announced as missed."""
    return all(row["verdict"] == (KNOWN_MISS if row["missed"] else MET) for row in rows)


def totals(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """How many are met: of all, of the published facts of each topic, of each claim."""
    return {
        "all": _count(rows),
        "facts": _count([row for row in rows if row["topic"]]),
        "topics": {key: _count([row for row in rows if row["topic"] == key]) for key in _keys(rows, "topic")},
        "claims": {key: _count([row for row in rows if row["claim"] == key]) for key in _keys(rows, "claim")},
    }


def _keys(rows: Sequence[dict[str, Any]], column: str) -> list[str]:
    return sorted({row[column] for row in rows if row[column]}, key=lambda key: (len(key.rstrip("abc")), key))


def _count(rows: Sequence[dict[str, Any]]) -> dict[str, int]:
    return {"met": sum(row["verdict"] == MET for row in rows), "of": len(rows)}
