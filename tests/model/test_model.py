"""A model checks itself when it is made: names, dimensions, factors between units."""

from __future__ import annotations

import numpy as np
import pytest
from immunesim.model.declarations import ModelError, is_status, read_equation
from immunesim.model.expression import Apply, Name, Number
from immunesim.model.model import Model, dose_unit_factor
from immunesim.model.switches import with_switches
from immunesim.model.units import Substance, UnitError, unit
from immunesim.numerics.parameter_formulas import initial_values
from immunesim.numerics.system import System

from tests.systems import make_model

DRUG = Substance("drug", "the drug", 20.0, 50e-15, "Somewhere", "verified", "20000 g/mol", "50 pg/IU")


def slopes(model: Model, *states: float, time: float = 0.0) -> list[float]:
    """The derivative of every species, in its unit per time unit of the model."""
    derivative = System(model).bind([parameter.value for parameter in model.parameters.values()])[0]
    return derivative(time, np.array(states))


# equations


@pytest.mark.parametrize(
    ("text", "net"),
    [
        ("A -> B", {"A": -1, "B": 1}),
        ("A + B -> C", {"A": -1, "B": -1, "C": 1}),
        ("2 A -> B", {"A": -2, "B": 1}),
        ("A -> 2 A", {"A": 1}),
        ("-> A", {"A": 1}),
        ("A ->", {"A": -1}),
        ("A + A -> B", {"A": -2, "B": 1}),
        ("A + E -> B + E", {"A": -1, "B": 1}),
        ("1.5 A -> 0.5 B", {"A": -1.5, "B": 0.5}),
        ("A->B", {"A": -1, "B": 1}),
        ("  A  ->  B  ", {"A": -1, "B": 1}),
    ],
)
def test_the_net_change_of_an_equation(text: str, net: dict[str, float]) -> None:
    assert read_equation(text) == net


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("A", "an equation has one arrow"),
        ("", "an equation has one arrow"),
        ("A -> B -> C", "an equation has one arrow"),
        ("A => B", "an equation has one arrow"),
        ("->", "the equation has no species"),
        ("A -> A", "the equation changes nothing"),
        ("A + B -> B + A", "the equation changes nothing"),
        ("A + -> B", "cannot read '' in the equation"),
        ("-2 A -> B", "cannot read '-2 A' in the equation; a term is 'NAME' or '2 NAME'"),
        ("2A -> B", "cannot read '2A'"),
        ("n A -> B", "cannot read 'n A'"),
        ("A * B -> C", r"cannot read 'A \* B'"),
        ("A - B -> C", "cannot read 'A - B'"),
    ],
)
def test_what_is_no_equation_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_equation(text)


def test_stoichiometry_multiplies_the_rate() -> None:
    model = make_model({"A": ("pM", 4, 1), "B": ("pM", 0, 1)}, {"k": (0.5, "1/h")}, {"r": ("2 A -> 3 B", "k * A")})
    assert slopes(model, 4.0, 0.0) == [-4.0, 6.0]


# units of rate laws


def test_the_factor_between_sizes_of_one_unit_is_written_in() -> None:
    """A in pM, K in nM: half-saturated at 2000 pM."""
    model = make_model(
        {"A": ("pM", 0, 1)}, {"k": (1.0, "pM/h"), "K": (2.0, "nM")}, {"r": ("A ->", "k * saturation(A, K)")}
    )
    assert slopes(model, 2000.0) == pytest.approx([-0.5])


@pytest.mark.parametrize(
    "text", ["hill(A, K, 2)", "inhibition(A, K, 2)", "min(A, K) / A", "(A + K) / A / 4", "A / (A + K)"]
)
def test_every_function_converts_its_arguments(text: str) -> None:
    model = make_model({"A": ("pM", 0, 1)}, {"k": (1.0, "pM/h"), "K": (2.0, "nM")}, {"r": ("-> A", f"k * {text}")})
    expected = {"min(A, K) / A": 1.0}.get(text, 0.5)
    assert slopes(model, 2000.0) == pytest.approx([expected])


