"""No amount can be driven below zero, whatever the others are: where it is zero, its derivative is not negative."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from immunesim.files.toml.catalogue import builtin_models
from immunesim.files.toml.model_file import read_model
from immunesim.model.model import Model
from immunesim.numerics.system import System
from immunesim.numerics.trajectory import Array

SAMPLES = 3_000
WIDTH = 3.0  # decades below and above its scale in which a state is drawn
ABSENT, VARIED = 0.3, 0.7  # shares of the states that are zero, and of the parameters that differ from their value
ROUNDING = 1e-9  # of the scale, per unit of time
PARTS = {  # these are cells among those, so that they are zero where those are
    "T_active": ("T_active_CD4",),
    "T_memory": ("T_memory_CD4", "T_memory_recent"),
    "T_active_second": ("T_active_CD4_second",),
    "T_memory_second": ("T_memory_CD4_second", "T_memory_recent_second"),
}
NEVER_ZERO = {"affinity": 1.0}  # begins there and only rises


def drawn(model: Model) -> tuple[Array, Array]:
    """States, shape (samples, species), and parameters within their ranges, shape (parameters, samples)."""
    random = np.random.default_rng(0)
    wide = [random.uniform(*(each.range or (each.value, each.value)), SAMPLES) for each in model.parameters.values()]
    usual = np.array([[each.value] for each in model.parameters.values()])
    parameters = np.where(random.random((len(wide), SAMPLES)) < VARIED, np.array(wide), usual)
    scales = np.array([each.scale for each in model.species.values()])
    states = scales * 10 ** random.uniform(-WIDTH, WIDTH, (SAMPLES, len(scales)))
    shares = np.array([each.unit_text == "1" for each in model.species.values()])
    states = np.where(shares, random.uniform(0.0, 1.0, states.shape), states)
    states = np.where(random.random(states.shape) < ABSENT, 0.0, states)
    for place, name in enumerate(model.species):
        states[:, place] = np.maximum(states[:, place], NEVER_ZERO.get(name, 0.0))
    return states, parameters


def derivative_at_zero(system: System, name: str, states: Array, parameters: Array) -> Array:
    """Of the species `name`, in its scale per unit of time, with itself and what is a part of it at zero."""
    places = [system.species.index(each) for each in (name, *PARTS.get(name, ()))]
    states = states.copy()
    states[:, places] = 0.0
    times = np.linspace(0.0, 50.0, len(states))
    found: Array = system.rhs_along(times, states, parameters)[places[0]] / system.scales[places[0]]
    return found


def sinking(model: Model, names: Sequence[str]) -> dict[str, float]:
    """Those of the species whose derivative is negative, or has no value, at zero: the least that was found."""
    system, (states, parameters) = System(model), drawn(model)
    found = {name: derivative_at_zero(system, name, states, parameters).min() for name in names}
    return {name: float(least) for name, least in found.items() if not least > -ROUNDING}


def test_no_state_of_the_human_model_can_be_driven_below_zero() -> None:
    """Each sinking state was a fault: a share that is what others leave of one, a rise "beyond health" that is a
    difference, a rate that does not end with what it takes from."""
    model = read_model(builtin_models()["immune"])
    amounts = [each.id for each in model.species.values() if not each.signed]
    assert sinking(model, [name for name in amounts if name not in NEVER_ZERO]) == {}


SMALL = """\
schema = 1
title = "Two amounts"
time_unit = "d"

[species]
A = {{ label = "A", unit = "pM", initial = 0, scale = 1 }}
B = {{ label = "B", unit = "pM", initial = 0, scale = 1 }}

[parameters]
k_made = {{ label = "k", value = 1, unit = "pM/d", range = [0.5, 2], source = "assumed", status = "assumed: x" }}
k_lost = {{ label = "k", value = 1, unit = "1/d", range = [0.5, 2], source = "assumed", status = "assumed: x" }}
share_a = {{ label = "a", value = 0.5, unit = "1", range = [0.1, 0.8], source = "assumed", status = "assumed: x" }}
share_b = {{ label = "b", value = 0.1, unit = "1", range = [0.1, 0.3], source = "assumed", status = "assumed: x" }}

[reactions]
making = {{ label = "A is made", equation = "-> A", rate = "{rate}", source = "assumed" }}
loss = {{ label = "B is lost", equation = "B ->", rate = "k_lost * (share_a + share_b) * B", source = "assumed" }}
"""
FOUND = {  # a rate of a state that others decide, and whether zero is left by it downwards
    "k_made - k_lost * B": True,
    "k_made * (1 - share_a - share_b)": True,
    "k_made * (1 - share_a) * (1 - share_b)": False,
    "k_made - k_lost * A": False,
}


@pytest.mark.parametrize("rate", FOUND)
def test_a_rate_that_leads_below_zero_is_found(rate: str, tmp_path: Path) -> None:
    path = tmp_path / "small.toml"
    path.write_text(SMALL.format(rate=rate), encoding="utf-8")
    assert set(sinking(read_model(path), ["A"])) == ({"A"} if FOUND[rate] else set())
