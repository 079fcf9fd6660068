"""Numbers as JSON can hold them."""

from __future__ import annotations

import math
from typing import Any


def json_number(value: Any) -> float | None:
    """`value` as a float, or None where it is None, NaN or infinite, which JSON cannot hold."""
    return None if value is None or not math.isfinite(value) else float(value)
