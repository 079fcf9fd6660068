"""Who acts on whom: every sign against the exact Jacobian, and the loops that follow."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.io.catalogue import builtin_models
from simulator.io.model_file import read_model
from simulator.model.monotone import BOTH, DOWN, UP
from simulator.model.wiring import wiring_of
from simulator.numerics.system import System

STATES = 300
NOISE = 1e-9  # of what cancels within an entry


def states_of(system, shares, random):
    """A state anywhere it may be: over eight decades, shares between 0 and 1."""
    state = system.scales * 10 ** random.uniform(-4, 4, len(system.species))
    for i, name in enumerate(system.species):
        if name in shares:
            state[i] = random.uniform(0, 1)
        if system.model.species[name].signed:
            state[i] *= random.choice([-1, 1])
    return state


@pytest.mark.parametrize("name", builtin_models())
def test_no_sign_contradicts_the_jacobian_and_no_entry_is_without_an_influence(name):
    model = read_model(builtin_models()[name])
    system, wiring = System(model), wiring_of(model)
    signs = {(each.target, each.source): each.sign for each in wiring.influences}
    nodes = {
        (target, source): [system.graph.slope(part, system.symbols[source]) for part in parts.values()]
        for target, parts in system.parts.items()
        for source in system.species
    }
    asked = [(pair, node) for pair, parts in nodes.items() for node in parts]
    parameters = [each.value for each in model.parameters.values()]
    random = np.random.default_rng(5)
    seen = set()
    for _ in range(STATES):
        values = dict.fromkeys(nodes, 0.0)
        sizes = dict.fromkeys(nodes, 0.0)
        state = states_of(system, wiring.shares, random)
        found = system.evaluate([node for _, node in asked], random.uniform(0, 100), state, parameters)
        for (pair, _), value in zip(asked, found, strict=True):
            values[pair] += value
            sizes[pair] += abs(value)
        for (target, source), value in values.items():
            if abs(value) <= NOISE * sizes[target, source] or not np.isfinite(value):
                continue
            seen.add((target, source))
            if target == source:
                continue
            sign = signs.get((target, source), 0)
            assert sign & (UP if value > 0 else DOWN), f"{source} -> {target}: {sign}, but {value}"
    assert {pair for pair in signs if pair not in seen and signs[pair] != BOTH} <= set(signs)
