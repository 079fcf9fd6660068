"""Matter is kept when it moves between two volumes."""

from __future__ import annotations

import pytest
from immunesim.model.declarations import ModelError

from tests.systems import make_model, simulate

SPECIES = {"A": ("mg/L", 1, 1), "B": ("mg/L", 0, 1)}
PARAMETERS = {"V1": (1.0, "L"), "V2": (100.0, "L"), "k": (1.0, "1/h"), "Q": (1.0, "L/h")}
VOLUMES = {"A": "V1", "B": "V2"}


def test_a_rate_per_volume_between_two_volumes_is_refused() -> None:
    parameters = {name: PARAMETERS[name] for name in ("V1", "V2", "k")}
    with pytest.raises(ModelError, match=r"between different volumes \(A in V1, B in V2\) does not conserve matter"):
        make_model(SPECIES, parameters, {"move": ("A -> B", "k * A")}, volume_of=VOLUMES)


def test_a_rate_in_amount_per_time_keeps_the_amount() -> None:
    parameters = {name: PARAMETERS[name] for name in ("V1", "V2", "Q")}
    model = make_model(SPECIES, parameters, {"move": ("A -> B", "Q * A")}, volume_of=VOLUMES)
    trajectory = simulate(model, 50.0, [0.0, 50.0])
    assert trajectory["A"][-1] * 1.0 + trajectory["B"][-1] * 100.0 == pytest.approx(1.0, rel=1e-6)


def test_a_rate_per_volume_within_one_volume_is_right() -> None:
    parameters = {name: PARAMETERS[name] for name in ("V1", "k")}
    model = make_model(SPECIES, parameters, {"turn": ("A -> B", "k * A")}, volume_of={"A": "V1", "B": "V1"})
    trajectory = simulate(model, 5.0, [0.0, 5.0])
    assert trajectory["A"][-1] + trajectory["B"][-1] == pytest.approx(1.0, rel=1e-6)


def test_a_volume_is_above_zero() -> None:
    with pytest.raises(ModelError, match="a volume must be above zero"):
        make_model(
            {"A": ("mg/L", 1, 1)}, {"V": (0.0, "L"), "k": (1.0, "1/h")}, {"r": ("A ->", "k * A")}, volume_of={"A": "V"}
        )
