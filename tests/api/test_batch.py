"""A scenario as a function of arrays: row by row what a run gives, whatever else is in the array."""

from __future__ import annotations

import multiprocessing
import pickle
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import immunesim as sim
import numpy as np
import pytest
from immunesim.runtime import memory

from tests.toys import SCENARIO

UNCERTIFIED = {"certify": False}
MEASURES = {"peak": "max(drug)", "saved": "auc(drug) - auc(drug, arm='untreated')", "when": "time_of_max(drug)"}

EXPLOSION = """
[reactions.growing]
equation = "-> cells"
rate = "k_grow * cells * cells"
source = "Toy2020"

[parameters.k_grow]
label = "cells that beget cells"
value = 0
unit = "uL/cells/h"
source = "Toy2020"
status = "secondary"
"""


@pytest.fixture
def toy(folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(folder)
    (folder / "toy.toml").write_text(SCENARIO)
    return "toy.toml"


def same(one: object, other: object) -> None:
    """Bit for bit."""
    for kind in ("curves", "measures"):
        for name, values in getattr(one, kind).items():
            np.testing.assert_array_equal(values, getattr(other, kind)[name])


@pytest.mark.parametrize(
    ("vary", "settings", "rows"),
    [
        ("k_clear", ["k_clear={} 1/h"], [[0.3], [0.5], [1.0]]),
        ("initial.drug", ["initial.drug={} pM"], [[0.0], [5.0]]),
        ("dose.push.amount", ["dose.push.amount={} pmol"], [[0.0], [3.0], [400.0]]),
        (
            ["dose.push.at", "dose.push.count", "dose.drip.over"],
            ["dose.push.at={} h", "dose.push.count={:.0f}", "dose.drip.over={} h"],
            [[1.5, 2, 3.0], [4.0, 1, 0.5], [1.5, 4, 3.0]],
        ),
        (
            ["k_clear [1/d]", ("dose.push.at", "min"), "dose.push.amount [nmol]"],
            ["k_clear={} 1/d", "dose.push.at={} min", "dose.push.amount={} nmol"],
            [[12.0, 90.0, 0.3], [24.0, 7.0, 0.5]],
        ),
    ],
)
@pytest.mark.filterwarnings("ignore::UserWarning")  # of a change that sets it too
def test_a_row_is_a_run(toy: str, vary: object, settings: list[str], rows: list[list[float]]) -> None:
    found = sim.batch(toy, vary=vary, curves=["drug", "total_cells"], at=["12 h", 1.5, 47], measures=MEASURES)(rows)
    assert found.ok
    for number, row in enumerate(rows):
        asked = [text.format(value) for text, value in zip(settings, row, strict=True)]
        run = sim.run(toy, set=["time.every=0.5 h", *asked], **UNCERTIFIED)
        for name in ("drug", "total_cells"):
            expected = run[name][np.searchsorted(run.times, [12.0, 1.5, 47.0])]
            np.testing.assert_allclose(found.curves[name][number], expected, rtol=1e-5, atol=1e-5)
        for name, formula in MEASURES.items():
            assert found.measures[name][number] == pytest.approx(float(run.measure(formula)), rel=1e-5, abs=1e-6)


@pytest.mark.slow
def test_a_row_of_the_human_model_is_a_run() -> None:
    function = sim.batch("acute_infection", vary=["body_weight", "stop_sensitivity"], curves="IL2", at="5 d",
                         measures="max(pathogen)")  # fmt: skip
    found = function([[70.0, 0.5], [90.0, 0.2]])
    run = sim.run("acute_infection", set={"body_weight": "90 kg", "stop_sensitivity": 0.2}, arms="main", **UNCERTIFIED)
    assert found.measures["max(pathogen)"][1] == pytest.approx(float(run.measure("max(pathogen)")), rel=1e-6)
    assert found.curves["IL2"][1, 0] == pytest.approx(run["IL2"][np.searchsorted(run.times, 5.0)], rel=1e-6)


def test_another_arm_is_read_as_the_main_one(toy: str) -> None:
    half = sim.batch(toy, vary="k_clear", arm="half", measures="max(drug)")([[0.5]]).measures["max(drug)"][0]
    run = sim.run(toy, set={"k_clear": "0.5 1/h"}, **UNCERTIFIED)
    assert half == pytest.approx(float(run.measure("max(drug, arm='half')")), rel=1e-5)


def test_a_row_gives_the_same_bits_in_any_array_order_thread_and_copy(toy: str) -> None:
    function = sim.batch(toy, vary=["k_clear", "dose.push.at"], curves="drug", measures=MEASURES)
    numbers = np.random.default_rng(1).uniform([0.2, 1.0], [1.0, 3.0], (300, 2))
    numbers[7] = np.nan
    whole = function(numbers)
    one_by_one = [function(numbers[[row]]) for row in range(0, 300, 37)]
    for place, each in zip(range(0, 300, 37), one_by_one, strict=True):
        np.testing.assert_array_equal(each.curves["drug"][0], whole.curves["drug"][place])
        np.testing.assert_array_equal(each.measures["saved"][0], whole.measures["saved"][place])
    order = np.random.default_rng(2).permutation(300)
    shuffled = function(numbers[order])
    for name in MEASURES:
        np.testing.assert_array_equal(shuffled.measures[name], whole.measures[name][order])
    copy = pickle.loads(pickle.dumps(function))
    same(copy(numbers), whole)
    with ThreadPoolExecutor(4) as pool:
        for each in pool.map(function, [numbers] * 8):
            same(each, whole)


def _peak(function: sim.ScenarioFunction, numbers: np.ndarray) -> np.ndarray:
    return function(numbers).measures["peak"]


def test_it_goes_to_other_processes(toy: str) -> None:
    function = sim.batch(toy, vary="k_clear", measures={"peak": "max(drug)"})
    numbers = np.array([[0.3], [0.6]])
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        there = pool.starmap(_peak, [(function, numbers)] * 3)
    for each in there:
        np.testing.assert_array_equal(each, function(numbers).measures["peak"])


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (np.nan, "k_clear: expected at least 0 1/h, found nan 1/h"),
        (np.inf, "k_clear: expected at least 0 1/h, found inf 1/h"),
        (-1.0, "k_clear: expected at least 0 1/h, found -1 1/h"),
    ],
)
def test_a_row_that_cannot_be_fails_alone(toy: str, number: float, message: str) -> None:
    function = sim.batch(toy, vary="k_clear", curves="drug", at=[1, 2], measures={"peak": "max(drug)"})
    found, alone = function([[0.5], [number], [0.6]]), function([[0.5], [0.6]])
    assert not found.ok
    assert list(found.failures) == [1]
    assert re.sub("0, or .* 1/h,", "at least 0 1/h,", found.failures[1].message) == message
    assert found.why("peak", 1) == found.failures[1].message
    assert found.failures[1].kind == "impossible"
    assert np.isnan(found.curves["drug"][1]).all()
    assert np.isnan(found.measures["peak"][1])
    np.testing.assert_array_equal(found.curves["drug"][[0, 2]], alone.curves["drug"])


