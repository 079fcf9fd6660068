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
        ("IL5", ["IL6", "IL2", "IL10", "IL15"], None),
        ("IL-7", ["IL6"], None),
        ("IL9_block", ["IL6_block", "IL10_block"], None),
        ("IL9_block", ["NO_block"], None),
        ("half2", ["half"], "half"),
        ("low_dose_il22", ["low_dose_il2"], "low_dose_il2"),
        ("il2_terapy", ["il2_therapy"], "il2_therapy"),
        ("x" * 100_000, ["x"], None),
    ],
)
def test_a_suggestion_is_near(word: str, known: list[str], meant: str | None) -> None:
    assert nearest(word, known) == (f"; did you mean '{meant}'?" if meant else "")
