"""Signs of formulas: never one that a derivative contradicts."""

from __future__ import annotations

import math

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from immunesim.model.causal.sign import Sign
from immunesim.model.causal.sign_analysis import SignAnalysis
from immunesim.model.expression import Apply, Name, Number, parse
from immunesim.numerics.graph import OPERATIONS, Graph

INTERVALS = {"x": (0.0, math.inf), "y": (0.0, math.inf), "s": (0.0, 1.0), "z": (-math.inf, math.inf)}
KNOWN = {"k": 2.0, "n": 3.0}
NOISE = 1e-9


def sign(text, name="x"):
    analysis = SignAnalysis(INTERVALS, KNOWN)
    return analysis.sign(analysis.derivative(analysis.sum_of(parse(text)), name))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("k * x", Sign.RAISES),
        ("k - x", Sign.LOWERS),
        ("if(x > k, y, 0)", Sign.RAISES),
        ("if(x > k, 0, y)", Sign.LOWERS),
        ("if(not x > k and y < 3, y, 0)", Sign.LOWERS),
        ("if(y > k, x, 2 * x)", Sign.RAISES),
        ("if(y > k, x, -x)", Sign.EITHER),
        ("if(x > y, z, 0)", Sign.EITHER),
        ("if(y > k, 3, z)", 0),
        ("abs(x)", Sign.RAISES),
        ("abs(-x) + x", Sign.RAISES),
        ("abs(z - x)", Sign.EITHER),
        ("floor(2 * x)", Sign.RAISES),
        ("log10(x + 1)", Sign.RAISES),
        ("sin(x)", Sign.EITHER),
        ("2 * x + cos(x)", Sign.RAISES),
        ("y", 0),
        ("x * y - y * x", 0),
        ("saturation(x, k)", Sign.RAISES),
        ("saturation(y, x)", Sign.LOWERS),
        ("hill(x, y, n)", Sign.RAISES),
        ("inhibition(x, k, n)", Sign.LOWERS),
        ("x * inhibition(x, k, 1)", Sign.RAISES),
        ("x * inhibition(x, k, 2)", Sign.EITHER),
        ("x * (1 - s)", Sign.RAISES),
        ("x * (1 - y)", Sign.EITHER),
        ("x + s * (k - x)", Sign.RAISES),
        ("1 - (1 - s) * (1 - saturation(x, k))", Sign.RAISES),
        ("k * s * x + k * (1 - s) * x - k * x", 0),
        ("x / (x + y)", Sign.RAISES),
        ("y / (x + y)", Sign.LOWERS),
        ("(y + x) / (k + y + x)", Sign.RAISES),
        ("x / (1 + (x / k) ^ 4) ^ 0.25", Sign.RAISES),
        ("max(x - y, 0)", Sign.RAISES),
        ("min(k, y - x)", Sign.LOWERS),
        ("exp(-x)", Sign.LOWERS),
        ("log(1 + x)", Sign.RAISES),
        ("sqrt(x)", Sign.RAISES),
        ("x ^ n", Sign.RAISES),
        ("x * z", Sign.EITHER),
        ("x * z ^ 2", Sign.RAISES),
        ("1 / (1 + x)", Sign.LOWERS),
        ("x * (1 - x)", Sign.EITHER),
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
        ones = ["neg", "exp", "log", "sqrt", "abs", "floor", "log10", "sin", "cos"]
        one = st.builds(lambda op, a: Apply(op, (a,)), st.sampled_from(ones), inner)
        choice = st.builds(
            lambda op, a, b, c, d: Apply("if", (Apply(op, (a, b)), c, d)),
            st.sampled_from(["above", "not_below"]),
            *[inner] * 4,
        )
        return st.one_of(two, two, three, power, one, choice)

    return st.recursive(leaf, joined, max_leaves=10)


@settings(max_examples=500)
@given(tree=trees(), seed=st.integers(0, 2**31))
def test_no_derivative_contradicts_a_sign(tree, seed):
    """Random formulas at random points: the exact derivative, where it is a number that rounding cannot have made."""
    analysis = SignAnalysis(INTERVALS, KNOWN)
    found = analysis.sign(analysis.derivative(analysis.sum_of(tree), "x"))
    if found == Sign.EITHER:
        return
    graph = Graph()
    symbols = {name: graph.symbol(name) for name in INTERVALS}
    names = symbols | {name: graph.constant(value) for name, value in KNOWN.items()}
    formula = graph.add(tree, names)
    node = graph.derivative(formula, symbols["x"])
    random = np.random.default_rng(seed)
    for _ in range(20):
        point = {"x": 10 ** random.uniform(-2, 2), "y": 10 ** random.uniform(-2, 2), "s": random.uniform(0, 1)}
        point["z"] = random.normal() * 3
        derivative, largest = derivative_at(graph, formula, node, {symbols[name]: each for name, each in point.items()})
        if math.isfinite(derivative) and abs(derivative) > NOISE * largest:
            assert found & (Sign.RAISES if derivative > 0 else Sign.LOWERS), (tree, point, derivative)


def derivative_at(graph, formula, node, values):
    """The value of a derivative, NaN where its formula has none, and the largest number on the way to it, beside which
    rounding counts."""
    for each in graph.needed([formula, node]):
        found = graph.nodes[each]
        if found.op == "constant":
            values[each] = found.value
        elif found.op != "symbol":
            values[each] = OPERATIONS[found.op](*[values[arg] for arg in found.args])
    if any(math.isnan(value) for value in values.values()):
        return math.nan, 1.0
    return values[node], max(1.0, *(abs(value) for value in values.values() if math.isfinite(value)))
