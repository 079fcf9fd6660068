"""Tables read back as numbers, and a drug that goes to infinity."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Any

import numpy as np

GROWING = 'rate = "k_clear * drug * (1 - drug / K_drug * 200)"'  # the drug makes itself and goes to infinity


def floats(path: Path) -> tuple[list[str], Any]:
    """Header, and all that are numbers, shape (rows, columns); nan for an empty cell."""
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    return header, np.array([[number(cell) for cell in row] for row in rows])


def rows_of(path: str) -> list[dict[str, str]]:
    with Path(path).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return math.nan
