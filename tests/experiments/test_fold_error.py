"""How far a simulated value is from the published one, and what expectations rest on."""

from __future__ import annotations

import math

import pytest
from immunesim.experiments.evidence import Basis, Judgement, basis_of, evidence_row, holds, numbers, totals
from immunesim.experiments.expectations import Verdict
from immunesim.experiments.fold_error import central_value, fold_error, geometric_mean, is_near
from immunesim.experiments.scenario import Expectation
from immunesim.model.expression import parse
from immunesim.model.units import unit

INF = math.inf


def expected(low: float = 2, high: float = 8, rule: str = "factor 2", **fields: object) -> Expectation:
    unit_text = str(fields.pop("unit_text", "pM"))
    given = {"source": "Toy2020", "status": "verified", **fields}
    measured = ("max(drug)", parse("drug"))
    return Expectation("so", "so", *measured, low, high, unit_text, unit(unit_text), rule=rule, **given)


def verdict(simulated: float, of: Expectation, **fields: object) -> Verdict:
    return Verdict(of, simulated, of.met_by(simulated), **fields)


@pytest.mark.parametrize(
    ("low", "high", "rule", "unit_text", "central"),
    [
        (2, 8, "factor 2", "pM", 4),
        (2, 4.5, "a third", "pM", 3),
        (1, 9, "published range", "pM", 3),
        (1, 9, "two SD", "pM", 5),
        (-8, -2, "factor 2", "mmHg", -4),
        (0, 9, "two SD", "pM", None),  # cut off at zero: the middle is not the mean
        (-1, 9, "two SD", "pM", None),
        (2, INF, "a third", "pM", None),
        (-INF, 2, "a third", "pM", None),
        (37, 39, "two SD", "degC", None),
    ],
)
def test_the_published_value_follows_from_the_interval_and_its_rule(
    low: float, high: float, rule: str, unit_text: str, central: float | None
) -> None:
    assert central_value(expected(low, high, rule, unit_text=unit_text)) == central


@pytest.mark.parametrize(
    ("simulated", "fold"), [(4, 1), (8, 2), (2, 2), (40, 10), (0, None), (-4, None), (math.nan, None), (INF, None)]
)
def test_a_fold_error_is_at_least_one_whichever_way_the_value_is_off(simulated: float, fold: float | None) -> None:
    assert fold_error(expected(), simulated) == fold


@pytest.mark.parametrize(
    ("simulated", "low", "high", "near"),
    [
        (6, 2, 8, True),
        (6.1, 2, 8, False),  # in the interval, but not near 4
        (3, 2, INF, True),
        (1.4, 2, INF, True),
        (1.3, 2, INF, False),
        (1000, 2, INF, True),
        (0, 0, 9, True),
        (13, 0, 9, True),
        (14, 0, 9, False),
        (math.nan, 2, 8, False),
    ],
)
def test_near_is_within_a_factor_of_the_value_or_an_end(simulated: float, low: float, high: float, near: bool) -> None:
    assert is_near(expected(low, high), simulated) is near


def test_a_temperature_is_near_only_where_it_is_met() -> None:
    fever = expected(38, 39, "two SD", unit_text="degC")
    assert is_near(fever, 38.5)
    assert not is_near(fever, 37)


def test_the_fold_error_of_a_decimal_logarithm_is_that_of_what_it_is_of() -> None:
    peak = expected(7, 9, "published range", unit_text="1", log10=True)
    assert central_value(peak) == 8
    assert fold_error(peak, 9) == pytest.approx(10)
    assert fold_error(peak, -1) == pytest.approx(1e9)
    assert not is_near(peak, 8.3)
    assert is_near(peak, 8.1)


def test_the_geometric_mean_of_fold_errors() -> None:
    assert geometric_mean([1, 4]) == pytest.approx(2)
    assert geometric_mean([]) is None


@pytest.mark.parametrize(
    ("source", "status", "rule", "basis"),
    [
        ("Toy2020", "verified", "a third", Basis.NUMBER),
        ("Toy2020", "derived: from two", "two SD", Basis.NUMBER),
        ("Toy2020", "secondary", "direction", Basis.DIRECTION),
        ("Toy2020", "from memory", "direction", Basis.MEMORY),
        ("Toy2020", "assumed: a tenth is chosen here", "direction", Basis.THRESHOLD),
        ("assumed", "", "", Basis.THRESHOLD),
        ("Toy2020", "derived: the equations as printed", "", Basis.WITHOUT_RULE),
    ],
)
def test_an_expectation_has_one_basis(source: str, status: str, rule: str, basis: Basis) -> None:
    assert basis_of(expected(rule=rule, source=source, status=status)) == basis


def test_numbers_are_counted_within_the_interval_near_and_by_their_fold_error() -> None:
    rows = [
        evidence_row(each, "toy", ran=True)
        for each in (
            verdict(4, expected()),
            verdict(16, expected()),
            verdict(0, expected()),
            verdict(3, expected(2, INF)),
            verdict(5, expected(), unreliable=("main",)),
        )
    ]
    assert numbers(rows) == {
        "met": 2, "of": 5, "near": 2, "factor": 1.5, "fold_error": pytest.approx(2.0), "fold_errors": 2,
        "not_defined": 1, "nothing": 1,
    }  # fmt: skip


def test_a_fact_that_is_set_aside_is_counted_apart_and_may_be_missed() -> None:
    apart = expected(fact="toy_fact", set_aside=True, topic="allergy")
    missed, met = verdict(100, apart), verdict(4, expected(topic="allergy"))
    rows = [evidence_row(each, "toy", ran=True) for each in (missed, met)]
    assert (rows[0].verdict, rows[0].fact, rows[0].set_aside) == (Judgement.MISSED, "toy_fact", True)
    assert missed.holds
    assert holds(rows)
    found = totals(rows)
    assert found["all"] == found["facts"] == found["topics"]["allergy"] == {"met": 1, "of": 1}
    assert (found["numbers"]["of"], found["set_aside"]["met"], found["set_aside"]["of"]) == (1, 0, 1)
    assert found["topics_set_aside"] == {"allergy": {"met": 0, "of": 1}}
    assert not holds([rows[0]._replace(set_aside=False)])
