"""The status of each scenario of a gallery, as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..english import counted


def gallery_text(cards: Sequence[Mapping[str, Any]], done: str, skipped: str, page: Path) -> str:
    """The status of each scenario, for the terminal; done, skipped: those simulated, and left out."""
    good = [card for card in cards if card["status"] == done]
    lines = [f"{len(good)} of {counted(len(cards), 'scenario')} simulated"]
    met, expected, known = (sum(card[key] for card in cards) for key in ("met", "expected", "known"))
    if expected:
        misses = f", {counted(known, 'known miss', 'known misses')}" if known else ""
        lines.append(f"{met} of {counted(expected, 'expectation')} met{misses}")
    lines += [
        f"{card['status']}: {card['name']}: {card['reason']}" for card in cards if card["status"] not in (done, skipped)
    ]
    left = sum(card["status"] == skipped for card in cards)
    lines += [f"{counted(left, 'scenario')} {skipped}, as the gallery was interrupted"] if left else []
    lines += [f"not as the scenario says: {card['name']}" for card in good if not card["holds"]]
    return "\n".join([*lines, "", f"open {page}"])
