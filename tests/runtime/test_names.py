"""Names that are nearly right are suggested, and no silly ones."""

from __future__ import annotations

import pytest
from immunesim.runtime.names import nearest


@pytest.mark.parametrize(
    ("word", "known", "meant"),
    [
        ("untraeted", ["main", "untreated"], "untreated"),
        ("rnu", ["run", "sweep"], "run"),
        ("IL-2", ["IL2", "IL4"], "IL2"),
        ("stop_sens", ["stop_sensitivity"], "stop_sensitivity"),
        ("body_wait", ["body_weight"], "body_weight"),
        ("il2", ["hiv_il2", "dose_il2_high"], None),
        ("nosuch", ["too_much", "NO_usual"], None),
        ("x" * 100_000, ["x"], None),
    ],
)
def test_a_suggestion_is_near(word: str, known: list[str], meant: str | None) -> None:
    assert nearest(word, known) == (f"; did you mean '{meant}'?" if meant else "")
