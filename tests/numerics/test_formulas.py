"""Random formulas: generated Python, tapes, machine code and exported SBML against numbers of fifty digits."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from immunesim.experiments.scenario import Scenario
from immunesim.files.toml.scenario_file import read_scenario
from immunesim.model.expression import Apply, Expression, Name, Number
from immunesim.numerics.compiled.codegen import VectorEmitter
from immunesim.numerics.graph import LARGEST_RATIO
from immunesim.numerics.python_code import Emitter, define, indented
from immunesim.numerics.system import _SCALAR, System

from tests.numerics.compiled.small_programs import compiled

NAMES = ("x", "a", "p", "n")  # a signed state, an amount, two parameters
WITHIN = 1e-12  # of the largest intermediate value
MODEL = """
title = "Formulas"
time_unit = "h"
[species]
x = {{ label = "any number", unit = "1", initial = 1, scale = 1, signed = true }}
a = {{ label = "an amount", unit = "1", initial = 1, scale = 1 }}
[parameters]
p = {{ label = "p", value = {p!r}, unit = "1", source = "assumed", status = "assumed: an example" }}
n = {{ label = "n", value = {n!r}, unit = "1", source = "assumed", status = "assumed: an example" }}
k = {{ label = "k", value = 1, unit = "1/h", source = "assumed", status = "assumed: an example" }}
[reactions]
down = {{ equation = "x ->", rate = "k * (p + n + a)", source = "assumed" }}
[observables]
"""


def formulas() -> st.SearchStrategy[str]:
    """Text of formulas, parentheses everywhere."""
    numbers = st.sampled_from(["0", "1", "2", "0.5", "3", "-1", "-2.5", "1e3", "1e-3", "7"])
    leaf = st.one_of(st.sampled_from(NAMES), numbers)
    powers = st.sampled_from(
        ["-3", "-1", "0", "1", "2", "3", "5", "9", "20", "70", "0.5", "1.7", "-0.3", "n", "(n + 1)"]
    )

    def joined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        two = st.tuples(inner, inner)
        return st.one_of(
            st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
            st.tuples(inner, powers).map(lambda t: f"({t[0]})^{t[1]}"),
            st.tuples(st.sampled_from(["exp", "log", "sqrt"]), inner).map(lambda t: f"{t[0]}({t[1]})"),
            st.tuples(st.sampled_from(["abs", "floor", "log10", "sin", "cos"]), inner).map(lambda t: f"{t[0]}({t[1]})"),
            st.tuples(inner, st.sampled_from(["<", "<=", ">", ">="]), inner, two).map(
                lambda t: f"if({t[0]} {t[1]} {t[2]}, {t[3][0]}, {t[3][1]})"
            ),
            st.tuples(inner, st.sampled_from(["and", "or", "and not"]), two).map(
                lambda t: f"if({t[0]} > 1 {t[1]} {t[2][0]} < {t[2][1]}, {t[2][0]}, {t[0]})"
            ),
            st.tuples(st.sampled_from(["min", "max", "saturation"]), two).map(
                lambda t: f"{t[0]}({t[1][0]}, {t[1][1]})"
            ),
            st.tuples(st.sampled_from(["hill", "inhibition"]), two, powers).map(
                lambda t: f"{t[0]}({t[1][0]}, {t[1][1]}, {t[2]})"
            ),
        )

    return st.recursive(leaf, joined, max_leaves=8)


class Truth:
    """The value of a formula with fifty digits, the largest number on the way, and whether it hangs on rounding.

    Raises ArithmeticError or ValueError where there is no finite value, or where one rounding decides.
    """

    def __init__(self, tree: Expression, values: Mapping[str, float]) -> None:
        self.largest = 0.0
        self.noise = 0.0
        self.value = self.of(tree, values)
        for seed in range(3):
            self._random: random.Random | None = random.Random(seed)
            self.noise = max(self.noise, abs(float(self.of(tree, values) - self.value)))

    _random = None

    def of(self, tree: Expression, values: Mapping[str, float]) -> Any:
        if isinstance(tree, Number):
            return mpmath.mpf(tree.value)
        if isinstance(tree, Name):
            return mpmath.mpf(values[tree.id])
        assert isinstance(tree, Apply)
        if tree.op == "if":
            return self.of(tree.args[1 if self.holds(tree.args[0], values) else 2], values)
        args = [self.of(arg, values) for arg in tree.args]
        found = self._apply(tree, args)
        if self._random:
            found *= 1 + mpmath.mpf(self._random.uniform(-1, 1)) * 2e-16
        if not mpmath.isfinite(found) or abs(found) > 1e280 or 0 < abs(found) < 1e-280:
            raise ArithmeticError
        self.largest = max(self.largest, abs(float(found)))
        return found

    def holds(self, condition: Expression, values: Mapping[str, float]) -> bool:
        """Both branches are looked at, as a condition that cannot be computed there may hang on rounding too."""
        assert isinstance(condition, Apply)
        if condition.op in ("and", "or", "not"):
            parts = [self.holds(each, values) for each in condition.args]
            return not parts[0] if condition.op == "not" else all(parts) if condition.op == "and" else any(parts)
        a, b = (self.of(side, values) for side in condition.args)
        if abs(a - b) <= 1e-9 * max(abs(a), abs(b), 1):
            raise ValueError
        return bool(a > b)

    def _apply(self, tree: Apply, args: list[Any]) -> Any:
        x, *rest = args
        if tree.op == "floor" and abs(x - mpmath.nint(x)) <= 1e-9 * max(abs(x), 1):
            raise ValueError
        if tree.op in ("sin", "cos") and abs(x) > 1e6:
            raise ValueError
        if tree.op in ("hill", "inhibition", "saturation"):
            level, exponent = rest[0], rest[1] if len(rest) > 1 else mpmath.mpf(1)
            if tree.op == "saturation" and tree.args[0] == Name("a"):
                return x / (level + x)
            if level <= 0:
                raise ValueError
            # The ratio ends there by definition: the inverse of inhibition() shows it
            ratio = min(power(max(x / level, mpmath.mpf(0)), exponent), mpmath.mpf(LARGEST_RATIO))
            return 1 / (1 + ratio) if tree.op == "inhibition" else ratio / (1 + ratio)
        if tree.op in ("log", "log10") and x <= 0:
            raise ValueError
        simple: dict[str, Callable[..., Any]] = {
            "add": lambda a, b: a + b,
            "sub": lambda a, b: a - b,
            "mul": lambda a, b: a * b,
            "div": lambda a, b: a / b,
            "neg": lambda a: -a,
            "exp": lambda a: mpmath.exp(a) if abs(a) < 600 else mpmath.inf,
            "log": mpmath.log,
            "log10": mpmath.log10,
            "abs": abs,
            "floor": mpmath.floor,
            "sin": mpmath.sin,
            "cos": mpmath.cos,
            "sqrt": lambda a: power(a, mpmath.mpf("0.5")),
            "min": min,
            "max": max,
            "pow": power,
        }
        return simple[tree.op](*args)


def power(base: Any, exponent: Any) -> Any:
    if base == 0 and exponent < 0:
        raise ArithmeticError
    if base < 0 and exponent != mpmath.floor(exponent):
        raise ValueError
    if base != 0 and abs(exponent * mpmath.log(abs(base))) > 640:
        raise ArithmeticError
    return base**exponent


def scenario_of(texts: list[str], p: float, n: float, folder: Path) -> Scenario:
    rows = [f'f{i} = {{ label = "f{i}", unit = "1", value = "{text}" }}' for i, text in enumerate(texts)]
    (folder / "model.toml").write_text(MODEL.format(p=p, n=n) + "\n".join(rows))
    (folder / "q.toml").write_text('title = "q"\nmodel = "model.toml"\n[time]\nend = "1 h"\n')
    return read_scenario(folder / "q.toml")


def nodes_of(system: System) -> list[int]:
    """The formulas, and their derivatives by x and by a."""
    formulas_ = [system.names[name] for name in system.observables]
    slopes = [system.graph.derivative(node, system.symbols[by]) for node in formulas_ for by in "xa"]
    return [*formulas_, *slopes]


def by_python(system: System, points: Mapping[str, np.ndarray]) -> np.ndarray:
    """NaN where Python raises; there the solver takes a tape."""
    nodes, names = nodes_of(system), [*points]
    emitter = Emitter(system.graph, {system.symbols[name]: name for name in names})
    texts = emitter.emit(nodes)
    lines = [f"def f({', '.join(names)}):", *indented(emitter.lines, 1), f"    return [{', '.join(texts)}]"]
    function = define(lines, "f", dict(_SCALAR))
    rows = []
    for point in zip(*points.values(), strict=True):
        try:
            rows.append(function(*[float(each) for each in point]))
        except (ArithmeticError, ValueError):
            rows.append([math.nan] * len(nodes))
    return np.array(rows).T


def by_machine_code(system: System, points: Mapping[str, np.ndarray]) -> np.ndarray:
    nodes, found = nodes_of(system), {}

    def write(code, *vectors):
        leaves = zip([system.symbols[name] for name in points], vectors, strict=True)
        read = {node: (lambda vector=vector: vector) for node, vector in leaves}
        VectorEmitter(code, system.graph, read).emit(nodes, found.__setitem__)
        return [found[place] for place in range(len(nodes))]

    return compiled(write, len(points), 4, outputs=len(nodes))(*points.values())


def by_sbml(scenario: Scenario, points: Mapping[str, np.ndarray]) -> np.ndarray:
    from immunesim.files.formats.sbml.document import sbml_text

    from tests.files.test_sbml import loaded

    runner, rows = loaded(sbml_text(scenario)), []
    for x, a in zip(points["x"], points["a"], strict=True):
        runner.setValue("x", x)
        runner.setValue("a", a)
        rows.append([runner.getValue(name) for name in scenario.model.observables])
    return np.array(rows).T


def check_agreement(texts: list[str], xs: list[float], p: float, n: float, folder: Path, sbml: bool) -> None:
    scenario = scenario_of(texts, p, n, folder)
    amounts = np.abs(np.roll(xs, 1))
    points = {"x": np.array(xs), "a": amounts, "p": np.full(len(xs), p), "n": np.full(len(xs), n)}
    plain, shared = System(scenario.model), System(scenario.model, reciprocals=True)
    ways = {
        "tape": plain.evaluator(nodes_of(plain))(np.zeros(len(xs)), np.array([xs, amounts]).T, [p, n, 1.0]),
        "python": by_python(plain, points),
        "machine code": by_machine_code(shared, points),
    }
    if sbml:
        ways["SBML"] = by_sbml(scenario, points)
    trees = [scenario.model.observables[name].value for name in scenario.model.observables]
    for column, point in enumerate(zip(*points.values(), strict=True)):
        values = dict(zip(points, [float(each) for each in point], strict=True))
        for row, tree in enumerate(trees):
            try:
                truth = Truth(tree, values)
            except (ArithmeticError, ValueError):
                continue
            allowed = WITHIN * max(truth.largest, abs(truth.value), 1e-300) + 10 * truth.noise
            for way, found in ways.items():
                value = found[row, column]
                assert abs(value - float(truth.value)) <= allowed or (way == "python" and math.isnan(value)), (
                    way, texts[row], values, value, truth.value)  # fmt: skip
    check_slopes(ways, trees, points)


def check_slopes(ways: Mapping[str, np.ndarray], trees: list[Expression], points: Mapping[str, np.ndarray]) -> None:
    """Derivatives against differences with fifty digits, where these settle: not at a kink."""
    for column, point in enumerate(zip(*points.values(), strict=True)):
        values = dict(zip(points, [float(each) for each in point], strict=True))
        for row, tree in enumerate(trees):
            for place, by in enumerate("xa"):
                try:
                    wide, near = (difference(tree, values, by, step) for step in ("-1e-20", "1e-20"))
                    truth = Truth(tree, values)
                except (ArithmeticError, ValueError):
                    continue
                if abs(wide - near) > 1e-9 * max(abs(near), 1e-9) or truth.noise > 1e-9 * abs(truth.value):
                    continue
                size = max(abs(float(near)), truth.largest, 1e-9)
                for way, found in ways.items():
                    if way != "SBML":
                        slope = found[len(trees) + 2 * row + place, column]
                        good = abs(slope - float(near)) <= 1e-7 * size
                        assert good or (way == "python" and math.isnan(slope)), (way, by, tree, values, slope, near)


def difference(tree: Expression, values: Mapping[str, float], by: str, step: str) -> Any:
    """The difference quotient to one side; ArithmeticError or ValueError where one of the two has no value."""
    size = mpmath.mpf(step) * (1 + abs(values[by]))
    ends = []
    for move in (mpmath.mpf(0), size):
        reader = Truth.__new__(Truth)
        reader.largest = 0.0
        ends.append(reader.of(tree, {**values, by: values[by] + move}))
    return (ends[1] - ends[0]) / size


VALUES = st.one_of(
    st.sampled_from([0.0, 1.0, -1.0, 2.0, -3.0, 0.5]), st.floats(-50, 50).filter(lambda v: abs(v) > 1e-6)
)
POINTS = st.lists(VALUES, min_size=4, max_size=4)
PARAMETERS = st.tuples(VALUES, st.sampled_from([-2.0, -1.0, 0.0, 0.5, 1.0, 2.0, 3.0, 2.7, 4.0]))
TEXTS = st.lists(formulas(), min_size=5, max_size=5)


@pytest.fixture(autouse=True)
def fifty_digits():
    with mpmath.workdps(50):
        yield


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(texts=TEXTS, xs=POINTS, parameters=PARAMETERS)
def test_random_formulas_have_one_value(texts, xs, parameters, tmp_path) -> None:
    check_agreement(texts, xs, *parameters, tmp_path, sbml=False)


@pytest.mark.slow
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(texts=TEXTS, xs=POINTS, parameters=PARAMETERS)
def test_many_random_formulas_have_one_value_in_sbml_too(texts, xs, parameters, tmp_path) -> None:
    check_agreement(texts, xs, *parameters, tmp_path, sbml=True)


# what has to come out where arithmetic is at its limits, in every way of computing it

INF, NAN = math.inf, math.nan
LIMITS = [  # formula, x, p, n, value
    ("x^n", -3.0, 0.0, 2.0, 9.0),
    ("x^n", -3.0, 0.0, 3.0, -27.0),
    ("x^n", -4.0, 0.0, -1.0, -0.25),
    ("x^n", 0.0, 0.0, 0.0, 1.0),
    ("x^n", 0.0, 0.0, -1.0, INF),
    ("x^n", -3.0, 0.0, 0.5, NAN),
    ("x^10", -2.0, 0.0, 1.0, 1024.0),
    ("x^9", -2.0, 0.0, 1.0, -512.0),
    ("x^71", -1.0, 0.0, 1.0, -1.0),
    ("x^0.5", -1.0, 0.0, 1.0, NAN),
    ("sqrt(x)", -1.0, 0.0, 1.0, NAN),
    ("(2 * x - x)^(n + 1)", -3.0, 0.0, 1.0, 9.0),
    ("hill(x, p, 50)", 2e6, 1.0, 1.0, 1.0),
    ("hill(x, p, n)", 2e6, 1.0, 50.0, 1.0),
    ("hill(x, p, n)", 1e300, 1e-300, 50.0, 1.0),
    ("hill(x, p, 500)", 1.0, 2.0, 1.0, 0.0),
    ("hill(x, p, n)", -1.0, 2.0, 0.5, 0.0),
    ("hill(x, p, 2)", 1.0, 0.0, 1.0, 1.0),
    ("hill(x, p, 2)", 0.0, 0.0, 1.0, NAN),
    ("inhibition(x, p, n)", 2e6, 1.0, 60.0, 0.0),
    ("inhibition(x, p, n)", -5.0, 1.0, 3.0, 1.0),
    ("saturation(x, p)", 1e308, 1e308, 1.0, 0.5),
    ("saturation(x, p)", 1e300, 1e-300, 1.0, 1.0),
    ("saturation(x, p)", -0.5, 1.0, 1.0, 0.0),
    ("saturation(a, p)", -0.5, 1.0, 1.0, -1.0),
    ("a^0.5", -1e-12, 0.0, 1.0, 0.0),
    ("(a / 2 + x - x)^n", -1e-12, 0.0, 1.5, 0.0),
    ("max(a / a, 1)^0.5", -1e-12, 0.0, 1.0, 1.0),
    ("1 / x", 0.0, 0.0, 1.0, INF),
    ("x / p", 0.0, 0.0, 1.0, NAN),
    ("min(1 / x, 5)", 0.0, 0.0, 1.0, 5.0),
    ("exp(x)", 1e4, 0.0, 1.0, INF),
    ("1 / exp(x)", 1e4, 0.0, 1.0, 0.0),
    ("log(x)", 0.0, 0.0, 1.0, -INF),
    ("log(x)", -1.0, 0.0, 1.0, NAN),
    ("max(log(x), 1)", -1.0, 0.0, 1.0, NAN),
    ("max(1, log(x))", -1.0, 0.0, 1.0, NAN),
    ("min(log(x), 1)", -1.0, 0.0, 1.0, NAN),
    ("if(log(x) > p, 2, 3)", -1.0, 0.0, 1.0, 3.0),
    ("if(log(x) >= p, 2, 3)", -1.0, 0.0, 1.0, 3.0),
    ("if(p > log(x), 2, 3)", -1.0, 0.0, 1.0, 3.0),
    ("if(x > p, 2, 3)", 1.0, 1.0, 1.0, 3.0),
    ("if(x >= p, 2, 3)", 1.0, 1.0, 1.0, 2.0),
    ("if(x > 0, log(x), 0)", -1.0, 0.0, 1.0, 0.0),
    ("abs(x)", -0.5, 0.0, 1.0, 0.5),
    ("abs(log(x))", -1.0, 0.0, 1.0, NAN),
    ("floor(x)", -1.5, 0.0, 1.0, -2.0),
    ("floor(x)", 1e300, 0.0, 1.0, 1e300),
    ("floor(1 / x)", 0.0, 0.0, 1.0, INF),
    ("sin(x)", 100.0, 0.0, 1.0, math.sin(100.0)),
    ("sin(x)", -1e7, 0.0, 1.0, math.sin(-1e7)),
    ("sin(x)", 1e-200, 0.0, 1.0, 1e-200),
    ("cos(x)", 1e5, 0.0, 1.0, math.cos(1e5)),
    ("cos(x)", 0.0, 0.0, 1.0, 1.0),
    ("cos(1 / x)", 0.0, 0.0, 1.0, NAN),
]


def test_every_way_gives_the_same_at_the_limits(tmp_path: Path) -> None:
    """`a` has the value of `x`."""
    scenario = scenario_of([text for text, *_ in LIMITS], 1.0, 1.0, tmp_path)
    plain, shared = System(scenario.model), System(scenario.model, reciprocals=True)
    x, p, n = (np.array(column) for column in list(zip(*LIMITS, strict=True))[1:4])
    points = {"x": x, "a": x, "p": p, "n": n}
    machine = by_machine_code(shared, points)
    for i, (text, *at, value) in enumerate(LIMITS):
        node, states, parameters = plain.names[f"f{i}"], [at[0], at[0]], [*at[1:], 1.0]
        assert plain.evaluate([node], 0.0, states, parameters) == pytest.approx([value], nan_ok=True), text
        assert machine[i, i] == pytest.approx(value, nan_ok=True, rel=1e-12, abs=1e-100), text


def test_the_solvers_functions_take_a_tape_where_python_raises(tmp_path: Path) -> None:
    rates = ["k * min(1 / x, 5)", "k * hill(x, p, 0.5)", "k / p", "k * (x - 1)^n"]
    rows = [f'r{i} = {{ equation = "-> a", rate = "{rate}", source = "assumed" }}' for i, rate in enumerate(rates)]
    text = MODEL.format(p=1, n=1).replace("[observables]", "\n".join(rows))
    (tmp_path / "model.toml").write_text(text)
    (tmp_path / "q.toml").write_text('title = "q"\nmodel = "model.toml"\n[time]\nend = "1 h"\n')
    system = System(read_scenario(tmp_path / "q.toml").model)
    rhs, jacobian, _ = system.bind([2.0, 3.0, 1.0])
    assert rhs(0.0, np.array([0.0, 1.0])) == [-6.0, 5.0 + 0.0 + 0.5 - 1.0]
    assert np.isfinite(jacobian(0.0, np.array([0.0, 1.0]))[0]).all()
    rhs, jacobian, by_time = system.bind([0.0, 3.0, 1.0])  # k / p is what `bind` itself computes
    assert rhs(0.0, np.array([1.0, 1.0]))[1] == math.inf
    assert jacobian(0.0, np.array([1.0, 1.0])).shape == (2, 2)
    assert by_time is None
