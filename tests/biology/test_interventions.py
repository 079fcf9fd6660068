"""Knockouts, blocks and doses of the models that come with us: they do what their names say, in every model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from immunesim import read_model, read_scenario
from immunesim.experiments.run import ArmResult, run
from immunesim.files.toml.catalogue import builtin_models, builtin_scenarios

from tests.slow import thinned

MODELS = {name: read_model(path) for name, path in builtin_models().items()}
QUESTION = "acute_infection"
IMMUNE = MODELS["immune"].interventions
DUST = 1e-9  # of a species' scale: what a solver leaves of nothing
KNOCKED = sorted(name for name, each in IMMUNE.items() if each.knockout)
KNOCKED.sort(key=lambda name: name != "IL1")  # whose program is that of other tests
BLOCKED = sorted(name for name, each in IMMUNE.items() if each.block or each.remaining)
GIVEN = sorted(name for name, each in IMMUNE.items() if each.dose)

# what is gone with it besides what a dose of it would raise: species and observables, and from which day on
GONE = {
    "T_cells": (["T_naive", "T_active", "T_memory", "T_bystander", "T_self"], 0.0),
    "CD4_cells": (["T_active_CD4", "T_memory_CD4"], 0.0),
    "CD8_cells": (["T_active_CD8", "T_memory_CD8"], 0.01),  # differences of two states, which rounding leaves
    "B_cells": (["B_active", "B_memory", "antibody", "antibody_IgM"], 0.0),
    "macrophages": (["M_active", "IL1"], 0.0),  # other cells make the TNF of health
    "T_regulatory": (["T_regulatory"], 3.0),
    "stop_signal": (["stop_signal"], 5.0),
    "IL1": (["IL1_inside"], 0.0),
    "IL3": (["IL3_near_mast"], 0.0),
    "IL4": (["IL4_near_B", "IL4_near_Th2"], 0.0),
    "NK_cells": (["NK_cells"], 0.0),
    "CD25": (["soluble_CD25", "CD25_free"], 0.0),
}
# what has no level of its own, and what falls without it
FALLS = {"CTLA4": "stop_heard"}
# a dose of a messenger, and what it moves
EFFECTS = {
    "IL1": ("IL1 100 ng/kg at 20 d over 1 h", "temperature"),
    "IL2": ("IL2 18 MIU into skin at 20 d every 1 d x 5", "T_regulatory"),
    "IL3": ("IL3 250 ug/m2 into skin at 20 d every 1 d x 10", "neutrophils_marrow"),
    "IL4": ("IL4 15 ug/kg at 20 d every 8 h x 9", "vascular_leak"),
    "TNF": ("TNF 10 ug/kg at 20 d over 4 h", "temperature"),
    "IL6": ("IL6 10 ug/kg at 20 d over 4 h", "CRP"),
    "IL10": ("IL10 25 ug/kg at 20 d", "M_damping"),
}


def simulated(arm: str = "main", **asked: Any) -> ArmResult:
    scenario = read_scenario(builtin_scenarios()[QUESTION], **asked)
    result = run(scenario, certify=False, arms=[arm])
    assert result.ok, result.arms[arm].trajectory.outcome
    return result.arms[arm]


@pytest.fixture(scope="module")
def described() -> ArmResult:
    return simulated()


@pytest.mark.parametrize("arm", thinned(["main", "uninfected"], every=2))
@pytest.mark.parametrize("name", thinned(KNOCKED, every=24))
def test_what_is_knocked_out_is_gone_in_health_and_in_an_infection(name: str, arm: str) -> None:
    trajectory = simulated(arm, knockout=(name,)).trajectory
    for each, values in trajectory.values.items():
        assert np.isfinite(values).all(), each
    for species in MODELS["immune"].species.values():
        assert species.signed or trajectory[species.id].min() > -1e-6 * species.scale, species.id
    others, since = GONE.get(name, ([], 0.0))
    names = [*IMMUNE[name].dose.values(), *others]
    if name in FALLS:
        assert trajectory[FALLS[name]][0] < 0.9 * simulated(arm).trajectory[FALLS[name]][0]
    else:
        assert names
    for each in names:
        scale = MODELS["immune"].species[each].scale if each in MODELS["immune"].species else 1.0
        least = 0.05 if since else DUST
        assert abs(trajectory[each][trajectory.times >= since]).max() <= least * scale, each


@pytest.mark.parametrize("question", ["mast_cell_growth", "anaphylaxis"])
@pytest.mark.parametrize("name", thinned(sorted(EFFECTS), every=8))
def test_a_messenger_that_is_knocked_out_is_gone_in_allergy(name: str, question: str) -> None:
    """Where Th2 cells and armed basophils make it too."""
    scenario = read_scenario(builtin_scenarios()[question], knockout=name)
    result = run(scenario, certify=False, arms=["main"])
    assert result.ok
    trajectory = result.arms["main"].trajectory
    assert all(np.isfinite(values).all() for values in trajectory.values.values())
    for each in IMMUNE[name].dose.values():
        assert abs(trajectory[each]).max() <= DUST * MODELS["immune"].species[each].scale, each


@pytest.mark.parametrize("name", thinned(sorted(EFFECTS), every=8))
def test_a_dose_of_what_is_knocked_out_works_and_of_what_is_blocked_does_not(name: str) -> None:
    """The infection is left out: what is moved rests but for the dose."""
    dose, moved = EFFECTS[name]
    effects = {}
    for kind, asked in (("out", {"knockout": (name,)}), ("blocked", {"block": {name: "100%"}})):
        without, given = simulated("uninfected", **asked), simulated("uninfected", **asked, add=(dose,))
        assert max(given.trajectory[each].max() for each in IMMUNE[name].dose.values()) > 1
        times, times_given = without.trajectory.times, given.trajectory.times
        still = np.interp(times_given, times, without.trajectory[moved])
        effects[kind] = float(abs(given.trajectory[moved] / still - 1).max())
    assert effects["out"] > 0.005
    assert effects["blocked"] < effects["out"] / 100


@pytest.mark.parametrize("name", thinned(BLOCKED, every=10))
def test_a_block_of_0_changes_nothing_and_one_of_100_percent_is_the_arm_whose_share_is_1(
    name: str, described: ArmResult
) -> None:
    same = simulated(block={name: "0 %"}).trajectory
    assert all((same[each] == values).all() for each, values in described.trajectory.values.items())
    each = IMMUNE[name]
    share = {str(each.block): "1"} if each.block else {str(each.remaining): "0"}
    full = simulated(block={name: "100%"}).trajectory
    scenario = read_scenario(builtin_scenarios()[QUESTION], set=share)
    by_hand = run(scenario, certify=False, arms=["main"]).arms["main"].trajectory
    assert all((full[each] == values).all() for each, values in by_hand.values.items())


@pytest.mark.parametrize(("name", "arm"), [("IL1", "without_IL1"), ("IL2", "without_IL2"), ("IL4", "without_IL4")])
def test_a_full_block_is_the_arm_that_the_scenario_has_for_it(name: str, arm: str) -> None:
    full, shipped = simulated(block={name: "1"}).trajectory, simulated(arm).trajectory
    assert all((full[each] == values).all() for each, values in shipped.values.items())


@pytest.mark.parametrize("name", thinned(GIVEN, every=12))
def test_every_route_of_a_dose_takes_an_amount(name: str) -> None:
    """In the unit of what it goes to: an amount where there is no volume, else a level."""
    for route, target in IMMUNE[name].dose.items():
        unit = MODELS["immune"].unit_text(target)
        words = f"{name} 1 {unit}{f' into {route}' if route else ''} at 1 d"
        assert simulated(add=(words,)).trajectory[target].max() > 0


PUBLISHED = [
    (model, name)
    for model, each in MODELS.items()
    for name, intervention in each.interventions.items()
    if intervention.knockout and model not in ("immune", "core")
]


@pytest.mark.parametrize(("model", "name"), PUBLISHED)
def test_a_knockout_of_a_published_model_leaves_none_but_what_is_given(model: str, name: str) -> None:
    path = next(path for path in builtin_scenarios().values() if f'model = "{model}"' in path.read_text())
    (target,) = MODELS[model].interventions[name].dose.values()
    unit, scale = MODELS[model].unit_text(target), MODELS[model].species[target].scale
    scenario = read_scenario(path)
    half = f"{scenario.end / 2} {MODELS[model].time_unit_text}"
    found = {}
    for kind, add in (("out", ()), ("given", (f"{name} {10 * scale} {unit} at {half}",))):
        result = run(read_scenario(path, knockout=name, add=add), certify=False, arms=["main"])
        assert result.ok
        trajectory = result.arms["main"].trajectory
        found[kind] = trajectory[target][trajectory.times >= scenario.end / 2]
    assert abs(found["out"]).max() < 1e-6 * scale
    assert found["given"].max() == pytest.approx(10 * scale, rel=1e-6)


def test_a_knockout_is_a_knob_of_the_patient_or_its_word_is_known() -> None:
    """What no scenario turns may be turned by a word alone."""
    model = MODELS["immune"]
    others = {p for each in IMMUNE.values() for p in each.knockout if not model.parameters[p].knob}
    assert others == {"B_frequency", "tumour_regulatory"}
