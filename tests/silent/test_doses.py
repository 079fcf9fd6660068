"""No dose is lost where the solver starts again."""

from __future__ import annotations

from typing import Any

import immunesim as sim
import numpy as np
import pytest

RESTARTS = """
[[dose]]
name = "start"
target = "drug"
amount = "100 pmol"
at = "0 h"
[[dose]]
name = "with the change"
target = "drug"
amount = "100 pmol"
at = "3 h"
[[dose]]
name = "with itself"
target = "drug"
amount = "100 pmol"
at = "3 h"
[[dose]]
name = "inside a drip"
target = "drug"
amount = "100 pmol"
at = "5 h"
[[dose]]
name = "drip"
target = "drug"
amount = "100 pmol"
at = "4 h"
over = "3 h"
every = "3 h"
count = 2
[[dose]]
name = "often"
target = "drug"
amount = "1 pmol"
at = "0.1 h"
every = "0.1 h"
count = 100
[[dose]]
name = "last"
target = "drug"
amount = "100 pmol"
at = "11.999999 h"
[[change]]
while = ["3 h", "5 h"]
parameters = { k_leave = "0.3 1/h" }
[[change]]
at = "7 h"
parameters = { plasma_volume = "8 L" }
[parameters]
k_clear = 0
"""


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("engine", ["compiled", pytest.param("scipy", marks=pytest.mark.slow)])
def test_no_dose_is_lost_where_the_solver_starts_again(
    scenario: Any, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is in the body is what was given, at every moment: nothing leaves it."""
    monkeypatch.setenv("IMMUNESIM_ENGINE", engine)
    question = scenario(RESTARTS.replace("k_clear = 0", 'k_clear = "0 1/h"'), end="12 h", every="0.05 h")
    run = sim.run(question, certify=False)
    volume = np.where(run.times < 7, 4.0, 8.0)
    given = 100.0 + 200.0 * (run.times >= 3) + 100.0 * (run.times >= 5) + 100.0 * (run.times >= 11.999999)
    given += np.clip((run.times - 4) / 3, 0, 1) * 100 + np.clip((run.times - 7) / 3, 0, 1) * 100
    given += np.searchsorted(np.arange(1, 101) / 10, run.times + 1e-12, side="right")
    np.testing.assert_allclose(run["drug"] * volume, given, rtol=1e-9)
    assert {row["dose"]: row["given"] for row in run.ledger}["often"] == 100
    assert all(row["remaining"] == 0 for row in run.ledger)
