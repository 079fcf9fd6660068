"""Numbers as JSON can hold them."""

from __future__ import annotations

import math
from typing import Any


def number(value: Any) -> float | None:
    """`value`, or None for what JSON cannot hold."""
    return None if value is None or not math.isfinite(value) else float(value)