def test_a_bare_number_among_units_is_refused_but_zero_is_not() -> None:
    reaction = {"r": ("A ->", "k * max(A - K, 0)")}
    model = make_model({"A": ("pM", 0, 1)}, {"k": (1.0, "1/h"), "K": (2.0, "nM")}, reaction)
    assert slopes(model, 2500.0) == pytest.approx([-500.0])
    assert slopes(model, 1500.0) == [0.0]
    with pytest.raises(ModelError, match=r"max joins an amount concentration .* and a pure number"):
        make_model({"A": ("pM", 0, 1)}, {"k": (1.0, "1/h")}, {"r": ("A ->", "k * max(A, 1)")})


def test_a_rate_in_another_time_unit_is_converted() -> None:
    model = make_model({"A": ("pM", 0, 1)}, {"k": (2.0, "1/d")}, {"r": ("A ->", "k * A")}, time_unit="h")
    assert slopes(model, 12.0) == pytest.approx([-1.0])


def test_secretion_by_cells_becomes_a_concentration_per_day() -> None:
    """10 molecules/s from each of 1000 cells/uL."""
    model = make_model(
        {"A": ("pM", 0, 1), "T": ("cells/uL", 1000, 100)},
        {"q": (10.0, "molecules/s/cell")},
        {"r": ("-> A", "q * T"), "loss": ("T ->", "0 * T / time")},
        time_unit="d",
    )
    assert slopes(model, 0.0, 1000.0, time=1.0)[0] == pytest.approx(10 * 1000 * 86400 * 1e6 / 6.02214076e23 * 1e12)


def test_a_pg_per_ml_species_meets_a_pM_constant_through_its_substance() -> None:  # noqa: N802
    model = make_model(
        {"A": ("pg/mL", 0, 1)},
        {"k": (1.0, "1/h"), "K": (5.0, "pM")},
        {"r": ("A ->", "k * A * saturation(A, K)")},
        substances={"drug": DRUG},
        substance_of={"A": "drug"},
    )
    assert model.species["A"].unit.same_dimension(unit("pM"))
    assert slopes(model, 100.0) == pytest.approx([-50.0])  # 100 pg/mL of 20 kDa is 5 pM


def test_an_amount_per_time_is_divided_by_the_volume() -> None:
    model = make_model(
        {"A": ("pM", 0, 1)},
        {"rate": (8.0, "pmol/h"), "V": (4.0, "L")},
        {"r": ("-> A", "rate")},
        volume_of={"A": "V"},
    )
    assert slopes(model, 0.0) == pytest.approx([2.0])


def test_exchange_between_two_volumes_keeps_the_amount() -> None:
    model = make_model(
        {"A": ("pM", 9, 1), "B": ("pM", 0, 1)},
        {"flow": (100.0, "mL/min"), "V": (3.0, "L"), "W": (12.0, "L")},
        {"r": ("A -> B", "flow * A")},
        volume_of={"A": "V", "B": "W"},
    )
    fall, rise = slopes(model, 9.0, 0.0)
    assert fall == pytest.approx(-9.0 * 0.1 * 60 / 3.0)
    assert fall * 3.0 + rise * 12.0 == pytest.approx(0.0, abs=1e-12)


def test_an_observable_volume_divides_too() -> None:
    model = make_model(
        {"A": ("pM", 0, 1)},
        {"rate": (8.0, "pmol/h"), "V": (2.0, "L"), "share": (2.0, "1")},
        {"r": ("-> A", "rate")},
        observables={"space": ("mL", "share * V")},
        volume_of={"A": "space"},
    )
    assert slopes(model, 0.0) == pytest.approx([2.0])


def test_an_initial_value_may_be_a_formula_of_parameters_in_another_unit() -> None:
    model = make_model(
        {"A": ("pM", "base * share", 1)},
        {"base": (3.0, "nM"), "share": (20.0, "%")},
        {"r": ("A ->", "A * A / base * 1 / time")},
    )
    assert initial_values(model, {"base": 3.0, "share": 20.0}) == {"A": pytest.approx(600.0)}


def test_a_percentage_in_a_formula_is_a_hundredth() -> None:
    model = make_model({"A": ("1", 1, 1)}, {"k": (50.0, "%/h")}, {"r": ("A ->", "k * A")})
    assert slopes(model, 1.0) == pytest.approx([-0.5])


