"""`python -m tests.needed [STATE ...]`: which published facts need a state of the human model.

Each state (all without a name) is kept at its initial value, all else as it is, and every scenario in which it moves
is run again; printed are the facts that are met with it and not without. Facts that are set aside are left out. A
state takes one to three minutes of one processor, the scenarios as they are one more.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from immunesim.experiments.run import RunResult, run
from immunesim.experiments.scenario import Scenario
from immunesim.experiments.solving import Certify
from immunesim.files.toml.catalogue import builtin_scenarios
from immunesim.files.toml.scenario_file import read_scenario
from immunesim.model.declarations import Reaction
from immunesim.model.expression import Apply, Number
from immunesim.model.model import Model

MODEL = "immune"
MOVES = 1e-6  # of the scale of a state, or of its value at the start


def without(model: Model, state: str) -> Model:
    """The model in which nothing changes `state`; whatever else a reaction changes goes on."""

    def still(reaction: Reaction) -> Reaction:
        others = tuple(each for each in reaction.stoichiometry if each[0] != state)
        if others or not reaction.stoichiometry:
            return reaction._replace(stoichiometry=others)
        return reaction._replace(rate=Apply("mul", (Number(0.0), reaction.rate)))  # its names stay used

    return replace(model, reactions={name: still(each) for name, each in model.reactions.items()})


def facts_met(name: str, result: RunResult) -> set[str]:
    """The published facts, by ``scenario/expectation``, that a run of the scenario `name` meets."""
    return {
        f"{name}/{each.expectation.id}"
        for each in result.verdicts
        if each.expectation.topic and not each.expectation.set_aside and each.met
    }


def moving(result: RunResult) -> set[str]:
    """The states that leave their initial value in some arm."""
    model = result.scenario.model
    found = set()
    for arm in result.arms.values():
        for name, species in model.species.items():
            values = arm.trajectory[name]
            if np.abs(values - values[0]).max() > MOVES * max(species.scale, abs(float(values[0]))):
                found.add(name)
    return found


def main(states: Sequence[str]) -> None:
    scenarios: dict[str, tuple[Scenario, set[str], set[str]]] = {}
    for name, path in builtin_scenarios().items():
        scenario = read_scenario(path)
        if scenario.model_name == MODEL and any(each.topic for each in scenario.expectations):
            result = run(scenario, Certify.OFF)
            scenarios[name] = scenario, facts_met(name, result), moving(result)
    model = next(iter(scenarios.values()))[0].model
    if wrong := [state for state in states if state not in model.species]:
        sys.exit(f"no states of the model {MODEL}: {', '.join(wrong)}")
    for state in states or model.species:
        lost: set[str] = set()
        for name, (scenario, met, moves) in scenarios.items():
            if state in moves and met:
                lost |= facts_lost(state, scenario, name, met)
        print(f"{state:28} {len(lost):3}  {', '.join(sorted(lost)[:6])}", flush=True)


def facts_lost(state: str, scenario: Scenario, name: str, met: set[str]) -> set[str]:
    """Those of `met`, the facts that the scenario `name` meets, that are not met where nothing changes `state`."""
    result = run(replace(scenario, model=without(scenario.model, state)), Certify.OFF)
    return met - facts_met(name, result)


if __name__ == "__main__":
    main(sys.argv[1:])