def test_doses_that_cannot_be_given_in_time_fail_alone(toy: str) -> None:
    function = sim.batch(toy, vary=["dose.push.every", "dose.push.count"], measures={"peak": "max(drug)"})
    found = function([[12.0, 3], [12.0, 2.5], [1e-20, 3], [12.0, 0]])
    assert list(found.failures) == [1, 2, 3]
    assert found.failures[1].message == "dose.push.count: expected a whole number from 1 to 100000, found 2.5"
    assert "too close" in found.failures[2].message
    assert np.isnan(found.measures["peak"][1:]).all()


def test_times_may_be_whole_numbers(toy: str) -> None:
    whole, floats = (sim.batch(toy, vary="k_clear", curves="drug", at=at)([[0.5]]) for at in ([3, 1], [3.0, 1.0]))
    np.testing.assert_array_equal(whole.curves["drug"], floats.curves["drug"])
    assert whole.curves["drug"][0, 0] > 1.0


@pytest.mark.parametrize("engine", ["", pytest.param("scipy", marks=pytest.mark.slow)])
def test_a_simulation_that_fails_is_a_failure_and_no_number(
    toy: str, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    monkeypatch.setenv("IMMUNESIM_ENGINE", engine)
    with Path("toy_model.toml").open("a") as model:
        model.write(EXPLOSION)
    function = sim.batch(toy, vary="k_grow", curves="cells", at=[0.5, 40], measures={"most": "max(cells)"})
    found = function([[0.0], [1e-3]])
    assert list(found.failures) == [1]
    assert found.failures[1].kind in ("not finite", "no progress")
    assert np.isnan(found.curves["cells"][1]).all()
    assert np.isnan(found.measures["most"][1])
    assert np.isfinite(found.curves["cells"][0]).all()


def test_a_measure_without_a_value_says_why(toy: str) -> None:
    found = sim.batch(toy, vary="k_clear", measures={"rise": "first_above(drug, '1 M')"})([[0.5]])
    assert np.isnan(found.measures["rise"][0])
    assert found.ok
    assert found.why("rise", 0) == "never"


def test_scipy_does_it_too(toy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fast = sim.batch(toy, vary="k_clear", curves="drug", at=[3, 1], measures=MEASURES)([[0.4], [-1.0], [0.8]])
    monkeypatch.setenv("IMMUNESIM_ENGINE", "scipy")
    slow = sim.batch(toy, vary="k_clear", curves="drug", at=[3, 1], measures=MEASURES)([[0.4], [-1.0], [0.8]])
    np.testing.assert_allclose(slow.curves["drug"], fast.curves["drug"], rtol=1e-5)
    np.testing.assert_allclose(slow.measures["saved"], fast.measures["saved"], rtol=1e-5)
    assert slow.failures == fast.failures


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"vary": "k_claer"}, "batch(): nothing called 'k_claer' can vary; did you mean 'k_clear'?"),
        ({"vary": "k_clear [L]"}, "batch(): wrong unit: expected k_clear in 1/h"),
        ({"vary": "dose.push.amuont"}, "batch(): no dose and key 'dose.push.amuont'; did you mean 'dose.push.amount'?"),
        ({"vary": ["k_clear", "k_clear [1/d]"]}, "batch(): k_clear varies twice\n    vary k_clear [1/d]"),
        ({"vary": []}, "batch(): nothing varies: name what the columns of the numbers are"),
        ({"vary": 3}, "batch(): vary: expected names"),
        ({"vary": {"k_clear": "1:2"}}, "batch(): vary: expected names"),
        ({"vary": {"k_clear", "dose.push.at"}}, "batch(): vary: expected names"),
        ({"curves": "drug", "at": {1.0, 2.0}}, "batch(): at: expected a time such as '3 d'"),
        ({"curves": "drg"}, "batch(): no species or observable 'drg'; did you mean 'drug'?\n    curves drg"),
        ({"curves": "drug", "at": "50 h"}, "batch(): expected a time from 0 to 48 h, found '50 h'\n    at 50 h"),
        ({"curves": "drug", "at": []}, "batch(): expected at least one time"),
        ({"measures": {"a": "max(drg)"}}, "batch(): max() measures a species or observable: no species"),
        ({"measures": None, "curves": ()}, "batch(): nothing is asked for: give curves or measures"),
        ({"arm": 3}, "batch(): arm: expected the name of an arm, found 3"),
        ({"arm": "halv"}, "batch(): toy has no arm 'halv'; did you mean 'half'?\n    arm halv"),
        ({"vary": "dose.push.amount", "arm": "half"}, "batch(): dose.push.amount does not vary in arm half"),
    ],
)
def test_what_is_wrong_is_said_with_what_is_right(toy: str, options: dict, message: str) -> None:
    with pytest.raises(sim.InputError, match=re.escape(message)):
        sim.batch(toy, **{"vary": "k_clear", "measures": {"peak": "max(drug)"}, **options})


