"""Formulas as MathML: read back by an evaluator of its own, they give the numbers of the formula."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from collections.abc import Mapping

import numpy as np
import pytest
from immunesim.files.toml.catalogue import builtin_models
from immunesim.files.toml.model_file import read_model
from immunesim.model.expression import Apply, Expression, Name, Number, names, parse
from immunesim.views.text import mathml


def spoken(name: str) -> str:
    """A name without its underscores, as it stands in a formula."""
    return name.replace("_", " ")


def python(element: ET.Element, known: Mapping[str, str]) -> str:
    """What is drawn, as a Python expression; `known` names what `spoken` names stand for."""
    inner = list(element)
    match element.tag:
        case "mrow" if [inner[0].text, inner[-1].text] == ["|", "|"]:
            return f"abs({''.join(python(each, known) for each in inner[1:-1])})"
        case "math" | "mrow":
            return "".join(python(each, known) for each in inner)
        case "mfrac":
            return f"(({python(inner[0], known)})/({python(inner[1], known)}))"
        case "msup":
            return f"(({python(inner[0], known)})**({python(inner[1], known)}))"
        case "msqrt":
            return f"sqrt({''.join(python(each, known) for each in inner)})"
        case "msub":
            return known[f"{inner[0].text} {inner[1].text}"]
        case "mi":
            return known.get(element.text or "", {"ln": "log"}.get(element.text or "", element.text or ""))
        case "mn":
            return element.text or ""
        case "mo":
            return {"·": "*", "×": "*", "−": "-"}.get(element.text or "", element.text or "")
    raise AssertionError(element.tag)


def drawn_value(markup: str, values: Mapping[str, float]) -> float:
    known = {spoken(name): f"v[{name!r}]" for name in values} | {"t": "v['time']"}
    code = python(ET.fromstring(markup), known)
    return eval(
        code, {"v": values, "exp": math.exp, "log": math.log, "sqrt": math.sqrt, "min": min, "max": max, "abs": abs}
    )


def value(tree: Expression, values: Mapping[str, float]) -> float:
    if isinstance(tree, Number):
        return tree.value
    if isinstance(tree, Name):
        return values[tree.id]
    assert isinstance(tree, Apply)
    a = [value(arg, values) for arg in tree.args]
    return {
        "add": lambda: a[0] + a[1],
        "sub": lambda: a[0] - a[1],
        "mul": lambda: a[0] * a[1],
        "div": lambda: a[0] / a[1],
        "neg": lambda: -a[0],
        "abs": lambda: abs(a[0]),
        "pow": lambda: a[0] ** a[1],
        "exp": lambda: math.exp(a[0]),
        "log": lambda: math.log(a[0]),
        "sqrt": lambda: math.sqrt(a[0]),
        "min": lambda: min(a),
        "max": lambda: max(a),
        "saturation": lambda: a[0] / (a[1] + a[0]),
        "hill": lambda: (a[0] / a[1]) ** a[2] / (1 + (a[0] / a[1]) ** a[2]),
        "inhibition": lambda: 1 / (1 + (a[0] / a[1]) ** a[2]),
    }[tree.op]()


@pytest.mark.parametrize(
    "text",
    [
        "a - (b + c)", "a - (b - c)", "a + (b - c)", "-(a + b)", "a * -b", "a - -b", "a / b / c", "a / (b / c)",
        "a * (b + c)", "(a / b) ^ 2", "a ^ b ^ c", "(a ^ b) ^ c", "(a + b) ^ -c", "2 ^ (a - b)", "-a ^ 2", "(-a) ^ 2",
        "1.5e-7 * a", "(2e9) ^ a", "hill(a, b, c)", "hill(a_x, b, 1)", "inhibition(a, b + c, 2)",
        "saturation(a * b, c)", "sqrt(a + b) * 2", "a * abs(b - c)", "sqrt(a) + abs(a - b) ^ 2",
        "max(a, min(b, c - a))", "exp(-a) + log(b)", "-1e-3 * a", "a * (b / c)", "time * a",
    ],
)  # fmt: skip
def test_a_formula_is_drawn_as_it_is_computed(text: str) -> None:
    values = {"a": 1.7, "b": 0.6, "c": 2.3, "a_x": 0.4, "time": 3.1}
    tree = parse(text)
    assert drawn_value(mathml.math(mathml.formula(tree)), values) == pytest.approx(value(tree, values), rel=1e-9)


@pytest.mark.parametrize("name", ["immune", "reynolds_2006", "hayashi_2007"])
def test_every_derivative_and_observable_of_a_model_is_drawn_as_it_is_computed(name: str) -> None:
    model = read_model(builtin_models()[name])
    random = np.random.default_rng(7)
    every = [*model.species, *model.parameters, *model.observables, "time"]
    values = dict(zip(every, random.uniform(0.5, 2, len(every)).tolist(), strict=True))
    compared = 0
    for observable, tree in model.laws.observables.items():
        try:
            wanted = value(tree, values)
        except ValueError:  # at these values it has none
            continue
        drawn = drawn_value(mathml.math(mathml.formula(tree)), values)
        assert drawn == pytest.approx(wanted, rel=1e-4, abs=1e-4), observable
        compared += 1
    assert compared >= 0.9 * len(model.laws.observables)
    for species, changes in model.laws.changes.items():
        terms = [mathml.term(c, model.laws.rates[r], number == 0) for number, (r, c) in enumerate(changes)]
        parts = [value(c, values) * value(model.laws.rates[r], values) for r, c in changes]
        if terms:
            drawn = drawn_value(mathml.math(*terms), values)
            assert drawn == pytest.approx(sum(parts), rel=1e-4, abs=1e-4 * max(map(abs, parts))), species


def test_names_have_the_rest_as_an_index_and_are_escaped() -> None:
    assert (
        mathml.formula(Name("k_T_division")) == '<msub><mi mathvariant="normal">k</mi><mtext>T division</mtext></msub>'
    )
    assert "time" in names(parse("time")) or mathml.formula(Name("time")) == "<mi>t</mi>"
    assert mathml.derivative("IL2").startswith("<mfrac>")
