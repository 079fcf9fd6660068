"""Whether a repeated run gave the same numbers, as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..numbers import number


def replay_text(found: Mapping[str, Any]) -> str:
    """A line for each arm, then the answer: see `tasks.replay.Replayed`."""
    lines = []
    for name, arm in found["arms"].items():
        if arm["difference"] is None:
            lines.append(f"arm {name}: other columns or rows than before, or no table")
        elif arm["identical"]:
            lines.append(f"arm {name}: identical to the last digit")
        else:
            lines.append(f"arm {name}: largest relative difference {number(arm['difference'], 2)}, in {arm['of']}")
    within = f"to within {number(found['tolerance'])}"
    lines.append(f"the numbers match {within}" if found["match"] else "the numbers do NOT match")
    return "\n".join(lines)
