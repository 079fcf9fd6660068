"""Measures against closed forms, and the language they are written in."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from immunesim.experiments.measured import measure
from immunesim.experiments.measures import FUNCTIONS, read_measure
from immunesim.model.expression import FormulaError
from immunesim.model.units import UnitError, dimension_text, unit
from immunesim.numerics.pieces import Pieces, pieces_through, points_of
from immunesim.numerics.trajectory import Outcome, Trajectory, Undefined

from tests.systems import make_model

MODEL = make_model(
    {"A": ("pM", 0, 1), "IL_2": ("pM", 0, 1), "zero": ("cells/uL", 0, 1)},
    {"k": (1.0, "1/h")},
    {"r": ("A -> IL_2", "k * A"), "s": ("zero ->", "k * zero")},
    observables={"double": ("nM", "2 * A")},
    time_unit="h",
)
TIMES = np.linspace(0, 10, 1001)


@dataclass
class Drawn:
    """Curves that are known at the saved points and nowhere else."""

    at: np.ndarray
    curves: dict[str, np.ndarray]

    def times(self) -> np.ndarray:
        return self.at

    def values(self, name: str) -> np.ndarray:
        return self.curves[name]

    def pieces(self, names: Sequence[str]) -> list[Pieces]:
        jumps = np.flatnonzero(np.diff(self.at) == 0) + 1
        count = len(self.at)
        starts = np.array([0, *jumps] if count else [], dtype=int)
        parts = points_of(starts, count, np.array([0, count]))
        return [pieces_through(self.at, self.curves[name], *parts) for name in names]

    def undefined(self) -> list[Undefined]:
        return []

    def cause(self, name: str, time: float) -> str:
        return ""

    def clear_cache(self) -> None:
        pass


def curve(values: np.ndarray, times: np.ndarray = TIMES) -> Trajectory:
    curves = {"A": values, "IL_2": 2 * values, "zero": 0 * values, "double": values / 500}
    return Trajectory(
        times,
        curves,
        Drawn(times, curves),
        Outcome(),
        {},
        "by hand",
    )


ARMS = {
    "main": curve(80 * np.exp(-0.3 * TIMES)),
    "hill": curve(TIMES * (10 - TIMES)),  # peak 25 at 5 h
    "wave": curve(np.sin(TIMES)),
}


def worth(text: str, in_unit: str, arms=ARMS) -> float:
    tree, promised = read_measure(text, MODEL, list(ARMS))
    found = measure(tree, MODEL, arms)
    assert found.unit.same_dimension(promised)
    return found.value * found.unit.to(unit(in_unit))


@pytest.mark.parametrize(
    ("text", "in_unit", "exact"),
    [
        ("at(A, '2 h')", "pM", 80 * math.exp(-0.6)),
        ("at(A, '120 min')", "nM", 0.08 * math.exp(-0.6)),
        ("at(A, '0 h')", "pM", 80.0),
        ("before(A, '2 h')", "pM", 80 * math.exp(-0.6)),
        ("final(A)", "pM", 80 * math.exp(-3)),
        ("max(A)", "pM", 80.0),
        ("min(A)", "pM", 80 * math.exp(-3)),
        ("max(A, '2 h', '5 h')", "pM", 80 * math.exp(-0.6)),
        ("min(A, '2 h', '5 h')", "pM", 80 * math.exp(-1.5)),
        ("max(A, arm='hill')", "pM", 25.0),
        ("time_of_max(A, arm='hill')", "h", 5.0),
        ("time_of_max(A, '6 h', '9 h', arm='hill')", "h", 6.0),
        ("time_of_min(A, '1 h', '4 h', arm='hill')", "h", 1.0),
        ("auc(A)", "pM*h", 80 / 0.3 * (1 - math.exp(-3))),
        ("auc(A)", "nM*d", 80 / 0.3 * (1 - math.exp(-3)) / 1000 / 24),
        ("auc(A, '2 h', '5 h')", "pM*h", 80 / 0.3 * (math.exp(-0.6) - math.exp(-1.5))),
        ("auc(A, '2.003 h', '5.007 h')", "pM*h", 80 / 0.3 * (math.exp(-0.6009) - math.exp(-1.5021))),
        ("mean(A)", "pM", 8 / 0.3 * (1 - math.exp(-3))),
        ("mean(A, '0 h', '10 h', arm='hill')", "pM", 100 / 6),
        ("half_life(A, '1 h', '9 h')", "h", math.log(2) / 0.3),
        ("half_life(A, '1.234 h', '1.5 h')", "min", math.log(2) / 0.3 * 60),
        ("auc_inf(A)", "pM*h", 80 / 0.3),
        ("auc_inf(A, '2 h', '8 h')", "pM*h", 80 / 0.3 * math.exp(-0.6)),
        ("terminal_half_life(A)", "h", math.log(2) / 0.3),
        ("time_above(A, '40 pM')", "h", math.log(2) / 0.3),
        ("time_above(A, '0.04 nM')", "h", math.log(2) / 0.3),
        ("time_above(A, '40 pM', '1 h', '9 h')", "h", math.log(2) / 0.3 - 1),
        ("time_below(A, '40 pM')", "h", 10 - math.log(2) / 0.3),
        ("time_above(A, '16 pM', arm='hill')", "h", 6.0),
        ("time_above(A, '0 pM', arm='wave')", "h", math.pi + (10 - 2 * math.pi) - (10 - 3 * math.pi)),
        ("time_above(A, '1e6 pM')", "h", 0.0),
        ("time_below(A, '1e6 pM')", "h", 10.0),
        ("time_above(zero, '0 cells/uL')", "h", 10.0),
        ("first_above(A, '16 pM', arm='hill')", "h", 2.0),
        ("first_below(A, '40 pM')", "h", math.log(2) / 0.3),
        ("first_above(A, '40 pM')", "h", 0.0),
        ("first_below(A, '16 pM', '3 h', '10 h', arm='hill')", "h", 8.0),
        ("max(A) / max(A, arm='hill')", "1", 3.2),
        ("max(A) - max(A, arm='hill')", "pM", 55.0),
        ("max(A) + '1 nM'", "pM", 1080.0),
        ("'1 nM' + max(A)", "pM", 1080.0),
        ("-max(A)", "pM", -80.0),
        ("max(A) * 2", "pM", 160.0),
        ("max(double) / max(A)", "1", 2.0),
        ("max(double) - max(A)", "pM", 80.0),
        ("time_of_max(A, arm='hill') - '2 h'", "d", 3 / 24),
        ("max(il2)", "pM", 160.0),
        ("max('IL-2')", "pM", 160.0),
        ("(max(A) - final(A)) / max(A)", "%", 100 * (1 - math.exp(-3))),
        ("max(A) / '8 pM'", "1", 10.0),
    ],
)
def test_a_measure_has_its_closed_form(text: str, in_unit: str, exact: float) -> None:
    assert worth(text, in_unit) == pytest.approx(exact, rel=2e-5, abs=1e-9)


@pytest.mark.parametrize(
    "text",
    [
        "first_above(A, '81 pM')",
        "first_below(A, '1 pM')",
        "at(A, '11 h')",
        "max(A, '2 h', '11 h')",
        "half_life(A, '0 h', '5 h', arm='hill')",  # starts at zero
        "half_life(A, '1 h', '4 h', arm='hill')",  # rises
        "terminal_half_life(A, '0 h', '4 h')",  # falls by less than a factor of four
        "auc_inf(A, arm='hill')",  # ends at zero
        "auc_inf(A, arm='wave')",
        "max(A) / max(zero)",
        "max(A) / (max(A) - max(A))",
    ],
)
def test_what_cannot_be_had_is_not_a_number(text: str) -> None:
    tree, _ = read_measure(text, MODEL, list(ARMS))
    assert math.isnan(measure(tree, MODEL, ARMS).value)


def test_a_failed_arm_gives_no_number() -> None:
    short = {"main": curve(80 * np.exp(-0.3 * TIMES[:301]), TIMES[:301])}
    assert worth("at(A, '2 h')", "pM", short) == pytest.approx(80 * math.exp(-0.6))
    assert math.isnan(worth("at(A, '4 h')", "pM", short))
    empty = {"main": curve(TIMES[:0], TIMES[:0])}
    assert math.isnan(worth("max(A)", "pM", empty))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("A", r"'A' alone is a curve; say at\(A, '...'\), max\(A\)"),
        ("max(B)", r"max\(\) measures a species or observable: no species or observable 'B'"),
        ("max(doubel)", r"no species or observable 'doubel'; did you mean 'double'\?"),
        ("max(k)", r"no species or observable 'k'"),
        ("max(3)", r"max\(\) measures a species or observable"),
        ("max(A + A)", r"max\(\) measures a species or observable"),
        ("at(A)", r"at\(\) takes 2 arguments, found 1"),
        ("max(A, '1 h')", r"max\(\) takes a first and a last time, found only '1 h'"),
        ("at(A, '-3 h')", "'-3 h' lies before the start of the run, 0 h"),
        ("max(A, '-3 h', '2 h')", "'-3 h' lies before the start of the run, 0 h"),
        ("half_life(A, '-3 min', '2 h')", "'-3 min' lies before the start of the run, 0 h"),
        ("max(IL-2)", r"as in max\(IL2\); did you mean max\(IL_2\)\? A hyphen is a minus here"),
        ("max(IL-3)", r"as in max\(IL2\)$"),
        ("max(A, ['0 d', '15 d'])", r"without brackets of their own, max\(x, '0 d', '15 d'\)"),
        ("max(A, ('0 d', '15 d'))", "write the arguments without brackets"),
        ("max(A) % 2", r"'max\(A\) % 2' is not part of the formula language \(\+ - \* /, parentheses"),
        ("before(A, '0 h')", r"before\(\) needs a time after the start of the run, found '0 h'"),
        ("max(A, '5 h', '2 h')", r"in max\(\) the first time must come before the last"),
        ("max(A, '2 h', '2 h')", r"in max\(\) the first time must come before the last"),
        ("at(A, 2)", r"in at\(\) a time is a quantity in quotes such as '10 d'"),
        ("first_above(A, 2)", r"in first_above\(\) a level is a quantity in quotes"),
        ("at(A, '2 pM')", "'2 pM' is no time"),
        ("at(A, '2')", "'2' is no time"),
        ("at(A, 'soon')", "'soon' is no number with a unit"),
        ("first_above(A, '2 cells/uL')", "A is measured in pM, not in cells/uL"),
        ("max(A, arm='nobody')", "no arm 'nobody'; there are main, hill, wave"),
        ("max(A, arm='hil')", r"no arm 'hil'; did you mean 'hill'\?"),
        ("max(A) + max(zero)", "an amount concentration .* and a cell concentration .* cannot be added"),
        ("max(A) + 1", "cannot be added"),
        ("max(A)**2", "powers are not part of measures"),
        ("max(A)^2", "powers are not part of measures"),
        ("peak(A)", r"no function 'peak'"),
        ("maxi(A)", r"no function 'maxi'; did you mean 'max'\?"),
        ("max(A) > 3", "a comparison is not part"),
        ("", "the formula is empty"),
        ("max(A", "not a formula"),
        ("A.max()", r"an attribute \(a dot\) cannot be called"),
    ],
)
def test_what_is_no_measure_is_refused(text: str, message: str) -> None:
    with pytest.raises((FormulaError, UnitError), match=message):
        read_measure(text, MODEL, list(ARMS))


def test_every_function_is_measured_above() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    assert [name for name in FUNCTIONS if f'("{name}(' not in source] == []


@pytest.mark.parametrize(
    ("text", "dimension"),
    [
        ("max(A) / max(A)", "a pure number"),
        ("auc(A)", "m^-3 s mol"),
        ("time_of_max(A)", "a time (s)"),
        ("2", "a pure number"),
    ],
)
def test_the_unit_of_a_measure_is_known_before_it_is_taken(text: str, dimension: str) -> None:
    assert dimension_text(read_measure(text, MODEL, list(ARMS))[1]) == dimension


FEW = np.linspace(0, 10, 41)


@pytest.mark.parametrize(
    ("text", "exact"),
    [
        ("at(A, '3.1 h')", 80 * math.exp(-0.93)),
        ("at(A, '0.1 h')", 80 * math.exp(-0.03)),
        ("at(A, '9.9 h')", 80 * math.exp(-2.97)),
        ("auc(A)", 80 / 0.3 * (1 - math.exp(-3))),
        ("first_below(A, '40 pM')", math.log(2) / 0.3),
        ("time_above(A, '13 pM')", math.log(80 / 13) / 0.3),
        ("mean(A, '0.1 h', '7.3 h')", 80 / 0.3 * (math.exp(-0.03) - math.exp(-2.19)) / 7.2),
    ],
)
def test_between_points_a_curve_bends_as_it_does_around_them(text: str, exact: float) -> None:
    tree, _ = read_measure(text, MODEL, ["main"])
    value = measure(tree, MODEL, {"main": curve(80 * np.exp(-0.3 * FEW), FEW)}).value
    assert value == pytest.approx(exact, rel=3e-5), "a straight line would be out by five times as much"


def test_a_curve_is_cut_at_a_jump() -> None:
    times = np.array([0.0, 0.5, 1.0, 1.5, 2.0, 2.0, 2.5, 3.0, 3.5, 4.0])
    values = np.array([1.0] * 5 + [9.0] * 5)
    for text, exact in {
        "auc(A)": 20.0, "at(A, '1.5 h')": 1.0, "at(A, '2 h')": 9.0, "at(A, '2.5 h')": 9.0,
        "max(A, '1 h', '2 h')": 1.0, "min(A, '2 h', '3 h')": 9.0, "first_above(A, '5 pM')": 2.0,
        "time_above(A, '5 pM', '1 h', '3.2 h')": 1.2,
    }.items():  # fmt: skip
        tree, _ = read_measure(text, MODEL, ["main"])
        assert measure(tree, MODEL, {"main": curve(values, times)}).value == pytest.approx(exact, abs=1e-14)
