"""A run cut short on the command line: what lies after its end is left out, not refused."""

from __future__ import annotations

import re
from typing import Any

from ...model.units import UnitError, quantity, unit
from .layers import Layers
from .source import Table

_QUOTED = re.compile(r"'([^']*)'|\"([^\"]*)\"")


def shorten(layers: Layers) -> list[str]:
    """Takes doses, changes, expectations and measures of a sweep that begin at or after ``time.end`` out of `layers`.

    In a file these are faults; here the end was moved on purpose. Lists keep their places, with
    None for what is gone, so that every other fault still names its line. Returns what was taken
    out, in words.
    """
    data = layers.data
    end = _seconds(data["time"]["end"])
    if end is None:
        return []
    truncated = []
    arms = [arm for arm in data.get("arms", {}).values() if isinstance(arm, dict)]
    for table in (data, *arms):
        changes = table.get("change", [])
        late = sum(_starts(change) >= end for change in changes)
        if late:
            truncated.append(f"{late} timed change{'s' * (late > 1)} at or after the end")
        changes[:] = [None if _starts(change) >= end else change for change in changes]
    base = data.get("dose", {})
    for arm in arms:
        own = arm.get("dose", {})
        for name in list(own):
            dose = {**base.get(name, {}), **own[name]}
            if _late(dose, end):
                del own[name]
                if name in base:
                    arm["without"] = [*arm.get("without", []), name]
            elif name in base and _late(base[name], end):
                own[name] = dose  # whole, since the base's own is taken out below
    for name in [name for name, dose in base.items() if _late(dose, end)]:
        del base[name]
        truncated.append(f"the dose '{name}', which starts at or after the end")
        for arm in arms:
            if name in arm.get("without", []):
                arm["without"] = [word for word in arm["without"] if word != name]
    expectations = data.get("expect", [])
    late = sum(_latest(item) > end * (1 + 1e-9) for item in expectations)
    if late:
        truncated.append(f"{late} expectation{'s' * (late > 1)} about a later time")
    measures = data.get("sweep", {}).get("measures", {})
    formulas = {name: item if isinstance(item, dict) else {"measure": item} for name, item in measures.items()}
    for name in [name for name, item in formulas.items() if _latest(item) > end * (1 + 1e-9)]:
        del measures[name]
        truncated.append(f"the measure '{name}', about a later time")
    expectations[:] = [None if _latest(item) > end * (1 + 1e-9) else item for item in expectations]
    return truncated


def _seconds(text: Any) -> float | None:
    """A time in seconds, or None for what is no time (and is refused elsewhere)."""
    try:
        number, given, _ = quantity(str(text))
        return number * given.to(unit("s"))
    except UnitError:
        return None


def _late(dose: Table, end: float) -> bool:
    return (_seconds(dose.get("at")) or 0.0) >= end


def _starts(change: Table) -> float:
    start = change.get("at") or (change.get("while") or [None])[0]
    return _seconds(start) or 0.0


def _latest(expectation: Table) -> float:
    """The latest time that a measure names."""
    words = [a or b for a, b in _QUOTED.findall(str(expectation.get("measure", "")))]
    return max([_seconds(word) or 0.0 for word in words], default=0.0)
