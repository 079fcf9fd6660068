"""Which members a sweep has, in which order, and that each is a function of its number alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from immunesim.experiments.sweeps.designs import Axis, Explicit, Grid, OneAtATime, Product, Spaced, Zip
from immunesim.experiments.sweeps.population import Choice, Correlation, Normal, Population, Triangular, Uniform
from immunesim.experiments.sweeps.sampling import LatinHypercube, Random, Sobol, uniform_numbers


def axis(path: str, low: float = 0.0, high: float = 1.0, log: bool = False, default: float | None = 0.5) -> Axis:
    return Axis(path, path, "1", default, low, high, log)


A, B, C = axis("a", 1, 100, log=True), axis("b", -2, 2), axis("dose.x.count", 1, 6)
PATIENTS = Population(
    (axis("w"), axis("k"), axis("n"), axis("t"), axis("c"), axis("u")),
    (
        Normal(np.log(70), 0.2, log=True, within=(45, 120)),
        Normal(np.log(2), 0.5, log=True),
        Normal(1.0, 2.0, within=(0, 3)),
        Triangular(0, 1, 4),
        Choice((1.0, 5.0), (3, 1)),
        Uniform(0.1, 10, log=True),
    ),
    count=500,
    seed=7,
    correlations=(Correlation("w", "k", 0.6), Correlation("n", "w", -0.4)),
)
GRID = Grid((A, B), (Spaced(1, 100, 5, True), Explicit.of([-2, 0.1, 2])))
DESIGNS = {
    "grid": GRID,
    "zip": Zip((A, B), (Spaced(1, 100, 9, True), Spaced(-2, 2, 9, False))),
    "list": Zip((A, B), (Explicit.of(range(1, 8)), Explicit.of([0.1] * 7)), "list"),
    "lhs": LatinHypercube((A, B, C), 333, 5),
    "sobol": Sobol((A, B, C), 300, 5),
    "random": Random((A, B, C), 301, 5),
    "one_at_a_time": OneAtATime((A, B, C)),
    "population": PATIENTS,
    "product": Product(GRID, PATIENTS),
}


@pytest.mark.parametrize("kind", DESIGNS)
@given(data=st.data())
def test_values_do_not_depend_on_how_members_are_cut_into_blocks(kind: str, data: st.DataObject) -> None:
    design = DESIGNS[kind]
    assert design.kind == kind
    first = data.draw(st.integers(0, design.count))
    last = data.draw(st.integers(first, design.count))
    cut = data.draw(st.integers(first, last))
    whole = design.values(first, last)
    assert whole.shape == (last - first, len(design.axes))
    np.testing.assert_array_equal(np.vstack([design.values(first, cut), design.values(cut, last)]), whole)
    if last > first:
        one = data.draw(st.integers(first, last - 1))
        np.testing.assert_array_equal(design.values(one, one + 1)[0], whole[one - first])


@pytest.mark.parametrize("kind", DESIGNS)
def test_every_value_lies_on_its_axis(kind: str) -> None:
    design = DESIGNS[kind]
    values = design.values(0, design.count)
    assert np.isfinite(values).all()
    if kind not in ("population", "product"):
        for place, each in enumerate(design.axes):
            inside = (values[:, place] >= each.low) & (values[:, place] <= each.high)
            assert (inside | (values[:, place] == each.default)).all()


def test_of_a_grid_the_last_axis_runs_fastest() -> None:
    assert GRID.shape == (5, 3)
    found = GRID.values(0, GRID.count)
    np.testing.assert_array_equal(found[:, 1], [-2, 0.1, 2] * 5)
    np.testing.assert_allclose(found[::3, 0], [1, 10**0.5, 10, 10**1.5, 100], rtol=1e-14)
    assert found[-1, 0] == 100
    assert found[0, 0] == 1


def test_points_of_a_linear_axis_are_as_one_would_write_them() -> None:
    np.testing.assert_array_equal(Spaced(0, 720000, 25, False).at(np.arange(25)), np.arange(25) * 30000.0)


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize(("low", "high"), [(0.1, 1.0), (0.3, 7.7), (1e-9, 3e5)])
@pytest.mark.parametrize("finer", [2, 3, 5, 7, 10])
def test_a_finer_axis_has_the_points_of_a_coarser_to_the_last_bit(
    low: float, high: float, log: bool, finer: int
) -> None:
    coarse = Spaced(low, high, 11, log).at(np.arange(11))
    np.testing.assert_array_equal(Spaced(low, high, 10 * finer + 1, log).at(np.arange(11) * finer), coarse)


def test_one_at_a_time_begins_with_the_scenario_and_turns_each_axis_down_and_up() -> None:
    rows = OneAtATime((A, B)).values(0, 5)
    np.testing.assert_array_equal(rows, [[0.5, 0.5], [1, 0.5], [100, 0.5], [0.5, -2], [0.5, 2]])


def test_one_at_a_time_needs_something_to_stay_at() -> None:
    with pytest.raises(ValueError, match="no default of a"):
        OneAtATime((axis("a", default=None),))


def test_a_zip_of_unequal_axes_is_none() -> None:
    with pytest.raises(ValueError, match="axes of 2, 3 points"):
        Zip((A, B), (Explicit.of([1, 2]), Explicit.of([1, 2, 3])))


@pytest.mark.parametrize("count", [1, 7, 1000])
def test_a_latin_hypercube_has_one_member_in_every_stratum(count: int) -> None:
    found = LatinHypercube((axis("a"), axis("b", 1, 1000, log=True)), count, 3).values(0, count)
    for share in (found[:, 0], np.log(found[:, 1]) / np.log(1000)):
        np.testing.assert_array_equal(np.sort(np.floor(share * count)), np.arange(count))
    if count > 7:
        assert abs(np.corrcoef(found[:, 0], np.log(found[:, 1]))[0, 1]) < 0.1


def test_sobol_points_are_more_even_than_chance() -> None:
    from scipy.stats.qmc import discrepancy

    axes = (axis("a"), axis("b"), axis("c"))
    even, chance = (discrepancy(kind(axes, 256, 1).values(0, 256)) for kind in (Sobol, Random))
    assert even < chance / 5


def test_whole_numbers_are_met_equally_often() -> None:
    for design in (LatinHypercube((C,), 6000, 2), Sobol((C,), 4096, 2)):
        values, counts = np.unique(design.values(0, design.count), return_counts=True)
        np.testing.assert_array_equal(values, [1, 2, 3, 4, 5, 6])
        np.testing.assert_allclose(counts, design.count / 6, atol=2)


@pytest.mark.parametrize("kind", [LatinHypercube, Random])
def test_another_axis_leaves_the_others_as_they_were(kind) -> None:
    np.testing.assert_array_equal(kind((A, B), 50, 1).values(0, 50), kind((A, C, B), 50, 1).values(0, 50)[:, [0, 2]])


@pytest.mark.parametrize("kind", [LatinHypercube, Random, Sobol])
def test_another_seed_gives_other_members(kind) -> None:
    assert (kind((A, B), 50, 1).values(0, 50) != kind((A, B), 50, 2).values(0, 50)).all()


def test_uniform_numbers_are_uniform_and_never_an_end() -> None:
    found = uniform_numbers(1, "x", 0, 100_000)
    assert 0 < found.min() < 1e-4
    assert 1 - 1e-4 < found.max() < 1
    np.testing.assert_allclose(np.histogram(found, 10, (0, 1))[0], 10_000, rtol=0.05)
    assert abs(np.corrcoef(found[:-1], found[1:])[0, 1]) < 0.01
    assert abs(np.corrcoef(found, uniform_numbers(1, "y", 0, 100_000))[0, 1]) < 0.01


# patients


def population(count: int = 400, seed: int = 7, **correlated: float) -> Population:
    names = {"body_weight": Normal(4.2, 0.2, log=True, within=(45, 120)), "rate": Uniform(1, 9), "k": Normal(5, 1)}
    pairs = tuple([Correlation(*each.split("__"), value) for each, value in correlated.items()])
    return Population(tuple([axis(name) for name in names]), tuple(names.values()), count, seed, pairs)


def test_another_patient_or_axis_leaves_every_patient_as_it_was() -> None:
    small, large = population(400, body_weight__k=0.5), population(1000, body_weight__k=0.5)
    before = small.values(0, 400)
    np.testing.assert_array_equal(large.values(0, 400), before)
    more = Population(
        (axis("a_new_one"), *reversed(small.axes)),
        (Uniform(0, 1), *reversed(small.distributions)),
        400,
        7,
        small.correlations,
    )
    np.testing.assert_array_equal(more.values(0, 400)[:, :0:-1], before)


def test_every_grid_point_has_the_same_patients() -> None:
    product = DESIGNS["product"]
    assert product.shape == (5, 3, 500)
    found = product.values(0, product.count).reshape(15, 500, 8)
    for point, values in zip(GRID.values(0, 15), found, strict=True):
        np.testing.assert_array_equal(values[:, 2:], PATIENTS.values(0, 500))
        np.testing.assert_array_equal(values[:, :2], np.tile(point, (500, 1)))


def test_a_correlation_comes_out_and_changes_only_the_later_in_the_alphabet() -> None:
    alone, together = population(20_000), population(20_000, k__body_weight=0.6, rate__k=-0.5)
    before, after = alone.values(0, 20_000), together.values(0, 20_000)
    np.testing.assert_array_equal(after[:, 0], before[:, 0])
    assert (after[:, 1:] != before[:, 1:]).all()

    def normal(values):
        from scipy.special import ndtri

        return ndtri((np.argsort(np.argsort(values, axis=0), axis=0) + 0.5) / len(values))

    found = np.corrcoef(normal(after).T)
    assert found[0, 2] == pytest.approx(0.6, abs=0.02)
    assert found[1, 2] == pytest.approx(-0.5, abs=0.02)
    assert found[0, 1] == pytest.approx(0, abs=0.03)
    assert np.abs(np.corrcoef(before.T) - np.eye(3)).max() < 0.03
    for place, each in enumerate(alone.distributions):  # each by itself is as it was
        ranks = np.linspace(0.05, 0.95, 19)
        np.testing.assert_allclose(np.quantile(after[:, place], ranks), each.quantile(ranks), rtol=0.03)


def test_correlations_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(ValueError, match="contradict"):
        population(10, body_weight__k=0.9, k__rate=0.9, body_weight__rate=-0.9)


def test_distributions_have_the_quantiles_they_promise() -> None:
    from scipy import stats

    shares = np.linspace(0.001, 0.999, 500)
    truth = {
        Normal(3, 2): stats.norm(3, 2),
        Normal(3, 2, within=(0, 4)): stats.truncnorm(-1.5, 0.5, 3, 2),
        Normal(np.log(70), 0.2, log=True): stats.lognorm(0.2, scale=70),
        Uniform(1, 9): stats.uniform(1, 8),
        Uniform(1, 9, log=True): stats.loguniform(1, 9),
        Triangular(1, 2, 5): stats.triang(0.25, 1, 4),
        Triangular(1, 1, 5): stats.triang(0, 1, 4),
    }
    for made, exact in truth.items():
        np.testing.assert_allclose(made.quantile(shares), exact.ppf(shares), rtol=1e-9, err_msg=repr(made))


def test_limits_cut_off_and_change_nothing_inside() -> None:
    cut, whole = Normal(4.2, 0.5, log=True, within=(45, 120)), Normal(4.2, 0.5, log=True)
    found = cut.quantile(uniform_numbers(1, "w", 0, 50_000))
    assert (found.min(), found.max()) == pytest.approx((45, 120), rel=1e-3)
    assert found.min() >= 45
    assert found.max() <= 120
    free = whole.quantile(uniform_numbers(1, "w", 0, 50_000))
    inside = free[(free >= 45) & (free <= 120)]
    ranks = np.linspace(0.05, 0.95, 10)
    np.testing.assert_allclose(np.quantile(found, ranks), np.quantile(inside, ranks), rtol=0.01)


def test_a_choice_is_made_by_weight() -> None:
    found = Choice((1.0, 5.0, 9.0), (3, 0, 1)).quantile(uniform_numbers(1, "c", 0, 40_000))
    assert dict(zip(*np.unique(found, return_counts=True), strict=True)) == pytest.approx(
        {1: 30_000, 9: 10_000}, rel=0.02
    )
