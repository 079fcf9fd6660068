"""Signs of formulas: never one that a slope contradicts."""

from __future__ import annotations

import math

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from immunesim.model.causal.signs import BOTH, DOWN, UP, Monotone
from immunesim.model.expression import Apply, Name, Number, parse
from immunesim.numerics.graph import OPERATIONS, Graph

INTERVALS = {"x": (0.0, math.inf), "y": (0.0, math.inf), "s": (0.0, 1.0), "z": (-math.inf, math.inf)}
KNOWN = {"k": 2.0, "n": 3.0}
NOISE = 1e-9


def sign(text, name="x"):
    monotone = Monotone(INTERVALS, KNOWN)
    return monotone.sign(monotone.slope(monotone.sum_of(parse(text)), name))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("k * x", UP),
        ("k - x", DOWN),
        ("y", 0),
        ("x * y - y * x", 0),
        ("saturation(x, k)", UP),
        ("saturation(y, x)", DOWN),
        ("hill(x, y, n)", UP),
        ("inhibition(x, k, n)", DOWN),
        ("x * inhibition(x, k, 1)", UP),
        ("x * inhibition(x, k, 2)", BOTH),
        ("x * (1 - s)", UP),
        ("x * (1 - y)", BOTH),
        ("x + s * (k - x)", UP),
        ("1 - (1 - s) * (1 - saturation(x, k))", UP),
        ("k * s * x + k * (1 - s) * x - k * x", 0),
        ("x / (x + y)", UP),
        ("y / (x + y)", DOWN),
        ("(y + x) / (k + y + x)", UP),
        ("x / (1 + (x / k) ^ 4) ^ 0.25", UP),
        ("max(x - y, 0)", UP),
        ("min(k, y - x)", DOWN),
        ("exp(-x)", DOWN),
        ("log(1 + x)", UP),
        ("sqrt(x)", UP),
        ("x ^ n", UP),
        ("x * z", BOTH),
        ("x * z ^ 2", UP),
        ("1 / (1 + x)", DOWN),
        ("x * (1 - x)", BOTH),
    ],
)
def test_the_sign_of_a_form(text, expected):
    assert sign(text) == expected


def trees():
    leaf = st.sampled_from([*map(Name, ("x", "y", "s", "z", "k", "n")), Number(0.5), Number(1.0), Number(2.0)])

    def joined(inner):
        two = st.builds(
            lambda op, a, b: Apply(op, (a, b)),
            st.sampled_from(["add", "sub", "mul", "div", "min", "max", "saturation"]),
            inner,
            inner,
        )
        three = st.builds(
            lambda op, a, b, n: Apply(op, (a, b, Number(n))),
            st.sampled_from(["hill", "inhibition"]),
            inner,
            inner,
            st.sampled_from([1.0, 2.0, 3.5]),
        )
        power = st.builds(lambda a, n: Apply("pow", (a, Number(n))), inner, st.sampled_from([0.5, 2.0, 3.0, -1.0]))
        one = st.builds(lambda op, a: Apply(op, (a,)), st.sampled_from(["neg", "exp", "log", "sqrt"]), inner)
        return st.one_of(two, two, three, power, one)

    return st.recursive(leaf, joined, max_leaves=10)


@settings(max_examples=500)
@given(tree=trees(), seed=st.integers(0, 2**31))
def test_no_slope_contradicts_a_sign(tree, seed):
    """Random formulas at random points: the exact slope, where it is a number that rounding cannot have made."""
    monotone = Monotone(INTERVALS, KNOWN)
    said = monotone.sign(monotone.slope(monotone.sum_of(tree), "x"))
    if said == BOTH:
        return
    graph = Graph()
    symbols = {name: graph.symbol(name) for name in INTERVALS}
    names = symbols | {name: graph.constant(value) for name, value in KNOWN.items()}
    formula = graph.add(tree, names)
    node = graph.slope(formula, symbols["x"])
    random = np.random.default_rng(seed)
    for _ in range(20):
        point = {"x": 10 ** random.uniform(-2, 2), "y": 10 ** random.uniform(-2, 2), "s": random.uniform(0, 1)}
        point["z"] = random.normal() * 3
        slope, largest = slope_at(graph, formula, node, {symbols[name]: each for name, each in point.items()})
        if math.isfinite(slope) and abs(slope) > NOISE * largest:
            assert said & (UP if slope > 0 else DOWN), (tree, point, slope)


def slope_at(graph, formula, node, values):
    """The value of a slope, NaN where its formula has none, and the largest number on the way to it, beside which
    rounding counts."""
    for each in graph.needed([formula, node]):
        found = graph.nodes[each]
        if found.op == "constant":
            values[each] = found.value
        elif found.op != "symbol":
            try:
                values[each] = OPERATIONS[found.op](*[values[arg] for arg in found.args])
            except (ArithmeticError, ValueError):
                values[each] = math.nan
    if any(math.isnan(value) for value in values.values()):
        return math.nan, 1.0
    return values[node], max(1.0, *(abs(value) for value in values.values() if math.isfinite(value)))
