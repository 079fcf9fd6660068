"""How many states the human model has, and which fact needs each beyond 150."""

from __future__ import annotations

import pytest
from immunesim.experiments.run import run
from immunesim.experiments.solving import Certify
from immunesim.files.toml.catalogue import builtin_models, builtin_scenarios
from immunesim.files.toml.model_file import read_model
from immunesim.files.toml.scenario_file import read_scenario

from tests.needed import facts_lost, facts_met

MOST = 150
BEYOND = {
    "IL2_arousal": "autoimmune_patients/psoriasis_flares",
    "IL2_pyrogen": "hiv_il2/fever",
    "NK_away": "natural_killer_cells/leave_blood",
    "bone_eroded": "rheumatoid_arthritis/erosion",
    "steroid": "steroid_counts/T_cells_24h",
}


def test_states_beyond_150_are_each_named_with_a_fact() -> None:
    species = read_model(builtin_models()["immune"]).species
    assert set(BEYOND) <= set(species)
    assert len(species) <= MOST + len(BEYOND)


@pytest.mark.slow
@pytest.mark.parametrize("state", BEYOND)
def test_the_fact_is_not_met_without_the_state(state: str) -> None:
    fact = BEYOND[state]
    name = fact.split("/")[0]
    scenario = read_scenario(builtin_scenarios()[name])
    met = facts_met(name, run(scenario, Certify.OFF))
    assert fact in met
    assert fact in facts_lost(state, scenario, name, met)