def test_time_in_a_formula_is_in_the_unit_of_the_model() -> None:
    model = make_model({"A": ("1", 0, 1)}, {"tau": (1.0, "d")}, {"r": ("-> A", "(time / tau) / tau")}, time_unit="h")
    assert slopes(model, 0.0, time=12.0) == pytest.approx([0.5 / 24])


CONCENTRATION = r"an amount concentration \(m\^-3 mol\)"
REFUSED = {  # rate of A [pM], more parameters beside k [1/h], message
    "a_forgotten_concentration": ("k", {}, r"the rate is a rate per time .*, but A \[pM\] changes by an amount"),
    "a_concentration_too_many": ("k * A * A", {}, r"the rate is m\^-6 .*, but A \[pM\] changes by an amount"),
    "no_time": ("A * (k / k)", {}, f"the rate is {CONCENTRATION}, but A"),
    "an_unlike_sum": ("k * (A + n)", {"n": "cells/uL"}, rf"'\+' joins {CONCENTRATION} and a cell concentration"),
    "an_unlike_difference": ("k * (A - n)", {"n": "d"}, f"'-' joins {CONCENTRATION} and a time"),
    "an_unlike_constant": ("k * A * saturation(A, n)", {"n": "cells/uL"}, rf"saturation\(\) joins {CONCENTRATION}"),
    "an_unlike_limit": ("k * min(A, n)", {"n": "d"}, f"min joins {CONCENTRATION}"),
    "a_power_of_a_concentration": (
        "k * A^n",
        {"n": "1"},
        f"the base of a power .* found {CONCENTRATION}",
    ),
    "an_exponent_with_a_unit": ("k * A * 2^n", {"n": "d"}, "an exponent needs a pure number, found a time"),
    "a_hill_exponent_with_a_unit": (
        "k * A * hill(A, A, n)",
        {"n": "d"},
        r"the exponent of hill\(\) needs a pure",
    ),
    "exp_of_a_concentration": ("k * exp(A)", {}, rf"exp\(\) needs a pure number, found {CONCENTRATION}"),
    "log_of_a_concentration": ("k * A * log(A)", {}, r"log\(\) needs a pure number"),
    "sqrt_of_a_concentration": ("k * sqrt(A)", {}, rf"sqrt\(\) of {CONCENTRATION} has no unit"),
    "a_bare_number": ("k * A + 3", {}, r"'\+' joins .* and a pure number"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_rate_of_the_wrong_dimension_is_refused(name: str) -> None:
    rate, more, message = REFUSED[name]
    parameters = {"k": (1.0, "1/h"), **{each: (2.0, unit_text) for each, unit_text in more.items()}}
    with pytest.raises(ModelError, match=message) as caught:
        make_model({"A": ("pM", 1, 1)}, parameters, {"r": ("A ->", rate)})
    assert caught.value.faults[0].path == ("reactions", "r", "rate")


def test_an_absurd_power_of_a_unit_is_refused() -> None:
    with pytest.raises(ModelError, match=r"the power 1e\+300 of a cell concentration .* has no finite size"):
        make_model({"A": ("pM", 1, 1)}, {"k": (1.0, "1/h"), "K": (1.0, "cells/uL")}, {"r": ("A ->", "k * A * K^1e300")})


def test_a_factor_of_cells_that_is_forgotten_is_refused() -> None:
    with pytest.raises(ModelError, match=r"but A .pM. changes by an amount concentration per time"):
        make_model(
            {"A": ("pM", 0, 1), "T": ("cells/uL", 1, 1)},
            {"q": (1.0, "molecules/s/cell"), "k": (1.0, "1/h")},
            {"r": ("-> A", "q"), "loss": ("T ->", "k * T")},
        )


def test_an_amount_per_time_without_a_volume_is_refused_with_advice() -> None:
    with pytest.raises(ModelError, match="or give the species a volume, if the rate is an amount per time"):
        make_model({"A": ("pM", 0, 1)}, {"rate": (8.0, "pmol/h")}, {"r": ("-> A", "rate")})


def test_an_equation_must_fit_every_species_it_names() -> None:
    with pytest.raises(
        ModelError, match=r"the rate is an amount concentration per time .*, but T .cells/uL. changes by"
    ):
        make_model({"A": ("pM", 0, 1), "T": ("cells/uL", 0, 1)}, {"k": (1.0, "1/h")}, {"r": ("A -> T", "k * A")})


def test_an_observable_of_the_wrong_dimension_is_refused() -> None:
    with pytest.raises(ModelError, match=r"an amount concentration .* is not a cell concentration") as caught:
        make_model(
            {"A": ("pM", 0, 1)}, {"k": (1.0, "1/h")}, {"r": ("A ->", "k * A")}, observables={"o": ("cells/uL", "2 * A")}
        )
    assert caught.value.faults[0].path == ("observables", "o", "value")


# names


def test_an_undeclared_name_comes_with_the_nearest_one() -> None:
    with pytest.raises(ModelError, match=r"no species, parameter or observable 'IL_2x'; did you mean 'IL2'\?"):
        make_model({"IL2": ("pM", 0, 1)}, {"k": (1.0, "1/h")}, {"r": ("IL2 ->", "k * IL_2x")})


def test_an_undeclared_species_in_an_equation_comes_with_the_nearest_one() -> None:
    with pytest.raises(ModelError, match=r"no species 'tumor'; did you mean 'tumour'\?") as caught:
        make_model({"tumour": ("pM", 0, 1)}, {"k": (1.0, "1/h")}, {"r": ("tumor ->", "k * tumour")})
    assert caught.value.faults[0].path == ("reactions", "r", "equation")


def test_a_parameter_in_an_equation_is_no_species() -> None:
    with pytest.raises(ModelError, match="no species 'k'"):
        make_model({"A": ("pM", 0, 1)}, {"k": (1.0, "1/h")}, {"r": ("A -> k", "k * A")})


def test_an_unused_parameter_is_refused_but_the_body_is_not() -> None:
    with pytest.raises(ModelError, match=r"parameters.left_over: the parameter is used nowhere"):
        make_model({"A": ("pM", 0, 1)}, {"k": (1.0, "1/h"), "left_over": (1.0, "1")}, {"r": ("A ->", "k * A")})
    make_model(
        {"A": ("pM", 0, 1)},
        {"k": (1.0, "1/h"), "body_weight": (70.0, "kg"), "body_surface": (1.8, "m2")},
        {"r": ("A ->", "k * A")},
    )


def test_observables_may_not_refer_to_each_other_in_a_circle() -> None:
    with pytest.raises(ModelError, match="observables refer to each other: a -> b -> c -> a"):
        make_model(
            {"A": ("pM", 0, 1)},
            {"k": (1.0, "1/h")},
            {"r": ("A ->", "k * A")},
            observables={"a": ("pM", "b"), "b": ("pM", "c + A"), "c": ("pM", "a")},
        )


def test_observables_may_refer_to_later_ones() -> None:
    model = make_model(
        {"A": ("pM", 0, 1)},
        {"k": (1.0, "1/h")},
        {"r": ("A ->", "k * twice")},
        observables={"fourfold": ("pM", "twice * 2"), "twice": ("nM", "2 * A")},
    )
    assert slopes(model, 3.0) == pytest.approx([-6.0])
    values = System(model).observe(np.array([0.0]), np.array([[3.0]]), [1.0])
    np.testing.assert_allclose(values[:, 0], [12.0, 0.006])


def test_a_rate_that_jumps_reads_a_switch_and_one_with_parameters_alone_stays() -> None:
    parameters = {"k": (1.0, "1/h"), "half": (0.5, "nM"), "hour": (1.0, "h"), "way": (1.0, "1")}
    reactions = {
        "first": ("A ->", "k * seen * if(half > A, 1, 0)"),
        "second": ("A ->", "k * if(half > A and not A > 0, A, 2 * A) * floor(time / hour) * if(way > 0, 1, 2)"),
        "third": ("A ->", "k * if(half > A, A, 0)"),
    }
    observables = {"seen": ("pM", "if(A > half, A, 2 * A)"), "not_in_a_rate": ("pM", "if(A > half, A, 0)")}
    model = make_model({"A": ("pM", 0, 1)}, parameters, reactions, observables=observables)
    made, switches = with_switches(model)
    assert [each.parameter for each in switches] == [f"switch_{number}" for number in range(1, 5)]
    assert [each.where.split("'")[1] for each in switches] == ["seen", "first", "second", "second"]
    assert made.observables["not_in_a_rate"] == model.observables["not_in_a_rate"]
    assert [bool(each.floor) for each in switches] == [False, False, False, True]
    assert switches[3].reads == {"time", "hour"}
    values = [made.parameters[name].value for name in made.parameters]
    values[list(made.parameters).index("switch_2")] = 1.0  # A is below half: the third gives k A, the first k 2 A
    system = System(made)
    rates = system.evaluate([system.rates[name] for name in reactions], 0.0, [3.0], values)
    assert rates == pytest.approx([6.0, 0.0, 3.0])
    sides = system.observe(np.array([2.0]), np.array([[3.0]]), values)
    named = dict(zip(made.observables, sides[:, 0], strict=True))
    assert named["switch_1_side_1"] == 3.0
    assert named["switch_1_side_2"] == pytest.approx(500.0)  # in pM too
    assert named["switch_4_of"] == 2.0


def test_a_model_whose_rates_do_not_jump_stays_the_same() -> None:
    model = make_model({"A": ("pM", 0, 1)}, {"k": (1.0, "1/h")}, {"r": ("A ->", "k * max(A, 0 * A)")})
    assert with_switches(model) == (model, ())


def test_what_is_only_looked_at_may_jump_and_so_may_a_rate_with_its_parameters() -> None:
    model = make_model(
        {"A": ("pM", 0, 1)},
        {"k": (1.0, "1/h"), "half": (0.5, "pM"), "way": (1.0, "1")},
        {"r": ("A ->", "k * if(way > 0.5, A, 2 * A) * abs(sin(way))")},
        observables={"high": ("1", "if(A >= half, 1, 0)")},
    )
    assert slopes(model, 3.0) == pytest.approx([-3.0 * np.sin(1.0)])
    values = System(model).observe(np.zeros(2), np.array([[0.5], [0.4]]), [1.0, 0.5, 1.0])
    np.testing.assert_array_equal(values, [[1.0, 0.0]])


def test_an_initial_value_may_not_depend_on_a_state() -> None:
    with pytest.raises(ModelError, match="'B' changes with time; an initial value is made of parameters"):
        make_model({"A": ("pM", "B", 1), "B": ("pM", 0, 1)}, {"k": (1.0, "1/h")}, {"r": ("A -> B", "k * A")})


def test_a_volume_may_not_depend_on_a_state() -> None:
    with pytest.raises(ModelError, match="'B' changes with time; a volume is a parameter"):
        make_model(
            {"A": ("pM", 0, 1), "B": ("L", 1, 1)},
            {"k": (1.0, "1/h")},
            {"r": ("A ->", "k * A"), "s": ("B ->", "k * B")},
            volume_of={"A": "B"},
        )


def test_all_faults_come_at_once() -> None:
    with pytest.raises(ModelError) as caught:
        make_model(
            {"A": ("pM", 0, 1), "B": ("pM", 0, 1)},
            {"k": (1.0, "1/h"), "spare": (1.0, "1")},
            {"r": ("A ->", "k * X"), "s": ("Y ->", "k * B")},
        )
    assert [fault.path for fault in caught.value.faults] == [
        ("reactions", "r", "rate"),
        ("reactions", "s", "equation"),
        ("parameters", "spare"),
    ]
    with pytest.raises(ModelError) as caught:
        make_model(
            {"A": ("pM", 0, 1), "B": ("pM", 0, 1)}, {"k": (1.0, "1/h")}, {"r": ("A ->", "k"), "s": ("B ->", "B")}
        )
    assert [fault.path[1] for fault in caught.value.faults] == ["r", "s"]


@pytest.mark.parametrize(
    "text", ["verified", "secondary", "from memory", "assumed: nobody measured it", "derived: a over b"]
)
def test_a_status(text: str) -> None:
    assert is_status(text)


@pytest.mark.parametrize(
    "text", ["", "Verified", "assumed", "assumed:", "assumed: ", "guessed", "verified by me", "derived"]
)
def test_no_status(text: str) -> None:
    assert not is_status(text)


def test_laws_keep_the_formula_where_no_factor_is_needed() -> None:
    model = make_model({"A": ("pM", 0, 1)}, {"k": (1.0, "1/h")}, {"r": ("A ->", "k * A")})
    assert model.laws.rates["r"] == Apply("mul", (Name("k"), Name("A")))
    assert model.laws.changes["A"] == (("r", Number(-1.0)),)


def test_names_are_forgiving_where_they_cannot_mislead() -> None:
    model = make_model(
        {"IL2": ("pM", 0, 1), "a_b": ("pM", 0, 1), "aB": ("pM", 0, 1)},
        {"k": (1.0, "1/h")},
        {"r": ("IL2 -> a_b + aB", "k * IL2")},
    )
    for word in ("IL2", "il2", "IL-2", "il_2", "IL 2"):
        assert model.find(word, "species") == "IL2"
    assert model.find("ab", "species") is None  # could be either
    assert model.find("a_b", "species") == "a_b"
    assert model.find("k", "species") is None


# amounts of doses


def dosed(unit_text: str = "pM", **more) -> Model:
    return make_model(
        {"A": (unit_text, 0, 1)},
        {"k": (1.0, "1/h"), "V": (4.0, "L"), "body_weight": (80.0, "kg"), "body_surface": (2.0, "m2")},
        {"r": ("A ->", "k * A * (V / V)")},
        substances={"drug": DRUG},
        substance_of={"A": "drug"},
        **more,
    )


@pytest.mark.parametrize(
    ("given", "factor", "body", "volume"),
    [
        ("pM", 1.0, (), None),
        ("nM", 1000.0, (), None),
        ("pg/mL", 0.05, (), None),
        ("IU/mL", 2.5, (), None),
        ("pmol", 1.0, (), "V"),
        ("ug", 50.0, (), "V"),
        ("IU", 0.0025, (), "V"),
        ("IU/kg", 0.0025, ("body_weight",), "V"),
        ("mg/m2", 50000.0, ("body_surface",), "V"),
        ("pmol/kg", 1.0, ("body_weight",), "V"),
        ("pmol/g", 1000.0, ("body_weight",), "V"),
        ("pmol kg^-1", 1.0, ("body_weight",), "V"),
        ("mg/m²", 50000.0, ("body_surface",), "V"),
        ("million IU/kg", 2500.0, ("body_weight",), "V"),
    ],
)
def test_an_amount_becomes_the_unit_of_its_target(
    given: str, factor: float, body: tuple[str, ...], volume: str | None
) -> None:
    found = dose_unit_factor(dosed(volume_of={"A": "V"}), "A", given)
    assert found == (pytest.approx(factor, rel=1e-12), body, volume)


def test_an_amount_into_an_amount_needs_no_volume() -> None:
    assert dose_unit_factor(dosed("pmol"), "A", "IU") == (pytest.approx(0.0025), (), None)


@pytest.mark.parametrize("given", ["d", "cells", "pM/h", "IU/kg/h", "IU/m2/kg", "PFU", "mL/L", "mg/mg", "%", "IU/mg"])
def test_an_amount_of_the_wrong_kind_is_refused(given: str) -> None:
    with pytest.raises(UnitError, match="expected an amount that becomes pM of A in the volume V"):
        dose_unit_factor(dosed(volume_of={"A": "V"}), "A", given)


def test_an_amount_per_kg_without_a_body_weight_is_refused_with_advice() -> None:
    model = make_model({"A": ("pmol", 0, 1)}, {"k": (1.0, "1/h")}, {"r": ("A ->", "k * A")})
    with pytest.raises(UnitError, match="per kg needs the parameter body_weight, which the model has not"):
        dose_unit_factor(model, "A", "pmol/kg")
    with pytest.raises(UnitError, match="per m2 needs the parameter body_surface, which the model has not"):
        dose_unit_factor(model, "A", "pmol/m2")


@pytest.mark.parametrize("given", ["mg", "IU", "mg/kg", "MIU/m2"])
def test_mass_into_moles_of_no_substance_is_refused_with_the_reason(given: str) -> None:
    model = make_model({"A": ("pmol", 0, 1)}, {"k": (1.0, "1/h")}, {"r": ("A ->", "k * A")})
    with pytest.raises(UnitError, match="become one another by the masses of a substance, and A names none"):
        dose_unit_factor(model, "A", given)
    with pytest.raises(UnitError, match=r"of A$"):
        dose_unit_factor(model, "A", "pmol/h")
