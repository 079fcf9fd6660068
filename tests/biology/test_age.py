"""Age and sex as knobs: a healthy person of every age and sex is at rest, and cells change with them as published."""

from __future__ import annotations

import numpy as np
import pytest
from immunesim import Model, read_model
from immunesim.files.toml.catalogue import builtin_models
from immunesim.numerics.parameter_formulas import initial_values
from immunesim.numerics.system import System


@pytest.fixture(scope="module")
def model() -> Model:
    return read_model(builtin_models()["immune"])


def _start(model: Model, age: float, sex: float = 0.5) -> tuple[dict[str, float], float]:
    """The initial values at an age in years and a sex from 0 to 1, and the fastest state in its scales per day."""
    patient = {"patient_age": age, "patient_sex": sex}
    values = {name: parameter.value for name, parameter in model.parameters.items()} | patient
    initial, system = initial_values(model, values), System(model)
    derivative, *_ = system.bind(list(values.values()))
    slopes = np.abs(np.array(derivative(0.0, np.array(list(initial.values())))) / system.scales)
    return initial, float(slopes.max())


@pytest.mark.parametrize("age", [5, 20, 60, 100])
def test_a_healthy_person_is_at_rest_at_every_age(model: Model, age: float) -> None:
    _, slope = _start(model, age)
    assert slope < 1e-9


@pytest.mark.parametrize("sex", [0, 1])
def test_a_healthy_person_is_at_rest_whatever_the_sex(model: Model, sex: float) -> None:
    _, slope = _start(model, 40, sex)
    assert slope < 1e-9


def test_women_have_more_naive_cells_and_fewer_natural_killer_cells(model: Model) -> None:
    woman, man = _start(model, 40, 1)[0], _start(model, 40, 0)[0]
    assert woman["T_naive"] > man["T_naive"]
    assert woman["NK_cells"] == pytest.approx(0.79 * man["NK_cells"])


def test_naive_cells_give_way_to_memory_cells(model: Model) -> None:
    young, old = _start(model, 20)[0], _start(model, 80)[0]
    assert old["T_naive"] < 0.5 * young["T_naive"]
    assert old["T_bystander"] > young["T_bystander"]
    assert old["T_precursors"] / old["T_naive"] == pytest.approx(young["T_precursors"] / young["T_naive"])
