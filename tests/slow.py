"""Long checks, shortened in the quick set: `pytest -m slow` runs what `thinned` leaves out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def thinned(values: Iterable[Any], every: int, unpack: bool = False) -> list[Any]:
    """Parameters of a test: one in `every` as it is, the others marked `slow`; unpack: each is a row of several."""
    rows = [value if unpack else (value,) for value in values]
    return [pytest.param(*row, marks=() if i % every == 0 else pytest.mark.slow) for i, row in enumerate(rows)]
