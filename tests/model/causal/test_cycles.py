"""The search for cycles against all permutations of small graphs, and the algebra of signs."""

from __future__ import annotations

from itertools import pairwise, permutations

import numpy as np
import pytest
from immunesim.model.causal.cycles import cycles
from immunesim.model.causal.sign import Sign, chained

NAMES = "abcdef"


def random_graph(seed: int) -> dict[str, dict[str, float]]:
    random = np.random.default_rng(seed)
    return {
        source: {target: float(10 ** random.uniform(-2, 0.5)) for target in NAMES if random.random() < 0.6}
        for source in NAMES
    }


def every_cycle(
    graph: dict[str, dict[str, float]], shortest: int, longest: int, weakest: float
) -> set[tuple[str, ...]]:
    """The cycles through "a" whose gain is nowhere on the way below `weakest`."""
    found = set()
    for length in range(shortest, longest + 1):
        for others in permutations(NAMES[1:], length - 1):
            steps = list(pairwise(("a", *others, "a")))
            if all(target in graph[source] for source, target in steps):
                gains = np.cumprod([graph[source][target] for source, target in steps])
                if (gains >= weakest).all():
                    found.add(("a", *others))
    return found


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("shortest", "longest", "weakest"), [(2, 6, 0.0), (3, 4, 0.0), (5, 5, 0.0), (2, 6, 0.05)])
def test_every_cycle_is_found_once_and_no_other(seed: int, shortest: int, longest: int, weakest: float) -> None:
    graph = random_graph(seed)
    found = list(cycles(graph, "a", shortest, longest, weakest))
    assert len(found) == len(set(found))
    assert set(found) == every_cycle(graph, shortest, longest, weakest)
    assert found or longest == 5


def test_a_name_without_steps_is_on_no_cycle() -> None:
    assert list(cycles({"b": {"a": 1.0}}, "a")) == []
    assert list(cycles({}, "a")) == []
    assert list(cycles({"a": {"a": 1.0}}, "a")) == []  # an effect on itself is no loop of two


SAMPLES = {Sign.NONE: [0], Sign.RAISES: [2], Sign.LOWERS: [-3], Sign.EITHER: [2, -3]}


@pytest.mark.parametrize("one", SAMPLES)
@pytest.mark.parametrize("other", SAMPLES)
def test_signs_in_series_and_side_by_side_are_those_of_products_and_of_either_value(one: Sign, other: Sign) -> None:
    def sign_of(values: list[int]) -> Sign:
        found = Sign.NONE
        for value in values:
            found |= Sign.RAISES if value > 0 else Sign.LOWERS if value < 0 else Sign.NONE
        return found

    assert chained(one, other) == sign_of([a * b for a in SAMPLES[one] for b in SAMPLES[other]])
    assert one | other == sign_of(SAMPLES[one] + SAMPLES[other])
