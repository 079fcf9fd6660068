"""The human model: at rest when left alone, and true only because of its mechanisms."""

from __future__ import annotations

import pytest
from immunesim import Model, read_model, read_scenario
from immunesim.experiments.measures import arms_of
from immunesim.experiments.run import run
from immunesim.files.toml.catalogue import builtin_models, builtin_scenarios

from tests.biology.rest import assert_stays_at_rest
from tests.slow import thinned

YEARS = 5


@pytest.fixture(scope="module")
def model() -> Model:
    return read_model(builtin_models()["immune"])


def test_a_healthy_person_is_at_rest_and_stays_there_for_five_years(model: Model) -> None:
    assert_stays_at_rest(model, years=YEARS, slope=1e-9, change=1e-6)


def test_the_four_interleukins_are_there_in_picomolar(model: Model) -> None:
    assert {name: model.species[name].unit_text for name in ("IL1", "IL2", "IL3", "IL4")} == dict.fromkeys(
        ("IL1", "IL2", "IL3", "IL4"), "pM"
    )


# What is taken out, and one expectation that must then be missed.
TAKEN_OUT = {
    "macrophages make no IL-1": ("acute_infection", {"IL1_per_cell": "0 fg/cell/d"}, "IL1_helps"),
    "T cells make no IL-4": ("acute_infection", {"IL4_per_cell": "0 pg/cell/d"}, "IL4_drives_B"),
    "T cells do not kill": ("acute_infection", {"kill_by_T": "0 uL/cell/d"}, "cleared"),
    "no T cell becomes memory": ("acute_infection", {"T_to_memory": "0"}, "memory"),
    "no B cell becomes memory": (
        "reinfection",
        {"B_to_memory": "0", "centre_output": "0 1/d", "T_to_memory": "0", "T_CD4_to_memory": "0"},
        "less_pathogen",
    ),
    "B cells keep to IgM": ("acute_infection", {"B_switching": "0"}, "IgM_appears"),
    "no plasma cell is long-lived": ("antibody_for_years", {"B_to_marrow": "0", "centre_to_marrow": "0"}, "years"),
    "vessels do not widen": ("il2_therapy", {"dilatation_most": "0"}, "pressure"),
    "T cells spare the tumour": ("il2_therapy", {"tumour_kill_T": "0 uL/cell/d"}, "tumour_responds"),
    "cells do not take IL-2 up": ("low_dose_il2", {"IL2_uptake": "0 1/h"}, "exposure_falls"),
    "no CD4 cell lasts": ("hiv_il2", {"CD4_expansion": "0 1/d"}, "CD4_doubles"),
    "no T cell divides on self antigen": ("stop_signal_missing", {"T_self_growth": "0"}, "self_damage"),
    "antigen never outweighs the stop signal": ("false_alarm", {"stop_resistance": "0"}, "damage_lasts"),
}


@pytest.mark.parametrize("mechanism", thinned(TAKEN_OUT, every=20))
def test_evidence_turns_red_without(mechanism: str) -> None:
    name, settings, expected = TAKEN_OUT[mechanism]
    scenario = read_scenario(builtin_scenarios()[name], set=settings)
    expectation = next(each for each in scenario.expectations if each.id == expected)
    assert not expectation.missed  # that it is met otherwise is a test of every scenario
    arms = {*arms_of(expectation.measure), *expectation.breaks_in}
    verdicts = run(scenario, certify=False, arms=sorted(arms)).verdicts
    without = {each.expectation.id: each.met for each in verdicts}
    assert not without[expected]
