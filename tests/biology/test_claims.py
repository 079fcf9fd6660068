"""What the evidence is sorted by: topics, claims and rules are declared, and used as they are meant."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator

from immunesim import read_model
from immunesim.experiments.scenario import Expectation
from immunesim.files.toml.catalogue import BIOLOGY, builtin_models

from tests.simulated import bundled

DECLARED = tomllib.loads((BIOLOGY / "claims.toml").read_text(encoding="utf-8"))


def expectations() -> Iterator[tuple[str, Expectation]]:
    for scenario in bundled():
        for expectation in scenario.expectations:
            yield f"{scenario.id}/{expectation.id}", expectation


def test_topics_claims_and_rules_are_declared() -> None:
    for key in ("topic", "claim", "rule"):
        used = {name: getattr(each, key) for name, each in expectations() if getattr(each, key)}
        assert {name: word for name, word in used.items() if word not in DECLARED[f"{key}s"]} == {}


def test_every_published_fact_says_by_which_rule_its_interval_came_about() -> None:
    assert [name for name, each in expectations() if each.topic and not each.rule] == []


def test_at_least_eighty_published_facts_are_held_against_the_model() -> None:
    assert sum(bool(each.topic) for _, each in expectations()) >= 80


def test_no_expectation_is_there_twice() -> None:
    names = [name for name, _ in expectations()]
    assert len(names) == len(set(names))


def test_scenarios_of_the_human_model_turn_knobs_only() -> None:
    """Everybody has the same body: only patient, disease and treatment differ."""
    human = [scenario for scenario in bundled() if scenario.model_name == "immune"]
    assert len(human) >= 95
    for scenario in human:
        parameters = scenario.model.parameters
        for arm in scenario.arms:
            turned = {name for name, value in arm.parameters.items() if value != parameters[name].value}
            turned |= {name for change in arm.changes for name in change.parameters}
            assert {name for name in turned if not parameters[name].knob} == set(), (scenario.id, arm.name)
            assert dict(arm.initial) == {}, (scenario.id, arm.name)


def test_at_most_one_in_five_of_the_parameters_is_assumed() -> None:
    model = read_model(builtin_models()["immune"])
    body = [parameter for parameter in model.parameters.values() if not parameter.knob]
    assert sum(parameter.assumed for parameter in body) <= len(body) / 5