@pytest.mark.parametrize(
    ("numbers", "found"),
    [
        ([0.5, 1.0], "shape (2,); for a single row say X[None, :]"),
        ([[0.5]], "shape (1, 1)"),
        ([["a", "b"]], "an array of <U1"),
        ([[1.0], [1.0, 2.0]], "[[1.0], [1.0, 2.0]]"),
        ([[True, False]], "an array of bool"),
        ([[1j, 2j]], "an array of complex128"),
        (None, "shape ()"),
        ({}, "{}"),
    ],
)
def test_numbers_of_another_shape_are_refused(toy: str, numbers: object, found: str) -> None:
    function = sim.batch(toy, vary=["k_clear", "dose.push.amount"], measures={"peak": "max(drug)"})
    with pytest.raises(sim.InputError) as caught:
        function(numbers)
    assert str(caught.value) == (
        "a call of batch(): X: expected an array of numbers of shape (n, 2), a column for each of k_clear, "
        f"dose.push.amount, found {found}"
    )


def test_a_frame_has_the_columns_by_name_and_order(toy: str) -> None:
    pandas = pytest.importorskip("pandas")
    function = sim.batch(toy, vary=["k_clear", "dose.push.amount"], measures={"peak": "max(drug)"})
    frame = pandas.DataFrame({"k_clear": [0.5, None], "dose.push.amount": [3.0, 3.0]})
    found = function(frame)
    assert found.measures["peak"][0] == function([[0.5, 3.0]]).measures["peak"][0]
    assert list(found.failures) == [1]
    with pytest.raises(sim.InputError, match="in this order, found columns"):
        function(frame[["dose.push.amount", "k_clear"]])


def test_masked_numbers_are_no_numbers(toy: str) -> None:
    function = sim.batch(toy, vary="k_clear", measures={"peak": "max(drug)"})
    assert list(function(np.ma.masked_values([[0.5], [9.0]], 9.0)).failures) == [1]


