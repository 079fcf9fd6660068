"""The small model: small, at rest when left alone, and the human model's in every name and number that both have."""

from __future__ import annotations

import pytest
from immunesim import Model, read_model, read_scenario
from immunesim.experiments.run import run
from immunesim.files.toml.catalogue import builtin_models, builtin_scenarios

from tests.biology.rest import assert_stays_at_rest
from tests.simulated import bundled

CORE, IMMUNE = (read_model(builtin_models()[name]) for name in ("core", "immune"))
ONLY_CORE = {"K_antigen_M", "IL2_absorption_whole"}  # parameters
SAME_LAWS = [
    *("M_tires", "M_calmed", "M_active_turnover", "IL1_making", "IL1_loss", "IL2_into_plasma"),
    *("IL2_pulse", "IL2_from_effectors", "IL2_fades", "antigen_fades", "T_dies", "T_remembers"),
    *("T_regulatory_growth", "T_regulatory_turnover", "T_regulatory_removed"),
    *("stop_signal_fading", "T_self_death", "antibody_loss", "IL2_free", "IL2_plasma_rest", "T_strength", "T_signal"),
    *("stop_brake", "pressure_share", "blood_pressure"),
]
KNOCKED = {"IL1": 1e-6, "IL2": 1e-6, "T_regulatory": 0.5, "stop_signal": 1e-6}  # of which little is left: how little


def units(model: Model) -> dict[str, str]:
    return {name: model.unit_text(name) for name in (*model.species, *model.observables)}


def test_it_is_small() -> None:
    assert len(builtin_models()["core"].read_text(encoding="utf-8").splitlines()) < 150
    assert len(CORE.species) <= 15


def test_its_numbers_are_those_of_the_human_model() -> None:
    assert {name for name in CORE.parameters if name not in IMMUNE.parameters} == ONLY_CORE
    for name in CORE.parameters.keys() - ONLY_CORE:
        assert CORE.parameters[name] == IMMUNE.parameters[name]  # label, value, unit, range, source, status
    assert {name: CORE.substances[name] == IMMUNE.substances[name] for name in CORE.substances} == dict.fromkeys(
        CORE.substances, True
    )


def test_its_names_mean_what_they_mean_in_the_human_model() -> None:
    here, there = units(CORE), units(IMMUNE)
    both = here.keys() & there.keys()
    assert len(both) > 35
    assert {name: here[name] for name in both} == {name: there[name] for name in both}
    declared = {**IMMUNE.observables, **IMMUNE.species}
    labels = {name for name, each in CORE.species.items() if each.label != declared[name].label}
    assert labels == {"antibody"}  # of any class here, IgG there


NO_STEROIDS = ("steroid_permits_M * ", ""), ("steroid_permits_T * ", "")


def law(model: Model, name: str) -> str:
    """A formula in the names that both models have: here one man of 70 kg, one clone, no steroids, no CD4 cells apart,
    CD25 induced at once."""
    text = model.reactions[name].rate_text if name in model.reactions else model.observables[name].text
    one_clone = "T_secreting_again", "T_again_secreting * T_drive * T_active"
    one_man = ("_70kg", ""), ("pace * ", ""), ("IL2_arousal", "IL2_strong"), ("_CD8", "")
    for old, new in (*one_man, one_clone, *NO_STEROIDS):
        text = text.replace(old, new)
    return text


@pytest.mark.parametrize("name", SAME_LAWS)
def test_a_law_that_is_the_same_stays_the_same(name: str) -> None:
    """Where the human model has a new law the small one follows, or says in its limitations what it leaves out."""
    assert law(CORE, name) == law(IMMUNE, name)


def test_the_numbers_that_it_alone_has_follow_from_those_of_the_human_model() -> None:
    value = {name: parameter.value for name, parameter in {**IMMUNE.parameters, **CORE.parameters}.items()}
    share = value["K_pathogen_M"] / value["pathogen_capacity"]  # of cells infected, at the pathogen that counts half
    sheds = share * value["antigen_made"] / value["antigen_decay"]  # ng/mL/d x d = ng/mL
    assert value["K_antigen_M"] == pytest.approx(sheds)
    assert value["IL2_absorption_whole"] == pytest.approx(value["IL2_absorption"] / 2)


def test_a_healthy_person_is_at_rest_and_stays_there_for_ten_years() -> None:
    assert_stays_at_rest(CORE, years=10, slope=1e-12, change=1e-9)


@pytest.mark.parametrize("name", KNOCKED)
def test_what_is_knocked_out_is_gone(name: str) -> None:
    scenario = read_scenario(builtin_scenarios()["core_memory"], knockout=(name,))
    trajectory = run(scenario, certify=False, arms=["main"]).arms["main"].trajectory
    assert abs(trajectory[name][trajectory.times > 10]).max() < KNOCKED[name]


def test_every_knob_is_turned_by_an_intervention_or_a_scenario() -> None:
    turned = {"body_weight", "body_surface", "fluids"}  # for doses, and as in the human model
    turned |= {name for each in CORE.interventions.values() for name in (*each.knockout, each.block)}
    for scenario in bundled():
        if scenario.model_name == "core":
            for arm in scenario.arms:
                turned |= {name for name, value in arm.parameters.items() if value != CORE.parameters[name].value}
    assert {name for name, parameter in CORE.parameters.items() if parameter.knob} <= turned
