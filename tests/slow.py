"""Long checks, shortened in the quick set: `pytest -m slow` runs what `thinned` leaves out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def thinned(values: Iterable[Any], every: int) -> list[Any]:
    """Parameters of a test: one in `every` as it is, the others marked `slow`."""
    return [value if i % every == 0 else pytest.param(value, marks=pytest.mark.slow) for i, value in enumerate(values)]
