"""Formulas: what is let through, what is refused and how, and what a formula is worth."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from immunesim.model.expression import (
    FUNCTIONS,
    Apply,
    Expression,
    FormulaError,
    Name,
    Number,
    is_identifier,
    names,
    parse,
    parse_measure,
    with_units,
)
from immunesim.model.units import UnitError, unit
from immunesim.numerics.graph import Graph
from immunesim.runtime.names import nearest


def value(tree: Expression, **given: float) -> float | None:
    """What a formula is worth, by the graph that the simulation uses."""
    graph = Graph()
    return graph.value_of(graph.add(tree, {name: graph.constant(number) for name, number in given.items()}))


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("1 + 2 * 3", 7.0),
        ("(1 + 2) * 3", 9.0),
        ("2^3", 8.0),
        ("2**3", 8.0),
        ("2^-2", 0.25),
        ("-2^2", -4.0),
        ("2^3^2", 512.0),
        ("8 / 4 / 2", 1.0),
        ("7 - 2 - 1", 4.0),
        ("--3", 3.0),
        ("+3", 3.0),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("x / y", 1.5),
        ("saturation(x, y)", 0.6),
        ("hill(x, y, 2)", 2.25 / 3.25),
        ("hill(x, y, 0.5)", 1.5**0.5 / (1 + 1.5**0.5)),
        ("inhibition(x, y, 2)", 1 / 3.25),
        ("hill(x, y, 3) + inhibition(x, y, 3)", 1.0),
        ("exp(0) + log(1)", 1.0),
        ("sqrt(x * x)", 3.0),
        ("min(x, y)", 2.0),
        ("max(x, y)", 3.0),
        ("1 +\n  2", 3.0),
        ("  x  ", 3.0),
        ("1_000", 1000.0),
    ],
)
def test_a_formula_is_worth(text: str, result: float) -> None:
    assert value(parse(text), x=3.0, y=2.0) == pytest.approx(result, rel=1e-14)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the formula is empty"),
        ("   ", "the formula is empty"),
        ("x.real", r"an attribute \(a dot\) is not part of the formula language"),
        ("x[0]", "an index in brackets is not part"),
        ("x[1:2]", "an index in brackets is not part"),
        ("x < 3", r"a comparison is no number: it stands in the condition of if\(condition, a, b\)"),
        ("x == 3", "a comparison is no number"),
        ("x and y", "'and'/'or' is no number"),
        ("if(x, 1, 2)", r"the condition of if\(\) compares two numbers"),
        ("if(x == 3, 1, 2)", "a condition compares by < <= > >="),
        ("if(x > 3, 1)", r"if\(\) takes 3 arguments, found 2"),
        ("1 if x > 3 else 2", "'if ... else' is not part"),
        ("not x", "'not x' is not part"),
        ("~x", "'~x' is not part"),
        ("2 * (x % 3)", "'x % 3' is not part"),
        ("é + ~(x^2)", r"'~\(x\^2\)' is not part"),
        ("~" * 900 + "x", r"'~+ \.\.\. \(861 characters more\) \.\.\. ~+x' is not part"),
        ("x if y else z", r"'if ... else' is not part"),
        ("lambda: 1", "a lambda is not part"),
        ("[x]", r"'\[x\]' is not part"),
        ("(x, y)", r"'\(x, y\)' is not part"),
        ("{x}", "'{x}' is not part"),
        ("{1: 2}", "'{1: 2}' is not part"),
        ("[x for x in y]", r"'\[x for x in y\]' is not part"),
        ("(x := 3)", "'x := 3' is not part"),
        ("f'{x}'", "is not part"),
        ("x // y", "is not part"),
        ("x % y", "is not part"),
        ("x @ y", "is not part"),
        ("x << 2", "is not part"),
        ("x | y", "is not part"),
        ("*x", "not a formula|is not part"),
        ("await x", "not a formula|is not part"),
        ("yield x", "not a formula|is not part"),
        ("'x'", r"text in quotes \('x'\) is not part of a rate law"),
        ("b'x'", "b'x' is not a number"),
        ("1j", "1j is not a number"),
        ("True", "True is not a number"),
        ("None", "None is not a number"),
        ("...", "Ellipsis is not a number"),
        ("1e999", "a number too large to be stored"),
        ("-1e999", "a number too large to be stored"),
        ("9" * 400, "a number too large to be stored"),
        ("9" * 1999, "a number too large to be stored"),
        ("x +", "not a formula: invalid syntax|not a formula near"),
        ("x y", "not a formula near column"),
        ("x = 3", "not a formula near column"),
        ("import os", "not a formula near column"),
        ("(x", "not a formula near column"),
        ("x)", "not a formula near column"),
        ("x\0", "not a formula"),
        ("$", "not a formula"),
        ("x; y", "not a formula"),
        ("# nothing", "not a formula"),
        ("__import__('os').system('true')", r"an attribute \(a dot\) cannot be called"),
        ("__import__('os')", "no function '__import__'"),
        ("eval('1')", "no function 'eval'"),
        ("pow(x, 2)", "no function 'pow'"),
        ("Exp(x)", r"no function 'Exp'; did you mean 'exp'\?; functions are abs, cos, exp, floor, hill, if"),
        ("saturaton(x, y)", r"no function 'saturaton'; did you mean 'saturation'\?"),
        ("exp()", r"exp\(\) takes 1 arguments, found 0"),
        ("hill(x, y)", r"hill\(\) takes 3 arguments, found 2"),
        ("min(x)", r"min\(\) takes 2 arguments, found 1"),
        ("min(x, y, z)", r"min\(\) takes 2 arguments, found 3"),
        ("exp(x=1)", r"exp\(\) (takes 1 arguments|has no option 'x')"),
        ("hill(x, y, n=2)", r"hill\(\) takes 3 arguments, found 2"),
        ("hill(x, y, 2, n=2)", r"hill\(\) has no option 'n'"),
        ("hill(*x)", r"hill\(\) takes 3 arguments, found 1"),
        ("exp(*x)", r"'\*x' is not part"),
        ("exp(x, **y)", r"exp\(\) has no option"),
        ("(lambda: 1)()", "a lambda cannot be called"),
        ("exp(1)(2)", "a call cannot be called"),
        ("x" * 2001, "a formula may have 2000 characters, this one has 2001"),
        ("(" * 61 + "x" + ")" * 61, "parentheses nested deeper than 60"),
        ("-" * 400 + "x", "a formula nested deeper than 240"),
        ("+".join(["x"] * 400), "a formula nested deeper than 240"),
        ("exp(" * 61 + "x" + ")" * 61, "parentheses nested deeper than 60"),
        ("[" * 500 + "]" * 500, "not a formula|is not part"),
    ],
)
def test_what_is_outside_the_language_is_refused(text: str, message: str) -> None:
    with pytest.raises(FormulaError, match=message):
        parse(text)


def test_a_tower_of_powers_is_read_without_being_computed() -> None:
    tree = parse("9**9**9**9")
    assert tree == Apply("pow", (Number(9), Apply("pow", (Number(9), Apply("pow", (Number(9), Number(9)))))))
    assert not math.isfinite(value(tree))


def test_the_deepest_formula_allowed_can_be_read_and_computed() -> None:
    assert value(parse("(" * 60 + "x" + ")" * 60), x=2.0) == 2.0
    assert value(parse("+".join(["x"] * 240)), x=1.0) == 240.0


@pytest.mark.parametrize("word", ["x", "IL2_plasma", "T", "a1", "K_"])
def test_a_word_that_can_name_something(word: str) -> None:
    assert is_identifier(word)


@pytest.mark.parametrize(
    "word",
    ["", "1x", "_x", "a b", "a-b", "exp", "hill", "time", "é", "x\n", "lambda", "and", "if", "in", "None", "True"],
)
def test_a_word_that_cannot_name_anything(word: str) -> None:
    assert not is_identifier(word)


def test_names_come_from_left_to_right_with_repeats() -> None:
    assert list(names(parse("k * A^2 + hill(B, K, n) - A"))) == ["k", "A", "B", "K", "n", "A"]


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("IL-2", "; did you mean 'IL2'?"),
        ("il_2", "; did you mean 'IL2'?"),
        ("tumor", "; did you mean 'tumour'?"),
        ("zzz", ""),
    ],
)
def test_the_nearest_known_name(word: str, hint: str) -> None:
    assert nearest(word, ["IL2", "tumour", "T_active"]) == hint


def test_options_and_quotes_belong_to_measures_only() -> None:
    functions = {"at": (2, 2)}
    assert parse_measure("at(x, '5 d', arm='a')", functions).options == (("arm", "a"),)
    for text, message in {
        "at(x, '5 d', arms='a')": r"at\(\) has no option 'arms' \(only arm='...'\)",
        "at(x, '5 d', arm=a)": "must be a name in quotes",
        "at(x)": "takes 2 arguments, found 1",
        "exp(x)": "no function 'exp'",
    }.items():
        with pytest.raises(FormulaError, match=message):
            parse_measure(text, functions)


# Random formulas, written in our language and in Python's.

NUMBERS = st.floats(min_value=0.01, max_value=100, allow_nan=False).map(lambda x: round(x, 3))
VALUES = {"x": 1.7, "y": 0.3, "z_2": 12.5}
PYTHON = {
    "saturation": lambda x, half: x / (half + x),
    "hill": lambda x, half, n: (x / half) ** n / (1 + (x / half) ** n),
    "inhibition": lambda x, half, n: 1 / (1 + (x / half) ** n),
    "exp": math.exp,
    "log": math.log,
    "sqrt": math.sqrt,
    "min": min,
    "max": max,
    "abs": abs,
    "floor": math.floor,
    "log10": math.log10,
    "sin": math.sin,
    "cos": math.cos,
    "if": lambda condition, a, b: a if condition else b,
}


def _grow(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pair = st.tuples(inner, inner)
    return st.one_of(
        st.tuples(pair, st.sampled_from([" + ", " - ", "*", " / "])).map(lambda p: f"({p[0][0]}{p[1]}{p[0][1]})"),
        st.tuples(pair, st.sampled_from(["+", "-", "*", "/"])).map(lambda p: f"{p[0][0]} {p[1]} {p[0][1]}"),
        inner.map(lambda a: f"-{a}"),
        st.tuples(inner, st.sampled_from(["2", "3", "-1", "0.5", "1.5"])).map(lambda p: f"max({p[0]}, 0.1)**{p[1]}"),
        pair.map(lambda p: f"saturation(max({p[0]}, 0.1), max({p[1]}, 0.2))"),
        st.tuples(st.sampled_from(["hill", "inhibition"]), inner, inner, st.sampled_from(["1", "2", "2.5", "y"])).map(
            lambda p: f"{p[0]}(max({p[1]}, 0.1), max({p[2]}, 0.2), {p[3]})"
        ),
        inner.map(lambda a: f"exp(min({a}, 5))"),
        st.tuples(st.sampled_from(["log", "sqrt"]), inner).map(lambda p: f"{p[0]}(max({p[1]}, 0.1))"),
        st.tuples(st.sampled_from(["min", "max"]), inner, inner).map(lambda p: f"{p[0]}({p[1]}, {p[2]})"),
        st.tuples(st.sampled_from(["abs", "floor", "sin", "cos"]), inner).map(lambda p: f"{p[0]}({p[1]})"),
    )


FORMULAS = st.recursive(st.one_of(NUMBERS.map(repr), st.sampled_from(sorted(VALUES))), _grow, max_leaves=12)


@given(FORMULAS)
def test_a_random_formula_is_worth_what_python_says(text: str) -> None:
    try:
        expected = eval(text, {"__builtins__": {}}, {**PYTHON, **VALUES})  # our own text, made above
    except (ArithmeticError, ValueError):
        return
    if isinstance(expected, complex) or not math.isfinite(expected):
        return
    found = value(parse(text), **VALUES)
    scale = max(1.0, abs(expected))
    assert abs(found - expected) <= 1e-9 * scale or abs(expected) > 1e6


@given(FORMULAS)
def test_spaces_and_the_caret_change_nothing(text: str) -> None:
    assert parse(f"\n  {text.replace('**', '^').replace(' ', '  ')}  ") == parse(text)


@given(st.text(max_size=60))
def test_random_text_is_a_formula_or_refused(text: str) -> None:
    try:
        tree = parse(text)
    except FormulaError:
        return
    assert isinstance(tree, (Number, Name, Apply))


PIECES = [*"x()+*^/-,'\"[].=#:{}@%é²\\\0 \n\t", "**", "1e9", "0x", "1_", "exp(", "hill(", "min"]
PIECES += ["lambda", "if", "if(", "else", "for", "in", "not", "and", ">", "<="]


@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join))
def test_pieces_of_the_language_in_any_order_are_a_formula_or_refused(text: str) -> None:
    try:
        tree = parse(text)
    except FormulaError:
        return
    assert all(isinstance(name, str) for name in names(tree))


CHOICES = [  # formula, and its value for x = 2, y = 3
    ("if(x > 1, x, y)", 2.0),
    ("if(x > 2, x, y)", 3.0),
    ("if (x >= 2, x, y)", 2.0),
    ("if(x < y, 10, 20) + 1", 11.0),
    ("if(y <= x, 10, 20)", 20.0),
    ("if(1 < x < 3, 10, 20)", 10.0),
    ("if(x > 5 or y > 2 and not x > 3, 10, 20)", 10.0),
    ("if((x > 5 or y > 2) and x > 3, 10, 20)", 20.0),
    ("if(not (x > 5 or y > 5), 10, 20)", 10.0),
    ("if(x > 1, if(y > 5, 1, 2), 3)", 2.0),
    ("log10(x * 50)", 2.0),
    ("abs(x - y) + floor(-x / 4)", 0.0),
]


@pytest.mark.parametrize(("text", "expected"), CHOICES)
def test_a_formula_chooses_by_a_condition(text: str, expected: float) -> None:
    assert value(parse(text), x=2.0, y=3.0) == pytest.approx(expected, rel=1e-15, abs=1e-15)


def test_units_of_choices() -> None:
    units = {"a": unit("nM"), "b": unit("pM"), "t": unit("h")}
    tree, found = with_units(parse("if(a > b, a, b)"), units)
    assert found == unit("nM")
    assert value(tree, a=1.0, b=900.0) == 1.0
    assert value(tree, a=1.0, b=1100.0) == pytest.approx(1.1)
    for text, message in (
        ("if(a > t, 1, 2)", "a comparison joins"),
        ("if(a > b, a, t)", "if() joins"),
        ("if(a > 3, 1, 2)", "a comparison joins"),
        ("floor(a)", "floor() needs a pure number"),
        ("sin(t)", "sin() needs a pure number"),
    ):
        with pytest.raises(UnitError, match=re.escape(message)):
            with_units(parse(text), units)
    assert with_units(parse("if(a > 0, a, 0)"), units)[1] == unit("nM")


def test_every_function_is_covered_above() -> None:
    assert set(PYTHON) == set(FUNCTIONS)
