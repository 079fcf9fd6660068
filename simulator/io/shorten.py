"""A run cut short on the command line: what lies after its end is left out, not refused."""

from __future__ import annotations

import re
from typing import Any

from ..model.units import UnitError, quantity, unit
from .layers import Layers
from .toml_source import Table

_QUOTED = re.compile(r"'([^']*)'|\"([^\"]*)\"")


def shorten(layers: Layers) -> None:
    """Takes doses, changes and expectations that begin at or after ``time.end`` out of `layers`.

    In a file these are faults; here the end was moved on purpose. Lists keep their places, with
    None for what is gone, so that every other fault still names its line.
    """
    data = layers.data
    end = _seconds(data["time"]["end"])
    if end is None:
        return
    arms = [arm for arm in data.get("arms", {}).values() if isinstance(arm, dict)]
    for table in (data, *arms):
        changes = table.get("change", [])
        changes[:] = [None if _starts(change) >= end else change for change in changes]
    for name in [name for name, dose in data.get("dose", {}).items() if (_seconds(dose.get("at")) or 0.0) >= end]:
        del data["dose"][name]
        for arm in arms:
            arm.get("dose", {}).pop(name, None)
            if name in arm.get("without", []):
                arm["without"].remove(name)
    expectations = data.get("expect", [])
    expectations[:] = [None if _latest(item) > end * (1 + 1e-9) else item for item in expectations]


def _seconds(text: Any) -> float | None:
    """A time in seconds, or None for what is no time (and is refused elsewhere)."""
    try:
        number, given, _ = quantity(str(text))
        return number * given.to(unit("s"))
    except UnitError:
        return None


def _starts(change: Table) -> float:
    start = change.get("at") or (change.get("while") or [None])[0]
    return _seconds(start) or 0.0


def _latest(expectation: Table) -> float:
    """The latest time that a measure names."""
    words = [a or b for a, b in _QUOTED.findall(str(expectation.get("measure", "")))]
    return max([_seconds(word) or 0.0 for word in words], default=0.0)
