"""The interval of a published number: one of ``between = [low, high]``, ``above`` and ``below``."""

from __future__ import annotations

import math
from collections.abc import Callable

from .layers import KeyPath
from .source import LIST, NUMBER, Table

INTERVAL = {"between": LIST, "above": NUMBER, "below": NUMBER}


def read_interval(table: Table, what: str, fault: Callable[[KeyPath, str], object]) -> tuple[float, float] | None:
    """The lowest and highest value that `table` allows, or None and a fault.

    what: what messages call the table. fault: is called with the path in the table and what is wrong.
    """
    given = [key for key in INTERVAL if key in table]
    if len(given) != 1:
        found = " and ".join(given) or "none"
        fault((), f"{what} has one of between = [low, high], above, below; found {found}")
        return None
    if given == ["above"]:
        return float(table["above"]), math.inf
    if given == ["below"]:
        return -math.inf, float(table["below"])
    both = table["between"]
    numbers = [value for value in both if isinstance(value, (int, float)) and math.isfinite(value)]
    if len(both) != 2 or len(numbers) != 2 or not both[0] < both[1]:
        fault(("between",), f"expected [low, high] with low below high, found {both!r}")
        return None
    return float(both[0]), float(both[1])
