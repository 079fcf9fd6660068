"""How curves are told apart, in colour and without it."""

from __future__ import annotations

from typing import Any

# Okabe and Ito's palette (black first): told apart by the colour-blind, and of rising lightness
# so that a grey print keeps the order; the dashes say it again.
STYLES: tuple[tuple[str, Any], ...] = (
    ("#000000", "-"),
    ("#D55E00", (0, (6, 2))),
    ("#0072B2", (0, (2, 1.2))),
    ("#009E73", (0, (7, 1.5, 1.5, 1.5))),
    ("#CC79A7", (0, (1, 1))),
    ("#E69F00", (0, (9, 2, 2, 2, 2, 2))),
    ("#56B4E9", (0, (4, 4))),
)


def style(number: int) -> tuple[str, Any]:
    """Colour and dash of a curve; past the palette the colours come again with other dashes."""
    count = len(STYLES)
    return STYLES[number % count][0], STYLES[(number + number // count) % count][1]