def test_no_row_is_no_value(toy: str) -> None:
    found = sim.batch(toy, vary="k_clear", curves="drug", at=[1, 2], measures=MEASURES)(np.empty((0, 1)))
    assert found.curves["drug"].shape == (0, 2)
    assert found.measures["peak"].shape == (0,)


def test_curves_that_will_not_fit_are_refused_before(toy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    function = sim.batch(toy, vary="k_clear", curves="drug", at=np.linspace(0, 48, 10_000))
    with pytest.raises(
        sim.InputError, match=r"rows of 1 curve at 10,000 times take about .* are free: give fewer rows"
    ):
        function(np.broadcast_to(0.5, (2 * memory.available_memory() // 100_000, 1)))


def test_units_and_columns_are_told(toy: str) -> None:
    function = sim.batch(toy, vary=["k_clear [1/d]", "dose.push.amount"], curves="drug", measures={"area": "auc(drug)"})
    assert function.columns == ("k_clear [1/d]", "dose.push.amount")
    assert function.units == {"k_clear [1/d]": "1/d", "dose.push.amount": "pmol", "drug": "pM", "area": "pM*h"}
    assert repr(function) == "<ScenarioFunction of toy: k_clear [1/d], dose.push.amount [pmol] -> drug, area>"


def test_a_sensitivity_analysis_takes_its_rows(toy: str) -> None:
    from SALib.analyze.sobol import analyze
    from SALib.sample.sobol import sample

    problem = {"num_vars": 2, "names": ["k_clear", "k_absorb"], "bounds": [[0.3, 1.0], [0.1, 0.4]]}
    function = sim.batch(toy, vary=problem["names"], measures={"area": "auc(drug)"})
    found = analyze(problem, function(sample(problem, 64)).measures["area"])
    assert found["S1"][0] > 0.9  # nothing is given into the depot


DATA = """
[[data]]
name = "treated"
curve = "drug / at(drug, '4 h')"
points = [{ time = "4 h", value = 1, sd = 0.1 }, { time = "6 h", value = 0.4, sd = 0.1 }]
[[data]]
name = "not treated"
arm = "untreated"
curve = "cells"
unit = "cells/uL"
error = "lognormal"
points = [{ time = "20 h", value = 900 }]
"""


@pytest.mark.filterwarnings("ignore:the change from 20 to 30 h sets k_clear")
def test_residuals_of_all_data_are_those_of_runs(toy: str) -> None:
    text = Path(toy).read_text()
    Path(toy).write_text(text + DATA)
    function = sim.batch(toy, vary="k_clear", data=True, measures={"peak": "max(drug)"})
    rates = np.array([0.3, 0.5, -1.0])
    found = function(rates[:, None])
    assert found.residuals.shape == (3, 3)
    assert np.isnan(found.residuals[2]).all()
    assert list(found.failures) == [2]
    for row, rate in enumerate(rates[:2]):
        run = sim.run(toy, set={"k_clear": f"{rate} 1/h"})
        of_run = np.concatenate([each.residuals for each in run.result.data])
        assert found.residuals[row] * [0.1, 0.1, 1] == pytest.approx(of_run, rel=1e-4, abs=1e-6)
    assert (pickle.loads(pickle.dumps(function))(rates[:, None]).residuals[:2] == found.residuals[:2]).all()


def test_only_the_arms_of_data_are_computed_for_residuals(toy: str) -> None:
    text = Path(toy).read_text()
    Path(toy).write_text(text + DATA)
    function = sim.batch(toy, vary="k_clear", data=True)
    assert repr(function) == "<ScenarioFunction of toy: k_clear [1/h] -> residuals>"
    assert function(np.empty((0, 1))).residuals.shape == (0, 3)
    assert np.isfinite(function([[0.4]]).residuals).all()


def test_a_scenario_without_data_has_no_residuals(toy: str) -> None:
    with pytest.raises(sim.InputError, match=r"toy has no \[\[data\]\] to compare with"):
        sim.batch(toy, vary="k_clear", data=True)


def test_a_formula_of_curves_is_a_curve(toy: str) -> None:
    formula = "drug / at(drug, '4 h')"
    function = sim.batch(toy, vary="k_clear", curves=[formula, "drug"], at=["5 h", "4 h"])
    found = function([[0.5], [0.25]])
    assert found.curves[formula][:, 1] == pytest.approx(1)
    assert found.curves[formula] == pytest.approx(found.curves["drug"] / found.curves["drug"][:, 1:])
    assert function.units[formula] == "1"
