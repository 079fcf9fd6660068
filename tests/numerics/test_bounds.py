"""What the form of a formula shows of its value, and that zero times what has no value is not zero."""

from __future__ import annotations

import numpy as np
import pytest
from immunesim import read_model
from immunesim.files.toml.catalogue import builtin_models
from immunesim.model.expression import TIME, parse
from immunesim.numerics.graph import Graph
from immunesim.numerics.system import System
from immunesim.numerics.tape import Tape

from tests.slow import thinned

ROUNDING = 1e-9
POINTS = 40


@pytest.mark.parametrize("name", thinned(builtin_models(), every=4))
def test_every_node_lies_within_its_bounds(name: str) -> None:
    system = System(read_model(builtin_models()[name]))
    random, graph = np.random.default_rng(6), system.graph
    nodes = graph.needed([*system.rhs, *system.names.values()])
    values: dict[str, object] = {each.id: each.value for each in system.model.parameters.values()}
    values[TIME] = random.uniform(0.0, 100.0, POINTS)
    for each in system.model.species.values():
        drawn = each.scale * 10 ** random.uniform(-3.0, 3.0, POINTS)
        values[each.id] = drawn - each.scale if each.signed else np.where(random.random(POINTS) < 0.3, 0.0, drawn)
    with np.errstate(all="ignore"):
        found = Tape(graph, nodes).evaluate(values, POINTS)
    for node, row in zip(nodes, found, strict=True):
        low, high, finite = graph.bounds(node)
        assert np.isfinite(row).all() or not finite, (graph.nodes[node], row)
        known = row[np.isfinite(row)]
        assert (known >= low - ROUNDING * (1 + abs(low))).all(), (graph.nodes[node], known.min(), low)
        assert (known <= high + ROUNDING * (1 + abs(high))).all(), (graph.nodes[node], known.max(), high)


QUOTIENTS = {  # formula of the amounts A, B and the parameter K, and whether it vanishes with A
    "A / (K + B)": True,
    "A / B": False,
    "A * (K / B)": False,
    "A * B": True,
    "A * log(B)": False,
    "A * log(K + B)": True,
    "A * B ^ 0.5": True,
    "A * B ^ -0.5": False,
    "A / (1 - (1 - K) * (B / (K + B)))": True,
    "A / (1 - B / (K + B))": False,
    "A / max(B, K)": True,
    "A / min(B, K)": False,
    "A * sqrt(B - K)": False,
    "A * sqrt(max(B - K, 0))": True,
    "A / exp(B - K)": True,
    "saturation(A, B)": False,
    "saturation(A, K)": True,
}


@pytest.mark.parametrize("text", QUOTIENTS)
def test_zero_times_or_over_what_may_have_no_value_is_not_zero(text: str) -> None:
    graph = Graph()
    names = {
        "A": graph.constant(0.0),
        "B": graph.symbol("B", amount=True),
        "K": graph.symbol("K", usual=0.3),
    }
    assert (graph.value_of(graph.add(parse(text), names)) == 0.0) is QUOTIENTS[text]
