"""The status of each scenario of a gallery, as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def gallery_text(cards: Sequence[Mapping[str, Any]], done: str, page: Path) -> str:
    """The status of each scenario, for the terminal."""
    good = [card for card in cards if card["status"] == done]
    lines = [f"{len(good)} of {len(cards)} scenarios simulated"]
    met, expected, known = (sum(card[key] for card in cards) for key in ("met", "expected", "known"))
    if expected:
        misses = f", {known} known miss{'es' * (known > 1)}" if known else ""
        lines.append(f"{met} of {expected} expectations met{misses}")
    lines += [f"{card['status']}: {card['name']}: {card['reason']}" for card in cards if card["status"] != done]
    lines += [f"not as the scenario says: {card['name']}" for card in good if not card["holds"]]
    return "\n".join([*lines, "", f"open {page}"])
